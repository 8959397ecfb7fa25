-- Parsers for the cells of an uploaded file, and what day it is.
--
-- A bad value never raises: import.parse_x gives NULL and import.parse_x_error the code of the
-- finding. A value of nothing but spaces is no value and no fault: both give NULL. A bad format,
-- mark or word list is a bad call and raises 22023. The results depend on nothing but the
-- arguments: no DateStyle, no locale, no clock.
--
-- Everybody may execute them: they read no data.

CREATE OR REPLACE FUNCTION statbus.today()
RETURNS date
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_today';
COMMENT ON FUNCTION statbus.today() IS
    'The day of setting statbus.current_date, or the current date when it is empty.';
REVOKE ALL ON FUNCTION statbus.today() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.today() TO PUBLIC;

CREATE OR REPLACE FUNCTION statbus.in_transaction_block()
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_in_transaction_block';
COMMENT ON FUNCTION statbus.in_transaction_block() IS
    'True when the caller may not COMMIT: in a transaction block or subtransaction, or not called through CALL.';
REVOKE ALL ON FUNCTION statbus.in_transaction_block() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.in_transaction_block() TO PUBLIC;

-- Formats: YYYY-MM-DD YYYYMMDD DD.MM.YYYY D.M.YYYY DD/MM/YYYY MM/DD/YYYY YYYY/MM/DD. The first that
-- gives a day of the calendar wins. "infinity" is always a date. Years 1 to 9999; what is plausible is for the caller to say.
CREATE OR REPLACE FUNCTION import.parse_date(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date';
COMMENT ON FUNCTION import.parse_date(text, text[]) IS
    'The day that a value means in the first of the declared formats that fits; NULL when it means none.';
REVOKE ALL ON FUNCTION import.parse_date(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date(text, text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_date_error(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date_error';
COMMENT ON FUNCTION import.parse_date_error(text, text[]) IS
    'Why a value is no date: date_format, date_not_in_calendar, date_ambiguous, date_out_of_range or date_incomplete; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_date_error(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date_error(text, text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_date_info(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date_info';
COMMENT ON FUNCTION import.parse_date_info(text, text[]) IS
    'time_dropped when a date was written as a timestamp at 00:00: worth an information; else NULL.';
REVOKE ALL ON FUNCTION import.parse_date_info(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date_info(text, text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_date_warning(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date_warning';
COMMENT ON FUNCTION import.parse_date_warning(text, text[]) IS
    'time_dropped when a date was written as a timestamp at another time than 00:00: worth a warning; else NULL.';
REVOKE ALL ON FUNCTION import.parse_date_warning(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date_warning(text, text[]) TO PUBLIC;

-- Thousands marks: "." "," "'" a space (any of space, U+00A0, U+202F), or none.
CREATE OR REPLACE FUNCTION import.parse_integer(value text, thousands text DEFAULT '')
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_integer';
COMMENT ON FUNCTION import.parse_integer(text, text) IS
    'The whole number that a value means; NULL when it means none. Zeros after a decimal mark are dropped.';
REVOKE ALL ON FUNCTION import.parse_integer(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_integer(text, text) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_integer_error(value text, thousands text DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_integer_error';
COMMENT ON FUNCTION import.parse_integer_error(text, text) IS
    'Why a value is no whole number: not_a_number, not_whole, number_too_big, number_scientific or grouping; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_integer_error(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_integer_error(text, text) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_integer_info(value text, thousands text DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_integer_info';
COMMENT ON FUNCTION import.parse_integer_info(text, text) IS
    'decimal_zero_dropped when a whole number was written as 12.0 or 12,0: worth an information; else NULL.';
REVOKE ALL ON FUNCTION import.parse_integer_info(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_integer_info(text, text) TO PUBLIC;

-- The decimal mark is "." or ",". At most 1000 digits.
CREATE OR REPLACE FUNCTION import.parse_numeric(value text, decimal_mark text DEFAULT '.', thousands text DEFAULT '')
RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 4
AS 'MODULE_PATHNAME', 'statbus_parse_numeric';
COMMENT ON FUNCTION import.parse_numeric(text, text, text) IS
    'The decimal number that a value means with the declared marks; NULL when it means none.';
REVOKE ALL ON FUNCTION import.parse_numeric(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_numeric(text, text, text) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_numeric_error(value text, decimal_mark text DEFAULT '.', thousands text DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_numeric_error';
COMMENT ON FUNCTION import.parse_numeric_error(text, text, text) IS
    'Why a value is no number: not_a_number, number_too_big, number_scientific, number_format or grouping; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_numeric_error(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_numeric_error(text, text, text) TO PUBLIC;

-- Upper and lower case do not matter in Latin, Greek and Cyrillic words.
CREATE OR REPLACE FUNCTION import.parse_boolean(value text, true_words text[] DEFAULT '{true,t,yes,y,1}',
    false_words text[] DEFAULT '{false,f,no,n,0}')
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_boolean';
COMMENT ON FUNCTION import.parse_boolean(text, text[], text[]) IS
    'True or false by the declared words; NULL for any other value.';
REVOKE ALL ON FUNCTION import.parse_boolean(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_boolean(text, text[], text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_boolean_error(value text, true_words text[] DEFAULT '{true,t,yes,y,1}',
    false_words text[] DEFAULT '{false,f,no,n,0}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_boolean_error';
COMMENT ON FUNCTION import.parse_boolean_error(text, text[], text[]) IS
    'not_a_boolean when a value is none of the declared words; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_boolean_error(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_boolean_error(text, text[], text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_hint(kind text, value text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'statbus_parse_hint';
COMMENT ON FUNCTION import.parse_hint(text, text) IS
    'A sentence that may help with a refused value of kind date, integer, numeric or boolean; NULL when there is none.';
REVOKE ALL ON FUNCTION import.parse_hint(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_hint(text, text) TO PUBLIC;
