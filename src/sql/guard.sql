-- What kind of install is this?
--   new      none of the five data schemas exists: build everything
--   code     all five exist and are empty (pg_dump makes schemas before the extension), or hold the
--            tables of a register whose extension was dropped: code only
--   refused  anything else
-- The answer is left in statbus_install.mode for footer.sql.
DO $guard$
DECLARE
    data_schemas CONSTANT name[] := ARRAY['register', 'auth', 'import', 'worker', 'api'];
    present name[];
    required record;
    stranger record;
    mode text;
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'statbus needs a database with encoding UTF8, this one has %', current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;

    -- Functions name these schemas in their search_path: whoever may create there could capture a name.
    FOR required IN
        SELECT DISTINCT n.nspname
        FROM pg_catalog.pg_extension AS s
        JOIN pg_catalog.pg_depend AS e
            ON e.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.objid = s.oid
            AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
        WHERE s.extname = 'statbus'
        AND pg_catalog.has_schema_privilege('public', n.oid, 'CREATE')
    LOOP
        RAISE EXCEPTION 'schema "%" holds an extension that statbus needs, and PUBLIC may create objects in it', required.nspname
            USING ERRCODE = 'insufficient_privilege',
                  HINT = pg_catalog.format('Run REVOKE CREATE ON SCHEMA %I FROM PUBLIC.', required.nspname);
    END LOOP;

    -- The owner of such a schema could as well; he owns the database, so he is told and not refused.
    FOR required IN
        SELECT DISTINCT n.nspname, r.rolname
        FROM pg_catalog.pg_extension AS s
        JOIN pg_catalog.pg_depend AS e
            ON e.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.objid = s.oid
            AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
        JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
        JOIN pg_catalog.pg_roles AS r
            ON NOT r.rolsuper
            AND r.oid = CASE WHEN n.nspowner = 'pg_database_owner'::pg_catalog.regrole THEN d.datdba ELSE n.nspowner END
        WHERE s.extname = 'statbus'
    LOOP
        RAISE WARNING 'role "%" may create objects in schema "%", which holds an extension that statbus needs', required.rolname, required.nspname
            USING DETAIL = 'Functions that superusers run look names up there.',
                  HINT = 'Install the extensions that statbus needs in a schema that a superuser owns.';
    END LOOP;

    SELECT pg_catalog.array_agg(n.nspname ORDER BY n.nspname) INTO present
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = ANY (data_schemas);

    IF present IS NULL THEN
        mode := 'new';
    ELSIF pg_catalog.cardinality(present) < pg_catalog.cardinality(data_schemas) THEN
        RAISE EXCEPTION 'schema "%" already exists', present[1]
            USING ERRCODE = 'duplicate_schema',
                  DETAIL = pg_catalog.format('statbus makes the schemas %s itself; of these, %s exist.',
                           pg_catalog.array_to_string(data_schemas, ', '), pg_catalog.array_to_string(present, ', ')),
                  HINT = 'Rename the schema, or restore all schemas of the register from one dump.';
    ELSE
        mode := 'code';
        IF pg_catalog.to_regclass('register.migration') IS NULL THEN
            SELECT n.nspname, c.relname INTO stranger
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY (data_schemas)
            ORDER BY 1, 2
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'schema "%" already exists and holds relation "%", which is not part of a register', stranger.nspname, stranger.relname
                    USING ERRCODE = 'duplicate_schema',
                          HINT = 'Rename the schema, or drop what is in it.';
            END IF;
        END IF;
        -- The server mutes notices of install scripts; this one must be heard.
        PERFORM pg_catalog.set_config('client_min_messages', 'notice', true);
        RAISE NOTICE 'statbus: tables are expected from a dump; otherwise run CALL statbus.migrate()';
        PERFORM pg_catalog.set_config('client_min_messages', 'warning', true);
    END IF;
    SELECT pg_catalog.pg_describe_object(d.classid, d.objid, 0) AS name INTO stranger
    FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid = pg_catalog.to_regnamespace('temporal')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'schema "temporal" already exists and holds %', stranger.name
            USING ERRCODE = 'duplicate_schema',
                  HINT = 'Rename the schema, or drop what is in it.';
    END IF;
    IF EXISTS (SELECT
               FROM pg_catalog.pg_namespace AS n
               JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
               WHERE n.nspname = ANY (data_schemas || 'temporal'::name) AND NOT r.rolsuper) THEN
        RAISE EXCEPTION 'a schema of statbus belongs to a role that is not a superuser'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = pg_catalog.format('The schemas are %s and temporal.', pg_catalog.array_to_string(data_schemas, ', ')),
                  HINT = 'Give them to a superuser with ALTER SCHEMA … OWNER TO.';
    END IF;
    PERFORM pg_catalog.set_config('statbus_install.mode', mode, true);
END
$guard$;

-- The schemas belong to no extension, so that pg_dump writes them before it.  That holds for temporal as well,
-- although only code lives there: a member schema would have to follow the extension, and pg_dump would let every
-- schema whose name sorts after it follow too.
CREATE FUNCTION statbus.execute_unowned(sql text)
RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_execute_unowned';

DO $schemas$
BEGIN
    IF pg_catalog.current_setting('statbus_install.mode') = 'new' THEN
        PERFORM statbus.execute_unowned($sql$
            CREATE SCHEMA register;
            COMMENT ON SCHEMA register IS 'The register: units, code lists and what is derived from them';
            CREATE SCHEMA auth;
            COMMENT ON SCHEMA auth IS 'Users, sessions, keys and rights';
            CREATE SCHEMA import;
            COMMENT ON SCHEMA import IS 'Import definitions, jobs, findings and the tables of each job';
            CREATE SCHEMA worker;
            COMMENT ON SCHEMA worker IS 'Task queue';
            CREATE SCHEMA api;
            COMMENT ON SCHEMA api IS 'Statistical business register';
        $sql$);
    END IF;
    IF pg_catalog.to_regnamespace('temporal') IS NULL THEN
        PERFORM statbus.execute_unowned($sql$
            CREATE SCHEMA temporal;
            COMMENT ON SCHEMA temporal IS 'Interval algebra, temporal keys and temporal merge, for any table';
            GRANT USAGE ON SCHEMA statbus, temporal TO PUBLIC;
        $sql$);
    END IF;
END
$schemas$;
