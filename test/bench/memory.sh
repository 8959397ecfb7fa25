#!/usr/bin/env bash
# memory.sh FILE: while the server process $BENCH_BACKEND lives, its private memory (kB) every 10 ms.
exec >"$1" 2>/dev/null
while [ -e "/proc/$BENCH_BACKEND" ]; do
	while read -r name size _; do
		if [ "$name" = RssAnon: ]; then echo "$size"; fi
	done <"/proc/$BENCH_BACKEND/status"
	sleep 0.01
done
