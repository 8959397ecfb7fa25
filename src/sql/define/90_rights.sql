-- Who may do what.  Every table is in exactly one of the lists below; each list is one pattern of
-- grants and policies.  Rights come from two sides: a grant to a group role, which is shared by all
-- registers of the cluster, and a policy, which asks for the user's role in this register.
--
-- Policies call the identity functions in a scalar subquery, so that they run once per query.
DO $rights$
DECLARE
    -- Data that a regular user edits, under his own name.
    edited CONSTANT text[] := ARRAY[
        'register.enterprise', 'register.legal_unit', 'register.establishment', 'register.activity', 'register.location',
        'register.contact', 'register.stat_for_unit', 'register.external_ident', 'register.tag_for_unit',
        'register.unit_notes', 'register.person', 'register.person_for_unit', 'register.legal_relationship', 'register.power_group',
        'register.power_root'];
    -- The same; the column that says who did it has another name.
    uploaded CONSTANT text[] := ARRAY['register.image'];
    -- What everybody reads and an administrator configures.
    configured CONSTANT text[] := ARRAY[
        'register.activity_category', 'register.activity_category_standard', 'register.country', 'register.data_source',
        'register.external_ident_rule', 'register.external_ident_exception', 'register.external_ident_type',
        'register.foreign_participation', 'register.legal_form', 'register.legal_rel_type', 'register.legal_reorg_type', 'register.person_role', 'register.power_group_type', 'register.region',
        'register.region_version', 'register.relative_period', 'register.sector', 'register.settings',
        'register.stat_definition', 'register.status', 'register.tag', 'register.unit_size',
        'import.definition', 'import.definition_step', 'import.source_column', 'import.mapping',
        'import.rule', 'import.definition_severity'];
    -- What everybody reads and only functions of the extension write.
    derived CONSTANT text[] := ARRAY[
        'register.timepoints', 'register.timesegments', 'register.timesegments_years', 'register.timeline_establishment',
        'register.timeline_legal_unit', 'register.timeline_enterprise', 'register.timeline_power_group',
        'register.statistical_unit', 'register.activity_category_used', 'register.country_used',
        'register.data_source_used', 'register.legal_form_used', 'register.region_used', 'register.sector_used',
        'import.step', 'import.data_column', 'import.finding_code', 'import.pack'];
    -- What an administrator reads.
    operated CONSTANT text[] := ARRAY[
        'register.migration', 'auth.event', 'worker.tasks', 'worker.queue_registry', 'worker.command_registry'];
    -- What no role touches directly.
    internal CONSTANT text[] := ARRAY['worker.base_change_log', 'auth.throttle', 'auth.login_try', 'import.upload_chunk'];
    table_name text;
    relation regclass;
