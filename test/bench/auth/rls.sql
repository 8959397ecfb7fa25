-- A scan of 1 M rows under the policies that the register's tables have, for a regular and for a restricted user, beside the same
-- policies with constants in place of the identity functions, and beside no policy; the functions row by row; signing of edits.
-- needs: auth.uid auth.explain
-- run: policies x9
-- run: constants x9
-- run: no_policy x9
-- run: grouped x5
-- run: grouped_no_policy x5
-- run: granted x9
-- run: granted_constants x9
-- run: uid_per_row x5
-- run: nothing_per_row x5
-- run: identities
-- run: set_role
-- run: signed x5
-- run: unsigned x5
-- run: explained
-- same: policies constants
-- same: policies no_policy
-- same: grouped grouped_no_policy
-- same: granted granted_constants
-- ratio: 1 M rows, policies of a regular user, of the same with constants | auth.uid, auth.is_at_least | policies / constants | <= 1.2
-- ratio: the same, of a table without policies: the server looks at the answer once per row | auth.uid, auth.is_at_least | policies / no_policy |
-- ratio: 1 M rows grouped by region, policies of a regular user, of a table without policies | auth.uid, auth.is_at_least | grouped / grouped_no_policy | <= 1.2
-- ratio: 1 M rows, regions granted to a restricted user, of the same with constants | auth.accessible_region_ids | granted / granted_constants | <= 1.2
-- ratio: 1 M calls, of a scan that calls nothing | auth.uid | uid_per_row / nothing_per_row |
-- ratio: 20,000 times SET ROLE and ask, of SET ROLE alone | auth.uid | identities / set_role |
-- ratio: update of 20,000 rows with the trigger that signs them, of one without | auth.sign_edit | signed / unsigned |
-- time: 100 explanations of an update | auth.explain | explained |
\echo == setup
INSERT INTO auth."user" (display_name, email, statbus_role)
SELECT 'RLS ' || i, 'rls_' || i || '@example.org', (CASE i WHEN 2 THEN 'restricted_user' ELSE 'regular_user' END)::auth.statbus_role FROM generate_series(1, 40) AS i
ON CONFLICT DO NOTHING;
SELECT auth.sync_roles();
INSERT INTO register.region (path, name, version_id)
SELECT r.path::ltree, r.path, v.id FROM register.region_version AS v, (SELECT '8' || i || suffix FROM generate_series(1, 9) AS i, unnest('{"",.1,.2,.3}'::text[]) AS suffix) AS r (path)
WHERE v.code = 'initial' ON CONFLICT DO NOTHING;
INSERT INTO register.region_access (user_id, region_id) SELECT u.id, r.id FROM auth."user" AS u, register.region AS r
WHERE u.email = 'rls_2@example.org' AND r.path IN ('81', '85') ON CONFLICT DO NOTHING;
DROP TABLE IF EXISTS asked, fixed, bare;
CREATE TABLE asked (id integer PRIMARY KEY, region_id integer, note text, edit_by_user_id integer DEFAULT auth.uid(), edit_at timestamptz DEFAULT now());
INSERT INTO asked SELECT i, r.ids[1 + i % cardinality(r.ids)], 'row ' || i FROM generate_series(1, 1000000) AS i,
    (SELECT array_agg(r.id ORDER BY r.path) AS ids FROM register.region AS r WHERE r.path::text ~ '^8[1-9]') AS r;
CREATE TABLE fixed (LIKE asked INCLUDING ALL);
INSERT INTO fixed SELECT * FROM asked;
CREATE TABLE bare (LIKE asked INCLUDING ALL);
INSERT INTO bare SELECT * FROM asked;
GRANT SELECT, UPDATE ON asked, fixed, bare TO authenticated;
ALTER TABLE asked ENABLE ROW LEVEL SECURITY;
ALTER TABLE fixed ENABLE ROW LEVEL SECURITY;
-- Not read by restricted users here, so that their regions decide.
CREATE POLICY authenticated_read ON asked FOR SELECT TO regular_user USING ((SELECT auth.uid()) IS NOT NULL);
CREATE POLICY regular_user_manage ON asked FOR ALL TO regular_user USING ((SELECT auth.is_at_least('regular_user')))
    WITH CHECK ((SELECT auth.is_at_least('regular_user')) AND edit_by_user_id = (SELECT auth.uid()));
