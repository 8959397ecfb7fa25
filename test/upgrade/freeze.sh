#!/usr/bin/env bash
# Keeps the install script of a release, as a base for the tests of updates (test/t/050_upgrade.pl):
# an update must work from what users have, not from what the tree has become.
#
#   test/upgrade/freeze.sh               version 0.1.0: the first half of the steps, and the functions they need
#   test/upgrade/freeze.sh VERSION       the version in statbus.control, whole: run once, when it is released
#   test/upgrade/freeze.sh --again …     replace what was kept, although a step in it has changed
#
# The result is test/upgrade/statbus--VERSION.sql, built from the tree and from nothing else.  It is installed
# only for tests (build_into in test/lib.sh) and uses the library under test, as an old install script does after
# `make install`: a C function that a release had keeps its symbol.  From then on the steps in it are immutable;
# their hashes stand in its first lines.  Only a version that is on no main branch yet may be frozen --again.
set -euo pipefail
cd "$(dirname "$0")/../.."

again=
if [ "${1:-}" = --again ]; then again=1; shift; fi
version=${1:-0.1.0}
result=test/upgrade/statbus--$version.sql

# What version 0.1.0 held.  Nothing of the worker, the import, derived tables or the views of tables.
first_steps=$(ls src/sql/data/000[1-8]_*.sql)
first_definitions=$(ls src/sql/define/{00,20,30,90}_*.sql)
first_parts="install parse temporal_keys temporal_merge temporal_portion code_lists auth register"

# first_release: the order of the parts is that of the Makefile.
first_release() {
	local part
	cat src/sql/header.sql src/sql/guard.sql src/sql/roles.sql src/sql/types.sql src/sql/secrets.sql
	for part in $first_parts; do
		[ ! -e "src/sql/$part.sql" ] || cat "src/sql/$part.sql"
	done
	src/sql/wrap.sh "$first_steps" "$first_definitions"
	cat src/sql/migrate.sql src/sql/footer.sql
}

# whole_release: what `make install` of this tree installs.
whole_release() {
	make -s build/migration.sql "build/statbus--$version.sql" >&2
	cat "build/statbus--$version.sql"
}

if [ "$version" = 0.1.0 ]; then
	steps=$first_steps
	release=first_release
else
	current=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" statbus.control)
	if [ "$version" != "$current" ]; then
		echo "freeze: this tree is version $current, not $version" >&2
		exit 1
	fi
	steps=$(ls src/sql/data/*.sql)
	release=whole_release
fi

changed=0
# shellcheck disable=SC2086  # a list of files
for step in $steps; do
	line="-- step $(basename "$step" .sql) sha256 $(sha256sum <"$step" | cut -d' ' -f1)"
	if [ -e "$result" ] && [ -z "$again" ] && ! grep -qxF -e "$line" "$result"; then
		echo "freeze: $step is not what $result holds: a released step was changed" >&2
		changed=1
	fi
	echo "$line"
done >"$result.new"
if [ "$changed" = 1 ]; then
	rm "$result.new"
	echo "freeze: nothing was written; see --again in $0" >&2
	exit 1
fi
{
	echo "-- statbus $version as it was released.  Made by test/upgrade/freeze.sh; not to be edited."
	cat "$result.new"
	$release
} >"$result.newer"
rm "$result.new"
mv "$result.newer" "$result"
echo "$result: $(wc -l <"$result") lines, steps up to $(echo "$steps" | tail -n 1)" >&2
