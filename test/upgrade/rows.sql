-- Every row of every table of a register as one line.  Left out: columns that name a moment or what only one database
-- can have, the tables of secrets, and auth.event: earlier releases recorded nothing.
SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C")
FROM (
    SELECT format('%s %s', c.oid::regclass, row_line) AS line
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT (xpath('//line/text()', x.node))[1]::text AS row_line
        FROM unnest(xpath('//row', query_to_xml(format(
            'SELECT (to_jsonb(t) - ''{created_at,updated_at,edit_at,last_edit_at,applied_at,applied_by,body_hash,sub,jti,uploaded_at,scheduled_at,has_own_role}''::text[])::text AS line FROM %s AS t', c.oid::regclass),
            false, false, ''))) AS x (node)) AS r
    WHERE n.nspname IN ('register', 'auth', 'import', 'worker')
    AND c.relkind = 'r'
    AND c.oid::regclass::text <> ALL ('{auth.secrets,auth.signing_key,auth.event}')
) AS lines;
