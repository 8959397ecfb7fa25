# Two registers in one cluster share roles, and nothing else.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $node = new_node('cluster');
create_register($node, $_) for qw(one two);
$node->safe_psql('one', sql_file('setup.sql'));
$node->safe_psql('two', q{INSERT INTO auth."user" (display_name, email, statbus_role, email_confirmed_at) VALUES ('Otto Other', 'otto@example.org', 'admin_user', now())});

# as($user, $database, $sql): what the server answers a user who logs in by himself
sub as
{
	my ($user, $database, $sql) = @_;
	my ($code, $out, $err) = $node->psql($database, $sql, extra_params => [ '-U', $user, '-v', 'VERBOSITY=sqlstate' ]);
	return $code == 0 ? $out : ($err =~ /(?:ERROR|FATAL):\s+(.*)/)[0];
}

# verifier($role): the server's password of a role
sub verifier
{
	my ($role) = @_;
	return $node->safe_psql('postgres', "SELECT rolpassword FROM pg_authid WHERE rolname = '$role'");
}

is(as('ada@example.org', 'one', 'SELECT count(*) FROM register.legal_unit'), '100', 'an admin reads her register');
like(as('ada@example.org', 'two', 'SELECT 1'), qr/permission denied for database/, 'and may not even connect to the other');
like(as('otto@example.org', 'one', 'SELECT 1'), qr/permission denied for database/, 'nor the other way round');

# Even connected, a stranger sees nothing.
$node->safe_psql('postgres', 'GRANT CONNECT ON DATABASE one TO "otto@example.org"');
is(as('otto@example.org', 'one', 'SELECT auth.uid() IS NULL'), 't', 'the admin of another register is nobody here');
is(as('otto@example.org', 'one', 'SELECT current_user'), 'otto@example.org', 'although it is he');
for my $table ($node->safe_psql('one', q{SELECT c.oid::regclass FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND n.nspname IN ('register', 'auth', 'import', 'worker') AND c.oid <> 'register.migration'::regclass ORDER BY 1}) =~ /(\S+)/g)
{
	my $seen = as('otto@example.org', 'one', "SELECT count(*) FROM $table");
	ok($seen eq '0' || $seen eq '42501', "he sees no row of $table ($seen)");
}
is(as('otto@example.org', 'one', q{UPDATE register.legal_unit SET name = 'mine', edit_by_user_id = 1 RETURNING 1}), '', 'and changes none');

# One person, two registers, two roles: Rita edits in the first; in the second she only reads. Her role was there before the
# second register knew her, so a superuser of the server lets her in.
my ($rita) = as('otto@example.org', 'two', q{SELECT email || ' ' || length(password) FROM auth.user_create('Rita Reader', 'rita@example.org', 'external_user')});
is($rita, 'rita@example.org 20', 'the administrator of the second register adds her');
like(as('rita@example.org', 'two', 'SELECT 1'), qr/permission denied for database/, 'but cannot let a role in that is not his to give');
is($node->safe_psql('two', q{SELECT has_own_role FROM auth."user" WHERE email = 'rita@example.org'}), 'f', 'it is not his own');
is(verifier('rita@example.org'), '', 'and has no password from him');
is($node->safe_psql('two', 'SELECT auth.sync_roles()'), '0', 'no role is to be made');
is(as('rita@example.org', 'one', 'SELECT auth.statbus_role()'), 'regular_user', 'Rita edits in one');
is(as('rita@example.org', 'two', 'SELECT auth.statbus_role()'), 'external_user', 'and reads in the other');
is(as('rita@example.org', 'two', q{INSERT INTO register.enterprise (short_name) VALUES ('x')}), '42501', 'where she may not write, although her role in the cluster could');

