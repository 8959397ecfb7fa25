-- Definitions 33: whoever changes a user has all sessions look again who is asking.  Not when nothing is changed that they
-- look at: each login writes its time.
CREATE OR REPLACE TRIGGER identity_changed AFTER INSERT OR DELETE ON auth."user"
    FOR EACH ROW EXECUTE FUNCTION auth.user_changed();
CREATE OR REPLACE TRIGGER identity_updated AFTER UPDATE ON auth."user"
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.sub IS DISTINCT FROM NEW.sub OR OLD.email::text IS DISTINCT FROM NEW.email::text
                       OR OLD.statbus_role IS DISTINCT FROM NEW.statbus_role OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION auth.user_changed();
-- Also where other triggers are off.
ALTER TABLE auth."user" ENABLE ALWAYS TRIGGER identity_changed;
ALTER TABLE auth."user" ENABLE ALWAYS TRIGGER identity_updated;
