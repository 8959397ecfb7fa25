-- Import definitions: what is shipped, what makes one valid, and how they follow the code lists.
\set VERBOSITY terse
BEGIN;

-- The shipped definitions.
SELECT d.slug, d.mode, d.strategy, d.valid_time_from, s.code AS data_source, d.valid, d.validation_error,
       (SELECT count(*) FROM import.definition_step AS ds WHERE ds.definition_id = d.id) AS steps,
       (SELECT count(*) FROM import.source_column AS h WHERE h.definition_id = d.id) AS columns,
       (SELECT count(*) FROM import.mapping AS m WHERE m.definition_id = d.id AND m.is_ignored) AS ignored
FROM import.definition AS d LEFT JOIN register.data_source AS s ON s.id = d.data_source_id
ORDER BY d.slug COLLATE "C";

-- headings(slug): the source columns in order, without those that every file of units has
CREATE FUNCTION pg_temp.headings(slug text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(h.column_name, ' ' ORDER BY h.priority)
    FROM import.source_column AS h JOIN import.definition AS d ON d.id = h.definition_id
    WHERE d.slug = headings.slug
    AND h.column_name !~ '^(physical|postal)_|_(date|address|number|code)$|^(landline|name|tag_path)$'
$$;
SELECT slug, pg_temp.headings(slug) FROM import.definition WHERE slug NOT LIKE 'brreg%' ORDER BY slug COLLATE "C";
-- Every heading of the Norwegian register is mapped or ignored on purpose.
SELECT d.slug, h.column_name AS heading, c.column_name AS target
FROM import.definition AS d
JOIN import.source_column AS h ON h.definition_id = d.id
JOIN import.mapping AS m ON m.source_column_id = h.id
JOIN import.data_column AS c ON c.id = m.target_data_column_id
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')
ORDER BY d.slug COLLATE "C", h.priority;

-- A new statistic and a new identifier, of two components, come to the definitions that follow.
INSERT INTO register.stat_definition (code, type, frequency, name, priority) VALUES ('exports', 'bool', 'yearly', 'Exports', 7);
INSERT INTO register.external_ident_type (code, name, shape, labels, priority)
VALUES ('census_ident', 'Census', 'hierarchical', 'region.unit_no', 20);
SELECT slug, pg_temp.headings(slug) FROM import.definition WHERE slug IN ('establishment_for_lu_job_provided', 'generic_unit_stats_update_source_dates') ORDER BY slug;
SELECT s.code AS step, c.column_name, c.column_type, c.purpose, c.target_pg_type, c.is_uniquely_identifying AS identifying, c.ident_label
FROM import.data_column AS c JOIN import.step AS s ON s.id = c.step_id
WHERE c.column_name ~ 'exports|census' ORDER BY s.priority, c.id;
-- Renamed, they keep their place.
UPDATE register.external_ident_type SET code = 'census' WHERE code = 'census_ident';
SELECT pg_temp.headings('generic_unit_stats_update_source_dates');
-- A component less.
UPDATE register.external_ident_type SET labels = 'region' WHERE code = 'census';
SELECT pg_temp.headings('generic_unit_stats_update_source_dates');
-- Disabled, they leave; a definition of one's own keeps its headings, and is not valid without an identifier.
UPDATE register.external_ident_type SET enabled = false WHERE code IN ('census', 'tax_ident');
UPDATE register.stat_definition SET enabled = false WHERE code = 'employees';
SELECT pg_temp.headings('generic_unit_stats_update_source_dates');
SELECT slug, validation_error FROM import.definition WHERE NOT valid ORDER BY slug COLLATE "C";
UPDATE register.external_ident_type SET enabled = true WHERE code = 'tax_ident';
UPDATE register.stat_definition SET enabled = true WHERE code = 'employees';
DELETE FROM register.external_ident_type WHERE code = 'census';
DELETE FROM register.stat_definition WHERE code = 'exports';
SELECT pg_temp.headings('generic_unit_stats_update_source_dates');
SELECT count(*) AS not_valid FROM import.definition WHERE NOT valid;
SELECT count(*) AS left_behind FROM import.data_column WHERE column_name ~ 'exports|census';

-- A definition of one's own grows valid part by part; nobody can say so himself.
INSERT INTO import.definition (slug, name, mode, valid_time_from, valid) VALUES ('mine', 'Mine', 'establishment_formal', 'source_columns', true);
CREATE FUNCTION pg_temp.problems() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_split_to_table(coalesce(d.validation_error, 'valid'), '; ') FROM import.definition AS d WHERE d.slug = 'mine'
$$;
CREATE FUNCTION pg_temp.map(heading text, target text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id, is_ignored)
    SELECT h.definition_id, h.id, (SELECT c.id FROM import.data_column AS c JOIN import.step AS s ON s.id = c.step_id
                                   WHERE c.column_name = map.target || '_raw' AND s.code <> 'legal_unit'), map.target IS NULL
    FROM import.source_column AS h JOIN import.definition AS d ON d.id = h.definition_id
    WHERE d.slug = 'mine' AND h.column_name = map.heading
$$;
SELECT pg_temp.problems();
INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id FROM import.definition AS d, import.step AS s
WHERE d.slug = 'mine' AND s.code IN ('valid_time', 'external_idents', 'link_establishment_to_legal_unit', 'establishment', 'legal_unit', 'edit_info', 'metadata');
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT d.id, h.name, h.position FROM import.definition AS d,
    unnest('{Orgnr,"Mor, orgnr",navn.ny,Fra,Til,Kilde,Annet}'::text[]) WITH ORDINALITY AS h (name, position)
WHERE d.slug = 'mine';
SELECT pg_temp.problems();
SELECT pg_temp.map('Orgnr', 'tax_ident'), pg_temp.map('Mor, orgnr', 'legal_unit_tax_ident'), pg_temp.map('navn.ny', 'name'),
       pg_temp.map('Fra', 'valid_from'), pg_temp.map('Til', 'valid_to'), pg_temp.map('Kilde', 'data_source_code'), pg_temp.map('Annet', NULL);
SELECT pg_temp.problems();
DELETE FROM import.definition_step AS ds USING import.step AS s, import.definition AS d
WHERE s.id = ds.step_id AND s.code = 'legal_unit' AND d.id = ds.definition_id AND d.slug = 'mine';
SELECT pg_temp.problems();
INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id FROM import.definition AS d, import.step AS s WHERE d.slug = 'mine' AND s.code = 'data_source';
SELECT pg_temp.problems();
UPDATE import.definition SET valid_time_from = 'job_provided' WHERE slug = 'mine';
SELECT pg_temp.problems();
UPDATE import.definition SET mode = 'legal_relationship', valid_time_from = 'source_columns' WHERE slug = 'mine';
SELECT pg_temp.problems();
UPDATE import.definition SET valid = true, validation_error = NULL WHERE slug = 'mine';
SELECT valid FROM import.definition WHERE slug = 'mine';

-- An administrator does all this with his own rights; others read.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Ada', 'regress_ada@example.org', 'admin_user'), ('Rita', 'regress_rita@example.org', 'regular_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
SET LOCAL ROLE "regress_ada@example.org";
INSERT INTO register.stat_definition (code, type, frequency, name, priority) VALUES ('exports', 'bool', 'yearly', 'Exports', 7);
SELECT pg_temp.headings('generic_unit_stats_update_source_dates');
UPDATE register.stat_definition SET enabled = false WHERE code = 'exports';
DELETE FROM register.stat_definition WHERE code = 'exports';
DELETE FROM import.source_column AS h USING import.definition AS d WHERE d.id = h.definition_id AND d.slug = 'mine' AND h.column_name = 'Annet';
SELECT count(*) AS not_valid FROM import.definition WHERE NOT valid;
DELETE FROM import.definition WHERE slug = 'mine' RETURNING slug;
SET LOCAL ROLE "regress_rita@example.org";
SELECT count(*) AS shipped FROM import.definition WHERE NOT custom;
SAVEPOINT s;
UPDATE import.definition SET enabled = false;               -- fails
ROLLBACK TO s;
UPDATE import.data_column SET priority = priority + 1;      -- fails
ROLLBACK TO s;
RESET ROLE;
INSERT INTO import.definition (slug, name, mode, valid_time_from) VALUES ('mine', 'Mine', 'establishment_formal', 'source_columns');
INSERT INTO import.source_column (definition_id, column_name, priority) SELECT d.id, 'Annet', 1 FROM import.definition AS d WHERE d.slug = 'mine';
INSERT INTO import.source_column (definition_id, column_name, priority) SELECT d.id, 'navn', 2 FROM import.definition AS d WHERE d.slug = 'mine';
SELECT pg_temp.map('navn', 'name');

-- Refusals.
\set VERBOSITY sqlstate
SAVEPOINT s;
UPDATE import.definition SET valid_time_from = 'job_provided', unique_units = false WHERE slug = 'mine';                 -- fails
ROLLBACK TO s;
UPDATE import.definition SET date_formats = '{DD.MM.YY}' WHERE slug = 'mine';                                             -- fails
ROLLBACK TO s;
UPDATE import.definition SET decimal_mark = ',', thousands = ',' WHERE slug = 'mine';                                     -- fails
ROLLBACK TO s;
UPDATE import.definition SET true_words = '{1}', false_words = '{1}' WHERE slug = 'mine';                                 -- fails
ROLLBACK TO s;
INSERT INTO import.source_column (definition_id, column_name, priority) SELECT id, repeat('æ', 32), 100 FROM import.definition WHERE slug = 'mine';  -- fails: 64 bytes
ROLLBACK TO s;
INSERT INTO import.source_column (definition_id, column_name, priority) SELECT id, 'ctid', 100 FROM import.definition WHERE slug = 'mine';  -- fails
ROLLBACK TO s;
SELECT pg_temp.map('Annet', 'name');                                                                                      -- fails: one mapping per target
ROLLBACK TO s;
INSERT INTO import.mapping (definition_id, source_value, source_expression) SELECT id, 'x', 'now' FROM import.definition WHERE slug = 'mine';  -- fails
ROLLBACK TO s;
INSERT INTO import.mapping (definition_id, source_value, target_data_column_id)
SELECT d.id, '1', c.id FROM import.definition AS d, import.data_column AS c WHERE d.slug = 'mine' AND c.column_name = 'influencing_id';  -- fails: not a source_input
ROLLBACK TO s;
\set VERBOSITY default

-- The catalogue of findings: rendered, a template takes what the finding holds.
SELECT level, severity, count(*) > 0 AS present FROM import.finding_code GROUP BY 1, 2 ORDER BY 1, 2;
SELECT import.finding_message(message, 'percentage', '150', NULL) FROM import.finding_code WHERE code = 'percentage_range';
SELECT import.finding_message(message, 'name', '{limit}', '{"length": 300, "limit": 256}') FROM import.finding_code WHERE code = 'too_long';
SELECT import.finding_message('{value} is not {nothing} {', 'x', '{column}', '{}');
ROLLBACK;
