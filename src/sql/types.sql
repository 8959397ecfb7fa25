-- Member types. A type is made once and never replaced: later changes go into an update script.

CREATE TYPE temporal.merge_mode AS ENUM (
    'MERGE_ENTITY_UPSERT',
    'MERGE_ENTITY_PATCH',
    'MERGE_ENTITY_REPLACE',
    'INSERT_NEW_ENTITIES',
    'UPDATE_FOR_PORTION_OF',
    'PATCH_FOR_PORTION_OF',
    'REPLACE_FOR_PORTION_OF',
    'DELETE_FOR_PORTION_OF'
);
COMMENT ON TYPE temporal.merge_mode IS 'what temporal.merge does with the columns and the time of its source rows';

CREATE TYPE temporal.merge_delete_mode AS ENUM (
    'NONE',
    'DELETE_MISSING_TIMELINE',
    'DELETE_MISSING_ENTITIES',
    'DELETE_MISSING_TIMELINE_AND_ENTITIES'
);
COMMENT ON TYPE temporal.merge_delete_mode IS 'what temporal.merge removes because its source does not mention it';

CREATE TYPE temporal.merge_status AS ENUM (
    'APPLIED',
    'SKIPPED_IDENTICAL',
    'SKIPPED_FILTERED',
    'SKIPPED_NO_TARGET',
    'SKIPPED_ECLIPSED',
    'ERROR'
);
COMMENT ON TYPE temporal.merge_status IS 'what became of one source row of temporal.merge';

-- Allen 1983: how one period lies to another.
CREATE TYPE temporal.allen_relation AS ENUM (
    'precedes',
    'meets',
    'overlaps',
    'starts',
    'during',
    'finishes',
    'equals',
    'overlapped_by',
    'started_by',
    'contains',
    'finished_by',
    'met_by',
    'preceded_by'
);
COMMENT ON TYPE temporal.allen_relation IS 'how one period lies to another: exactly one of thirteen relations (Allen, 1983)';

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
