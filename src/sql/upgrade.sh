#!/bin/sh
# upgrade.sh RELEASE: what changed after that release and after each later one, oldest first.
set -eu
for file in $(ls "$(dirname "$0")"/upgrade/*.sql | sort -V); do
	release=$(basename "$file" .sql)
	if [ "$(printf '%s\n%s\n' "$1" "$release" | sort -V | head -n 1)" = "$1" ]; then cat "$file"; fi
done
