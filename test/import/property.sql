-- Files of known content, with damage at random: what a test says of all files alike. Each number comes from a hash of the seed,
-- so that a file is the same everywhere and every time.
CREATE SCHEMA import_property;

CREATE FUNCTION import_property.die(seed text, sides integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % sides;

-- Which definition a kind of file has, and its headings. Rows of "stats" and "links" are about units that are there already.
CREATE TABLE import_property.kind (kind text PRIMARY KEY, definition text NOT NULL, headings text[] NOT NULL);
INSERT INTO import_property.kind (kind, definition, headings)
SELECT k.kind, k.definition, k.headings::text[] FROM (VALUES
    ('legal', 'legal_unit_source_dates', '{tax_ident,stat_ident,name,valid_from,valid_to,birth_date,physical_address_part1,physical_postcode,physical_region_code,physical_country_iso_2,primary_activity_category_code,sector_code,status_code,legal_form_code,web_address,employees,turnover}'),
    ('legal_job', 'legal_unit_job_provided', '{tax_ident,stat_ident,name,birth_date,physical_address_part1,physical_postcode,physical_region_code,physical_country_iso_2,primary_activity_category_code,sector_code,status_code,legal_form_code,web_address,employees,turnover}'),
    ('formal', 'establishment_for_lu_source_dates', '{tax_ident,stat_ident,legal_unit_tax_ident,name,valid_from,valid_to,physical_address_part1,physical_region_code,physical_country_iso_2,primary_activity_category_code,employees,turnover}'),
    ('informal', 'establishment_without_lu_job_provided', '{tax_ident,name,physical_address_part1,physical_region_code,physical_country_iso_2,primary_activity_category_code,employees}'),
    ('stats', 'generic_unit_stats_update_source_dates', '{tax_ident,valid_from,valid_to,employees,turnover}'),
    ('links', 'legal_relationship_source_dates', '{influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to}')
    ) AS k (kind, definition, headings);
-- Those that the others are about.
INSERT INTO import_property.kind (kind, definition, headings) SELECT 'base', k.definition, k.headings FROM import_property.kind AS k WHERE k.kind = 'legal';

-- An identifier: no change of one character makes it that of another number or prefix.
CREATE FUNCTION import_property.ident(prefix text, n integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN prefix || lpad((n * 97)::text, 6, '0');

-- The value of a heading in row n of a sound file.
CREATE FUNCTION import_property.cell(heading text, prefix text, n integer, year integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $cell$
    SELECT CASE heading
        WHEN 'tax_ident' THEN import_property.ident(prefix, n)
        WHEN 'stat_ident' THEN CASE WHEN n % 3 > 0 THEN import_property.ident(prefix || 'S', n) END
        WHEN 'legal_unit_tax_ident' THEN import_property.ident('LLL', 1 + n % 50)
        WHEN 'influencing_tax_ident' THEN import_property.ident('LLL', (n + 1) / 2)
        WHEN 'influenced_tax_ident' THEN import_property.ident('LLL', n + 1)
        WHEN 'rel_type_code' THEN 'ownership'
        WHEN 'percentage' THEN (1 + n % 100)::text
        WHEN 'name' THEN CASE WHEN n % 7 = 0 THEN 'Unit ' || n || ', Ltd' WHEN n % 11 = 0 THEN 'The "' || n || '" unit' WHEN n % 13 = 0 THEN E'Bl\u00e5b\u00e6r ' || n
                              WHEN n % 17 = 0 THEN E'Two\nlines ' || n ELSE 'Unit ' || n END
        WHEN 'valid_from' THEN (year || '-01-01')
        WHEN 'valid_to' THEN CASE WHEN year > 2010 THEN year || '-12-31' WHEN n % 5 = 0 AND prefix <> 'LLL' THEN '2019-12-31' ELSE 'infinity' END
        WHEN 'birth_date' THEN CASE WHEN n % 2 = 0 THEN '2009-02-03' END
        WHEN 'physical_address_part1' THEN CASE WHEN n % 4 > 0 THEN 'Street ' || n END
        WHEN 'physical_postcode' THEN CASE WHEN n % 4 > 0 THEN lpad((n * 7)::text, 4, '0') END
        WHEN 'physical_region_code' THEN CASE WHEN n % 4 > 0 THEN CASE WHEN n % 2 = 0 THEN '03' ELSE '11' END END
        WHEN 'physical_country_iso_2' THEN CASE WHEN n % 4 > 0 THEN 'NO' END
        WHEN 'primary_activity_category_code' THEN CASE WHEN n % 6 > 0 THEN '01.1' || 1 + n % 5 END
        WHEN 'sector_code' THEN CASE WHEN n % 5 > 0 THEN '1110' END
        WHEN 'status_code' THEN CASE WHEN n % 5 > 1 THEN 'active' END
        WHEN 'legal_form_code' THEN CASE WHEN n % 3 = 0 THEN 'ACO' END
        WHEN 'web_address' THEN CASE WHEN n % 9 = 0 THEN 'www.example.com' END
        WHEN 'employees' THEN CASE WHEN n % 8 > 0 THEN (10 + n % 20 + year % 7)::text END
        WHEN 'turnover' THEN CASE WHEN n % 8 <> 1 THEN (1000 + n)::text || '.5' END
    END
$cell$;

CREATE FUNCTION import_property.csv(cells text[], delimiter text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(CASE WHEN c ~ '[",;\n]' THEN '"' || replace(c, '"', '""') || '"' ELSE coalesce(c, '') END, delimiter ORDER BY place) FROM unnest(cells) WITH ORDINALITY AS x (c, place));

-- What stands in a damaged cell.
CREATE FUNCTION import_property.bad_cell(was text, seed text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $bad_cell$
    SELECT CASE f.i
        WHEN 0 THEN NULL WHEN 1 THEN was || ' ' WHEN 2 THEN reverse(was) WHEN 3 THEN left(was, length(was) / 2) WHEN 4 THEN was || was
        WHEN 5 THEN overlay(was PLACING substr('0OlI9x-', 1 + import_property.die(seed || 'c', 7), 1) FROM 1 + import_property.die(seed || 'p', greatest(length(was), 1)) FOR 1)
        ELSE (ARRAY['?', '-', 'NULL', 'n/a', '0', '-1', '1e3', '1e400', '99999999999', '9.1E+08', 'NaN', 'infinity', '-infinity', 'today', '2023-02-29', '01/02/2023', '2023', '45292', '0000-01-01', '2020-01-01T00:00:00Z',
                    '12,5', '1 234', '5%', '=1+1', '@cmd', '''03', repeat('x', 600), repeat('9', 60), E'\u0410\u0421', E'\u00c3\u0085', E'\u200b', E'\u00a0', 'A | B', '\.', '\N', 'NO', 'xx', 'old', '01', '01.110', '3', 'a,b', 'a"b', E'a\nb', '"', ';', E'\t'])[f.i - 5]
    END
    FROM (SELECT import_property.die(seed || 'v', 53) AS i) AS f
$bad_cell$;

-- A line with damage to its bytes.
CREATE FUNCTION import_property.bad_line(line bytea, seed text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $bad_line$
DECLARE
    at CONSTANT integer := 1 + import_property.die(seed || 'at', octet_length(line));
    before CONSTANT bytea := substr(line, 1, at - 1);
    after CONSTANT bytea := substr(line, at);
BEGIN
    RETURN CASE import_property.die(seed || 'kind', 16)
        WHEN 0 THEN before || '"'::bytea || after
        WHEN 1 THEN before || '""'::bytea || after
        WHEN 2 THEN before || ','::bytea || after
        WHEN 3 THEN before || '\x0a'::bytea || after
        WHEN 4 THEN before || '\x0d'::bytea || after
        WHEN 5 THEN before || '\x00'::bytea || after
        WHEN 6 THEN before || (ARRAY['\xc3', '\xff', '\xc0af', '\xeda080', '\xe28280', '\x07', '\xe280a8', '\xc285', '\xefbbbf'])[1 + import_property.die(seed || 'x', 9)]::bytea || after
        WHEN 7 THEN before
        WHEN 8 THEN before || substr(after, 2)
        WHEN 9 THEN before || substr(after, 1 + octet_length(after) / 2)
        WHEN 10 THEN before || convert_to(repeat('long ', 20000), 'UTF8') || after
        WHEN 11 THEN '\\.'::bytea
        WHEN 12 THEN '"'::bytea || line
        WHEN 13 THEN line || '"'::bytea
        WHEN 14 THEN line || '\x0a'::bytea || before
        ELSE before || set_byte(substr(after, 1, 1), 0, import_property.die(seed || 'b', 256)) || substr(after, 2)
    END;
END
$bad_line$;

-- The records of a file: place 0 is its heading. A record that is not sound is damaged; "line" is where it begins.
CREATE TABLE import_property.record (run text, place integer, sound boolean NOT NULL, content bytea NOT NULL, line bigint, PRIMARY KEY (run, place));
CREATE TABLE import_property.run (run text PRIMARY KEY, kind text REFERENCES import_property.kind, prefix text NOT NULL, year integer NOT NULL);

-- Makes the file of a run: of so many rows, of which one in "damage" is damaged; "bytes" says whether only its cells are.
CREATE PROCEDURE import_property.make(new_run text, new_kind text, prefix text, year integer, rows integer, damage integer, bytes boolean, delimiter text, line_end text)
LANGUAGE plpgsql AS $make$
BEGIN
    INSERT INTO import_property.run (run, kind, prefix, year) VALUES (new_run, new_kind, prefix, year);
    INSERT INTO import_property.record (run, place, sound, content)
    SELECT new_run, 0, true, convert_to(import_property.csv(k.headings, delimiter), 'UTF8') FROM import_property.kind AS k WHERE k.kind = new_kind;
    INSERT INTO import_property.record (run, place, sound, content)
    SELECT new_run, n, NOT d.damaged,
           CASE WHEN d.damaged AND bytes AND import_property.die(new_run || n || 'how', 4) > 0
                THEN import_property.bad_line(convert_to(import_property.csv(c.cells, delimiter), 'UTF8'), new_run || n)
                ELSE convert_to(import_property.csv(c.cells, delimiter), 'UTF8') END
    FROM import_property.kind AS k
    CROSS JOIN generate_series(1, rows) AS n
    CROSS JOIN LATERAL (SELECT damage > 0 AND import_property.die(new_run || n || 'damaged', greatest(damage, 1)) = 0 AS damaged) AS d
    CROSS JOIN LATERAL (SELECT array_agg(CASE WHEN d.damaged AND (h = k.headings[1 + import_property.die(new_run || n || 'column', cardinality(k.headings))] OR import_property.die(new_run || n || h, 12) = 0)
                                              THEN import_property.bad_cell(import_property.cell(h, prefix, n, year), new_run || n || h)
                                              ELSE import_property.cell(h, prefix, n, year) END ORDER BY place) AS cells
                        FROM unnest(k.headings) WITH ORDINALITY AS x (h, place)) AS c
    WHERE k.kind = new_kind;
    UPDATE import_property.record AS r SET content = r.content || convert_to(line_end, 'UTF8') WHERE r.run = new_run;
    -- Any of the three line ends begins a line, as in an editor.
    UPDATE import_property.record AS r SET line = l.line
    FROM (SELECT x.place, 1 + coalesce(sum(x.ends) OVER (ORDER BY x.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS line
          FROM (SELECT p.place, (SELECT count(*) FROM regexp_matches(encode(p.content, 'escape'), E'\r\n|\r|\n', 'g')) AS ends
                FROM import_property.record AS p WHERE p.run = new_run) AS x) AS l
    WHERE r.run = new_run AND r.place = l.place;
END
$make$;

-- A job for the file of a run, without its upload.
CREATE PROCEDURE import_property.job(slug text, of_run text, strategy text)
LANGUAGE plpgsql AS $job$
DECLARE
    was import.strategy;
BEGIN
    SELECT d.strategy INTO was FROM import.definition AS d JOIN import_property.kind AS k ON k.definition = d.slug JOIN import_property.run AS r ON r.kind = k.kind WHERE r.run = of_run;
    UPDATE import.definition AS d SET strategy = job.strategy::import.strategy FROM import_property.kind AS k, import_property.run AS r WHERE k.definition = d.slug AND r.kind = k.kind AND r.run = of_run;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, processing_batch_size)
    SELECT job.slug, d.id, CASE d.valid_time_from WHEN 'job_provided' THEN DATE '2010-01-01' END, CASE d.valid_time_from WHEN 'job_provided' THEN DATE 'infinity' END, false,
           (ARRAY[1, 7, 64, 8000])[1 + import_property.die(job.slug, 4)]
    FROM import.definition AS d JOIN import_property.kind AS k ON k.definition = d.slug JOIN import_property.run AS r ON r.kind = k.kind WHERE r.run = of_run;
    UPDATE import.definition AS d SET strategy = was FROM import_property.kind AS k, import_property.run AS r WHERE k.definition = d.slug AND r.kind = k.kind AND r.run = of_run;
END
$job$;

-- Sends the file of a run in chunks, of another size each.
CREATE PROCEDURE import_property.send(slug text, of_run text, strategy text)
LANGUAGE plpgsql AS $send$
DECLARE
    content CONSTANT bytea := (SELECT string_agg(r.content, '' ORDER BY r.place) FROM import_property.record AS r WHERE r.run = of_run);
    size CONSTANT integer := (ARRAY[997, 4096, 30011, 1000000])[1 + import_property.die(slug || 'size', 4)];
    chunks CONSTANT integer := (octet_length(content) + size - 1) / size;
BEGIN
    CALL import_property.job(slug, of_run, strategy);
    FOR n IN 1 .. chunks LOOP
        EXIT WHEN import.upload_chunk(slug, n, n = chunks, substr(content, (n - 1) * size + 1, size)) ? 'refused';
    END LOOP;
END
$send$;

-- What the register knows by row of a run: units with all that belongs to them, by their own prefix; statistics and relationships within
-- the year of the run.
CREATE FUNCTION import_property.known(of_run text) RETURNS TABLE (n integer, what jsonb)
LANGUAGE sql STABLE
AS $known$
    WITH run AS (SELECT * FROM import_property.run AS r WHERE r.run = of_run),
    ident AS (
        SELECT x.legal_unit_id, x.establishment_id, x.n / 97 AS n
        FROM (SELECT e.legal_unit_id, e.establishment_id,
                     CASE WHEN e.ident ~ ('^' || CASE WHEN run.kind IN ('stats', 'links') THEN 'LLL' ELSE run.prefix END || '[0-9]{6}$') THEN right(e.ident, 6)::integer END AS n
              FROM register.external_ident AS e JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident' CROSS JOIN run) AS x
        WHERE x.n % 97 = 0),
    fact (n, what) AS (
        SELECT i.n, jsonb_build_array('unit', u.valid_from, u.valid_until, u.name, u.birth_date, s.code, c.code, f.code)
        FROM ident AS i CROSS JOIN run JOIN register.legal_unit AS u ON u.id = i.legal_unit_id
        LEFT JOIN register.sector AS s ON s.id = u.sector_id LEFT JOIN register.status AS c ON c.id = u.status_id LEFT JOIN register.legal_form AS f ON f.id = u.legal_form_id
        WHERE run.kind NOT IN ('stats', 'links')
        UNION ALL
        SELECT i.n, jsonb_build_array('site', u.valid_from, u.valid_until, u.name, c.code,
                   (SELECT min(x.ident) FROM register.external_ident AS x JOIN register.external_ident_type AS t ON t.id = x.type_id AND t.code = 'tax_ident' WHERE x.legal_unit_id = u.legal_unit_id))
        FROM ident AS i CROSS JOIN run JOIN register.establishment AS u ON u.id = i.establishment_id
        LEFT JOIN register.status AS c ON c.id = u.status_id
        WHERE run.kind NOT IN ('stats', 'links')
        UNION ALL
        SELECT i.n, jsonb_build_array('ident', replace(e.ident, run.prefix, ''))
        FROM ident AS i CROSS JOIN run JOIN register.external_ident AS e ON e.legal_unit_id = i.legal_unit_id OR e.establishment_id = i.establishment_id
        WHERE run.kind NOT IN ('stats', 'links')
        UNION ALL
        SELECT i.n, jsonb_build_array('location', l.type, l.valid_from, l.valid_until, l.address_part1, l.postcode, r.code, c.iso_2)
        FROM ident AS i CROSS JOIN run JOIN register.location AS l ON l.legal_unit_id = i.legal_unit_id OR l.establishment_id = i.establishment_id
        LEFT JOIN register.region AS r ON r.id = l.region_id LEFT JOIN register.country AS c ON c.id = l.country_id
        WHERE run.kind NOT IN ('stats', 'links')
        UNION ALL
        SELECT i.n, jsonb_build_array('activity', a.type, a.valid_from, a.valid_until, c.code)
        FROM ident AS i CROSS JOIN run JOIN register.activity AS a ON a.legal_unit_id = i.legal_unit_id OR a.establishment_id = i.establishment_id
        JOIN register.activity_category AS c ON c.id = a.category_id
        WHERE run.kind NOT IN ('stats', 'links')
        UNION ALL
        SELECT i.n, jsonb_build_array('contact', a.valid_from, a.valid_until, a.web_address)
        FROM ident AS i CROSS JOIN run JOIN register.contact AS a ON a.legal_unit_id = i.legal_unit_id OR a.establishment_id = i.establishment_id
        WHERE run.kind NOT IN ('stats', 'links')
        UNION ALL
        SELECT i.n, jsonb_build_array('stat', d.code, v.stat -> 'value', coalesce(nullif(range_agg(v.valid_range * p.period), datemultirange(p.period))::text, 'all the year'))
        FROM ident AS i CROSS JOIN run
        CROSS JOIN LATERAL (SELECT CASE run.kind WHEN 'stats' THEN daterange(make_date(run.year, 1, 1), make_date(run.year + 1, 1, 1)) ELSE daterange(NULL, NULL) END AS period) AS p
        JOIN register.stat_for_unit AS v ON (v.legal_unit_id = i.legal_unit_id OR v.establishment_id = i.establishment_id) AND v.valid_range && p.period
        JOIN register.stat_definition AS d ON d.id = v.stat_definition_id
        WHERE run.kind <> 'links'
        GROUP BY i.n, d.code, v.stat, p.period
        UNION ALL
        SELECT i.n - 1, jsonb_build_array('link', g.n, t.code, l.percentage, coalesce(nullif(range_agg(l.valid_range * p.period), datemultirange(p.period))::text, 'all the year'))
        FROM ident AS i CROSS JOIN run
        CROSS JOIN LATERAL (SELECT daterange(make_date(run.year, 1, 1), make_date(run.year + 1, 1, 1)) AS period) AS p
        JOIN register.legal_relationship AS l ON l.influenced_id = i.legal_unit_id AND l.valid_range && p.period
        JOIN ident AS g ON g.legal_unit_id = l.influencing_id
        JOIN register.legal_rel_type AS t ON t.id = l.type_id
        WHERE run.kind = 'links'
        GROUP BY i.n, g.n, t.code, l.percentage, p.period)
    SELECT f.n, jsonb_agg(f.what ORDER BY f.what) FROM fact AS f GROUP BY f.n
$known$;

-- The version of every row of the register that an import can write.
CREATE FUNCTION import_property.versions() RETURNS TABLE (tab regclass, place tid, version xid)
LANGUAGE sql STABLE
AS $versions$
    SELECT tableoid, ctid, xmin FROM register.enterprise UNION ALL SELECT tableoid, ctid, xmin FROM register.legal_unit UNION ALL SELECT tableoid, ctid, xmin FROM register.establishment
    UNION ALL SELECT tableoid, ctid, xmin FROM register.external_ident UNION ALL SELECT tableoid, ctid, xmin FROM register.location UNION ALL SELECT tableoid, ctid, xmin FROM register.activity
    UNION ALL SELECT tableoid, ctid, xmin FROM register.contact UNION ALL SELECT tableoid, ctid, xmin FROM register.stat_for_unit UNION ALL SELECT tableoid, ctid, xmin FROM register.tag_for_unit
    UNION ALL SELECT tableoid, ctid, xmin FROM register.legal_relationship
$versions$;
