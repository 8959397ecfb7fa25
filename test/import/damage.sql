-- Files with every fault that a cell can have, and the comparison of the cells stage with its oracle (oracle.sql). For tests only.
--
-- A file has two parts. In the first each row is sound but for one cell, which holds one value of import_oracle.fault: every
-- column once with every value of its kind. The second is at random, and the same at every run: cells empty, sound, faulty, or
-- put together from fragments that are known to be treated in some way.

-- What a column of the data table holds; NULL: its cells are judged before the cells stage.
CREATE FUNCTION import_oracle.kind(column_name text, step_code text, target_pg_type text, external_ident_type_id integer, stat_definition_id integer)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $kind$
    SELECT CASE
        WHEN external_ident_type_id IS NOT NULL OR step_code IN ('valid_time', 'external_idents', 'link_establishment_to_legal_unit')
             OR column_name ~ '^influenc.*_tax_ident_raw$' THEN NULL
        WHEN stat_definition_id IS NOT NULL THEN target_pg_type
        WHEN import_oracle.code_list_of_column(column_name) IS NOT NULL THEN import_oracle.code_list_of_column(column_name)
        WHEN column_name ~ '^(birth|death)_date_raw$' THEN 'date'
        WHEN column_name ~ '_(latitude|longitude|altitude)_raw$' OR column_name = 'percentage_raw' THEN 'coordinate'
        WHEN column_name = 'email_address_raw' THEN 'email'
        WHEN column_name ~ 'address_part' THEN 'address'
        WHEN column_name ~ '^(phone_number|landline|mobile_number|fax_number)_raw$' THEN 'phone'
        WHEN column_name = 'web_address_raw' THEN 'web'
        WHEN column_name ~ '_postcode_raw$' THEN 'postcode'
        ELSE 'text'
    END
$kind$;

CREATE TABLE import_oracle.fault (place integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, value text NOT NULL);
CREATE TABLE import_oracle.fragment (place integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, family text NOT NULL, value text NOT NULL);

