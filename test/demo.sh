#!/usr/bin/env bash
# make demo: a register in a throw-away cluster, from nothing to answers over HTTP.
#   test/demo.sh start     KEEP=1 leaves it running; FILES=dir takes the files of dir (doc/import.md)
#   test/demo.sh stop
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

dir=/tmp/statbus-demo
port=5690
http_port=3690
database=statbus
export PGHOST=$dir/sock PGPORT=$port PGUSER=postgres PGDATABASE=$database PGOPTIONS='-c client_min_messages=warning'

stop() {
	local pid
	if [ -f "$dir/postgrest.pid" ]; then
		pid=$(cat "$dir/postgrest.pid")
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgrest ]; then as_root kill "$pid" 2>/dev/null || true; fi
	fi
	stop_cluster "$dir"
	as_root rm -rf "$dir"
}

sql() { "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }

# value SQL: one value.
value() { sql -A -t -c "$1"; }

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# import JOB DEFINITION FILE [VALID_FROM] [MAP]: one file, with visible progress.  MAP: lines "target=heading" for a
# file whose headings are not those of the definition.
import() {
	local job=$1 definition=$2 file=$3 valid_from=${4:-} map=${5:-} columns rows pid now shown=
	rows=$(($(wc -l <"$file") - 1))
	printf '%-34s %7d lines ' "$(basename "$file")" "$rows"
	sql -v slug="$job" -v definition="$definition" -v valid_from="$valid_from" <<-'SQL'
		INSERT INTO api.import_job (slug, definition_slug, default_valid_from, default_valid_to, review)
		VALUES (:'slug', :'definition', nullif(:'valid_from', '')::date, CASE WHEN :'valid_from' <> '' THEN 'infinity'::date END, false);
	SQL
	columns=$(csv_columns "$file")
	if [ -n "$map" ]; then
		# Everything of the file as it is, then what the map names.
		{
			echo "CREATE TEMP TABLE file ($(echo "$columns" | sed 's/", "/" text, "/g; s/$/ text/'));"
			echo "\\copy file FROM '$file' WITH (FORMAT csv, HEADER)"
			echo "INSERT INTO import.\"${job}_upload\" ($(sed -n 's/^\([a-z_0-9]*\)=..*$/"\1"/p' "$map" | paste -sd,)) SELECT $(sed -n 's/^[a-z_0-9]*=\(..*\)$/"\1"/p' "$map" | paste -sd,) FROM file;"
		} | sql
	else
		sql -c "\\copy import.\"${job}_upload\" ($columns) FROM '$file' WITH (FORMAT csv, HEADER)"
	fi
	sql -c 'CALL worker.process_tasks()' &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		now=$(value "SELECT format('%s %s%%', state, round(CASE state WHEN 'processing_data' THEN import_completed_pct ELSE analysis_completed_pct END)) FROM import.job WHERE slug = '$job'")
		if [ "$now" = "$shown" ]; then printf '.'; else printf ' [%s]' "$now"; fi
		shown=$now
	done
	wait "$pid"
	value "SELECT format(' %s: %s imported, %s unchanged, %s skipped, %s with errors, %s with warnings, %s s', state, imported_rows, unchanged_rows,
		skipped_rows, error_count, warning_count, round(extract(epoch FROM processing_stop_at - preparing_data_at)::numeric, 1)) || coalesce(E'\n  ' || error, '') FROM import.job WHERE slug = '$job'"
}

# import_own DIRECTORY: every FILE.csv with a FILE.map beside it: first line definition=…, perhaps valid_from=…, then
# target=heading.
import_own() {
	local file map name definition valid_from
	for file in "$1"/*.csv; do
		map=${file%.csv}.map
		[ -f "$map" ] || { say "$(basename "$file"): no $(basename "$map") beside it, left out"; continue; }
		name=$(basename "$file" .csv | tr 'A-Z -' 'a-z__' | sed 's/[^a-z0-9_]//g; s/^[^a-z]*/f_&/' | cut -c1-40)
		definition=$(sed -n 's/^definition=//p' "$map")
		valid_from=$(sed -n 's/^valid_from=//p' "$map")
		grep -vE '^(definition|valid_from)=' "$map" >"$dir/map"
		import "$name" "$definition" "$file" "$valid_from" "$dir/map"
	done
}

