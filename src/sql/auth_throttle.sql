-- Counting logins that fail, per account, device and address, and how long they block.

-- Whoever owns one address of an IPv6 network owns 2^64 of them.
CREATE OR REPLACE FUNCTION auth.network_of(address inet)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $network_of$
    SELECT CASE WHEN family(address) = 6 AND NOT address <<= '::ffff:0:0/96' THEN text(network(set_masklen(address, 64))) ELSE host(address) END
$network_of$;
COMMENT ON FUNCTION auth.network_of(inet) IS 'Internal: who an address counts as when logins fail: an IPv4 address is itself, an IPv6 address its /64';
REVOKE ALL ON FUNCTION auth.network_of(inet) FROM PUBLIC;

-- A failure that was rolled back is a failure.
CREATE OR REPLACE FUNCTION auth.rolled_back_tries(subject text, since timestamptz, OUT tries integer, OUT last_at timestamptz)
RETURNS record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_rolled_back_tries';
COMMENT ON FUNCTION auth.rolled_back_tries(text, timestamptz) IS
    'Internal: how many logins of a subject of auth.login_try were rolled back since then, and when the last was';
REVOKE ALL ON FUNCTION auth.rolled_back_tries(text, timestamptz) FROM PUBLIC;

-- From the limit on each failure blocks for twice as long as the one before it, 15 minutes at most.
CREATE OR REPLACE FUNCTION auth.throttle_pause(failures integer, most integer)
RETURNS interval
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_pause$
    SELECT CASE WHEN failures < most THEN interval '0' ELSE make_interval(secs => least(2 ^ least(failures - most, 20), 900)) END
$throttle_pause$;
COMMENT ON FUNCTION auth.throttle_pause(integer, integer) IS 'Internal: for how long so many failures block, when so many are one too many';
REVOKE ALL ON FUNCTION auth.throttle_pause(integer, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.throttle_limit(kind text)
RETURNS integer
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_limit$
    SELECT statbus.setting(CASE kind WHEN 'address' THEN 'statbus.login_attempts_per_address' ELSE 'statbus.login_attempts' END)::integer
$throttle_limit$;
COMMENT ON FUNCTION auth.throttle_limit(text) IS 'Internal: how many failures block an account, a device or an address';
REVOKE ALL ON FUNCTION auth.throttle_limit(text) FROM PUBLIC;

-- Each login holds the rows that it counts in until it ends, so that guesses made at the same time are counted one
-- after another.  Callers lock the account before the address.
CREATE OR REPLACE FUNCTION auth.throttle_lock(p_kind text, p_subject text)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_lock$
DECLARE
    counted record;
    lost record;
BEGIN
    INSERT INTO auth.throttle AS t (kind, subject) VALUES (p_kind, p_subject)
    ON CONFLICT (kind, subject) DO UPDATE SET failures = t.failures
    RETURNING t.failures, t.last_failure_at, t.blocked_until INTO counted;
    SELECT r.tries, r.last_at INTO lost
    FROM auth.rolled_back_tries(concat_ws(' ', p_kind, p_subject), clock_timestamp() - interval '1 hour') AS r;
    IF lost.tries = 0 THEN
        RETURN counted.blocked_until;
    END IF;
    RETURN greatest(counted.blocked_until, lost.last_at + auth.throttle_pause(counted.failures + lost.tries, auth.throttle_limit(p_kind)));
END
$throttle_lock$;
COMMENT ON FUNCTION auth.throttle_lock(text, text) IS 'Internal: the end of the current or last block of an account or an address; holds its row';
REVOKE ALL ON FUNCTION auth.throttle_lock(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.throttle_try(p_kind text, p_subject text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_try$
    INSERT INTO auth.login_try (subject) VALUES (concat_ws(' ', p_kind, p_subject))
$throttle_try$;
COMMENT ON FUNCTION auth.throttle_try(text, text) IS 'Internal: notes that a password is going to be compared';
REVOKE ALL ON FUNCTION auth.throttle_try(text, text) FROM PUBLIC;

-- After 15 minutes without a failure it begins anew; after a long block later, lest its end be the end of counting.
CREATE OR REPLACE FUNCTION auth.throttle_fail(p_kind text, p_subject text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_fail$
    UPDATE auth.throttle AS t
    SET failures = counted.failures,
        last_failure_at = clock_timestamp(),
        blocked_until = CASE WHEN counted.failures < auth.throttle_limit(p_kind) THEN '-infinity'
                             ELSE clock_timestamp() + auth.throttle_pause(counted.failures, auth.throttle_limit(p_kind)) END,
        refused = false
    FROM (SELECT CASE
                     WHEN known.last_failure_at + least(greatest(4 * known.pause, interval '15 minutes'), interval '1 hour') < clock_timestamp() THEN 1
                     ELSE known.failures + 1
                 END
          FROM (SELECT k.failures, k.last_failure_at, auth.throttle_pause(k.failures, auth.throttle_limit(p_kind)) AS pause
                FROM auth.throttle AS k
                WHERE k.kind = p_kind AND k.subject = p_subject) AS known) AS counted (failures)
    WHERE t.kind = p_kind AND t.subject = p_subject
$throttle_fail$;
COMMENT ON FUNCTION auth.throttle_fail(text, text) IS 'Internal: counts a failure against an account or an address, and blocks it from the limit on';
REVOKE ALL ON FUNCTION auth.throttle_fail(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.throttle_refuse(p_kind text, p_subject text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_refuse$
BEGIN
    UPDATE auth.throttle AS t SET refused = true WHERE t.kind = p_kind AND t.subject = p_subject AND NOT t.refused;
    RETURN FOUND;
END
$throttle_refuse$;
COMMENT ON FUNCTION auth.throttle_refuse(text, text) IS 'Internal: notes that a block has refused a login; whether it is the first';
REVOKE ALL ON FUNCTION auth.throttle_refuse(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.throttle_clear(p_kind text, p_subject text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_clear$
    DELETE FROM auth.throttle AS t WHERE t.kind = p_kind AND t.subject = p_subject
$throttle_clear$;
COMMENT ON FUNCTION auth.throttle_clear(text, text) IS 'Internal: forgets the failures of an account';
REVOKE ALL ON FUNCTION auth.throttle_clear(text, text) FROM PUBLIC;

-- More than a login adds, so that guesses at many accounts do not stay for ever.  The last that a login does with these
-- tables: what it counts in may be as old, and whoever waits for a row that it removes is not waited for.
CREATE OR REPLACE FUNCTION auth.throttle_tidy()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $throttle_tidy$
    DELETE FROM auth.throttle AS t
    WHERE t.ctid = ANY (ARRAY(
        SELECT old.ctid FROM auth.throttle AS old
        WHERE old.last_failure_at < clock_timestamp() - interval '1 hour' AND old.blocked_until < clock_timestamp()
        LIMIT 20 FOR UPDATE SKIP LOCKED));
    DELETE FROM auth.login_try AS t
    WHERE t.ctid = ANY (ARRAY(
        SELECT old.ctid FROM auth.login_try AS old WHERE old.at < clock_timestamp() - interval '1 hour'
        LIMIT 20 FOR UPDATE SKIP LOCKED))
$throttle_tidy$;
COMMENT ON FUNCTION auth.throttle_tidy() IS 'Internal: removes some of what was counted more than an hour ago';
REVOKE ALL ON FUNCTION auth.throttle_tidy() FROM PUBLIC;
