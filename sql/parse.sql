-- Parsers of import cells, against lists of known values and against SQL oracles.
BEGIN;

-- What a value means and what is wrong with it, side by side.
CREATE FUNCTION pg_temp.show_date(value text, formats text[] DEFAULT '{YYYY-MM-DD}') RETURNS text
LANGUAGE sql AS $show_date$
    SELECT concat_ws(' ', CASE WHEN NOT isfinite(import.parse_date(value, formats)) THEN import.parse_date(value, formats)::text
                               ELSE coalesce(to_char(import.parse_date(value, formats), 'YYYY-MM-DD'), '-') END,
                     import.parse_date_error(value, formats),
                     'info ' || import.parse_date_info(value, formats),
                     'warning ' || import.parse_date_warning(value, formats));
$show_date$;

SELECT value, pg_temp.show_date(value) AS iso
FROM unnest(ARRAY['2023-01-31', '  2023-01-31 ', E'\u00a02023-01-31\u00a0', '', '   ', '2023-02-29', '31/12/2023', '01/02/2023',
                  '12.31.2023', '1.2.2023', '0000-01-01', '44-03-15 BC', '0201-05-01', '1599-12-31', '1600-01-01', '9999-12-31',
                  '10000-01-01', 'infinity', '-infinity', 'today', 'now', 'tomorrow', 'epoch', '45292', '2023.123', 'J2459946',
                  '230105', '2023-01-01T00:00:00Z', '2023-01-01 13:45', '2023-01-01 24:00', E'2023\u201101\u201101', '2023',
                  '2023-01', NULL]) WITH ORDINALITY AS input (value, position)
ORDER BY position;

SELECT value, formats, pg_temp.show_date(value, formats) AS result
FROM (VALUES (1, '20240229', '{YYYYMMDD}'::text[]),
             (2, '01.02.2023', '{DD.MM.YYYY}'),
             (3, '1.2.2023', '{DD.MM.YYYY}'),
             (4, '1.2.2023', '{D.M.YYYY}'),
             (5, '2023/02/01', '{YYYY/MM/DD}'),
             (6, '01/02/2023', '{DD/MM/YYYY}'),
             (7, '01/02/2023', '{MM/DD/YYYY}'),
             (8, '01/02/2023', '{DD/MM/YYYY,MM/DD/YYYY}'),
             (9, '01/02/2023', '{MM/DD/YYYY,DD/MM/YYYY}'),
             (10, '31/12/2023', '{MM/DD/YYYY,DD/MM/YYYY}'),
             (11, '12/31/2023', '{DD/MM/YYYY}'),
             (12, '05/05/2023', '{DD/MM/YYYY,MM/DD/YYYY}'),
             (13, '2023-02-30', '{YYYYMMDD,YYYY-MM-DD}'),
             (14, '2023-02-28', '{YYYYMMDD,YYYY-MM-DD}')) AS input (position, value, formats)
ORDER BY position;

CREATE FUNCTION pg_temp.show_integer(value text, thousands text DEFAULT '') RETURNS text
LANGUAGE sql AS $show_integer$
    SELECT concat_ws(' ', coalesce(import.parse_integer(value, thousands)::text, '-'), import.parse_integer_error(value, thousands),
                     'info ' || import.parse_integer_info(value, thousands));
$show_integer$;

SELECT value, pg_temp.show_integer(value) AS plain, pg_temp.show_integer(value, ' ') AS spaces,
       pg_temp.show_integer(value, '.') AS dots, pg_temp.show_integer(value, ',') AS commas
FROM unnest(ARRAY['-3', '+7', '007', '12.0', '12,5', '1e3', 'n/a', 'ca 10', '10-19', '2147483648', '9223372036854775807',
                  '9223372036854775808', '-9223372036854775808', '1 234 567', E'1\u00a0234\u202f567', '1.234.567', '1,234,567',
                  '1.000', '1.23.4', '12,34', '9,74761E+08', 'NaN', 'Infinity', '1e400', '5%', 'kr 500', '1_000', '0x1F', E'\uff11\uff12',
                  '']) WITH ORDINALITY AS input (value, position)
