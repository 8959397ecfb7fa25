-- Step 0019: when codes are in force, and what is known of countries that helps to judge an address.

-- A code without dates has always been in force and still is. valid_until is the first day on which it is not.
ALTER TABLE register.activity_category ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.country ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.data_source ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.legal_form ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.region ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.sector ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.status ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;
ALTER TABLE register.unit_size ADD COLUMN valid_from date, ADD COLUMN valid_until date, ADD COLUMN successor_code text;

DO $validity$
DECLARE
    list text;
BEGIN
    FOREACH list IN ARRAY ARRAY['activity_category', 'country', 'data_source', 'legal_form', 'region', 'sector', 'status', 'unit_size'] LOOP
        EXECUTE format('ALTER TABLE register.%I
            ADD CONSTRAINT %I CHECK (isfinite(valid_from) AND isfinite(valid_until)),
            ADD CONSTRAINT %I CHECK (valid_from < valid_until),
            ADD CONSTRAINT %I CHECK (successor_code <> '''' AND successor_code = btrim(successor_code))',
            list, list || '_validity_finite', list || '_validity_in_order', list || '_successor_code_check');
        EXECUTE format('COMMENT ON COLUMN register.%I.valid_from IS %L', list, 'first day on which the code is in force; NULL: since ever');
        EXECUTE format('COMMENT ON COLUMN register.%I.valid_until IS %L', list, 'first day on which the code is no longer in force; NULL: it is');
        EXECUTE format('COMMENT ON COLUMN register.%I.successor_code IS %L', list, 'the code that took its place');
    END LOOP;
END
$validity$;

-- Countries: what else they are called, how postcodes are written there, and where on the map they are.
ALTER TABLE register.country
    ADD COLUMN aliases text[] NOT NULL DEFAULT '{}' CONSTRAINT country_aliases_no_nulls CHECK (array_position(aliases, NULL) IS NULL),
    ADD COLUMN postcode_masks text[] NOT NULL DEFAULT '{}'
        CONSTRAINT country_postcode_masks_check CHECK (array_position(postcode_masks, NULL) IS NULL AND array_to_string(postcode_masks, '') ~ '^[9A-]*$'),
    ADD COLUMN min_latitude numeric(9,6), ADD COLUMN max_latitude numeric(9,6),
    ADD COLUMN min_longitude numeric(9,6), ADD COLUMN max_longitude numeric(9,6),
    ADD CONSTRAINT country_box_complete CHECK (num_nulls(min_latitude, max_latitude, min_longitude, max_longitude) IN (0, 4)),
    ADD CONSTRAINT country_box_in_order CHECK (min_latitude < max_latitude AND min_longitude < max_longitude),
    ADD CONSTRAINT country_box_on_earth CHECK (min_latitude >= -90 AND max_latitude <= 90 AND min_longitude >= -180 AND max_longitude <= 180);
COMMENT ON COLUMN register.country.aliases IS 'other names and codes of the country, for suggestions; case makes no difference';
COMMENT ON COLUMN register.country.postcode_masks IS 'the ways to write a postcode there: 9 is a digit, A a letter; spaces make no difference; none: nothing is said about postcodes';
COMMENT ON COLUMN register.country.min_latitude IS 'a box around the country, all four sides or none; to tell swapped coordinates';

UPDATE register.country AS c
SET aliases = k.aliases, postcode_masks = k.masks, min_latitude = k.south, max_latitude = k.north, min_longitude = k.west, max_longitude = k.east
FROM (VALUES
    ('AT', '{Österreich}'::text[], '{9999}'::text[], 46.3, 49.1, 9.5, 17.2),
    ('BE', '{België,Belgique,Belgien}', '{9999}', 49.4, 51.6, 2.5, 6.5),
    ('CH', '{Schweiz,Suisse,Svizzera}', '{9999}', 45.8, 47.9, 5.9, 10.6),
    ('DE', '{Deutschland,Tyskland}', '{99999}', 47.2, 55.1, 5.8, 15.1),
    ('DK', '{Danmark}', '{9999}', 54.5, 57.8, 8.0, 15.3),
    ('EE', '{Eesti}', '{99999}', 57.5, 59.8, 21.7, 28.3),
    ('ES', '{España}', '{99999}', 27.6, 43.9, -18.2, 4.4),
    ('FI', '{Suomi}', '{99999}', 59.4, 70.2, 19.0, 31.7),
    ('FR', '{}', '{99999}', 41.3, 51.2, -5.2, 9.7),
    ('GB', '{UK,Great Britain,England,Scotland,Wales}', '{A99AA,A999AA,AA99AA,AA999AA,A9A9AA,AA9A9AA}', 49.8, 60.9, -8.7, 1.8),
    ('GR', '{EL,Hellas}', '{99999}', 34.7, 41.8, 19.3, 29.7),
    ('IE', '{Éire}', '{}', 51.3, 55.5, -10.7, -5.9),
    ('IS', '{Ísland,Island}', '{999}', 63.2, 66.6, -24.6, -13.4),
    ('IT', '{Italia}', '{99999}', 35.4, 47.1, 6.6, 18.6),
    ('LT', '{Lietuva}', '{99999,AA-99999}', 53.8, 56.5, 20.9, 26.9),
    ('LV', '{Latvija}', '{9999,AA-9999}', 55.6, 58.1, 20.9, 28.3),
    ('NL', '{Holland,Nederland}', '{9999AA}', 50.7, 53.6, 3.3, 7.3),
    ('NO', '{Norge,Noreg}', '{9999}', 57.7, 81.1, -9.2, 33.7),
    ('PL', '{Polska}', '{99-999}', 49.0, 54.9, 14.1, 24.2),
    ('PT', '{}', '{9999-999,9999}', 30.0, 42.2, -31.3, -6.1),
    ('SE', '{Sverige}', '{99999}', 55.0, 69.1, 10.5, 24.2),
    ('US', '{United States,United States of America,America}', '{99999,99999-9999}', 17.8, 71.5, -180, -64.5)
) AS k (iso_2, aliases, masks, south, north, west, east)
WHERE c.iso_2 = k.iso_2;

-- Findings.
UPDATE import.finding_code SET hint = 'Did you mean {suggestion}?' WHERE code IN ('code_unknown', 'tag_unknown');
UPDATE import.finding_code SET hint = 'The code that is in force then is {successor}' WHERE code = 'code_not_valid_then';
UPDATE import.finding_code SET hint = 'Use the two letters of ISO 3166: {suggestion}?' WHERE code = 'country_unknown';
UPDATE import.finding_code SET hint = 'Did you mean {suggestion}?' WHERE code = 'mojibake';
UPDATE import.finding_code SET level = 'file', message = 'Columns {columns} seem to be in each other''s place in {rows} rows', hint = 'Map each heading to the other column' WHERE code = 'columns_swapped';
UPDATE import.finding_code SET message = 'Column {column} holds words instead of numbers in {rows} rows' WHERE code = 'column_shifted';
UPDATE import.finding_code SET message = '{column}: "{value}" is implausible: {rule}' WHERE code = 'implausible';
UPDATE import.finding_code SET hint = 'Are they in each other''s place?' WHERE code = 'coordinates_swapped';

INSERT INTO import.finding_code (level, severity, code, message, hint) VALUES
    ('file', 'warning', 'standard_mismatch', '{column}: {unknown} of {codes} codes are unknown; {fitting} of these are codes of {standard}', 'Which classification was the file made for?'),
    ('row', 'info', 'text_marker_removed', '{column}: "{value}" was read without the apostrophe before it', NULL),
    ('row', 'warning', 'phone_format', '{column}: "{value}" is not a telephone number', NULL),
    ('row', 'warning', 'web_format', '{column}: "{value}" is not a web address', NULL);