INSERT INTO import_oracle.fault (kind, value)
SELECT k, v
FROM (VALUES
    ('date', ARRAY['2023-02-28', '2024-02-29', '2023-02-29', '2023-13-01', '31/12/2023', '02/03/2023', '2023/01/05', '20230101', '230105', '2023', '2023-01', '01.02.2023', '1.2.2023',
        '13.13.2023', '2023-1-1', '2023-01-01 00:00', '2023-01-01 00:00:00', '2023-01-01T00:00:00', '2023-01-01 12:30:00', '2023-01-01T12:30', '2023-01-01 24:00', '2023-01-01Z',
        '2023-01-01 00:00:00+02', '2023-01-01 12:30:00.123456', '20230101 00:00:00', '01.02.2023 10:00', 'infinity', '-infinity', 'Infinity', 'today', 'now', 'epoch', '1799-12-31', '1800-01-01', '1066-10-14',
        '2124-05-22', '2124-05-23', '2999-01-01', '9999-12-31', '10000-01-01', '0000-01-01', '0001-01-01', '0044-03-15 BC', 'J2459946', '2023.123', '44927', '2023-W01-1', '2024-06-15', '2024-06-16',
        U&'\FF12\FF10\FF12\FF13-01-01', U&'2023\201101\201101', '2023-01-01x', '2023-01-01 x', '2020-01-02', 'January 1, 2023', '-', '?']),
    ('integer', ARRAY['0', '12', '007', '12.0', '12,0', '12.00', '12.5', '12,5', '-3', '-0', '+5', '2147483647', '2147483648', '-2147483649', '9223372036854775807', '9223372036854775808',
        '1e3', '1E+3', '1_000', '0x1F', 'n.a.', '-', 'ca 10', '10-19', '1 234', '1.234', '1,234', '1''234', U&'1\00A0234', U&'1\202F234', U&'1\2009234', '1,23,4', '1 2345', '5%', 'kr 500', U&'\0661\0662',
        U&'\FF11\FF12', '12.', '.0', '--1', '12 .0', '1.0.0', '999.999.999.999', '1 234,0', '0000000000000000000000000012', repeat('9', 30), repeat('0', 400), '1' || repeat('0', 400), '1,234.0', 'Infinity', '']),
    ('numeric', ARRAY['0', '12', '1.5', '1,5', '-1.5', '+1.5', '.5', '5.', ',5', '-', '1e5', '1E-5', '1e400', 'Infinity', '-Infinity', 'inf', '0.10', '00.10', '1.000', '-0', '-0.0', '0.000', '1234567.891', '1.234.567,89',
        '1,234,567.89', '1 234 567,89', U&'1\00A0234\00A0567,89', '1.23.4', '1,23,4', '12''345.6', '1_000', '0x1F', '5%', 'kr 500', 'n.a.', 'ca 10', '١٫٥', U&'\FF11.5', '--1', '1.5.5', '1,5,5', '1-2',
        repeat('9', 300), '1' || repeat('0', 300), '1' || repeat('0', 299) || '1', '-1' || repeat('0', 301), '1' || repeat('0', 300) || '.5', repeat('1', 1000), repeat('1', 1001),
        '0.' || repeat('0', 299) || '1', '0.' || repeat('0', 300) || '1', '-0.' || repeat('0', 300) || '1', '0.' || repeat('3', 500), '123456789012345678901234567890.123456789012345678901234567890', 'x']),
    ('coordinate', ARRAY['0', '59.913868', '59,913868', '-59.9', '90', '-90', '90.0', '90.0000001', '90.000001', '-90.000001', '91', '100', '100.0', '100.001', '100.005', '99.999', '0.5', '1', '1.0', '150', '179.9999999', '180', '-180',
        '180.0000001', '181', '59.9139123456', '0.0000001', '0.0000005', '-0.0000004', '0.04', '0.05', '0.004', '0.005', '-0.01', '-1', '8848.86', '99999.9', '99999.90', '99999.94', '99999.95', '100000', '10000', '10000.5', '-10001', '6647000',
        '59.', '.5', 'N59.9', '59°54''', '1e2', 'x', '1,000.5', '1.000,5', repeat('9', 400), '5.' || repeat('1', 700), '00059.5', '+59.5', '-', '5%']),
    ('boolean', ARRAY['true', 'TRUE', 'True', 't', 'yes', 'Y', '1', 'false', 'f', 'No', 'n', '0', 'ja', 'JA', 'j', 'nei', 'sant', 'tr', 'of', 'on', '2', 'x', '01', 'ya', 'true.', U&'\0422rue', U&'\FF11', 'ДА', 'да', 'Нет', 'ΝΑΙ', 'ναι',
        U&'y\0065s', 'yes no', U&'\0130', 'ß']),
    ('text', ARRAY['x', 'Bakery and Sons', E'a\tb', E'a\u0001b', E'a\r\nb', E'a\n\n\tb', E'a \t b', E'\u0001a', E'a\u0001', E'a\u001f \u0001', E'\u0001', E'\u0001\u0002', E'a\u007fb', E'a\u0080b', E'a\u0085b', E'a\u009fb', E'a\u2028b', E'a\u2029\u2028b',
        E'Bl\u00c3\u0085b', E'a\u00c2\u0085b', E'\u00c3\u0085\u0085', E'a\u0085\u00c3\u0085b', E'Bl\u00c3\u0085\tb', E'x\u00c3 \u0085', '=HYPERLINK("x")', '+4712345678', '+x', '+', '+ 1', '-5', '-x', '-', '--', '@cmd', '=', 'a=b', E'-\u0661',
        E'\u0001=x', E'=\u0001x', E'BL\u00c3\u00a5B', E'BL\u00c3\u2020R', E'\u00c2\u00a3', E'\u00c3\u00bf', E'\u00c3\u00c0', E'\u00c3', E'a\u00c3\u0080b', E'\u00c2\u00bf', E'\u00c4\u0080', E'A\u030a', E'\u00c5', E'A\u030a\u0001A\u030a', E'e\u0301e\u0301',
        E'\ufb01', E'\u1112\u1161\u11ab', E'\uac00\u11a8', E'\u0344', E'\u2126', E'\u0958', E'a\u0323\u0307', E'a\u0307\u0323', E'\u1e9b\u0323', E'\U0001F600', E'\U0001D15E', E'a\u200bb', E'a\u00a0b', E'\ufffd', E'\ue000', E'\ufdd0', E'\u0301a',
        repeat('x', 49), repeat('x', 50), repeat('x', 51), repeat('x', 200), repeat('x', 201), repeat('x', 256), repeat('x', 257), repeat('x', 512), repeat('x', 513), repeat(E'\u00e6', 50), repeat(E'\u00e6', 51), repeat(E'\u00e6', 201), repeat(E'\u00e6', 257),
        repeat(E'a\u030a', 50), repeat(E'a\u030a', 51), repeat(E'a\u030a', 200), repeat(E'a\u030a', 201), repeat(E'\U0001F600', 50), repeat(E'\U0001F600', 51), repeat(E'a\u0001', 26), repeat(E'a\u0001', 129), repeat('x', 50) || E'\u0001\u0001',
        repeat('x', 49) || E'\u0001x', repeat('x', 50) || E'\u0301', repeat('y', 300) || E'\u00c3\u00a5', repeat('long ', 1000), repeat(md5('x'), 700), E'\\N', E'\\.', '''', '''0301', '"', '""', 'a"b', 'a,b;c', '{}', '[1]', 'NULL AS', 'nil',
        'FOO | BAR AS', '/n', 'x/n', '1/2', 'http://x/nA', E'\\', E'\\u0001', '%s %I %%', '$1', '@', '+1x', '-1x']),
    ('address', ARRAY['Gamleveien 120/nHus', '120 /nHus', '120//nHus', '120/n1', '120/nx', '120/n', '120/n A', '/nHus', '/n/nA', 'x/n/nA', E'120/n\u00c5s', E'120/n\u00e5s', E'120/n\u00df', E'120/n\u0416', E'120/n\u0661', E'120/n\u01c5', E'120\u00a0/nHus',
        E'120\u2003/nHus', E'120\u3000/nHus', E'120\u0085/nHus', E'120\u180e/nHus', E'120\u200b/nHus', E'120\t/nHus', E'\u00e5/nHus', E'\U0001F600/nHus', 'x/nA/nB', '/ /nA', E'x/n\u0001A', E'120/n\u24b6', E'120/n\u2160', E'120/n\U00010400', 'a/N1', E'x\n/nA', E'\n/nAx/n2']),
    ('email', ARRAY['a@b.no', 'A@B.NO', 'a@b', 'post@', '@b.no', '@', 'a b@c.no', 'a@b c.no', 'a@b..no', 'a@b.no.', 'a@.no', '.@b.no', 'a.@b.no', 'a@@b.no', 'a@b@c.no', 'a@b.n@o', 'a@b.c.d.e', E'a@b\u00a0c.no', E'a\u2003@b.no', E'a@\u00e6.no', E'\u00e6@b.no',
        E'a@b.no\tx', E'a@b\u2028.no', E'a@b.no\nx@y.no', E'a\nb@c.no', 'a@b.no,c@d.no', 'mailto:a@b.no', 'a@b.', '=a@b.no', E'a@b.n\u0085o', E'a@b.n\u3000o', E'a@b.n\u200bo', repeat('x', 45) || '@b.no', repeat('x', 44) || '@b.no', 'a@' || repeat('b.', 20) || 'c'])
    ) AS f (k, vs) CROSS JOIN LATERAL unnest(vs) AS v;
