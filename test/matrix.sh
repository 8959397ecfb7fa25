#!/usr/bin/env bash
# make matrix: the suite on the installed PostgreSQL, on 17 and on 18.  16 is not in Debian, so it
# is not tested here; that is said, not claimed.
set -uo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
passed=0
failed=0
for version in "" 17 18; do
	log=$(mktemp)
	PG=$version "$top/test/check.sh" | tee "$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	rm -f "$log"
	if [ -z "$line" ]; then
		echo "PostgreSQL ${version:-installed}: no result"
		failed=$((failed + 1))
		continue
	fi
	echo "PostgreSQL ${version:-installed}: $line"
	passed=$((passed + ${line%% *}))
	failed=$((failed + $(echo "$line" | sed 's/.*, \([0-9]*\) failed/\1/')))
done
echo "PostgreSQL 16: not tested (not in Debian)"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
