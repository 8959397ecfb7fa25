#!/usr/bin/env bash
# Lays out the C files as PostgreSQL does, with the pgindent of PostgreSQL 18 from the cached folder (test/pgroot.sh).
#   test/indent.sh              all of them; tells which have changed
#   test/indent.sh FILE…        these
#   CHECK=yes test/indent.sh    shows what would change; fails when something would
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$STATBUS_TOP"
[ $# -gt 0 ] || set -- src/*.[ch] test/unit/*.[ch] test/fuzz/*.[ch]
root=$("$STATBUS_TOP/test/pgroot.sh" 18 | tail -n 1)
work=$(mktemp -d "$root/tmp/statbus-indent.XXXXXX")
trap 'rm -rf "$work"' EXIT
tar -cf - "$@" | tar -C "$work" -xf -

# Types of the server that are names of variables here are none; text is either, for a file as a whole.
printf '%s\n' EC_KEY EVP_MAC EVP_MAC_CTX EVP_PKEY_CTX OSSL_PARAM_BLD RSA |
	sort -u - typedefs.list "$root/usr/share/postgresql/18/typedefs.list" |
	grep -vxE 'decimal|iterator|numeric|pointer|reference|string|type' >"$work/typedefs.list"
grep -vx text "$work/typedefs.list" >"$work/without_text.list"
types=() variables=()
for file; do
	if perl -0ne 's{/\*.*?\*/|"(?:[^"\\]|\\.)*"}{}gs; $type = () = /\btext\s*\*/g; $other = () = /\btext\b(?!\s*\*)/g; exit !($other > $type)' "$file"; then
		variables+=("$file")
	else
		types+=("$file")
	fi
done

# pgindent TYPEDEFS FILE…: a file that it cannot read is left as it is and named; then it ends with 3.
pgindent() {
	[ $# -gt 1 ] || return 0
	# shellcheck disable=SC2016  # the inner shell's arguments
	chroot "$root" sh -c 'cd "$1" && shift && PATH=/usr/lib/postgresql/18/bin:$PATH && exec pgindent --typedefs="$@"' \
		sh "${work#"$root"}" "$@" || [ $? -eq 3 ]
}
(cd "$work" && perl "$STATBUS_TOP/test/indent.pl" hide "$@")
pgindent typedefs.list "${types[@]}"
pgindent without_text.list "${variables[@]}"
(cd "$work" && perl "$STATBUS_TOP/test/indent.pl" show "$@")

changed=0
for file; do
	cmp -s "$file" "$work/$file" && continue
	changed=1
	if [ -n "${CHECK:-}" ]; then
		diff -u "$file" "$work/$file" || :
	else
		cat "$work/$file" >"$file"
		echo "$file"
	fi
done
[ -z "${CHECK:-}" ] || exit $changed