-- Every text stands in e-mail addresses and addresses as well, every number among the coordinates.
INSERT INTO import_oracle.fault (kind, value)
SELECT k, f.value FROM import_oracle.fault AS f, unnest('{address,email}'::text[]) AS k WHERE f.kind = 'text' AND length(f.value) < 3000
UNION ALL
SELECT 'coordinate', f.value FROM import_oracle.fault AS f WHERE f.kind = 'numeric';
INSERT INTO import_oracle.fault (kind, value)
SELECT k, v
FROM (VALUES
    ('phone', ARRAY['+47 22 33 44 55', '22334455', '(0)22-33.44/55', '110', '11', '++4722', '2+2222', 'none', E'22\u00a033\u00a044', E'47 22 \u2026', '-', 'ext. 12', E'\u0661\u0662\u0663\u0664']),
    ('web', ARRAY['www.a.no', 'http://a.no', 'HTTPS://a.no:80/x?y#z', 'www.x', 'a.no', 'a.no/x y', 'post@a.no', 'a..no', 'http://', 'none', E'\u00e5.no', 'a.', '.no', 'a.no?b@c', 'ftp://a.no', 'a b.no', E'BL\u00c3\u2026B\u00c3\u2020R.no']),
    ('postcode', ARRAY['0125', '125', '01250', '0125 OSLO', ' 0125', '01 25', 'OSLO', 'N-0125', '012A', E'\uff10125', E'012\u0131', '0000'])) AS f (k, vs) CROSS JOIN LATERAL unnest(vs) AS v;