ORDER BY position;

CREATE FUNCTION pg_temp.show_numeric(value text, decimal_mark text DEFAULT '.', thousands text DEFAULT '') RETURNS text
LANGUAGE sql AS $show_numeric$
    SELECT concat_ws(' ', coalesce(import.parse_numeric(value, decimal_mark, thousands)::text, '-'),
                     import.parse_numeric_error(value, decimal_mark, thousands));
$show_numeric$;

SELECT value, pg_temp.show_numeric(value) AS plain, pg_temp.show_numeric(value, ',') AS comma,
       pg_temp.show_numeric(value, ',', ' ') AS comma_spaces, pg_temp.show_numeric(value, ',', '.') AS comma_dots,
       pg_temp.show_numeric(value, '.', ',') AS dot_commas
FROM unnest(ARRAY['0', '-0.50', '.5', '59,91', '95.1234567', '1 234 567,89', E'1\u00a0234\u00a0567,89', '1.234,56', '1,234.56',
                  '1.23.4', '1.5e3', 'NaN', 'Infinity', '1e400', '5%', 'kr 500', '1_000', '0x1F', '6647000', '']) WITH ORDINALITY AS input (value, position)
ORDER BY position;

SELECT length(import.parse_numeric(repeat('9', 1000))::text) AS digits, import.parse_numeric_error(repeat('9', 1001)) AS too_many;

SELECT value, import.parse_boolean(value) AS standard, import.parse_boolean_error(value) AS standard_error,
       import.parse_boolean(value, '{ja,j,sant,да}', '{nei,n,usant,нет}') AS declared,
       import.parse_boolean_error(value, '{ja,j,sant,да}', '{nei,n,usant,нет}') AS declared_error
FROM unnest(ARRAY['true', 'T', 'Yes', ' 1 ', 'false', 'f', 'NO', '0', 'ja', 'J', 'SANT', 'ДА', 'Нет', 'tr', 'of', 'on', '2', '']) WITH ORDINALITY AS input (value, position)
ORDER BY position;

SELECT kind, value, import.parse_hint(kind, value) AS hint
FROM (VALUES (1, 'date', '45292'), (2, 'date', E'2023\u201101\u201101'), (3, 'date', '2023-02-29'), (4, 'date', '31/12/2023'),
             (5, 'date', '01/02/2023'), (6, 'date', '2023-01'), (7, 'date', 'today'), (8, 'integer', '1.000'), (9, 'integer', '12,5'),
             (10, 'integer', '9,74761E+08'), (11, 'numeric', '59,91'), (12, 'numeric', '1.234,56'), (13, 'numeric', '5%'),
             (14, 'boolean', 'maybe')) AS input (position, kind, value)
ORDER BY position;

-- Oracle: every day of 1600 to 2400 in every format.
SELECT format, count(*) AS days,
       count(*) FILTER (WHERE import.parse_date(to_char(day, format), ARRAY[format]) IS DISTINCT FROM day) AS wrong
FROM (SELECT date '1600-01-01' + n AS day FROM generate_series(0, date '2400-12-31' - date '1600-01-01') AS n) AS days
CROSS JOIN unnest(ARRAY['YYYY-MM-DD', 'YYYYMMDD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY', 'YYYY/MM/DD']) AS format
GROUP BY format
ORDER BY format COLLATE "C";

-- D.M.YYYY has no such pattern in to_char.
SELECT count(*) AS days,
       count(*) FILTER (WHERE import.parse_date(to_char(day, 'FMDD.FMMM.YYYY'), '{D.M.YYYY}') IS DISTINCT FROM day) AS wrong
FROM (SELECT date '1600-01-01' + n AS day FROM generate_series(0, date '2400-12-31' - date '1600-01-01') AS n) AS days;

-- Oracle: every month 0 to 13 and day 0 to 32 of some years, whether or not the calendar has it.
CREATE FUNCTION pg_temp.day_or_null(year integer, month integer, day integer) RETURNS date
LANGUAGE sql AS $day_or_null$
    SELECT CASE WHEN month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 28 THEN make_date(year, month, day)
                WHEN month BETWEEN 1 AND 12 AND day BETWEEN 29 AND 31
                     AND extract(month FROM make_date(year, month, 28) + (day - 28)) = month THEN make_date(year, month, 28) + (day - 28)
           END;
