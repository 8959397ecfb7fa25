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
$node->safe_psql('one', sql_file('setup.sql') . '; SELECT auth.sync_roles()');
$node->safe_psql('two', q{INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Otto Other', 'otto@example.org', 'admin_user'); SELECT auth.sync_roles()});
# Rita edits in the first register; in the second she only reads.
$node->safe_psql('two', q{INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Rita Reader', 'rita@example.org', 'external_user'); SELECT auth.sync_roles()});

# as($user, $database, $sql): what the server answers a user who logs in by himself
sub as
{
	my ($user, $database, $sql) = @_;
	my ($code, $out, $err) = $node->psql($database, $sql, extra_params => [ '-U', $user, '-v', 'VERBOSITY=sqlstate' ]);
	return $code == 0 ? $out : ($err =~ /(?:ERROR|FATAL):\s+(.*)/)[0];
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

# One person, two registers, two roles.
is(as('rita@example.org', 'one', 'SELECT auth.statbus_role()'), 'regular_user', 'Rita edits in one');
is(as('rita@example.org', 'two', 'SELECT auth.statbus_role()'), 'external_user', 'and reads in the other');
is(as('rita@example.org', 'two', q{INSERT INTO register.enterprise (short_name) VALUES ('x')}), '42501', 'where she may not write, although her role in the cluster could');

# A dropped register leaves the roles and the other register alone.
$node->safe_psql('postgres', 'DROP DATABASE one');
is(as('otto@example.org', 'two', 'SELECT count(*) > 200 FROM register.country'), 't', 'the other register lives on');

$node->stop;
done_testing();
