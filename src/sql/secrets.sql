-- The member tables: what is in them must never reach a dump, so they stay members without
-- pg_extension_config_dump.  A restore makes new secrets.
CREATE TABLE auth.secrets (
    key text PRIMARY KEY CHECK (key <> ''),
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.statement_timestamp()
);
COMMENT ON TABLE auth.secrets IS 'Secrets of this database; never dumped, readable by no role';
REVOKE ALL ON auth.secrets FROM PUBLIC;
ALTER TABLE auth.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.secrets FORCE ROW LEVEL SECURITY;

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
