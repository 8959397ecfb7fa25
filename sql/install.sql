-- CREATE EXTENSION makes a whole register; what holds data is not a member of the extension.
SET client_min_messages = warning;
CREATE EXTENSION statbus CASCADE;
SELECT extname, nspname AS schema
FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
WHERE extname IN ('statbus', 'ltree', 'citext', 'btree_gist')
ORDER BY extname;

-- Members are code; the one member table is the one that must not be dumped.
SELECT member, count(*) > 0 AS present
FROM (SELECT CASE d.classid WHEN 'pg_class'::regclass THEN 'relation ' || d.objid::regclass
                      WHEN 'pg_namespace'::regclass THEN 'schema ' || d.objid::regnamespace
                      WHEN 'pg_type'::regclass THEN 'type ' || format_type(d.objid, NULL)
                      WHEN 'pg_proc'::regclass THEN 'functions'
                      ELSE pg_describe_object(d.classid, d.objid, 0) END AS member
FROM pg_depend AS d
JOIN pg_extension AS x ON x.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
WHERE x.extname = 'statbus'
-- from 18 on, the types that come with a relation or a type are members too
AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type AS t WHERE t.oid = d.objid AND (t.typrelid <> 0 OR t.typcategory = 'A'))))
AS members
GROUP BY member ORDER BY member COLLATE "C";

-- Every step has run, every schema holds what it should.
SELECT version, name FROM register.migration ORDER BY version;
SELECT statbus.needs_migration();
SELECT version = statbus.version() AS same_version FROM register.installation;
SELECT item, value FROM statbus.status() WHERE item LIKE 'db-%' OR item = 'tables' ORDER BY item;

-- Calling it again changes nothing.
CALL statbus.migrate();
SELECT count(*) - (SELECT count(*) FROM statbus.migration()) AS steps_too_many FROM register.migration;

-- Roles of the cluster, and who is a member of what.
SELECT r.rolname, r.rolcanlogin, r.rolinherit, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls AS too_powerful
FROM pg_roles AS r
WHERE r.rolname IN ('authenticator', 'anon', 'authenticated', 'admin_user', 'regular_user', 'restricted_user', 'external_user', 'notify_reader')
ORDER BY r.rolname;
SELECT g.rolname AS role, m.rolname AS member
FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
WHERE g.rolname IN ('anon', 'authenticated', 'regular_user', 'restricted_user', 'external_user')
AND m.rolname IN ('authenticator', 'admin_user', 'regular_user', 'restricted_user', 'external_user')
ORDER BY 1, 2;

-- Only superusers build.
CREATE ROLE regress_builder;
GRANT EXECUTE ON PROCEDURE statbus.migrate() TO regress_builder;
GRANT EXECUTE ON FUNCTION statbus.execute_unowned(text) TO regress_builder;
SET ROLE regress_builder;
\set VERBOSITY sqlstate
CALL statbus.migrate();                                  -- fails
SELECT statbus.execute_unowned('SELECT 1');              -- fails
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_builder;
DROP ROLE regress_builder;
