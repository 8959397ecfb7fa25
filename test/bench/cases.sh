#!/usr/bin/env bash
# Every ratio that the project promises for an area, each beside its baseline of the same run, on the server installed here.
# test/bench.sh calls it for the installed server and, in test/pgroot.sh's folder, for 18.
#
#   test/bench/cases.sh AREA   the cases of folder test/bench/AREA: temporal, auth, import_apply, import_cells
#   CASE="allen gaps"    only these cases (the .sql files of the folder)
#   BENCH_ROUNDS=1       rounds instead of three
#   BENCH_QUICK=1        one round, without the runs that take more than ten seconds
#   BENCH_CLOCK=cpu      processor time of the session's process, without parallel workers: for a machine that others use as well
#
# A case is a file of SQL.  Its head says what is run and what is promised:
#   -- needs: temporal.f                            a function without which the case cannot run
#   -- run: NAME [xN] [slow] [pg18] [memory] [rows=N or rows=$VARIABLE] [block=NAME] [vector=FILE[#N]:HEADING]
#        a measured run: N rounds (three; slow: one), from version 18 only, with psql's variable :rows, of the block of that name
#        or of what follows the line "\echo == HEADING" in ../shared/vectors/temporal/FILE (#N: the Nth statement of it only)
#   -- run: NAME … command=COMMAND                 instead, a command of the folder that prints milliseconds
#   -- same: NAME NAME                              both must print the same, or the bench fails
#   -- ratio: FIGURE | FUNCTION | A / B | TARGET    A and B are names of runs, perhaps times a number; TARGET is <= N, >= N, N..N
#   -- time: FIGURE | FUNCTION | A | TARGET         milliseconds
#   -- memory: FIGURE | FUNCTION | A | TARGET       bytes of private memory per row of :rows that the server's process grew by
# Blocks follow lines "\echo == NAME": "setup" (once, with "-- vector: FILE" also that file's statements before its first heading),
# "NAME: prepare" (before each round, same session, not timed), "NAME" (timed by psql, the sum of its statements).
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
area=${1:?an area: temporal, auth, import_apply or import_cells}
here=$STATBUS_TOP/test/bench/$area
[ -d "$here" ] || die "there is no $here"

find_server
need_packages perl
vectors=${STATBUS_SHARED:-$(cd "$STATBUS_TOP/.." && pwd)/shared}/vectors/$area
work=$(mktemp -d /tmp/statbus-bench-$area.XXXXXX)
as_root chown postgres: "$work"
as_root chmod 755 "$work"
trap 'stop_cluster "$work"; as_root rm -rf "$work"' EXIT
export PGHOST=$work/sock PGPORT=5602 PGUSER=postgres PGDATABASE=bench PGOPTIONS='-c client_min_messages=warning'
as_root install -d -o "$(id -u)" "$work/out"
failed=0
default_rounds=${BENCH_ROUNDS:-3}
[ "${BENCH_QUICK:-}" != 1 ] || default_rounds=1
declare -A times outputs memory

# block FILE HEADING [N]: the statements below a heading, or the Nth of them; heading '' is what precedes the first.
block() {
	awk -v heading="$2" -v wanted="${3:-0}" '
		/^\\echo == / { inside = (substr($0, 10) == heading); next }
		NR == 1 && heading == "" { inside = 1 }
		!inside || /^\\timing|^\\set ON_ERROR_STOP/ { next }
		wanted == 0 || statement == wanted - 1 { print }
		/;[ \t]*(--.*)?$/ { statement++ }' "$1"
}

has_block() { grep -qxF "\\echo == $2" "$1"; }

