#!/usr/bin/env bash
# phase.sh JOB PHASE: the milliseconds that a phase of an import took (see apply.sql).
exec psql -X -q -A -t -c "SELECT sum(CASE '${BENCH_CLOCK:-}' WHEN 'cpu' THEN p.cpu ELSE p.ms END) FROM phase AS p WHERE p.slug = '$1' AND p.phase = '$2'"
