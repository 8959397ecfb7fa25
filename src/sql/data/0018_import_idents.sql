-- Step 0018: what identifiers must look like, as data: forms, check digits, what is taken away from values in files.

CREATE TABLE register.external_ident_rule (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(128) NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    name varchar(100) NOT NULL CHECK (btrim(name) <> ''),
    description text,
    patterns text[] NOT NULL DEFAULT '{}' CONSTRAINT external_ident_rule_patterns_no_nulls CHECK (array_position(patterns, NULL) IS NULL),
    checksum text NOT NULL DEFAULT 'none' CHECK (checksum IN ('none', 'mod11', 'luhn', 'mod97_10', 'mod97', 'digit_sum')),
    weights integer[] CONSTRAINT external_ident_rule_weights_no_nulls CHECK (array_position(weights, NULL) IS NULL),
    modulus integer CHECK (modulus BETWEEN 2 AND 1000),
    upper_case boolean NOT NULL DEFAULT false,
    suffixes text[] NOT NULL DEFAULT '{}' CONSTRAINT external_ident_rule_suffixes_ascii CHECK (array_position(suffixes, NULL) IS NULL AND suffixes::text ~ '^[\x20-\x7e]*$'),
    prefixes text[] NOT NULL DEFAULT '{}' CONSTRAINT external_ident_rule_prefixes_ascii CHECK (array_position(prefixes, NULL) IS NULL AND prefixes::text ~ '^[\x20-\x7e]*$'),
    ignored text NOT NULL DEFAULT '' CONSTRAINT external_ident_rule_ignored_ascii CHECK (ignored ~ '^[\x20-\x7e]*$'),
    pad_zeros boolean NOT NULL DEFAULT false,
    custom boolean NOT NULL DEFAULT true,
    CONSTRAINT external_ident_rule_weights_of_mod11 CHECK ((checksum = 'mod11') = (weights IS NOT NULL)),
    CONSTRAINT external_ident_rule_modulus_of_digit_sum CHECK ((checksum = 'digit_sum') = (modulus IS NOT NULL))
);
COMMENT ON TABLE register.external_ident_rule IS 'What identifiers of a type must look like in files; a type of identifier points to its rule';
COMMENT ON COLUMN register.external_ident_rule.patterns IS
    'The forms of a value, one is enough; none: any. # is a digit, @ a letter A to Z, * a digit or letter, any other character itself; {9} after it: nine of them';
COMMENT ON COLUMN register.external_ident_rule.checksum IS
    'How the last digits follow from the others: mod11 (weighted sum), luhn, mod97_10 (ISO 7064), mod97 (97 less the remainder), digit_sum (a multiple of modulus)';
COMMENT ON COLUMN register.external_ident_rule.weights IS 'Of mod11: one for each digit but the last';
COMMENT ON COLUMN register.external_ident_rule.upper_case IS 'Letters a to z of a value that has no form of the rule are read as capitals';
COMMENT ON COLUMN register.external_ident_rule.suffixes IS 'What is cut from the end of a value that has no form of the rule, such as MVA or .0';
COMMENT ON COLUMN register.external_ident_rule.prefixes IS 'What is cut from its beginning, such as a country';
COMMENT ON COLUMN register.external_ident_rule.ignored IS 'Characters that are left out of it, such as spaces and dots';
COMMENT ON COLUMN register.external_ident_rule.pad_zeros IS 'Digits that are too few get zeros before them, when that gives a right value';

CREATE TABLE register.external_ident_exception (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id integer NOT NULL REFERENCES register.external_ident_rule ON DELETE CASCADE,
    prefix text NOT NULL CHECK (prefix ~ '^[0-9A-Z]+$'),
    checksum text NOT NULL CHECK (checksum IN ('none', 'luhn', 'mod97_10', 'mod97', 'digit_sum')),
    modulus integer CHECK (modulus BETWEEN 2 AND 1000),
    description text,
    CONSTRAINT external_ident_exception_key UNIQUE (rule_id, prefix, checksum),
    CONSTRAINT external_ident_exception_modulus_of_digit_sum CHECK ((checksum = 'digit_sum') = (modulus IS NOT NULL))
);
COMMENT ON TABLE register.external_ident_exception IS
    'Identifiers that begin so are right also by another check; with checksum none they need no check digits, and the prefix may be a whole identifier';

