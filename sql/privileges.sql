-- All grants on schemas, tables and views, by role.
SELECT n.nspname AS schema, a.grantee::regrole::text AS role, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api') AND a.grantee <> n.nspowner
GROUP BY n.nspname, a.grantee ORDER BY n.nspname, a.grantee::regrole::text COLLATE "C";

SELECT c.oid::regclass::text AS relation, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role,
       string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
AND c.relkind IN ('r', 'p', 'v') AND a.grantee <> c.relowner
GROUP BY c.oid, a.grantee ORDER BY c.oid::regclass::text COLLATE "C", (CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) COLLATE "C";

SELECT c.oid::regclass::text AS relation, t.attname AS "column", a.grantee::regrole::text AS role,
       string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
FROM pg_attribute AS t JOIN pg_class AS c ON c.oid = t.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(t.attacl) AS a
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
GROUP BY c.oid, t.attname, a.grantee ORDER BY c.oid::regclass::text COLLATE "C", t.attname, a.grantee::regrole::text COLLATE "C";

-- Functions that not everybody may call.
SELECT p.oid::regprocedure::text AS function,
       coalesce((SELECT string_agg(a.grantee::regrole::text, ', ' ORDER BY a.grantee::regrole::text COLLATE "C")
                 FROM aclexplode(p.proacl) AS a WHERE a.grantee NOT IN (0, p.proowner)), '') AS roles
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text COLLATE "C";
