#!/usr/bin/env bash
# make bench: prints the tables of doc/performance.md.  Every figure stands beside a baseline of the same run.
#   BENCH="import auth temporal" make bench         some parts; auth, import_apply, import_cells and temporal run on the installed server and on 18
#   BENCH=temporal PG=15 CASE="allen" make bench    one server, some cases (see test/bench/cases.sh)
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

find_server
need_packages perl
export STATBUS_SHARED=${STATBUS_SHARED:-$(cd "$STATBUS_TOP/.." && pwd)/shared}
code=0

# area NAME: in this machine's server, then in the folder of 18; which of them, PG may say.
area() {
	case " ${PG:-$PG_MAJOR 18} " in *" $PG_MAJOR "*) "$STATBUS_TOP/test/bench/cases.sh" "$1" || code=1 ;; esac
	case " ${PG:-$PG_MAJOR 18} " in *' 18 '*)
		[ "$PG_MAJOR" = 18 ] || STATBUS_PGROOT_BIND=$STATBUS_SHARED "$STATBUS_TOP/test/pgroot.sh" run 18 "$STATBUS_TOP" \
			env STATBUS_SHARED="$STATBUS_SHARED" CASE="${CASE:-}" BENCH_QUICK="${BENCH_QUICK:-}" BENCH_CLOCK="${BENCH_CLOCK:-}" BENCH_ROUNDS="${BENCH_ROUNDS:-}" test/bench/cases.sh "$1" || code=1 ;;
	esac
}

# areas: what is measured by cases.
areas() {
	local name
	for name in ${BENCH:-auth import_apply import_cells temporal}; do
		case $name in auth | import_apply | import_cells | temporal) area "$name" ;; import) ;; *) die "BENCH is some of import, auth, import_apply, import_cells, temporal" ;; esac
	done
}

case " ${BENCH:-import} " in
*' import '*) ;;
*) areas; exit "$code" ;;
esac

shared=$STATBUS_SHARED
work=$(mktemp -d /tmp/statbus-bench.XXXXXX)
as_root chown postgres: "$work"
trap 'stop_cluster "$work"; as_root rm -rf "$work"' EXIT
export PGHOST=$work/sock PGPORT=5601 PGUSER=postgres PGDATABASE=statbus PGOPTIONS='-c client_min_messages=warning'

sql() { "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }
value() { sql -A -t -c "$1"; }

# seconds CMD…: how long it took.
seconds() {
	local start stop
	start=$(date +%s.%N)
	"$@" >/dev/null
	stop=$(date +%s.%N)
	echo "$start $stop" | awk '{ printf "%.2f", $2 - $1 }'
}

# row FIGURE SECONDS BASELINE BASELINE_SECONDS NOTE
row() { printf '| %s | %s s | %s | %s s | %s |\n' "$1" "$2" "$3" "$4" "$(echo "$2 $4" | awk '{ printf "%.1f", $1 / ($2 > 0.01 ? $2 : 0.01) }')${5:-}"; }

table() {
	printf '\n### %s\n\n%s, PostgreSQL %s, %s, %s cores, fsync off\n\n| figure | time | baseline | time | ratio |\n|---|---:|---|---:|---:|\n' \
		"$1" "$(date +%Y-%m-%d)" "$PG_MAJOR" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)"
}

new_register() {
	PGDATABASE=postgres sql -c 'DROP DATABASE IF EXISTS statbus WITH (FORCE)' -c 'CREATE DATABASE statbus'
	sql -c 'CREATE EXTENSION statbus CASCADE'
	sql -v standard="$1" -v country="$2" <<-'SQL'
		INSERT INTO api.settings (activity_category_standard_id, country_id, region_version_id)
		SELECT s.id, c.id, v.id FROM api.activity_category_standard AS s, api.country AS c, api.region_version AS v
		WHERE s.code = :'standard' AND c.iso_2 = :'country' AND v.code = 'initial';
	SQL
}

# upload SLUG DEFINITION FILE [VALID_FROM]: a job with its file, not yet processed.
upload() {
	sql -v slug="$1" -v definition="$2" -v valid_from="${4:-}" <<-'SQL'
		INSERT INTO api.import_job (slug, definition_slug, default_valid_from, default_valid_to, review)
		VALUES (:'slug', :'definition', nullif(:'valid_from', '')::date, CASE WHEN :'valid_from' <> '' THEN 'infinity'::date END, false);
	SQL
	sql -c "\\copy import.\"${1}_upload\" ($(csv_columns "$3")) FROM '$3' WITH (FORMAT csv, HEADER)"
}