ALTER TABLE register.external_ident_type
    ADD COLUMN rule_id integer REFERENCES register.external_ident_rule ON DELETE RESTRICT,
    ADD COLUMN rule_severity text NOT NULL DEFAULT 'error'
        CONSTRAINT external_ident_type_rule_severity_check CHECK (rule_severity IN ('error', 'warning', 'info')),
    ADD CONSTRAINT external_ident_type_rule_of_regular CHECK (rule_id IS NULL OR shape = 'regular');
CREATE INDEX external_ident_type_rule_id_idx ON register.external_ident_type (rule_id) WHERE rule_id IS NOT NULL;
COMMENT ON COLUMN register.external_ident_type.rule_id IS 'What its values in files must look like; NULL: anything of at most 50 characters';
COMMENT ON COLUMN register.external_ident_type.rule_severity IS 'What becomes of a row whose value breaks the rule: error, it is left out; warning or info, it is told and the value is taken';

INSERT INTO register.external_ident_rule
    (code, name, description, patterns, checksum, weights, upper_case, suffixes, prefixes, ignored, pad_zeros, custom) VALUES
    ('no_orgnr', 'Organisasjonsnummer', 'Norway: units of Brønnøysundregistrene', '{"#{9}"}', 'mod11', '{3,2,7,6,5,4,3,2}', true, '{MVA,.0}', '{NO}', ' .', false, false),
    ('fr_siren', 'SIREN', 'France: legal units of Sirene', '{"#{9}"}', 'luhn', NULL, false, '{.0}', '{}', ' .', false, false),
    ('fr_siret', 'SIRET', 'France: establishments of Sirene', '{"#{14}"}', 'luhn', NULL, false, '{.0}', '{}', ' .', false, false),
    ('lei', 'LEI', 'Legal Entity Identifier, ISO 17442', '{"*{18}##"}', 'mod97_10', NULL, true, '{}', '{LEI:,LEI}', ' -', false, false),
    ('uk_company_number', 'Company number', 'United Kingdom: units of Companies House', '{"#{8}","@@#{6}","R#{7}","@@#{5}@","@@#{4}@@"}', 'none', NULL, true, '{.0}', '{}', ' ', true, false),
    ('be_vat', 'Ondernemingsnummer', 'Belgium: units of the KBO/BCE, also their VAT number', '{"0#{9}","1#{9}"}', 'mod97', NULL, true, '{.0}', '{BE}', ' .', true, false);
INSERT INTO register.external_ident_exception (rule_id, prefix, checksum, modulus, description)
SELECT r.id, '356000000', 'digit_sum', 5, 'La Poste' FROM register.external_ident_rule AS r WHERE r.code = 'fr_siret';

UPDATE import.finding_code SET message = '{column}: the check digits of "{value}" are wrong', hint = 'Is one digit wrong, or are two swapped? {expected} would fit the others' WHERE code = 'ident_checksum';
UPDATE import.finding_code SET message = '{column}: "{value}" has {length} characters instead of {lengths}', hint = 'Did you mean {suggestion}?' WHERE code = 'ident_length';
UPDATE import.finding_code SET message = '{column}: "{value}" holds a character that cannot be there: {char}', hint = 'Did you mean {suggestion}?' WHERE code = 'ident_char';
UPDATE import.finding_code SET hint = 'Did you mean {suggestion}?' WHERE code = 'mixed_script';
UPDATE import.finding_code SET message = 'The relationship closes a circle of ownership: {path}' WHERE code = 'ownership_cycle';
UPDATE import.finding_code SET message = 'The shares of the influenced unit add up to {sum} per cent on {date}', hint = 'With those of rows {rows}' WHERE code = 'percentage_sum';
