-- Step 0016: what was done with accounts, sessions and keys; failed logins that are counted.

-- What auth.event tells of.
CREATE TYPE auth.event_kind AS ENUM (
    'login', 'login_failed', 'login_refused',
    'refresh', 'refresh_failed', 'refresh_reuse',
    'logout', 'session_revoked',
    'password_changed', 'user_created', 'user_changed', 'user_deleted',
    'api_key_created', 'api_key_revoked',
    'key_created', 'key_loaded', 'key_changed', 'key_revoked'
);

CREATE TABLE auth.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind auth.event_kind NOT NULL,
    user_id integer REFERENCES auth."user" ON DELETE SET NULL,
    by_user_id integer REFERENCES auth."user" ON DELETE SET NULL,
    email text,
    session_jti uuid,
    ip_address inet,
    user_agent text,
    details jsonb,
    CONSTRAINT event_email_short CHECK (octet_length(email) <= 320),
    CONSTRAINT event_user_agent_short CHECK (octet_length(user_agent) <= 512),
    CONSTRAINT event_details_is_object CHECK (jsonb_typeof(details) = 'object')
);
CREATE INDEX event_at_idx ON auth.event (at);
CREATE INDEX event_user_id_idx ON auth.event (user_id, at);
COMMENT ON TABLE auth.event IS 'Who signed in, failed to, or changed an account, a session or a key, and when; holds no token and no password';
COMMENT ON COLUMN auth.event.user_id IS 'whose account it is about; NULL when there is no such account';
COMMENT ON COLUMN auth.event.by_user_id IS 'who did it, when that is not the user himself';
COMMENT ON COLUMN auth.event.details IS 'depends on the kind; {"reason": …} where something failed';

-- Failed logins: of an account, from an address, and of an account from an address that it is used from.
CREATE TABLE auth.throttle (
    kind text NOT NULL CHECK (kind IN ('account', 'address', 'device')),
    subject text NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 512),
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_failure_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    blocked_until timestamptz NOT NULL DEFAULT '-infinity',
    refused boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX throttle_last_failure_at_idx ON auth.throttle (last_failure_at);
COMMENT ON TABLE auth.throttle IS 'Failed logins that are counted against an account or an address; old rows are removed';
COMMENT ON COLUMN auth.throttle.refused IS 'whether the block has refused a login yet: the first one is recorded';

-- Each login that compares a password writes here first. What its transaction leaves when it is rolled back is seen by
-- auth.rolled_back_tries() until VACUUM comes by, so that nobody makes his failures unhappen; VACUUM is told to be late.
CREATE TABLE auth.login_try (
    subject text NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 600),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE auth.login_try ALTER COLUMN subject SET STORAGE PLAIN;
COMMENT ON TABLE auth.login_try IS 'Logins that were tried in the last hour; those that count are the ones that were rolled back';

-- The server's role of a user may be shared with other registers of the cluster: its password is set only by the
-- register that made it.
ALTER TABLE auth."user" ADD COLUMN has_own_role boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN auth."user".has_own_role IS 'whether this register made the role of the server that carries the address, and so sets its password';

-- Which key signed an API key: after a restore none of them is there any more.
ALTER TABLE auth.api_key ADD COLUMN kid text;
COMMENT ON COLUMN auth.api_key.kid IS 'the signing key of the token';
COMMENT ON COLUMN auth.api_key.token_prefix IS 'the first characters of jti, to recognise the key by: the tokens themselves begin alike';

INSERT INTO auth.event (kind, details)
SELECT 'key_created', jsonb_build_object('kid', k.kid, 'algorithm', k.algorithm) FROM auth.signing_key AS k ORDER BY k.kid;