process() { sql -c 'CALL worker.process_tasks()'; }

# plain FILE: the same rows into a table of text columns, the least that any import must do.
plain() {
	sql -c "DROP TABLE IF EXISTS plain" -c "CREATE TABLE plain ($(csv_columns "$1" | sed 's/", "/" text, "/g; s/$/ text/'))" \
		-c "\\copy plain FROM '$1' WITH (FORMAT csv, HEADER)"
}

say "building for PostgreSQL $PG_MAJOR"
copy_tree "$work/src"
build_into "$work/src" "$work/install"
write_temp_conf "$work/temp.conf" "$work/install"
start_cluster "$work" 5601 "$work/temp.conf"

say "the example country"
examples=$STATBUS_TOP/examples
new_register isic_v4 UN
sql -c "\\copy api.region_upload (path, name) FROM '$examples/01_regions.csv' WITH (FORMAT csv, HEADER)"
table 'The example country (examples/)'
for part in 'units legal_unit_source_dates 02_legal_units' 'establishments establishment_for_lu_source_dates 03_establishments' \
	'informal establishment_without_lu_source_dates 04_informal_establishments' 'relationships legal_relationship_source_dates 06_legal_relationships'; do
	set -- $part
	plain_time=$(seconds plain "$examples/$3.csv")
	upload "$1" "$2" "$examples/$3.csv"
	row "$3: analyse, apply, derive, $(value "SELECT count(*) FROM import.\"$1_upload\"") rows" "$(seconds process)" 'COPY of the file as text' "$plain_time"
done
upload units_again legal_unit_source_dates "$examples/02_legal_units.csv"
row '02_legal_units again: nothing changes' "$(seconds process)" 'COPY of the file as text' "$(seconds plain "$examples/02_legal_units.csv")"
row 'statbus.rebuild(): all derived rows anew' "$(seconds value 'SELECT statbus.rebuild()')" 'copy of statistical_unit' \
	"$(seconds sql -c 'CREATE TABLE copy AS SELECT * FROM register.statistical_unit')"
edit() { sql -c "UPDATE register.legal_unit SET name = name || '.' WHERE id = $1" ; }
sql -c 'ANALYZE'
row 'one edit until statistical_unit shows it' "$(seconds edit 17)" 'SELECT 1 (connect and go)' "$(seconds value 'SELECT 1')"

if [ -d "$shared/data/norway" ]; then
	say "Norway 2015 to 2020"
	norway=$shared/data/norway
	new_register nace_v2.1 NO
	sql -c "\\copy api.activity_category_enabled_custom (path, name, description) FROM '$norway/activity_category_norway.csv' WITH (FORMAT csv, HEADER)" \
		-c "\\copy api.region_upload (path, name) FROM '$norway/norway-regions-2024.csv' WITH (FORMAT csv, HEADER)" \
		-c "\\copy api.sector_custom_only (path, name, description) FROM '$norway/sector_norway.csv' WITH (FORMAT csv, HEADER)" \
		-c "\\copy api.legal_form_custom_only (code, name) FROM '$norway/legal_form_norway.csv' WITH (FORMAT csv, HEADER)"
	table 'Norway 2015–2020: units and subunits'
	plain_time=0
	total=0
	for year in 2015 2016 2017 2018 2019 2020; do
		for kind in hovedenhet:enheter underenhet:underenheter; do
			file=$norway/$year-${kind#*:}.csv
			plain_time=$(echo "$plain_time $(seconds plain "$file")" | awk '{ print $1 + $2 }')
			upload "${kind#*:}_$year" "brreg_${kind%%:*}" "$file" "$year-01-01"
			total=$(echo "$total $(seconds process)" | awk '{ print $1 + $2 }')
		done
	done
	row "$(value 'SELECT sum(total_rows) FROM import.job') rows in 12 files: analyse, apply, derive" "$total" 'COPY of the files as text' "$plain_time"
	row 'statbus.rebuild()' "$(seconds value 'SELECT statbus.rebuild()')" 'copy of statistical_unit' \
		"$(seconds sql -c 'CREATE TABLE copy AS SELECT * FROM register.statistical_unit')"
else
	say "no $shared/data/norway: its table is left out"
fi

stop_cluster "$work"
areas
exit "$code"
