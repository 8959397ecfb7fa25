# Eight sessions write into temporal tables for a bounded time, at all isolation levels: whatever is refused, at the end no two
# slices overlap and no child is without its parent. Deadlocks, violations and serialization failures are outcomes like others.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $sessions = 8;
my $seconds = $ENV{STATBUS_STRESS_SECONDS} // 15;

my $node = new_node('stress');
$node->append_conf('postgresql.conf', "deadlock_timeout = 50ms\nlog_min_error_statement = panic\nlog_min_messages = fatal\n");
$node->restart;
$node->safe_psql('postgres', 'CREATE DATABASE stress');
$node->safe_psql('stress', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION statbus CASCADE;
CREATE TABLE parent (id integer NOT NULL, valid_range int4range NOT NULL, name text);
CREATE TABLE child (id integer NOT NULL, parent_id integer, valid_range int4range NOT NULL);
CREATE TABLE part (id integer NOT NULL, parent_id integer, valid_range int4range NOT NULL, name text);
CREATE TABLE grandchild (id integer NOT NULL, part_id integer, valid_range int4range NOT NULL);
CREATE TABLE late (id integer NOT NULL, parent_id integer, valid_range int4range NOT NULL);
CREATE TABLE note (id integer, parent_id integer);
SELECT temporal.add_unique('parent', '{id}', constraint_name => 'parent_key');
SELECT temporal.add_unique('part', '{id}', constraint_name => 'part_key');
SELECT temporal.add_unique('late', '{id}', is_deferrable => true, initially_deferred => true, constraint_name => 'late_key');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', constraint_name => 'child_parent');
SELECT temporal.add_foreign_key('part', '{parent_id}', 'parent', '{id}', on_delete => 'cascade', constraint_name => 'part_parent');
SELECT temporal.add_foreign_key('grandchild', '{part_id}', 'part', '{id}', on_delete => 'cascade', constraint_name => 'grandchild_part');
SELECT temporal.add_foreign_key('late', '{parent_id}', 'parent', '{id}', is_deferrable => true, initially_deferred => true, constraint_name => 'late_parent');
SELECT temporal.add_foreign_key('note', '{parent_id}', 'parent', '{id}', period => NULL, constraint_name => 'note_parent');
CREATE TABLE outcome (session integer, action text, sqlstate text);

-- one random statement
CREATE FUNCTION act(action integer) RETURNS void LANGUAGE plpgsql AS $act$
DECLARE
    k integer := 1 + floor(random() * 6);
    a integer := floor(random() * 30);
    r int4range := int4range(a, a + 1 + floor(random() * 10)::integer);
BEGIN
    CASE action
        WHEN 0 THEN INSERT INTO parent VALUES (k, r);
        WHEN 1 THEN INSERT INTO parent SELECT k, int4range(i, i + 3) FROM generate_series(a, a + 9, 3) AS i;
        WHEN 2 THEN DELETE FROM parent WHERE id = k AND valid_range @> a;
        WHEN 3 THEN UPDATE parent SET valid_range = int4range(lower(valid_range), upper(valid_range) - 1)
            WHERE id = k AND valid_range && r AND upper(valid_range) > lower(valid_range) + 1;
        WHEN 4 THEN UPDATE parent SET valid_range = int4range(lower(valid_range), upper(valid_range) + 2) WHERE id = k AND valid_range @> a;
        WHEN 5 THEN
            WITH d AS (DELETE FROM parent WHERE id = k AND valid_range @> a RETURNING *)
            INSERT INTO parent SELECT d.id, p.r, 'split' FROM d CROSS JOIN LATERAL (
                VALUES (int4range(lower(d.valid_range), a)), (int4range(a, upper(d.valid_range)))) AS p(r) WHERE NOT isempty(p.r);
        WHEN 6 THEN UPDATE parent SET name = 'touched' WHERE id = k;
        WHEN 7 THEN INSERT INTO child SELECT 1, k, valid_range FROM parent WHERE id = k AND valid_range && r;
        WHEN 8 THEN INSERT INTO child VALUES (2, k, r);
        WHEN 9 THEN UPDATE child SET valid_range = int4range(lower(valid_range), upper(valid_range) + 1) WHERE parent_id = k AND valid_range && r;
        WHEN 10 THEN DELETE FROM child WHERE parent_id = k AND valid_range && r;
        WHEN 11 THEN INSERT INTO part SELECT floor(random() * 1000), k, valid_range * r, 'new' FROM parent WHERE id = k AND valid_range && r;
        WHEN 12 THEN UPDATE part SET name = 'touched' WHERE parent_id = k AND valid_range && r;
        WHEN 13 THEN INSERT INTO grandchild SELECT 1, id, valid_range FROM part WHERE parent_id = k AND valid_range && r;
        WHEN 14 THEN DELETE FROM part WHERE parent_id = k AND valid_range @> a;
        WHEN 15 THEN INSERT INTO late SELECT floor(random() * 1000), k, valid_range FROM parent WHERE id = k AND valid_range && r;
        WHEN 16 THEN INSERT INTO note VALUES (1, k);
        WHEN 17 THEN DELETE FROM note WHERE parent_id = k;
        WHEN 18 THEN DELETE FROM late WHERE parent_id = k AND valid_range && r;
        WHEN 19 THEN
            CREATE TEMP TABLE IF NOT EXISTS source (row_id integer, id integer, valid_range int4range, name text) ON COMMIT DELETE ROWS;
            INSERT INTO source VALUES (1, k, r, 'merged');
            PERFORM temporal.merge('parent', 'pg_temp.source', ARRAY['id']);
    END CASE;
END
$act$;

-- transactions of up to three statements until the time is over
CREATE PROCEDURE stress(session integer, stop timestamptz) LANGUAGE plpgsql AS $stress$
DECLARE
    action integer;
    state text;
BEGIN
    WHILE clock_timestamp() < stop LOOP
        FOR i IN 1 .. 1 + floor(random() * 3)::integer LOOP
            action := floor(random() * 20);
            state := '00000';
            BEGIN
                PERFORM act(action);
                IF random() < 0.3 THEN
                    SET CONSTRAINTS ALL IMMEDIATE;
                    SET CONSTRAINTS ALL DEFERRED;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                state := SQLSTATE;
            END;
            INSERT INTO outcome VALUES (session, action, state);
        END LOOP;
        -- what is deferred must not fail at COMMIT, which would end the procedure
        BEGIN
            SET CONSTRAINTS ALL IMMEDIATE;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO outcome VALUES (session, 'constraints', SQLSTATE);
            ROLLBACK;
            CONTINUE;
        END;
        IF random() < 0.1 THEN ROLLBACK; ELSE COMMIT; END IF;
    END LOOP;
END
$stress$;
SQL

# A serialization failure of the whole transaction ends the procedure: it is called again until the time is over.
my $stop = $node->safe_psql('stress', "SELECT clock_timestamp() + make_interval(secs => $seconds)");
my $script = $node->basedir . '/stress.sql';
append_to_file($script, "CALL stress(:session, :'stop');\n" x 3000);

my @handles;
for my $i (1 .. $sessions)
{
	my $level = $i <= 4 ? 'read committed' : $i <= 6 ? 'repeatable read' : 'serializable';
	my ($in, $out, $err) = ('', '', '');
	local $ENV{PGOPTIONS} = "-c client_min_messages=warning -c default_transaction_isolation=" . ($level =~ s/ /\\ /r);
	my $handle = IPC::Run::start(
		[
			'psql', '-X', '-q', '-d', $node->connstr('stress'), '-v', "session=$i", '-v', "stop=$stop", '-v', 'VERBOSITY=sqlstate',
			'-c', 'SELECT setseed(' . $i / 10 . ')', '-f', $script ],
		'<', \$in, '>', \$out, '2>', \$err);
	push @handles, [ $handle, \$err, $i ];
}
my %errors;
for (@handles)
{
	my ($handle, $err, $i) = @$_;
	$handle->finish;
	$$err =~ s/^psql:\S+: ERROR:  40001\n//mg;
	$errors{$i} = $$err if $$err ne '';
}
is_deeply(\%errors, {}, 'every session went on until its time was over') or diag(explain(\%errors));

my $outcomes = $node->safe_psql('stress',
	q{SELECT string_agg(format('%s %s', sqlstate, n), ', ' ORDER BY sqlstate) FROM (SELECT sqlstate, count(*) AS n FROM outcome GROUP BY 1) AS o});
note("outcomes: $outcomes");
is($node->safe_psql('stress', q{SELECT count(*) FROM outcome WHERE sqlstate NOT IN ('00000', '23503', '23P01', '23505', '40P01', '40001')}),
	'0', 'nothing but violations, deadlocks and serialization failures') or diag($outcomes);
is($node->safe_psql('stress', q{SELECT count(*) FROM (SELECT action FROM outcome WHERE sqlstate = '00000' GROUP BY 1) AS a}), '20', 'every action succeeded at times');
is($node->safe_psql('stress', q{SELECT string_agg(s, ',' ORDER BY s) FROM (SELECT DISTINCT sqlstate AS s FROM outcome WHERE sqlstate IN ('23503', '23P01')) AS o}),
	'23503,23P01', 'and violations were met');

for my $table ('parent', 'part', 'late')
{
	is($node->safe_psql('stress', "SELECT count(*) FROM $table AS a JOIN $table AS b ON a.id = b.id AND a.ctid < b.ctid AND a.valid_range && b.valid_range"),
		'0', "no overlap in $table");
}
for ([ 'child', 'parent_id', 'parent' ], [ 'part', 'parent_id', 'parent' ], [ 'grandchild', 'part_id', 'part' ], [ 'late', 'parent_id', 'parent' ])
{
	my ($child, $column, $parent) = @$_;
	is($node->safe_psql('stress', qq{
		SELECT count(*) FROM $child AS c
		CROSS JOIN LATERAL generate_series(lower(c.valid_range), upper(c.valid_range) - 1) AS t
		WHERE NOT EXISTS (SELECT FROM $parent AS p WHERE p.id = c.$column AND p.valid_range @> t)}), '0', "no orphan in $child");
	is($node->safe_psql('stress', "SELECT temporal.foreign_key_validate('$child', '${child}_$parent')"), '', "the key of $child agrees");
}
is($node->safe_psql('stress', 'SELECT count(*) FROM note AS n WHERE NOT EXISTS (SELECT FROM parent AS p WHERE p.id = n.parent_id)'), '0', 'no orphan in note');

# Foreign keys also reference keys of other kinds: exclusion constraints, as 0.1 and 0.2 made them, and, where the server has
# them, keys WITHOUT OVERLAPS.
$node->safe_psql('stress', 'CREATE EXTENSION btree_gist; CREATE SCHEMA kinds');
my %kinds = (exclusion => 'EXCLUDE USING gist (id WITH =, valid_range WITH &&)');
$kinds{native} = 'PRIMARY KEY (id, valid_range WITHOUT OVERLAPS)' if $node->safe_psql('postgres', 'SHOW server_version_num') >= 180000;
for my $kind (sort keys %kinds)
{
	$node->safe_psql('stress', qq{
		CREATE TABLE kinds.${kind}_parent (id integer NOT NULL, valid_range int4range NOT NULL, $kinds{$kind});
		CREATE TABLE kinds.${kind}_child (parent_id integer, valid_range int4range);
		SELECT temporal.add_foreign_key('kinds.${kind}_child', '{parent_id}', 'kinds.${kind}_parent', '{id}');
		INSERT INTO kinds.${kind}_parent VALUES (1, '[0,10)'), (1, '[10,20)');
		INSERT INTO kinds.${kind}_child VALUES (1, '[5,15)');
	});
	for my $bad ("INSERT INTO kinds.${kind}_child VALUES (1, '[5,25)')", "DELETE FROM kinds.${kind}_parent WHERE valid_range \@> 12")
	{
		my ($code, $out, $err) = $node->psql('stress', $bad, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
		like($err, qr/ERROR:  23503/, "a key that is an $kind constraint: $bad");
	}
}

$node->stop;
done_testing();
