-- Code lists: the trigger functions of their tables, the functions behind the views that load them, and the generator of
-- those views. All are SECURITY INVOKER: who loads a list needs the rights on its table.

-- ---------------------------------------------------------------------------------------------------------------------
-- Triggers of tables
-- ---------------------------------------------------------------------------------------------------------------------

-- BEFORE UPDATE OF id FOR EACH ROW: an id stays what it is for ever.
CREATE OR REPLACE FUNCTION statbus.refuse_id_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $refuse_id_change$
BEGIN
    IF NEW.id IS DISTINCT FROM OLD.id THEN
        RAISE EXCEPTION 'id of table "%" cannot be changed', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation',
                DETAIL = format('id %s would become %s', OLD.id, coalesce(NEW.id::text, 'null')),
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'id';
    END IF;
    RETURN NEW;
END
$refuse_id_change$;
REVOKE ALL ON FUNCTION statbus.refuse_id_change() FROM PUBLIC;
COMMENT ON FUNCTION statbus.refuse_id_change() IS 'trigger: refuses a change of column id';

-- BEFORE UPDATE FOR EACH ROW: keeps updated_at, unless the statement itself sets it.
CREATE OR REPLACE FUNCTION statbus.touch_updated_at()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $touch_updated_at$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := statement_timestamp();
    END IF;
    RETURN NEW;
END
$touch_updated_at$;
REVOKE ALL ON FUNCTION statbus.touch_updated_at() FROM PUBLIC;
COMMENT ON FUNCTION statbus.touch_updated_at() IS 'trigger: keeps column updated_at';

-- BEFORE INSERT OR UPDATE OF path, parent_id and the scope column FOR EACH ROW: parent_id follows from the path.
-- The argument names the column within which paths are looked up (standard_id, version_id), or is empty.
CREATE OR REPLACE FUNCTION register.set_path_parent()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $set_path_parent$
DECLARE
    v_parent_id integer;
