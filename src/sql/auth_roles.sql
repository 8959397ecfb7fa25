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
