# ALTER EXTENSION statbus UPDATE on loaded data.  Three ways lead to the same register: a new one of this version, an
# older one that was updated, and a dump.  The older ones are the frozen scripts of versions 0.1.0 to 0.3.0
# (test/upgrade/freeze.sh).
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Basename qw(basename dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $node = new_node('upgrade');
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($code, $out, $err);

# create_old($database, $version): a register of an older version with rows and with what a user adds.
sub create_old
{
	my ($database, $version, $preparation) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, $preparation) if $preparation;
	$node->safe_psql($database, 'CREATE EXTENSION IF NOT EXISTS btree_gist');	# which versions before 0.3.0 required
	$node->safe_psql($database, qq{CREATE EXTENSION statbus VERSION '$version' CASCADE});
	$node->safe_psql($database, sql_file('setup.sql'));
	return;
}

sub restore
{
	my ($database, $dump, $preparation) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, $preparation) if $preparation;
	command_ok([ 'pg_restore', '-j4', '-e', '-d', $node->connstr($database), $dump ], "$database: restore");
	return;
}

# What of a register's data belongs to the extension: pg_dump would leave out what hangs on it.
my $members = q{SELECT i.type, i.identity FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid AND x.extname = 'statbus'
	CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND i.type NOT IN ('function', 'procedure', 'type', 'composite type')
	AND (i.schema IN ('register', 'auth', 'import', 'worker', 'api') OR i.type = 'schema') ORDER BY 2};
my $member_tables = "table|auth.secrets\ntable|auth.signing_key";
my $secrets = q{SELECT s::text FROM auth.secrets AS s WHERE s.key NOT LIKE 'jwt\_secret:%' ORDER BY s.key};

# 0.1.0 as it was released.
create_old('updated', '0.1.0');
is($node->safe_psql('updated', 'SELECT statbus.version(), statbus.newest_step()'), '0.1.0|8', 'the fixture is version 0.1.0, with steps up to 8');
is($node->safe_psql('updated', $members), 'table|auth.secrets', '0.1.0: no table is a member but auth.secrets');
create_old('updated_020', '0.2.0');
is($node->safe_psql('updated_020', 'SELECT statbus.version(), statbus.newest_step()'), '0.2.0|14', 'the other fixture is version 0.2.0, with steps up to 14');
is($node->safe_psql('updated', q{SELECT to_regclass('import.job') IS NULL AND to_regclass('worker.tasks') IS NULL AND to_regclass('register.statistical_unit') IS NULL}),
	't', 'it has no import, no queue and nothing derived');

