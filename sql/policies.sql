-- Every table is protected, and these are all policies.
SELECT c.oid::regclass::text AS unprotected
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
ORDER BY c.oid::regclass::text COLLATE "C";

-- Every view reads with the rights of its reader.
SELECT c.oid::regclass::text AS view_with_its_owners_rights
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
AND c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions) OR 'security_invoker=on' = ANY (c.reloptions), false)
ORDER BY c.oid::regclass::text COLLATE "C";

SELECT schemaname, tablename, policyname, roles, cmd,
       qual IS NOT NULL AS reads, with_check IS NOT NULL AS writes
FROM pg_policies
WHERE schemaname IN ('register', 'auth', 'import', 'worker', 'api')
ORDER BY 1, 2, 3;

-- Every policy asks who the user is in this register.
SELECT schemaname, tablename, policyname
FROM pg_policies
WHERE schemaname IN ('register', 'auth', 'import', 'worker', 'api')
AND coalesce(qual, with_check) !~ 'auth\.(uid|is_at_least)'
ORDER BY 1, 2, 3;

-- A policy without a grant would never be used.
SELECT p.schemaname, p.tablename, p.policyname
FROM pg_policies AS p
CROSS JOIN LATERAL unnest(p.roles) AS r (role)
WHERE p.schemaname IN ('register', 'auth', 'import', 'worker', 'api')
AND NOT has_any_column_privilege(r.role, format('%I.%I', p.schemaname, p.tablename), 'SELECT')
ORDER BY 1, 2, 3;
