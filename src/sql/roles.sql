-- Cluster roles.  They are shared by all databases of the cluster, made when missing and never dropped.
DO $roles$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT *
        FROM (VALUES ('authenticator', 'LOGIN NOINHERIT'),
                     ('anon', 'NOLOGIN'),
                     ('authenticated', 'NOLOGIN'),
                     ('external_user', 'NOLOGIN'),
                     ('restricted_user', 'NOLOGIN'),
                     ('regular_user', 'NOLOGIN'),
                     ('admin_user', 'NOLOGIN'),
                     ('notify_reader', 'NOLOGIN')) AS role (name, options)
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.options);
        EXCEPTION WHEN duplicate_object THEN
            NULL;   -- made by another register of this cluster
        END;
    END LOOP;
    SET LOCAL client_min_messages = 'warning';  -- "is already a member" is no news
    GRANT anon TO authenticator;
    GRANT authenticated TO external_user;
    GRANT external_user TO restricted_user;
    GRANT restricted_user TO regular_user;
    GRANT regular_user TO admin_user;
END
$roles$;
