# A dump holds everything but secrets, in each of the three ways to restore it.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $node = new_node('main');
create_register($node, 'original');
# With what the user added shown by the API.
$node->safe_psql('original', sql_file('setup.sql') . '; CALL statbus.migrate()');
my $rows = rows_of($node, 'original');
my $catalogue = fingerprint($node, 'original');
my $dump = dump_text($node, 'original');

cmp_ok(length $rows, '>', 100_000, 'the register holds rows');
unlike($dump, qr/S3CRET/, 'no secret is in a dump');
like($dump, qr/CREATE POLICY/, 'policies are in a dump');
unlike(dump_text($node, 'original', '--data-only'), qr/S3CRET/, 'no secret is in a dump of data only');
unlike(dump_text($node, 'original', '--schema', 'auth'), qr/S3CRET/, 'no secret is in a dump of schema auth');

my $dir = PostgreSQL::Test::Utils::tempdir();
command_ok([ 'pg_dump', '-Fp', '-f', "$dir/plain.sql", $node->connstr('original') ], 'plain dump');
command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom", $node->connstr('original') ], 'custom dump');
command_ok([ 'pg_dump', '-Fd', '-f', "$dir/directory", $node->connstr('original') ], 'directory dump');

my %restore = (
	plain => [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/plain.sql", '-d' ],
	single => [ 'pg_restore', '-1', "$dir/custom", '-d' ],
	parallel => [ 'pg_restore', '-j4', '-e', "$dir/directory", '-d' ]);
for my $way (sort keys %restore)
{
	$node->safe_psql('postgres', "CREATE DATABASE restored_$way TEMPLATE template0 ENCODING 'UTF8'");
	command_ok([ @{ $restore{$way} }, $node->connstr("restored_$way") ], "$way: restore");
	same_text(rows_of($node, "restored_$way"), $rows, "$way: every row is there");
	same_text(fingerprint($node, "restored_$way"), $catalogue, "$way: keys, policies, triggers, grants, views are there");
	same_text(dump_text($node, "restored_$way"), $dump, "$way: a second dump equals the first");
	is($node->safe_psql("restored_$way", 'SELECT count(*) FROM auth.secrets WHERE key = \'office\''), '0', "$way: secrets stayed behind");
	is($node->safe_psql("restored_$way", q{SELECT has_database_privilege('public', current_database(), 'CONNECT')}), 'f', "$way: not everybody may connect");
	is($node->safe_psql("restored_$way", 'SELECT statbus.needs_migration()'), 'f', "$way: nothing is left to migrate");
}

# The restored register works: keys refuse, identities go on.
my ($code, $out, $err) = $node->psql('restored_parallel', q{INSERT INTO register.legal_unit (id, valid_from, name, status_id, enterprise_id, primary_for_enterprise)
	SELECT id, '2021-01-01', 'overlap', status_id, enterprise_id, false FROM register.legal_unit WHERE id = 1 LIMIT 1});
like($err, qr/legal_unit_id_valid|conflicting key|exclusion/, 'a temporal key works after a restore');
is($node->safe_psql('restored_parallel', q{INSERT INTO register.legal_unit (valid_from, name, status_id, enterprise_id, primary_for_enterprise)
	SELECT '2021-01-01', 'new', status_id, enterprise_id, false FROM register.legal_unit WHERE id = 1 LIMIT 1 RETURNING id}), '51', 'identities go on where they were');

# A dump restored over newer code, or not restored at all: the way out is named.
$node->safe_psql('postgres', 'CREATE DATABASE schemas_only');
$node->safe_psql('schemas_only', 'CREATE SCHEMA register; CREATE SCHEMA auth; CREATE SCHEMA import; CREATE SCHEMA worker; CREATE SCHEMA api');
($code, $out, $err) = $node->psql('schemas_only', 'CREATE EXTENSION statbus CASCADE');
like($err, qr/NOTICE:  statbus: tables are expected from a dump; otherwise run CALL statbus\.migrate\(\)/, 'code only, and it says so');
is($node->safe_psql('schemas_only', 'SELECT statbus.needs_migration()'), 't', 'migration is due');
($code, $out, $err) = $node->psql('schemas_only', 'SELECT auth.pre_request()', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/55000.*\n?.*CALL statbus\.migrate\(\)/s, 'requests are refused with 55000 and the hint');
$node->safe_psql('schemas_only', 'CALL statbus.migrate()');
create_register($node, 'fresh');
my $fresh = fingerprint($node, 'fresh');
same_text(join("\n", grep { !/^schema / } split /\n/, fingerprint($node, 'schemas_only')), join("\n", grep { !/^schema / } split /\n/, $fresh), 'migrate() builds what a fresh install has');

# Uninstalled by force and installed again.
$node->safe_psql('original', 'DROP EXTENSION statbus CASCADE; CREATE EXTENSION statbus; CALL statbus.migrate()');
same_text(fingerprint($node, 'original'), $catalogue, 'CASCADE, CREATE, migrate(): the catalogue is what it was');
same_text(rows_of($node, 'original'), $rows, 'CASCADE, CREATE, migrate(): every row is there');
$node->safe_psql('fresh', 'DROP EXTENSION statbus CASCADE; CREATE EXTENSION statbus; CALL statbus.migrate()');
same_text(fingerprint($node, 'fresh'), $fresh, 'CASCADE, CREATE, migrate() equals a fresh install');

$node->stop;
done_testing();
