-- Schema api: its views and functions, writing through views, embedding, reports. HTTP is tested in test/postgrest.
\set VERBOSITY terse
SET client_min_messages = warning;
SET datestyle = ISO;
SET statbus."current_date" = '2024-06-15';

-- What there is. Views of import jobs would be named after them.
SELECT c.relname AS view, EXISTS (SELECT FROM pg_options_to_table(c.reloptions) AS o
                                  WHERE o.option_name = 'security_invoker' AND o.option_value IN ('on', 'true')) AS security_invoker,
    obj_description(c.oid) IS NOT NULL AS has_comment,
    pg_relation_is_updatable(c.oid, true) & 28 AS writable
FROM pg_class AS c
WHERE c.relnamespace = 'api'::regnamespace AND c.relkind = 'v'
ORDER BY c.relname COLLATE "C";
SELECT p.oid::regprocedure::text AS function, p.proretset AS set, p.prorows::integer AS rows
FROM pg_proc AS p
WHERE p.pronamespace = 'api'::regnamespace
ORDER BY p.oid::regprocedure::text COLLATE "C";
-- None of the functions runs with other rights, looks names up where its caller says, or is for everybody. Only the functions that
-- PostgREST embeds with (of a row of a view) pin no search_path: the planner puts them into the query.
SELECT p.oid::regprocedure AS wrong
FROM pg_proc AS p
WHERE p.pronamespace = 'api'::regnamespace
AND (p.prosecdef
     OR coalesce(p.proconfig::text LIKE '%search\_path%', false)
        = EXISTS (SELECT FROM pg_class AS c WHERE c.reltype = p.proargtypes[0] AND c.relkind = 'v' AND p.pronargs = 1)
     OR has_function_privilege('public', p.oid, 'EXECUTE') OR NOT has_function_privilege('admin_user', p.oid, 'EXECUTE'))
AND p.proname NOT IN ('login', 'refresh', 'logout', 'auth_status', 'auth_test')
ORDER BY 1;
-- Nobody anonymous has anything, and no group may do more with a view than with the tables behind it.
SELECT c.relname AS wrong FROM pg_class AS c WHERE c.relnamespace = 'api'::regnamespace AND has_table_privilege('anon', c.oid, 'SELECT, INSERT, UPDATE, DELETE');
SELECT c.relname AS wrong, role.name AS role, p.name AS privilege
FROM pg_class AS c
CROSS JOIN unnest('{authenticated,external_user,restricted_user,regular_user,admin_user}'::text[]) AS role (name)
CROSS JOIN unnest('{INSERT,UPDATE,DELETE}'::text[]) AS p (name)
WHERE c.relnamespace = 'api'::regnamespace AND c.relkind = 'v' AND has_table_privilege(role.name, c.oid, p.name)
AND NOT EXISTS (SELECT
                FROM pg_rewrite AS r
                JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                WHERE r.ev_class = c.oid AND has_table_privilege(role.name, d.refobjid, p.name))
ORDER BY 1, 2, 3;

BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Rita', 'regress_rita@example.org', 'regular_user'),
    ('Rolf', 'regress_rolf@example.org', 'regular_user'),
    ('Eve', 'regress_eve@example.org', 'external_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
INSERT INTO register.enterprise (short_name) VALUES ('Test');
SELECT e.id AS enterprise, s.id AS active FROM register.enterprise AS e, register.status AS s WHERE e.short_name = 'Test' AND s.code = 'active' \gset

-- A column that is added to a table joins at the end of its view; a view that somebody has extended is left alone.
CREATE TEMPORARY VIEW wide AS
SELECT count(*) AS columns, (array_agg(attname ORDER BY attnum DESC))[1] AS last
FROM pg_attribute WHERE attrelid = 'api.legal_unit'::regclass AND attnum > 0;
SELECT columns AS was FROM wide \gset
ALTER TABLE register.legal_unit ADD COLUMN office_remark text;
SELECT statbus.generate_api_view('register.legal_unit', 'legal_unit');
SELECT columns - :was AS more, last FROM wide;
CREATE OR REPLACE VIEW api.person_role WITH (security_invoker = true) AS SELECT t.*, upper(t.name) AS loud FROM register.person_role AS t;
SELECT statbus.generate_api_view('register.person_role', 'person_role');
SELECT attname FROM pg_attribute WHERE attrelid = 'api.person_role'::regclass ORDER BY attnum DESC LIMIT 1;

-- Periods on the way in.
SET SESSION AUTHORIZATION "regress_rita@example.org";
PREPARE new_unit (text, date, date, date, daterange) AS
    INSERT INTO api.legal_unit (name, valid_from, valid_until, valid_to, valid_range, status_id, enterprise_id, primary_for_enterprise)
    VALUES ($1, $2, $3, $4, $5, :active, :enterprise, false)
    RETURNING name, valid_from, valid_until, valid_to, valid_range, id IS NOT NULL AS has_id, edit_by_user_id = auth.uid() AS is_mine, edit_at = statement_timestamp() AS is_now;
EXECUTE new_unit ('open', '2020-01-01', NULL, NULL, NULL);
EXECUTE new_unit ('until', '2020-01-01', '2021-01-01', NULL, NULL);
EXECUTE new_unit ('to', '2020-01-01', NULL, '2020-12-31', NULL);
EXECUTE new_unit ('both', '2020-01-01', '2021-01-01', '2020-12-31', NULL);
EXECUTE new_unit ('one day', '2020-01-01', NULL, '2020-01-01', NULL);
EXECUTE new_unit ('range', NULL, NULL, NULL, '[2020-01-01,2021-01-01)');
EXECUTE new_unit ('range without end', NULL, NULL, NULL, '[2020-01-01,)');
EXECUTE new_unit ('all', '2020-01-01', '2021-01-01', '2020-12-31', '[2020-01-01,2020-12-31]');
EXECUTE new_unit ('to infinity', '2020-01-01', NULL, 'infinity', NULL);
\set VERBOSITY sqlstate
EXECUTE new_unit ('contradiction', '2020-01-01', '2021-01-01', '2021-01-01', NULL);
EXECUTE new_unit ('contradiction', '2020-01-02', NULL, NULL, '[2020-01-01,2021-01-01)');
EXECUTE new_unit ('contradiction', '2020-01-01', NULL, '2021-01-01', '[2020-01-01,2021-01-01)');
EXECUTE new_unit ('reversed', '2020-01-02', NULL, '2020-01-01', NULL);
EXECUTE new_unit ('empty', '2020-01-01', '2020-01-01', NULL, NULL);
EXECUTE new_unit ('empty range', NULL, NULL, NULL, 'empty');
EXECUTE new_unit ('no start', NULL, '2020-01-01', NULL, NULL);
EXECUTE new_unit ('no start', NULL, NULL, NULL, '(,2020-01-01)');
EXECUTE new_unit ('no start', '-infinity', NULL, NULL, NULL);
EXECUTE new_unit (NULL, '2020-01-01', NULL, NULL, NULL);
\set VERBOSITY terse
INSERT INTO api.stat_for_unit (stat_definition_id, legal_unit_id, valid_from, value_int, value_type)
SELECT d.id, u.id, '2020-01-01', 7, 'int' FROM api.stat_definition AS d, api.legal_unit AS u WHERE d.code = 'employees' AND u.name = 'open';
EXECUTE new_unit ('contradiction', '2020-01-01', '2021-01-01', '2021-01-01', NULL);
EXECUTE new_unit ('reversed', '2020-01-02', NULL, '2020-01-01', NULL);

-- Changes: what changes counts.
UPDATE api.legal_unit SET valid_to = '2021-12-31' WHERE name = 'open' RETURNING valid_from, valid_until, valid_to, valid_range;
UPDATE api.legal_unit SET valid_until = '2023-01-01' WHERE name = 'open' RETURNING valid_from, valid_until, valid_to, valid_range;
UPDATE api.legal_unit SET valid_range = '[2019-01-01,)' WHERE name = 'open' RETURNING valid_from, valid_until, valid_to, valid_range;
UPDATE api.legal_unit SET valid_from = '2020-01-01', valid_to = '2020-12-31', valid_until = '2021-01-01', short_name = 's' WHERE name = 'open' RETURNING short_name, valid_range;
UPDATE api.legal_unit SET valid_to = '2021-12-31', valid_until = '2021-12-31' WHERE name = 'open';
UPDATE api.legal_unit SET valid_from = '2022-01-01' WHERE name = 'open';
UPDATE api.legal_unit SET valid_to = NULL WHERE name = 'open';
UPDATE api.legal_unit SET id = id + 1000 WHERE name = 'open';
UPDATE api.legal_unit SET valid_until = 'infinity' WHERE name = 'open' RETURNING valid_range;

-- Who changed it; a change that changes nothing writes nothing.
SET SESSION AUTHORIZATION "regress_rolf@example.org";
UPDATE api.legal_unit SET short_name = 's', valid_to = valid_to WHERE name = 'open' RETURNING edit_by_user_id = auth.uid() AS is_mine;
UPDATE api.legal_unit SET short_name = 't' WHERE name = 'open' RETURNING edit_by_user_id = auth.uid() AS is_mine;
UPDATE api.legal_unit SET short_name = 'u', edit_by_user_id = 1 WHERE name = 'open';
INSERT INTO api.external_ident (type_id, ident, legal_unit_id)
SELECT t.id, 'T1', u.id FROM api.external_ident_type AS t, api.legal_unit AS u WHERE t.code = 'tax_ident' AND u.name = 'open';
SET SESSION AUTHORIZATION "regress_rita@example.org";
UPDATE api.external_ident SET ident = 'T2' WHERE ident = 'T1' RETURNING ident, edit_by_user_id = auth.uid() AS is_mine;
UPDATE api.enterprise SET short_name = 'Test 2' WHERE id = :enterprise RETURNING short_name, edit_by_user_id = auth.uid() AS is_mine;
DELETE FROM api.legal_unit WHERE name = 'one day' RETURNING name;
SELECT count(*) FROM register.legal_unit WHERE name = 'one day';

-- A portion of a slice that somebody else wrote.
UPDATE api.legal_unit__for_portion_of_valid SET name = 'part', valid_from = '2022-01-01', valid_to = '2022-12-31' WHERE name = 'open';
SELECT name, valid_from, valid_to, edit_by_user_id = auth.uid() AS is_mine FROM api.legal_unit WHERE name IN ('open', 'part') ORDER BY valid_from;
UPDATE api.legal_unit__for_portion_of_valid SET name = 'again', valid_from = '2020-01-01', valid_to = '2020-12-31', valid_until = '2021-07-01' WHERE name = 'open' AND valid_from = '2020-01-01';
UPDATE api.legal_unit__for_portion_of_valid SET name = 'again', valid_to = '2020-12-31' WHERE name = 'open' AND valid_from = '2020-01-01';
SELECT id AS unit FROM api.legal_unit WHERE name = 'part' \gset
INSERT INTO api.contact (legal_unit_id, valid_from, valid_to, email_address) VALUES (:unit, '2020-01-01', '2023-12-31', 'a@example.org');
SELECT id AS contact FROM api.contact WHERE legal_unit_id = :unit \gset
SELECT api.delete_portion('contact', format('{"id": %s}', :contact)::jsonb, '2021-01-01', valid_to => '2021-12-31') AS slices;
SELECT valid_from, valid_to FROM api.contact WHERE id = :contact ORDER BY valid_from;
SELECT api.delete_portion('contact', '{"id": 1}', '2021-01-01');
SELECT api.delete_portion('contact', '{"id": 1}', '2021-01-01', '2021-12-31', '2021-12-31');
SELECT api.delete_portion('pg_class', '{"id": 1}', '2021-01-01', '2021-12-31');

-- Embedding: today moved into the row's own period.
INSERT INTO api.establishment (name, valid_from, valid_to, status_id, legal_unit_id, primary_for_legal_unit) VALUES
    ('past', '2020-01-01', '2022-06-30', :active, :unit, false),
    ('now', '2020-01-01', NULL, :active, :unit, true),
    ('to come', '2030-01-01', NULL, :active, :unit, false);
UPDATE api.legal_unit__for_portion_of_valid SET name = 'in 2030', valid_from = '2030-01-01' WHERE id = :unit AND valid_until = 'infinity';
SELECT e.name, u.name AS legal_unit FROM api.establishment AS e, api.legal_unit(e) AS u WHERE e.legal_unit_id = :unit ORDER BY e.name;
SELECT u.name, u.valid_from, (SELECT string_agg(e.name, ', ' ORDER BY e.name) FROM api.establishment(u) AS e) AS establishments,
    (SELECT c.email_address FROM api.contact(u) AS c) AS contact
FROM api.legal_unit AS u WHERE u.id = :unit ORDER BY u.valid_from;
SELECT i.ident, u.name FROM api.external_ident AS i, api.legal_unit(i) AS u WHERE i.ident = 'T2';

-- Primary for a period only.
SELECT id AS other FROM api.legal_unit WHERE name = 'to infinity' \gset
SELECT api.set_primary_legal_unit_for_enterprise(:unit, '2020-01-01');
SELECT api.set_primary_legal_unit_for_enterprise(:other, '2021-01-01', '2021-12-31');
SELECT name, valid_from, valid_to FROM api.legal_unit WHERE enterprise_id = :enterprise AND primary_for_enterprise ORDER BY valid_from;
SELECT api.set_primary_establishment_for_legal_unit(id, '2021-01-01', '2021-12-31') FROM api.establishment WHERE name = 'past' AND legal_unit_id = :unit;
SELECT name, valid_from, valid_to FROM api.establishment WHERE legal_unit_id = :unit AND primary_for_legal_unit ORDER BY valid_from;

-- Reports, as somebody who may only read.
SET SESSION AUTHORIZATION "regress_eve@example.org";
SELECT jsonb_object_keys(api.statistical_unit_details('legal_unit', :unit) #> '{legal_unit,0}') AS details
EXCEPT SELECT attname::text FROM pg_attribute WHERE attrelid = 'api.legal_unit'::regclass ORDER BY 1;
SELECT jsonb_object_keys(api.statistical_unit_tree('legal_unit', :unit) #> '{enterprise,legal_unit,0}') AS tree
EXCEPT SELECT attname::text FROM pg_attribute WHERE attrelid = 'api.legal_unit'::regclass ORDER BY 1;
SELECT d.day, jsonb_path_query_array(h.tree, '$.enterprise.legal_unit[*].name') AS legal_units,
    jsonb_path_query_array(h.tree, '$.enterprise.legal_unit[*].establishment[*].name') AS establishments
FROM (VALUES ('2020-06-30'::date), ('2021-06-30'), ('2022-06-30'), ('2019-01-01'), (NULL)) AS d (day),
    LATERAL api.statistical_unit_hierarchy('enterprise', :enterprise, valid_on => d.day) AS h (tree);
SELECT jsonb_path_query_array(api.statistical_unit_hierarchy('enterprise', :enterprise, valid_on => '2020-06-30', primary_only => true), '$.enterprise.legal_unit[*].establishment[*].name') AS primary_only;
SELECT api.statistical_unit_hierarchy('legal_unit', :unit, strip_nulls => true) @? '$.enterprise.legal_unit[*].sector' AS has_null;
SELECT api.statistical_unit_enterprise_id('legal_unit', :unit, '2019-01-01') AS before_birth, api.statistical_unit_enterprise_id('legal_unit', :unit) = :enterprise AS today;
SELECT api.get_external_idents('legal_unit', :unit);
SELECT q, api.websearch_to_wildcard_tsquery(q) FROM unnest(ARRAY['foo', 'Foo bar', '"foo bar" -baz', 'foo or bar', 'O''Neil''s', 'a\b', '', '''']) AS q;
SELECT api.is_importing(), api.is_deriving_reports();
SELECT api.get_import_job_progress(0) IS NULL AS no_job;
RESET SESSION AUTHORIZATION;
SELECT statbus.render_template('{column} is {value}, {nothing} of { {n}', '{"column": "c", "value": "{n}", "n": 3}');

-- The derived rows of the same enterprise.
SELECT statbus.rebuild() IS NULL AS rebuilt \gset
SELECT u.unit_type, u.name FROM api.relevant_statistical_units('establishment', (SELECT max(id) FROM api.establishment WHERE name = 'now' AND legal_unit_id = :unit)) AS u ORDER BY u.unit_type, u.name;
SELECT count(*) FROM api.statistical_unit_stats('legal_unit', :unit, '2020-06-30');

-- A job is named by its definition, once.
SET SESSION AUTHORIZATION "regress_rita@example.org";
INSERT INTO api.import_job (slug, definition_slug) VALUES ('regress_api', 'legal_unit_source_dates') RETURNING slug, definition_slug, state, user_id = auth.uid() AS is_mine;
INSERT INTO api.import_job (slug, definition_slug) VALUES ('regress_none', 'no_such');
INSERT INTO api.import_job (slug, definition_slug, definition_id) SELECT 'regress_two', 'legal_unit_source_dates', d.id FROM api.import_definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT t.target_pg_type FROM api.import_source_column_type AS t JOIN api.import_definition AS d ON d.id = t.definition_id WHERE d.slug = 'legal_unit_source_dates' AND t.column_name = 'name';
RESET SESSION AUTHORIZATION;
ROLLBACK;
