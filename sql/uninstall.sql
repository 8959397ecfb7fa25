-- The extension does not go while a register hangs on it; when it is made to, the rows stay, and
-- the same version of the extension gives everything back.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
DROP EXTENSION statbus;                                  -- fails
\set VERBOSITY default
SELECT count(*) AS isic_before FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id WHERE s.code = 'isic_v4' \gset
DROP EXTENSION statbus CASCADE;
SELECT :isic_before = count(*) AS rows_stayed FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id WHERE s.code = 'isic_v4';
SELECT count(*) AS functions_left FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname IN ('statbus', 'temporal');
SET client_min_messages = notice;
CREATE EXTENSION statbus;
SET client_min_messages = warning;
SELECT statbus.needs_migration();
SELECT auth.pre_request();                               -- fails
CALL statbus.migrate();
SELECT statbus.needs_migration();
SELECT auth.pre_request();
-- And now for good.
DROP EXTENSION statbus CASCADE;
DROP SCHEMA api, worker, import, auth, register, statbus CASCADE;
SELECT nspname FROM pg_namespace WHERE nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api');
