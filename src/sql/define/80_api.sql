-- Definitions 80: the views of schema api over tables. Relationships between them are in 81, reports in 82; the families of
-- the code lists are in 20; grants follow in 95, when the tables have theirs.
--
-- Every view runs with the rights of its caller (security_invoker): what a row of it may show or take is decided by the
-- grants and policies of the table.

-- One view per table -----------------------------------------------------------------------------------------------
DO $views$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT listed.base, coalesce(listed.view_name, split_part(listed.base, '.', 2)) AS view_name, listed.hidden, listed.computed
        FROM (
            -- Tables that are shown whole, under their own name.
            SELECT 'register.' || name AS base, NULL AS view_name, '{}'::name[] AS hidden, '{}'::jsonb AS computed
            FROM unnest(ARRAY[
                -- code lists and settings
                'activity_category', 'activity_category_access', 'activity_category_standard', 'country', 'data_source',
                'external_ident_rule', 'external_ident_exception', 'external_ident_type', 'foreign_participation', 'legal_form', 'legal_rel_type', 'legal_reorg_type', 'person_role',
                'power_group_type', 'region', 'region_access', 'region_version', 'relative_period', 'sector', 'settings',
                'stat_definition', 'status', 'tag', 'unit_size',
                -- units
                'enterprise', 'legal_unit', 'establishment', 'activity', 'location', 'contact', 'stat_for_unit', 'external_ident',
                'tag_for_unit', 'unit_notes', 'image', 'person', 'person_for_unit', 'power_group', 'power_root', 'legal_relationship',
                -- derived
                'timepoints', 'timesegments', 'timesegments_years', 'statistical_unit', 'timeline_establishment',
                'timeline_legal_unit', 'timeline_enterprise', 'timeline_power_group', 'activity_category_used', 'country_used',
                'data_source_used', 'legal_form_used', 'region_used', 'sector_used'
            ]) AS t (name)
            UNION ALL
            -- Import: the tables without the prefix that a view needs.
            SELECT 'import.' || name, 'import_' || name, '{}', '{}'
            FROM unnest(ARRAY['definition', 'step', 'definition_step', 'data_column', 'source_column', 'mapping', 'finding_code', 'rule', 'definition_severity']) AS t (name)
            UNION ALL
            -- How far the analysis is stands in the table when it is done. A job has one user; who has taken it back would be a second one to embed.
            SELECT 'import.job', 'import_job', '{analysis_completed_pct,undo_user_id,next_batch}',
                   '{"definition_slug": "(SELECT d.slug FROM import.definition AS d WHERE d.id = t.definition_id)",
                     "analysis_completed_pct": "(CASE t.state WHEN ''analysing_data'' THEN import.analysis_pct(t.id, t.total_rows) ELSE t.analysis_completed_pct END)::numeric(5, 2)"}'
            UNION ALL
            -- People: nothing that a password or a key could be tried against.
            SELECT 'auth."user"', 'user', '{password,encrypted_password,has_own_role}', '{"password": "NULL::text"}'
            UNION ALL
            SELECT 'auth.api_key', 'api_key', '{token_hash,kid}', '{}'
        ) AS listed
    LOOP
        -- Columns that a table has got since stand last, behind the computed ones, also in a new register.
        IF shown.base = 'import.job' AND to_regclass('api.import_job') IS NULL THEN
            PERFORM statbus.generate_api_view(shown.base::regclass, shown.view_name,
                (SELECT array_agg(a.attname) FROM pg_attribute AS a
                 WHERE a.attrelid = shown.base::regclass AND NOT a.attisdropped
                 AND a.attnum > (SELECT w.attnum FROM pg_attribute AS w WHERE w.attrelid = a.attrelid AND w.attname = 'warning_count')), shown.computed - 'analysis_completed_pct');
        END IF;
        PERFORM statbus.generate_api_view(shown.base::regclass, shown.view_name, shown.hidden, shown.computed);
    END LOOP;
END
$views$;

COMMENT ON COLUMN api."user".password IS 'Always NULL';
-- Every column, also the one that is not the table's; writing is granted by column, as of the table.
GRANT SELECT ON api."user" TO authenticated;
COMMENT ON COLUMN api.import_job.definition_slug IS 'On INSERT it may be given in place of definition_id';

-- A job is made by naming its definition; the rest are defaults of the job.
CREATE OR REPLACE TRIGGER api_insert INSTEAD OF INSERT ON api.import_job
    FOR EACH ROW EXECUTE FUNCTION statbus.api_insert('import.job', 'definition_slug', 'definition_id', 'import.definition', 'slug');
