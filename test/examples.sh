#!/usr/bin/env bash
# Are the files of examples/ what examples/generate.pl writes? Compares byte for byte, in a folder of its own.
# Prints a TAP line per file; exit code 1 when one differs. Needs Perl and nothing else.
set -euo pipefail

examples=$(cd "$(dirname "$0")/../examples" && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

perl "$examples/generate.pl" 20240615 "$fresh"

# Both directions: a file that the generator no longer writes is stale, and must be gone.
number=0
failed=0
while IFS= read -r name; do
    number=$((number + 1))
    if cmp -s "$examples/$name" "$fresh/$name"; then
        printf 'ok %d - examples/%s is as generated\n' "$number" "$name"
    else
        printf 'not ok %d - examples/%s is as generated\n' "$number" "$name"
        failed=$((failed + 1))
    fi
done < <(cd "$examples" && { ls -- *.csv; cd "$fresh" && ls -- *.csv; } | LC_ALL=C sort -u)
printf '1..%d\n' "$number"
if [ "$failed" -gt 0 ]; then
    printf '# regenerate: perl examples/generate.pl 20240615 examples\n'
    exit 1
fi