sql() { "$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# head_lines FILE WORD: what follows "-- WORD: " in a case's head.
head_lines() { sed -n "s/^-- $2: *//p" "$1"; }

median() { tr ' ' '\n' <<<"$1" | grep . | sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# one_round CASE_FILE NAME BLOCK ROWS VECTOR MEASURES_MEMORY: runs it once and keeps time, output and growth of memory.
one_round() {
	local file=$1 name=$2 block=$3 rows=$4 vector=$5 measures_memory=$6 script=$work/out/script.sql source heading number
	{
		printf '\\o /dev/null\n'
		if has_block "$file" "$block: prepare"; then block "$file" "$block: prepare"; fi
		printf 'CHECKPOINT;\nSELECT pg_backend_pid() AS pid \\gset\n\\setenv BENCH_BACKEND :pid\n'
		if [ -n "$measures_memory" ]; then
			printf '\\! %s/test/bench/memory.sh %s/out/memory &\n\\! sleep 0.1\n' "$STATBUS_TOP" "$work"
		fi
		printf '\\! cat /proc/$BENCH_BACKEND/schedstat >%s/out/cpu\n\\o %s/out/result\n\\timing on\n' "$work" "$work"
		if [ -n "$vector" ]; then
			source=${vector%%:*} heading=${vector#*:} number=
			case $source in *'#'*) number=${source#*#} source=${source%#*} ;; esac
			block "$vectors/$source" "$heading" "$number"
		else
			block "$file" "$block"
		fi
		printf '\\timing off\n\\! cat /proc/$BENCH_BACKEND/schedstat >>%s/out/cpu\n' "$work"
	} >"$script"
	sql -v rows="$rows" -f "$script" >"$work/out/timing" 2>"$work/out/errors" || { cat "$work/out/errors" >&2; return 1; }
	if [ "${BENCH_CLOCK:-}" = cpu ]; then
		times[$name]+=" $(awk 'NR == 1 { start = $1 } END { printf "%.3f", ($1 - start) / 1000000 }' "$work/out/cpu")"
	else
		times[$name]+=" $(awk '/^Time: / { total += $2 } END { printf "%.3f", total }' "$work/out/timing")"
	fi
	outputs[$name]=$(grep -vE '(Planning|Execution) Time|Memory Usage|Buckets|Workers' "$work/out/result" || true)
	if [ -n "$measures_memory" ]; then
		memory[$name]=$(awk -v rows="$rows" 'NR == 1 { first = $1 } $1 > most { most = $1 } END { printf "%.0f", (most - first) * 1024 / rows }' "$work/out/memory")
	fi
}

# show_time NAME FACTOR: a median in words.
show_time() { median "${times[$1]}" | awk -v f="$2" '{ t = $1 * f; if (t < 1000) printf "%.1f ms", t; else printf "%.2f s", t / 1000 }'; }

# verdict VALUE TARGET: met or missed.
verdict() {
	awk -v v="$1" -v t="$2" 'BEGIN {
		n = split(t, p, " "); if (n == 0) { print "–"; exit }
		if (p[1] == "<=") ok = v <= p[2]; else if (p[1] == ">=") ok = v >= p[2];
		else { split(t, b, "[.][.]"); ok = v >= b[1] && v <= b[2] }
		print ok ? "met" : "**missed**" }'
}

trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }

# report FILE: the lines of a case that could be measured.
report() {
	local kind line figure function expression target a b fa fb value
	while IFS= read -r line; do
		kind=${line%%:*}
		kind=${kind#-- }
		IFS='|' read -r figure function expression target <<<"${line#*: }"
		figure=$(trim "$figure") function=$(trim "$function") expression=$(trim "$expression") target=$(trim "${target:-}")
		case $kind in
		ratio)
			a=$(trim "${expression%%/*}") b=$(trim "${expression#*/}") fa=1 fb=1
			case $a in *'*'*) fa=${a#*\*} a=${a%\**} ;; esac
			case $b in *'*'*) fb=${b#*\*} b=${b%\**} ;; esac
			[ -n "${times[$a]:-}" ] && [ -n "${times[$b]:-}" ] || continue
			value=$(echo "$(median "${times[$a]}") $(median "${times[$b]}")" | awk -v fa="$fa" -v fb="$fb" '{ printf "%.2f", $1 * fa / ($2 * fb) }')
			printf '| %s | %s | %s: %s | %s: %s | %s | %s | %s |\n' "$figure" "$function" "$a" "$(show_time "$a" "$fa")" \
				"$b" "$(show_time "$b" "$fb")" "$value" "${target//../ to }" "$(verdict "$value" "$target")"
			;;
		time)
			[ -n "${times[$expression]:-}" ] || continue
			value=$(median "${times[$expression]}")
			printf '| %s | %s | %s: %s | | | %s | %s |\n' "$figure" "$function" "$expression" "$(show_time "$expression" 1)" "${target:+$target ms}" "$(verdict "$value" "$target")"
			;;
		memory)
			[ -n "${memory[$expression]:-}" ] || continue
			printf '| %s | %s | %s: %s bytes | | | %s bytes | %s |\n' "$figure" "$function" "$expression" "${memory[$expression]}" "$target" "$(verdict "${memory[$expression]}" "$target")"
			;;
		esac
	done < <(grep -E '^-- (ratio|time|memory): ' "$1")
}