-- Said here, because the view also reads a table that its users may not write.
GRANT INSERT, UPDATE, DELETE ON api.import_job TO regular_user;

-- Portions of time ---------------------------------------------------------------------------------------------------
-- UPDATE with a period changes just that part of a unit's history.
DO $portions$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY[
        'legal_unit', 'establishment', 'activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit',
        'legal_relationship', 'power_root'
    ] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER api_editor INSTEAD OF UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION statbus.api_portion_editor()',
                       temporal.add_portion_view(format('register.%I', table_name)::regclass, 'api',
                           '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}'));
        EXECUTE format('COMMENT ON VIEW api.%I IS %L', table_name || '__for_portion_of_valid',
                       format('%s: an UPDATE changes it from valid_from to valid_to only, and leaves its history before and after as it is', table_name));
    END LOOP;
END
$portions$;

-- Views that read more than one table ----------------------------------------------------------------------------------

CREATE OR REPLACE VIEW api.import_source_column_type WITH (security_invoker = true) AS
SELECT s.definition_id, s.column_name, s.priority, target.target_pg_type
FROM import.source_column AS s
LEFT JOIN LATERAL (
    SELECT c.target_pg_type
    FROM import.mapping AS m
    JOIN import.data_column AS c ON c.id = m.target_data_column_id
    WHERE m.source_column_id = s.id
    ORDER BY c.priority, c.id
    LIMIT 1
) AS target ON true;
COMMENT ON VIEW api.import_source_column_type IS
    'The type in which the values of a source column end up in the register; NULL for a column that is ignored';

CREATE OR REPLACE VIEW api.worker_task WITH (security_invoker = true) AS
SELECT t.id, t.command, t.priority, t.state, t.parent_id, t.depth, t.child_mode, t.created_at, t.process_start_at,
    t.process_stop_at, t.completed_at, t.duration_ms AS process_duration_ms,
    (1000 * extract(epoch FROM t.completed_at - t.process_start_at))::numeric(14, 3) AS completion_duration_ms,
    t.error, t.scheduled_at, t.worker_pid, t.payload, t.info, t.queue, c.description AS command_description
FROM worker.tasks AS t
JOIN worker.command_registry AS c ON c.command = t.command;
COMMENT ON VIEW api.worker_task IS 'Tasks to do, being done and done; for administrators';
COMMENT ON COLUMN api.worker_task.completion_duration_ms IS 'From the start of the task to the end of its last child';

CREATE OR REPLACE VIEW api.enterprise_external_idents WITH (security_invoker = true) AS
SELECT u.unit_type, u.unit_id, u.external_idents, u.valid_from, u.valid_to, u.valid_until
FROM register.statistical_unit AS u
WHERE u.unit_type = 'enterprise';
COMMENT ON VIEW api.enterprise_external_idents IS 'Identifiers by which an enterprise is found';

CREATE OR REPLACE VIEW api.legal_relationship_cluster WITH (security_invoker = true) AS
SELECT DISTINCT r.id AS legal_relationship_id, r.derived_power_group_id AS power_group_id
FROM register.legal_relationship AS r
WHERE r.derived_power_group_id IS NOT NULL;
COMMENT ON VIEW api.legal_relationship_cluster IS 'Which power group each legal relationship belongs to';

CREATE OR REPLACE VIEW api.power_group_active WITH (security_invoker = true) AS
SELECT g.id, g.ident, g.short_name, g.name, g.type_id
FROM register.power_group AS g
WHERE EXISTS (
    SELECT
    FROM register.legal_relationship AS r
    WHERE r.derived_power_group_id = g.id
    AND r.valid_from <= (SELECT statbus.today()) AND (SELECT statbus.today()) < r.valid_until);
COMMENT ON VIEW api.power_group_active IS 'Power groups of which a relationship is valid today';

CREATE OR REPLACE VIEW api.import_finding WITH (security_invoker = true) AS
SELECT f.job_id, j.slug AS job_slug, f.row_id, f.source_line, f.column_name, f.code, f.severity, f.value, f.details,
    statbus.render_template(c.message, g.given) AS message, import.finding_hint(c.hint, g.given) AS hint
FROM import.finding AS f
JOIN import.job AS j ON j.id = f.job_id
LEFT JOIN import.finding_code AS c ON c.code = f.code
CROSS JOIN LATERAL (SELECT import.finding_given(f.details, f.column_name, f.value) AS given) AS g;
COMMENT ON VIEW api.import_finding IS 'What there is to say about the rows of import jobs, in words; row_id 0 is the file as a whole';
