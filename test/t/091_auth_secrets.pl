# Keys of tokens: what is secret about them is in no dump, plan, statistic, log or message; they are loaded from files;
# a restore makes new ones and says so; tokens with strange roles switch none.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $far = 4102444800;
my $dir = PostgreSQL::Test::Utils::tempdir();

# Everything that can be logged is logged.
my $node = PostgreSQL::Test::Cluster->new('secrets');
$node->init;
chomp(my $library = `pg_config --pkglibdir`);
my @watchers = grep { -e "$library/$_.so" } qw(pg_stat_statements auto_explain);
$node->append_conf('postgresql.conf', "shared_preload_libraries = '" . join(',', @watchers) . "'\n");
$node->append_conf('postgresql.conf', 'pg_stat_statements.track = all') if grep { /pg_stat/ } @watchers;
$node->start;
create_register($node, 'original');
$node->safe_psql('original', 'CREATE EXTENSION pg_stat_statements') if grep { /pg_stat/ } @watchers;
my @logging = ("log_statement = 'all'", 'log_min_duration_statement = 0', 'log_error_verbosity = verbose', 'log_parameter_max_length = -1', 'log_parameter_max_length_on_error = -1');
push @logging, 'auto_explain.log_min_duration = 0', 'auto_explain.log_verbose = on', 'auto_explain.log_nested_statements = on' if grep { /auto_explain/ } @watchers;
$node->safe_psql('postgres', "ALTER DATABASE original SET $_") for @logging;

