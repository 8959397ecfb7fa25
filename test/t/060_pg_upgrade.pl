# pg_upgrade of a cluster with loaded registers, from the server in STATBUS_OLD_SERVER (test/old_server.sh) to the one
# under test: by copying, and by hard links.  Afterwards everything is as in a register made on the new server.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Basename qw(basename dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $old_server = $ENV{STATBUS_OLD_SERVER} // '';
plan skip_all => 'pg_upgrade: no older server here (STATBUS_OLD_SERVER is not set; PG=18 make check sets it)' if $old_server eq '';
plan skip_all => "pg_upgrade: \"$old_server\" holds no server" unless -x "$old_server/bin/pg_ctl";

my $dir = PostgreSQL::Test::Utils::tempdir();
my $new_server = server_with_extension();
my @initdb = (extra => [ '--encoding=UTF8', '--locale=C.UTF-8', '--username=postgres' ]);

# The old cluster.  The settings in TEMP_CONFIG are for the server under test; the old one has the extension in its folders.
my $old = PostgreSQL::Test::Cluster->new('old', install_path => $old_server);
{
	delete local $ENV{TEMP_CONFIG};
	$old->init(@initdb);
}
$old->start;
refuse_too_old_a_server();
my ($old_major) = $old->safe_psql('postgres', 'SHOW server_version') =~ /^(\d+)/;

create_register($old, 'register');
$old->safe_psql('register', sql_file('setup.sql') . '; SELECT auth.sync_roles()');
# One that was never updated: two upgrades in a row.
$old->safe_psql('postgres', q{CREATE DATABASE older TEMPLATE template0 ENCODING 'UTF8'});
$old->safe_psql('older', q{CREATE EXTENSION btree_gist; CREATE EXTENSION statbus VERSION '0.1.0' CASCADE});
$old->safe_psql('older', sql_file('setup.sql'));

my $rows = rows_of($old, 'register');
my $older_rows = rows_of($old, 'older');
my $secrets = $old->safe_psql('register', 'SELECT s::text FROM auth.secrets AS s ORDER BY s.key');
cmp_ok(length $rows, '>', 100_000, 'the register holds rows');
like($secrets, qr/S3CRET/, 'and a secret');
my $token = $old->safe_psql('register', q{SELECT auth.jwt_sign('{"exp": 4102444800}')});
is($old->safe_psql('register', q{SELECT count(*) FROM pg_roles WHERE rolname LIKE '%@example.org'}), '2', 'its users are roles');
$old->stop;

my $overlap = q{INSERT INTO register.legal_unit (id, valid_from, name, status_id, enterprise_id, primary_for_enterprise)
	SELECT id, '2021-01-01', 'overlap', status_id, enterprise_id, false FROM register.legal_unit WHERE id = 1 LIMIT 1};

