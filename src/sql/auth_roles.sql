-- Users, their roles of the server and their passwords.

-- passwords ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION auth.check_new_password(password text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $check_new_password$
BEGIN
    -- bcrypt reads 72 bytes: what comes after them would protect nothing.
    IF password IS NULL OR length(password) < 8 OR octet_length(password) > 72 THEN
        RAISE EXCEPTION 'password is too %', CASE WHEN octet_length(password) > 72 THEN 'long' ELSE 'short' END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A password has at least 8 characters and at most 72 bytes.';
    END IF;
END
$check_new_password$;
COMMENT ON FUNCTION auth.check_new_password(text) IS
    'Refuses a password of fewer than 8 characters or more than 72 bytes: 22023';

CREATE OR REPLACE FUNCTION auth.hash_password(password text)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $hash_password$
    SELECT crypt(password, gen_salt('bf', statbus.setting('statbus.bcrypt_cost')::integer))
$hash_password$;
COMMENT ON FUNCTION auth.hash_password(text) IS 'Internal: the bcrypt hash of a password, of the cost that statbus.bcrypt_cost says';
REVOKE ALL ON FUNCTION auth.hash_password(text) FROM PUBLIC;

-- How long it takes must not tell whether there is such an account, or how old its password is.  One bcrypt of cost c is
-- 2^c rounds.  A hash of lower cost is made up for: 2^c + (2^c + 2^(c+1) + … + 2^(most-1)) = 2^most.
CREATE OR REPLACE FUNCTION auth.verify_password(encrypted_password text, password text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $verify_password$
DECLARE
    -- Of any bcrypt hash; nobody knows a password of it.
    dummy CONSTANT text := '.OJKW2vP7lhcnaUz3d51t.' || repeat('.', 31);
    given CONSTANT text := coalesce(password, '');
    has_hash CONSTANT boolean := coalesce(encrypted_password, '!') <> '!';
    -- After the setting was lowered, older hashes are the dearest there are.
    most CONSTANT integer := greatest(statbus.setting('statbus.bcrypt_cost')::integer,
                                      (SELECT max(least(substr(u.encrypted_password, 5, 2)::integer, 16))
                                       FROM auth."user" AS u WHERE u.encrypted_password <> '!'));
    cost CONSTANT integer := CASE WHEN has_hash THEN substr(encrypted_password, 5, 2)::integer ELSE most END;
    -- pgcrypto knows $2a$ only; $2b$ and $2y$ of other programs are the same.
    hash CONSTANT text := format('$2a$%s$%s', lpad(cost::text, 2, '0'), CASE WHEN has_hash THEN substr(encrypted_password, 8) ELSE dummy END);
    matches CONSTANT boolean := crypt(given, hash) = hash;
BEGIN
    FOR extra IN cost .. most - 1 LOOP
        PERFORM crypt(given, format('$2a$%s$%s', lpad(extra::text, 2, '0'), dummy));
    END LOOP;
    RETURN matches AND has_hash AND password IS NOT NULL AND octet_length(password) <= 72;
END
$verify_password$;
COMMENT ON FUNCTION auth.verify_password(text, text) IS
    'Internal: whether a password is that of a bcrypt hash.  Takes the same time whatever the hash; NULL and ! stand for an account that is not there or has no password';
REVOKE ALL ON FUNCTION auth.verify_password(text, text) FROM PUBLIC;

-- roles of the server ------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION auth.lock_roles()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_lock_roles';
COMMENT ON FUNCTION auth.lock_roles() IS 'Internal: until the end of the transaction no other register of the cluster makes or changes the role of a user';
REVOKE ALL ON FUNCTION auth.lock_roles() FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.role_is_shared(role_name text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_role_is_shared';
COMMENT ON FUNCTION auth.role_is_shared(text) IS 'Internal: whether another database of the cluster belongs to a role or has a user of its name';
REVOKE ALL ON FUNCTION auth.role_is_shared(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.role_rules_server(role_name text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_role_rules_server';
COMMENT ON FUNCTION auth.role_rules_server(text) IS 'Internal: whether a role has rights on the whole server, which the role of a user must not';
REVOKE ALL ON FUNCTION auth.role_rules_server(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.keep_password(encrypted_password text, password text)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_keep_password';
COMMENT ON FUNCTION auth.keep_password(text, text) IS 'Internal: keeps a password for auth.set_role_password() until the end of the transaction, in memory';
REVOKE ALL ON FUNCTION auth.keep_password(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.set_role_password(role_name text, encrypted_password text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET password_encryption = 'scram-sha-256'
AS 'MODULE_PATHNAME', 'statbus_auth_set_role_password';
COMMENT ON FUNCTION auth.set_role_password(text, text) IS
    'Internal: gives a role the password that was kept for a hash; false when none was, or another register shares the role';
REVOKE ALL ON FUNCTION auth.set_role_password(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.move_role_password(from_role text, to_role text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_move_role_password';
COMMENT ON FUNCTION auth.move_role_password(text, text) IS
    'Internal: lets a new role of a user open with the password of his former one; false when there is none, or another register shares a role';
REVOKE ALL ON FUNCTION auth.move_role_password(text, text) FROM PUBLIC;

-- Who may connect is no part of a dump, so every install says it again; nor is what the log may hold of PostgREST's
-- statements, whose parameters are passwords and tokens.
CREATE OR REPLACE FUNCTION auth.restrict_connect()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $restrict_connect$
BEGIN
    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO authenticator, notify_reader', current_database());
    EXECUTE format('ALTER ROLE authenticator IN DATABASE %I SET log_parameter_max_length = 0', current_database());
    EXECUTE format('ALTER ROLE authenticator IN DATABASE %I SET log_parameter_max_length_on_error = 0', current_database());
END
$restrict_connect$;
COMMENT ON FUNCTION auth.restrict_connect() IS
    'Lets PostgREST''s role and notify_reader connect to this database, and nobody else who was not granted it by name; keeps the parameters of PostgREST''s statements out of the log';
REVOKE ALL ON FUNCTION auth.restrict_connect() FROM PUBLIC;

-- A role may be there already: that of a user of another register, or one that the cluster's administrator made. It is not
-- this register's to open: no right to connect and no password comes from here, unless a superuser says so.
CREATE OR REPLACE FUNCTION auth.make_role(role_name text, group_name text, is_own boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'     -- "is already a member" is no news
AS $make_role$
DECLARE
    is_made boolean := false;
    former text;
BEGIN
    PERFORM auth.lock_roles();
    IF auth.role_rules_server(role_name) THEN
        RAISE EXCEPTION 'role "%" cannot become the role of a user of the register', role_name
            USING ERRCODE = 'invalid_role_specification',
                  DETAIL = 'It is there already, and has rights on the whole server.',
                  HINT = 'Give the user another e-mail address, or take the rights from the role.';
    END IF;
    IF to_regrole(quote_ident(role_name)) IS NULL THEN
        EXECUTE format('CREATE ROLE %I LOGIN INHERIT', role_name);
        is_made := true;
    ELSIF NOT pg_has_role('authenticator', role_name::name, 'MEMBER') AND auth.caller_id() IS DISTINCT FROM 1 THEN
        RAISE EXCEPTION 'role "%" is there already and belongs to no user of a register', role_name
            USING ERRCODE = 'invalid_role_specification', HINT = 'Ask a superuser to add the user.';
    END IF;
    EXECUTE format('GRANT %I TO %I', group_name, role_name);
    EXECUTE format('GRANT %I TO authenticator', role_name);
    IF is_own OR is_made THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
        -- What he was before; where the role is shared, another register may still count on it.
        IF NOT auth.role_is_shared(role_name) THEN
            FOR former IN
                SELECT g.rolname
                FROM pg_auth_members AS m
                JOIN pg_roles AS g ON g.oid = m.roleid
                WHERE m.member = to_regrole(quote_ident(role_name))
                AND g.rolname IN ('external_user', 'restricted_user', 'regular_user', 'admin_user') AND g.rolname <> group_name
            LOOP
                EXECUTE format('REVOKE %I FROM %I', former, role_name);
            END LOOP;
        END IF;
    ELSE
        -- Says to the register that has made the role that this one counts on it.
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), role_name);
    END IF;
    RETURN is_made;
END
$make_role$;
COMMENT ON FUNCTION auth.make_role(text, text, boolean) IS
    'Internal: the role of a user, made if it is not there, with his group; and with the right to connect when it is this register''s own.  Returns whether it was made';
REVOKE ALL ON FUNCTION auth.make_role(text, text, boolean) FROM PUBLIC;

-- The role stays, and may still connect where everybody may: not with a password that was given to it here.
CREATE OR REPLACE FUNCTION auth.disconnect_role(role_name text, is_own boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $disconnect_role$
BEGIN
    PERFORM auth.lock_roles();
    IF to_regrole(quote_ident(role_name)) IS NOT NULL THEN
        EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM %I', current_database(), role_name);
        IF is_own THEN
            PERFORM auth.set_role_password(role_name, '!');
        END IF;
    END IF;
END
$disconnect_role$;
COMMENT ON FUNCTION auth.disconnect_role(text, boolean) IS
    'Internal: takes the right to connect to this database from a role, and its password where that is this register''s';
REVOKE ALL ON FUNCTION auth.disconnect_role(text, boolean) FROM PUBLIC;

-- The login roles of this database's users.  Triggers make them; after a restore into another cluster they are not there,
-- because a dump of a database holds no roles, and neither is the right to connect.
CREATE OR REPLACE FUNCTION auth.sync_roles()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sync_roles$
DECLARE
    person record;
    made integer := 0;
BEGIN
    PERFORM auth.lock_roles();
    PERFORM auth.restrict_connect();
    FOR person IN
        SELECT u.id, u.email::text AS role_name, u.statbus_role::text AS group_name, u.has_own_role, u.deleted_at
        FROM auth."user" AS u
        WHERE u.email IS NOT NULL
        ORDER BY u.id
    LOOP
        IF person.deleted_at IS NOT NULL THEN
            PERFORM auth.disconnect_role(person.role_name, person.has_own_role);
            CONTINUE;
        END IF;
        IF auth.make_role(person.role_name, person.group_name, person.has_own_role) THEN
            UPDATE auth."user" SET has_own_role = true WHERE id = person.id AND NOT has_own_role;
            made := made + 1;
        END IF;
        -- The other register knows the password.
        IF NOT EXISTS (SELECT FROM auth."user" AS u WHERE u.id = person.id AND u.has_own_role)
            AND NOT has_database_privilege(person.role_name, current_database(), 'CONNECT')
            AND EXISTS (SELECT FROM pg_authid AS a WHERE a.rolname = person.role_name AND a.rolpassword IS NOT NULL) THEN
            RAISE WARNING 'role "%" may connect from now on with a password that this register did not give it', person.role_name
                USING HINT = 'If another register of the cluster should not decide who that is, give the role another password with ALTER ROLE.';
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), person.role_name);
    END LOOP;
    RETURN made;
END
$sync_roles$;
COMMENT ON FUNCTION auth.sync_roles() IS
    'Makes the roles of users that are not there, grants each his statbus role and the right to connect; returns how many were made.  For a restored register, and to let in users whose roles were there before; superusers only';
REVOKE ALL ON FUNCTION auth.sync_roles() FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.caller_is_administrator()
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_caller_is_administrator';
COMMENT ON FUNCTION auth.caller_is_administrator() IS 'Internal: whether an administrator of the register, or a superuser, called a SECURITY DEFINER function; as he is now, whatever the snapshot';
REVOKE ALL ON FUNCTION auth.caller_is_administrator() FROM PUBLIC;

-- triggers of auth."user" ---------------------------------------------------------------------------------------------

-- One lock for all registers of the cluster comes first, so that what is checked about administrators and roles holds
-- until the end of the transaction, and nobody who has a user's row waits for it.  Whoever is refused afterwards does not
-- get it: he could hold it.
-- DEFINER: the lock is not everybody's to take
CREATE OR REPLACE FUNCTION auth.user_lock()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $user_lock$
BEGIN
    IF auth.caller_is_administrator() THEN
        -- A user who holds his own row in an open transaction must not keep whoever takes him out, and with him all registers, for ever.
        IF current_setting('lock_timeout') = '0' THEN
            PERFORM set_config('lock_timeout', '10s', true);
        END IF;
        PERFORM auth.lock_roles();
    END IF;
    RETURN NULL;
END
$user_lock$;
COMMENT ON FUNCTION auth.user_lock() IS 'Trigger: whoever changes who may do what waits for whoever did so before';
REVOKE ALL ON FUNCTION auth.user_lock() FROM PUBLIC;

-- What the table's constraints would refuse is refused here, before there is a hash that their messages would show.
CREATE OR REPLACE FUNCTION auth.check_user(email text, display_name text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $check_user$
BEGIN
    IF email IS NULL OR email !~ '^[^@[:space:]]+@[^@[:space:]]+$' THEN
        RAISE EXCEPTION 'a user needs an e-mail address' USING ERRCODE = 'check_violation';
    ELSIF octet_length(email) > 63 THEN
        RAISE EXCEPTION 'e-mail address is longer than 63 bytes'
            USING ERRCODE = 'check_violation', DETAIL = 'A role of the server carries the address of each user.';
    ELSIF coalesce(btrim(display_name), '') IN ('', 'system') THEN
        RAISE EXCEPTION 'a user needs a name of his own' USING ERRCODE = 'check_violation';
    END IF;
END
$check_user$;
COMMENT ON FUNCTION auth.check_user(text, text) IS 'Internal: refuses an e-mail address and a name that the table of users does not take';
REVOKE ALL ON FUNCTION auth.check_user(text, text) FROM PUBLIC;

-- DEFINER: passwords are hashed and handed over by functions that no role may call; whether a role exists decides whose it is
CREATE OR REPLACE FUNCTION auth.user_prepare()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $user_prepare$
DECLARE
    is_renamed boolean;
    is_changed boolean;
BEGIN
    IF TG_RELID <> 'auth."user"'::regclass THEN
        RAISE EXCEPTION 'this trigger is for users' USING ERRCODE = 'wrong_object_type';
    END IF;
    NEW.email := lower(NEW.email::text)::citext;
    IF TG_OP = 'INSERT' THEN
        is_renamed := true;
        is_changed := true;
    ELSE
        is_renamed := NEW.email::text IS DISTINCT FROM OLD.email::text;
        is_changed := is_renamed OR ROW(NEW.statbus_role, NEW.email_confirmed_at, NEW.deleted_at)
                                    IS DISTINCT FROM ROW(OLD.statbus_role, OLD.email_confirmed_at, OLD.deleted_at);
    END IF;
    -- Whatever a grant or a function may have let through: rights come from administrators.
    IF (is_changed OR NEW.password IS NOT NULL AND NEW.id IS DISTINCT FROM auth.caller_id()) AND NOT auth.caller_is_administrator() THEN
        RAISE EXCEPTION 'permission denied to say who may do what'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Administrators of the register may.';
    END IF;
    -- The trigger that comes after makes the role.
    IF is_changed AND NEW.email IS NOT NULL AND NEW.deleted_at IS NULL AND to_regrole(quote_ident(NEW.email::text)) IS NULL THEN
        NEW.has_own_role := true;
    ELSIF is_renamed THEN
        NEW.has_own_role := false;
    END IF;
    IF NEW.password IS NOT NULL OR NEW.encrypted_password <> '!' THEN
        PERFORM auth.check_user(NEW.email::text, NEW.display_name);
    END IF;
    IF NEW.password IS NOT NULL THEN
        PERFORM auth.check_new_password(NEW.password);
        NEW.encrypted_password := auth.hash_password(NEW.password);
        PERFORM auth.keep_password(NEW.encrypted_password, NEW.password);
        NEW.password := NULL;
    END IF;
    RETURN NEW;
END
$user_prepare$;
COMMENT ON FUNCTION auth.user_prepare() IS 'Trigger: addresses are lower case, a password is hashed and not stored, and only administrators say who may do what';
REVOKE ALL ON FUNCTION auth.user_prepare() FROM PUBLIC;

-- The row that is found is locked, so that it also counts for a transaction whose snapshot is older than the row.
CREATE OR REPLACE FUNCTION auth.check_administrators(was_confirmed boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $check_administrators$
BEGIN
    PERFORM FROM auth."user" AS u
    WHERE u.statbus_role = 'admin_user' AND u.email IS NOT NULL AND u.deleted_at IS NULL
    AND (u.email_confirmed_at IS NOT NULL OR NOT was_confirmed)
    ORDER BY u.id
    LIMIT 1
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the last administrator of the register stays'
            USING ERRCODE = 'restrict_violation',
                  HINT = CASE WHEN was_confirmed THEN 'First make another user an administrator whose address is confirmed.'
                              ELSE 'Make another user an administrator first.' END;
    END IF;
END
$check_administrators$;
COMMENT ON FUNCTION auth.check_administrators(boolean) IS
    'Internal: refuses to leave a register without an administrator, or without one whose address is confirmed when there was one';
REVOKE ALL ON FUNCTION auth.check_administrators(boolean) FROM PUBLIC;

-- DEFINER: makes and changes roles of the server, records events
CREATE OR REPLACE FUNCTION auth.user_follow()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $user_follow$
DECLARE
    was_live boolean := false;
    is_live boolean := false;
    was_admin boolean := false;
    is_admin boolean := false;
    new_password boolean := false;
    caller CONSTANT text := CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END;
    changed jsonb := '{}';
BEGIN
    IF TG_RELID <> 'auth."user"'::regclass THEN
        RAISE EXCEPTION 'this trigger is for users' USING ERRCODE = 'wrong_object_type';
    END IF;
    IF TG_OP <> 'INSERT' THEN
        was_live := OLD.deleted_at IS NULL AND OLD.email IS NOT NULL;
        was_admin := was_live AND OLD.statbus_role = 'admin_user';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        is_live := NEW.deleted_at IS NULL AND NEW.email IS NOT NULL;
        is_admin := is_live AND NEW.statbus_role = 'admin_user';
    END IF;

    -- By his name: auth.caller_id() does not know him any more when it is himself whom he has deleted.
    IF was_live AND (NOT is_live OR was_admin AND NOT is_admin) AND OLD.email::text = caller THEN
        RAISE EXCEPTION 'nobody takes his own rights away'
            USING ERRCODE = 'restrict_violation', HINT = 'Ask another administrator.';
    END IF;
    IF was_admin AND (NOT is_admin OR OLD.email_confirmed_at IS NOT NULL AND NEW.email_confirmed_at IS NULL) THEN
        PERFORM auth.check_administrators(OLD.email_confirmed_at IS NOT NULL);
    END IF;

    IF TG_OP = 'UPDATE' AND NEW.email IS NULL AND NEW.statbus_role <> 'admin_user' THEN
        RAISE EXCEPTION 'user "system" is an administrator' USING ERRCODE = 'restrict_violation';
    END IF;

    IF TG_OP = 'DELETE' THEN
        IF OLD.email IS NULL THEN
            RAISE EXCEPTION 'user "system" stays' USING ERRCODE = 'restrict_violation';
        END IF;
        PERFORM auth.disconnect_role(OLD.email::text, OLD.has_own_role);
        PERFORM auth.log_event('user_deleted', NULL, jsonb_build_object('id', OLD.id), OLD.email::text);
        RETURN NULL;
    END IF;

    -- The role of the server.
    IF is_live AND (NOT was_live OR ROW(OLD.email::text, OLD.statbus_role, OLD.email_confirmed_at)
                                    IS DISTINCT FROM ROW(NEW.email::text, NEW.statbus_role, NEW.email_confirmed_at)) THEN
        PERFORM auth.make_role(NEW.email::text, NEW.statbus_role::text, NEW.has_own_role);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        new_password := OLD.encrypted_password <> NEW.encrypted_password;
        IF was_live AND is_live AND OLD.email::text <> NEW.email::text AND OLD.has_own_role AND NEW.has_own_role THEN
            PERFORM auth.move_role_password(OLD.email::text, NEW.email::text);
        END IF;
        IF was_live AND (NOT is_live OR OLD.email::text <> NEW.email::text) THEN
            PERFORM auth.disconnect_role(OLD.email::text, OLD.has_own_role);
        END IF;
    END IF;
    IF NEW.has_own_role AND (TG_OP = 'INSERT' AND NEW.encrypted_password <> '!' OR new_password) THEN
        PERFORM auth.set_role_password(NEW.email::text, NEW.encrypted_password);
    END IF;

    IF TG_OP = 'INSERT' THEN
        PERFORM auth.log_event('user_created', NEW.id, jsonb_build_object('statbus_role', NEW.statbus_role), NEW.email::text);
        RETURN NULL;
    END IF;

    SELECT coalesce(jsonb_object_agg(n.key, jsonb_build_array(o.value, n.value)), '{}') INTO changed
    FROM jsonb_each_text(to_jsonb(NEW)) AS n
    JOIN jsonb_each_text(to_jsonb(OLD)) AS o ON o.key = n.key
    WHERE n.key IN ('display_name', 'email', 'statbus_role', 'email_confirmed_at', 'deleted_at') AND n.value IS DISTINCT FROM o.value;
    IF was_live AND NOT is_live THEN
        PERFORM auth.log_event('user_deleted', NEW.id, changed, NEW.email::text);
    ELSIF changed <> '{}' THEN
        PERFORM auth.log_event('user_changed', NEW.id, changed, NEW.email::text);
    END IF;
    RETURN NULL;
END
$user_follow$;
COMMENT ON FUNCTION auth.user_follow() IS
    'Trigger: the role of the server, its right to connect and its password follow the user; the last administrator stays, and nobody takes his own rights away';
REVOKE ALL ON FUNCTION auth.user_follow() FROM PUBLIC;

-- DEFINER: connections of another role are a superuser's to end
CREATE OR REPLACE FUNCTION auth.end_connections(user_sub uuid)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $end_connections$
DECLARE
    role_name text;
    ended integer;
BEGIN
    IF NOT auth.caller_is_administrator() THEN
        RAISE EXCEPTION 'permission denied to end connections of a user'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Administrators of the register may.';
    END IF;
    SELECT u.email::text INTO role_name FROM auth."user" AS u WHERE u.sub = user_sub AND u.email IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such user' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) INTO ended
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database() AND a.usename = role_name AND a.pid <> pg_backend_pid();
    RETURN ended;
END
$end_connections$;
COMMENT ON FUNCTION auth.end_connections(uuid) IS
    'Ends the connections to this database that a user has opened himself, and takes back what he has not committed; returns how many.  Administrators only';
REVOKE ALL ON FUNCTION auth.end_connections(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.end_connections(uuid) TO authenticated;

-- DEFINER: sessions and keys of another user are an administrator's to end, but not to touch
CREATE OR REPLACE FUNCTION auth.user_sign_out()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $user_sign_out$
BEGIN
    IF TG_RELID <> 'auth."user"'::regclass THEN
        RAISE EXCEPTION 'this trigger is for users' USING ERRCODE = 'wrong_object_type';
    END IF;
    DELETE FROM auth.refresh_session WHERE user_id = NEW.id;
    UPDATE auth.api_key SET revoked_at = clock_timestamp() WHERE user_id = NEW.id AND revoked_at IS NULL;
    IF NEW.encrypted_password <> OLD.encrypted_password THEN
        PERFORM auth.log_event('password_changed', NEW.id, NULL, NEW.email::text);
    END IF;
    RETURN NULL;
END
$user_sign_out$;
COMMENT ON FUNCTION auth.user_sign_out() IS 'Trigger: the sessions and API keys of a user end when he is deleted, and when his password changes';
REVOKE ALL ON FUNCTION auth.user_sign_out() FROM PUBLIC;

-- users ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION auth.random_password()
RETURNS text
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $random_password$
    -- 32 characters, so that five bits of a byte choose one, each as likely as the others; those that look alike are left out.
    SELECT string_agg(substr('abcdefghijkmnpqrstuvwxyz23456789', (get_byte(r.bytes, i) & 31) + 1, 1), '' ORDER BY i)
    FROM (SELECT gen_random_bytes(20) AS bytes OFFSET 0) AS r, generate_series(0, 19) AS i
$random_password$;
COMMENT ON FUNCTION auth.random_password() IS 'Internal: a password of 20 characters and 100 random bits';
REVOKE ALL ON FUNCTION auth.random_password() FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.set_password(user_id integer, new_password text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_password$
BEGIN
    PERFORM auth.check_new_password(new_password);
    UPDATE auth."user" AS u SET password = new_password
    WHERE u.id = user_id AND u.email IS NOT NULL AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such user' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$set_password$;
COMMENT ON FUNCTION auth.set_password(integer, text) IS 'Internal: gives a live user a password, here and on the server where his role is this register''s; his sessions and API keys end';
REVOKE ALL ON FUNCTION auth.set_password(integer, text) FROM PUBLIC;

-- Who is there already keeps his password: to give him one is admin_change_password(), so that nobody takes over an account
-- by mistaking it for a new one.
-- DEFINER: user rows and roles are made by no role
CREATE OR REPLACE FUNCTION auth.user_create(p_display_name text, p_email text, p_statbus_role text, p_password text DEFAULT NULL)
RETURNS TABLE (email text, password text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $user_create$
DECLARE
    address CONSTANT text := lower(btrim(p_email));
    new_password CONSTANT text := coalesce(p_password, auth.random_password());
    known record;
BEGIN
    IF NOT auth.caller_is_administrator() THEN
        RAISE EXCEPTION 'permission denied to create a user'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Administrators of the register may.';
    END IF;
    PERFORM auth.check_user(address, p_display_name);
    PERFORM auth.check_new_password(new_password);
    IF coalesce(p_statbus_role, '') NOT IN ('admin_user', 'regular_user', 'restricted_user', 'external_user') THEN
        RAISE EXCEPTION 'there is no such role'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Roles are external_user, restricted_user, regular_user, admin_user.';
    END IF;
    PERFORM auth.lock_roles();
    SELECT u.id, u.deleted_at INTO known FROM auth."user" AS u WHERE u.email = address::citext;
    IF known.id IS NULL THEN
        INSERT INTO auth."user" (display_name, email, statbus_role, password, email_confirmed_at)
        VALUES (p_display_name, address::citext, p_statbus_role::auth.statbus_role, new_password, clock_timestamp());
    ELSIF known.deleted_at IS NOT NULL THEN
        UPDATE auth."user" AS u
        SET display_name = p_display_name, statbus_role = p_statbus_role::auth.statbus_role, password = new_password,
            email_confirmed_at = clock_timestamp(), deleted_at = NULL
        WHERE u.id = known.id;
    ELSIF p_password IS NOT NULL THEN
        RAISE EXCEPTION 'there is a user of this e-mail address'
            USING ERRCODE = 'unique_violation', HINT = 'admin_change_password() gives him another password.';
    ELSE
        UPDATE auth."user" AS u
        SET display_name = p_display_name, statbus_role = p_statbus_role::auth.statbus_role,
            email_confirmed_at = coalesce(u.email_confirmed_at, clock_timestamp())
        WHERE u.id = known.id;
        RETURN QUERY SELECT address, NULL::text;
        RETURN;
    END IF;
    RETURN QUERY SELECT address, new_password;
END
$user_create$;
COMMENT ON FUNCTION auth.user_create(text, text, text, text) IS
    'Makes a user, or brings a deleted one back, and says his password this once: p_password, or else one that is made up. Name and role of a user who is there are changed, his password is not: then password is NULL, and 23505 where one was given. Administrators only';
REVOKE ALL ON FUNCTION auth.user_create(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.user_create(text, text, text, text) TO admin_user;

-- DEFINER: passwords are written by no role
CREATE OR REPLACE FUNCTION auth.admin_change_password(user_sub uuid, new_password text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $admin_change_password$
BEGIN
    IF NOT auth.caller_is_administrator() THEN
        RAISE EXCEPTION 'permission denied to change another user''s password'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Administrators of the register may.';
    END IF;
    PERFORM auth.set_password((SELECT u.id FROM auth."user" AS u WHERE u.sub = user_sub), new_password);
    RETURN true;
END
$admin_change_password$;
COMMENT ON FUNCTION auth.admin_change_password(uuid, text) IS
    'Gives a user of this register another password; his sessions and API keys end. Administrators only';
REVOKE ALL ON FUNCTION auth.admin_change_password(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.admin_change_password(uuid, text) TO admin_user;

-- DEFINER: passwords are written by no role
CREATE OR REPLACE FUNCTION auth.change_password(new_password text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $change_password$
DECLARE
    -- A key that was left in a script must not be enough to take the account over.
    caller CONSTANT integer := auth.signed_in_user();
BEGIN
    PERFORM auth.set_password(caller, new_password);
    RETURN true;
END
$change_password$;
COMMENT ON FUNCTION auth.change_password(text) IS
    'Gives the current user another password; all his sessions and API keys end. Not for whoever comes with an API key';
REVOKE ALL ON FUNCTION auth.change_password(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.change_password(text) TO authenticated;
