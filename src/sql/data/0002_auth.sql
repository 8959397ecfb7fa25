-- Step 0002: users, their sessions and their keys.

-- The people who may use this register, and the built-in row `system` (id 1), as which superusers and background
-- workers act. `system` has no e-mail and therefore no role to log in with.
CREATE TABLE auth."user" (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sub uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    display_name text NOT NULL UNIQUE,
    email citext UNIQUE,
    -- Write-only: a trigger hashes what is written and blanks it; a clear password is never stored.
    password text,
    encrypted_password text NOT NULL DEFAULT '!',
    statbus_role auth.statbus_role NOT NULL DEFAULT 'regular_user',
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_sign_in_at timestamptz,
    email_confirmed_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT user_display_name_not_empty CHECK (btrim(display_name) <> ''),
    CONSTRAINT user_system_has_no_email CHECK ((email IS NULL) = (id = 1)),
    CONSTRAINT user_system_is_id_1 CHECK ((display_name = 'system') = (id = 1)),
    CONSTRAINT user_system_no_login CHECK (id <> 1 OR (deleted_at IS NULL AND encrypted_password = '!')),
    -- The e-mail is the name of the user's role: lower case and no longer than a name may be.
    CONSTRAINT user_email_lower_case CHECK (email::text = lower(email::text)),
    CONSTRAINT user_email_is_a_role_name CHECK (octet_length(email::text) BETWEEN 3 AND 63),
    CONSTRAINT user_email_has_at CHECK (email::text ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    CONSTRAINT user_password_not_stored CHECK (password IS NULL),
    CONSTRAINT user_encrypted_password_bcrypt CHECK (encrypted_password = '!' OR encrypted_password ~ '^\$2[abxy]\$[0-9]{2}\$.{53}$')
);
COMMENT ON TABLE auth."user" IS 'Users of this register; the row with id 1 is the built-in user system';
COMMENT ON COLUMN auth."user".encrypted_password IS 'bcrypt hash; ! means that no password opens the account';

INSERT INTO auth."user" (display_name, statbus_role) VALUES ('system', 'admin_user');

CREATE TABLE auth.refresh_session (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    refresh_version integer NOT NULL DEFAULT 0 CHECK (refresh_version >= 0),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_used_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    expires_at timestamptz NOT NULL,
    user_agent text,
    ip_address inet,
    CONSTRAINT refresh_session_expires_later CHECK (created_at < expires_at)
);
CREATE INDEX refresh_session_user_id_idx ON auth.refresh_session (user_id);
CREATE INDEX refresh_session_expires_at_idx ON auth.refresh_session (expires_at);
COMMENT ON TABLE auth.refresh_session IS 'One row per signed-in device; its version rotates with every refresh';

-- Keys for scripts. The token itself is shown once and never stored: only its hash and a prefix to recognise it by.
CREATE TABLE auth.api_key (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    description text,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    token_hash bytea NOT NULL UNIQUE,
    token_prefix text NOT NULL,
    CONSTRAINT api_key_expires_later CHECK (created_at < expires_at),
    CONSTRAINT api_key_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT api_key_prefix_short CHECK (length(token_prefix) BETWEEN 4 AND 16)
);
CREATE INDEX api_key_user_id_idx ON auth.api_key (user_id);
COMMENT ON TABLE auth.api_key IS 'API keys: SHA-256 of the token and its first characters, never the token';
