-- Last part of an update: the functions are new, now bring the tables up to them.
SELECT statbus.pin_search_path();
SELECT auth.ensure_signing_key();

DO $footer_upgrade$
BEGIN
    IF pg_catalog.to_regclass('register.migration') IS NOT NULL THEN
        CALL statbus.migrate();
    END IF;
END
$footer_upgrade$;
