-- A relation that hangs on a function of the extension: when it is gone, so is everything else that did.
CREATE OR REPLACE VIEW register.installation WITH (security_invoker = true) AS
    SELECT statbus.version() AS version;
COMMENT ON VIEW register.installation IS 'The version of statbus that serves this register; missing while CALL statbus.migrate() is due';