start_postgrest() {
	local binary
	binary=$("$STATBUS_TOP/test/postgrest.sh" path) || { say "PostgREST could not be had: put its binary on the PATH and run again"; return 1; }
	as_postgres tee "$dir/postgrest.conf" >/dev/null <<-CONF
		db-uri = "host=$dir/sock port=$port dbname=$database user=authenticator"
		db-schemas = "api"
		db-anon-role = "anon"
		db-extra-search-path = "$(value "SELECT array_to_string(statbus.required_schemas(), ',')")"
		db-pre-request = "auth.pre_request"
		jwt-secret = "$(value 'SELECT auth.jwt_secret()')"
		server-host = "127.0.0.1"
		server-port = $http_port
	CONF
	as_postgres chmod 600 "$dir/postgrest.conf"
	as_postgres sh -c "'$binary' '$dir/postgrest.conf' >'$dir/postgrest.log' 2>&1 & echo \$! >'$dir/postgrest.pid'"
	for _ in $(seq 50); do
		# Until it has read the schema it answers 503.
		if perl -MHTTP::Tiny -e 'exit(HTTP::Tiny->new(timeout => 5)->get("$ARGV[0]/")->{status} >= 500)' "http://127.0.0.1:$http_port"; then return 0; fi
		sleep 0.2
	done
	cat "$dir/postgrest.log" >&2
	return 1
}

# sign_in URL PASSWORD: what the first three of these requests are answered.
sign_in() {
	perl -MHTTP::Tiny -e '
		my ($url, $password) = @ARGV;
		my $http = HTTP::Tiny->new;
		my $login = $http->post_form("$url/rpc/login", { email => "rita\@example.org", password => $password });
		my %cookie = map { /^([^=]+)=([^;]+)/ } @{ $login->{headers}{"set-cookie"} };
		my $read = $http->get("$url/statistical_unit?limit=1", { headers => { Cookie => "statbus=$cookie{statbus}" } });
		my $refused = $http->get("$url/statistical_unit?limit=1");
		print "\nlogin: $login->{status}, with its cookie: $read->{status}, without: $refused->{status}\n";
		exit("$login->{status} $read->{status} $refused->{status}" ne "200 200 401");' "$@"
}

