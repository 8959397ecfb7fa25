-- After 0.3.0.
DROP FUNCTION auth.user_field_of(integer, text);
DROP FUNCTION auth.user_id_of(name);
DROP FUNCTION IF EXISTS import.findings_by_column(jsonb[], boolean);
DROP FUNCTION IF EXISTS import.analyse_units(integer);
DROP FUNCTION IF EXISTS import.analyse_links(integer);
DROP FUNCTION IF EXISTS import.analyse_source(integer);
DROP FUNCTION IF EXISTS import.analyse_period(integer);
DROP FUNCTION IF EXISTS import.analyse_identifiers(integer);
DROP FUNCTION IF EXISTS import.analyse_repeats(integer);
DROP FUNCTION IF EXISTS import.analyse_relationships(integer);
DROP FUNCTION IF EXISTS import.analyse_cells(integer);
DROP FUNCTION IF EXISTS import.keep_findings(integer);
DROP FUNCTION IF EXISTS import.finding_sql(text, text, text, text, text);
DROP FUNCTION IF EXISTS import.apply_batch(integer);
DROP FUNCTION IF EXISTS import.apply_batch_as_user(integer);
DROP FUNCTION IF EXISTS import.row_counts(integer, integer);
DROP FUNCTION IF EXISTS import.refuse_rows(integer, bigint[], jsonb);

-- Tokens, sessions and keys.
CREATE TYPE auth.jwt_verify_result AS (
    is_valid boolean,
    claims jsonb,
    error_message text,
    expired boolean
);
COMMENT ON TYPE auth.jwt_verify_result IS 'what auth.jwt_verify finds: claims only when the signature matched; a good token past its exp is valid and expired';

CREATE TYPE auth.jwt_check_result AS (
    is_valid boolean,
    claims jsonb,
    error_code text,
    error_message text,
    expired boolean
);
COMMENT ON TYPE auth.jwt_check_result IS 'what auth.jwt_check finds: claims only when the signature matched; an expired token is not valid';

CREATE TYPE auth.login_error_code AS ENUM (
    'USER_NOT_FOUND',
    'USER_NOT_CONFIRMED_EMAIL',
    'USER_DELETED',
    'USER_MISSING_PASSWORD',
    'WRONG_PASSWORD',
    'REFRESH_NO_TOKEN_COOKIE',
    'REFRESH_INVALID_TOKEN_TYPE',
    'REFRESH_USER_NOT_FOUND_OR_DELETED',
    'REFRESH_SESSION_INVALID_OR_SUPERSEDED',
    'TOO_MANY_ATTEMPTS'
);
COMMENT ON TYPE auth.login_error_code IS 'why a login or a refresh failed; a login that fails says WRONG_PASSWORD to its caller whatever the reason, and the reason to auth.event';

CREATE TYPE auth.auth_response AS (
    is_authenticated boolean,
    uid integer,
    sub uuid,
    email text,
    display_name text,
    role text,
    statbus_role text,
    last_sign_in_at timestamptz,
    created_at timestamptz,
    token_expires_at timestamptz,
    expired_access_token_call_refresh boolean,
    error_code auth.login_error_code
);
COMMENT ON TYPE auth.auth_response IS 'who is signed in, or why nobody is';

CREATE TYPE auth.token_info AS (
    present boolean,
    token_length integer,
    claims jsonb,
    valid boolean,
    expired boolean,
    jti text,
    version integer
);
COMMENT ON TYPE auth.token_info IS 'what is known of a token that came with a request';

CREATE TYPE auth.auth_test_response AS (
    headers jsonb,
    cookies jsonb,
    claims jsonb,
    access_token auth.token_info,
    refresh_token auth.token_info,
    "timestamp" timestamptz,
    deployment_slot text,
    is_https boolean
);
COMMENT ON TYPE auth.auth_test_response IS 'what a request looked like to the database, without its tokens';

CREATE TYPE auth.session_info AS (
    id integer,
    jti uuid,
    user_agent text,
    ip_address text,
    created_at timestamptz,
    last_used_at timestamptz,
    expires_at timestamptz,
    current_session boolean
);
COMMENT ON TYPE auth.session_info IS 'a signed-in device of the current user';

CREATE TYPE auth.new_api_key AS (
    id integer,
    jti uuid,
    user_id integer,
    description text,
    created_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    token_prefix text,
    token text
);
COMMENT ON TYPE auth.new_api_key IS 'an API key as it is shown once, with its token';

-- What each key of the register's tokens is; its secret is the row "jwt_secret:<kid>" of auth.secrets.
CREATE TABLE auth.signing_key (
    kid text PRIMARY KEY,
    algorithm text NOT NULL,
    state text NOT NULL DEFAULT 'active',
    public_jwk jsonb,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    not_after timestamptz NOT NULL DEFAULT 'infinity',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.statement_timestamp(),
    CONSTRAINT signing_key_kid_short CHECK (kid ~ '^[A-Za-z0-9._-]{1,64}$'),
    CONSTRAINT signing_key_algorithm_known CHECK (algorithm IN
        ('HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA')),
    CONSTRAINT signing_key_state_known CHECK (state IN ('active', 'verify_only', 'revoked')),
    CONSTRAINT signing_key_shared_secret_has_no_public_part CHECK ((public_jwk IS NULL) = (algorithm LIKE 'HS%')),
    CONSTRAINT signing_key_public_part_is_public CHECK (NOT public_jwk ?| '{d,p,q,dp,dq,qi,oth,k}'),
    CONSTRAINT signing_key_valid_for_a_time CHECK (not_before < not_after)
);
COMMENT ON TABLE auth.signing_key IS 'Keys of the tokens that this register issues and accepts; never dumped.  active: signs and verifies, verify_only: tokens signed before go on working, revoked: no token of it is valid';
COMMENT ON COLUMN auth.signing_key.public_jwk IS 'the public part as a JWK; NULL for a shared secret';
REVOKE ALL ON auth.signing_key FROM PUBLIC;
ALTER TABLE auth.signing_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.signing_key FORCE ROW LEVEL SECURITY;