# run_case FILE: its set-up, then its runs in turns, so that every round meets the same load of the machine.
run_case() {
	local file=$1 case_name function line name options rounds round slow block rows vector measures command same a b started=$SECONDS
	case_name=$(basename "$file" .sql)
	for function in $(head_lines "$file" needs); do
		if [ "$(sql -c "SELECT count(*) FROM pg_proc AS p WHERE p.pronamespace = '${function%%.*}'::regnamespace AND p.proname = '${function#*.}'")" = 0 ]; then
			printf '| %s | %s | is not there yet | | | | |\n' "$case_name" "$function"
			return 0
		fi
	done
	if grep -qE '^-- vector: ' "$file" && [ ! -d "$vectors" ]; then
		printf '| %s | | its data are in %s, which is not there | | | | |\n' "$case_name" "$vectors"
		return 0
	fi
	times=() outputs=() memory=()
	{
		echo '\o /dev/null'
		for line in $(head_lines "$file" vector); do
			case $line in 00_setup.sql) ;; *) block "$vectors/$line" '' ;; esac
		done
		block "$file" setup
	} >"$work/out/setup.sql"
	sql -f "$work/out/setup.sql" >/dev/null || return 1
	for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		while IFS= read -r line; do
			name=${line%% *} options=" ${line#"$name"} " rounds=$default_rounds slow= rows='' block=$name vector= measures=
			command=
			case $options in *' command='*) command=$(trim "${options#* command=}") options="${options%% command=*} " ;; esac
			case $options in *' vector='*) vector=$(trim "${options#* vector=}") options="${options%% vector=*} " ;; esac
			case $options in *' slow '*) slow=1 rounds=1 ;; esac
			case $options in *' memory '*) measures=1 ;; esac
			case $options in *' pg18 '*) [ "$PG_MAJOR" -ge 18 ] || continue ;; esac
			case $options in *' rows='*) rows=${options#* rows=} rows=${rows%% *} ;; esac
			case $rows in '$'*) rows=$(printenv "${rows#?}" || true) rows=${rows:-1000000} ;; esac
			case $options in *' block='*) block=${options#* block=} block=${block%% *} ;; esac
			case $options in *' x'[0-9]*) rounds=${options#* x} rounds=${rounds%% *} ;; esac
			if [ "${BENCH_QUICK:-}" = 1 ] && [ -n "$slow" ]; then continue; fi
			[ "$round" -le "$rounds" ] || continue
			if [ -n "$command" ]; then
				times[$name]+=" $(cd "$here" && $command)"
				continue
			fi
			one_round "$file" "$name" "$block" "$rows" "$vector" "$measures" ||
				{ printf '| %s | | %s failed: %s | | | | |\n' "$case_name" "$name" "$(grep -m1 ERROR "$work/out/errors" | sed 's/.*ERROR: *//')"; failed=1; return 0; }
		done < <(head_lines "$file" run)
	done
	while IFS= read -r same; do
		read -r a b <<<"$same"
		if [ -n "${times[$a]:-}" ] && [ -n "${times[$b]:-}" ] && [ "${outputs[$a]}" != "${outputs[$b]}" ]; then
			printf '| %s | | %s and %s give different results | | | | |\n' "$case_name" "$a" "$b"
			diff <(echo "${outputs[$a]}") <(echo "${outputs[$b]}") | head -n 5 >&2 || true
			failed=1
		fi
	done < <(head_lines "$file" same)
	report "$file"
	say "$case_name: $((SECONDS - started)) s, load$(sed 's/^\([0-9.]* [0-9.]*\).*/ \1/' /proc/loadavg)"
}

say "building for PostgreSQL $PG_MAJOR"
copy_tree "$work/src"
build_into "$work/src" "$work/install"
write_temp_conf "$work/temp.conf" "$work/install"
{ echo "autovacuum = off"; echo "checkpoint_timeout = 1h"; echo "max_wal_size = 16GB"; } | as_postgres tee -a "$work/temp.conf" >/dev/null
if [ "${BENCH_CLOCK:-}" = cpu ]; then
	{ echo "max_parallel_workers_per_gather = 0"; echo "max_parallel_maintenance_workers = 0"; } | as_postgres tee -a "$work/temp.conf" >/dev/null
fi
start_cluster "$work" "$PGPORT" "$work/temp.conf"
PGDATABASE=postgres sql -c 'CREATE DATABASE bench'
sql -c 'CREATE EXTENSION statbus CASCADE'
if [ -f "$vectors/00_setup.sql" ]; then
	say "the data of $vectors/00_setup.sql"
	sql -f "$vectors/00_setup.sql" >/dev/null
elif grep -q '^-- vector: ' "$here"/*.sql; then
	say "no $vectors: the cases that need it are left out"
fi

printf '\n### Area %s, PostgreSQL %s\n\n%s, %s, %s, %s cores, load %s; ' "$area" "$PG_MAJOR" "$(date '+%Y-%m-%d %H:%M')" \
	"$(sql -c "SELECT 'server ' || split_part(current_setting('server_version'), ' ', 1) || ', statbus ' || extversion FROM pg_extension WHERE extname = 'statbus'")" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
sql -F ' = ' -R ', ' -c "SELECT name, current_setting(name) FROM unnest('{work_mem,jit,max_parallel_workers_per_gather,shared_buffers,fsync,autovacuum}'::text[]) AS name"
printf '\nMedians of %s; what the case calls slow, once.\n' "$default_rounds rounds$([ "${BENCH_CLOCK:-}" = cpu ] && echo ', processor time' || true)"
printf '\n| figure | measures | time | baseline | ratio | target | |\n|---|---|---:|---:|---:|---:|---|\n'
for case_name in ${CASE:-$(cd "$here" && ls ./*.sql | sed 's/^\.\///; s/\.sql$//')}; do
	[ -e "$here/$case_name.sql" ] || die "no case $case_name; there are: $(cd "$here" && echo ./*.sql)"
	run_case "$here/$case_name.sql"
done
exit "$failed"
