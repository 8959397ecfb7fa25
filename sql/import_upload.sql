-- Files that come in chunks: what is said of each kind of bad file, by code, column, value and line, and what becomes of its
-- rows. The numbers are those of the list of bad inputs that doc/import.md answers.
CREATE DATABASE regress_import_upload TEMPLATE contrib_regression;
\c regress_import_upload
SET statbus."current_date" = '2024-06-15';
\set VERBOSITY terse
\pset format unaligned
\pset footer off
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'isic_v4' AND c.iso_2 = 'NO' AND v.code = 'initial';

-- A job and its file, in chunks of so many bytes; what was answered to the last one.
CREATE FUNCTION public.send(slug text, content bytea, options jsonb DEFAULT NULL, definition text DEFAULT 'legal_unit_job_provided', size integer DEFAULT 1000000)
RETURNS text
LANGUAGE plpgsql
AS $send$
DECLARE
    answer jsonb;
    chunks CONSTANT integer := greatest((octet_length(content) + size - 1) / size, 1);
BEGIN
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT send.slug, d.id, CASE d.valid_time_from WHEN 'job_provided' THEN date '2024-01-01' END, CASE d.valid_time_from WHEN 'job_provided' THEN date 'infinity' END, false
    FROM import.definition AS d WHERE d.slug = definition
    ON CONFLICT DO NOTHING;
    FOR n IN 1 .. chunks LOOP
        answer := import.upload_chunk(slug, n, n = chunks, substr(content, (n - 1) * size + 1, size), NULL, options);
        EXIT WHEN answer ? 'refused';
    END LOOP;
    RETURN concat_ws(' ', CASE WHEN answer ? 'refused' THEN 'refused' WHEN (answer ->> 'complete')::boolean THEN 'complete' ELSE 'waiting' END, answer ->> 'rows');
END
$send$;
CREATE FUNCTION public.send(slug text, content text, options jsonb DEFAULT NULL, definition text DEFAULT 'legal_unit_job_provided', size integer DEFAULT 1000000)
RETURNS text
LANGUAGE sql
AS $send$ SELECT public.send(slug, convert_to(content, 'UTF8'), options, definition, size) $send$;
-- UTF-16, little end first, of characters that need one unit.
CREATE FUNCTION public.utf16(content text) RETURNS bytea LANGUAGE sql
AS $$ SELECT string_agg(decode(substr(h, 3) || left(h, 2), 'hex'), '' ORDER BY place)
      FROM string_to_table(content, NULL) WITH ORDINALITY AS t (c, place) CROSS JOIN LATERAL lpad(to_hex(ascii(c)), 4, '0') AS h $$;
CREATE VIEW public.said AS
SELECT j.slug, f.source_line AS line, f.column_name AS "column", f.code, f.severity, left(f.value, 40) AS value, f.details
FROM import.finding AS f
JOIN import.job AS j ON j.id = f.job_id
WHERE f.code <> 'columns_absent'
ORDER BY j.slug, f.row_id, f.code, f.column_name, f.value;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings, j.error
FROM import.job AS j
ORDER BY j.slug;

-- Bytes ---------------------------------------------------------------------------------------------------------------
SELECT send('i01', '\xEFBBBF'::bytea || convert_to(E'tax_ident,name\n900000001,Bom\n', 'UTF8'));
SELECT send('i02', convert_to(E'tax_ident,name\n900000002,Alpha\n900000003,BL\u00C5B\u00C6R\n', 'LATIN1'));
SELECT send('i02_declared', convert_to(E'tax_ident,name\n900000002,Alpha\n900000003,BL\u00C5B\u00C6R\n', 'LATIN1'), '{"encoding": "latin1"}');
SELECT send('i03', '\xFFFE'::bytea || utf16(E'tax_ident\tname\r\n900000004\tBL\u00C5B\u00C6R\r\n'));
SELECT send('i03_wrong', utf16(E'tax_ident\tname\r\n900000004\tBL\u00C5B\u00C6R\r\n'), '{"encoding": "UTF-8"}');
SELECT send('i03_mark_wins', '\xFFFE'::bytea || utf16(E'tax_ident\tname\r\n900000055\tMark\r\n'), '{"encoding": "windows-1252"}');
SELECT send('i04', convert_to(E'tax_ident,name\n900000005,Zero', 'UTF8') || '\x00' || convert_to(E'byte\n900000006,Good\n', 'UTF8'));
SELECT send('i05', E'tax_ident,name\r\n900000007,Crlf\r\n900000008,Crlf too\r\n');
SELECT send('i06', E'tax_ident,name\r\n900000009,Crlf\n900000010,Lf\r\n');
SELECT send('i07', E'tax_ident,name\r900000011,Cr\r900000012,Cr too\r');
SELECT send('i31', convert_to(E'tax_ident,name\n900000013,\u00C5s\n900000014,cut', 'UTF8') || '\xC3'::bytea || convert_to(E'\n900000015,long', 'UTF8') || '\xC0AF'::bytea
    || convert_to(E'\n900000016,half', 'UTF8') || '\xEDA080'::bytea || convert_to(E'\n900000017,\u00C5re\n', 'UTF8'));
