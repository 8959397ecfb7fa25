-- The catalogue of a register, one line per fact, in a form that does not depend on OIDs.
WITH schemas AS (
    SELECT n.oid, n.nspname
    FROM pg_namespace AS n
    WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
), facts (fact) AS (
    SELECT format('schema %s acl %s', s.nspname, (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a))
    FROM schemas AS s JOIN pg_namespace AS n ON n.oid = s.oid
    UNION ALL
    SELECT format('relation %s kind %s rls %s force %s options %s acl %s comment %s', c.oid::regclass, c.relkind, c.relrowsecurity,
                  c.relforcerowsecurity, c.reloptions,
                  (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", c.relowner))) AS a), md5(obj_description(c.oid, 'pg_class')))
    FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT format('column %s.%s %s notnull %s default %s identity %s generated %s acl %s comment %s', c.oid::regclass, t.attname,
                  format_type(t.atttypid, t.atttypmod), t.attnotnull, pg_get_expr(d.adbin, d.adrelid), t.attidentity, t.attgenerated,
                  (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(t.attacl) AS a), md5(col_description(c.oid, t.attnum)))
    FROM pg_class AS c
    JOIN schemas AS s ON s.oid = c.relnamespace
    JOIN pg_attribute AS t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = t.attnum
    WHERE c.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT format('constraint %s on %s: %s', k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid))
    FROM pg_constraint AS k JOIN schemas AS s ON s.oid = k.connamespace WHERE k.conrelid <> 0 AND k.contype <> 'n'
    UNION ALL
    SELECT format('index %s', pg_get_indexdef(i.indexrelid))
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN schemas AS s ON s.oid = c.relnamespace
    UNION ALL
    SELECT format('trigger %s enabled %s', pg_get_triggerdef(g.oid), g.tgenabled)
    FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid JOIN schemas AS s ON s.oid = c.relnamespace WHERE NOT g.tgisinternal
    UNION ALL
    SELECT format('policy %s.%s.%s %s %s %s %s %s', p.schemaname, p.tablename, p.policyname, p.permissive, p.roles, p.cmd, p.qual, p.with_check)
    FROM pg_policies AS p JOIN schemas AS s ON s.nspname = p.schemaname
    UNION ALL
    SELECT format('view %s: %s', c.oid::regclass, md5(pg_get_viewdef(c.oid)))
    FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
    UNION ALL
    SELECT format('function %s: %s acl %s comment %s', p.oid::regprocedure, md5(concat(p.prosrc, p.probin, p.proconfig, p.provolatile, p.proisstrict, p.proparallel, p.prosecdef, pg_get_function_result(p.oid))),
                  (SELECT string_agg(a::text, ' ' ORDER BY a::text COLLATE "C") FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) AS a), md5(obj_description(p.oid, 'pg_proc')))
    FROM pg_proc AS p JOIN schemas AS s ON s.oid = p.pronamespace
    UNION ALL
    SELECT format('type %s.%s labels %s', s.nspname, t.typname, (SELECT string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid))
    FROM pg_type AS t JOIN schemas AS s ON s.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'c') AND t.typrelid = 0
    UNION ALL
    SELECT format('member %s', pg_describe_object(d.classid, d.objid, 0))
    FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid AND x.extname = 'statbus'
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    UNION ALL
    SELECT format('init privileges %s', pg_describe_object(i.classoid, i.objoid, i.objsubid)) FROM pg_init_privs AS i
    JOIN pg_class AS c ON i.classoid = 'pg_class'::regclass AND c.oid = i.objoid JOIN schemas AS s ON s.oid = c.relnamespace
)
SELECT fact FROM facts ORDER BY fact COLLATE "C";