BEGIN
    GRANT USAGE ON SCHEMA register, import, worker TO authenticated;
    GRANT USAGE ON SCHEMA auth, api TO authenticated, anon;
    GRANT USAGE ON SCHEMA auth TO authenticator;    -- auth.jwt_switch_role() on its own connections

    FOREACH table_name IN ARRAY edited || uploaded || configured || derived || operated || internal LOOP
        relation := to_regclass(table_name);
        CONTINUE WHEN relation IS NULL;     -- a step that is yet to come
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);

        IF table_name = ANY (operated || internal) THEN
            IF table_name = ANY (operated) THEN
                EXECUTE format('GRANT SELECT ON %s TO admin_user', relation);
                EXECUTE format('DROP POLICY IF EXISTS admin_user_read ON %s', relation);
                EXECUTE format($policy$CREATE POLICY admin_user_read ON %s FOR SELECT TO admin_user
                                       USING ((SELECT auth.is_at_least('admin_user')))$policy$, relation);
            END IF;
            CONTINUE;
        END IF;

        EXECUTE format('GRANT SELECT ON %s TO authenticated', relation);
        EXECUTE format('DROP POLICY IF EXISTS authenticated_read ON %s', relation);
        EXECUTE format($policy$CREATE POLICY authenticated_read ON %s FOR SELECT TO authenticated
                               USING ((SELECT auth.uid()) IS NOT NULL)$policy$, relation);

        IF table_name = ANY (edited || uploaded || configured) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO admin_user', relation);
            EXECUTE format('DROP POLICY IF EXISTS admin_user_manage ON %s', relation);
            EXECUTE format($policy$CREATE POLICY admin_user_manage ON %s FOR ALL TO admin_user
                                   USING ((SELECT auth.is_at_least('admin_user')))
                                   WITH CHECK ((SELECT auth.is_at_least('admin_user')))$policy$, relation);
        END IF;

        IF table_name = ANY (edited || uploaded) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO regular_user', relation);
            EXECUTE format('DROP POLICY IF EXISTS regular_user_manage ON %s', relation);
            EXECUTE format($policy$CREATE POLICY regular_user_manage ON %s FOR ALL TO regular_user
                                   USING ((SELECT auth.is_at_least('regular_user')))
                                   WITH CHECK ((SELECT auth.is_at_least('regular_user')) AND %s)$policy$, relation,
                           CASE WHEN table_name = ANY (edited) THEN 'edit_by_user_id = (SELECT auth.uid())' ELSE 'uploaded_by_user_id = (SELECT auth.uid())' END);
        END IF;
    END LOOP;

    FOREACH table_name IN ARRAY edited LOOP
        relation := to_regclass(table_name);
        CONTINUE WHEN relation IS NULL;
        EXECUTE format('CREATE OR REPLACE TRIGGER sign_copy BEFORE INSERT ON %s FOR EACH ROW
                        WHEN (NEW.edit_at <> statement_timestamp()) EXECUTE FUNCTION auth.sign_edit()', relation);
        EXECUTE format('CREATE OR REPLACE TRIGGER sign_edit BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION auth.sign_edit()', relation);
    END LOOP;

    -- A restricted user writes where a region or an activity was granted to him, whatever else he may read.  The server asks
    -- policies in the reverse order of their names until one allows the row: the one that looks at the row comes last.
    GRANT INSERT, UPDATE, DELETE ON register.location, register.activity TO restricted_user;
    DROP POLICY IF EXISTS restricted_user_manage ON register.location;     -- its name until 0.3.0
    DROP POLICY IF EXISTS access_granted_manage ON register.location;
    CREATE POLICY access_granted_manage ON register.location FOR ALL TO restricted_user
        USING ((SELECT auth.is_at_least('restricted_user'))
               AND (region_id IS NULL OR region_id = ANY ((SELECT auth.accessible_region_ids())::integer[])))
        WITH CHECK ((SELECT auth.is_at_least('restricted_user')) AND edit_by_user_id = (SELECT auth.uid())
                    AND (region_id IS NULL OR region_id = ANY ((SELECT auth.accessible_region_ids())::integer[])));
    DROP POLICY IF EXISTS restricted_user_manage ON register.activity;     -- its name until 0.3.0
    DROP POLICY IF EXISTS access_granted_manage ON register.activity;
    CREATE POLICY access_granted_manage ON register.activity FOR ALL TO restricted_user
        USING ((SELECT auth.is_at_least('restricted_user'))
               AND category_id = ANY ((SELECT auth.accessible_activity_category_ids())::integer[]))
        WITH CHECK ((SELECT auth.is_at_least('restricted_user')) AND edit_by_user_id = (SELECT auth.uid())
                    AND category_id = ANY ((SELECT auth.accessible_activity_category_ids())::integer[]));

    -- Users: everybody sees and renames himself, an administrator everybody.  Nobody reads a password hash.
    ALTER TABLE auth."user" ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON auth."user" FROM PUBLIC;
    GRANT SELECT (id, sub, display_name, email, statbus_role, created_at, updated_at, last_sign_in_at, email_confirmed_at, deleted_at)
        ON auth."user" TO authenticated;
    GRANT UPDATE (display_name) ON auth."user" TO authenticated;
    GRANT UPDATE (display_name, statbus_role, email_confirmed_at, deleted_at) ON auth."user" TO admin_user;
    DROP POLICY IF EXISTS self_read ON auth."user";
    CREATE POLICY self_read ON auth."user" FOR SELECT TO authenticated USING (id = (SELECT auth.uid()));
    DROP POLICY IF EXISTS self_update ON auth."user";
    CREATE POLICY self_update ON auth."user" FOR UPDATE TO authenticated
        USING (id = (SELECT auth.uid())) WITH CHECK (id = (SELECT auth.uid()));
    DROP POLICY IF EXISTS admin_user_manage ON auth."user";
    CREATE POLICY admin_user_manage ON auth."user" FOR ALL TO admin_user
        USING ((SELECT auth.is_at_least('admin_user')))
        -- What "system" may do is not theirs to say.
        WITH CHECK ((SELECT auth.is_at_least('admin_user')) AND (email IS NOT NULL OR statbus_role = 'admin_user'));

    -- Sessions and keys: one's own, and without the hash of a key.  A key that was revoked stays so.
    ALTER TABLE auth.refresh_session ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON auth.refresh_session FROM PUBLIC;
    GRANT SELECT ON auth.refresh_session TO authenticated;
    -- auth.revoke_session() ends one.  Whoever may delete rows may lock the table, and with it everybody out.
    REVOKE DELETE ON auth.refresh_session FROM authenticated;
    DROP POLICY IF EXISTS self_manage ON auth.refresh_session;     -- its name until 0.3.0
    DROP POLICY IF EXISTS self_read ON auth.refresh_session;
    CREATE POLICY self_read ON auth.refresh_session FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
    ALTER TABLE auth.api_key ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON auth.api_key FROM PUBLIC;
    GRANT SELECT (id, jti, user_id, description, created_at, expires_at, revoked_at, token_prefix) ON auth.api_key TO authenticated;
    GRANT UPDATE (description, revoked_at) ON auth.api_key TO authenticated;
    DROP POLICY IF EXISTS self_manage ON auth.api_key;
    DROP POLICY IF EXISTS self_read ON auth.api_key;
    CREATE POLICY self_read ON auth.api_key FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
    DROP POLICY IF EXISTS self_update ON auth.api_key;
    CREATE POLICY self_update ON auth.api_key FOR UPDATE TO authenticated
        USING (user_id = (SELECT auth.uid()) AND revoked_at IS NULL) WITH CHECK (user_id = (SELECT auth.uid()));

    -- What was granted to whom: one's own, and everything for an administrator.
    FOREACH table_name IN ARRAY ARRAY['register.region_access', 'register.activity_category_access'] LOOP
        relation := table_name::regclass;
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);
        EXECUTE format('GRANT SELECT ON %s TO authenticated', relation);
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO admin_user', relation);
        EXECUTE format('DROP POLICY IF EXISTS self_read ON %s', relation);
        EXECUTE format('CREATE POLICY self_read ON %s FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()))', relation);
        EXECUTE format('DROP POLICY IF EXISTS admin_user_manage ON %s', relation);
        EXECUTE format($policy$CREATE POLICY admin_user_manage ON %s FOR ALL TO admin_user
                               USING ((SELECT auth.is_at_least('admin_user')))
                               WITH CHECK ((SELECT auth.is_at_least('admin_user')))$policy$, relation);
    END LOOP;

    -- Import jobs: everybody sees them, each changes his own, an administrator all.
    IF to_regclass('import.job') IS NOT NULL THEN
        ALTER TABLE import.job ENABLE ROW LEVEL SECURITY;
        REVOKE ALL ON import.job FROM PUBLIC;
        GRANT SELECT ON import.job TO authenticated;
        GRANT INSERT, UPDATE, DELETE ON import.job TO regular_user;
        DROP POLICY IF EXISTS authenticated_read ON import.job;
        CREATE POLICY authenticated_read ON import.job FOR SELECT TO authenticated USING ((SELECT auth.uid()) IS NOT NULL);
        DROP POLICY IF EXISTS regular_user_manage ON import.job;
        CREATE POLICY regular_user_manage ON import.job FOR ALL TO regular_user
            USING ((SELECT auth.is_at_least('regular_user')) AND user_id = (SELECT auth.uid()))
            WITH CHECK ((SELECT auth.is_at_least('regular_user')) AND user_id = (SELECT auth.uid()));
        DROP POLICY IF EXISTS admin_user_manage ON import.job;
        CREATE POLICY admin_user_manage ON import.job FOR ALL TO admin_user
            USING ((SELECT auth.is_at_least('admin_user'))) WITH CHECK ((SELECT auth.is_at_least('admin_user')));

        -- Findings quote the file: they are for those who may see its rows.
        ALTER TABLE import.bad_row ENABLE ROW LEVEL SECURITY;
        REVOKE ALL ON import.bad_row FROM PUBLIC;
        GRANT SELECT ON import.bad_row TO authenticated;
        DROP POLICY IF EXISTS authenticated_read ON import.bad_row;
        DROP POLICY IF EXISTS job_user_read ON import.bad_row;
        CREATE POLICY job_user_read ON import.bad_row FOR SELECT TO authenticated
            USING (job_id IN (SELECT j.id FROM import.job AS j WHERE j.user_id = (SELECT auth.uid())));
        -- How far a file has come, likewise; but not where in it the reading stands.
        ALTER TABLE import.upload ENABLE ROW LEVEL SECURITY;
        REVOKE ALL ON import.upload FROM PUBLIC;
        GRANT SELECT (job_id, started_at, finished_at, options, chunks, bytes, row_count, findings, sha256, headings) ON import.upload TO authenticated;
        DROP POLICY IF EXISTS job_user_read ON import.upload;
        CREATE POLICY job_user_read ON import.upload FOR SELECT TO authenticated
            USING (job_id IN (SELECT j.id FROM import.job AS j WHERE j.user_id = (SELECT auth.uid())));
        DROP POLICY IF EXISTS admin_user_read ON import.upload;
        CREATE POLICY admin_user_read ON import.upload FOR SELECT TO admin_user
            USING ((SELECT auth.is_at_least('admin_user')));
        -- What an undo needs is for those who may undo.
        FOREACH table_name IN ARRAY ARRAY['import.undo_write', 'import.undo_slice'] LOOP
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', table_name);
            EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', table_name);
            EXECUTE format('GRANT SELECT ON %s TO authenticated', table_name);
            EXECUTE format('DROP POLICY IF EXISTS job_user_read ON %s', table_name);
            EXECUTE format('CREATE POLICY job_user_read ON %s FOR SELECT TO authenticated
                            USING (job_id IN (SELECT j.id FROM import.job AS j WHERE j.user_id = (SELECT auth.uid())))', table_name);
            EXECUTE format('DROP POLICY IF EXISTS admin_user_read ON %s', table_name);
            EXECUTE format($policy$CREATE POLICY admin_user_read ON %s FOR SELECT TO admin_user
                                   USING ((SELECT auth.is_at_least('admin_user')))$policy$, table_name);
        END LOOP;
        DROP POLICY IF EXISTS admin_user_read ON import.bad_row;
        CREATE POLICY admin_user_read ON import.bad_row FOR SELECT TO admin_user
            USING ((SELECT auth.is_at_least('admin_user')));
    END IF;

    GRANT USAGE ON ALL SEQUENCES IN SCHEMA register TO regular_user;
    GRANT SELECT ON register.installation TO authenticated;

    -- The anonymous web visitor comes through PostgREST; everybody else is named by auth.sync_roles().
    PERFORM auth.restrict_connect();
END
$rights$;