DELETE FROM import_oracle.fault AS f USING import_oracle.fault AS g WHERE g.kind = f.kind AND g.value = f.value AND g.place < f.place;

INSERT INTO import_oracle.fragment (family, value)
SELECT k, v
FROM (VALUES
    ('text', ARRAY['a', 'Z', '0', '9', ' ', '  ', '.', ',', '-', '+', '=', '@', '/n', '/n1', '/nA', '/', '"', '''', '\', 'x@y.no', '.no', ' | ', '+4', '-x', E'\t', E'\n', E'\r', E'\u0001', E'\u001f', E'\u007f', E'\u0080', E'\u0085', E'\u00bf',
        E'\u00c2', E'\u00c3', E'\u00c3\u0085', E'\u00c3\u00a5', E'\u00a0', E'\u200b', E'\u2028', E'\u2029', E'\u2003', E'\u3000', E'\ufeff', E'\ufffd', E'A\u030a', E'\u00c5', E'\u00e5', E'\u030a', E'e\u0301', E'\u0323', E'\u1112\u1161\u11ab', E'\u2126', E'\U0001F600', E'\u0416',
        repeat('x', 23), repeat(E'\u00e6', 48), repeat('y', 199)]),
    ('number', ARRAY['0', '1', '12', '999', '00', '.', ',', ' ', '''', '-', '+', 'e', 'E5', '%', 'x', '000', '.0', ',0', '.5', '_', U&'\00A0', U&'\202F', U&'\0661', U&'\FF11', '2147483647', '1.234', '1,234', '1 234', repeat('9', 40)]),
    ('date', ARRAY['2020', '2024', '1799', '0000', '9999', '01', '1', '12', '13', '31', '29', '02', '2', '-', '-', '/', '.', ' ', 'T', '00:00', '00:00:00', '12:30', '24:00', 'Z', '+02', 'infinity', 'today', 'x', '2020-02-', '01.02.', '01/02/', '2023-05-06', '20230506'])
    ) AS f (k, vs) CROSS JOIN LATERAL unnest(vs) AS v;

-- The codes of the lists as they are in the register: in use, too coarse, disabled; and what people write instead of them.
CREATE PROCEDURE import_oracle.add_codes()
LANGUAGE plpgsql AS $add_codes$
DECLARE
    list text;
BEGIN
    FOREACH list IN ARRAY '{country,region,activity_category,tag,legal_rel_type,data_source,status,sector,unit_size,legal_form}'::text[] LOOP
        EXECUTE format($sql$
            INSERT INTO import_oracle.fault (kind, value)
            SELECT %1$L, w.value
            FROM (SELECT v.value
                  FROM (SELECT c.* FROM %2$s AS c ORDER BY c.own @> daterange(NULL, 'infinity'), c.enabled, c.is_leaf, md5(c.code) LIMIT 8) AS c
                  CROSS JOIN LATERAL (VALUES (c.code), (lower(c.code)), (upper(c.code)), (ltrim(c.code, '0')), ('0' || c.code), (c.code || ' | Name'),
                                             (c.code || '.'), (replace(c.code, '.', ''))) AS v (value)
                  UNION
                  SELECT unnest(ARRAY['?', 'x', E'\u00c5', E'NO\u0001', 'a|b', ' | x', 'closed', 'old', repeat('z', 300)])) AS w (value)
            ORDER BY w.value COLLATE "C"$sql$, list, import_oracle.code_list_sql(list));
    END LOOP;
    INSERT INTO import_oracle.fault (kind, value)
    SELECT 'country', unnest(ARRAY['NOR', 'nor', 'Norway', 'norway', 'NORWAY', 'Norge', 'UK', 'GBR', 'gb', 'United Kingdom', 'XX', 'no', 'No']);
END
$add_codes$;

-- The value of a column in a sound row.
CREATE FUNCTION import_oracle.sound(column_name text, row_no integer, mode text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $sound$
    SELECT CASE column_name
        WHEN 'valid_from_raw' THEN '2020-01-01'
        WHEN 'valid_to_raw' THEN 'infinity'
        WHEN 'tax_ident_raw' THEN CASE WHEN mode = 'generic_unit' THEN 'L' || 1 + row_no % 40 ELSE 'T' || row_no END
        WHEN 'legal_unit_tax_ident_raw' THEN 'L' || 1 + row_no % 40
        WHEN 'influencing_tax_ident_raw' THEN 'L' || 1 + row_no % 40
        WHEN 'influenced_tax_ident_raw' THEN 'L' || 1 + (row_no + 1 + row_no / 40 % 39) % 40
        WHEN 'rel_type_code_raw' THEN 'ownership'
        WHEN 'name_raw' THEN 'Unit ' || row_no
        WHEN 'physical_region_code_raw' THEN '03'
        WHEN 'physical_latitude_raw' THEN '59.9'
        WHEN 'physical_longitude_raw' THEN '10.7'
    END
$sound$;

-- Fills the upload of a job with both parts: every fault of the kinds that match a pattern, then random rows.
CREATE PROCEDURE import_oracle.fill(job_slug text, random_rows integer, seed text, faults text)
LANGUAGE plpgsql AS $fill$
DECLARE
    job record;
BEGIN
    SELECT j.upload_table_name, j.definition_snapshot, j.definition_snapshot #>> '{import_definition,mode}' AS mode INTO STRICT job
    FROM import.job AS j WHERE j.slug = fill.job_slug;
    CREATE TEMPORARY TABLE plan AS
    SELECT p.column_name, p.source_column_name, p.place,
           import_oracle.kind(p.column_name, p.step_code, p.target_pg_type, p.external_ident_type_id, p.stat_definition_id) AS kind
    FROM import.plan_column(job.definition_snapshot) AS p
    WHERE p.purpose = 'source_input' AND p.source_column_name IS NOT NULL;
    CREATE TEMPORARY TABLE single (row_no integer PRIMARY KEY, column_name text, kind text, value text);
    INSERT INTO single (row_no, column_name, kind, value)
    SELECT row_number() OVER (ORDER BY x.column_place, x.fault_place), x.column_name, x.kind, x.value
    FROM (SELECT p.place AS column_place, f.place AS fault_place, p.column_name, p.kind, f.value,
                 row_number() OVER (PARTITION BY f.place ORDER BY md5(fill.job_slug || f.place || p.column_name)) AS turn
          FROM plan AS p JOIN import_oracle.fault AS f ON f.kind = p.kind) AS x
    -- There are many columns of text: each short text stands in two of them.
    WHERE x.kind ~ fill.faults AND (x.turn <= 2 OR x.kind NOT IN ('text', 'address') OR length(x.value) > 40);

    CREATE TEMPORARY TABLE pool AS
    SELECT p.column_name, p.source_column_name, p.kind, (SELECT array_agg(f.value ORDER BY f.place) FROM import_oracle.fault AS f WHERE f.kind = p.kind) AS faults,
           (SELECT array_agg(f.value ORDER BY f.place) FROM import_oracle.fragment AS f
            WHERE f.family = CASE WHEN p.kind IN ('integer', 'numeric', 'coordinate') THEN 'number' WHEN p.kind = 'date' THEN 'date' ELSE 'text' END) AS fragments
    FROM plan AS p;

    CREATE TEMPORARY TABLE filed AS
        SELECT g.row_no, jsonb_strip_nulls(g.cells) AS cells
        FROM (SELECT s.row_no, jsonb_object_agg(p.source_column_name,
                     CASE WHEN p.column_name = s.column_name THEN s.value ELSE import_oracle.sound(p.column_name, s.row_no, job.mode) END) AS cells
              FROM single AS s CROSS JOIN plan AS p
              GROUP BY s.row_no
              UNION ALL
              -- Some rows are blank, some repeat the one before.
              SELECT 1000000 + r.row_no, jsonb_object_agg(p.source_column_name, CASE
                         WHEN r.row_no % 37 = 0 THEN NULL
                         WHEN p.kind IS NULL THEN
                             CASE WHEN p.column_name ~ 'ident_raw$' AND r.row_no % 3 = 0 AND job.mode <> 'legal_relationship' THEN (ARRAY['L', 'E'])[1 + r.row_no / 3 % 2] || r.row_no % 50
                                  WHEN p.column_name ~ 'census_ident' AND r.row_no % 7 < 2 THEN 'c' || r.row_no
                                  WHEN p.column_name = 'valid_from_raw' AND r.row_no % 5 = 0 THEN to_char(DATE '2009-12-31' + r.row_no % 3000, 'YYYY-MM-DD')
                                  ELSE import_oracle.sound(p.column_name, 10000 + r.row_no, job.mode) END
                         WHEN get_byte(x.h, 0) % 8 < 2 THEN NULL
                         WHEN get_byte(x.h, 0) % 8 < 4 THEN import_oracle.sound(p.column_name, 10000 + r.row_no, job.mode)
                         WHEN get_byte(x.h, 0) % 8 < 6 THEN p.faults[1 + (get_byte(x.h, 1) * 256 + get_byte(x.h, 2)) % cardinality(p.faults)]
                         ELSE (SELECT string_agg(p.fragments[1 + get_byte(x.h, i) % cardinality(p.fragments)], '' ORDER BY i) FROM generate_series(4, 4 + get_byte(x.h, 3) % 9) AS i)
                     END)
              FROM (SELECT i - CASE WHEN i % 41 = 0 THEN 1 ELSE 0 END AS row_no, i FROM generate_series(1, random_rows) AS i) AS r
              CROSS JOIN pool AS p
              CROSS JOIN LATERAL (SELECT sha256(convert_to(seed || ' ' || r.row_no || ' ' ||
                                                        -- now and then both activities are the same
                                                        CASE WHEN r.row_no % 11 = 0 THEN replace(p.column_name, 'secondary', 'primary') ELSE p.column_name END, 'UTF8')) AS h OFFSET 0) AS x
              GROUP BY r.i, r.row_no) AS g;
    EXECUTE format($sql$
        INSERT INTO api.%1$I
        SELECT f.* FROM filed AS g CROSS JOIN LATERAL jsonb_populate_record(NULL::api.%1$I, g.cells) AS f
        ORDER BY g.row_no$sql$, job.upload_table_name);
    UPDATE single AS s SET row_no = -n.row_id
    FROM (SELECT row_number() OVER (ORDER BY f.row_no) AS row_id, f.row_no FROM filed AS f) AS n
    WHERE n.row_no = s.row_no;
    UPDATE single SET row_no = -row_no;
    DROP TABLE plan, pool, filed;
END
$fill$;

-- What both said, of every job; and what they said differently.
CREATE TABLE import_oracle.result (job text, row_id bigint, findings jsonb, cells jsonb, PRIMARY KEY (job, row_id));
CREATE TABLE import_oracle.single (job text, row_id bigint, column_name text, kind text, value text, PRIMARY KEY (job, row_id));
CREATE TABLE import_oracle.difference (job text, row_id bigint, what text, expected text, got text);

-- Lets the oracle analyse a file, then what is under test with the settings given, and compares what is in the data table and what
-- is said of each row. Both see the same statement and so the same time.
CREATE PROCEDURE import_oracle.compare(job_slug text, settings jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $compare$
DECLARE
    job record;
    before jsonb;
BEGIN
    SELECT j.id, j.data_table_name, j.definition_snapshot #>> '{import_definition,mode}' AS mode INTO STRICT job FROM import.job AS j WHERE j.slug = compare.job_slug;
    PERFORM import_oracle.analyse_source(job.id), import_oracle.analyse_period(job.id);
    PERFORM import_oracle.analyse_identifiers(job.id);
    IF job.mode = 'legal_relationship' THEN
        PERFORM import_oracle.analyse_relationships(job.id);
    ELSE
        PERFORM import_oracle.analyse_units(job.id);
    END IF;
    PERFORM import_oracle.analyse_repeats(job.id);

    PERFORM import_oracle.analyse_cells(job.id);
    CREATE TEMPORARY TABLE expected_bad AS SELECT b.row_id, b.source_line, import_oracle.without_suggestions(b.findings) AS findings FROM pg_temp.import_bad AS b;
    EXECUTE format('CREATE TEMPORARY TABLE expected AS SELECT d.* FROM import.%I AS d', job.data_table_name);
    EXECUTE format('TRUNCATE import.%I', job.data_table_name);

    SELECT jsonb_object_agg(s.key, current_setting(s.key)) INTO before FROM jsonb_each_text(settings) AS s;
    PERFORM set_config(s.key, s.value, false) FROM jsonb_each_text(settings) AS s;
    PERFORM import.analyse_file(job.id);
    PERFORM set_config(s.key, s.value, false) FROM jsonb_each_text(before) AS s;
    PERFORM import.index_data(job.id);
    CREATE TEMPORARY TABLE got_bad AS SELECT b.row_id, b.source_line, import_oracle.without_suggestions(b.findings) AS findings FROM import.bad_row AS b WHERE b.job_id = job.id AND b.row_id > 0;
    DELETE FROM import.bad_row AS b WHERE b.job_id = job.id;
    EXECUTE format('CREATE TEMPORARY TABLE got AS SELECT d.* FROM import.%I AS d', job.data_table_name);

    INSERT INTO import_oracle.difference (job, row_id, what, expected, got)
    SELECT job_slug, row_id, 'findings', CASE WHEN e.row_id IS NOT NULL THEN concat_ws(' ', e.source_line, e.findings) END, CASE WHEN g.row_id IS NOT NULL THEN concat_ws(' ', g.source_line, g.findings) END
    FROM expected_bad AS e FULL JOIN got_bad AS g USING (row_id)
    WHERE (e.*) IS DISTINCT FROM (g.*)
    UNION ALL
    -- As text: 1.0 is another number of the table than 1.00.
    SELECT job_slug, d.row_id, c.key, c.value, k.value
    FROM (SELECT row_id, CASE WHEN e.row_id IS NOT NULL THEN to_jsonb(e) END AS expected, CASE WHEN g.row_id IS NOT NULL THEN to_jsonb(g) END AS got
          FROM expected AS e FULL JOIN got AS g USING (row_id)
          WHERE e::text IS DISTINCT FROM g::text) AS d
    CROSS JOIN LATERAL (SELECT * FROM jsonb_each_text(coalesce(d.expected, d.got)) AS x) AS c
    LEFT JOIN LATERAL (SELECT * FROM jsonb_each_text(d.got) AS x) AS k ON k.key = c.key
    WHERE d.expected IS NULL OR c.value IS DISTINCT FROM k.value
    UNION ALL
    -- Found once each through the indexes too.
    SELECT job_slug, NULL, 'rows ' || w.what, w.expected::text, w.got::text
    FROM (SELECT 'once each' AS what, (SELECT count(*) FROM expected) AS expected, (SELECT count(*) FROM got) AS got
          UNION ALL
          SELECT 'with findings, once each', (SELECT count(*) FROM expected_bad), (SELECT count(*) FROM got_bad)) AS w
    WHERE w.expected <> w.got;
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true);
    EXECUTE format($sql$
        INSERT INTO import_oracle.difference (job, row_id, what, expected, got)
        SELECT $1, NULL, w.what, w.expected::text, w.got::text
        FROM (SELECT 'rows by primary key' AS what, (SELECT count(*) FROM got) AS expected, (SELECT count(*) FROM import.%1$I AS d WHERE d.row_id > 0) AS got
              UNION ALL
              SELECT 'rows by batch', (SELECT count(*) FROM got AS g WHERE g.batch_seq IS NOT NULL), (SELECT count(*) FROM import.%1$I AS d WHERE d.batch_seq > 0)) AS w
        WHERE w.expected <> w.got$sql$, job.data_table_name)
    USING job_slug;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_bitmapscan', 'on', true);

    INSERT INTO import_oracle.result (job, row_id, findings, cells)
    SELECT job_slug, e.row_id, coalesce(b.findings, '[]'), to_jsonb(e)
    FROM expected AS e LEFT JOIN expected_bad AS b USING (row_id);
    IF to_regclass('pg_temp.single') IS NOT NULL THEN
        INSERT INTO import_oracle.single (job, row_id, column_name, kind, value)
        SELECT job_slug, s.row_no, s.column_name, s.kind, s.value FROM pg_temp.single AS s;
        DROP TABLE pg_temp.single;
    END IF;
    DROP TABLE expected, got, expected_bad, got_bad;
END
$compare$;

-- A job of a definition with some of its settings changed, filled (of faults, the kinds that match; NULL: random rows only) and compared.
CREATE PROCEDURE import_oracle.run(job_slug text, definition_slug text, changes jsonb, random_rows integer, faults text, settings jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $run$
DECLARE
    definition import.definition;
BEGIN
    SELECT d.* INTO STRICT definition FROM import.definition AS d WHERE d.slug = definition_slug;
    -- Changed for this job only: a job keeps its definition as it was.
    UPDATE import.definition AS d
    SET strategy = n.strategy, date_formats = n.date_formats, decimal_mark = n.decimal_mark, thousands = n.thousands, true_words = n.true_words, false_words = n.false_words,
        data_source_id = n.data_source_id
    FROM jsonb_populate_record(definition, changes) AS n
    WHERE d.id = definition.id;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, truncate_overlong, edit_comment, processing_batch_size)
    SELECT job_slug, d.id, CASE WHEN d.valid_time_from = 'job_provided' THEN DATE '2020-01-01' END, CASE WHEN d.valid_time_from = 'job_provided' THEN DATE 'infinity' END,
           coalesce((changes ->> 'truncate_overlong')::boolean, false), changes ->> 'edit_comment', coalesce((changes ->> 'processing_batch_size')::integer, 8000)
    FROM import.definition AS d WHERE d.id = definition.id;
    CALL import_oracle.fill(job_slug, random_rows, job_slug, faults);
    CALL import_oracle.compare(job_slug, settings);
    UPDATE import.definition AS d
    SET strategy = definition.strategy, date_formats = definition.date_formats, decimal_mark = definition.decimal_mark, thousands = definition.thousands,
        true_words = definition.true_words, false_words = definition.false_words, data_source_id = definition.data_source_id
    WHERE d.id = definition.id;
END
$run$;
