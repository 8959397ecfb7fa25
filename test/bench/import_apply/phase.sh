#!/usr/bin/env bash
# phase.sh JOB PHASE: the milliseconds that 1,000 rows of a phase of an import took, or of all phases; what was written is a number (see apply.sql).
exec psql -X -q -A -t -c "SELECT sum(CASE '${BENCH_CLOCK:-}' WHEN 'cpu' THEN p.cpu ELSE p.ms END)
	* CASE '$2' WHEN 'written' THEN 1 ELSE 1000.0 / (SELECT count(*) FROM file WHERE is_small = ('$1' = 'new_small')) END
	FROM phase AS p WHERE p.slug = '$1' AND ('$2' = 'whole' AND p.phase <> 'written' OR p.phase = '$2')"
