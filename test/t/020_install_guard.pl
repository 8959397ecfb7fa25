# Where CREATE EXTENSION refuses, and where the required extensions may live.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $node = new_node('guard');

# refused($database, $preparation, $sqlstate, $message, $what)
sub refused
{
	my ($database, $preparation, $sqlstate, $message, $what) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, $preparation);
	my ($code, $out, $err) = $node->psql($database, 'CREATE EXTENSION statbus CASCADE', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/ERROR:  $sqlstate: $message/, $what);
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('statbus', 'worker')}), '0', "$what: nothing is left");
}

my $five = join(' ', map { "CREATE SCHEMA $_;" } qw(register auth import api));
refused('partial', 'CREATE SCHEMA auth', '42P06', 'schema "auth" already exists', 'some of the schemas');
refused('four', $five, '42P06', 'schema "api" already exists', 'four of the schemas');
refused('public_may_create', 'CREATE SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext; GRANT CREATE ON SCHEMA ext TO PUBLIC',
	'42501', 'schema "ext" holds an extension that statbus needs, and PUBLIC may create objects in it', 'a schema in which everybody may create');

refused('taken', 'CREATE SCHEMA temporal; CREATE FUNCTION temporal.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
	'42P06', 'schema "temporal" already exists and holds function temporal\.f\(\)', 'something in schema temporal');
refused('not_a_superusers', 'CREATE ROLE owner_of_a_schema; CREATE SCHEMA temporal AUTHORIZATION owner_of_a_schema',
	'42501', 'a schema of statbus belongs to a role that is not a superuser', 'a schema that somebody else owns');

$node->safe_psql('postgres', "CREATE DATABASE stranger TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('stranger', "$five CREATE SCHEMA worker; CREATE TABLE import.mine (a int)");
my ($code, $out, $err) = $node->psql('stranger', 'CREATE EXTENSION statbus CASCADE', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  42P06: schema "import" already exists and holds relation "mine", which is not part of a register/, 'a stranger in one of the schemas');

$node->safe_psql('postgres', "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
($code, $out, $err) = $node->psql('latin', 'CREATE EXTENSION statbus CASCADE', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  0A000: statbus needs a database with encoding UTF8, this one has LATIN1/, 'another encoding');

# The owner of the database, who is no superuser, is warned about.
$node->safe_psql('postgres', "CREATE ROLE office; CREATE DATABASE office OWNER office TEMPLATE template0 ENCODING 'UTF8'");
($code, $out, $err) = $node->psql('office', 'CREATE EXTENSION statbus CASCADE');
like($err, qr/WARNING:  role "office" may create objects in schema "public"/, 'a database owner who may create where ltree is: a warning');
is($node->safe_psql('office', 'SELECT statbus.needs_migration()'), 'f', 'and a register');

# The required extensions in a schema of their own, one with a name that must be quoted.
for my $schema ('extensions', 'My Extensions')
{
	my $database = $schema eq 'extensions' ? 'elsewhere' : 'quoted';
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, qq{CREATE SCHEMA "$schema"; CREATE EXTENSION ltree SCHEMA "$schema"; CREATE EXTENSION citext SCHEMA "$schema"; CREATE EXTENSION pgcrypto SCHEMA "$schema"; CREATE EXTENSION statbus});
	is($node->safe_psql($database, 'SELECT array_to_string(statbus.required_schemas(), \',\')'), $schema, "required extensions in schema \"$schema\"");
	$node->safe_psql($database, sql_file('setup.sql'));
	is($node->safe_psql($database, 'SELECT count(*) FROM register.legal_unit'), '100', "a register works with them in \"$schema\"");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_proc WHERE proconfig::text LIKE '%statbus_requires%'}), '0', 'no search_path is left unresolved');
}

$node->stop;
done_testing();
