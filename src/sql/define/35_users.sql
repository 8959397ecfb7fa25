-- Definitions 35: what follows when a user is added, changed or taken out. A restore brings rows before triggers, so it
-- makes no roles: auth.sync_roles() does. A login, which writes its time, fires none of these.
CREATE OR REPLACE TRIGGER user_lock
    BEFORE INSERT OR UPDATE OF email, statbus_role, email_confirmed_at, deleted_at OR DELETE ON auth."user"
    FOR EACH STATEMENT EXECUTE FUNCTION auth.user_lock();
CREATE OR REPLACE TRIGGER user_prepare
    BEFORE INSERT OR UPDATE OF email, display_name, password, statbus_role, email_confirmed_at, deleted_at ON auth."user"
    FOR EACH ROW EXECUTE FUNCTION auth.user_prepare();
CREATE OR REPLACE TRIGGER user_follow
    AFTER INSERT OR DELETE ON auth."user"
    FOR EACH ROW EXECUTE FUNCTION auth.user_follow();
CREATE OR REPLACE TRIGGER user_updated
    AFTER UPDATE ON auth."user"
    FOR EACH ROW WHEN (OLD.email::text IS DISTINCT FROM NEW.email::text OR OLD.display_name IS DISTINCT FROM NEW.display_name
                       OR OLD.statbus_role IS DISTINCT FROM NEW.statbus_role OR OLD.email_confirmed_at IS DISTINCT FROM NEW.email_confirmed_at
                       OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at OR OLD.encrypted_password IS DISTINCT FROM NEW.encrypted_password)
    EXECUTE FUNCTION auth.user_follow();
-- By their names these come after user_updated, so that events are in their order.
CREATE OR REPLACE TRIGGER user_was_locked_out
    AFTER UPDATE OF encrypted_password, deleted_at ON auth."user"
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL
                       OR NEW.encrypted_password = '!' AND OLD.encrypted_password <> '!')
    EXECUTE FUNCTION auth.user_sign_out();
-- A hash that is renewed at a login is no new password: whoever writes one does not write column password.
CREATE OR REPLACE TRIGGER user_was_given_password
    AFTER UPDATE OF password ON auth."user"
    FOR EACH ROW WHEN (OLD.encrypted_password <> NEW.encrypted_password AND NEW.encrypted_password <> '!'
                       AND (OLD.deleted_at IS NOT NULL OR NEW.deleted_at IS NULL))
    EXECUTE FUNCTION auth.user_sign_out();