SELECT send('i32', E'tax_ident,name\n900000018,Line\u2028two\n900000019,Next\u0085line\n900000020,Bell\u0007\n');
SELECT send('i33_zip', '\x504B0304140000000800'::bytea || decode(repeat('00A1FF', 40), 'hex'));
SELECT send('i33_pdf', convert_to(E'%PDF-1.7\n1 0 obj\n', 'UTF8'));
SELECT send('i34', E'<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n');
-- Records -------------------------------------------------------------------------------------------------------------
SELECT send('i08', E'tax_ident,name,employees\n900000021,Short\n900000022,Good,5\n');
SELECT send('i09', E'tax_ident,name,employees\n900000023,Long, Ltd,5\n900000024,Good,5\n');
SELECT send('i10', E'tax_ident,name\n900000025,"Never closed\n900000026,Good\n900000027,Good too\n');
SELECT send('i11', E'tax_ident,name\n900000028,ACME "THE BEST" AS\n');
SELECT send('i12', E'tax_ident,name\n900000029,Before\n\\.\n900000030,After\n');
SELECT send('i13', E'tax_ident,name\n900000031,"x"y\n');
SELECT send('i25', E'tax_ident,name\n900000032,One\n\n900000033,Two\n');
SELECT send('i26', E'tax_ident,name\n900000034,One\n,\n , \n');
SELECT send('i27', E'tax_ident,name\n900000035,Last');
SELECT send('i28', E'tax_ident,name\n900000036,' || repeat('x', 70000) || E'\n900000037,Good\n');
-- Headings ------------------------------------------------------------------------------------------------------------
SELECT send('i14', E'tax_ident;name\n900000038;Semicolon\n900000039;Two\n', '{"delimiter": ","}');
SELECT send('i14_detected', E'tax_ident;name\n900000038;Semicolon\n900000039;Two\n');
SELECT send('i15', E'tax_ident\tname\n900000040\tTab\n900000041\tTwo\n', '{"delimiter": ","}');
SELECT send('i15_detected', E'tax_ident\tname\n900000040\tTab\n900000041\tTwo\n');
SELECT send('i16', E'sep=;\ntax_ident;name\n900000042;Excel\n');
SELECT send('i17', E'Companies of 2024\nprinted today\ntax_ident,name\n900000043,Title\n');
SELECT send('i17_declared', E'Companies of 2024\nprinted today\ntax_ident,name\n900000043,Title\n', '{"header_line": 3}');
SELECT send('i17_none', E'900000044,No heading\n900000045,At all\n');
SELECT send('i17_too_far', E'tax_ident,name\n900000043,Title\n', '{"header_line": 99}');
SELECT send('i18', E'tax_ident,name,Name\n900000046,One,Other\n');
SELECT send('i19', E'Tax Ident, NAME \n900000047,Folded\n');
SELECT send('i20', E'name,tax_ident\nSwapped,900000048\n');
SELECT send('i21', E'tax_idnt,name\n900000049,Typo\n');
SELECT send('i22', E'tax_ident,name,colour,employes\n900000050,Extra,red,5\n');
SELECT send('i23', ''::bytea);
SELECT send('i23_blank', E'\n\n');
SELECT send('i24', E'tax_ident,name\n');
UPDATE import.source_column AS s SET aliases = '{"name, legal","Firma"}'
FROM import.definition AS d WHERE d.id = s.definition_id AND d.slug = 'legal_unit_job_provided' AND s.column_name = 'name';
SELECT send('i29', E'tax_ident,"name, legal"\n900000051,Quoted heading\n');
SELECT send('i30', format(E'tax_ident,name,"%s"\n900000052,Long heading,x\n', repeat('heading ', 1500)));
SELECT send('i36', E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage\n1,2,ownership,5\n');
SELECT send('i38', E'row_id,tax_ident,name,errors,warnings\n1,900000053,Downloaded,"{""name_raw"": ""x""}",{}\n');
-- Broken records of other kinds of files say no more than that they are broken.
SELECT send('relationships', E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage\n900000032\n900000032,900000033,no_such,5,6\n', NULL, 'legal_relationship_source_dates');
SELECT send('relationships', E'valid_from,valid_to,influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage\n900000032\n2024-01-01,infinity,900000032,900000033,no_such,5,6\n', NULL, 'legal_relationship_source_dates');
SELECT send('establishments', E'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to\n800000001,Short\n\\.\n', NULL, 'establishment_for_lu_source_dates');
-- The whole -----------------------------------------------------------------------------------------------------------
SELECT send('i35', E'tax_ident,name\n900000054,Twice\n');
SELECT send('i35_again', E'tax_ident,name\n900000054,Twice\n', size => 5);
SET statbus.upload_limit = 1;
SELECT send('i37', E'tax_ident,name\n' || string_agg(format(E'%s,Many\n', 800000000 + n), ''), size => 300000) FROM generate_series(1, 80000) AS n;
RESET statbus.upload_limit;
CALL worker.process_tasks();

-- A file that is refused has left nothing, and its job waits for another.
SELECT * FROM public.outcome;
SELECT count(*) AS names_that_are_kept FROM import.i01_upload WHERE name = 'Bom';
SELECT count(*) AS rows_left FROM (SELECT FROM import.i02_upload UNION ALL SELECT FROM import.i14_upload UNION ALL SELECT FROM import.i37_upload) AS x;
SELECT count(*) AS unbalanced FROM import.job AS j WHERE j.state = 'finished' AND j.total_rows <> j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count;
SELECT * FROM public.said WHERE slug NOT IN ('i30', 'i36', 'i35_again');
SELECT slug, code, length("column") AS heading_length, severity FROM public.said WHERE slug = 'i30';
SELECT slug, code, "column", details - 'columns' AS details FROM public.said WHERE slug = 'i36';
SELECT slug, code, details - 'time' AS details, (details ->> 'time')::timestamptz <= now() AS "in the past" FROM public.said WHERE slug = 'i35_again';
-- What the file does not have is said once.
SELECT jsonb_array_length(f.details -> 'columns') AS columns, f.details -> 'columns' -> 0 AS first FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'i01' AND f.code = 'columns_absent';
-- The values are what was written.
SELECT e.ident, lu.name FROM register.external_ident AS e JOIN register.legal_unit AS lu ON lu.id = e.legal_unit_id
WHERE e.ident IN ('900000003', '900000004', '900000028', '900000031', '900000043', '900000047', '900000048', '900000051', '900000053') ORDER BY 1;
-- Every text of a finding is complete.
SELECT count(*) AS findings, count(*) FILTER (WHERE message IS NULL OR message ~ '\{[a-z_]+\}') AS without_words FROM api.import_finding;

-- However it is cut -----------------------------------------------------------------------------------------------------
SELECT send('whole', E'\ufefftax_ident;"Name";employees\r\n\r\n900000060;"One\nand ""two""";5\n900000061;\u00C5\n900000062;"x"y;7\n');
SELECT send('pieces_of_' || n, E'\ufefftax_ident;"Name";employees\r\n\r\n900000060;"One\nand ""two""";5\n900000061;\u00C5\n900000062;"x"y;7\n', size => n)
FROM unnest('{1,2,3,5,7,11}'::integer[]) AS n;
SELECT count(*) AS files, count(DISTINCT u.sha256) AS hashes, count(DISTINCT u.findings) AS findings, count(DISTINCT u.row_count) AS rows, min(encode(u.sha256, 'hex')) AS sha256
FROM import.upload AS u JOIN import.job AS j ON j.id = u.job_id WHERE j.slug = 'whole' OR j.slug LIKE 'pieces\_of\_%';
SELECT encode(sha256(convert_to(E'\ufefftax_ident;"Name";employees\r\n\r\n900000060;"One\nand ""two""";5\n900000061;\u00C5\n900000062;"x"y;7\n', 'UTF8')), 'hex') AS sha256;
SELECT tax_ident, name, employees, "statbus:line" AS line, "statbus:findings" AS findings FROM import.whole_upload;
SELECT count(*) AS different FROM (SELECT w::text FROM import.whole_upload AS w EXCEPT ALL SELECT w::text FROM import.pieces_of_1_upload AS w) AS x;
SELECT count(*) AS different FROM (SELECT w::text FROM import.whole_upload AS w EXCEPT ALL SELECT w::text FROM import.pieces_of_7_upload AS w) AS x;
DELETE FROM import.job WHERE slug = 'whole' OR slug LIKE 'pieces\_of\_%';

-- The order of chunks ---------------------------------------------------------------------------------------------------
CREATE FUNCTION public.chunk(n integer, is_last boolean, content text, sha256 text DEFAULT NULL, job text DEFAULT 'ordered') RETURNS jsonb LANGUAGE sql
AS $$ SELECT import.upload_chunk(job, n, is_last, convert_to(content, 'UTF8'), sha256) - '{findings,sha256}'::text[] $$;
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
SELECT 'ordered', d.id, '2024-01-01', 'infinity', false FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT chunk(2, false, 'x');                                        -- fails: 1 is expected
SELECT chunk(0, false, 'x');                                        -- fails
SELECT chunk(1, NULL, 'x');                                         -- fails
SELECT chunk(1, false, 'x', job => 'no_such');                      -- fails
SELECT chunk(1, false, E'tax_ident,na', repeat('0', 64));           -- fails: other bytes than those of the hash
SELECT chunk(1, false, E'tax_ident,na', encode(sha256('tax_ident,na'), 'hex'));
SELECT chunk(1, false, E'tax_ident,na');
SELECT chunk(1, false, E'tax_ident,nb');                            -- fails: has come with other bytes
SELECT chunk(1, true, E'tax_ident,na');                             -- fails: it was not the last
SELECT chunk(3, true, E'x');                                        -- fails: 2 is expected
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT chunk(3, true, E'x');                                        -- fails, and says so
\set VERBOSITY terse
COPY import.ordered_upload (tax_ident) FROM stdin;                  -- fails: half a file is there
900000070
\.
SELECT chunk(2, true, E'me\n900000070,Ordered\n');
SELECT chunk(2, true, E'me\n900000070,Ordered\n');
SELECT chunk(1, false, E'tax_ident,na');
SELECT chunk(3, true, E'900000071,Late\n');                         -- fails: the file is complete
SELECT import.cancel_upload('ordered');                             -- fails, too
SELECT state, total_rows FROM import.job WHERE slug = 'ordered';
SELECT number, bytes, is_last FROM import.upload_chunk AS c JOIN import.job AS j ON j.id = c.job_id WHERE j.slug = 'ordered' ORDER BY number;

-- A file that is refused, or cancelled, makes room for another; a COPY as well.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
SELECT n, d.id, '2024-01-01', 'infinity', false FROM import.definition AS d, unnest('{second,third,by_copy}'::text[]) AS n WHERE d.slug = 'legal_unit_job_provided';
SELECT chunk(1, true, E'x,y\n1,2\n', job => 'second') -> 'refused' AS refused;
SELECT code FROM public.said WHERE slug = 'second';
SELECT chunk(1, true, E'tax_ident,name\n900000072,Second\n', job => 'second') -> 'rows' AS rows;
SELECT code FROM public.said WHERE slug = 'second';
SELECT chunk(1, false, E'tax_ident,name\n900000073,Thi', job => 'third') -> 'complete' AS complete;
SELECT import.cancel_upload('third');
SELECT chunk(1, true, E'tax_ident,name\n900000074,Third\n', job => 'third') -> 'rows' AS rows;
SELECT chunk(1, true, E'x,y\n1,2\n', job => 'by_copy') -> 'refused' AS refused;
SELECT count(*) AS columns_of_ours FROM pg_attribute WHERE attrelid = 'import.by_copy_upload'::regclass AND attname LIKE 'statbus:%' AND attgenerated = '';
COPY import.by_copy_upload (tax_ident, name) FROM stdin WITH (FORMAT csv);
900000075,By copy
\.
SELECT chunk(1, true, E'tax_ident,name\n900000072,Second\n', job => 'by_copy');   -- fails
SELECT import.upload_chunk('third', 2, true, 'x', NULL, '{"encoding": "ebcdic"}');   -- fails
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug IN ('ordered', 'second', 'third', 'by_copy');
SELECT e.ident, lu.name FROM register.external_ident AS e JOIN register.legal_unit AS lu ON lu.id = e.legal_unit_id WHERE e.ident BETWEEN '900000070' AND '900000079' ORDER BY 1;
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to)
SELECT 'options', d.id, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT import.upload_chunk('options', 1, true, 'x', NULL, '{"encoding": "ebcdic"}');   -- fails
SELECT import.upload_chunk('options', 1, true, 'x', NULL, '{"delimiter": "space"}');   -- fails
INSERT INTO import.source_column (definition_id, column_name, priority) SELECT d.id, 'statbus:line', 99 FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';  -- fails

-- Whose job it is -------------------------------------------------------------------------------------------------------
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Una', 'regress_una@example.org', 'regular_user'), ('Omar', 'regress_omar@example.org', 'regular_user'), ('Ann', 'regress_ann@example.org', 'admin_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
SET ROLE "regress_una@example.org";
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to)
SELECT 'of_una', d.id, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT chunk(1, false, E'tax_ident,name\n900000080,U', job => 'of_una') -> 'bytes' AS bytes;
SELECT chunks, bytes, row_count FROM import.upload;
SELECT count(*) FROM import.upload_chunk;                           -- fails
SELECT reader FROM import.upload;                                   -- fails
RESET ROLE;
SET ROLE "regress_omar@example.org";
SELECT chunk(2, true, E'na\n', job => 'of_una');                    -- fails
SELECT import.cancel_upload('of_una');                              -- fails
SELECT count(*) AS uploads_seen FROM import.upload;
RESET ROLE;
SET ROLE "regress_ann@example.org";
SELECT chunk(2, true, E'na\n', job => 'of_una');                    -- fails
SELECT count(*) AS uploads_seen FROM import.upload AS u JOIN import.job AS j ON j.id = u.job_id WHERE j.slug = 'of_una';
RESET ROLE;
SET ROLE "regress_una@example.org";
SELECT chunk(2, true, E'na\n', job => 'of_una') -> 'complete' AS complete;
RESET ROLE;
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug = 'of_una';
SELECT lu.name, u.display_name FROM register.legal_unit AS lu JOIN auth."user" AS u ON u.id = lu.edit_by_user_id WHERE lu.name = 'Una';
-- Columns of ours are not among those of the API, also after a migration.
CALL statbus.migrate();
SELECT count(*) AS columns_of_ours FROM pg_attribute WHERE attrelid = 'api.of_una_upload'::regclass AND attname LIKE 'statbus:%';