$day_or_null$;

SELECT count(*) AS inputs, count(expected) AS in_calendar,
       count(*) FILTER (WHERE import.parse_date(value) IS DISTINCT FROM expected) AS wrong_date,
       count(*) FILTER (WHERE import.parse_date_error(value) IS DISTINCT FROM
                              CASE WHEN expected IS NULL AND pg_temp.day_or_null(year, day, month) IS NOT NULL THEN 'date_format'
                                   WHEN expected IS NULL THEN 'date_not_in_calendar' END) AS wrong_error
FROM (SELECT year, month, day, format('%s-%s-%s', year, lpad(month::text, 2, '0'), lpad(day::text, 2, '0')) AS value,
             pg_temp.day_or_null(year, month, day) AS expected
      FROM unnest(ARRAY[1600, 1700, 1900, 1999, 2000, 2023, 2024, 2100, 9999]) AS year,
           generate_series(0, 13) AS month, generate_series(0, 32) AS day) AS days;

-- Oracle: both readings of NN/NN/2023.
SELECT count(*) AS inputs, count(*) FILTER (WHERE import.parse_date_error(value, '{DD/MM/YYYY,MM/DD/YYYY}') = 'date_ambiguous') AS ambiguous,
       count(*) FILTER (WHERE import.parse_date(value, '{DD/MM/YYYY,MM/DD/YYYY}') IS DISTINCT FROM
                              CASE WHEN a = b OR day_first IS NULL OR month_first IS NULL THEN coalesce(day_first, month_first) END) AS wrong_both,
       count(*) FILTER (WHERE import.parse_date(value, '{DD/MM/YYYY}') IS DISTINCT FROM day_first) AS wrong_day_first,
       count(*) FILTER (WHERE import.parse_date(value, '{MM/DD/YYYY}') IS DISTINCT FROM month_first) AS wrong_month_first,
       count(*) FILTER (WHERE (import.parse_date_error(value) = 'date_ambiguous') IS DISTINCT FROM
                              (a <> b AND day_first IS NOT NULL AND month_first IS NOT NULL)) AS wrong_none
FROM (SELECT a, b, lpad(a::text, 2, '0') || '/' || lpad(b::text, 2, '0') || '/2023' AS value,
             pg_temp.day_or_null(2023, b, a) AS day_first, pg_temp.day_or_null(2023, a, b) AS month_first
      FROM generate_series(0, 40) AS a, generate_series(0, 40) AS b) AS days;

-- Oracle: dates with random damage, against a regular expression per format. Counts of nothing but
-- mistakes, since another version may draw other numbers.
SELECT setseed(0.25);
CREATE TEMP TABLE damaged ON COMMIT DROP AS
    SELECT format,
           CASE kind WHEN 0 THEN overlay(value PLACING junk FROM position FOR 1)
                     WHEN 1 THEN overlay(value PLACING '' FROM position FOR 1)
                     WHEN 2 THEN overlay(value PLACING junk FROM position FOR 0)
                     WHEN 3 THEN junk || value || junk
                     WHEN 4 THEN left(value, position)
                     ELSE value || junk || junk
           END AS value
    FROM (SELECT format, kind, substr('0123456789-./ T:Z+', 1 + floor(random() * 18)::integer, 1) AS junk,
                 to_char(date '1590-01-01' + floor(random() * 300000)::integer,
                         CASE format WHEN 'D.M.YYYY' THEN 'FMDD.FMMM.YYYY' ELSE format END) AS value,
                 1 + floor(random() * 10)::integer AS position
          FROM unnest(ARRAY['YYYY-MM-DD', 'YYYYMMDD', 'DD.MM.YYYY', 'D.M.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY', 'YYYY/MM/DD']) AS format,
               generate_series(1, 700) AS n, generate_series(0, 5) AS kind) AS whole;

