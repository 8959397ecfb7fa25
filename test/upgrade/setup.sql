-- A small register in the tables that version 0.1.0 already had: what a dump, a restore and an
-- update must carry over.  Works in every version.
SET statbus."current_date" = '2024-06-15';
SELECT set_config('search_path', statbus.search_path() || ', public', false);     -- wherever ltree is
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Ada Admin', 'ada@example.org', 'admin_user'),
    ('Rita Regular', 'rita@example.org', 'regular_user');
INSERT INTO register.region (path, name, version_id)
SELECT '91', 'North', v.id FROM register.region_version AS v WHERE v.code = 'initial';
INSERT INTO register.region (path, name, version_id, parent_id)
SELECT '91.01', 'North Town', v.id, p.id
FROM register.region_version AS v JOIN register.region AS p ON p.version_id = v.id AND p.path = '91' WHERE v.code = 'initial';
UPDATE register.country SET name = 'Norway, renamed by the user' WHERE iso_2 = 'NO';
INSERT INTO register.legal_form (code, name, enabled, custom) VALUES ('ZZ', 'A form of our own', true, true);
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'isic_v4' AND c.iso_2 = 'NO' AND v.code = 'initial';

INSERT INTO register.enterprise (short_name) SELECT 'E' || n FROM generate_series(1, 50) AS n;
INSERT INTO register.legal_unit (id, valid_from, valid_until, name, status_id, enterprise_id, primary_for_enterprise, birth_date)
SELECT e.n, p.valid_from, p.valid_until, format('Unit %s %s', e.n, p.tail), s.id, e.id, true, '2019-05-05'
FROM (SELECT id, row_number() OVER (ORDER BY id)::integer AS n FROM register.enterprise WHERE short_name LIKE 'E%') AS e
CROSS JOIN (VALUES ('2020-01-01'::date, '2022-03-01'::date, 'AS'), ('2022-03-01', 'infinity', 'ASA')) AS p (valid_from, valid_until, tail)
JOIN register.status AS s ON s.code = 'active';
INSERT INTO register.establishment (id, valid_from, name, status_id, legal_unit_id, primary_for_legal_unit)
SELECT lu.id, '2021-01-01', lu.name || ' shop', lu.status_id, lu.id, true
FROM register.legal_unit AS lu WHERE lu.valid_from = '2020-01-01' AND lu.id % 2 = 0;
INSERT INTO register.location (type, valid_from, valid_until, legal_unit_id, country_id, region_id, address_part1, latitude, longitude)
SELECT 'physical', lu.valid_from, lu.valid_until, lu.id, c.id, r.id, 'Street ' || lu.id, 59.9, 10.7
FROM register.legal_unit AS lu, register.country AS c, register.region AS r WHERE c.iso_2 = 'NO' AND r.path = '91.01';
INSERT INTO register.activity (type, valid_from, legal_unit_id, category_id)
SELECT 'primary', '2020-01-01', lu.id, c.id
FROM register.legal_unit AS lu
JOIN register.activity_category_standard AS s ON s.code = 'isic_v4'
JOIN register.activity_category AS c ON c.standard_id = s.id AND c.path = 'A.01.1.1'
WHERE lu.valid_from = '2020-01-01';
INSERT INTO register.contact (valid_from, legal_unit_id, email_address) SELECT '2020-01-01', lu.id, 'post@example.org' FROM register.legal_unit AS lu WHERE lu.valid_from = '2020-01-01';
INSERT INTO register.stat_for_unit (stat_definition_id, valid_from, valid_until, legal_unit_id, value_int)
SELECT d.id, y.first, y.next, lu.id, 10 + lu.id
FROM register.legal_unit AS lu
JOIN register.stat_definition AS d ON d.code = 'employees'
CROSS JOIN (VALUES ('2020-01-01'::date, '2021-01-01'::date), ('2021-01-01', '2022-01-01')) AS y (first, next)
WHERE lu.valid_from = '2020-01-01';
INSERT INTO register.external_ident (type_id, ident, legal_unit_id)
SELECT t.id, (900000000 + lu.id)::text, lu.id
FROM register.legal_unit AS lu JOIN register.external_ident_type AS t ON t.code = 'tax_ident' WHERE lu.valid_from = '2020-01-01';
INSERT INTO register.unit_notes (notes, legal_unit_id) SELECT E'Line one\nline "two"', lu.id FROM register.legal_unit AS lu WHERE lu.id = 1 AND lu.valid_from = '2020-01-01';
SELECT setval(pg_get_serial_sequence('register.legal_unit', 'id'), (SELECT max(id) FROM register.legal_unit));
SELECT setval(pg_get_serial_sequence('register.establishment', 'id'), (SELECT max(id) FROM register.establishment));

-- What a user adds of his own.
ALTER TABLE register.legal_unit ADD COLUMN office_remark text DEFAULT 'none';
CREATE INDEX office_remark_idx ON register.legal_unit (office_remark);
COMMENT ON COLUMN register.legal_unit.office_remark IS 'ours';
CREATE POLICY office_reads_notes ON register.unit_notes AS RESTRICTIVE FOR SELECT TO external_user USING (notes NOT LIKE 'secret%');
CREATE VIEW register.office_view AS SELECT id, name FROM register.legal_unit;
GRANT SELECT ON register.office_view TO external_user;
INSERT INTO auth.secrets (key, value) VALUES ('office', 'S3CRET-must-never-be-dumped')
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