-- The table has the rows in the order of the file, however long they are: the analysis need not sort them.
SELECT public.send('lengths', (SELECT 'tax_ident,name' || E'\n' || string_agg(format('%s,%s', 900100000 + i, repeat('n', CASE WHEN i % 7 = 0 THEN 240 ELSE 1 + i % 100 END)), E'\n' ORDER BY i) FROM generate_series(1, 2000) AS i),
                   size => 40000) AS answer;
SELECT count(*) AS rows, count(*) FILTER (WHERE u.ctid < u.before) AS out_of_order
FROM (SELECT u.ctid, lag(u.ctid) OVER (ORDER BY "statbus:line") AS before FROM import.lengths_upload AS u) AS u;
CALL worker.process_tasks();
SELECT state, imported_rows FROM import.job WHERE slug = 'lengths';


-- Half a file is kept for a week.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to)
SELECT n, d.id, '2024-01-01', 'infinity' FROM import.definition AS d, unnest('{young,forgotten}'::text[]) AS n WHERE d.slug = 'legal_unit_job_provided';
SELECT chunk(1, false, E'tax_ident,name\n900000090,Ol', job => n) -> 'complete' AS complete FROM unnest('{young,forgotten}'::text[]) AS n;
UPDATE import.upload AS u SET started_at = now() - interval '8 days' FROM import.job AS j WHERE j.id = u.job_id AND j.slug IN ('forgotten', 'of_una');
SELECT worker.spawn('import_job_cleanup') > 0 AS spawned;
CALL worker.process_tasks('maintenance');
SELECT j.slug FROM import.upload AS u JOIN import.job AS j ON j.id = u.job_id WHERE j.slug IN ('young', 'forgotten', 'of_una') ORDER BY 1;
SELECT chunk(1, true, E'tax_ident,name\n900000090,New\n', job => 'forgotten') -> 'rows' AS rows;

\c contrib_regression
DROP DATABASE regress_import_upload;
DROP ROLE "regress_una@example.org", "regress_omar@example.org", "regress_ann@example.org";
