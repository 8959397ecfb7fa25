-- Who is asking.  A person is the database role that carries his e-mail address, and a row of
-- auth."user" in this database: one without the other has no rights here.

-- These run once per query in a policy, and once per row in a trigger.  Nothing that a client sets is believed, and rights
-- that were given or taken count at once, also in a transaction that began before.
CREATE OR REPLACE FUNCTION auth.uid()
RETURNS integer
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_uid';
COMMENT ON FUNCTION auth.uid() IS
    'The id of the current user in auth."user"; of the built-in user "system" for the role of a superuser; NULL when the current role belongs to no live user of this database.  Claims that a client sets are not believed';

CREATE OR REPLACE FUNCTION auth.sub()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_sub';
COMMENT ON FUNCTION auth.sub() IS 'The public identifier of the current user; NULL when there is none';

CREATE OR REPLACE FUNCTION auth.email()
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_email';
COMMENT ON FUNCTION auth.email() IS 'The e-mail address of the current user; NULL when there is none';

CREATE OR REPLACE FUNCTION auth.statbus_role()
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_statbus_role';
COMMENT ON FUNCTION auth.statbus_role() IS 'The role of the current user in this register; NULL when there is none';

CREATE OR REPLACE FUNCTION auth.is_at_least(statbus_role text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_is_at_least';
COMMENT ON FUNCTION auth.is_at_least(text) IS
    'Whether the current user of this register holds a statbus role or a higher one; false for anybody who is no live user of it';

-- In a SECURITY DEFINER function the current user is its owner; whom it acts for is this one.
CREATE OR REPLACE FUNCTION auth.caller_id()
RETURNS integer
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_auth_caller_id';
COMMENT ON FUNCTION auth.caller_id() IS
    'As auth.uid(), inside a SECURITY DEFINER function as well: the role that was set, or else the one that logged in.  NULL where the server runs code of a table''s owner for somebody else';

CREATE OR REPLACE FUNCTION auth.assume_role(role_id oid)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_assume_role';
COMMENT ON FUNCTION auth.assume_role(oid) IS
    'Has auth.uid() and its like answer a superuser as they would answer this role, until NULL or the end of the (sub)transaction; for auth.explain()';
REVOKE ALL ON FUNCTION auth.assume_role(oid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.user_changed()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_user_changed';
COMMENT ON FUNCTION auth.user_changed() IS 'Trigger: what sessions know of users of the register is read again';
REVOKE ALL ON FUNCTION auth.user_changed() FROM PUBLIC;

-- Policies demand that a row is signed by its writer.  A writer who does not say who he is signs as himself, also
-- when a statement that he made (a split of a timeline, for instance) changes a slice that somebody else wrote.
CREATE OR REPLACE FUNCTION auth.sign_edit()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_sign_edit';
COMMENT ON FUNCTION auth.sign_edit() IS 'Trigger: an update is signed by the current user, now, unless it says otherwise; a copy of an earlier row by whoever copies it. What is changed says no longer which file it came from';

-- Granting a region or an activity grants everything below it.
CREATE OR REPLACE FUNCTION auth.accessible_region_ids()
RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $accessible_region_ids$
    SELECT coalesce(array_agg(DISTINCT below.id), '{}')
    FROM register.region_access AS access
    JOIN register.region AS granted ON granted.id = access.region_id
    JOIN register.region AS below ON below.version_id = granted.version_id AND below.path <@ granted.path
    WHERE access.user_id = auth.uid()
$accessible_region_ids$;
COMMENT ON FUNCTION auth.accessible_region_ids() IS
    'The regions that the current user, if restricted, may write: those granted in region_access and all below them';

CREATE OR REPLACE FUNCTION auth.accessible_activity_category_ids()
RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $accessible_activity_category_ids$
    SELECT coalesce(array_agg(DISTINCT below.id), '{}')
    FROM register.activity_category_access AS access
    JOIN register.activity_category AS granted ON granted.id = access.activity_category_id
    JOIN register.activity_category AS below ON below.standard_id = granted.standard_id AND below.path <@ granted.path
    WHERE access.user_id = auth.uid()
$accessible_activity_category_ids$;
COMMENT ON FUNCTION auth.accessible_activity_category_ids() IS
    'The activity categories that the current user, if restricted, may write: those granted in activity_category_access and all below them';
