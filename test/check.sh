#!/usr/bin/env bash
# The whole suite: make check.  Sets up what it needs, tests in a private copy with a private
# install and a private cluster, and ends with a line "N passed, N failed".
#   PG=17 test/check.sh, PG=18 test/check.sh    the same in a debootstrap folder (test/pgroot.sh)
#   SUITES="unit regress isolation tap postgrest" test/check.sh    some of it
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

SUITES=${SUITES:-unit regress isolation tap postgrest examples}

if [ -n "${PG:-}" ]; then
	# The folder has neither npm nor this machine's files: what the suite reads is shown to it read-only.
	binary=$("$STATBUS_TOP/test/postgrest.sh" path) || binary=
	shared=${STATBUS_SHARED:-$(cd "$STATBUS_TOP/.." && pwd)/shared}
	# A server of the host's major version, to upgrade from.
	old_server=$("$STATBUS_TOP/test/old_server.sh" "$PG" | tail -n 1) || old_server=
	bind=$old_server
	[ -z "$binary" ] || bind=$bind:$(dirname "$binary")
	[ ! -d "$shared" ] || bind=$bind:$shared
	STATBUS_PGROOT_BIND=${bind#:} exec "$STATBUS_TOP/test/pgroot.sh" run "$PG" "$STATBUS_TOP" \
		env SUITES="$SUITES" STATBUS_SHARED="$shared" POSTGREST="$binary" STATBUS_OLD_SERVER="$old_server" test/check.sh
fi

find_server
need_packages perl libipc-run-perl valgrind
export STATBUS_SHARED=${STATBUS_SHARED:-$(cd "$STATBUS_TOP/.." && pwd)/shared}
[ -d "$STATBUS_SHARED" ] || say "no shared folder at $STATBUS_SHARED: the tests that read it say that they are skipped"

work=$(mktemp -d /tmp/statbus-check.XXXXXX)
as_root chown postgres: "$work"
cleanup() {
	stop_cluster "$work"
	if [ "${KEEP:-}" = 1 ]; then say "left in $work"; else as_root rm -rf "$work"; fi
}
trap cleanup EXIT

passed=0
failed=0

# count PASSED FAILED NAME
count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	say "$3: $1 passed, $2 failed"
}

# count_pg_regress LOG NAME EXPECTED: the results are read from the log, whose form changed in 16.
count_pg_regress() {
	local ok bad
	ok=$(grep -cE '^(ok [0-9]+|test .* ok |test .*\.\.\. ok)' "$1" || true)
	bad=$(grep -cE '^(not ok [0-9]+|test .*FAILED)' "$1" || true)
	if [ $((ok + bad)) -ne "$3" ]; then
		say "$2: $3 tests were to run, $((ok + bad)) did"
		bad=$((bad + 1))
	fi
	count "$ok" "$bad" "$2"
}