# The password of the role is nobody's while both let her in, and the first's before and after.
my $change = q{SELECT auth.admin_change_password(sub, 'correct horse battery') FROM auth."user" WHERE email = 'rita@example.org'};
is(as('otto@example.org', 'two', q{SELECT auth.admin_change_password(sub, 'correct horse') FROM api."user" WHERE email = 'rita@example.org'}), 't', 'the second register has its own password for her');
is(as('ada@example.org', 'one', $change =~ s/auth\."user"/api."user"/r), 't', 'and the first one as well');
is(verifier('rita@example.org'), '', 'neither is that of her role');
$node->safe_psql('two', q{UPDATE auth."user" SET deleted_at = now() WHERE email = 'rita@example.org'});
is(as('rita@example.org', 'one', 'SELECT auth.statbus_role()'), 'regular_user', 'taken out of the second, she still works in the first');
like(as('rita@example.org', 'two', 'SELECT 1'), qr/permission denied for database/, 'and no more in the second');

# What she is in the second, the first does not take from her, although it has made the role.
as('ada@example.org', 'one', q{SELECT FROM auth.user_create('Carla', 'carla@example.org', 'regular_user')});
as('otto@example.org', 'two', q{SELECT FROM auth.user_create('Carla', 'carla@example.org', 'admin_user')});
my $is_admin = q{SELECT pg_has_role('carla@example.org', 'admin_user', 'MEMBER')};
is(as('ada@example.org', 'one', q{UPDATE api."user" SET statbus_role = 'external_user' WHERE email = 'carla@example.org' RETURNING 1}), '1', 'Carla only reads in the first');
is($node->safe_psql('two', $is_admin), 't', 'she can still act as an administrator of the second');
like(as('carla@example.org', 'two', 'SELECT 1'), qr/permission denied for database/, 'although it does not let her connect');
$node->safe_psql('two', q{UPDATE auth."user" SET deleted_at = now() WHERE email = 'carla@example.org'});
as('ada@example.org', 'one', q{UPDATE api."user" SET statbus_role = 'regular_user' WHERE email = 'carla@example.org'});
is($node->safe_psql('two', $is_admin), 'f', 'which has nothing to lose when the second no longer counts on it');

# There, she logs in with her password; no statement that was run for it can be logged.
my $log_begin = -s $node->logfile;
$node->safe_psql('one', "SET log_statement = 'ddl'; SET log_min_duration_statement = 0; SET log_parameter_max_length_on_error = -1; "
	  . "DO \$\$ BEGIN PERFORM auth.set_password((SELECT id FROM auth.\"user\" WHERE email = 'rita\@example.org'), 'correct horse ' || 'battery'); END \$\$");
like(verifier('rita@example.org'), qr/^SCRAM-SHA-256\$/, 'the role has the password that the first register gave it');
unlike(slurp_file($node->logfile, $log_begin), qr/correct horse battery|SCRAM|\$2a\$/, 'and the log has neither that nor what it was made to');
my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
open(my $out, '>', $node->data_dir . '/pg_hba.conf') or die $!;
print $out qq{local all "rita\@example.org" scram-sha-256\n$hba};
close $out;
$node->reload;
{
	local $ENV{PGPASSWORD} = 'correct horse battery';
	is(as('rita@example.org', 'one', 'SELECT auth.uid() IS NOT NULL'), 't', 'she logs in with it');
	$ENV{PGPASSWORD} = 'correct horse';
	like(as('rita@example.org', 'one', 'SELECT 1'), qr/password authentication failed/, 'and not with another');
}
open($out, '>', $node->data_dir . '/pg_hba.conf') or die $!;
print $out $hba;
close $out;
$node->reload;

# Two registers add the same person at the same time: the second waits, and finds the role of the first.
my $one = $node->background_psql('one');
my $two = $node->background_psql('two');
my $add = q{INSERT INTO auth."user" (display_name, email, password) VALUES ('Nora New', 'nora@example.org', 'correct horse');};
$one->query_safe("BEGIN; $add");
$two->query_until(qr/adds/, "\\echo adds\n$add\n\\echo added\n");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'object' AND NOT granted}), 'the second register waits for the first');
$one->query_safe('COMMIT');
$two->query_safe('SELECT 1');
$_->quit for $one, $two;
is($node->safe_psql($_, q{SELECT has_own_role FROM auth."user" WHERE email = 'nora@example.org'}), $_ eq 'one' ? 't' : 'f', "$_: whose role it is") for qw(one two);
like(as('nora@example.org', 'two', 'SELECT 1'), qr/permission denied for database/, 'it may connect to one of them');
is(as('nora@example.org', 'one', 'SELECT 1'), '1', 'to the one that made it');