CREATE FUNCTION pg_temp.date_oracle(value text, format text) RETURNS date
LANGUAGE sql AS $date_oracle$
    SELECT CASE WHEN part.y::integer BETWEEN 1 AND 9999 THEN pg_temp.day_or_null(part.y::integer, part.m::integer, part.d::integer) END
    FROM (VALUES ('YYYY-MM-DD', '^([0-9]{4})-([0-9]{2})-([0-9]{2})([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?$', 1, 2, 3),
                 ('YYYYMMDD', '^([0-9]{4})([0-9]{2})([0-9]{2})$', 1, 2, 3),
                 ('DD.MM.YYYY', '^([0-9]{2})\.([0-9]{2})\.([0-9]{4})$', 3, 2, 1),
                 ('D.M.YYYY', '^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})$', 3, 2, 1),
                 ('DD/MM/YYYY', '^([0-9]{2})/([0-9]{2})/([0-9]{4})$', 3, 2, 1),
                 ('MM/DD/YYYY', '^([0-9]{2})/([0-9]{2})/([0-9]{4})$', 3, 1, 2),
                 ('YYYY/MM/DD', '^([0-9]{4})/([0-9]{2})/([0-9]{2})$', 1, 2, 3)) AS rule (format, pattern, y, m, d)
    CROSS JOIN LATERAL regexp_match(btrim(value), rule.pattern) AS piece
    CROSS JOIN LATERAL (VALUES (piece[rule.y], piece[rule.m], piece[rule.d])) AS part (y, m, d)
    WHERE rule.format = date_oracle.format;
$date_oracle$;

SELECT count(*) AS inputs,
       count(*) FILTER (WHERE import.parse_date(value, ARRAY[format]) IS NOT NULL) > 1000 AS many_still_dates,
       count(*) FILTER (WHERE import.parse_date(value, ARRAY[format]) IS DISTINCT FROM pg_temp.date_oracle(value, format)) AS wrong,
       count(*) FILTER (WHERE btrim(value) <> ''
                          AND (import.parse_date(value, ARRAY[format]) IS NULL) = (import.parse_date_error(value, ARRAY[format]) IS NULL)) AS undecided
FROM damaged;

-- Oracle: numbers with random damage, against a cast to numeric.
CREATE TEMP TABLE number_text ON COMMIT DROP AS
    SELECT CASE kind WHEN 0 THEN sign || whole
                     WHEN 1 THEN sign || whole || '.' || fraction
                     WHEN 2 THEN overlay(sign || whole || '.' || fraction PLACING junk FROM position FOR 1)
                     ELSE overlay(sign || whole PLACING junk FROM position FOR 0)
           END AS value
    FROM (SELECT kind, (ARRAY['', '', '-', '+'])[1 + floor(random() * 4)::integer] AS sign,
                 floor(random() * 10 ^ (1 + floor(random() * 20)))::numeric::text AS whole,
                 lpad(floor(random() * 10000)::text, 1 + floor(random() * 5)::integer, '0') AS fraction,
                 substr('0123456789.,eE+-_x ', 1 + floor(random() * 19)::integer, 1) AS junk,
                 1 + floor(random() * 8)::integer AS position
          FROM generate_series(1, 5000) AS n, generate_series(0, 3) AS kind) AS parts;

SELECT count(*) AS inputs,
       count(*) FILTER (WHERE import.parse_numeric(value)::text IS DISTINCT FROM
                              CASE WHEN btrim(value) ~ '^[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)$' THEN value::numeric::text END) AS wrong_numeric,
       count(*) FILTER (WHERE (import.parse_numeric(value) IS NULL) = (import.parse_numeric_error(value) IS NULL)) AS undecided_numeric,
       count(*) FILTER (WHERE import.parse_integer(value) IS DISTINCT FROM
                              CASE WHEN btrim(value) ~ '^[+-]?([0-9]*[.,]0+|[0-9]+)$' AND btrim(value) !~ '^[+-]?[1-9][0-9]{0,2}[.,]000$'
                                   THEN CASE WHEN replace(value, ',', '.')::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
                                             THEN replace(value, ',', '.')::numeric::bigint END END) AS wrong_integer,
       count(*) FILTER (WHERE (import.parse_integer(value) IS NULL) = (import.parse_integer_error(value) IS NULL)) AS undecided_integer
