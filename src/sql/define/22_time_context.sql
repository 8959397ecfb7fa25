-- Definitions 22: the times that a user may choose for a query (valid_on) or an import (valid_from to valid_to).
CREATE OR REPLACE VIEW api.time_context WITH (security_invoker = on) AS
SELECT c.type, c.ident, c.name_when_query, c.name_when_input, c.scope, c.valid_from, c.valid_to, c.valid_on, c.code, c.path
FROM (
    SELECT 'relative_period'::register.time_context_type AS type,
        'r_' || p.code::text AS ident,
        p.name_when_query || y.suffix AS name_when_query,
        p.name_when_input || y.suffix AS name_when_input,
        p.scope, p.valid_from, p.valid_to, p.valid_on, p.code, NULL::ltree AS path,
        NULL::integer AS year
    FROM api.relative_period_with_time AS p
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.code::text LIKE 'year\_%' THEN ' (' || extract(year FROM p.valid_from)::integer || ')' ELSE '' END AS suffix
    ) AS y
    WHERE p.enabled
    UNION ALL
    SELECT 'tag'::register.time_context_type AS type, 't_' || ltree2text(t.path) AS ident, t.name AS name_when_query, t.name AS name_when_input,
        'input_and_query'::register.relative_period_scope AS scope, t.context_valid_from AS valid_from, t.context_valid_to AS valid_to,
        t.context_valid_on AS valid_on, NULL::register.relative_period_code AS code, t.path, NULL::integer AS year
    FROM register.tag AS t
    WHERE t.enabled AND t.context_valid_from IS NOT NULL AND t.context_valid_to IS NOT NULL AND t.context_valid_on IS NOT NULL
    UNION ALL
    SELECT 'year'::register.time_context_type AS type, 'y_' || s.year AS ident, s.year::text AS name_when_query, s.year::text AS name_when_input,
        'input_and_query'::register.relative_period_scope AS scope, make_date(s.year, 1, 1) AS valid_from, make_date(s.year, 12, 31) AS valid_to,
        make_date(s.year, 12, 31) AS valid_on, NULL::register.relative_period_code AS code, NULL::ltree AS path, s.year
    FROM register.timesegments_years AS s
    CROSS JOIN (SELECT extract(year FROM statbus.today())::integer AS year) AS now
    WHERE s.year NOT IN (now.year, now.year - 1)
) AS c
ORDER BY c.type, c.year DESC, c.code, c.path;
COMMENT ON VIEW api.time_context IS 'times to choose from: periods relative to today, tags with dates, years with data';