CREATE POLICY access_granted_manage ON asked FOR ALL TO restricted_user
    USING ((SELECT auth.is_at_least('restricted_user')) AND (region_id IS NULL OR region_id = ANY ((SELECT auth.accessible_region_ids())::integer[])));
CREATE POLICY authenticated_read ON fixed FOR SELECT TO regular_user USING ((SELECT now()) IS NOT NULL);
CREATE POLICY regular_user_manage ON fixed FOR ALL TO regular_user USING ((SELECT now() > '-infinity')) WITH CHECK ((SELECT now() > '-infinity'));
DO $constants$ BEGIN
    EXECUTE format('CREATE POLICY access_granted_manage ON fixed FOR ALL TO restricted_user USING ((SELECT now() > ''-infinity'') AND (region_id IS NULL OR region_id = ANY ((SELECT %L::integer[])::integer[])))',
        (SELECT array_agg(r.id) FROM register.region AS r WHERE r.path <@ '81' OR r.path <@ '85'));
END $constants$;
CREATE TRIGGER sign_edit BEFORE UPDATE ON asked FOR EACH ROW EXECUTE FUNCTION auth.sign_edit();
CREATE OR REPLACE PROCEDURE be_many(asks boolean) LANGUAGE plpgsql AS $be_many$
BEGIN
    FOR i IN 1..20000 LOOP
        PERFORM set_config('role', 'rls_' || 1 + i % 40 || '@example.org', true), CASE WHEN asks THEN auth.uid() END;
    END LOOP;
    PERFORM set_config('role', 'none', true);
END $be_many$;
VACUUM ANALYZE asked;
VACUUM ANALYZE fixed;
VACUUM ANALYZE bare;
\echo == policies: prepare
SELECT sum(id) FROM asked;
\echo == policies
SET ROLE "rls_1@example.org";
SELECT count(*), sum(id) FROM asked;
\echo == constants: prepare
SELECT sum(id) FROM fixed;
\echo == constants
SET ROLE "rls_1@example.org";
SELECT count(*), sum(id) FROM fixed;
\echo == no_policy: prepare
SELECT sum(id) FROM bare;
\echo == no_policy
SET ROLE "rls_1@example.org";
SELECT count(*), sum(id) FROM bare;
\echo == grouped: prepare
SELECT sum(id) FROM asked;
\echo == grouped
SET ROLE "rls_1@example.org";
SELECT region_id, count(*), sum(id) FROM asked GROUP BY region_id ORDER BY region_id;
\echo == grouped_no_policy: prepare
SELECT sum(id) FROM bare;
\echo == grouped_no_policy
SET ROLE "rls_1@example.org";
SELECT region_id, count(*), sum(id) FROM bare GROUP BY region_id ORDER BY region_id;
\echo == granted: prepare
SELECT sum(id) FROM asked;
\echo == granted
SET ROLE "rls_2@example.org";
SELECT count(*), sum(id) FROM asked;
\echo == granted_constants: prepare
SELECT sum(id) FROM fixed;
\echo == granted_constants
SET ROLE "rls_2@example.org";
SELECT count(*), sum(id) FROM fixed;
\echo == uid_per_row: prepare
SELECT sum(id) FROM bare;
\echo == uid_per_row
SET ROLE "rls_1@example.org";
SELECT count(*) FROM bare AS b WHERE b.id <> -auth.uid();
\echo == nothing_per_row: prepare
SELECT sum(id) FROM bare;
\echo == nothing_per_row
SET ROLE "rls_1@example.org";
SELECT count(*) FROM bare AS b WHERE b.id <> -1;
\echo == identities
CALL be_many(true);
\echo == set_role
CALL be_many(false);
\echo == signed
SET ROLE "rls_1@example.org";
UPDATE asked SET note = note || '.' WHERE id <= 20000;
\echo == unsigned
SET ROLE "rls_1@example.org";
UPDATE fixed SET note = note || '.' WHERE id <= 20000;
\echo == explained
SELECT count(*) FROM generate_series(1, 100) AS i CROSS JOIN LATERAL auth.explain('rls_' || 1 + i % 40 || '@example.org', 'register.location', NULL, 'update') AS e;