FROM number_text;

-- Oracle: grouped digits, good and with a mark moved.
SELECT count(*) AS inputs, count(*) FILTER (WHERE good) > 1000 AS many_good,
       count(*) FILTER (WHERE import.parse_integer(value, ',') IS DISTINCT FROM CASE WHEN good THEN replace(value, ',', '')::bigint END) AS wrong,
       count(*) FILTER (WHERE import.parse_integer_error(value, ',') IS DISTINCT FROM CASE WHEN NOT good THEN 'grouping' END) AS wrong_error,
       count(*) FILTER (WHERE import.parse_numeric(replace(value, ',', '.') || ',50', ',', '.') IS DISTINCT FROM
                              CASE WHEN good THEN (replace(value, ',', '') || '.50')::numeric END) AS wrong_numeric
FROM (SELECT value, value ~ '^([0-9]+|[0-9]{1,3}(,[0-9]{3})+)$' AS good
      FROM (SELECT CASE kind WHEN 0 THEN grouped
                             WHEN 1 THEN overlay(grouped PLACING '7' FROM position FOR 0)
                             ELSE overlay(replace(grouped, ',', '') || '7' PLACING ',' FROM position FOR 0)
                   END AS value
            FROM (SELECT kind, to_char(floor(1 + random() * 10 ^ (1 + floor(random() * 14)))::bigint, 'FM999,999,999,999,999') AS grouped,
                         2 + floor(random() * 1)::integer AS position
                  FROM generate_series(1, 3000) AS n, generate_series(0, 2) AS kind) AS parts) AS texts) AS inputs;

-- The same answers under any setting.
CREATE TEMP TABLE answer ON COMMIT DROP AS
    SELECT md5(string_agg(concat_ws('|', import.parse_date(value, ARRAY[format]) - date '2000-01-01',
                                    import.parse_date_error(value, ARRAY[format])), ',' ORDER BY format COLLATE "C", value COLLATE "C")) AS dates,
           (SELECT md5(string_agg(concat_ws('|', import.parse_integer(value), import.parse_numeric(value), import.parse_numeric_error(value, ',')),
                                  ',' ORDER BY value COLLATE "C")) FROM number_text) AS numbers
    FROM damaged;
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL lc_numeric = 'C.UTF-8';
SET LOCAL lc_time = 'C.UTF-8';
SET LOCAL lc_monetary = 'C.UTF-8';
SET LOCAL TimeZone = 'Pacific/Kiritimati';
SELECT (SELECT md5(string_agg(concat_ws('|', import.parse_date(value, ARRAY[format]) - date '2000-01-01',
                                        import.parse_date_error(value, ARRAY[format])), ',' ORDER BY format COLLATE "C", value COLLATE "C"))
        FROM damaged) = answer.dates AS same_dates,
       (SELECT md5(string_agg(concat_ws('|', import.parse_integer(value), import.parse_numeric(value), import.parse_numeric_error(value, ',')),
                              ',' ORDER BY value COLLATE "C")) FROM number_text) = answer.numbers AS same_numbers
FROM answer;

-- Formats and words that change from row to row.
SELECT value, formats, pg_temp.show_date(value, formats) AS result
FROM (VALUES (1, '2023-01-02', '{YYYY-MM-DD}'::text[]), (2, '2023-01-02', '{DD/MM/YYYY}'), (3, '03/01/2023', '{DD/MM/YYYY}'),
             (4, '03/01/2023', '{MM/DD/YYYY}'), (5, '03/01/2023', NULL)) AS input (position, value, formats)
ORDER BY position;
SELECT value, import.parse_boolean(value, yes, no) AS result
FROM (VALUES (1, 'j', '{j}'::text[], '{n}'::text[]), (2, 'j', '{y}', '{j}'), (3, 'j', '{y}', '{n}')) AS input (position, value, yes, no)
ORDER BY position;
ROLLBACK;

