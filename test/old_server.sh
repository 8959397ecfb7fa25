#!/usr/bin/env bash
# The host's PostgreSQL, with this tree's extension in it, in a folder that also works inside the folders of
# test/pgroot.sh: what pg_upgrade upgrades from there (test/t/060_pg_upgrade.pl).
#
#   test/old_server.sh NEW       its path is the last line of stdout; nothing, when the host's is not older than NEW
#
# The folder lies in ${STATBUS_CACHE:-/var/cache/statbus}/server15 (or whatever the host has) and is kept between runs; the
# extension in it is built every time.  To be rid of it, remove that folder.
#
# Of the minor versions that apt has, it takes the oldest: the one installed here may be younger than the newest of the next
# Debian, and pg_upgrade need not know what it writes (15.20 gives every column an option, pg_attver, that 18.6 refuses).
# Where apt has none, it takes the one installed here.
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
oldest=$(apt-cache madison "postgresql-$PG_MAJOR" 2>/dev/null | awk '$NF == "Packages" { version = $3 } END { print version }')
recipe="2 $("$PG_CONFIG" --version) $oldest"
bindir=$("$PG_CONFIG" --bindir)
pkglibdir=$("$PG_CONFIG" --pkglibdir)
sharedir=$("$PG_CONFIG" --sharedir)

# fetch DIR: that version's packages, unpacked in DIR.  The packages of a server name the one libpq that they came with.
fetch() {
	local to=$1 package
	for package in "postgresql-$PG_MAJOR" "postgresql-client-$PG_MAJOR" libpq5; do
		(cd "$to" && as_root apt-get -o APT::Sandbox::User=root download -qq "$package=$oldest") || return 1
	done
	for package in "$to"/*.deb; do as_root dpkg-deb -x "$package" "$to/root"; done
}

# collect: the server, into $dir.
collect() {
	local program library from=
	if [ -n "$oldest" ]; then
		if fetch "$work"; then from=$work/root; else recipe="$recipe, not fetched"; fi
	fi
	say "collecting PostgreSQL $PG_MAJOR ($([ -n "$from" ] && echo "$oldest" || echo "as installed")) in $dir"
	as_root rm -rf --one-file-system "$dir"
	as_root mkdir -p "$dir/bin" "$dir/libraries" "$dir$bindir" "$dir$pkglibdir" "$dir$sharedir"
	tar -C "$from$sharedir" -c --exclude=./man . | as_root tar -C "$dir$sharedir" -x
	# Not what only building needs, nor other languages.
	tar -C "$from$pkglibdir" -c --exclude=./bitcode --exclude=./pgxs --exclude='*.a' --exclude='./llvmjit*' \
		--exclude='./*pl*3*.so' --exclude='./pltcl.so' --exclude='./plperl.so' . | as_root tar -C "$dir$pkglibdir" -x
	for program in postgres pg_ctl initdb psql pg_dump pg_dumpall pg_config pg_controldata pg_resetwal; do
		as_root cp -L "$from$bindir/$program" "$dir$bindir/$program"
		printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/libraries exec %s/%s "$@"\n' "$dir" "$dir$bindir" "$program" |
			as_root tee "$dir/bin/$program" >/dev/null
		as_root chmod 755 "$dir/bin/$program"
	done
	LD_LIBRARY_PATH=$(dirname "$(find "${from:-/nowhere}" -name libpq.so.5 2>/dev/null | head -n 1)") \
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
work=$(mktemp -d /tmp/statbus-old.XXXXXX)
as_root chown postgres: "$work"
trap 'as_root rm -rf "$work"' EXIT
[ "$(cat "$dir/.statbus-complete" 2>/dev/null)" = "$recipe" ] || collect
say "building the extension for PostgreSQL $PG_MAJOR"
copy_tree "$work/src"
build_into "$work/src" "$work/install"
as_root rm -f "$dir$sharedir"/extension/statbus*
tar -C "$work/install" -c . | as_root tar -C "$dir" --no-same-owner --no-overwrite-dir -x
echo "$dir"