# A step that users have had is immutable: who has had it will never have its new text.
create_old('updated_030', '0.3.0');
is($node->safe_psql('updated_030', 'SELECT statbus.version(), statbus.newest_step()'), '0.3.0|15', 'the last one is version 0.3.0, with steps up to 15');
my %released = $node->safe_psql('updated_030', 'SELECT name, body_hash FROM register.migration') =~ /^(\S+)\|(\S+)$/mg;
my $data_dir = dirname(__FILE__) . '/../../src/sql/data';
for my $file (sort glob "$data_dir/*.sql")
{
	my $name = basename($file, '.sql');
	next if $name =~ /^(\d+)/ && $1 > 15;
	is(sha256_hex(slurp_file($file)), delete $released{$name} // 'no such step', "step $name is as it was released")
	  or diag("a released step was changed: $file.  Make a new step after the last one instead.");
}
is(join(' ', sort keys %released), '', 'no released step is gone');

command_ok([ 'pg_dump', '-Fd', '-f', "$dir/old", $node->connstr('updated') ], 'dump of 0.1.0');
$node->safe_psql('postgres', 'CREATE DATABASE collision TEMPLATE updated');
my $kept = $node->safe_psql('updated', $secrets);
like($kept, qr/S3CRET/, 'the old register has a secret');
is($node->safe_psql('updated_030', 'SELECT count(*) FROM auth.secrets'), '1', 'and no key of tokens');

# The update.
$node->safe_psql('updated', 'ALTER EXTENSION statbus UPDATE');
my ($current) = slurp_file(dirname(__FILE__) . '/../../statbus.control') =~ /^default_version\s*=\s*'(.*)'/m;
is($node->safe_psql('updated', 'SELECT statbus.version()'), $current, 'updated to the current version');
is($node->safe_psql('updated', 'SELECT statbus.needs_migration()'), 'f', 'nothing is left to migrate');
is($node->safe_psql('updated', $secrets), $kept, 'secrets survive an update');
my $keys = q{SELECT k.kid, k.algorithm, k.state, s.value FROM auth.signing_key AS k JOIN auth.secrets AS s ON s.key = 'jwt_secret:' || k.kid ORDER BY k.kid};
my $key = $node->safe_psql('updated', $keys);
like($key, qr/^[^|]+\|HS256\|active\|\S{64}$/, 'an update makes the first key of tokens');
is($node->safe_psql('updated', q{SELECT string_agg(e.details ->> 'kid', ' ') FROM auth.event AS e WHERE e.kind = 'key_created'}), (split /\|/, $key)[0], 'and records it');
is($node->safe_psql('updated', $members), $member_tables, 'updated: no table is a member but those of secrets');
$node->safe_psql('updated', 'ALTER EXTENSION statbus UPDATE; CALL statbus.migrate()');
is($node->safe_psql('updated', $keys), $key, 'doing it again makes no other');
$node->safe_psql('updated_020', 'ALTER EXTENSION statbus UPDATE; CALL statbus.migrate()');
$node->safe_psql('updated_030', 'ALTER EXTENSION statbus UPDATE; CALL statbus.migrate()');

# Baseline: the current version from the start.  migrate() shows the user's column in the api, as an update does.
create_register($node, 'baseline');
$node->safe_psql('baseline', sql_file('setup.sql'));
$node->safe_psql('baseline', 'CALL statbus.migrate()');
my $rows = rows_of($node, 'baseline');
my $catalogue = fingerprint($node, 'baseline');
cmp_ok(length $rows, '>', 100_000, 'the register holds rows');
is($node->safe_psql('baseline', $members), $member_tables, 'baseline: no table is a member but those of secrets');

# Restored: a dump of the updated register; and a dump of the old one under the new code.
command_ok([ 'pg_dump', '-Fd', '-f', "$dir/updated", $node->connstr('updated') ], 'dump of the updated register');
restore('restored', "$dir/updated");
restore('restored_old', "$dir/old", 'CREATE EXTENSION pgcrypto');	# which versions before 0.4.0 did not require
is($node->safe_psql('restored', 'SELECT count(*) FROM auth.event'), $node->safe_psql('updated', 'SELECT count(*) FROM auth.event'), 'events are in a dump');
isnt($node->safe_psql('restored', $keys), $key, 'the key of tokens is not: a restored register has one of its own');
is($node->safe_psql('restored_old', 'SELECT statbus.version(), statbus.needs_migration()'), "$current|t", 'an old dump under new code: migration is due');
($code, $out, $err) = $node->psql('restored_old', 'SELECT auth.pre_request()', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/55000.*\n?.*CALL statbus\.migrate\(\)/s, 'requests are refused until then, with the way out');
$node->safe_psql('restored_old', 'CALL statbus.migrate()');

# add_one($database): a new unit through all keys; what it is derived to.
my $overlap = q{INSERT INTO register.legal_unit (id, valid_from, name, status_id, enterprise_id, primary_for_enterprise)
	SELECT id, '2021-01-01', 'overlap', status_id, enterprise_id, false FROM register.legal_unit WHERE id = 1 LIMIT 1};
my $orphan = q{DELETE FROM register.legal_unit WHERE id = 2};
my $new_unit = q{INSERT INTO register.legal_unit (valid_from, name, status_id, enterprise_id, primary_for_enterprise)
	SELECT '2021-01-01', 'new', status_id, enterprise_id, false FROM register.legal_unit WHERE id = 1 LIMIT 1 RETURNING id, office_remark};
for my $database (qw(updated updated_020 updated_030 restored restored_old))
{
	same_text(rows_of($node, $database), $rows, "$database: every row is there");
	same_text(fingerprint($node, $database), $catalogue, "$database: the catalogue is that of a new register");
	is($node->safe_psql($database, $members), $member_tables, "$database: no table is a member but those of secrets");
	is($node->safe_psql($database, 'SELECT statbus.needs_migration()'), 'f', "$database: nothing is left to migrate");
	is($node->safe_psql($database, 'SELECT count(*) FROM statbus.verify_derived()'), '0', "$database: derived data is right");
	is($node->safe_psql($database, 'SELECT (SELECT string_agg(DISTINCT office_remark, \',\') FROM register.legal_unit), (SELECT count(*) FROM register.office_view),
			to_regclass(\'register.office_remark_idx\') IS NOT NULL, (SELECT count(*) FROM pg_policies WHERE policyname = \'office_reads_notes\'),
			has_table_privilege(\'external_user\', \'register.office_view\', \'SELECT\')'),
		'none|100|t|1|t', "$database: the user's column, view, index, policy and grant are there");
	is($node->safe_psql($database, q{SELECT count(*) FROM auth.secrets WHERE key = 'office'}), $database =~ /^updated/ ? '1' : '0',
		"$database: secrets stay in their database");

	($code, $out, $err) = $node->psql($database, $overlap, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/23P01/, "$database: a temporal key refuses an overlap");
	($code, $out, $err) = $node->psql($database, $orphan, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/23503/, "$database: a temporal foreign key refuses an orphan");
}
same_text(dump_text($node, 'restored'), dump_text($node, 'updated'), 'a dump of the restored register equals that of the updated one');
for my $database (qw(baseline updated updated_020 updated_030 restored restored_old))
{
	is($node->safe_psql($database, $new_unit), '51|none', "$database: identities go on where they were");
	is($node->safe_psql($database, q{SELECT count(*) FROM register.statistical_unit WHERE unit_type = 'legal_unit' AND unit_id = 51}), '1', "$database: a new unit is derived");
}

# Uninstalled by force after an update, changed meanwhile, and installed again.
$node->safe_psql('updated', q{DROP EXTENSION statbus CASCADE; UPDATE register.legal_unit SET name = 'changed meanwhile' WHERE id = 51});
$node->safe_psql('updated', 'CREATE EXTENSION statbus; CALL statbus.migrate()');
is($node->safe_psql('updated', q{SELECT name FROM register.statistical_unit WHERE unit_type = 'legal_unit' AND unit_id = 51}), 'changed meanwhile',
	'what changed while the triggers were gone is derived by migrate()');
same_text(fingerprint($node, 'updated'), $catalogue, 'CASCADE, CREATE, migrate(): the catalogue is what it was');

# Old code must not work on a register that newer code has built.
$node->safe_psql('updated', q{DROP EXTENSION statbus CASCADE; CREATE EXTENSION statbus VERSION '0.1.0'});
($code, $out, $err) = $node->psql('updated', 'CALL statbus.migrate()', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/55000: this register was built by a newer version of statbus than 0\.1\.0/, 'old code refuses a newer register');
$node->safe_psql('updated', 'ALTER EXTENSION statbus UPDATE');
same_text(fingerprint($node, 'updated'), $catalogue, 'and an update makes it whole again');

# An update that cannot be done leaves everything as it was.
my $before = fingerprint($node, 'collision');
$node->safe_psql('collision', 'CREATE TABLE import.job (ours text)');
($code, $out, $err) = $node->psql('collision', 'ALTER EXTENSION statbus UPDATE', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/42P07.*"job" already exists/, 'a table of the user in the way of a new one: refused');
$node->safe_psql('collision', 'DROP TABLE import.job');
same_text(fingerprint($node, 'collision'), $before, 'nothing has changed');

# What the user has configured before the update, the new parts take up as if he had done it after: here the import.
my $configuration = q{SET search_path = public;
	INSERT INTO register.external_ident_type (code, name, priority) VALUES ('office_number', 'Number of the office', 30);
	INSERT INTO register.external_ident_type (code, name, shape, labels, priority) VALUES ('census_ident', 'Census', 'hierarchical', 'region.unit_no', 31);
	INSERT INTO register.stat_definition (code, type, frequency, name, priority) VALUES ('exports', 'bool', 'yearly', 'Exports', 30);
	UPDATE register.stat_definition SET enabled = false WHERE code = 'employees'};
my $columns = q{SELECT s.code, c.column_name, c.column_type, c.purpose, c.target_pg_type, c.is_uniquely_identifying, c.ident_label, c.enabled
	FROM import.data_column AS c JOIN import.step AS s ON s.id = c.step_id
	UNION ALL
	SELECT d.slug, c.column_name, NULL, NULL, NULL, NULL, NULL, NULL
	FROM import.source_column AS c JOIN import.definition AS d ON d.id = c.definition_id
	ORDER BY 1, 2, 4};
$node->safe_psql('collision', $configuration);
$node->safe_psql('collision', 'ALTER EXTENSION statbus UPDATE');
same_text(fingerprint($node, 'collision'), $catalogue, 'without it the update works');
$node->safe_psql('baseline', $configuration);
like($node->safe_psql('collision', $columns), qr/^\w+\|office_number_raw\|/m, 'a type of identifier that the user had made has its import columns');
same_text($node->safe_psql('collision', $columns), $node->safe_psql('baseline', $columns), 'import columns are those of a new register');

# The required extensions in a schema of their own.
create_old('elsewhere', '0.1.0', 'CREATE SCHEMA "My Extensions"; ' . join('', map { qq{CREATE EXTENSION $_ SCHEMA "My Extensions";} } qw(ltree citext pgcrypto btree_gist)));
$node->safe_psql('elsewhere', 'ALTER EXTENSION statbus UPDATE');
same_text(rows_of($node, 'elsewhere'), $rows, 'required extensions elsewhere: every row is there');
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM pg_proc WHERE proconfig::text LIKE '%statbus_requires%'}), '0', 'no search_path is left unresolved');

$node->stop;
done_testing();