# A user who holds his own row keeps nobody waiting for long, and what he holds can be ended.
my ($in, $out, $err) = ("BEGIN; UPDATE auth.\"user\" SET display_name = display_name WHERE email = 'rita\@example.org'; SELECT 'held';\n", '', '');
my $held = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('one') . ' user=rita@example.org' ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
$held->pump until $out =~ /held/ || !$held->pumpable;
is($out, "held\n", 'Rita holds her row');
my $take_out = q{UPDATE auth."user" SET deleted_at = now() WHERE email = 'rita@example.org'};
is(as('ada@example.org', 'one', "SET lock_timeout = '50ms'; $take_out"), '55P03', 'who takes her out waits');
is(as('ada@example.org', 'one', q{BEGIN; UPDATE auth."user" SET deleted_at = deleted_at WHERE false; SHOW lock_timeout}), '10s', 'and not for ever');
my $rita = $node->safe_psql('one', q{SELECT sub FROM auth."user" WHERE email = 'rita@example.org'});
is(as('rita@example.org', 'one', "SELECT auth.end_connections('$rita')"), '42501', 'a user ends no connections');
is(as('otto@example.org', 'one', "SELECT auth.end_connections('$rita')"), '42501', 'nor does an administrator of another register');
is(as('ada@example.org', 'one', "SELECT api.end_connections('$rita')"), '1', 'an administrator ends hers');
$in .= "SELECT 1;\n";
eval { $held->finish };
like($err, qr/terminating connection/, 'which she is told');
is(as('ada@example.org', 'one', "BEGIN; SET lock_timeout = '50ms'; $take_out; SELECT 'gone'"), 'gone', 'and then she can be taken out');

# A copy of a register beside it: a restore brings no role and lets nobody in, and the copy opens no role of the original.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/one';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('one') ], 'a dump');
my $verifier = verifier('rita@example.org');
$node->safe_psql('postgres', "CREATE DATABASE copy TEMPLATE template0 ENCODING 'UTF8'");
command_ok([ 'pg_restore', '-e', '-d', $node->connstr('copy'), $dump ], 'restored beside the original');
like(as('ada@example.org', 'copy', 'SELECT 1'), qr/permission denied for database/, 'nobody may connect to the copy');
is($node->safe_psql('copy', "$change; SELECT auth.sync_roles()"), "t\n0", 'until the roles are synchronised');
is(as('ada@example.org', 'copy', 'SELECT auth.statbus_role()'), 'admin_user', 'then they may');
is(verifier('rita@example.org'), $verifier, 'a password that was changed in the copy is not that of the role');
$node->safe_psql('postgres', 'DROP DATABASE copy');

# A dropped register leaves the roles and the other register alone.
$node->safe_psql('postgres', 'DROP DATABASE one');
is(as('otto@example.org', 'two', 'SELECT count(*) > 200 FROM register.country'), 't', 'the other register lives on');

# Restored on a server that has no roles, they are made when they are asked for.
$node->safe_psql('postgres', q{DROP ROLE "ada@example.org", "rita@example.org", "carla@example.org"});
$node->safe_psql('postgres', "CREATE DATABASE one TEMPLATE template0 ENCODING 'UTF8'");
command_ok([ 'pg_restore', '-e', '-d', $node->connstr('one'), $dump ], 'restored where there are no roles');
is($node->safe_psql('one', q{SELECT count(*) FROM pg_roles WHERE rolname IN ('ada@example.org', 'rita@example.org')}), '0', 'a restore makes none');
is($node->safe_psql('one', 'SELECT auth.sync_roles()'), '3', 'auth.sync_roles() does');
is(as('rita@example.org', 'one', 'SELECT auth.statbus_role()'), 'regular_user', 'and they log in');
is(verifier('rita@example.org'), '', 'without a password: a dump has none of the server');
$node->safe_psql('one', $change);
like(verifier('rita@example.org'), qr/^SCRAM-SHA-256\$/, 'until they are given one');

$node->stop;
done_testing();
