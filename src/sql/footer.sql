-- Last part of an install: put the real schemas into search paths, then build the register if it is a new one.
SELECT statbus.pin_search_path();
SELECT auth.ensure_signing_key();

DO $footer$
BEGIN
    IF pg_catalog.current_setting('statbus_install.mode') = 'new' THEN
        CALL statbus.migrate();
    END IF;
END
$footer$;

SELECT auth.restrict_connect();
