-- The one member table: what is in it must never reach a dump, so it stays a member without
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
