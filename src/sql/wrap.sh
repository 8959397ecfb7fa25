#!/bin/sh
# Wraps the migration steps ($1) and the definitions ($2), lists of files, into the two member
# functions that statbus.migrate() reads them from.
set -eu

rows() {
	tag=$1; shift
	for file in "$@"; do
		name=$(basename "$file" .sql)
		if grep -qF "\$$tag\$" "$file"; then
			echo "$file: the dollar tag \$$tag\$ is reserved" >&2
			exit 1
		fi
		printf "    RETURN QUERY SELECT %d, '%s'::text, \$%s\$" "$(echo "$name" | sed 's/^0*\([0-9]\)/\1/; s/_.*//')" "$name" "$tag"
		cat "$file"
		printf "\$%s\$::text;\n" "$tag"
	done
}

wrap() {
	function=$1; what=$2; tag=$3; shift 3
	cat <<SQL
CREATE OR REPLACE FUNCTION statbus.$function()
RETURNS TABLE (version integer, name text, body text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS \$$function\$
BEGIN
SQL
	rows "$tag" "$@"
	cat <<SQL
END
\$$function\$;
COMMENT ON FUNCTION statbus.$function() IS '$what';
REVOKE ALL ON FUNCTION statbus.$function() FROM PUBLIC;

SQL
}

# newest STEP…: the number of the last step, so that a request need not read all of them.
newest() {
	for file in "$@"; do last=$(basename "$file" .sql); done
	cat <<SQL
CREATE OR REPLACE FUNCTION statbus.newest_step()
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS \$newest_step\$ SELECT $(echo "$last" | sed 's/^0*\([0-9]\)/\1/; s/_.*//') \$newest_step\$;
COMMENT ON FUNCTION statbus.newest_step() IS 'The number of the last migration step that this version of the extension knows';

SQL
}

# shellcheck disable=SC2086  # the arguments are lists of files
{
	newest $1
	wrap migration 'The numbered steps that statbus.migrate() runs once each' step $1
	wrap definition 'The definitions that statbus.migrate() runs every time: what hangs on functions of the extension' define $2
}