# Hard links make the old cluster unusable, so that comes last.
for my $mode ('--copy', '--link')
{
	my $new = PostgreSQL::Test::Cluster->new('new' . $mode, install_path => $new_server);
	# From 18 on, a new cluster has checksums unless it is told otherwise; both must have them or not.
	my ($major) = $new->config_data('--version') =~ /(\d+)/;
	{
		# It has the extension in its own folders, as the old one has.
		delete local $ENV{TEMP_CONFIG};
		$new->init(extra => [ @{ $initdb[1] }, $major >= 18 ? '--no-data-checksums' : () ]);
	}
	note("pg_upgrade $mode: PostgreSQL $old_major to $major");

	my $here = getcwd();
	chdir $dir or die "could not change to $dir";
	command_ok([ "$new_server/bin/pg_upgrade", '--no-sync', $mode,
			'--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir,
			'--old-bindir', "$old_server/bin", '--new-bindir', "$new_server/bin",
			'--socketdir', $new->host, '--old-port', $old->port, '--new-port', $new->port ],
		"pg_upgrade $mode");
	chdir $here;
	my @logs = glob $new->data_dir . '/pg_upgrade_output.d/*/log/*';
	for my $log (@logs)
	{
		my @lines = split /\n/, slurp_file($log);
		my @at = grep { $lines[$_] =~ /(?:ERROR|FATAL|error):/ } 0 .. $#lines;
		diag("$log:\n" . join("\n", @lines[ $at[0] .. ($at[0] + 90 < $#lines ? $at[0] + 90 : $#lines) ])) if @at;
	}
	last if @logs;
	$new->start;

	same_text(rows_of($new, 'register'), $rows, "$mode: every row is there");
	is($new->safe_psql('register', 'SELECT s::text FROM auth.secrets AS s ORDER BY s.key'), $secrets, "$mode: secrets are there and the same");
	is($new->safe_psql('register', "SELECT (auth.jwt_verify('$token')).is_valid"), 't', "$mode: tokens of before are good");
	is($new->safe_psql('register', q{SELECT hint IS NULL FROM statbus.status() WHERE item = 'signing key'}), 't', "$mode: the status says nothing of keys");
	# The trigger that tells of changed keys has come along: it must be seen by a session that has read them.
	is($new->safe_psql('register', "BEGIN; SELECT (auth.jwt_verify('$token')).is_valid; UPDATE auth.signing_key SET state = 'revoked'; SELECT (auth.jwt_verify('$token')).is_valid; ROLLBACK"),
		"t\nf", "$mode: changed keys are noticed");
	is($new->safe_psql('register', 'SELECT statbus.needs_migration()'), 'f', "$mode: nothing is left to migrate");
	is($new->safe_psql('register', 'SELECT count(*) FROM statbus.verify_derived()'), '0', "$mode: derived data is right");

	# Functions in C work, and so do the keys.
	is($new->safe_psql('register', q{SELECT import.parse_date('2024-02-29')}), '2024-02-29', "$mode: a function in C works");
	my ($code, $out, $err) = $new->psql('register', $overlap, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/23P01/, "$mode: a temporal key refuses an overlap");
	($code, $out, $err) = $new->psql('register', 'DELETE FROM register.legal_unit WHERE id = 2', extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($err, qr/23503/, "$mode: a temporal foreign key refuses an orphan");
	is($new->safe_psql('register', 'SELECT count(*) FROM register.legal_unit', extra_params => [ '-U', 'rita@example.org' ]), '100',
		"$mode: users log in and see what they saw");

	# A register made on the new server is the measure.
	create_register($new, 'fresh');
	$new->safe_psql('fresh', sql_file('setup.sql') . '; SELECT auth.sync_roles()');
	same_text(catalogue($new, 'register'), catalogue($new, 'fresh'), "$mode: the catalogue is that of a register made here");

	# The one of version 0.1.0 goes on to the current version.
	is($new->safe_psql('older', 'SELECT statbus.version()'), '0.1.0', "$mode: an older register is still that");
	same_text(rows_of($new, 'older'), $older_rows, "$mode: with every row");
	$new->safe_psql('older', 'ALTER EXTENSION statbus UPDATE');
	same_text(rows_of($new, 'older'), $rows, "$mode: and can be updated");
	$new->safe_psql('register', 'CALL statbus.migrate()');	# the user's column appears in the api
	same_text(catalogue($new, 'older'), catalogue($new, 'register'), "$mode: to the same catalogue");

	is(restored_from_dump($new), '', "$mode: a dump of it can be restored here");
	$new->stop;
}

# server_with_extension(): pg_upgrade asks the new server for "$libdir/statbus", whatever dynamic_library_path says, and a
# test installs nothing into the system.  So this makes a server of symbolic links that has the extension in its own
# library folder; programs are copied, because they find that folder from where they really lie.  Returns what bin/ is in.
sub server_with_extension
{
	my %at;
	for my $what (qw(bindir pkglibdir sharedir))
	{
		chomp($at{$what} = `pg_config --$what`);
		system_or_bail('mkdir', '-p', "$dir/new$at{$what}");
	}
	my ($library) = slurp_file($ENV{TEMP_CONFIG}) =~ /^dynamic_library_path = '([^:']+)/m;
	for my $program (qw(postgres pg_ctl initdb psql pg_dump pg_dumpall pg_restore pg_upgrade pg_config pg_controldata pg_resetwal vacuumdb))
	{
		system_or_bail('cp', '-L', "$at{bindir}/$program", "$dir/new$at{bindir}/$program");
	}
	# Its control file and scripts, too: before 18 the server of links would not find them anywhere else.
	my $extension = "$at{sharedir}/extension";
	my ($installed) = $library =~ /^(.*)\Q$at{pkglibdir}\E$/;
	system_or_bail('mkdir', '-p', "$dir/new$extension");
	symlink $_, "$dir/new$extension/" . basename($_) for glob("$extension/*"), glob("$installed$extension/statbus*");
	for my $what (qw(pkglibdir sharedir))
	{
		symlink $_, "$dir/new$_" for grep { !-e "$dir/new$_" } glob "$at{$what}/*";
	}
	symlink "$library/statbus.so", "$dir/new$at{pkglibdir}/statbus.so" or die "no link to $library/statbus.so: $!";
	return dirname("$dir/new$at{bindir}");
}

# Minor versions matter, too: a server may write what the next major version learned only later.  That would fail for
# every table, so it is tried with one of no extension.
sub refuse_too_old_a_server
{
	my $canary = PostgreSQL::Test::Cluster->new('canary', install_path => $new_server);
	$canary->init(@initdb);
	$canary->start;
	$old->safe_psql('postgres', 'CREATE TABLE canary (a integer)');
	my ($dump, $err) = ('', '');
	IPC::Run::run([ "$new_server/bin/pg_dump", '--dbname', $old->connstr('postgres'), '--table', 'canary' ], '>', \$dump, '2>', \$err);
	my ($code, $out, $refused) = $canary->psql('postgres', $dump, on_error_stop => 1);
	my $versions = join ' to ', map { $_->safe_psql('postgres', 'SHOW server_version') } $old, $canary;
	$canary->stop;
	$old->safe_psql('postgres', 'DROP TABLE canary');
	return if $code == 0 && $err eq '';
	$old->stop;
	plan skip_all => "pg_upgrade: no table at all comes from PostgreSQL $versions: " . join(' ', split /\n/, "$err$refused");
	return;
}

# catalogue($node, $database): the fingerprint, without what CREATE EXTENSION notes of a member's grants when they are
# those that any table has; pg_upgrade keeps that note only where it says something.
sub catalogue
{
	my ($node, $database) = @_;
	return join "\n", grep { !/^init privileges / } split /\n/, fingerprint($node, $database);
}

# restored_from_dump($node): a plain dump can be restored on the new server; what psql says about it.
sub restored_from_dump
{
	my ($node) = @_;
	my $file = "$dir/dump" . $node->port;
	IPC::Run::run([ 'pg_dump', '-f', $file, $node->connstr('register') ]) or return 'pg_dump failed';
	$node->safe_psql('postgres', q{CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8'});
	my $err = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $file, '-d', $node->connstr('restored') ], '2>', \$err)
	  or return "psql failed: $err";
	return rows_of($node, 'restored') eq $rows ? '' : 'rows differ';
}

done_testing();