# The SQLSTATE and all that the client is told.
sub told
{
	my ($statement, $database) = @_;
	my ($code, $out, $err) = $node->psql($database // 'original', $statement, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return ($err =~ /ERROR:  (\w{5}):/ ? $1 : 'no error', $out . $err);
}

sub sql { return $node->safe_psql($_[1] // 'original', $_[0]) }

my $files = 0;

# A file of the server with this content.
sub file_of
{
	my ($content) = @_;
	my $file = "$dir/key" . ++$files;
	open(my $out, '>:raw', $file) or die "$file: $!";
	print $out $content;
	close $out;
	return $file;
}

sub verifies { return sql("SELECT (auth.jwt_verify('$_[0]')).is_valid", $_[1]) }
sub sign { return sql("SELECT auth.jwt_sign(jsonb_build_object('exp', $far))", $_[0]) }

# --- loading keys ---
my $first = sign();
my $loaded = 'a secret of this test, 36 bytes long';
is(sql("SELECT auth.set_secret_from_file('" . file_of("$loaded\n") . "', 'office')"), 'office', 'a shared secret is loaded, without the newline of its file');
is(sql(q{SELECT encode(sha256(convert_to(value, 'UTF8')), 'hex') FROM auth.secrets WHERE key = 'jwt_secret:office'}), sha256_hex($loaded), 'as it is');
is(verifies($first), 't', 'what was signed before is still good');
my $second = sign();
is(decode_json(decode_base64url((split /\./, $second)[0]))->{kid}, 'office', 'and it signs');
is(sql("SELECT auth.set_secret_from_file('" . file_of('another secret of this test, 38 bytes.') . "', 'office')"), 'office', 'another one of the same name');
is(verifies($second), 'f', 'takes its place');
is(sql("SELECT auth.set_secret_from_file('" . file_of($loaded) . "', 'office')"), 'office', 'the first again');
is(verifies($second), 't', 'and the token is good again');

my %private;
for my $algorithm (qw(RS256 ES256 ES512 EdDSA))
{
	sql("SELECT auth.create_signing_key('$algorithm')");
	$private{$algorithm} = decode_json(sql("SELECT s.value FROM auth.secrets AS s JOIN auth.signing_key AS k ON s.key = 'jwt_secret:' || k.kid WHERE k.algorithm = '$algorithm'"));
	is(verifies(sign()), 't', "$algorithm: signs and verifies");
}
my $json = JSON::PP->new->canonical;
my %moved = (%{ $private{ES256} }, kid => 'moved.key');
is(sql("SELECT auth.set_secret_from_file('" . file_of($json->encode(\%moved)) . "', algorithm := 'ES256')"), 'moved.key', 'a JWK brings its name along');
is(verifies(sign()), 't', 'and signs');
my $set = file_of($json->encode({ keys => [ \%moved, { kty => 'oct', kid => 'in-a-set', k => encode_base64url('a secret in a set of keys, 38 bytes lg') } ] }));
is(sql("SELECT auth.set_secret_from_file('$set', 'in-a-set')"), 'in-a-set', 'one of a set of keys');
is(verifies(sign()), 't', 'and signs');

my %other = %{ $private{EdDSA} };
my %public = %{ $private{ES256} };
delete $public{d};
my %foreign = (%{ $private{EdDSA} }, d => encode_base64url(pack 'H*', '11' x 32));
my %weak = (%{ $private{RS256} }, n => substr($private{RS256}{n}, 0, 168));
my @refused = (
	[ 'no such file', "$dir/nothing", 'HS256', '58P01' ],
	[ 'a folder', $dir, 'HS256', '22023' ],
	[ 'an empty file', file_of(''), 'HS256', '22023' ],
	[ 'a newline only', file_of("\n"), 'HS256', '22023' ],
	[ 'a large file', file_of('x' x 65537), 'HS256', '22023' ],
	[ 'a short secret', file_of('S3CRET but only 31 bytes in all'), 'HS256', '22023' ],
	[ 'blanks at the end', file_of('S3CRET with a blank at its very end  '), 'HS256', '22023' ],
	[ 'two newlines', file_of("S3CRET with a second newline after it\n\n"), 'HS256', '22023' ],
	[ 'no UTF-8', file_of("S3CRET \xff\xfe in no encoding that is known"), 'HS256', '22023' ],
	[ 'a NUL', file_of("S3CRET \0 with a byte that ends a text there"), 'HS256', '22023' ],
	[ 'broken JSON', file_of('{"kty":"oct","k":"S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRET"'), 'HS256', '22023' ],
	[ 'a secret that is no text', file_of($json->encode({ kty => 'oct', k => encode_base64url("\xff" x 40) })), 'HS256', '22023' ],
	[ 'several keys and no name', $set, 'HS256', '22023' ],
	[ 'text for ES256', file_of('S3CRET that is no elliptic curve at all'), 'ES256', '22023' ],
	[ 'a public key', file_of($json->encode(\%public)), 'ES256', '22023' ],
	[ 'halves of two keys', file_of($json->encode(\%foreign)), 'EdDSA', '22023' ],
	[ 'another algorithm', file_of($json->encode($private{ES256})), 'EdDSA', '22023' ],
	[ 'another curve', file_of($json->encode({ %{ $private{ES512} }, alg => 'ES256' })), 'ES256', '22023' ],
	[ 'a short RSA key', file_of($json->encode(\%weak)), 'RS256', '22023' ],
	[ 'a kid that cannot be used', file_of($json->encode({ %other, kid => 'S3CRET kid' })), 'EdDSA', '22023' ],
	[ 'no algorithm', file_of('a secret that would be long enough for HS'), 'none', '22023' ]);
my $keys = sql('SELECT count(*), max(created_at) FROM auth.signing_key');
my $messages = '';
for my $case (@refused)
{
	my ($what, $file, $algorithm, $state) = @$case;
	my ($got, $text) = told("SELECT auth.set_secret_from_file('$file', algorithm := '$algorithm')");
	is($got, $state, "$what is refused");
	$messages .= $text;
}
is(sql('SELECT count(*), max(created_at) FROM auth.signing_key'), $keys, 'no key has come of these');
unlike($messages, qr/S3CRET/, 'no message repeats what was in a file');

# --- where secrets could come to light ---
my @secrets = grep { length } split /\n/, sql(q{SELECT value FROM auth.secrets WHERE value !~ '^\{'});
push @secrets, grep { defined } map { @$_{qw(d p q dp dq qi)} } values %private;
# As bytes, too: JSON and texts of plans may write them otherwise.
my $secret = join '|', map { quotemeta } @secrets, map { unpack 'H*', $_ } grep { !/^[\w-]+$/ } @secrets;
cmp_ok(scalar @secrets, '>', 10, 'there are secrets to look for');

my $token = sign();
$messages = '';
for my $statement (
	q{SELECT auth.jwt_sign('[]')}, q{SELECT auth.jwt_sign('{}', 'nokey')}, q{SELECT auth.jwt_verify('x.y.z')}, q{SELECT auth.jwt_secret() / 2},
	"BEGIN; SELECT auth.jwt_switch_role('$token'); COMMIT", q{SELECT auth.rotate_signing_key('none')}, q{SELECT auth.revoke_signing_key('none')},
	q{INSERT INTO auth.secrets (key, value) SELECT key, key FROM auth.secrets}, q{EXPLAIN (ANALYZE, VERBOSE) SELECT auth.jwt_sign('{}'), auth.jwks()},
	"EXPLAIN (VERBOSE) SELECT * FROM auth.jwt_verify('$token')", 'EXPLAIN (ANALYZE, VERBOSE) SELECT auth.jwt_secret()',
	'EXPLAIN (ANALYZE, VERBOSE) SELECT auth.rotate_signing_key()', 'SELECT * FROM statbus.key_status()', 'SELECT auth.jwks()', 'SELECT * FROM auth.event',
	'ANALYZE auth.secrets', q{SELECT * FROM pg_stats WHERE schemaname = 'auth'}, 'SELECT * FROM pg_stat_activity', 'SELECT * FROM pg_settings',
	(map { 'SELECT query FROM pg_stat_statements' } grep { /pg_stat/ } @watchers),
	q{SELECT starelid::regclass, stavalues1, stavalues2 FROM pg_statistic WHERE starelid = 'auth.secrets'::regclass AND staattnum = 2})
{
	my ($state, $text) = told($statement);
	$messages .= $text;
	unlike($text, qr/$secret/, (length $statement > 80 ? substr($statement, 0, 80) : $statement) . ": no secret ($state)");
}
like($messages, qr/Result|Function Scan/, 'plans were among it');
my ($state, $text) = told("BEGIN; SELECT auth.jwt_switch_role('$token'); COMMIT");
is($state, '28000', 'a token that does not switch');
unlike($text, qr/\Q$token\E/, 'is not repeated');

# Dumps: of a superuser, of somebody who may read everything, of a user.
unlike(dump_text($node, 'original'), qr/$secret/, 'no secret is in a dump');
unlike(dump_text($node, 'original', '--data-only'), qr/$secret/, 'nor in one of the data');
unlike(dump_text($node, 'original', '--schema', 'auth', '--inserts'), qr/$secret/, 'nor in one of schema auth');
sql('CREATE ROLE reader LOGIN IN ROLE pg_read_all_data; CREATE ROLE clerk LOGIN IN ROLE admin_user; GRANT CONNECT ON DATABASE original TO reader, clerk');
for my $role (qw(reader clerk))
{
	for my $options ([], ['--enable-row-security'])
	{
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'pg_dump', '-U', $role, '--dbname', $node->connstr('original'), @$options ], '>', \$out, '2>', \$err);
		unlike($out . $err, qr/$secret/, "a dump of $role: no secret (@$options)");
	}
	my ($code, $out, $err) = $node->psql('original', 'SELECT value FROM auth.secrets', extra_params => [ '-U', $role ]);
	is($out, '', "$role sees no row of auth.secrets");
}

# --- role switching, with the tokens of the shared folder ---
SKIP:
{
	my $shared = shared_dir();
	skip 'the shared folder is not here: no vectors of role switching', 1 unless $shared && -e "$shared/vectors/jwt.json";
	my @vectors = grep { $_->{level} eq 'switch' } @{ decode_json(slurp_file("$shared/vectors/jwt.json")) };
	cmp_ok(scalar @vectors, '>=', 6, 'vectors of role switching');
	is(sql("SELECT auth.set_secret_from_file('" . file_of(decode_base64url($vectors[0]{key}{k})) . "', 'vectors')"), 'vectors', 'their key is loaded');
	sql(q{INSERT INTO auth."user" (display_name, email) VALUES ('Alice', 'alice@example.com'); SELECT auth.sync_roles()});
	# They name no key: theirs must be the only one of its kind.
	sql(q{UPDATE auth.signing_key SET state = 'revoked' WHERE algorithm = 'HS256' AND kid <> 'vectors'});
	for my $vector (@vectors)
	{
		is(verifies($vector->{token}), 't', "$vector->{name}: a good token");
		my ($got, $answer) = told("BEGIN; SELECT auth.jwt_switch_role('$vector->{token}'); COMMIT");
		like($got, qr/^(?:28000|0P000)$/, "$vector->{name}: does not switch");
		unlike($answer, qr/\Q$vector->{token}\E/, "$vector->{name}: is not repeated");
	}
	my $good = sql("SELECT auth.jwt_sign(jsonb_build_object('role', 'alice\@example.com', 'type', 'access', 'exp', $far))");
	is(sql("BEGIN; SELECT auth.jwt_switch_role('$good'); SELECT current_user; COMMIT; SELECT current_user"), "\nalice\@example.com\n" . sql('SELECT current_user'),
		'a token with a good role does, until the end of the transaction');
}

# --- a restore ---
my $before = sign();
my $kid = decode_json(decode_base64url((split /\./, $before)[0]))->{kid};
command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", $node->connstr('original') ], 'a dump');
my $carried = sql("SELECT value FROM auth.secrets WHERE key = 'jwt_secret:$kid'");
$node->safe_psql('postgres', q{CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8'});
command_ok([ 'pg_restore', '-d', $node->connstr('restored'), "$dir/dump" ], 'is restored');
is(sql('SELECT count(*) FROM auth.signing_key', 'restored'), '1', 'with a key of its own');
isnt(sql('SELECT kid FROM auth.signing_key', 'restored'), $kid, 'which is new');
is(verifies($before, 'restored'), 'f', 'tokens of before are refused');
is(verifies(sign('restored'), 'restored'), 't', 'new ones are good');
my $status = sql(q{SELECT value || ': ' || hint FROM statbus.status() WHERE item = 'signing key'}, 'restored');
like($status, qr/^HS256, made after a restore: Tokens of before are refused.*auth\.set_secret_from_file\(…, '\Q$kid\E'\)/, 'the status says so, and what to do');
is(sql("SELECT auth.set_secret_from_file('" . file_of("$carried\n") . "')", 'restored'), $kid, 'the old key is carried over, by its old name');
is(verifies($before, 'restored'), 't', 'and tokens of before are good again');
is(sql(q{SELECT hint IS NULL FROM statbus.status() WHERE item = 'signing key'}, 'restored'), 't', 'the status has nothing more to say');

# --- without the extension, and with it again ---
sql('DROP EXTENSION statbus CASCADE', 'restored');
sql('CREATE EXTENSION statbus; CALL statbus.migrate()', 'restored');
is(verifies($before, 'restored'), 'f', 'a new CREATE EXTENSION has a new key');
like(sql(q{SELECT value FROM statbus.status() WHERE item = 'signing key'}, 'restored'), qr/made after a restore/, 'and says so');
sql('SELECT auth.rotate_signing_key()', 'restored');
is(sql(q{SELECT hint IS NULL FROM statbus.status() WHERE item = 'signing key'}, 'restored'), 't', 'until somebody sees to the keys');

# --- and in the end, the log ---
$node->stop;
my $log = slurp_file($node->logfile);
cmp_ok(length $log, '>', 100_000, 'much was logged');
like($log, qr/INSERT INTO auth\.signing_key/, 'also plans of nested statements') if grep { /auto_explain/ } @watchers;
like($log, qr/set_secret_from_file/, 'also what was done with keys');
ok($log !~ /$secret/, 'no secret is in the log');

done_testing();
