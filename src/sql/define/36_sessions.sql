-- Definitions 36: API keys, where something other than a function of schema auth may change them, and what they may not change.
CREATE OR REPLACE TRIGGER api_key_revoked AFTER UPDATE OF revoked_at ON auth.api_key
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION auth.api_key_revoked();
CREATE OR REPLACE TRIGGER refuse_api_key BEFORE UPDATE ON auth.api_key
    FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_api_key_change();
CREATE OR REPLACE TRIGGER refuse_api_key BEFORE INSERT OR UPDATE OF email, password, statbus_role, email_confirmed_at, deleted_at OR DELETE ON auth."user"
    FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_api_key_change();
-- What is granted to whom is who may do what, too.
CREATE OR REPLACE TRIGGER refuse_api_key BEFORE INSERT OR UPDATE OR DELETE ON register.region_access
    FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_api_key_change();
CREATE OR REPLACE TRIGGER refuse_api_key BEFORE INSERT OR UPDATE OR DELETE ON register.activity_category_access
    FOR EACH STATEMENT EXECUTE FUNCTION auth.refuse_api_key_change();
