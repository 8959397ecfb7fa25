#!/usr/bin/env bash
# stage.sh JOB [STAGE]: the milliseconds that a stage of the analysis took, or all of them (see analyse.sql).
exec psql -X -q -A -t -c "SELECT sum(CASE '${BENCH_CLOCK:-}' WHEN 'cpu' THEN s.cpu ELSE s.ms END) FROM kept.stage AS s WHERE s.job = '$1' AND ('${2:-}' = '' OR s.stage = '${2:-}')"
