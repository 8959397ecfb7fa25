#!/usr/bin/env bash
# test/import_reports.sh NAME: the reports that doc/import.md shows, made in the workbench NAME (test/dev.sh): of the file with
# every common fault in examples/, and of the Norwegian files when $STATBUS_SHARED, or ../shared, has them.
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

name=${1:?name of a workbench}
find_server
port=$((5700 + $(printf '%s' "$name" | cksum | cut -d' ' -f1) % 200))
export PGHOST=/tmp/statbus-dev-$name/sock PGPORT=$port PGUSER=postgres PGOPTIONS='-c client_min_messages=warning'
shared=${STATBUS_SHARED:-$(cd "$STATBUS_TOP/.." && pwd)/shared}

sql() { "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d import_reports "$@"; }

# settle STANDARD COUNTRY: a new register with its settings.
settle() {
	"$PG_BIN/psql" -Xq -d postgres -c 'DROP DATABASE IF EXISTS import_reports' -c 'CREATE DATABASE import_reports'
	sql -c 'CREATE EXTENSION statbus CASCADE' -c "INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
		SELECT s.id, c.id, v.id FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
		WHERE s.code = '$1' AND c.iso_2 = '$2' AND v.code = 'initial'"
}

# report JOB DEFINITION FILE [VALID_FROM]: the file as it is, and what there is to say about it.
report() {
	sql -v slug="$1" -v definition="$2" -v valid_from="${4:-}" <<-'SQL'
		INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
		SELECT :'slug', d.id, nullif(:'valid_from', '')::date, CASE WHEN :'valid_from' <> '' THEN 'infinity'::date END, false
		FROM import.definition AS d WHERE d.slug = :'definition';
	SQL
	{ echo "\\set file \`base64 -w0 '$3'\`"; echo "SELECT import.upload_chunk('$1', 1, true, decode(:'file', 'base64')) \\gset"; } | sql
	sql -c 'CALL worker.process_tasks()' -At -c "SELECT import.report_text('$1')"
}

settle isic_v4 UN
sql -c "\\copy api.region_upload (path, name) FROM '$STATBUS_TOP/examples/01_regions.csv' WITH (FORMAT csv, HEADER)"
report dirty legal_unit_source_dates "$STATBUS_TOP/examples/90_dirty_legal_units.csv"
if [ ! -d "$shared/data/norway" ]; then
	say "SKIPPED: the Norwegian files are not here (set STATBUS_SHARED)"
	exit 0
fi
settle nace_v2.1 NO
for list in activity_category_enabled_custom:activity_category_norway region_upload:norway-regions-2024 sector_custom_only:sector_norway legal_form_custom_only:legal_form_norway; do
	file=$shared/data/norway/${list#*:}.csv
	sql -c "\\copy api.${list%%:*} ($(csv_columns "$file")) FROM '$file' WITH (FORMAT csv, HEADER)"
done
report norway_2020_enheter brreg_hovedenhet "$shared/data/norway/2020-enheter.csv" 2020-01-01
