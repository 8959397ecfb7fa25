# Temporal keys and portion views on the tables of a user who is no superuser: what a dump, a restore, a rename, a drop and an
# uninstall make of them.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $node = new_node('office');
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($code, $out, $err);

# sqlstate_of($database, $sql): what a statement of the office is refused with; empty when it is not.
sub sqlstate_of
{
	my ($database, $sql) = @_;
	($code, $out, $err) = $node->psql($database, "SET ROLE office; $sql", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : $err;
}

my $keys = q{SELECT relation, constraint_name, constraint_type, columns, period, references_relation, references_columns, references_period,
	on_delete, predicate, nulls_not_distinct, is_deferrable, initially_deferred FROM temporal.constraint
	WHERE table_schema = 'office' ORDER BY relation::text COLLATE "C", constraint_name COLLATE "C"};

create_register($node, 'original');
$node->safe_psql('original', 'CREATE ROLE office; CREATE SCHEMA office AUTHORIZATION office; CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public');
$node->safe_psql('original', <<'SQL');
SET ROLE office;
SET search_path = office, public;
CREATE TABLE shop (
    id integer NOT NULL, valid_from date NOT NULL, valid_until date NOT NULL DEFAULT 'infinity',
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    town text, closed boolean NOT NULL DEFAULT false, PRIMARY KEY (id, valid_from, valid_until));
CREATE TABLE "Sign Board" (nr integer, "shop id" integer, "Valid" daterange NOT NULL, text text);
CREATE TABLE price (id integer, shop_id integer, amount numeric, during numrange NOT NULL);
CREATE TABLE tariff (shop_id integer, during numrange NOT NULL);
CREATE TABLE note (shop_id integer, text text);
SELECT temporal.add_unique('shop', '{id}');
SELECT temporal.add_unique('shop', '{town}', predicate => 'NOT closed', constraint_name => 'one_open_shop');
SELECT temporal.add_unique('"Sign Board"', '{"nr"}', period => 'Valid', is_deferrable => true, initially_deferred => true);
SELECT temporal.add_unique('price', '{shop_id,id}', period => 'during', nulls_not_distinct => true);
SELECT temporal.add_unique('tariff', '{shop_id}', period => 'during');
SELECT temporal.add_foreign_key('"Sign Board"', '{"shop id"}', 'shop', '{id}', period => 'Valid', on_delete => 'cascade');
SELECT temporal.add_foreign_key('price', '{shop_id}', 'tariff', '{shop_id}', period => 'during', references_period => 'during', is_deferrable => true);
SELECT temporal.add_foreign_key('note', '{shop_id}', 'shop', '{id}', period => NULL);
SELECT temporal.add_portion_view('shop');
INSERT INTO shop (id, valid_from, valid_until, town) VALUES
    (1, '2020-01-01', '2021-01-01', 'Oslo'), (1, '2021-01-01', 'infinity', 'Vik'), (2, '2020-01-01', '2022-01-01', 'Bergen');
INSERT INTO "Sign Board" VALUES (1, 1, '[2020-06-01,2022-01-01)', 'open'), (2, 2, '[2020-01-01,2022-01-01)', 'new');
INSERT INTO tariff VALUES (1, '[1.5,8.5)'), (NULL, '[1,2)');
INSERT INTO price VALUES (1, 1, 10, '[2,3]'), (1, 1, 11, '(3,4)'), (NULL, NULL, 12, '[1,2]');
INSERT INTO note VALUES (1, 'a note');
SQL

# check_keys($database): every key refuses what it must, and the view cuts a slice.
sub check_keys
{
	my ($database, $what) = @_;
	my %refused = (
		'an overlap' => [ '23P01', q{INSERT INTO office.shop (id, valid_from, town) VALUES (2, '2021-12-31', 'Moss')} ],
		'an overlap of the predicate' => [ '23P01', q{INSERT INTO office.shop (id, valid_from, town) VALUES (3, '2025-01-01', 'Vik')} ],
		'an overlap at the end of the transaction' => [ '23P01', q{INSERT INTO office."Sign Board" VALUES (1, 1, '[2021-06-01,2021-07-01)')} ],
		'an overlap of NULLs' => [ '23P01', q{INSERT INTO office.price VALUES (NULL, NULL, 1, '[2,2]')} ],
		'an orphan' => [ '23503', q{INSERT INTO office."Sign Board" VALUES (3, 2, '[2021-06-01,2022-01-02)')} ],
		'an orphan over numbers' => [ '23503', q{INSERT INTO office.price VALUES (2, 1, 1, '[8,8.5]')} ],
		'a note without a shop' => [ '23503', q{INSERT INTO office.note VALUES (9)} ],
		'a shop away from its note' => [ '23503', q{DELETE FROM office.shop WHERE id = 1} ],
		'TRUNCATE of a parent' => [ '23503', q{TRUNCATE office.tariff} ],
		'a contradictory portion' => [ '22023', q{UPDATE office.shop__for_portion_of_valid SET valid_range = '[2020-01-01,2020-02-01)', valid_until = '2020-03-01' WHERE id = 2} ]);
	for my $case (sort keys %refused)
	{
		is(sqlstate_of($database, $refused{$case}[1]), $refused{$case}[0], "$what: $case is refused");
	}
	is(sqlstate_of($database, q{INSERT INTO office.shop (id, valid_from, town, closed) VALUES (4, '2025-01-01', 'Vik', true)}), '', "$what: what the predicate leaves out goes in");
	is($node->safe_psql($database, q{BEGIN; SET LOCAL ROLE office;
		UPDATE office.shop__for_portion_of_valid SET town = 'Moss', valid_from = '2020-03-01', valid_until = '2020-04-01' WHERE id = 2;
		DELETE FROM office.shop__for_portion_of_valid WHERE id = 2 AND town = 'Moss';
		SELECT count(*) FROM office.shop WHERE id = 2; SELECT nr, "Valid" FROM office."Sign Board" WHERE "shop id" = 2 ORDER BY 2; ROLLBACK}),
		"2\n2|[2020-01-01,2020-03-01)\n2|[2020-04-01,2022-01-01)", "$what: a portion goes, and exactly its time of the signs with it");
	is($node->safe_psql($database, 'SELECT count(*) FROM statbus.doctor()'), '0', "$what: the doctor finds nothing");
	return;
}

my $key_text = $node->safe_psql('original', $keys);
is(() = $key_text =~ /^/mg, 8, 'eight keys are listed');
my $dump = dump_text($node, 'original', '--schema', 'office');
command_ok([ 'pg_dump', '-Fd', '-f', "$dir/dump", $node->connstr('original') ], 'dump');
check_keys('original', 'as made');

$node->safe_psql('postgres', "CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8'");
command_ok([ 'pg_restore', '-j4', '-e', '-d', $node->connstr('restored'), "$dir/dump" ], 'restore');
same_text($node->safe_psql('restored', $keys), $key_text, 'restored: the keys are listed as before');
same_text(dump_text($node, 'restored', '--schema', 'office'), $dump, 'restored: a second dump equals the first');
check_keys('restored', 'restored');

# Names change, the keys follow: tables, columns, indexes, triggers, the schema.
$node->safe_psql('restored', q{SET ROLE office; SET search_path = office;
	ALTER TABLE shop RENAME COLUMN id TO number; ALTER TABLE shop RENAME COLUMN valid_until TO ends; ALTER TABLE shop RENAME TO kiosk;
	ALTER TABLE "Sign Board" RENAME COLUMN "shop id" TO kiosk; ALTER TABLE "Sign Board" RENAME COLUMN "Valid" TO hangs;
	ALTER TRIGGER one_open_shop ON kiosk RENAME TO one_open_kiosk; ALTER INDEX one_open_shop RENAME TO one_open_kiosk});
is($node->safe_psql('restored', q{SELECT constraint_name, columns, period, references_relation, references_columns FROM temporal.constraint
	WHERE table_schema = 'office' AND table_name IN ('kiosk', 'Sign Board') ORDER BY constraint_type, columns::text}),
	"Sign Board_shop id_Valid_fkey|{kiosk}|hangs|office.kiosk|{number}\nSign Board_nr_Valid_excl|{nr}|hangs||\n"
	. "shop_id_valid_range_excl|{number}|valid_range||\none_open_kiosk|{town}|valid_range||", 'new names are listed');
is(sqlstate_of('restored', q{INSERT INTO office.kiosk (number, valid_from, town) VALUES (2, '2021-12-31', 'Moss')}), '23P01', 'renamed: an overlap is refused');
is(sqlstate_of('restored', q{INSERT INTO office.kiosk (number, valid_from, town) VALUES (3, '2025-01-01', 'Vik')}), '23P01', 'renamed: an overlap of the predicate is refused');
is(sqlstate_of('restored', q{INSERT INTO office."Sign Board" VALUES (3, 2, '[2021-06-01,2022-01-02)')}), '23503', 'renamed: an orphan is refused');
is(sqlstate_of('restored', q{REINDEX TABLE office.kiosk; INSERT INTO office.kiosk (number, valid_from, town) VALUES (2, '2021-12-31', 'Moss')}), '23P01', 'reindexed: an overlap is refused');
$node->safe_psql('restored', 'REINDEX TABLE CONCURRENTLY office.kiosk');
is(sqlstate_of('restored', q{INSERT INTO office.kiosk (number, valid_from, town) VALUES (2, '2021-12-31', 'Moss')}), '23P01', 'reindexed concurrently: an overlap is refused');
is($node->safe_psql('restored', 'SELECT count(*) FROM statbus.doctor()'), '0', 'renamed: the doctor finds nothing');

# What a key needs cannot be taken away silently.
is(sqlstate_of('restored', q{ALTER TABLE office.kiosk DROP COLUMN number}), '2BP01', 'a key column is not dropped alone');
is(sqlstate_of('restored', q{SELECT temporal.drop_constraint('office.kiosk', 'shop_id_valid_range_excl')}), '2BP01', 'a key that a foreign key needs is not dropped');
is(sqlstate_of('restored', q{DROP TABLE office.tariff; INSERT INTO office.price VALUES (2, 77, 1, '[8,8.5]')}), '', 'a referenced table takes the foreign key along');

# A row that came in past the triggers is found.
$node->safe_psql('restored', q{SET session_replication_role = replica; INSERT INTO office.kiosk (number, valid_from, town) VALUES (2, '2021-12-31', 'Moss')});
is(sqlstate_of('restored', q{SELECT temporal.validate_constraint('office.kiosk', 'shop_id_valid_range_excl')}), '23P01', 'validate_constraint finds an overlap');
is(sqlstate_of('restored', q{DELETE FROM office.kiosk WHERE town = 'Moss'; SELECT temporal.validate_constraint('office.kiosk', 'shop_id_valid_range_excl')}), '', 'and none when it is gone');

# Uninstalled: the rows stay, and the tables take anything.
$node->safe_psql('original', 'DROP EXTENSION statbus CASCADE');
is(sqlstate_of('original', q{INSERT INTO office."Sign Board" VALUES (1, 99, '[2021-06-01,2021-07-01)')}), '', 'after DROP EXTENSION CASCADE nothing is checked');
is($node->safe_psql('original', 'SELECT count(*) FROM office.shop'), '4', 'the rows are there');

$node->stop;
done_testing();
