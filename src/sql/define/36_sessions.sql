-- Definitions 36: the record of sessions and keys, where something other than a function of schema auth may change them.
CREATE OR REPLACE TRIGGER api_key_revoked AFTER UPDATE OF revoked_at ON auth.api_key
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION auth.api_key_revoked();
