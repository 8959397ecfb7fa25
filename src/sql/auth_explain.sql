-- Why may somebody do something, or not?
--
-- The server decides in this order: the grant, by table and column, to one of the roles that the user's role has; then the
-- policies of the table for these roles.  Policies ask for the user of this register.  explain() asks the same questions for
-- another user, without becoming him: auth.assume_role() has the identity functions answer for him.

-- policy_doubt(): why the answer of a policy could not be trusted when it is asked here, as a superuser; NULL when it can.
CREATE OR REPLACE FUNCTION auth.policy_doubt(policy_id oid)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $policy_doubt$
    SELECT coalesce(
        (SELECT format('it uses %s, which belongs to no superuser', pg_describe_object(d.refclassid, d.refobjid, 0))
         FROM pg_depend AS d
         LEFT JOIN pg_proc AS f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
         LEFT JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
         LEFT JOIN pg_type AS t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
         LEFT JOIN pg_class AS c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
         JOIN pg_roles AS r ON r.oid = coalesce(f.proowner, o.oprowner, t.typowner, c.relowner)
         WHERE d.classid = 'pg_policy'::regclass AND d.objid = policy_id AND NOT r.rolsuper
         ORDER BY 1 LIMIT 1),
        (SELECT 'it asks the server, not the register, who is asking'
         FROM pg_policy AS p
         WHERE p.oid = policy_id
         AND concat(pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid))
             ~ '\m(CURRENT_USER|CURRENT_ROLE|SESSION_USER|USER|current_setting|pg_has_role|has_\w+_privilege|row_security_active)\M'))
$policy_doubt$;
COMMENT ON FUNCTION auth.policy_doubt(oid) IS 'Why auth.explain() does not ask a policy; NULL when it does';
REVOKE ALL ON FUNCTION auth.policy_doubt(oid) FROM PUBLIC;

