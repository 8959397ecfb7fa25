#!/usr/bin/env bash
# The host's own PostgreSQL, with this tree's extension in it, in a folder that also works inside the folders of
# test/pgroot.sh: what pg_upgrade upgrades from there (test/t/060_pg_upgrade.pl).
#
#   test/old_server.sh NEW       its path is the last line of stdout; nothing, when the host's is not older than NEW
#
# The folder lies in ${STATBUS_CACHE:-/var/cache/statbus}/server15 (or whatever the host has) and is kept between runs; the
# extension in it is built every time.  To be rid of it, remove that folder.
#
# How it works elsewhere: the programs and the modules of the server are copied together with the shared libraries that
# they need, except the C library, for which every newer one can stand in.  They lie at the paths that they have here,
# below the folder, because the server finds its share directory relative to itself.  In bin/ are scripts that set
# LD_LIBRARY_PATH and start them.
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

new=${1:?the major version to upgrade to}
find_server
if [ "$PG_MAJOR" -ge "$new" ]; then
	say "the server here is PostgreSQL $PG_MAJOR: nothing to upgrade to $new from"
	exit 0
fi
as_root mkdir -p "${STATBUS_CACHE:-/var/cache/statbus}"
dir=$(cd "${STATBUS_CACHE:-/var/cache/statbus}" && pwd)/server$PG_MAJOR
recipe="1 $("$PG_CONFIG" --version)"
bindir=$("$PG_CONFIG" --bindir)
pkglibdir=$("$PG_CONFIG" --pkglibdir)
sharedir=$("$PG_CONFIG" --sharedir)

# collect: the server, into $dir.
collect() {
	local program library
	say "collecting $("$PG_CONFIG" --version) in $dir"
	as_root rm -rf --one-file-system "$dir"
	as_root mkdir -p "$dir/bin" "$dir/libraries" "$dir$bindir" "$dir$pkglibdir" "$dir$sharedir"
	tar -C "$sharedir" -c --exclude=./man . | as_root tar -C "$dir$sharedir" -x
	# Not what only building needs, nor other languages.
	tar -C "$pkglibdir" -c --exclude=./bitcode --exclude=./pgxs --exclude='*.a' --exclude='./llvmjit*' \
		--exclude='./*pl*3*.so' --exclude='./pltcl.so' --exclude='./plperl.so' . | as_root tar -C "$dir$pkglibdir" -x
	for program in postgres pg_ctl initdb psql pg_dump pg_dumpall pg_config pg_controldata pg_resetwal; do
		as_root cp -L "$bindir/$program" "$dir$bindir/$program"
		printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/libraries exec %s/%s "$@"\n' "$dir" "$dir$bindir" "$program" |
			as_root tee "$dir/bin/$program" >/dev/null
		as_root chmod 755 "$dir/bin/$program"
	done
	ldd "$dir$bindir"/* "$dir$pkglibdir"/*.so 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
		while IFS= read -r library; do
			case "$(basename "$library")" in
			libc.so.* | libm.so.* | libdl.so.* | librt.so.* | libpthread.so.* | libresolv.so.*) ;;
			*) as_root cp -L "$library" "$dir/libraries/" ;;
			esac
		done
	printf '%s\n' "$recipe" | as_root tee "$dir/.statbus-complete" >/dev/null
}

# One process at a time builds in it.
as_root touch "$dir.lock"
as_root chmod 666 "$dir.lock"
exec 9<>"$dir.lock"
flock 9
[ "$(cat "$dir/.statbus-complete" 2>/dev/null)" = "$recipe" ] || collect

work=$(mktemp -d /tmp/statbus-old.XXXXXX)
as_root chown postgres: "$work"
trap 'as_root rm -rf "$work"' EXIT
say "building the extension for PostgreSQL $PG_MAJOR"
copy_tree "$work/src"
build_into "$work/src" "$work/install"
as_root rm -f "$dir$sharedir"/extension/statbus*
tar -C "$work/install" -c . | as_root tar -C "$dir" --no-same-owner --no-overwrite-dir -x
echo "$dir"