start() {
	[ ! -d "$dir/data" ] || die "a demo is running: make demo-stop ends it"
	find_server
	need_packages perl
	[ "${KEEP:-}" = 1 ] || trap stop EXIT
	say "building for PostgreSQL $PG_MAJOR in $dir"
	as_postgres mkdir -p "$dir"
	copy_tree "$dir/src"
	build_into "$dir/src" "$dir/install"
	write_temp_conf "$dir/temp.conf" "$dir/install"
	say "starting a throw-away cluster"
	start_cluster "$dir" "$port" "$dir/temp.conf"
	PGDATABASE=postgres sql -c "CREATE DATABASE $database"
	say "CREATE EXTENSION statbus CASCADE"
	sql -c 'CREATE EXTENSION statbus CASCADE'

	title 'Settings, users, regions'
	local password
	sql <<-'SQL'
		SELECT email AS "made" FROM auth.user_create('Ada Admin', 'ada@example.org', 'admin_user');
		-- Nothing stands before PostgREST here: the address of a refresh begins with nothing.
		ALTER ROLE authenticator SET statbus.api_path = '';
	SQL
	password=$(value "SELECT password FROM auth.user_create('Rita Regular', 'rita@example.org', 'regular_user')")
	if [ -z "${FILES:-}" ] || [ ! -f "$FILES/setup.sql" ]; then
		sql <<-'SQL'
			INSERT INTO api.settings (activity_category_standard_id, country_id, region_version_id)
			SELECT s.id, c.id, v.id FROM api.activity_category_standard AS s, api.country AS c, api.region_version AS v
			WHERE s.code = 'isic_v4' AND c.iso_2 = 'UN' AND v.code = 'initial';
		SQL
	fi

	if [ -n "${FILES:-}" ]; then
		[ ! -f "$FILES/setup.sql" ] || (cd "$FILES" && sql -f setup.sql)
		title "Your files of $FILES"
		import_own "$FILES"
	else
		sql -c "\\copy api.region_upload (path, name) FROM '$STATBUS_TOP/examples/01_regions.csv' WITH (FORMAT csv, HEADER)"
		title 'Import: ten years of an invented country'
		import units legal_unit_source_dates "$STATBUS_TOP/examples/02_legal_units.csv"
		import establishments establishment_for_lu_source_dates "$STATBUS_TOP/examples/03_establishments.csv"
		import informal establishment_without_lu_source_dates "$STATBUS_TOP/examples/04_informal_establishments.csv"
		import turnover generic_unit_stats_update_source_dates "$STATBUS_TOP/examples/05_turnover_update.csv"
		import relationships legal_relationship_source_dates "$STATBUS_TOP/examples/06_legal_relationships.csv"
		title 'The same again: nothing changes'
		import units_again legal_unit_source_dates "$STATBUS_TOP/examples/02_legal_units.csv"
		title 'A file with one of each common fault'
		import dirty legal_unit_source_dates "$STATBUS_TOP/examples/90_dirty_legal_units.csv"
	fi

	title 'Findings'
	sql -c "SELECT j.slug AS job, f.severity, f.code, f.column_name, count(*) AS n, min(f.source_line) AS first_line, left(min(f.value), 40) AS example
		FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id
		GROUP BY 1, 2, 3, 4 ORDER BY j.slug, f.severity, n DESC, f.code LIMIT 70"

	title 'Population on January 1st'
	sql -c "SELECT y.year, count(*) FILTER (WHERE u.unit_type = 'enterprise') AS enterprises, count(*) FILTER (WHERE u.unit_type = 'legal_unit') AS legal_units,
		count(*) FILTER (WHERE u.unit_type = 'establishment') AS establishments
		FROM (SELECT DISTINCT extract(year FROM valid_from)::integer AS year FROM register.statistical_unit WHERE isfinite(valid_from)) AS y
		JOIN register.statistical_unit AS u ON u.valid_from <= make_date(y.year, 1, 1) AND make_date(y.year, 1, 1) < u.valid_until AND u.used_for_counting
		WHERE y.year >= 2010 GROUP BY y.year ORDER BY y.year"

	title 'The history of one unit'
	sql -c "SELECT u.valid_from, u.valid_to, u.name, u.physical_region_code AS region, u.primary_activity_category_code AS activity, u.status_code AS status,
		u.stats_summary #>> '{employees,sum}' AS employees
		FROM register.statistical_unit AS u
		WHERE (u.unit_type, u.unit_id) = (SELECT s.unit_type, s.unit_id FROM register.statistical_unit AS s WHERE s.unit_type = 'legal_unit'
			GROUP BY 1, 2 ORDER BY count(DISTINCT s.physical_region_code) DESC, count(*) DESC, s.unit_id LIMIT 1) ORDER BY u.valid_from"

	title 'Enterprises today: regions, then the largest one by activity section'
	local today="u.unit_type = 'enterprise' AND u.valid_from <= statbus.today() AND statbus.today() < u.valid_until AND u.used_for_counting"
	local region="LEFT JOIN register.region AS r ON r.path = subpath(u.physical_region_path, 0, 1) AND r.version_id = (SELECT region_version_id FROM register.settings)"
	sql -c "SELECT coalesce(r.name, '(none)') AS region, count(*) AS enterprises, sum((u.stats_summary #>> '{employees,sum}')::numeric) AS employees
		FROM register.statistical_unit AS u $region WHERE $today GROUP BY 1 ORDER BY 2 DESC, 1"
	sql -c "SELECT r.name AS region, concat_ws(' ', c.code, c.path, c.name) AS section, count(*) AS enterprises, sum((u.stats_summary #>> '{employees,sum}')::numeric) AS employees
		FROM register.statistical_unit AS u $region
		LEFT JOIN register.activity_category AS c ON c.path = subpath(u.primary_activity_category_path, 0, 1) AND c.enabled
			AND c.standard_id = (SELECT activity_category_standard_id FROM register.settings)
		WHERE $today AND r.id = (SELECT r.id FROM register.statistical_unit AS u $region WHERE $today AND r.id IS NOT NULL GROUP BY r.id ORDER BY count(*) DESC, r.id LIMIT 1)
		GROUP BY 1, 2 ORDER BY 3 DESC, 2"

	title 'Over HTTP'
	start_postgrest || return 0	# it has said what is missing; the rest of the demo stands
	local unit
	unit=$(value "SELECT unit_id FROM register.statistical_unit WHERE unit_type = 'legal_unit' AND valid_from <= statbus.today() AND statbus.today() < valid_until ORDER BY unit_id LIMIT 1")
	local url=http://127.0.0.1:$http_port
	cat <<-TEXT
		curl -s -c cookies '$url/rpc/login' -d 'email=rita@example.org&password=$password'
		curl -s -b cookies '$url/statistical_unit?unit_type=eq.enterprise&limit=2&select=name,valid_from,valid_to,physical_region_code'
		curl -s -b cookies '$url/rpc/statistical_unit_details?unit_type=legal_unit&unit_id=$unit'
		curl -s '$url/statistical_unit?limit=1'     # without a cookie: refused
	TEXT
	sign_in "$url" "$password"
	if [ "${KEEP:-}" = 1 ]; then
		printf '\nIt keeps running: %s, or with psql:\n  PGHOST=%s PGPORT=%s psql -U postgres %s\nmake demo-stop ends it.\n' "$url" "$PGHOST" "$port" "$database"
	else
		printf '\nmake demo KEEP=1 leaves it running for you.\n'
	fi
}

case ${1:-} in
start) start ;;
stop) find_server; stop ;;
*) die "usage: test/demo.sh start|stop" ;;
esac