BEGIN
    IF nlevel(NEW.path) > 1 THEN
        EXECUTE format('SELECT p.id FROM %I.%I AS p WHERE p.path = subpath(($1).path, 0, -1)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
            || CASE WHEN TG_ARGV[0] <> '' THEN format(' AND p.%1$I = ($1).%1$I', TG_ARGV[0]) ELSE '' END
            -- Only activities have more than one row of a path: the enabled one is the parent.
            || CASE WHEN TG_ARGV[0] = 'standard_id' THEN ' ORDER BY p.enabled DESC LIMIT 1' ELSE '' END
            INTO v_parent_id USING NEW;
        IF v_parent_id IS NULL THEN
            RAISE EXCEPTION 'parent "%" of % "%" does not exist', subpath(NEW.path, 0, -1), TG_TABLE_NAME, NEW.path
                USING ERRCODE = 'foreign_key_violation',
                    HINT = 'load a parent before its children',
                    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
        END IF;
    END IF;
    NEW.parent_id := v_parent_id;
    RETURN NEW;
END
$set_path_parent$;
REVOKE ALL ON FUNCTION register.set_path_parent() FROM PUBLIC;
COMMENT ON FUNCTION register.set_path_parent() IS 'trigger: fills parent_id from the path; the parent must exist';

-- The code of an activity category: the digits of its path, written in the pattern of its standard.
CREATE OR REPLACE FUNCTION register.activity_category_code(category_path ltree, code_pattern text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $activity_category_code$
    SELECT CASE
        WHEN d.digits = '' THEN NULL
        WHEN code_pattern = 'dot_after_two_digits' AND length(d.digits) > 2 THEN left(d.digits, 2) || '.' || substr(d.digits, 3)
        ELSE d.digits
    END
    FROM (SELECT regexp_replace(ltree2text(category_path), '[^0-9]', '', 'g') AS digits) AS d
$activity_category_code$;
REVOKE ALL ON FUNCTION register.activity_category_code(ltree, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.activity_category_code(ltree, text) TO PUBLIC;
COMMENT ON FUNCTION register.activity_category_code(ltree, text) IS
    'code of an activity category from its path; code_pattern is digits or dot_after_two_digits';

-- BEFORE INSERT OR UPDATE OF path, standard_id, code FOR EACH ROW.
CREATE OR REPLACE FUNCTION register.set_activity_category_code()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $set_activity_category_code$
BEGIN
    NEW.code := (
        SELECT register.activity_category_code(NEW.path, s.code_pattern::text)
        FROM register.activity_category_standard AS s
        WHERE s.id = NEW.standard_id
    );
    RETURN NEW;
END
$set_activity_category_code$;
REVOKE ALL ON FUNCTION register.set_activity_category_code() FROM PUBLIC;
COMMENT ON FUNCTION register.set_activity_category_code() IS 'trigger: writes the code of an activity category';

-- AFTER UPDATE OF code_pattern FOR EACH ROW on the standards.
CREATE OR REPLACE FUNCTION register.recompute_activity_category_codes()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $recompute_activity_category_codes$
BEGIN
    UPDATE register.activity_category AS c
    SET code = register.activity_category_code(c.path, NEW.code_pattern::text)
    WHERE c.standard_id = NEW.id
        AND c.code IS DISTINCT FROM register.activity_category_code(c.path, NEW.code_pattern::text);
    RETURN NULL;
END
$recompute_activity_category_codes$;
REVOKE ALL ON FUNCTION register.recompute_activity_category_codes() FROM PUBLIC;
COMMENT ON FUNCTION register.recompute_activity_category_codes() IS 'trigger: a new code pattern of a standard changes its codes';

-- ---------------------------------------------------------------------------------------------------------------------
-- Loading a list through a view: one statement is one load.
--
-- The BEFORE STATEMENT trigger forgets the load before. The first row of the statement begins the load: it locks the table
-- against other loads, disables what the list replaces, and draws a marker, a time that no row of the table bears. Every row
-- that the statement mentions gets the marker as its updated_at. So the AFTER STATEMENT trigger knows exactly which rows were
-- not mentioned, and a statement without rows does nothing at all.
-- ---------------------------------------------------------------------------------------------------------------------

-- The marker of the running load of a view. disable: none, system (shipped rows), all.
CREATE OR REPLACE FUNCTION register.code_list_load_marker(load_view oid, base_table regclass, disable text DEFAULT 'none')
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $code_list_load_marker$
DECLARE
    v_setting CONSTANT text := 'statbus_load.v' || load_view::text;
    v_marker timestamptz := nullif(current_setting(v_setting, true), '')::timestamptz;
    v_constraints text;
BEGIN
    IF v_marker IS NOT NULL THEN
        RETURN v_marker;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', base_table);
    EXECUTE format('SELECT greatest(clock_timestamp(), max(t.updated_at) + interval ''1 microsecond'') FROM %s AS t', base_table)
        INTO v_marker;
    PERFORM set_config(v_setting, to_jsonb(v_marker) #>> '{}', true);

    -- A row may be disabled now and enabled again by a later row of the same statement.
    v_constraints := register.code_list_deferrable_keys(base_table);
    IF v_constraints IS NOT NULL THEN
        EXECUTE 'SET CONSTRAINTS ' || v_constraints || ' DEFERRED';
    END IF;
    IF disable IN ('all', 'system') THEN
        EXECUTE format('UPDATE %s AS t SET enabled = false WHERE t.enabled', base_table)
            || CASE disable WHEN 'system' THEN ' AND NOT t.custom' ELSE '' END;
    END IF;
    RETURN v_marker;
END
$code_list_load_marker$;
REVOKE ALL ON FUNCTION register.code_list_load_marker(oid, regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.code_list_load_marker(oid, regclass, text) TO PUBLIC;
COMMENT ON FUNCTION register.code_list_load_marker(oid, regclass, text) IS 'internal: begins or continues the load of a code list';

-- The foreign keys to a table that can wait for the end of a load, as SET CONSTRAINTS wants them; NULL when there is none.
CREATE OR REPLACE FUNCTION register.code_list_deferrable_keys(base_table regclass)
RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $code_list_deferrable_keys$
    SELECT string_agg(format('%I.%I', n.nspname, c.conname), ', ' ORDER BY c.conname)
    FROM pg_constraint AS c
    JOIN pg_namespace AS n ON n.oid = c.connamespace
    WHERE c.contype = 'f' AND c.confrelid = base_table AND c.condeferrable AND NOT c.condeferred
$code_list_deferrable_keys$;
REVOKE ALL ON FUNCTION register.code_list_deferrable_keys(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.code_list_deferrable_keys(regclass) TO PUBLIC;
COMMENT ON FUNCTION register.code_list_deferrable_keys(regclass) IS 'internal: deferrable foreign keys to a code list';

-- BEFORE INSERT FOR EACH STATEMENT on a view.
CREATE OR REPLACE FUNCTION register.code_list_begin()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $code_list_begin$
BEGIN
    PERFORM set_config('statbus_load.v' || TG_RELID::text, '', true);
    RETURN NULL;
END
$code_list_begin$;
REVOKE ALL ON FUNCTION register.code_list_begin() FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_begin() IS 'trigger: a statement on the view of a code list begins';

-- AFTER INSERT FOR EACH STATEMENT on a view. Arguments: the table, and what makes a row stale when the statement did not
-- mention it (a condition on t; empty: nothing is ever stale). A stale row goes when nothing refers to it, else it is disabled.
CREATE OR REPLACE FUNCTION register.code_list_finish()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $code_list_finish$
DECLARE
    v_base CONSTANT regclass := TG_ARGV[0]::regclass;
    v_marker CONSTANT timestamptz := nullif(current_setting('statbus_load.v' || TG_RELID::text, true), '')::timestamptz;
    v_constraints CONSTANT text := register.code_list_deferrable_keys(v_base);
    v_unused text;
    v_count bigint;
BEGIN
    IF v_marker IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_ARGV[1] <> '' THEN
        -- Not left to the foreign keys: some of them cascade.
        SELECT coalesce(string_agg(format(' AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%I = t.id)', c.conrelid::regclass, a.attname), ''), '')
        INTO v_unused
        FROM pg_constraint AS c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (attnum, referenced_attnum)
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
        JOIN pg_attribute AS f ON f.attrelid = c.confrelid AND f.attnum = k.referenced_attnum
        WHERE c.contype = 'f' AND c.confrelid = v_base AND f.attname = 'id';
        -- Leaves first: a parent can go when its children are gone.
        LOOP
            EXECUTE format('DELETE FROM %s AS t WHERE t.updated_at <> $1 AND (%s)%s', v_base, TG_ARGV[1], v_unused) USING v_marker;
            GET DIAGNOSTICS v_count = ROW_COUNT;
            EXIT WHEN v_count = 0;
        END LOOP;
        EXECUTE format('UPDATE %s AS t SET enabled = false WHERE t.enabled AND t.updated_at <> $1 AND (%s)', v_base, TG_ARGV[1])
            USING v_marker;
    END IF;
    IF v_constraints IS NOT NULL THEN
        EXECUTE 'SET CONSTRAINTS ' || v_constraints || ' IMMEDIATE';
    END IF;
    PERFORM set_config('statbus_load.v' || TG_RELID::text, '', true);
    RETURN NULL;
END
$code_list_finish$;
REVOKE ALL ON FUNCTION register.code_list_finish() FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_finish() IS 'trigger: a statement on the view of a code list ends; rows it did not mention are retired';

-- INSTEAD OF INSERT FOR EACH ROW on <list>_system, <list>_custom and <list>_custom_only.
-- Arguments: the table; its key column, path or code; whether the key alone is unique (then a row changes hands between
-- system and custom) or the list keeps one row of each; custom; what the load disables first.
-- A column that is NULL keeps its value, or gets its default in a new row.
CREATE OR REPLACE FUNCTION register.code_list_upsert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $code_list_upsert$
DECLARE
    v_base CONSTANT regclass := TG_ARGV[0]::regclass;
    v_key CONSTANT text := TG_ARGV[1];
    v_key_is_unique CONSTANT boolean := TG_ARGV[2]::boolean;
    v_custom CONSTANT boolean := TG_ARGV[3]::boolean;
    v_disable CONSTANT text := TG_ARGV[4];
    v_row CONSTANT jsonb := jsonb_strip_nulls(to_jsonb(NEW));
    v_key_value CONSTANT text := CASE v_key WHEN 'code' THEN 'btrim(($1).code)' ELSE '($1).path' END;
    v_marker timestamptz;
    v_columns text;
    v_values text;
    v_id integer;
    v_path ltree;
    v_parent_fits boolean;
BEGIN
    IF NOT v_row ? v_key THEN
        RAISE EXCEPTION 'column "%" of view "%" is missing', v_key, TG_TABLE_NAME
            USING ERRCODE = 'not_null_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = v_key;
    END IF;
    v_marker := register.code_list_load_marker(TG_RELID, v_base, v_disable);

    IF v_key = 'path' THEN
        v_path := (v_row ->> 'path')::ltree;
        IF nlevel(v_path) > 1 THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS p WHERE p.path = subpath($1, 0, -1) AND p.enabled AND (p.custom OR NOT $2))', v_base)
                INTO v_parent_fits USING v_path, v_custom;
            IF NOT v_parent_fits THEN
                RAISE EXCEPTION 'parent "%" of "%" does not exist or is not enabled', subpath(v_path, 0, -1), v_path
                    USING ERRCODE = 'foreign_key_violation',
                        HINT = CASE WHEN v_custom THEN 'load a parent before its children; the parent of a custom row is a custom row in use'
                            ELSE 'load a parent before its children' END,
                        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
            END IF;
        END IF;
    END IF;

    EXECUTE format('SELECT t.id FROM %s AS t WHERE t.%I = %s', v_base, v_key, v_key_value)
        || CASE WHEN v_key_is_unique THEN '' ELSE ' AND t.custom = $2' END
        || ' ORDER BY t.enabled DESC, t.id DESC LIMIT 1'
        INTO v_id USING NEW, v_custom;
    EXECUTE format('UPDATE %s AS t SET enabled = false WHERE t.enabled AND t.%I = %s AND t.id IS DISTINCT FROM $2', v_base, v_key, v_key_value)
        USING NEW, v_id;

    SELECT string_agg(quote_ident(k), ', ' ORDER BY k),
        string_agg(CASE k WHEN v_key THEN v_key_value ELSE '($1).' || quote_ident(k) END, ', ' ORDER BY k)
    INTO v_columns, v_values
    FROM jsonb_object_keys(v_row) AS k;
    IF v_id IS NULL THEN
        EXECUTE format('INSERT INTO %s (%s, custom, enabled, updated_at) SELECT %s, $2, true, $3', v_base, v_columns, v_values)
            USING NEW, v_custom, v_marker;
    ELSE
        EXECUTE format('UPDATE %s AS t SET (%s, custom, enabled, updated_at) = ROW(%s, $2, true, $3) WHERE t.id = $4', v_base, v_columns, v_values)
            USING NEW, v_custom, v_marker, v_id;
    END IF;
    RETURN NEW;
END
$code_list_upsert$;
REVOKE ALL ON FUNCTION register.code_list_upsert() FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_upsert() IS 'trigger: inserts or updates the row of a code list';

-- The settings of the register, or an error that says how to make them.
CREATE OR REPLACE FUNCTION register.required_setting(setting_name text)
RETURNS integer
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $required_setting$
DECLARE
    v_value integer;
BEGIN
    SELECT (to_jsonb(s) ->> setting_name)::integer INTO v_value FROM register.settings AS s;
    IF v_value IS NULL THEN
        RAISE EXCEPTION 'setting "%" is missing', setting_name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'insert one row into settings: activity_category_standard_id, country_id, region_version_id';
    END IF;
    RETURN v_value;
END
$required_setting$;
REVOKE ALL ON FUNCTION register.required_setting(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.required_setting(text) TO PUBLIC;
COMMENT ON FUNCTION register.required_setting(text) IS 'value of a column of the settings; an error when there are no settings';

-- INSTEAD OF INSERT FOR EACH ROW on activity_category_enabled and activity_category_enabled_custom: the office's own text for
-- a path of the chosen standard, or its own path. The shipped row of the path is disabled, its children follow.
CREATE OR REPLACE FUNCTION register.activity_category_upsert_custom()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $activity_category_upsert_custom$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.activity_category'::regclass);
    v_standard_code CONSTANT text := to_jsonb(NEW) ->> 'standard_code';
    v_standard_id integer;
    v_id integer;
BEGIN
    IF NEW.path IS NULL THEN
        RAISE EXCEPTION 'column "path" of view "%" is missing', TG_TABLE_NAME
            USING ERRCODE = 'not_null_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;
    IF v_standard_code IS NULL THEN
        v_standard_id := register.required_setting('activity_category_standard_id');
    ELSE
        SELECT s.id INTO v_standard_id FROM register.activity_category_standard AS s WHERE s.code = v_standard_code AND s.enabled;
        IF v_standard_id IS NULL THEN
            RAISE EXCEPTION 'activity category standard "%" does not exist or is not enabled', v_standard_code
                USING ERRCODE = 'foreign_key_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'standard_code';
        END IF;
    END IF;
    IF nlevel(NEW.path) > 1 AND NOT EXISTS (
        SELECT FROM register.activity_category AS p
        WHERE p.standard_id = v_standard_id AND p.path = subpath(NEW.path, 0, -1) AND p.enabled
    ) THEN
        RAISE EXCEPTION 'parent "%" of activity category "%" does not exist or is not enabled', subpath(NEW.path, 0, -1), NEW.path
            USING ERRCODE = 'foreign_key_violation', HINT = 'load a parent before its children',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;

    SELECT c.id INTO v_id
    FROM register.activity_category AS c
    WHERE c.standard_id = v_standard_id AND c.path = NEW.path AND c.custom
    ORDER BY c.enabled DESC LIMIT 1;
    -- One statement, because the enabled and the disabled row of the path may change places.
    UPDATE register.activity_category AS c
    SET enabled = (c.id IS NOT DISTINCT FROM v_id)
    WHERE c.standard_id = v_standard_id AND c.path = NEW.path AND c.enabled IS DISTINCT FROM (c.id IS NOT DISTINCT FROM v_id);
    IF v_id IS NULL THEN
        INSERT INTO register.activity_category (standard_id, path, name, description, enabled, custom, updated_at)
        VALUES (v_standard_id, NEW.path, NEW.name, NEW.description, true, true, v_marker)
        RETURNING id INTO v_id;
    ELSE
        UPDATE register.activity_category AS c
        SET name = coalesce(NEW.name, c.name), description = coalesce(NEW.description, c.description), updated_at = v_marker
        WHERE c.id = v_id;
    END IF;
    UPDATE register.activity_category AS c
    SET parent_id = v_id
    WHERE c.standard_id = v_standard_id AND c.path <@ NEW.path AND c.parent_path = NEW.path AND c.parent_id <> v_id;
    -- A code leads to one category: a shipped one with this code elsewhere in the tree (the office moved it) is no longer used.
    UPDATE register.activity_category AS c
    SET enabled = false
    FROM register.activity_category AS o
    WHERE o.id = v_id AND c.standard_id = o.standard_id AND c.code = o.code AND c.path <> o.path AND c.enabled AND NOT c.custom
        AND NOT EXISTS (
            SELECT FROM register.activity_category AS d
            WHERE d.standard_id = c.standard_id AND d.path = c.path AND NOT d.enabled
        );
    RETURN NEW;
END
$activity_category_upsert_custom$;
REVOKE ALL ON FUNCTION register.activity_category_upsert_custom() FROM PUBLIC;
COMMENT ON FUNCTION register.activity_category_upsert_custom() IS 'trigger: inserts or updates a custom activity category';

-- INSTEAD OF INSERT FOR EACH ROW on activity_category_<standard>: the text of the standard itself. The argument is its code.
-- A custom row of the same path or code stays in force.
CREATE OR REPLACE FUNCTION register.activity_category_upsert_standard()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $activity_category_upsert_standard$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.activity_category'::regclass);
    v_standard_id integer;
    v_code_pattern text;
    v_id integer;
    v_enabled boolean;
BEGIN
    IF NEW.standard IS NOT NULL AND NEW.standard <> TG_ARGV[0] THEN
        RAISE EXCEPTION 'view "%" takes rows of standard "%" only, not of "%"', TG_TABLE_NAME, TG_ARGV[0], NEW.standard
            USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'standard';
    END IF;
    IF NEW.path IS NULL THEN
        RAISE EXCEPTION 'column "path" of view "%" is missing', TG_TABLE_NAME
            USING ERRCODE = 'not_null_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;
    SELECT s.id, s.code_pattern::text INTO v_standard_id, v_code_pattern
    FROM register.activity_category_standard AS s
    WHERE s.code = TG_ARGV[0];
    IF v_standard_id IS NULL THEN
        RAISE EXCEPTION 'activity category standard "%" does not exist', TG_ARGV[0]
            USING ERRCODE = 'foreign_key_violation', HINT = 'insert it into activity_category_standard';
    END IF;
    SELECT c.id INTO v_id
    FROM register.activity_category AS c
    WHERE c.standard_id = v_standard_id AND c.path = NEW.path AND NOT c.custom
    ORDER BY c.enabled DESC LIMIT 1;
    v_enabled := NOT EXISTS (
        SELECT FROM register.activity_category AS c
        WHERE c.standard_id = v_standard_id AND c.enabled AND c.id IS DISTINCT FROM v_id
            AND (c.path = NEW.path OR c.custom AND c.code = register.activity_category_code(NEW.path, v_code_pattern))
    );
    IF v_id IS NULL THEN
        INSERT INTO register.activity_category (standard_id, path, name, description, enabled, custom, updated_at)
        VALUES (v_standard_id, NEW.path, NEW.name, NEW.description, v_enabled, false, v_marker);
    ELSE
        UPDATE register.activity_category AS c
        SET name = coalesce(NEW.name, c.name), description = coalesce(NEW.description, c.description),
            enabled = v_enabled, updated_at = v_marker
        WHERE c.id = v_id;
    END IF;
    RETURN NEW;
END
$activity_category_upsert_standard$;
REVOKE ALL ON FUNCTION register.activity_category_upsert_standard() FROM PUBLIC;
COMMENT ON FUNCTION register.activity_category_upsert_standard() IS 'trigger: inserts or updates a shipped activity category';

-- INSTEAD OF INSERT FOR EACH ROW on country_view; iso_2 is the key.
CREATE OR REPLACE FUNCTION register.country_upsert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $country_upsert$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.country'::regclass);
BEGIN
    UPDATE register.country AS c
    SET iso_3 = coalesce(NEW.iso_3, c.iso_3), iso_num = coalesce(NEW.iso_num, c.iso_num), name = coalesce(NEW.name, c.name),
        enabled = coalesce(NEW.enabled, true), custom = coalesce(NEW.custom, false), updated_at = v_marker
    WHERE c.iso_2 = NEW.iso_2;
    IF NOT FOUND THEN
        INSERT INTO register.country (iso_2, iso_3, iso_num, name, enabled, custom, updated_at)
        VALUES (NEW.iso_2, NEW.iso_3, NEW.iso_num, NEW.name, coalesce(NEW.enabled, true), coalesce(NEW.custom, false), v_marker);
    END IF;
    RETURN NEW;
END
$country_upsert$;
REVOKE ALL ON FUNCTION register.country_upsert() FROM PUBLIC;
COMMENT ON FUNCTION register.country_upsert() IS 'trigger: inserts or updates a country';

-- INSTEAD OF INSERT FOR EACH ROW on region_upload: regions of the chosen edition. Everything comes as text, as in a file; the
-- first wrong value stops the load.
CREATE OR REPLACE FUNCTION register.region_upsert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $region_upsert$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.region'::regclass);
    v_version_id CONSTANT integer := register.required_setting('region_version_id');
    v_path_text CONSTANT text := btrim(NEW.path);
    v_path ltree;
    v_column text;
    v_value text;
    v_latitude numeric;
    v_longitude numeric;
    v_altitude numeric;
BEGIN
    IF v_path_text IS NULL OR v_path_text !~ '^[[:alnum:]_]+([.][[:alnum:]_]+)*$' THEN
        RAISE EXCEPTION 'invalid path of region: "%"', coalesce(NEW.path, '')
            USING ERRCODE = 'invalid_text_representation',
                HINT = 'a path is made of labels of letters, digits and underscores with dots between them, such as 01.0301',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;
    v_path := text2ltree(v_path_text);
    FOREACH v_column IN ARRAY ARRAY['center_latitude', 'center_longitude', 'center_altitude'] LOOP
        v_value := nullif(btrim(to_jsonb(NEW) ->> v_column), '');
        IF v_value !~ '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)$' THEN
            RAISE EXCEPTION 'invalid number in column "%" of region "%": "%"', v_column, v_path, v_value
                USING ERRCODE = 'invalid_text_representation',
                    HINT = 'numbers are written with digits and a decimal point, such as 59.913',
                    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = v_column;
        END IF;
        CASE v_column
            WHEN 'center_latitude' THEN v_latitude := v_value::numeric;
            WHEN 'center_longitude' THEN v_longitude := v_value::numeric;
            ELSE v_altitude := v_value::numeric;
        END CASE;
    END LOOP;

    UPDATE register.region AS r
    SET name = coalesce(btrim(NEW.name), r.name), center_latitude = coalesce(v_latitude, r.center_latitude),
        center_longitude = coalesce(v_longitude, r.center_longitude), center_altitude = coalesce(v_altitude, r.center_altitude),
        updated_at = v_marker
    WHERE r.version_id = v_version_id AND r.path = v_path;
    IF NOT FOUND THEN
        INSERT INTO register.region (version_id, path, name, center_latitude, center_longitude, center_altitude, updated_at)
        VALUES (v_version_id, v_path, btrim(NEW.name), v_latitude, v_longitude, v_altitude, v_marker);
    END IF;
    RETURN NEW;
END
$region_upsert$;
REVOKE ALL ON FUNCTION register.region_upsert() FROM PUBLIC;
COMMENT ON FUNCTION register.region_upsert() IS 'trigger: inserts or updates a region of the chosen edition';

-- ---------------------------------------------------------------------------------------------------------------------
-- The views of a code list
-- ---------------------------------------------------------------------------------------------------------------------

-- The columns that a view shall have: those that it already has, in their order, then the wanted ones that are new, so that a
-- column added by a user joins at the end.
CREATE OR REPLACE FUNCTION register.code_list_view_columns(view_name text, wanted name[])
RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $code_list_view_columns$
    SELECT string_agg('t.' || quote_ident(w.column_name), ', ' ORDER BY a.attnum NULLS LAST, w.position)
    FROM unnest(wanted) WITH ORDINALITY AS w (column_name, position)
    LEFT JOIN pg_attribute AS a ON a.attrelid = to_regclass(view_name) AND a.attname = w.column_name AND NOT a.attisdropped
$code_list_view_columns$;
REVOKE ALL ON FUNCTION register.code_list_view_columns(text, name[]) FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_view_columns(text, name[]) IS 'internal: columns of the view of a code list, in order';

-- The views of register.<table_name> in a schema: <table>_ordered (all rows), <table>_enabled, <table>_system and <table>_custom
-- (each readable, and an INSERT or COPY into it is an upsert). Returns the names of the views. Can be repeated.
CREATE OR REPLACE FUNCTION register.generate_code_list_views(
    table_name text,
    schema_name text DEFAULT 'api',
    kinds text[] DEFAULT '{ordered,enabled,system,custom}'
)
RETURNS text[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $generate_code_list_views$
DECLARE
    v_base CONSTANT regclass := to_regclass(format('register.%I', table_name));
    v_all name[];
    v_writable name[];
    v_key text;
    v_key_is_unique boolean;
    v_order text;
    v_kind text;
    v_view text;
    v_views text[] := '{}';
BEGIN
    IF v_base IS NULL THEN
        RAISE EXCEPTION 'table "register.%" does not exist', table_name USING ERRCODE = 'undefined_table';
    END IF;
    SELECT array_agg(a.attname ORDER BY a.attnum),
        array_agg(a.attname ORDER BY array_position(ARRAY['path', 'code', 'name', 'priority', 'description']::name[], a.attname), a.attnum)
            FILTER (WHERE a.attgenerated = '' AND a.attname <> ALL (ARRAY['id', 'parent_id', 'enabled', 'custom', 'created_at', 'updated_at']::name[]))
    INTO v_all, v_writable
    FROM pg_attribute AS a
    WHERE a.attrelid = v_base AND a.attnum > 0 AND NOT a.attisdropped;
    v_key := CASE WHEN 'path' = ANY (v_all) THEN 'path' WHEN 'code' = ANY (v_all) THEN 'code' ELSE 'iso_2' END;
    v_order := CASE WHEN v_key = 'code' AND 'priority' = ANY (v_all) THEN 't.priority, t.code' ELSE 't.' || v_key END;
    v_key_is_unique := EXISTS (
        SELECT
        FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = v_base AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = v_key
    );
    IF NOT 'enabled' = ANY (v_all) OR ('custom' <> ALL (v_all) AND kinds && '{system,custom}') THEN
        RAISE EXCEPTION 'table "register.%" is not a code list', table_name
            USING ERRCODE = 'wrong_object_type', DETAIL = 'a code list has the columns enabled and custom';
    END IF;

    FOREACH v_kind IN ARRAY kinds LOOP
        IF v_kind <> ALL (ARRAY['ordered', 'enabled', 'system', 'custom']) THEN
            RAISE EXCEPTION 'kind of view "%" does not exist', v_kind
                USING ERRCODE = 'invalid_parameter_value', HINT = 'kinds are ordered, enabled, system and custom';
        END IF;
        v_view := format('%I.%I', schema_name, table_name || '_' || v_kind);
        EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = on) AS SELECT %s FROM %s AS t%s ORDER BY %s',
            v_view,
            register.code_list_view_columns(v_view, CASE WHEN v_kind IN ('ordered', 'enabled') THEN v_all ELSE v_writable END),
            v_base,
            CASE v_kind WHEN 'ordered' THEN '' WHEN 'enabled' THEN ' WHERE t.enabled'
                WHEN 'system' THEN ' WHERE t.enabled AND NOT t.custom' ELSE ' WHERE t.enabled AND t.custom' END,
            v_order);
        EXECUTE format('COMMENT ON VIEW %s IS %L', v_view,
            table_name || CASE v_kind
                WHEN 'ordered' THEN ': all rows, in order'
                WHEN 'enabled' THEN ': the rows in use, in order'
                WHEN 'system' THEN ': the shipped rows in use; an insert adds or updates one'
                ELSE ': the rows of the office; an insert replaces the list by the rows of the statement' END);
        IF v_kind IN ('system', 'custom') THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin()', v_view);
            EXECUTE format('CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON %s FOR EACH ROW EXECUTE FUNCTION register.code_list_upsert(%L, %L, %L, %L, %L)',
                v_view, format('register.%I', table_name), v_key, v_key_is_unique::text, (v_kind = 'custom')::text, CASE v_kind WHEN 'custom' THEN 'all' ELSE 'none' END);
            EXECUTE format('CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish(%L, %L)',
                v_view, format('register.%I', table_name), '');
        END IF;
        v_views := v_views || v_view;
    END LOOP;
    RETURN v_views;
END
$generate_code_list_views$;
REVOKE ALL ON FUNCTION register.generate_code_list_views(text, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION register.generate_code_list_views(text, text, text[]) IS
    'makes the views _ordered, _enabled, _system and _custom of a code list';
