#!/usr/bin/env bash
# A private workbench: a copy of the tree, built and installed below /tmp, with its own cluster.
#   test/dev.sh up NAME                 start it and create database statbus with the extension
#   test/dev.sh reload NAME             copy the tree again, rebuild, recreate database statbus
#   test/dev.sh psql NAME [ARG…]        psql in database statbus
#   test/dev.sh regress NAME "a b c"    these regression tests; shows the differences
#   test/dev.sh isolation NAME "a b"    these isolation tests
#   test/dev.sh tap NAME FILE…          these TAP files
#   test/dev.sh down NAME
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

command=${1:?up, reload, psql, regress, isolation, tap or down}
name=${2:?a name of your own}
shift 2
dir=/tmp/statbus-dev-$name
find_server
port=$((5700 + $(printf '%s' "$name" | cksum | cut -d' ' -f1) % 200))
export PGHOST=$dir/sock PGPORT=$port PGUSER=postgres

build() {
	copy_tree "$dir/src"
	build_into "$dir/src" "$dir/install"
}

create() {
	as_postgres "$PG_BIN/psql" -qX -d postgres -c 'DROP DATABASE IF EXISTS statbus WITH (FORCE)' -c 'CREATE DATABASE statbus'
	as_postgres "$PG_BIN/psql" -qX -v ON_ERROR_STOP=1 -d statbus -c 'CREATE EXTENSION statbus CASCADE'
}

run_make() {
	as_postgres env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" make -s -C "$dir/src" installcheck \
		PG_CONFIG="$PG_CONFIG" with_llvm=no "$@"
}

case $command in
up)
	[ ! -d "$dir/data" ] || die "$name is up already: use reload"
	as_postgres mkdir -p "$dir"
	build
	write_temp_conf "$dir/temp.conf" "$dir/install"
	start_cluster "$dir" "$port" "$dir/temp.conf"
	create
	echo "PGHOST=$PGHOST PGPORT=$PGPORT PGUSER=postgres psql statbus"
	;;
reload)
	build
	create
	;;
psql)
	exec "$PG_BIN/psql" -X -d statbus "$@"
	;;
regress)
	for test in $1; do [ -e "$dir/src/expected/$test.out" ] || as_postgres touch "$dir/src/expected/$test.out"; done
	run_make REGRESS="$1" ISOLATION= TAP_TESTS= || { cat "$dir/src/regression.diffs"; exit 1; }
	;;
isolation)
	run_make REGRESS= TAP_TESTS= ISOLATION="$1" || { cat "$dir/src/output_iso/regression.diffs"; exit 1; }
	;;
tap)
	STATBUS_SHARED=${STATBUS_SHARED:-$(cd "$STATBUS_TOP/.." && pwd)/shared} run_make REGRESS= ISOLATION= PROVE_TESTS="$*" TEMP_CONFIG="$dir/temp.conf" PROVE_FLAGS=-v
	;;
down)
	stop_cluster "$dir"
	as_root rm -rf "$dir"
	;;
*)
	die "unknown command $command"
	;;
esac