-- A bad call is an error, with a hint.
SELECT import.parse_date('2023-01-01', '{yyyy-mm-dd}');
SELECT import.parse_date('2023-01-01', '{}');
SELECT import.parse_date('2023-01-01', '{YYYY-MM-DD,NULL}');
SELECT import.parse_date_error('', '{DD-MM-YYYY}');
SELECT import.parse_integer('1', 'x');
SELECT import.parse_numeric('1', ';');
SELECT import.parse_numeric('1', ' ');
SELECT import.parse_numeric('1', ',', ',');
SELECT import.parse_boolean('1', '{1}', '{}');
SELECT import.parse_boolean('1', '{ja," "}', '{nei}');
SELECT import.parse_boolean('1', '{ja,JA}', '{nei,Ja}');
SELECT import.parse_hint('money', '1');
\set VERBOSITY sqlstate
SELECT import.parse_date('2023-01-01', '{yyyy-mm-dd}');
SELECT import.parse_integer('1', 'x');
SELECT import.parse_boolean('1', '{ja}', '{ja}');
\set VERBOSITY default

-- Today is the setting, else the current date. CURRENT_DATE is a reserved word, hence the quotes.
SET statbus."current_date" = '2024-06-15';
SELECT to_char(statbus.today(), 'YYYY-MM-DD') AS today;
SET statbus."current_date" = '2024-02-30';
SET statbus."current_date" = 'today';
SET statbus."current_date" = 'infinity';
SET statbus."current_date" = '2024-06-15 00:00';
SHOW statbus."current_date";
SET statbus."current_date" = '';
SELECT statbus.today() = current_date AS is_current_date;
SET statbus."current_date" = '1600-01-01';
RESET statbus."current_date";
SELECT statbus.today() = current_date AS is_current_date;
BEGIN;
SET LOCAL statbus."current_date" = '2020-02-29';
SELECT to_char(statbus.today(), 'YYYY-MM-DD') AS today;
ROLLBACK;
SELECT statbus.today() = current_date AS is_current_date;

-- The other settings.
SHOW statbus.derive;
SET statbus.derive = 'deferred';
SET statbus.derive = 'sometimes';
RESET statbus.derive;
SHOW statbus.derive_immediate_limit;
SET statbus.derive_immediate_limit = -1;
SET statbus.no_such_setting = 1;

-- May the caller COMMIT?
CREATE FUNCTION pg_temp.in_function() RETURNS boolean LANGUAGE plpgsql AS $in_function$
BEGIN
    RETURN statbus.in_transaction_block();
END
$in_function$;
CREATE PROCEDURE pg_temp.in_procedure() LANGUAGE plpgsql AS $in_procedure$
DECLARE
    in_query boolean;
    in_exception_block boolean;
BEGIN
    SELECT statbus.in_transaction_block() INTO in_query FROM (VALUES (1)) AS one;
    BEGIN
        in_exception_block := statbus.in_transaction_block();
    EXCEPTION WHEN others THEN
        RAISE;
    END;
    RAISE NOTICE 'expression %, query %, exception block %', statbus.in_transaction_block(), in_query, in_exception_block;
    IF NOT statbus.in_transaction_block() THEN
        COMMIT;
        RAISE NOTICE 'committed, now %', statbus.in_transaction_block();
    END IF;
END
$in_procedure$;
CREATE FUNCTION pg_temp.call_in_function() RETURNS void LANGUAGE plpgsql AS $call_in_function$
BEGIN
    CALL pg_temp.in_procedure();
END
$call_in_function$;
SELECT statbus.in_transaction_block() AS in_query, pg_temp.in_function() AS in_function;
CALL pg_temp.in_procedure();
SELECT pg_temp.call_in_function();
DO $do$ BEGIN CALL pg_temp.in_procedure(); END $do$;
BEGIN;
SELECT statbus.in_transaction_block() AS in_query;
CALL pg_temp.in_procedure();
COMMIT;
DROP FUNCTION pg_temp.call_in_function();
DROP PROCEDURE pg_temp.in_procedure();
DROP FUNCTION pg_temp.in_function();
