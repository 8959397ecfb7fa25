-- What nobody should do to an import, and what comes of it.
CREATE DATABASE regress_import_misuse TEMPLATE contrib_regression;
\c regress_import_misuse
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql

-- import.insert_rows() leaves no reference to what is not there, whatever becomes of the rows meanwhile.
CREATE TABLE public.parent (id integer PRIMARY KEY);
CREATE TABLE public.pair (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE public.child (id integer, parent integer REFERENCES public.parent, a integer, b integer, FOREIGN KEY (a, b) REFERENCES public.pair MATCH FULL);
INSERT INTO public.parent VALUES (1), (2);
INSERT INTO public.pair VALUES (1, 1);
CREATE FUNCTION public.first_goes(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN IF n = 3 THEN DELETE FROM public.child WHERE id = 1; END IF; RETURN n; END $$;
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT public.first_goes(n), 9 FROM generate_series(1, 3) AS n');      -- fails
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT public.first_goes(n), NULL, 9, 9 FROM generate_series(1, 3) AS n');      -- fails
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT public.first_goes(n), 1, 1, 1 FROM generate_series(1, 3) AS n');
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, NULL, 1, NULL FROM generate_series(1, 3) AS n');              -- fails
CREATE FUNCTION public.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.child SET parent = TG_ARGV[0]::integer WHERE id = NEW.id AND NEW.id = 10; RETURN NULL; END $$;
CREATE TRIGGER change AFTER INSERT ON public.child FOR EACH ROW EXECUTE FUNCTION public.change(2);
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, 9 FROM generate_series(10, 12) AS n');                         -- fails: the first is mended, the others are not
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, 1 FROM generate_series(10, 12) AS n');
DROP TRIGGER change ON public.child;
-- The server forgets what it knew of the table in the middle of the statement.
CREATE FUNCTION public.forget(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN ANALYZE public.child; RETURN n; END $$;
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT public.forget(n), 7 FROM generate_series(20, 23) AS n');          -- fails
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT public.forget(n), 2 FROM generate_series(20, 23) AS n');
SELECT id, parent, a, b FROM public.child ORDER BY id;
-- What the transaction has written itself needs no lock; what is not there, or not any more, is still missed.
CREATE TABLE public.crossed (x integer, y integer, FOREIGN KEY (x, y) REFERENCES public.pair (b, a));
BEGIN;
INSERT INTO public.parent SELECT n FROM generate_series(101, 104) AS n;
INSERT INTO public.pair SELECT n, n + 1 FROM generate_series(101, 104) AS n;
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, n, n, n + 1 FROM generate_series(101, 103) AS n UNION ALL SELECT 104, 2, 1, 1');
SELECT id, xmax <> 0 AS locked FROM public.parent ORDER BY id;
SELECT import.insert_rows('public.crossed', 'INSERT INTO public.crossed SELECT n + 1, n FROM generate_series(101, 104) AS n');
SAVEPOINT there;
SELECT import.insert_rows('public.crossed', 'INSERT INTO public.crossed SELECT n, n + 1 FROM generate_series(101, 104) AS n');                 -- fails
ROLLBACK TO there;
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, n FROM generate_series(101, 105) AS n');                          -- fails: 105
ROLLBACK TO there;
DELETE FROM public.parent WHERE id = 104;
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, n FROM generate_series(101, 104) AS n');                          -- fails: 104
ROLLBACK TO there;
INSERT INTO public.parent VALUES (201);
ROLLBACK TO there;
SELECT import.insert_rows('public.child', 'INSERT INTO public.child SELECT n, n FROM unnest(ARRAY[101, 201]) AS n');                            -- fails: 201
ROLLBACK;

-- Records whose cells nobody can tell apart are not imported by way of a copy of the job either.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
SELECT 'broken', d.id, '2024-01-01', 'infinity', false FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT import.upload_chunk('broken', 1, true, convert_to(E'tax_ident,name,employees\n900000001,North,12\n900000002,South\n\n900000003,East,3,4\n900000004,West,5\n', 'UTF8')) -> 'rows' AS rows;
SELECT import.clone_job('broken', 'broken_again', true) - 'id' AS copy;
CALL worker.process_tasks();
SELECT slug, state, total_rows, imported_rows, unchanged_rows, skipped_rows, error_count FROM import.job ORDER BY id;
SELECT job_slug, row_id, source_line, code, value FROM api.import_finding WHERE code <> 'columns_absent' ORDER BY job_id, row_id, code;
SELECT import.report_lines('broken_again', 'errors');
SELECT import.upload_chunk('broken_again', 1, true, '\x61');        -- fails
-- The file of another.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Mia', 'regress_misuse_mia@example.org', 'regular_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
SET ROLE "regress_misuse_mia@example.org";
SELECT import.clone_job('broken', 'mias', true);                    -- fails
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to)
SELECT 'mias', d.id, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT import.copy_read_file('broken', 'mias');                     -- fails
SELECT import.copy_read_file('mias', 'broken');                     -- fails
SELECT import.copy_read_file('broken', NULL);                       -- fails
SELECT import.copy_read_file(NULL, 'mias');                         -- fails
RESET ROLE;
SELECT import.copy_read_file('broken', 'broken_again');             -- fails: it has its file
SELECT import.heading_distance('abc', 'xyz', 2147483647) AS apart, import.heading_distance('abc', 'abcdef', -2147483648) AS too_far;

\c contrib_regression
DROP DATABASE regress_import_misuse;
DROP ROLE "regress_misuse_mia@example.org";