has() { case " $SUITES " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

say "PostgreSQL $PG_MAJOR: building in $work"
copy_tree "$work/src"
build_into "$work/src" "$work/install"
write_temp_conf "$work/temp.conf" "$work/install"
make_list() { as_postgres make -s -C "$work/src" -f Makefile -f - "print-$1" PG_CONFIG="$PG_CONFIG" <<<"print-%: ; @echo \$($1)"; }

if has unit; then
	say "unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	as_postgres make -s -C "$work/src/test/unit" check >"$work/unit.log" 2>&1 || true
	grep -vE '^ok ' "$work/unit.log" >&2 || true
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/unit.log" | tail -n 1)
	if [ -n "$line" ]; then count "${line%% *}" "$(echo "$line" | sed 's/.*, \([0-9]*\) failed/\1/')" unit; else count 0 1 unit; fi
	say "unit tests under valgrind"
	as_postgres make -s -C "$work/src/test/unit" valgrind >"$work/valgrind.log" 2>&1 || true
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/valgrind.log" | tail -n 1)
	[ -n "$line" ] && [ "${line##*, }" = '0 failed' ] || cat "$work/valgrind.log" >&2
	if [ -n "$line" ]; then count "${line%% *}" "$(echo "$line" | sed 's/.*, \([0-9]*\) failed/\1/')" valgrind; else count 0 1 valgrind; fi
fi

if has regress || has isolation; then
	start_cluster "$work" 5600 "$work/temp.conf"
	export PGHOST=$work/sock PGPORT=5600 PGUSER=postgres
	installcheck() {
		as_postgres env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" \
			make -s -C "$work/src" installcheck PG_CONFIG="$PG_CONFIG" with_llvm=no "$@"
	}
	if has regress; then
		say "regression tests"
		installcheck ISOLATION= TAP_TESTS= >"$work/regress.log" 2>&1 || cat "$work/src/regression.diffs" >&2 2>/dev/null || tail -n 40 "$work/regress.log" >&2
		count_pg_regress "$work/regress.log" regress "$(make_list REGRESS | wc -w)"
	fi
	if has isolation; then
		say "isolation tests"
		installcheck REGRESS= TAP_TESTS= >"$work/isolation.log" 2>&1 || cat "$work/src/output_iso/regression.diffs" >&2 2>/dev/null || tail -n 40 "$work/isolation.log" >&2
		count_pg_regress "$work/isolation.log" isolation "$(make_list ISOLATION | wc -w)"
	fi
	stop_cluster "$work"
fi

# run_prove NAME FILE…: TAP files as user postgres, each with clusters of its own.
run_prove() {
	local name=$1 line tests
	shift
	say "$name tests"
	if as_postgres env TEMP_CONFIG="$work/temp.conf" STATBUS_SHARED="$STATBUS_SHARED" POSTGREST="${POSTGREST:-}" \
		STATBUS_OLD_SERVER="${STATBUS_OLD_SERVER:-}" \
		make -s -C "$work/src" installcheck PG_CONFIG="$PG_CONFIG" with_llvm=no \
		REGRESS= ISOLATION= PROVE_TESTS="$*" PROVE_FLAGS=--comments >"$work/$name.log" 2>&1; then
		tests=$(sed -n 's/^Files=[0-9]*, Tests=\([0-9]*\),.*/\1/p' "$work/$name.log")
		# What a test says aloud: why it was skipped, and the tables that it prints.
		grep -iE 'skipped|^# SKIP' "$work/$name.log" >&2 || true
		sed -n '/^# legal units per region and section/,/^[^#]/{/^#/p}' "$work/$name.log"
		count "${tests:-0}" "$([ -n "$tests" ] && echo 0 || echo 1)" "$name"
	else
		tail -n 80 "$work/$name.log" >&2
		for log in "$work"/src/tmp_check/log/regress_log_*; do
			grep -qE 'not ok|error running|died' "$log" || continue
			say "$(basename "$log"), its errors"
			grep -E -A3 'ERROR:|error:|not ok|died' "$log" | head -n 30 >&2
		done
		tests=$(sed -n 's/^Files=[0-9]*, Tests=\([0-9]*\),.*/\1/p' "$work/$name.log")
		line=$(grep -cE '^#   Failed test' "$work/$name.log" || true)
		[ "$line" -gt 0 ] || line=1
		count "$((${tests:-$line} - line))" "$line" "$name"
	fi
}

if has tap; then
	run_prove tap 'test/t/*.pl'
fi
if has postgrest; then
	if [ -n "${POSTGREST:-}" ] || POSTGREST=$("$STATBUS_TOP/test/postgrest.sh" path); then
		run_prove postgrest 'test/postgrest/*.pl'
	else
		say "PostgREST could not be had"
		count 0 1 postgrest
	fi
fi
if has examples; then
	if as_postgres "$work/src/test/examples.sh" >&2; then count 1 0 examples; else count 0 1 examples; fi
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