-- policies_for(): what the server asks of each row.  A change sees the row first; an update is asked about the old and the new row.
-- Where no policy is for the role, there is a line without one: that refuses.
CREATE OR REPLACE FUNCTION auth.policies_for(role_id oid, relation regclass, action text)
RETURNS TABLE (place integer, purpose text, policy_name name, is_permissive boolean, is_new_row boolean, expression text, doubt text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $policies_for$
    SELECT asked.place, asked.purpose, p.polname, coalesce(p.polpermissive, true), asked.is_new_row, p.expression, auth.policy_doubt(p.oid)
    FROM (VALUES
        (1, '{select,update,delete}'::text[], '{r,*}'::text[], 'may see', false),
        (2, '{update}', '{w,*}', 'may change', false),
        (2, '{delete}', '{d,*}', 'may delete', false),
        (3, '{update}', '{w,*}', 'may leave so', true),
        (3, '{insert}', '{a,*}', 'may add', true)) AS asked (place, actions, commands, purpose, is_new_row)
    LEFT JOIN LATERAL (
        SELECT p.oid, p.polname, p.polpermissive,
               pg_get_expr(CASE WHEN asked.is_new_row THEN coalesce(p.polwithcheck, p.polqual) ELSE p.polqual END, relation) AS expression
        FROM pg_policy AS p
        WHERE p.polrelid = relation AND p.polcmd::text = ANY (asked.commands)
        AND EXISTS (SELECT FROM unnest(p.polroles) AS r (id) WHERE r.id = 0 OR pg_has_role(role_id, r.id, 'USAGE'))
    ) AS p ON p.expression IS NOT NULL
    WHERE action = ANY (asked.actions)
    ORDER BY asked.place, p.polpermissive DESC, p.polname
$policies_for$;
COMMENT ON FUNCTION auth.policies_for(oid, regclass, text) IS 'The policies that the server asks when a role acts on a table, in its order';
REVOKE ALL ON FUNCTION auth.policies_for(oid, regclass, text) FROM PUBLIC;

-- policy_answers(): what a policy's expression says about each row with this id; without an id about any row: NULL when that
-- depends on the row.  A new row is taken to be the old one, signed by the user, as defaults and triggers do it.
CREATE OR REPLACE FUNCTION auth.policy_answers(expression text, is_new_row boolean, relation regclass, key_column name, row_id bigint, signed jsonb)
RETURNS boolean[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $policy_answers$
DECLARE
    -- Under its own name, which the expression may mention.
    table_name CONSTANT name := (SELECT c.relname FROM pg_class AS c WHERE c.oid = relation);
    answers boolean[];
BEGIN
    IF row_id IS NULL THEN
        EXECUTE format('SELECT ARRAY[(%s) IS TRUE] FROM (SELECT %s) AS %I', expression,
                       (SELECT string_agg(format('%s AS %I', s.value, s.key), ', ') FROM jsonb_each_text(signed) AS s WHERE is_new_row), table_name)
        INTO answers;
    ELSE
        EXECUTE format('SELECT array_agg((%s) IS TRUE) FROM (SELECT (jsonb_populate_record(o, $2)).* FROM %s AS o WHERE o.%I = $1 ORDER BY o.ctid) AS %I',
                       expression, relation, key_column, table_name)
        INTO answers USING row_id, CASE WHEN is_new_row THEN signed ELSE '{}' END;
    END IF;
    RETURN coalesce(answers, '{}');
EXCEPTION
    WHEN undefined_column THEN
        RETURN CASE WHEN row_id IS NULL THEN ARRAY[NULL::boolean] END;
    WHEN OTHERS THEN
        -- What went wrong may quote a row that the asker does not see.
        RETURN NULL;
END
$policy_answers$;
COMMENT ON FUNCTION auth.policy_answers(text, boolean, regclass, name, bigint, jsonb) IS
    'What an expression of a policy says about each row of an id; NULL when it fails';
REVOKE ALL ON FUNCTION auth.policy_answers(text, boolean, regclass, name, bigint, jsonb) FROM PUBLIC;

-- explain_person(): is there such a user, and is his role of the server what it should be?
CREATE OR REPLACE FUNCTION auth.explain_person(user_email text)
RETURNS TABLE (rule text, allows boolean, reason text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $explain_person$
DECLARE
    person record;
    role record;
BEGIN
    SELECT u.id, u.deleted_at, u.statbus_role::text AS statbus_role INTO person FROM auth."user" AS u WHERE u.email::text = lower(user_email);
    RETURN QUERY SELECT 'user', person.id IS NOT NULL, coalesce('id ' || person.id, 'nobody of this register has this address');
    IF person.id IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'live user', person.deleted_at IS NULL, coalesce('deleted at ' || person.deleted_at, 'not deleted');
    SELECT r.oid, r.rolsuper OR r.rolbypassrls AS rules, (SELECT g.oid FROM pg_roles AS g WHERE g.rolname = person.statbus_role) AS group_id
    INTO role FROM pg_roles AS r WHERE r.rolname = lower(user_email);
    RETURN QUERY SELECT 'role of the server', role.oid IS NOT NULL, CASE
        WHEN role.oid IS NULL THEN 'the server has no role of this name: a superuser makes it with auth.sync_roles()'
        WHEN role.rules THEN 'it rules the server: no policy is asked'
        ELSE 'role ' || quote_ident(lower(user_email)) END;
    RETURN QUERY SELECT 'statbus_role', coalesce(pg_has_role(role.oid, role.group_id, 'USAGE'), false),
        person.statbus_role || CASE WHEN coalesce(pg_has_role(role.oid, role.group_id, 'USAGE'), false) THEN ''
            ELSE ', but his role of the server has no part in that of this name: a superuser mends it with auth.sync_roles()' END;
END
$explain_person$;
COMMENT ON FUNCTION auth.explain_person(text) IS 'Who somebody is for auth.explain()';
REVOKE ALL ON FUNCTION auth.explain_person(text) FROM PUBLIC;

-- explain_grant(): may a role use the schema, and act on the table or some of its columns; through which roles?
CREATE OR REPLACE FUNCTION auth.explain_grant(role_id oid, relation regclass, action text)
RETURNS TABLE (rule text, allows boolean, reason text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $explain_grant$
    SELECT format('schema %I', n.nspname), has_schema_privilege(role_id, n.oid, 'USAGE'),
        CASE WHEN has_schema_privilege(role_id, n.oid, 'USAGE') THEN 'may be used' ELSE 'may not be used' END
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation
    UNION ALL
    SELECT format('grant of %s on %s', upper(action), relation), holds.on_table OR holds.on_column, CASE
        WHEN holds.on_table THEN 'through ' || coalesce(held.through, 'what the role is itself')
        WHEN holds.on_column THEN format('columns %s, through %s', held.columns, held.through)
        ELSE coalesce('only to ' || held.others, 'to nobody') END
    FROM (SELECT has_table_privilege(role_id, relation, action) AS on_table,
                 CASE WHEN action = 'delete' THEN false ELSE has_any_column_privilege(role_id, relation, action) END AS on_column) AS holds
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT g.name, ', ' ORDER BY g.name) FILTER (WHERE g.is_his AND (g.column_name IS NULL OR NOT holds.on_table)) AS through,
               string_agg(DISTINCT quote_ident(g.column_name), ', ') FILTER (WHERE g.is_his) AS columns,
               string_agg(DISTINCT g.name, ', ' ORDER BY g.name) AS others
        FROM (SELECT coalesce(r.rolname, 'PUBLIC') COLLATE "C" AS name, a.column_name, a.grantee = 0 OR pg_has_role(role_id, a.grantee, 'USAGE') AS is_his
              FROM (SELECT x.grantee, x.privilege_type, NULL::name AS column_name
                    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS x WHERE c.oid = relation
                    UNION ALL
                    SELECT x.grantee, x.privilege_type, t.attname
                    FROM pg_attribute AS t CROSS JOIN LATERAL aclexplode(t.attacl) AS x WHERE t.attrelid = relation AND NOT t.attisdropped) AS a
              LEFT JOIN pg_roles AS r ON r.oid = a.grantee
              WHERE a.privilege_type = upper(action)
              AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = relation AND c.relowner = a.grantee)) AS g
    ) AS held
$explain_grant$;
COMMENT ON FUNCTION auth.explain_grant(oid, regclass, text) IS 'The schema and the grants of a table for auth.explain()';
REVOKE ALL ON FUNCTION auth.explain_grant(oid, regclass, text) FROM PUBLIC;

-- explained_tables(): a view of the API and the table that it shows, whose grants and policies are asked as well.
CREATE OR REPLACE FUNCTION auth.explained_tables(relation regclass)
RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $explained_tables$
DECLARE
    path regclass[] := '{}';
    next regclass := relation;
    found record;
BEGIN
    LOOP
        path := path || next;
        SELECT n.nspname, c.relkind, r.rolsuper INTO found
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_roles AS r ON r.oid = c.relowner WHERE c.oid = next;
        IF NOT coalesce(found.rolsuper AND found.relkind IN ('r', 'p', 'v') AND found.nspname IN ('register', 'auth', 'import', 'worker', 'api'), false) THEN
            RAISE EXCEPTION '% is no table of the register', relation USING ERRCODE = 'wrong_object_type';
        END IF;
        EXIT WHEN found.relkind <> 'v';
        SELECT array_agg(DISTINCT d.refobjid::regclass) AS tables INTO found
        FROM pg_rewrite AS w
        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> next
        WHERE w.ev_class = next;
        IF coalesce(cardinality(found.tables), 0) <> 1 THEN
            RAISE EXCEPTION '% is a view of several tables', next
                USING ERRCODE = 'wrong_object_type', HINT = format('Ask about one of them: %s.', array_to_string(found.tables, ', '));
        END IF;
        next := found.tables[1];
    END LOOP;
    RETURN path;
END
$explained_tables$;
COMMENT ON FUNCTION auth.explained_tables(regclass) IS 'A table, or a view and the table that it shows, for auth.explain()';
REVOKE ALL ON FUNCTION auth.explained_tables(regclass) FROM PUBLIC;

-- asked_policies(): the policies with their answers, asked as if the user did; {"answers": null} where one could not be asked.
-- STABLE, as all that explain() is made of, so that every policy is asked about the same rows.
CREATE OR REPLACE FUNCTION auth.asked_policies(role_id oid, user_id integer, relation regclass, row_id bigint, action text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $asked_policies$
DECLARE
    key_column CONSTANT name := (
        SELECT a.attname FROM pg_attribute AS a
        WHERE a.attrelid = relation AND a.attname IN ('id', 'row_id') AND NOT a.attisdropped AND a.atttypid IN ('integer'::regtype, 'bigint'::regtype)
        ORDER BY a.attname LIMIT 1);
    -- What a default, or the trigger of updates, signs.
    signed CONSTANT jsonb := (
        SELECT coalesce(jsonb_object_agg(a.attname, user_id), '{}')
        FROM pg_attribute AS a JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = relation AND pg_get_expr(d.adbin, d.adrelid) = 'auth.uid()'
        AND (action = 'insert' OR a.attname = 'edit_by_user_id'));
    asked jsonb;
BEGIN
    IF row_id IS NOT NULL AND key_column IS NULL THEN
        RAISE EXCEPTION 'rows of % are not known by an id', relation
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask about the table: row_id is NULL.';
    END IF;
    PERFORM auth.assume_role(role_id);
    SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('answers', CASE WHEN p.doubt IS NULL
                         THEN auth.policy_answers(coalesce(p.expression, 'false'), p.is_new_row, relation, key_column, row_id, signed) END)
                     ORDER BY p.place, p.is_permissive DESC, p.policy_name)
    INTO asked FROM auth.policies_for(role_id, relation, action) AS p;
    PERFORM auth.assume_role(NULL);
    RETURN asked;
END
$asked_policies$;
COMMENT ON FUNCTION auth.asked_policies(oid, integer, regclass, bigint, text) IS 'The policies for a role on a table, and what they say about the rows of an id';
REVOKE ALL ON FUNCTION auth.asked_policies(oid, integer, regclass, bigint, text) FROM PUBLIC;

-- rows_allowed(): what the policies say together about each row.  One permissive policy must allow each purpose, no restrictive
-- one refuse it.  NULL: depends on what was not given or could not be asked.
CREATE OR REPLACE FUNCTION auth.rows_allowed(asked jsonb)
RETURNS boolean[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $rows_allowed$
    WITH policy AS (
        SELECT (p.value ->> 'place')::integer AS place, (p.value ->> 'is_permissive')::boolean AS is_permissive, p.value -> 'answers' AS answers
        FROM jsonb_array_elements(asked) AS p
    ), answer AS (
        SELECT p.place, p.is_permissive, n AS row_number, (p.answers ->> (n - 1))::boolean AS allows
        FROM policy AS p
        CROSS JOIN generate_series(1, (SELECT max(jsonb_array_length(q.answers)) FROM policy AS q WHERE jsonb_typeof(q.answers) = 'array')) AS n
    ), purpose AS (
        SELECT a.row_number,
               CASE WHEN bool_or(a.allows) FILTER (WHERE a.is_permissive) THEN true
                    WHEN bool_or(a.allows IS NULL) FILTER (WHERE a.is_permissive) THEN NULL
                    ELSE false END AS is_allowed,
               CASE WHEN bool_or(NOT a.allows) FILTER (WHERE NOT a.is_permissive) THEN true
                    WHEN bool_or(a.allows IS NULL) FILTER (WHERE NOT a.is_permissive) THEN NULL
                    ELSE false END AS is_refused
        FROM answer AS a GROUP BY a.place, a.row_number
    ), row_allowed AS (
        SELECT p.row_number, CASE WHEN bool_or(p.is_refused OR NOT p.is_allowed) THEN false
                                  WHEN bool_and(p.is_allowed AND NOT p.is_refused) AND count(*) = count(p.is_allowed AND NOT p.is_refused) THEN true END AS allows
        FROM purpose AS p GROUP BY p.row_number
    )
    SELECT coalesce(array_agg(r.allows ORDER BY r.row_number), '{}') FROM row_allowed AS r
$rows_allowed$;
COMMENT ON FUNCTION auth.rows_allowed(jsonb) IS 'Which rows the policies of auth.asked_policies() allow together';
REVOKE ALL ON FUNCTION auth.rows_allowed(jsonb) FROM PUBLIC;

-- explain_rows(): what each policy says about the rows with this id, and all of them together.  Who may not see all of the
-- rows does not learn here whether they are there.
CREATE OR REPLACE FUNCTION auth.explain_rows(role_id oid, user_id integer, relation regclass, row_id bigint, action text, tells_of_hidden_rows boolean)
RETURNS TABLE (rule text, allows boolean, reason text, decides boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $explain_rows$
DECLARE
    asked jsonb;
    answers boolean[];
    seen boolean[];
BEGIN
    IF NOT (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = relation) THEN
        RETURN QUERY SELECT 'row level security', true, 'is off', true;
        RETURN;
    END IF;
    IF row_id IS NOT NULL AND NOT tells_of_hidden_rows THEN
        seen := auth.rows_allowed(auth.asked_policies(role_id, user_id, relation, row_id, 'select'));
        IF NOT (has_any_column_privilege(role_id, relation, 'SELECT') AND true = ALL (seen) AND cardinality(seen) > 0) THEN
            RETURN QUERY SELECT 'rows', false, format('no row of id %s that the user sees', row_id), true;
            RETURN;
        END IF;
    END IF;
    asked := auth.asked_policies(role_id, user_id, relation, row_id, action);
    answers := auth.rows_allowed(asked);
    IF cardinality(answers) = 0 THEN
        RETURN QUERY SELECT 'rows', false, CASE WHEN row_id IS NULL THEN 'the policies could not be asked' ELSE format('no row of id %s', row_id) END, true;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT CASE WHEN p.value ->> 'policy_name' IS NULL THEN 'policies'
                    WHEN (p.value ->> 'is_permissive')::boolean THEN 'permissive policy ' || quote_ident(p.value ->> 'policy_name')
                    ELSE 'restrictive policy ' || quote_ident(p.value ->> 'policy_name') END || ': ' || (p.value ->> 'purpose'),
               CASE WHEN false = ANY (a.answers) THEN false WHEN true = ALL (a.answers) THEN true END,
               CASE WHEN p.value ->> 'policy_name' IS NULL THEN 'there is none for his roles'
                    WHEN p.value ->> 'doubt' IS NOT NULL THEN 'not asked: ' || (p.value ->> 'doubt')
                    WHEN p.value -> 'answers' = 'null' THEN 'not asked: it fails'
                    WHEN cardinality(a.answers) > 1 THEN format('%s of %s rows: %s', cardinality(array_positions(a.answers, true)), cardinality(a.answers), p.value ->> 'expression')
                    WHEN a.answers[1] IS NULL THEN 'depends on the row: ' || (p.value ->> 'expression')
                    ELSE p.value ->> 'expression' END,
               false
        FROM jsonb_array_elements(asked) WITH ORDINALITY AS p (value, place)
        CROSS JOIN LATERAL (SELECT array_agg(e.value::boolean ORDER BY e.place) AS answers
                            FROM jsonb_array_elements_text(nullif(p.value -> 'answers', 'null')) WITH ORDINALITY AS e (value, place)) AS a
        ORDER BY p.place;
    RETURN QUERY SELECT 'rows', CASE WHEN false = ANY (answers) THEN false WHEN true = ALL (answers) THEN true END,
        CASE WHEN row_id IS NULL THEN 'any row' ELSE format('%s of %s rows of id %s', cardinality(array_positions(answers, true)), cardinality(answers), row_id) END, true;
END
$explain_rows$;
COMMENT ON FUNCTION auth.explain_rows(oid, integer, regclass, bigint, text, boolean) IS 'The policies of a table for auth.explain()';
REVOKE ALL ON FUNCTION auth.explain_rows(oid, integer, regclass, bigint, text, boolean) FROM PUBLIC;

-- explain_steps(): all rules in the order in which they are asked.
CREATE OR REPLACE FUNCTION auth.explain_steps(user_email text, relation regclass, row_id bigint, action text, tells_of_hidden_rows boolean)
RETURNS TABLE (rule text, allows boolean, reason text, decides boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $explain_steps$
DECLARE
    path CONSTANT regclass[] := auth.explained_tables(relation);
    person_id CONSTANT integer := (SELECT u.id FROM auth."user" AS u WHERE u.email::text = lower(user_email));
    role_is record;
    shown regclass;
BEGIN
    RETURN QUERY SELECT p.rule, p.allows, p.reason, p.rule <> 'statbus_role' FROM auth.explain_person(user_email) AS p;
    SELECT r.oid, r.rolsuper OR r.rolbypassrls AS rules INTO role_is FROM pg_roles AS r WHERE r.rolname = lower(user_email);
    IF person_id IS NULL OR role_is.oid IS NULL OR role_is.rules THEN
        RETURN;
    END IF;
    FOREACH shown IN ARRAY path LOOP
        RETURN QUERY SELECT g.rule, g.allows, g.reason, true FROM auth.explain_grant(role_is.oid, shown, action) AS g;
    END LOOP;
    RETURN QUERY SELECT r.rule, r.allows, r.reason, r.decides
        FROM auth.explain_rows(role_is.oid, person_id, path[cardinality(path)], row_id, action, tells_of_hidden_rows) AS r;
END
$explain_steps$;
COMMENT ON FUNCTION auth.explain_steps(text, regclass, bigint, text, boolean) IS 'The rules of auth.explain(), which checks who asks and adds the verdict';
REVOKE ALL ON FUNCTION auth.explain_steps(text, regclass, bigint, text, boolean) FROM PUBLIC;

-- DEFINER: asks the policies of tables for another user
CREATE OR REPLACE FUNCTION auth.explain(user_email text, relation regclass, row_id bigint, action text)
RETURNS TABLE (step integer, rule text, allows boolean, reason text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
-- Workers would not know whom the identity functions are to answer for.
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $explain$
DECLARE
    asks_for_all CONSTANT boolean := auth.caller_is_administrator();
    found record;
    verdict boolean := true;
    refused_by text;
BEGIN
    IF NOT (asks_for_all OR EXISTS (SELECT FROM auth."user" AS u WHERE u.id = auth.caller_id() AND u.email::text = lower(user_email))) THEN
        RAISE EXCEPTION 'permission denied to explain the rights of others'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Administrators may, and everybody about himself.';
    END IF;
    IF coalesce(lower(action) NOT IN ('select', 'insert', 'update', 'delete'), true) THEN
        RAISE EXCEPTION 'unknown action %', quote_nullable(action)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Actions are select, insert, update and delete.';
    END IF;
    IF relation IS NULL THEN
        RAISE EXCEPTION 'no relation is given' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    step := 0;
    FOR found IN SELECT s.rule, s.allows, s.reason, s.decides FROM auth.explain_steps(user_email, relation, row_id, lower(action), asks_for_all) AS s LOOP
        step := step + 1;
        rule := found.rule;
        allows := found.allows;
        reason := found.reason;
        IF found.decides THEN
            verdict := verdict AND allows;
            refused_by := coalesce(refused_by, CASE WHEN NOT allows THEN rule END);
        END IF;
        RETURN NEXT;
    END LOOP;
    step := step + 1;
    rule := 'verdict';
    allows := verdict;
    reason := CASE WHEN verdict THEN 'allowed' WHEN NOT verdict THEN 'refused: ' || refused_by
                   WHEN row_id IS NULL THEN 'depends on the row' ELSE 'not known' END;
    RETURN NEXT;
END
$explain$;
COMMENT ON FUNCTION auth.explain(text, regclass, bigint, text) IS
    'Why a user may select, insert, update or delete a row or not: user, role, grants, and what each policy says about the row; the verdict last.  For administrators, and for everybody about himself';
REVOKE ALL ON FUNCTION auth.explain(text, regclass, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.explain(text, regclass, bigint, text) TO authenticated;
