-- temporal.merge: a set of rows, each valid during a period, becomes part of a temporal table.
--
-- Per call: (1) find the target's slices of the entities that the source mentions and lock them; (2) one SELECT plans: it identifies
-- the source rows, cuts each entity's time at every bound, works out each segment's columns, joins equal neighbours and compares
-- with what is there; (3) one statement with DELETE, UPDATE and INSERT applies, so that keys are checked on the end state.
--
-- A bound is represented by a range too, the "cut" of everything before it: `empty` before an unbounded start, (,b) before b,
-- (,) after an unbounded end. Cuts of one range type are ordered and hashed by that type's own operators, whatever the type.

-- The first value that is not NULL, in input order. A strict transition function makes the first one the state for nothing.
CREATE OR REPLACE FUNCTION temporal.keep_first(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $keep_first$ SELECT state $keep_first$;
REVOKE ALL ON FUNCTION temporal.keep_first(anyelement, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.keep_first(anyelement, anyelement) TO PUBLIC;
COMMENT ON FUNCTION temporal.keep_first(anyelement, anyelement) IS 'transition function of temporal.first_non_null';

CREATE OR REPLACE AGGREGATE temporal.first_non_null(anyelement) (SFUNC = temporal.keep_first, STYPE = anyelement, PARALLEL = SAFE);
REVOKE ALL ON FUNCTION temporal.first_non_null(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.first_non_null(anyelement) TO PUBLIC;
COMMENT ON AGGREGATE temporal.first_non_null(anyelement) IS 'first value that is not NULL, in input order';

-- Applies a plan: deletes and updates rows by ctid (the caller holds their locks), inserts others, in one statement, under the
-- settings of merge's caller, so that his triggers and defaults see his search_path. `texts` are the caller's search_path,
-- enable_nestloop, jit and enable_mergejoin, then the lists for INSERT, its SELECT, UPDATE, and an OVERRIDING clause. Returns the number of rows written.
CREATE OR REPLACE FUNCTION temporal.merge_apply(
    target regclass, texts text[], deleted tid[], updated tid[], new_values anyarray, inserted anyarray) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $merge_apply$
DECLARE
    pinned text := pg_catalog.current_setting('search_path');
    table_text text := (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = target);
    parts text[] := '{}';
    counts text := '';
    expected bigint := coalesce(cardinality(deleted), 0) + coalesce(cardinality(updated), 0) + coalesce(cardinality(inserted), 0);
    written bigint;
BEGIN
    IF expected = 0 THEN
        RETURN 0;
    END IF;
    IF deleted IS NOT NULL THEN
        parts := parts || format('d AS (DELETE FROM %s AS t WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1) RETURNING 1)', table_text);
        counts := counts || ' OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM d)';
    END IF;
    IF updated IS NOT NULL THEN
        parts := parts || format('u AS (UPDATE %s AS t SET %s FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS o("temporal ctid")'
            ' WHERE t.ctid OPERATOR(pg_catalog.=) o."temporal ctid" RETURNING 1)', table_text, texts[7]);
        counts := counts || ' OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM u)';
    END IF;
    IF inserted IS NOT NULL THEN
        parts := parts || format('i AS (INSERT INTO %s (%s) %s SELECT %s FROM pg_catalog.unnest($4) AS o RETURNING 1)', table_text,
            texts[5], texts[8], texts[6]);
        counts := counts || ' OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM i)';
    END IF;
    PERFORM set_config('enable_nestloop', texts[2], true), set_config('jit', texts[3], true),
        set_config('enable_mergejoin', texts[4], true), set_config('search_path', texts[1], true);
    EXECUTE pg_catalog.concat('WITH ', pg_catalog.array_to_string(parts, ', '), ' SELECT 0::pg_catalog.int8', counts)
        INTO written USING deleted, updated, new_values, inserted;
    PERFORM pg_catalog.set_config('search_path', pinned, true);
    IF written <> expected THEN
        RAISE EXCEPTION 'merge could write only % of % rows of relation %', written, expected, table_text
            USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'A row level security policy or a trigger of the target kept the others from being written.';
    END IF;
    RETURN written;
END
$merge_apply$;
REVOKE ALL ON FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray) IS 'the writing half of temporal.merge';

CREATE OR REPLACE FUNCTION temporal.merge(
    target regclass, source regclass, identity_columns name[],
    mode temporal.merge_mode DEFAULT 'MERGE_ENTITY_PATCH', natural_keys jsonb DEFAULT '[]',
    delete_mode temporal.merge_delete_mode DEFAULT 'NONE', period name DEFAULT 'valid_range',
    row_id_column name DEFAULT 'row_id', founding_id_column name DEFAULT NULL, ephemeral_columns name[] DEFAULT '{}')
RETURNS TABLE (row_id bigint, status temporal.merge_status, entity jsonb, message text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $merge$
#variable_conflict use_variable
DECLARE
    settings text[] := ARRAY[pg_catalog.current_setting('search_path'), pg_catalog.current_setting('enable_nestloop'),
        pg_catalog.current_setting('jit'), pg_catalog.current_setting('enable_mergejoin')];
    is_patch boolean := mode IN ('MERGE_ENTITY_PATCH', 'PATCH_FOR_PORTION_OF');
    is_upsert boolean := mode IN ('MERGE_ENTITY_UPSERT', 'UPDATE_FOR_PORTION_OF');
    is_portion boolean := mode IN ('UPDATE_FOR_PORTION_OF', 'PATCH_FOR_PORTION_OF', 'REPLACE_FOR_PORTION_OF', 'DELETE_FOR_PORTION_OF');
    is_delete boolean := mode = 'DELETE_FOR_PORTION_OF';
    drops_timeline boolean := delete_mode IN ('DELETE_MISSING_TIMELINE', 'DELETE_MISSING_TIMELINE_AND_ENTITIES');
    drops_entities boolean := delete_mode IN ('DELETE_MISSING_ENTITIES', 'DELETE_MISSING_TIMELINE_AND_ENTITIES');
    identity name[] := identity_columns;
    key_sets jsonb := coalesce(natural_keys, '[]');
    span record;
    range_name text;
    discrete boolean;
    low text;
    high text;
    col record;
    value_text text;
    default_text text;
    keeps_default boolean;
    -- pieces of generated text
    source_ids text := '';  target_ids text := '';  source_values text := '';  target_values text := '';
    final_values text := '';  solo_values text := '';  fold_values text := '';  row_values text := '';
    payload_wide text := '';  payload_target text := '';  insert_list text := '';  select_list text := '';  update_list text := '';  overriding text := '';
    id_names text := '';  id_defaults text := '';  id_missing text := '';  entity_text text := '';  key_fill text := '';  carried text := '';  wide_names text := '';
    outcome_text text;
    equal_ids text; id_join text;
    period_raw text; period_error text; has_range boolean; has_from boolean; has_until boolean; has_to boolean;
    candidates text := '';  complete text := '';  labels text := '';  label_steps text := '';  label_text text;  lookup text := '';
    key_set jsonb; j integer := 0; parts record;
    query text; lock_query text; find_query text; found_tids tid[];
    target_name text; source_name text;
    existing bigint; attempt integer := 0;
    row_ids bigint[]; statuses text[]; entities jsonb[]; messages text[]; written bigint;
    for_new boolean;
BEGIN
    -- names in the generated text are the catalogue's; the schemas of ltree and citext hold the operators of their types
    PERFORM pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', (
        SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(n.nspname), ', ')
        FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
        WHERE e.extname OPERATOR(pg_catalog.=) ANY ('{ltree,citext}'::pg_catalog.name[])), 'pg_temp'), true);
    IF target IS NULL OR source IS NULL OR mode IS NULL OR delete_mode IS NULL OR period IS NULL OR row_id_column IS NULL THEN
        RAISE EXCEPTION 'target, source, mode, delete_mode, period and row_id_column must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF delete_mode <> 'NONE' AND (is_portion OR mode = 'INSERT_NEW_ENTITIES') THEN
        RAISE EXCEPTION 'delete mode % cannot be used with mode %', delete_mode, mode USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(key_sets) <> 'array' OR jsonb_path_exists(key_sets, 'strict $[*] ? (@.type() != "array")') THEN
        RAISE EXCEPTION 'natural_keys must be an array of arrays of column names' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF coalesce(cardinality(identity), 0) = 0 THEN
        identity := (SELECT array_agg(n::name ORDER BY o) FROM jsonb_array_elements_text(key_sets -> 0) WITH ORDINALITY AS e(n, o));
        IF coalesce(cardinality(identity), 0) = 0 THEN
            RAISE EXCEPTION 'merge needs identity_columns or natural_keys' USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    IF (SELECT c.relkind FROM pg_class AS c WHERE c.oid = target) <> 'r' THEN
        RAISE EXCEPTION 'relation % is not an ordinary table', target USING ERRCODE = 'wrong_object_type';
    END IF;
    PERFORM temporal.column_numbers(target, identity || coalesce(ephemeral_columns, '{}')
        || (SELECT coalesce(array_agg(c::name), '{}') FROM jsonb_array_elements(key_sets) AS k(v), jsonb_array_elements_text(k.v) AS c));
    SELECT format('%I.%I', n.nspname, c.relname) INTO target_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = target;
    SELECT format('%I.%I', n.nspname, c.relname) INTO source_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = source;
    span := temporal.period_of(target, period);
    SELECT format('%I.%I', n.nspname, t.typname), r.rngcanonical <> 0 INTO range_name, discrete
    FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace JOIN pg_range AS r ON r.rngtypid = t.oid
    WHERE t.oid = span.range_type;
    low := CASE WHEN discrete
        THEN format('CASE WHEN lower_inf(%%1$s) THEN ''empty''::%1$s ELSE %1$s(NULL, lower(%%1$s)) END', range_name)
        ELSE format('CASE WHEN lower_inf(%%1$s) THEN ''empty''::%1$s ELSE %1$s(NULL, lower(%%1$s), CASE WHEN lower_inc(%%1$s) THEN ''()'' ELSE ''(]'' END) END', range_name) END;
    high := CASE WHEN discrete THEN format('%1$s(NULL, upper(%%1$s))', range_name)
        ELSE format('%1$s(NULL, upper(%%1$s), CASE WHEN upper_inc(%%1$s) THEN ''(]'' ELSE ''()'' END)', range_name) END;

    -- the target's columns, each with what the mode makes of it
    FOR col IN
        SELECT a.attnum, a.attname, a.attgenerated <> '' AS is_generated, a.attidentity, a.attnotnull, a.atttypid, a.atttypmod,
            format_type(a.atttypid, a.atttypmod) AS type_text, array_position(identity, a.attname) AS id_position,
            a.attname = ANY (coalesce(ephemeral_columns, '{}')) AS is_ephemeral,
            CASE WHEN a.attname = period OR a.attname IN (span.from_column, span.until_column) THEN true ELSE false END AS is_period,
            CASE WHEN a.attidentity <> '' THEN format('nextval(%L::regclass)', pg_get_serial_sequence(target::text, a.attname))
                WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default_text,
            s.attnum IS NOT NULL AS in_source, s.atttypid AS source_type, s.atttypmod AS source_typmod,
            NOT EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
                WHERE o.opcdefault AND (o.opcintype = b.base OR EXISTS (
                    SELECT FROM pg_cast AS c WHERE c.castsource = b.base AND c.casttarget = o.opcintype AND c.castmethod = 'b' AND c.castcontext = 'i')))
                AND b.typtype NOT IN ('e', 'r', 'm') AND b.typcategory <> 'A' OR b.typname = 'citext' AS by_text,
            b.base, EXISTS (
                SELECT FROM jsonb_array_elements(key_sets) AS k(v), jsonb_array_elements_text(k.v) AS kc(n) WHERE kc.n = a.attname) AS is_natural
        FROM pg_attribute AS a
        JOIN LATERAL (
            SELECT bt.oid AS base, bt.typtype, bt.typcategory, bt.typname
            FROM pg_type AS ty JOIN pg_type AS bt ON bt.oid = coalesce(nullif(ty.typbasetype, 0), ty.oid) WHERE ty.oid = a.atttypid) AS b ON true
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_attribute AS s ON s.attrelid = source AND s.attname = a.attname AND s.attnum > 0 AND NOT s.attisdropped
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    LOOP
        IF col.is_period THEN
            IF NOT col.is_generated THEN
                insert_list := insert_list || format(', %I', col.attname);
                select_list := select_list || format(', o.%I', col.attname);
                update_list := update_list || format(', %1$I = o.%1$I', col.attname);
                row_values := row_values || CASE WHEN col.attname = span.from_column THEN ', lower(x.rng)'
                    WHEN col.attname = span.until_column THEN ', upper(x.rng)' ELSE ', x.rng' END;
            ELSE
                row_values := row_values || format(', NULL::%s', col.type_text);
            END IF;
            CONTINUE;
        END IF;
        value_text := CASE
            WHEN NOT col.in_source THEN format('NULL::%s', col.type_text)
            WHEN col.source_type = col.atttypid AND col.source_typmod = col.atttypmod THEN format('s.%I', col.attname)
            WHEN col.atttypmod > 0 AND col.atttypid = 'varchar'::regtype
                THEN format('pg_catalog."varchar"(s.%I::varchar, %s, false)', col.attname, col.atttypmod)
            WHEN col.atttypmod > 0 AND col.atttypid = 'bpchar'::regtype
                THEN format('pg_catalog.bpchar(s.%I::bpchar, %s, false)', col.attname, col.atttypmod)
            ELSE format('s.%I::%s', col.attname, col.type_text) END;
        IF col.id_position IS NOT NULL THEN
            source_ids := source_ids || format(', %s AS i%s', value_text, col.id_position);
            target_ids := target_ids || format(', t.%I AS i%s', col.attname, col.id_position);
            row_values := row_values || format(', n.e%s', col.id_position);
            insert_list := insert_list || format(', %I', col.attname);
            select_list := select_list || format(', o.%I', col.attname);
            IF col.attidentity = 'a' THEN
                overriding := 'OVERRIDING SYSTEM VALUE';
            END IF;
            id_defaults := id_defaults || format(', %s AS e%s',
                CASE WHEN col.default_text IS NULL THEN 'g.i' || col.id_position
                    ELSE format('CASE WHEN g.i%1$s IS NULL THEN %2$s ELSE g.i%1$s END', col.id_position, col.default_text) END, col.id_position);
            IF col.default_text IS NULL THEN
                id_missing := id_missing || format(' WHEN NOT q.known AND q.i%s IS NULL THEN %L', col.id_position,
                    format('identity column "%s" is NULL and has no default', col.attname));
            END IF;
            entity_text := entity_text || format(', %s, %%1$s.%%2$s%s', replace(quote_literal(col.attname), '%', '%%'), col.id_position);
        END IF;
        IF col.is_generated OR col.attidentity = 'a' AND col.id_position IS NULL THEN
            row_values := row_values || format(', NULL::%s', col.type_text);
            CONTINUE;
        END IF;
        -- natural key columns are wanted by number too, even where they identify
        source_values := source_values || format(', %s AS c%s', value_text, col.attnum);
        target_values := target_values || format(', t.%I AS c%s', col.attname, col.attnum);
        carried := carried || format(', c%s', col.attnum);
        key_fill := key_fill || CASE WHEN col.is_natural AND col.id_position IS NULL
            THEN format(', CASE WHEN c%1$s IS NULL AND known_ent IS NULL THEN temporal.first_non_null(c%1$s) OVER natural_key ELSE c%1$s END AS c%1$s', col.attnum)
            ELSE format(', c%s', col.attnum) END;
        IF col.id_position IS NOT NULL THEN
            CONTINUE;
        END IF;
        keeps_default := col.attnotnull OR col.default_text IS NOT NULL;
        default_text := coalesce(col.default_text, 'NULL');
        -- the value of a segment: source rows over target
        IF is_delete OR NOT col.in_source AND (is_patch OR is_upsert) THEN
            value_text := format('t.c%s', col.attnum);
        ELSIF is_patch OR is_upsert AND keeps_default THEN
            value_text := format('coalesce(s.c%1$s, f.c%1$s, t.c%1$s)', col.attnum);
            fold_values := fold_values || format(', temporal.first_non_null(c%1$s) AS c%1$s', col.attnum);
        ELSIF is_upsert THEN
            value_text := format('CASE WHEN g.top IS NOT NULL THEN s.c%1$s ELSE t.c%1$s END', col.attnum);
        ELSIF NOT col.in_source THEN
            value_text := format('CASE WHEN g.top IS NOT NULL THEN %2$s ELSE t.c%1$s END', col.attnum, default_text);
        ELSIF col.attnotnull THEN
            value_text := format('CASE WHEN g.top IS NOT NULL THEN coalesce(s.c%1$s, %2$s) ELSE t.c%1$s END', col.attnum, default_text);
        ELSE
            value_text := format('CASE WHEN g.top IS NOT NULL THEN s.c%1$s ELSE t.c%1$s END', col.attnum);
        END IF;
        IF (is_patch OR is_upsert) AND col.default_text IS NOT NULL THEN
            value_text := format('CASE WHEN g.tid IS NULL THEN coalesce(%s, %s) ELSE %1$s END', value_text, default_text);
        END IF;
        final_values := final_values || format(', %s AS c%s', value_text, col.attnum);
        wide_names := wide_names || format(', w.c%s', col.attnum);
        solo_values := solo_values || format(', %s AS c%s', CASE
            WHEN col.default_text IS NOT NULL AND NOT col.in_source THEN default_text
            WHEN col.default_text IS NOT NULL AND (is_patch OR is_upsert OR col.attnotnull) THEN format('coalesce(s.c%s, %s)', col.attnum, default_text)
            ELSE format('s.c%s', col.attnum) END, col.attnum);
        row_values := row_values || format(', x.c%s', col.attnum);
        insert_list := insert_list || format(', %I', col.attname);
        select_list := select_list || format(', o.%I', col.attname);
        IF col.in_source OR col.is_ephemeral OR NOT (is_patch OR is_upsert) THEN
            update_list := update_list || format(', %1$I = o.%1$I', col.attname);
        END IF;
        IF NOT col.is_ephemeral THEN
            payload_wide := payload_wide || format(', w.c%s%s', col.attnum, CASE WHEN col.by_text THEN '::text' ELSE '' END);
            payload_target := payload_target || format(', t.c%s%s', col.attnum, CASE WHEN col.by_text THEN '::text' ELSE '' END);
        END IF;
    END LOOP;
    insert_list := substr(insert_list, 3);
    select_list := substr(select_list, 3);
    update_list := substr(update_list, 3);
    entity_text := 'jsonb_build_object(' || substr(entity_text, 3) || ')';
    SELECT string_agg(format('%%1$s.i%1$s = %%2$s.%%3$s%1$s', n), ' AND ' ORDER BY n), string_agg(format('i%s', n), ', ' ORDER BY n)
    INTO equal_ids, id_names FROM generate_series(1, cardinality(identity)) AS n;

    -- the period of a source row: the range, or its start with either end
    SELECT bool_or(a.attname = period), bool_or(a.attname = coalesce(span.from_column, 'valid_from')),
        bool_or(a.attname = coalesce(span.until_column, 'valid_until')), bool_or(a.attname = 'valid_to') AND discrete
    INTO has_range, has_from, has_until, has_to
    FROM pg_attribute AS a WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT has_range AND NOT (has_from AND (has_until OR has_to)) THEN
        RAISE EXCEPTION 'source % has neither the period "%" nor its bounds', source, period USING ERRCODE = 'undefined_column';
    END IF;
    period_raw := format(', %s AS p_range, %s AS p_from, %s AS p_until, %s AS p_after',
        CASE WHEN has_range THEN format('s.%I::%s', period, range_name) ELSE 'NULL::' || range_name END,
        CASE WHEN has_from THEN format('s.%I::%s', coalesce(span.from_column, 'valid_from'), span.subtype) ELSE format('NULL::%s', span.subtype) END,
        CASE WHEN has_until THEN format('s.%I::%s', coalesce(span.until_column, 'valid_until'), span.subtype) ELSE format('NULL::%s', span.subtype) END,
        CASE WHEN has_to THEN format('s.valid_to::%s + 1', span.subtype) ELSE format('NULL::%s', span.subtype) END);
    period_error := 'CASE WHEN p_range IS NULL AND (p_from IS NULL OR coalesce(p_until, p_after) IS NULL) THEN ''the period is NULL'''
        ' WHEN isempty(p_range) THEN ''the period is empty'''
        ' WHEN p_until <> p_after THEN ''the period is contradictory: its end is given twice, differently'''
        ' WHEN p_range IS NULL AND p_from = coalesce(p_until, p_after) THEN ''the period is empty'''
        ' WHEN p_range IS NULL AND p_from > coalesce(p_until, p_after) THEN ''the period ends before it begins'''
        ' WHEN p_range IS NOT NULL AND (p_from IS NOT NULL AND p_from IS DISTINCT FROM lower(p_range)'
        '  OR coalesce(p_until, p_after) IS NOT NULL AND coalesce(p_until, p_after) IS DISTINCT FROM upper(p_range))'
        '  THEN ''the period is contradictory: the range and its bounds differ''';
    FOR parts IN
        SELECT a.attname, a.attname = span.from_column AS is_start FROM pg_attribute AS a
        WHERE a.attrelid = target AND a.attnotnull AND a.attname IN (span.from_column, span.until_column)
    LOOP
        period_error := period_error || format(' WHEN %s(p_range) THEN %L', CASE WHEN parts.is_start THEN 'lower_inf' ELSE 'upper_inf' END,
            format('the period is unbounded, but column "%s" of the target is NOT NULL', parts.attname));
    END LOOP;
    period_error := period_error || ' END';

    -- natural keys: look-ups in the target, and labels for new entities
    FOR key_set IN SELECT v FROM jsonb_array_elements(key_sets) WITH ORDINALITY AS k(v, o) ORDER BY o LOOP
        j := j + 1;
        SELECT string_agg(format('s.c%1$s = o.c%1$s', a.attnum), ' AND ') AS equal,
            string_agg(format('s.c%s IS NOT NULL', a.attnum), ' AND ') AS filled,
            string_agg(format('s.c%s', a.attnum), ', ') AS listed,
            string_agg(format('k.%1$I = s.%1$I::%2$s', a.attname, format_type(a.atttypid, NULL)), ' AND ') AS by_name,
            bool_and(s.attnum IS NOT NULL) AS given
        INTO parts
        FROM jsonb_array_elements_text(key_set) AS c(n)
        JOIN pg_attribute AS a ON a.attrelid = target AND a.attname = c.n
        LEFT JOIN pg_attribute AS s ON s.attrelid = source AND s.attname = c.n AND s.attnum > 0 AND NOT s.attisdropped;
        IF parts.given THEN
            lookup := lookup || format(' UNION SELECT %s FROM %s AS k JOIN %s AS s ON %s%s',
                (SELECT string_agg(format('k.%I', n), ', ' ORDER BY o) FROM unnest(identity) WITH ORDINALITY AS i(n, o)), target_name, source_name, parts.by_name,
                (SELECT ' WHERE ' || string_agg(format('s.%I IS NULL', i.n), ' OR ') FROM unnest(identity) AS i(n)
                 WHERE NOT EXISTS (SELECT FROM unnest(identity) AS m(n) WHERE NOT EXISTS (
                     SELECT FROM pg_attribute AS a WHERE a.attrelid = source AND a.attname = m.n AND a.attnum > 0 AND NOT a.attisdropped))));
        END IF;
        candidates := candidates || CASE WHEN j > 1 THEN ' UNION ' ELSE '' END || format(
            'SELECT s.rn, %1$s FROM s1 AS s JOIN t0 AS o ON %2$s WHERE NOT s.given'
            ' UNION SELECT s.rn, %1$s FROM s1 AS s JOIN s1 AS o ON %2$s WHERE NOT s.given AND o.given',
            'o.' || replace(id_names, ', ', ', o.'), parts.equal);
        complete := complete || CASE WHEN j > 1 THEN ' OR ' ELSE '' END || '(' || parts.filled || ')';
        labels := labels || format(', CASE WHEN %s THEN min(s.rn) OVER (PARTITION BY %s, (%s)) * %s + %s END AS g%s',
            parts.filled, parts.listed, parts.filled, jsonb_array_length(key_sets), j - 1, j);
    END LOOP;
    IF founding_id_column IS NOT NULL THEN
        label_text := 'CASE WHEN s.fnd IS NULL THEN s.rn ELSE min(s.rn) OVER (PARTITION BY s.fnd) END';
        label_steps := format('labelled AS (SELECT s.rn, %s AS label FROM r AS s WHERE NOT s.known AND s.err IS NULL), ', label_text);
    ELSIF j = 0 THEN
        label_steps := 'labelled AS (SELECT s.rn, s.rn AS label FROM r AS s WHERE NOT s.known AND s.err IS NULL), ';
    ELSE
        -- rows whose keys share a value are one entity, also through other rows: the smallest node that each node reaches
        label_steps := format('keyed AS MATERIALIZED (SELECT s.rn%s FROM r AS s WHERE NOT s.known AND s.err IS NULL), '
            'edge AS MATERIALIZED (SELECT DISTINCT u.a, u.b FROM keyed AS k CROSS JOIN LATERAL (SELECT coalesce(%s) AS c) AS h'
            ' CROSS JOIN LATERAL (VALUES %s) AS v(n) CROSS JOIN LATERAL (VALUES (h.c, v.n), (v.n, h.c)) AS u(a, b) WHERE v.n <> h.c), '
            'reach(a, b) AS (SELECT e.a, e.a FROM edge AS e UNION SELECT r.a, e.b FROM reach AS r JOIN edge AS e ON e.a = r.b), '
            'root AS MATERIALIZED (SELECT a, min(b) AS label FROM reach GROUP BY a), '
            'labelled AS (SELECT k.rn, coalesce(o.label, coalesce(%2$s)) / %4$s AS label FROM keyed AS k LEFT JOIN root AS o ON o.a = coalesce(%2$s)), ',
            labels, (SELECT string_agg('k.g' || n, ', ' ORDER BY n) FROM generate_series(1, j) AS n),
            (SELECT string_agg('(k.g' || n || ')', ', ' ORDER BY n) FROM generate_series(1, j) AS n), jsonb_array_length(key_sets));
    END IF;

    -- the slices in question: found and locked first
    SELECT string_agg(format('t.%I = e.i%s', n, o), ' AND ') INTO id_join FROM unnest(identity) WITH ORDINALITY AS i(n, o);
    IF (SELECT count(*) = cardinality(identity) FROM pg_attribute AS a
        WHERE a.attrelid = source AND a.attname = ANY (identity) AND a.attnum > 0 AND NOT a.attisdropped) THEN
        lookup := format(' UNION SELECT %s FROM %s AS s',
            (SELECT string_agg(format('s.%I::%s', i.n, format_type(a.atttypid, NULL)), ', ' ORDER BY i.o) FROM unnest(identity) WITH ORDINALITY AS i(n, o)
             JOIN pg_attribute AS a ON a.attrelid = target AND a.attname = i.n), source_name) || lookup;
    END IF;
    find_query := CASE
        WHEN drops_entities THEN format('SELECT t.ctid FROM %s AS t', target_name)
        WHEN lookup = '' THEN format('SELECT t.ctid FROM %s AS t WHERE false', target_name)
        ELSE format('SELECT t.ctid FROM %s AS t JOIN (%s) AS e(%s) ON %s', target_name, substr(lookup, 8), id_names, id_join) END;
    lock_query := format('SELECT count(*) FROM (%s ORDER BY %s, t.%I FOR UPDATE OF t) AS l', find_query,
        (SELECT string_agg(format('t.%I', n), ', ' ORDER BY o) FROM unnest(identity) WITH ORDINALITY AS i(n, o)), period);

    query := format('WITH RECURSIVE '
        -- source rows in order, in the target's types, with their period or what is wrong with it
        's0 AS (SELECT row_number() OVER (ORDER BY s.%1$I) AS rn, s.%1$I::bigint AS row_id, %2$s AS fnd%3$s%4$s%5$s FROM %6$s AS s), '
        's1 AS MATERIALIZED (SELECT s0.*, %7$s AS given, %8$s AS period_error FROM s0), '
        't0 AS MATERIALIZED (SELECT t.ctid AS tid, t.%9$I AS rng%10$s%11$s FROM %12$s AS t WHERE t.ctid = ANY ($1) AND NOT isempty(t.%9$I)), ',
        row_id_column, CASE WHEN founding_id_column IS NULL THEN 'NULL::integer' ELSE format('s.%I', founding_id_column) END,
        source_ids, period_raw, source_values, source_name,
        (SELECT string_agg(format('i%s IS NOT NULL', n), ' AND ') FROM generate_series(1, cardinality(identity)) AS n),
        period_error, period, target_ids, target_values, target_name);
    query := query || CASE WHEN j = 0 THEN '' ELSE format(
        'candidate AS MATERIALIZED (%s), '
        'chosen AS MATERIALIZED (SELECT c.rn, count(*) AS n, jsonb_agg(%s ORDER BY %s) AS ids, %s FROM candidate AS c GROUP BY c.rn), ',
        candidates, format(entity_text, 'c', 'i'), 'c.' || replace(id_names, ', ', ', c.'),
        (SELECT string_agg(format('(array_agg(c.i%1$s))[1] AS i%1$s', n), ', ') FROM generate_series(1, cardinality(identity)) AS n)) END;
    query := query || format(
        'r AS MATERIALIZED (SELECT q.*, CASE %1$s%2$s ELSE q.period_error END AS err FROM ('
        'SELECT s.*, %3$s, s.given OR %4$s AS known%5$s FROM s1 AS s %6$s) AS q), ',
        CASE WHEN j = 0 THEN 'WHEN false THEN NULL' ELSE 'WHEN q.n > 1 THEN ''the natural keys are ambiguous: they belong to '' || q.ids::text '
            || CASE WHEN founding_id_column IS NULL THEN 'WHEN NOT q.known AND NOT q.complete THEN ''the row cannot be identified: all keys are NULL''' ELSE '' END END,
        id_missing,
        (SELECT string_agg(CASE WHEN j = 0 THEN format('s.i%1$s AS e%1$s', n)
            ELSE format('CASE WHEN s.given THEN s.i%1$s WHEN c.n = 1 THEN c.i%1$s END AS e%1$s', n) END, ', ') FROM generate_series(1, cardinality(identity)) AS n),
        CASE WHEN j = 0 THEN 'false' ELSE 'coalesce(c.n = 1, false)' END,
        CASE WHEN j = 0 THEN '' ELSE ', c.n, c.ids, (' || complete || ') AS complete' END,
        CASE WHEN j = 0 THEN '' ELSE 'LEFT JOIN chosen AS c ON c.rn = s.rn' END)
        || label_steps || format(
        -- entities: a positive number for a known identity, a negative one for a new entity
        'ids AS MATERIALIZED (SELECT %1$s, row_number() OVER () AS ent, bool_or(u.there) AS there FROM ('
        'SELECT %2$s, true FROM t0 UNION ALL SELECT %3$s, false FROM r WHERE r.known) AS u(%1$s, there) GROUP BY %1$s), '
        'filed AS (SELECT r.*, i.ent AS known_ent, coalesce(i.ent, -l.label) AS ent, coalesce(i.there, false) AS there,'
        ' coalesce(r.p_range, CASE WHEN r.period_error IS NULL THEN %4$s(r.p_from, coalesce(r.p_until, r.p_after)) END) AS rng'
        ' FROM r LEFT JOIN ids AS i ON r.known AND %5$s LEFT JOIN labelled AS l ON l.rn = r.rn), '
        'rated AS MATERIALIZED (SELECT f.*, CASE WHEN f.err IS NOT NULL THEN ''ERROR''%6$s END AS verdict FROM filed AS f), '
        'act0 AS (SELECT rn, ent, there, known_ent, err, rng, %7$s%8$s FROM rated WHERE verdict IS NULL%9$s), '
        'act AS MATERIALIZED (SELECT a.*, %10$s AS lo, %11$s AS hi, NOT a.there AND count(*) OVER (PARTITION BY a.ent) = 1 AS solo FROM act0 AS a), ',
        replace(id_names, 'i', 'e'), id_names, replace(id_names, 'i', 'r.e'), range_name, replace(format(equal_ids, 'i', 'r', 'e'), 'i.i', 'i.e'),
        CASE WHEN mode = 'INSERT_NEW_ENTITIES' THEN ' WHEN f.there THEN ''SKIPPED_FILTERED'''
            WHEN is_portion THEN ' WHEN NOT f.there THEN ''SKIPPED_NO_TARGET''' ELSE '' END,
        id_names, CASE WHEN j = 0 THEN carried ELSE key_fill END,
        CASE WHEN j = 0 THEN '' ELSE ' WINDOW natural_key AS (PARTITION BY ent ORDER BY rn DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)' END,
        format(low, 'a.rng'), format(high, 'a.rng'));
    outcome_text := CASE WHEN is_patch THEN '' ELSE 'WHEN NOT o.top THEN ''SKIPPED_ECLIPSED'' ' END
        || CASE WHEN is_portion THEN 'WHEN NOT o.hit THEN ''SKIPPED_NO_TARGET'' ' ELSE '' END
        || CASE WHEN is_delete THEN 'ELSE ''APPLIED''' ELSE 'WHEN o.written THEN ''APPLIED'' ELSE ''SKIPPED_IDENTICAL''' END;
    query := query || format(
        'fresh AS MATERIALIZED (SELECT g.ent%1$s FROM (SELECT ent, %2$s FROM (SELECT * FROM act WHERE ent < 0 ORDER BY ent DESC, rn) AS o'
        ' GROUP BY ent ORDER BY ent DESC) AS g), '
        'named AS MATERIALIZED (SELECT ent, %3$s FROM ids UNION ALL SELECT ent, %3$s FROM fresh), '
        'tg AS MATERIALIZED (SELECT i.ent, t.*, ROW(%8$s) AS pl, %4$s AS lo, %5$s AS hi FROM t0 AS t JOIN ids AS i ON %6$s'
        ' WHERE i.ent IN (SELECT a.ent FROM act AS a)%7$s), '
        -- segments
        'ev AS MATERIALIZED (SELECT ent, rn, NULL::tid AS tid, lo, hi FROM act WHERE NOT solo UNION ALL SELECT ent, NULL, tid, lo, hi FROM tg), '
        'cuts AS MATERIALIZED (SELECT ent, cut, row_number() OVER w AS ord, lead(cut) OVER w AS nxt'
        ' FROM (SELECT ent, lo FROM ev UNION SELECT ent, hi FROM ev) AS u(ent, cut) WINDOW w AS (PARTITION BY ent ORDER BY cut)), '
        'piece AS MATERIALIZED (SELECT e.ent, e.rn, e.tid, g.ord FROM ev AS e JOIN cuts AS a ON a.ent = e.ent AND a.cut = e.lo'
        ' JOIN cuts AS b ON b.ent = e.ent AND b.cut = e.hi CROSS JOIN LATERAL generate_series(a.ord, b.ord - 1) AS g(ord)), '
        'seg AS MATERIALIZED (SELECT ent, ord, max(rn) AS top, count(rn) AS n, max(tid) AS tid FROM piece GROUP BY ent, ord), '
        'seen AS MATERIALIZED (SELECT p.rn, bool_or(p.rn = g.top) AS seen FROM piece AS p JOIN seg AS g USING (ent, ord) WHERE p.rn IS NOT NULL GROUP BY p.rn), ',
        id_defaults, (SELECT string_agg(format('temporal.first_non_null(i%1$s) AS i%1$s', n), ', ') FROM generate_series(1, cardinality(identity)) AS n),
        replace(id_names, 'i', 'e'), format(low, 't.rng'), format(high, 't.rng'), replace(format(equal_ids, 't', 'i', 'e'), 't.e', 't.i'),
        CASE WHEN drops_entities THEN ' OR i.ent NOT IN (SELECT m.ent FROM rated AS m WHERE m.ent IS NOT NULL'
            || CASE WHEN j = 0 THEN '' ELSE format(' UNION ALL SELECT i2.ent FROM candidate AS c JOIN ids AS i2 ON %s',
                replace(format(equal_ids, 'c', 'i2', 'e'), 'i2.i', 'i2.e')) END || ')' ELSE '' END, substr(payload_target, 3))
        || CASE WHEN fold_values = '' THEN '' ELSE format(
        'fold AS MATERIALIZED (SELECT ent, ord%1$s FROM (SELECT p.ord, a.* FROM piece AS p JOIN seg AS g ON g.ent = p.ent AND g.ord = p.ord AND g.n > 1'
        ' JOIN act AS a ON a.rn = p.rn%2$s ORDER BY p.ent, p.ord, p.rn DESC) AS o GROUP BY ent, ord), ',
        fold_values, CASE WHEN is_upsert THEN ' JOIN seen AS s ON s.rn = p.rn AND s.seen' ELSE '' END) END
        || format(
        'wide AS MATERIALIZED (SELECT w.*, ROW(%4$s) AS pl FROM (SELECT g.ent, g.ord, g.tid%1$s FROM seg AS g LEFT JOIN act AS s ON s.rn = g.top'
        ' LEFT JOIN tg AS t ON t.tid = g.tid%2$s%3$s) AS w), '
        -- equal neighbours become one slice
        'marked AS (SELECT ent, ord, tid, NOT coalesce(lag(ord) OVER w = ord - 1 AND lag(pl) OVER w = pl, false) AS starts'
        ' FROM wide WINDOW w AS (PARTITION BY ent ORDER BY ord)), '
        'run AS MATERIALIZED (SELECT ent, ord, tid, count(*) FILTER (WHERE starts) OVER (PARTITION BY ent ORDER BY ord) AS run FROM marked), '
        'slice AS (SELECT ent, run, min(ord) AS f, max(ord) AS l, min(ord) FILTER (WHERE tid IS NOT NULL) AS anc FROM run GROUP BY ent, run), '
        'placed AS (SELECT s.ent, s.run, s.l, b.nxt - a.cut AS rng, a.cut AS lo, g.tid FROM slice AS s JOIN cuts AS a ON a.ent = s.ent AND a.ord = s.f'
        ' JOIN cuts AS b ON b.ent = s.ent AND b.ord = s.l LEFT JOIN seg AS g ON g.ent = s.ent AND g.ord = s.anc), '
        -- the difference to the target
        'compared AS (SELECT p.ent, p.run, p.l, p.rng, p.tid, p.lo, p.lo = t.lo AS same_start,'
        ' CASE WHEN p.rng = t.rng THEN w.pl = t.pl ELSE false END AS same'
        ' FROM placed AS p JOIN wide AS w ON w.ent = p.ent AND w.ord = p.l LEFT JOIN tg AS t ON t.tid = p.tid), '
        'op AS MATERIALIZED (SELECT c.*, CASE WHEN same THEN ''K'' WHEN tid IS NOT NULL AND row_number() OVER'
        ' (PARTITION BY tid ORDER BY same_start DESC, l) = 1 THEN ''U'' ELSE ''I'' END AS op FROM compared AS c), '
        'x AS (SELECT o.op, o.ent, o.tid, o.lo, o.rng%5$s FROM op AS o JOIN wide AS w ON w.ent = o.ent AND w.ord = o.l WHERE o.op <> ''K'''
        ' UNION ALL SELECT ''I'', s.ent, NULL, s.lo, s.rng%6$s FROM act AS s WHERE s.solo), '
        'applied AS (SELECT temporal.merge_apply($2, $3,'
        ' (SELECT array_agg(t.tid) FROM tg AS t LEFT JOIN op AS o ON o.tid = t.tid AND o.op <> ''I'' WHERE o.tid IS NULL),'
        ' array_agg(x.tid) FILTER (WHERE x.op = ''U''), array_agg(x.new) FILTER (WHERE x.op = ''U''), array_agg(x.new) FILTER (WHERE x.op = ''I'')) AS n'
        ' FROM (SELECT x.op, x.tid, ROW(%7$s)::%8$s AS new FROM x JOIN named AS n ON n.ent = x.ent'
        ' ORDER BY sign(x.ent) DESC, abs(x.ent), x.lo) AS x), '
        -- what became of each source row
        'outcome AS (SELECT p.rn, bool_or(p.rn = g.top) AS top, bool_or(g.tid IS NOT NULL) AS hit, bool_or(o.op <> ''K'')%9$s AS written'
        ' FROM piece AS p JOIN seg AS g ON g.ent = p.ent AND g.ord = p.ord LEFT JOIN run AS u ON u.ent = p.ent AND u.ord = p.ord'
        ' LEFT JOIN op AS o ON o.ent = u.ent AND o.run = u.run WHERE p.rn IS NOT NULL GROUP BY p.rn) '
        'SELECT (SELECT n FROM applied), array_agg(m.row_id ORDER BY m.rn), array_agg(CASE WHEN m.verdict IS NOT NULL THEN m.verdict'
        ' WHEN o.rn IS NULL THEN ''APPLIED'' %10$s END ORDER BY m.rn),'
        ' array_agg(CASE WHEN n.ent IS NOT NULL THEN %11$s END ORDER BY m.rn), array_agg(m.err ORDER BY m.rn)'
        ' FROM rated AS m LEFT JOIN outcome AS o ON o.rn = m.rn LEFT JOIN named AS n ON n.ent = m.ent',
        final_values, CASE WHEN fold_values = '' THEN '' ELSE ' LEFT JOIN fold AS f ON f.ent = g.ent AND f.ord = g.ord' END,
        CASE WHEN is_delete THEN ' WHERE g.top IS NULL' WHEN is_portion THEN ' WHERE g.tid IS NOT NULL'
            WHEN drops_timeline THEN ' WHERE g.top IS NOT NULL' WHEN drops_entities THEN ' WHERE g.ent IN (SELECT z.ent FROM act AS z)' ELSE '' END,
        substr(payload_wide, 3),
        wide_names, solo_values, substr(row_values, 3), target_name, CASE WHEN is_patch THEN '' ELSE ' FILTER (WHERE p.rn = g.top)' END,
        outcome_text,
        format(entity_text, 'n', 'e'));
    LOOP
        attempt := attempt + 1;
        BEGIN
            EXECUTE format('SELECT array_agg(l.ctid), count(*) FROM (%s) AS l', find_query) INTO found_tids, existing;
            IF existing > 0 AND mode <> 'INSERT_NEW_ENTITIES' THEN
                EXECUTE lock_query INTO existing;
                EXECUTE format('SELECT array_agg(l.ctid) FROM (%s) AS l', find_query) INTO found_tids;
            END IF;
            -- the plan's estimates are guesses, and every join in it is on an entity or row number: hash joins only
            PERFORM set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true);
            EXECUTE query INTO written, row_ids, statuses, entities, messages
                USING coalesce(found_tids, '{}'), target, settings || ARRAY[insert_list, select_list, update_list, overriding];
            PERFORM set_config('enable_nestloop', settings[2], true), set_config('jit', settings[3], true),
                set_config('enable_mergejoin', settings[4], true);
            EXIT;
        EXCEPTION WHEN exclusion_violation OR unique_violation THEN
            -- somebody may have made the same new entity meanwhile: plan once more with what he committed
            IF attempt > 1 OR current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    RETURN QUERY SELECT u.a, u.b::temporal.merge_status, u.c, u.d FROM unnest(row_ids, statuses, entities, messages) AS u(a, b, c, d);
    PERFORM set_config('search_path', settings[1], true);
END
$merge$;
REVOKE ALL ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[])
    IS 'merges the rows of a relation into a temporal table; one result row per source row';
