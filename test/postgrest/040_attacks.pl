# Every row of the table "Threats over HTTP" of doc/security.md, under its name, shown both ways: with the defence the attack is
# refused and told nothing; without the one that the row names the same request succeeds; then the defence is put back.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;
use PostgREST;

plan skip_all => 'no PostgREST binary: set POSTGREST, or run test/postgrest.sh path' unless PostgREST::binary();

my $node = new_node('attacks');
# The test framework logs every statement with its parameters, which is what doc/security.md says not to do.
$node->append_conf('postgresql.conf', "log_statement = none\nstatbus.trusted_proxies = '127.0.0.1, 10.0.0.0/8'\n");
$node->reload;
my $database = create_register($node, 'register_of_test');
my $password = 'eight or more';
my $wrong = 'a guess of the password';
my %id;

sub sql { return $node->safe_psql($database, @_) }

# A user of the register, who confirmed his address; his e-mail.
sub person
{
	my ($name, $role) = @_;
	my $email = "$name\@example.org";
	sql("SELECT auth.user_create('$name', '$email', '$role', '$password')");
	$id{$email} = sql(qq{SELECT id FROM auth."user" WHERE email = '$email'});
	return $email;
}
my $ada = person('ada', 'admin_user');
my $rita = person('rita', 'regular_user');
my $eve = person('eve', 'external_user');

my $server = PostgREST->start($node, $database);

# A browser in which somebody has signed in; he comes from an address.
sub login
{
	my ($who, %with) = @_;
	my $browser = $server->browser(%with);
	my $got = $browser->request(POST => '/rpc/login', body => { email => $who, password => $password });
	die "$who cannot sign in: $got->{status} $got->{text}\n" unless $got->{status} == 200;
	return $browser;
}

# One guess at somebody's password, from an address.
sub guess
{
	my ($who, $what, $address) = @_;
	return $server->request(POST => '/rpc/login', body => { email => $who, password => $what },
		$address ? (headers => { 'X-Forwarded-For' => $address }) : ());
}

# Forgets all failed logins.
sub forgive { sql('TRUNCATE auth.throttle, auth.login_try'); return }

# Another definition of a function for a while: an edit of its own, or a new body.  Returns how to put it back.
sub replace_function
{
	my ($signature, $new) = @_;
	my $old = sql("SELECT pg_get_functiondef('$signature'::regprocedure)");
	my $changed = ref $new eq 'CODE' ? $new->($old) : $new;
	die "$signature is as it was\n" if $changed eq $old;
	sql($changed);
	return sub { sql($old) };
}

# Another value of a setting for a while, in running sessions too.
sub change_setting
{
	my ($name, $value) = @_;
	my $old = sql("SELECT statbus.setting('$name')");
	my $set = sub {
		my ($action, $until) = @_;
		sql("LOAD 'statbus'; ALTER SYSTEM $action");
		sql('SELECT pg_reload_conf()');
		# A session that is new comes after the others were told.
		$node->poll_query_until($database, "SELECT statbus.setting('$name') = '$until'") or die "$name does not change\n";
	};
	$set->("SET $name = '$value'", $value);
	return sub { $set->("RESET $name", $old) };
}

my %shown;

# row($name, attack => sub, refused => status, without => sub, succeeds => status …): one row of the table.
#   attack     one request; its response
#   refused    the status that it gets, or a sub that looks at the response
#   without    takes the defence away; returns how to put it back
#   succeeds   the status that it gets then, or a sub
#   before     what to set up before each of the three
#   also       what else is refused, or is not
#   told       the refusal may say why
sub row
{
	my ($name, %row) = @_;
	$shown{$name} = 1;
	subtest $name => sub {
		my $expect = sub {
			my ($what, $expected, $secret) = @_;
			$row{before}->() if $row{before};
			my $got = $row{attack}->();
			if (ref $expected) { ok($expected->($got), $what) or diag("$got->{status} $got->{text}") }
			else { is($got->{status}, $expected, "$what: $expected") or diag($got->{text}) }
			tells_nothing($got) if $secret;
		};
		$expect->('refused', $row{refused}, !$row{told});
		my $restore = $row{without}->();
		my $survived = eval { $expect->('without the defence', $row{succeeds}); 1 };
		my $error = $@;
		$restore->();
		die $error unless $survived;
		$expect->('with it again', $row{refused}, !$row{told});
		$row{also}->() if $row{also};
		done_testing;
	};
	return;
}

# A refusal names no account, no token, no check, and nothing of the inside.
sub tells_nothing
{
	my ($got) = @_;
	unlike($got->{text}, qr/eyJ|\@example\.org|signature|session|revoked|deleted|pg_|PL\/pgSQL|auth\.|line \d/i, 'and told nothing');
	return;
}

# What a naive verifier makes of a token: the payload, whatever the signature and the time.
my $naive = q{
	CREATE OR REPLACE FUNCTION auth.jwt_verify(token_value text) RETURNS auth.jwt_verify_result
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$SELECT (true, convert_from(decode(rpad(translate(split_part($1, '.', 2), '-_', '+/'),
		(length(split_part($1, '.', 2)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb, NULL, false)::auth.jwt_verify_result$$};
# A register that believes all claims.
my $all_may = q{CREATE OR REPLACE FUNCTION auth.may_request(claims jsonb) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'};

my $path = '/status?limit=1';
sub by_cookie { my ($token) = @_; return $server->request(GET => $path, cookies => { statbus => $token }) }
sub by_bearer { my ($token) = @_; return $server->request(GET => $path, token => $token) }

# Getting in without a proof --------------------------------------------------------------------------------------
row 'anonymous reader',
	attack => sub { $server->request(GET => $path) }, refused => 401, told => 1,
	without => sub {
		sql(q{GRANT SELECT ON api.status, register.status TO anon; GRANT USAGE ON SCHEMA register TO anon; CREATE POLICY open ON register.status TO anon USING (true)});
		return sub { sql(q{REVOKE SELECT ON api.status, register.status FROM anon; REVOKE USAGE ON SCHEMA register FROM anon; DROP POLICY open ON register.status}) };
	},
	succeeds => 200;

# Tokens that PostgREST's own key, or ours, did not make: three ways of a forger, by cookie.
my $browser;
my $fresh = sub { $browser = login($rita) };
my $es256 = sql(q{SELECT auth.create_signing_key('ES256')});
sql("UPDATE auth.signing_key SET state = 'verify_only' WHERE kid = '$es256'");	# PostgREST does not know it
my ($jwk) = grep { $_->{kid} eq $es256 } @{ JSON::PP->new->decode(sql('SELECT auth.jwks()'))->{keys} };
# All that a token says which opens the register.
$fresh->();
my %ours = %{ PostgREST::claims_of($browser->cookie('statbus')) };
is(by_cookie(PostgREST::token($rita, %ours))->{status}, 200, 'what the forger tries to copy');
my %forged = (
	'another key' => PostgREST::token($rita, %ours, key => 'x' x 64),
	'none' => PostgREST::sign({ alg => 'none' }, \%ours, alg => 'none'),
	'none, with our signature' => PostgREST::sign({ alg => 'none' }, \%ours),
	'the public key as a secret' => PostgREST::sign({ alg => 'HS256', kid => $es256 }, \%ours, key => JSON::PP->new->canonical->encode($jwk)),
	'a key in the header' => PostgREST::sign({ alg => 'HS256', jwk => { kty => 'oct', k => MIME::Base64::encode_base64url('x' x 64) } }, \%ours, key => 'x' x 64),
	'no signature' => (PostgREST::token($rita, %ours) =~ s/[^.]*\z//r),
	'another payload' => do { my @part = split /\./, PostgREST::token($eve); $part[1] = (split /\./, PostgREST::token($rita, %ours))[1]; join '.', @part });
for my $how (sort keys %forged)
{
	row "forged token: $how",
		attack => sub { by_cookie($forged{$how}) }, refused => 401,
		without => sub { replace_function('auth.jwt_verify(text)', $naive) },
		succeeds => 200,
		also => sub { is(by_bearer($forged{$how})->{status}, 401, 'as Bearer: 401, by PostgREST') };
}
# This PostgREST has a key that the register has not, or no longer.
my $stale = PostgREST->start($node, $database, 'jwt-secret' => 'x' x 64);
my $revoked = PostgREST::token($rita, %ours, key => 'x' x 64);
row 'token of a revoked key',
	attack => sub { $stale->request(GET => $path, token => $revoked) }, refused => 401,
	without => sub { replace_function('auth.bearer_claims()', q{
		CREATE OR REPLACE FUNCTION auth.bearer_claims() RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT auth.request_claims()'}) },
	succeeds => 200;
$stale->stop;

my @rubbish = ('', '.', '..', 'a.b.c', '....', 'null', '%00', 'e30.e30.', 'eyJhbGciOiJIUzI1NiJ9.e30.' . 'A' x 43, 'x' x 15000, '.' x 3000, '"', '{}',
	PostgREST::sign({ alg => 'HS256' }, '{"role":"' . $rita . '\u0000"}'), PostgREST::sign({ alg => 'HS256' }, '{"a":' x 500 . '1' . '}' x 500),
	PostgREST::sign({ alg => 'HS256' }, { %ours, exp => '9' }), PostgREST::sign({ alg => 'HS256' }, '{"type":"access","role":"' . $rita . '","exp":1e400}'));
is(join(' ', grep { $_ != 401 } map { by_cookie($_)->{status} } @rubbish), '', 'rubbish in the cookie: 401 each time');
is(join(' ', grep { $_ != 401 } map { $server->request(POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $_ })->{status} } @rubbish), '', 'rubbish to refresh with: 401 each time');
# PostgREST answers 500 to what it cannot read.
is(join(' ', grep { $_ != 401 && $_ != 500 } map { $server->raw_get($path, "Cookie: statbus=$_") } "\xff\xfe", "\xc3\xa9", "\xed\xa0\x80", "a\0b"), '', 'bytes that are no text: refused each time');
is(join(' ', grep { $_ >= 500 || $_ < 400 } map { by_bearer($_)->{status} } grep { !/[^ -~]/ && $_ ne '' } @rubbish), '', 'rubbish as Bearer: refused each time');

row 'expired token',
	attack => sub { by_cookie(PostgREST::token($rita, %ours, exp => PostgREST::now() - 60)) }, refused => 401,
	without => sub {
		my @back = (replace_function('auth.jwt_verify(text)', $naive),
			replace_function('auth.claims_are_live(jsonb, integer)', sub { $_[0] =~ s/<= extract\(epoch FROM moment\)/< 0/r }));
		return sub { $_->() for @back };
	},
	succeeds => 200,
	also => sub {
		is(by_bearer(PostgREST::token($rita, exp => PostgREST::now() - 60))->{status}, 401, 'as Bearer: 401, by PostgREST');
		is(by_cookie(PostgREST::token($rita, %ours, exp => undef))->{status}, 401, 'a cookie that never expires: 401');
		is(by_bearer(PostgREST::token($rita, exp => undef))->{status}, 401, 'a Bearer that never expires: 401');
	};

# Proofs that are good, for something else or no longer -------------------------------------------------------------
row 'token for another use',
	before => $fresh,
	attack => sub { by_bearer(PostgREST::token($rita, %{ PostgREST::claims_of($browser->cookie('statbus-refresh')) })) }, refused => 401,
	without => sub { replace_function('auth.claims_are_live(jsonb, integer)', sub { $_[0] =~ s/WHEN 'access' THEN 'sid'/WHEN 'access' THEN 'sid' WHEN 'refresh' THEN 'sid'/r }) },
	succeeds => 200,
	also => sub {
		is(by_bearer(PostgREST::token($rita, type => undef))->{status}, 401, 'a token without a type: 401');
		is(by_bearer(PostgREST::token($rita, type => 'id'))->{status}, 401, 'a token of an unknown type: 401');
		is(by_cookie($browser->cookie('statbus-refresh'))->{status}, 401, 'a refresh token in the other cookie: 401');
	};

sql(q{CREATE ROLE "guest@example.org" LOGIN; GRANT regular_user TO "guest@example.org"; GRANT "guest@example.org" TO authenticator});
my $gone = person('gone', 'regular_user');
sql(qq{UPDATE auth."user" SET deleted_at = now() WHERE email = '$gone'});
my %stranger = ('a group role' => 'regular_user', 'a user of another register' => 'guest@example.org', 'a deleted user' => $gone);
for my $who (sort keys %stranger)
{
	row "role without a user: $who",
		attack => sub { by_bearer(PostgREST::token($stranger{$who})) }, refused => 401,
		without => sub { replace_function('auth.may_request(jsonb)', $all_may) },
		succeeds => 200,
		also => sub { is(by_cookie(PostgREST::token($stranger{$who}, sid => $ours{sid}))->{status}, 401, 'by cookie: 401') };
}

row 'token of an ended session',
	before => sub { $fresh->(); sql("DELETE FROM auth.refresh_session WHERE user_id = $id{$rita}") },
	attack => sub { by_bearer($browser->cookie('statbus')) }, refused => 401,
	without => sub { replace_function('auth.claims_are_live(jsonb, integer)', sub { $_[0] =~ s/(?=OR EXISTS \(SELECT FROM auth\.refresh_session)/OR true /r }) },
	succeeds => 200,
	also => sub {
		is(by_cookie($browser->cookie('statbus'))->{status}, 401, 'by cookie: 401');
		$fresh->();
		sql("UPDATE auth.refresh_session SET created_at = created_at - interval '40 days', expires_at = now() - interval '1 second' WHERE user_id = $id{$rita}");
		is(by_bearer($browser->cookie('statbus'))->{status}, 401, 'of a session past its time: 401');
		is(by_bearer(PostgREST::token($rita, sid => 'no session'))->{status}, 401, 'of a session that is none: 401');
		is(by_bearer(PostgREST::token($rita, sid => PostgREST::claims_of(login($eve)->cookie('statbus'))->{sid}))->{status}, 401, "of somebody else's session: 401");
	};

my $key;
my $fresh_key = sub {
	$fresh->();
	$key = $browser->request(POST => '/rpc/create_api_key', body => {})->{body};
};
row 'revoked API key',
	before => sub { $fresh_key->(); $browser->request(POST => '/rpc/revoke_api_key', body => { key_jti => $key->{jti} }) },
	attack => sub { by_bearer($key->{token}) }, refused => 401,
	without => sub { replace_function('auth.claims_are_live(jsonb, integer)', sub { $_[0] =~ s/AND k\.revoked_at IS NULL//r }) },
	succeeds => 200,
	also => sub {
		$fresh_key->();
		is(by_bearer($key->{token})->{status}, 200, 'before it was revoked: 200');
		sql("UPDATE auth.api_key SET created_at = created_at - interval '2 years', expires_at = now() - interval '1 second' WHERE jti = '$key->{jti}'");
		is(by_bearer($key->{token})->{status}, 401, 'one whose row is past its time: 401');
		is(by_bearer(PostgREST::token($rita, type => 'api_key', jti => 'no key'))->{status}, 401, 'one that is none: 401');
		$fresh_key->();
		is(by_bearer(PostgREST::token($eve, type => 'api_key', jti => $key->{jti}))->{status}, 401, "somebody else's: 401");
		is(by_cookie($key->{token})->{status}, 401, 'one in a cookie: 401');
	};

my $former = person('former', 'admin_user');
my $former_token = login($former)->cookie('statbus');
sql(qq{UPDATE auth."user" SET statbus_role = 'external_user' WHERE email = '$former'; GRANT admin_user TO "$former"});
row 'stale rights',
	attack => sub { $server->request(POST => '/tag', token => $former_token, body => { path => 'mine', name => 'Mine' }) }, refused => 403, told => 1,
	without => sub {
		my $back = replace_function('auth.is_at_least(text)', q{
			CREATE OR REPLACE FUNCTION auth.is_at_least(statbus_role text) RETURNS boolean LANGUAGE sql STABLE
			AS $$SELECT current_setting('request.jwt.claims', true)::jsonb ->> 'statbus_role' = 'admin_user'$$});
		return sub { $back->(); sql(q{DELETE FROM register.tag WHERE path = 'mine'}) };
	},
	succeeds => 201;

# One hour ago her browser refreshed; the thief has the token of before.
my $stolen;
row 'stolen refresh token',
	before => sub {
		$fresh->();
		$stolen = $browser->cookie('statbus-refresh');
		$browser->request(POST => '/rpc/refresh');
		sql("UPDATE auth.refresh_session SET created_at = created_at - interval '2 hours', last_used_at = last_used_at - interval '1 hour' WHERE user_id = $id{$rita}");
	},
	attack => sub { $server->request(POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $stolen }) }, refused => 401, told => 1,
	without => sub { replace_function('auth.refresh()', sub { $_[0] =~ s/AND clock_timestamp\(\) < session\.last_used_at[^\n]*?THEN/THEN/r }) },
	succeeds => 200,
	also => sub {
		is(by_bearer($browser->cookie('statbus'))->{status}, 401, 'the session is over for its owner too: 401');
		is($browser->request(POST => '/rpc/refresh')->{status}, 401, 'who signs in again');
	};

# Guessing ---------------------------------------------------------------------------------------------------------
# guesses($who, $n): so many wrong passwords, as if the last had come after many others, so that it blocks for long.
sub guesses
{
	my ($who, $n, $address) = @_;
	for my $try (1 .. $n)
	{
		sql('UPDATE auth.throttle SET failures = failures + 12') if $try == $n;
		is(guess($who, $wrong, $address)->{status}, 401, "guess $try: 401");
	}
	return;
}
row 'guessed password',
	before => sub { forgive(); guesses($rita, 5) },
	attack => sub { guess($rita, $password) }, refused => sub { $_[0]{status} == 429 && $_[0]{headers}{'retry-after'} =~ /^\d+$/ },
	without => sub { change_setting('statbus.login_attempts', 1000) },
	succeeds => 200,
	also => sub {
		is($server->request(POST => '/rpc/login', body => { email => uc $rita, password => $password })->{status}, 429, 'in other letters: 429');
		is(guess("  $rita ", $password)->{status}, 429, 'with blanks: 429');
		is(guess($eve, $password)->{status}, 200, 'nobody else is concerned');
	};
row 'guesses at the same time',
	before => sub { forgive(); guess($rita, $wrong); sql("UPDATE auth.throttle SET failures = 12, blocked_until = '-infinity'") },
	attack => sub {
		my @status = $server->at_once(map { [ POST => '/rpc/login', body => { email => $rita, password => $wrong } ] } 1 .. 12);
		return { status => scalar(grep { $_ == 401 } @status), text => "@status" };
	},
	refused => 1,
	without => sub { replace_function('auth.throttle_lock(text, text)', q{
		CREATE OR REPLACE FUNCTION auth.throttle_lock(p_kind text, p_subject text) RETURNS timestamptz LANGUAGE sql VOLATILE
		SET search_path = pg_catalog, pg_temp
		AS $$SELECT t.blocked_until FROM auth.throttle AS t WHERE t.kind = p_kind AND t.subject = p_subject$$}) },
	succeeds => sub { $_[0]{status} > 1 };
# The request fails after the login, on purpose: a cast that only the answer to a wrong password does not take.
sub unhappen { return $server->request(POST => '/rpc/login?select=error_code->>0::int', body => { email => $rita, password => $wrong }) }
row 'guess that is rolled back',
	before => sub { forgive(); guess($rita, $wrong); sql("UPDATE auth.throttle SET failures = 12, blocked_until = '-infinity'") },
	attack => sub { is(unhappen()->{status}, 400, 'a guess that is rolled back: 400'); return guess($rita, $password) }, refused => 429,
	without => sub { replace_function('auth.rolled_back_tries(text, timestamptz)', q{
		CREATE OR REPLACE FUNCTION auth.rolled_back_tries(subject text, since timestamptz, OUT tries integer, OUT last_at timestamptz)
		RETURNS record LANGUAGE sql AS $$SELECT 0, '-infinity'::timestamptz$$}) },
	succeeds => 200,
	also => sub {
		forgive();
		my $got = $server->request(POST => '/rpc/login', headers => { Prefer => 'params=multiple-objects' },
			body => [ (map { { email => $rita, password => "$wrong $_" } } 1 .. 12), { email => $rita, password => $password } ]);
		is($got->{headers}{'set-cookie'} && join(' ', map { PostgREST::cookies_of($got)->{$_}{value} } qw(statbus statbus-refresh)), ' ', 'many guesses in one request: no cookies')
			if $got->{status} != 404;
		forgive();
	};
row 'one password for many accounts',
	before => sub {
		forgive();
		guess("nobody$_\@example.org", $password, '192.0.2.7') for 1 .. 3;
		sql(q{UPDATE auth.throttle SET failures = failures + 25 WHERE kind = 'address' AND subject = '192.0.2.7'});
		guess('nobody4@example.org', $password, '192.0.2.7');
	},
	attack => sub { guess($rita, $password, '192.0.2.7') }, refused => sub { $_[0]{status} == 429 && $_[0]{headers}{'retry-after'} =~ /^\d+$/ },
	without => sub { change_setting('statbus.login_attempts_per_address', 100000) },
	succeeds => 200,
	also => sub { is(guess($rita, $password, '192.0.2.8')->{status}, 200, 'another address is not concerned') };
row 'forged address',
	before => sub {
		forgive();
		guess($eve, $wrong, '203.0.113.9');
		sql(q{UPDATE auth.throttle SET failures = 30, blocked_until = now() + interval '10 minutes' WHERE kind = 'address'});
	},
	attack => sub { guess($rita, $password, '198.51.100.1, 203.0.113.9') }, refused => 429,
	without => sub { change_setting('statbus.trusted_proxies', '0.0.0.0/1, 128.0.0.0/1') },
	succeeds => 200;
row 'locking somebody out',
	before => sub {
		forgive();
		sql("DELETE FROM auth.refresh_session WHERE user_id = $id{$rita}");
		guess($rita, $password, '192.0.2.10');
		guesses($rita, 5, '203.0.113.66');
		sql(q{DELETE FROM auth.throttle WHERE kind = 'address'});
	},
	attack => sub { guess($rita, $password, '192.0.2.10') }, refused => 200, told => 1,
	without => sub { replace_function('auth.login_counters(text, integer)', sub { $_[0] =~ s/IF EXISTS \(SELECT FROM auth\.refresh_session/IF false AND EXISTS (SELECT FROM auth.refresh_session/r }) },
	succeeds => 429,
	also => sub {
		is(guess($rita, $password, '203.0.113.66')->{status}, 429, 'the one who guessed waits: 429');
		is(guess($rita, $password, '203.0.113.67')->{status}, 429, 'as does anybody else');
	};

# All accounts that are none, and one that is, but with another password: one answer, and one comparison each.
forgive();
my %account = (unknown => 'unknown@example.org', deleted => $gone, 'without a password' => person('blank', 'regular_user'),
	unconfirmed => person('unsure', 'regular_user'), wrong => $rita, 'no address' => 'nobody', empty => '');
sql(q{UPDATE auth."user" SET encrypted_password = '!' WHERE email = 'blank@example.org';
	UPDATE auth."user" SET email_confirmed_at = NULL WHERE email = 'unsure@example.org'});
row 'who has an account',
	before => \&forgive,
	attack => sub {
		my %answer;
		for my $kind (sort keys %account)
		{
			my $got = guess($account{$kind}, $kind eq 'unconfirmed' ? $password : $wrong);
			my %headers = %{ $got->{headers} };
			delete $headers{date};
			my $answer = JSON::PP->new->canonical->encode([ $got->{status}, $got->{text}, \%headers ]);
			push @{ $answer{$answer} }, $kind;
		}
		return { status => scalar keys %answer, text => join "\n", map { "@{ $answer{$_} }: $_" } sort keys %answer };
	},
	refused => 1, told => 1,
	without => sub { replace_function('auth.refuse_login(integer, integer, text, jsonb)', sub { $_[0] =~ s/ELSE 'WRONG_PASSWORD' END/ELSE details ->> 'reason' END/r }) },
	succeeds => 5,
	also => sub {
		sql(q{CREATE SEQUENCE public.comparisons; GRANT ALL ON SEQUENCE public.comparisons TO PUBLIC});
		my $back = replace_function('auth.verify_password(text, text)', sub { $_[0] =~ s/\bBEGIN\b/BEGIN PERFORM nextval('public.comparisons');/r });
		for my $kind (sort keys %account)
		{
			my $before = sql('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.comparisons');
			guess($account{$kind}, $wrong);
			is(sql('SELECT last_value FROM public.comparisons') - $before, 1, "$kind: one comparison");
		}
		$back->();
		sql('DROP SEQUENCE public.comparisons');
		is(sql(q{SELECT string_agg(DISTINCT details ->> 'reason', ' ' ORDER BY details ->> 'reason') FROM auth.event WHERE kind = 'login_failed'}),
			'USER_DELETED USER_MISSING_PASSWORD USER_NOT_CONFIRMED_EMAIL USER_NOT_FOUND WRONG_PASSWORD', 'auth.event has the true reasons');
	};
forgive();

row 'password in the URL',
	attack => sub { $server->request(GET => "/rpc/login?email=$rita&password=" . ($password =~ s/ /%20/gr)) },
	refused => sub { $_[0]{status} == 405 && $_[0]{body}{code} ne '25006' },
	without => sub { replace_function('auth.refuse_get()', q{CREATE OR REPLACE FUNCTION auth.refuse_get() RETURNS void LANGUAGE sql STABLE AS ''}) },
	# Then the server's second line stands: nothing is written in a read-only transaction.
	succeeds => sub { $_[0]{status} == 405 && $_[0]{body}{code} eq '25006' };

# From other sites -------------------------------------------------------------------------------------------------
my $host = "127.0.0.1:$server->{port}";
sub make_key { my (%headers) = @_; return $browser->request(POST => '/rpc/create_api_key', body => {}, headers => \%headers) }
row 'request from another site',
	before => $fresh,
	attack => sub { make_key(Origin => 'https://evil.example') }, refused => 403,
	without => sub { replace_function('auth.is_cross_site()', q{
		CREATE OR REPLACE FUNCTION auth.is_cross_site() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false'}) },
	succeeds => 200,
	also => sub {
		my %refused = (
			'Sec-Fetch-Site: cross-site' => { 'Sec-Fetch-Site' => 'cross-site' },
			'Sec-Fetch-Site: same-site' => { 'Sec-Fetch-Site' => 'same-site' },
			'both' => { 'Sec-Fetch-Site' => 'cross-site', Origin => 'https://evil.example' },
			'Origin: null' => { Origin => 'null' },
			'an address that begins like ours' => { Origin => "http://$host.evil.example" },
			'another port' => { Origin => 'http://127.0.0.1:1' },
			'our name as user of theirs' => { Origin => "http://$host\@evil.example" },
			'a forged X-Forwarded-Host' => { Origin => 'https://evil.example', 'X-Forwarded-Host' => 'evil.example' });
		for my $what (sort keys %refused)
		{
			next if $what =~ /X-Forwarded-Host/;	# behind a trusted proxy it is the proxy's word
			is(make_key(%{ $refused{$what} })->{status}, 403, "$what: 403");
		}
		is(make_key(Origin => "http://$host")->{status}, 200, 'our own origin: 200');
		is(make_key('Sec-Fetch-Site' => 'same-origin', Origin => "http://$host")->{status}, 200, 'and so says the browser: 200');
		is(make_key()->{status}, 200, 'a client that is no browser: 200');
		is(make_key(Origin => 'https://register.example.org', 'X-Forwarded-Host' => 'register.example.org')->{status}, 200, 'the name that the proxy has: 200');
		is($browser->request(GET => $path, headers => { Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site' })->{headers}{'access-control-allow-credentials'},
			undef, 'reading is between the browser and PostgREST: no credentials for other sites');
		is($server->request(POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $browser->cookie('statbus-refresh') }, headers => { Origin => 'https://evil.example' })->{status},
			403, 'a refresh that another site asks for: 403');
		is($server->request(POST => '/rpc/login', body => 'email=eve%40example.org&password=' . ($password =~ s/ /+/gr),
			headers => { Origin => 'https://evil.example', 'Content-Type' => 'application/x-www-form-urlencoded' })->{status}, 403, 'a form of another site that signs in: 403');
	};

row 'cookie on an open line',
	before => $fresh,
	attack => sub { $browser->{https} = 0; return $browser->request(GET => $path) }, refused => 401,
	without => sub { replace_function('auth.add_cookie(text, text, text, timestamptz)', sub { $_[0] =~ s/; Secure/; X=1/r }) },
	succeeds => 200,
	also => sub {
		my $cookies = PostgREST::cookies_of($server->request(POST => '/rpc/login', body => { email => $rita, password => $password }, headers => { 'X-Forwarded-Proto' => 'https' }));
		is(join(' ', map { my $c = $cookies->{$_}; "$_:" . join ',', map { $c->{$_} } qw(httponly secure samesite path) } sort keys %$cookies),
			'statbus:1,1,Strict,/ statbus-refresh:1,1,Strict,/rest/rpc/refresh', 'no script reads them, no other site sends them');
	};

# More than one may ------------------------------------------------------------------------------------------------
# A password, and the accounts, as they were.
my $as_before = sub {
	sql(qq{UPDATE auth."user" SET password = '$password' WHERE email = '$rita'});
	$fresh->();
};
row 'weak password',
	before => $as_before,
	attack => sub { $browser->request(POST => '/rpc/change_password', body => { new_password => 'short' }) }, refused => 400,
	without => sub { replace_function('auth.check_new_password(text)', q{
		CREATE OR REPLACE FUNCTION auth.check_new_password(password text) RETURNS void LANGUAGE sql IMMUTABLE AS ''}) },
	succeeds => 200,
	also => sub { is($browser->request(POST => '/rpc/change_password', body => { new_password => 'x' x 73 })->{status}, 400, 'longer than bcrypt reads: 400') };
row 'account taken over with an API key',
	before => sub { $as_before->(); $fresh_key->() },
	attack => sub { $server->request(POST => '/rpc/change_password', token => $key->{token}, body => { new_password => 'the password of a thief' }) }, refused => 403, told => 1,
	without => sub { replace_function('auth.refuse_api_key()', q{CREATE OR REPLACE FUNCTION auth.refuse_api_key() RETURNS void LANGUAGE sql STABLE AS ''}) },
	succeeds => 200,
	also => sub {
		is($server->request(POST => '/rpc/create_api_key', token => $key->{token}, body => {})->{status}, 403, 'nor does a key make keys: 403');
		is($server->request(POST => '/rpc/revoke_api_key', token => $key->{token}, body => { key_jti => $key->{jti} })->{status}, 403, 'or ends them: 403');
		my $admin_key = login($ada)->request(POST => '/rpc/create_api_key', body => {})->{body}{token};
		for my $change ({ statbus_role => 'admin_user' }, { deleted_at => 'now' })
		{
			is($server->request(PATCH => "/user?email=eq.$eve", token => $admin_key, body => $change)->{status}, 403, "nor an administrator's: " . (keys %$change)[0] . ': 403');
		}
		is($server->request(POST => '/rpc/user_create', token => $admin_key, body => { p_display_name => 'Mine', p_email => 'mine2\@example.org', p_statbus_role => 'admin_user' })->{status},
			403, 'and it makes no users: 403');
		is($server->request(POST => '/rpc/revoke_session', token => $key->{token}, body => { refresh_session_jti => $key->{jti} })->{status}, 403, 'or sessions: 403');
	};
$as_before->();

my $jti;
row "somebody else's session",
	before => sub { $fresh->(); $jti = PostgREST::claims_of($browser->cookie('statbus'))->{sid} },
	attack => sub { $server->request(POST => '/rpc/revoke_session', as => $eve, body => { refresh_session_jti => $jti }) },
	refused => sub { $_[0]{status} == 200 && $_[0]{text} eq 'false' },
	without => sub { replace_function('auth.revoke_session(uuid)', sub { $_[0] =~ s/ AND s\.user_id = caller//r }) },
	succeeds => sub { $_[0]{status} == 200 && $_[0]{text} eq 'true' };

# Of either defence one is enough; both are taken away.
row 'promoting oneself',
	before => $fresh,
	attack => sub { $browser->{as_bearer} = 1; return $browser->request(PATCH => "/user?email=eq.$rita", body => { statbus_role => 'admin_user' }) }, refused => 403,
	without => sub {
		sql(q{GRANT UPDATE (statbus_role) ON auth."user", api."user" TO regular_user});
		is($browser->request(PATCH => "/user?email=eq.$rita", body => { statbus_role => 'admin_user' })->{status}, 403, 'with the grant, against the trigger: 403');
		my $back = replace_function('auth.caller_is_administrator()', q{
			CREATE OR REPLACE FUNCTION auth.caller_is_administrator() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'});
		return sub {
			$back->();
			sql(qq{REVOKE UPDATE (statbus_role) ON auth."user", api."user" FROM regular_user;
				UPDATE auth."user" SET statbus_role = 'regular_user' WHERE email = '$rita'});
		};
	},
	succeeds => 204;
my $admin;
row 'last administrator',
	before => sub { $admin = login($ada, as_bearer => 1) },
	attack => sub { $admin->request(PATCH => "/user?email=eq.$ada", body => { deleted_at => 'now' }) }, refused => 400, told => 1,
	without => sub {
		sql(q{ALTER TABLE auth."user" DISABLE TRIGGER user_updated});
		return sub { sql(qq{UPDATE auth."user" SET deleted_at = NULL WHERE email = '$ada'; ALTER TABLE auth."user" ENABLE TRIGGER user_updated}) };
	},
	succeeds => 204,
	also => sub {
		is($admin->request(PATCH => "/user?email=eq.$ada", body => { statbus_role => 'regular_user' })->{status}, 400, 'nor does he step down: 400');
		my $second = person('second', 'admin_user');
		is($admin->request(PATCH => "/user?email=eq.$ada", body => { statbus_role => 'regular_user' })->{status}, 400, 'also when he is not the last: 400');
		is(login($second, as_bearer => 1)->request(PATCH => "/user?email=eq.$second", body => { deleted_at => 'now' })->{status}, 400, 'nor the other: 400');
		sql(qq{UPDATE auth."user" SET deleted_at = now() WHERE email = '$second'});
	};
row 'making users',
	before => $fresh,
	attack => sub { $browser->{as_bearer} = 1; return $browser->request(POST => '/rpc/user_create', body => { p_display_name => 'Mine', p_email => 'mine@example.org', p_statbus_role => 'admin_user' }) },
	refused => 403,
	without => sub {
		sql('GRANT EXECUTE ON FUNCTION auth.user_create(text, text, text, text), api.user_create(text, text, text, text) TO regular_user');
		is($browser->request(POST => '/rpc/user_create', body => { p_display_name => 'Mine', p_email => 'mine@example.org', p_statbus_role => 'admin_user' })->{status},
			403, 'with the grant, against the function: 403');
		my $back = replace_function('auth.caller_is_administrator()', q{
			CREATE OR REPLACE FUNCTION auth.caller_is_administrator() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'});
		return sub {
			$back->();
			sql(q{REVOKE EXECUTE ON FUNCTION auth.user_create(text, text, text, text), api.user_create(text, text, text, text) FROM regular_user;
				UPDATE auth."user" SET deleted_at = now() WHERE email = 'mine@example.org'});
		};
	},
	succeeds => 200;
# A role that PostgREST may take on, and that a superuser has made more of since.
sql(q{CREATE ROLE "dba@example.org" LOGIN; GRANT "dba@example.org" TO authenticator; GRANT pg_write_server_files TO "dba@example.org"});
row 'a user with rights on the server',
	before => sub { $admin = login($ada, as_bearer => 1) },
	attack => sub { $admin->request(POST => '/rpc/user_create', body => { p_display_name => 'Dba', p_email => 'dba@example.org', p_statbus_role => 'regular_user' }) },
	refused => 403, told => 1,
	without => sub {
		my $back = replace_function('auth.role_rules_server(text)', q{
			CREATE OR REPLACE FUNCTION auth.role_rules_server(role_name text) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT false'});
		return sub { sql(q{UPDATE auth."user" SET deleted_at = now() WHERE email = 'dba@example.org'}); $back->() };
	},
	succeeds => 200,
	also => sub {
		sql(q{CREATE ROLE "root@example.org" LOGIN SUPERUSER});
		is($admin->request(POST => '/rpc/user_create', body => { p_display_name => 'Root', p_email => 'root@example.org', p_statbus_role => 'regular_user' })->{status},
			403, 'a superuser: 403');
		sql(q{CREATE ROLE "boss@example.org" LOGIN});
		is($admin->request(POST => '/rpc/user_create', body => { p_display_name => 'Boss', p_email => 'boss@example.org', p_statbus_role => 'regular_user' })->{status},
			403, 'a role that is nobody\'s yet: 403');
		my $got = $admin->request(POST => '/rpc/user_create', body => { p_display_name => ' ', p_email => 'new@example.org', p_statbus_role => 'regular_user', p_password => $password });
		is($got->{status}, 400, 'a row that cannot be: 400');
		unlike($got->{text}, qr/\$2a\$|\Q$password\E/, 'is not shown with its hash');
	};

# In psql ----------------------------------------------------------------------------------------------------------
# What a user gets who comes by psql: status 0, or the error.
sub in_psql
{
	my ($who, $sql) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql($database, qq{SET SESSION AUTHORIZATION "$who"; $sql}, stdout => \$out, stderr => \$err);
	return { status => $status, text => $out . ($err =~ /ERROR: +(.*)/)[0] };
}
my $http_rows = { %shown };
row 'SET request.jwt.claims in psql',
	attack => sub { in_psql($eve, qq{SET "request.jwt.claims" = '{"role": "$ada", "uid": $id{$ada}, "statbus_role": "admin_user", "type": "access"}'; SELECT auth.uid() = $id{$ada}}) },
	refused => sub { $_[0]{text} eq 'f' }, told => 1,
	without => sub { replace_function('auth.uid()', q{
		CREATE OR REPLACE FUNCTION auth.uid() RETURNS integer LANGUAGE sql STABLE
		AS $$SELECT (current_setting('request.jwt.claims', true)::jsonb ->> 'uid')::integer$$}) },
	succeeds => sub { $_[0]{text} eq 't' };
row 'reading auth.secrets',
	attack => sub { in_psql($ada, 'SELECT count(*) > 0 FROM auth.secrets') }, refused => 3,
	without => sub {
		sql('GRANT SELECT ON auth.secrets TO admin_user');
		is(in_psql($ada, 'SELECT count(*) FROM auth.secrets')->{text}, '0', 'with the grant, against row level security: no row');
		sql('CREATE POLICY open ON auth.secrets USING (true)');
		return sub { sql('DROP POLICY open ON auth.secrets; REVOKE SELECT ON auth.secrets FROM admin_user') };
	},
	succeeds => sub { $_[0]{text} eq 't' }, told => 1,
	also => sub {
		for my $try ('SELECT auth.jwt_secret()', q{SELECT auth.jwt_sign('{"role": "x"}')}, 'SELECT auth.rotate_signing_key()', q{SELECT auth.set_secret_from_file('/etc/hostname')})
		{
			like(in_psql($ada, $try)->{text}, qr/^permission denied for function/, "$try: denied");
		}
	};
row 'reading password hashes',
	attack => sub { in_psql($ada, 'SELECT count(encrypted_password) > 0 FROM auth."user"') }, refused => 3, told => 1,
	without => sub {
		sql('GRANT SELECT (encrypted_password) ON auth."user" TO admin_user');
		return sub { sql('REVOKE SELECT (encrypted_password) ON auth."user" FROM admin_user') };
	},
	succeeds => sub { $_[0]{text} eq 't' };
%shown = %$http_rows;

# A log of slow statements has every login in it, and parameters are passwords.
sub logged
{
	my $offset = -s $node->logfile;
	guess($rita, $wrong);
	return slurp_file($node->logfile, $offset) =~ /\Q$wrong\E/ ? 1 : 0;
}

sub reconnect
{
	$node->restart;
	$server->wait_until(sub { $server->request(GET => $path)->{status} == 401 }, 'PostgREST is back');
	return;
}
my $quiet = -s $node->logfile;
$node->append_conf('postgresql.conf', "log_min_duration_statement = 0\n");
reconnect();
is(logged(), 0, 'with slow statements in the log, a password is not');
my ($role_in_database) = map { "ALTER ROLE authenticator IN DATABASE \"$_\"" } $node->safe_psql($database, 'SELECT current_database()');
sql("$role_in_database RESET log_parameter_max_length");
reconnect();
is(logged(), 1, 'without what the install sets for authenticator, it is');
$node->safe_psql($database, 'SELECT auth.restrict_connect()');
reconnect();
is(logged(), 0, 'and with it again, it is not');

# Every row of the page has been shown, and nothing else.
my ($table) = slurp_file('doc/security.md') =~ /^## Threats over HTTP\n(.*?)^## /ms;
my @rows = $table =~ /^\| (?!threat )([^|:]+?)(?=:| \|)/mg;
my %of_page = map { $_ => 1 } @rows;
my %of_test = map { s/:.*//r => 1 } keys %shown;
is(join("\n", sort grep { !$of_test{$_} } keys %of_page), '', 'each row of doc/security.md was shown');
is(join("\n", sort grep { !$of_page{$_} } keys %of_test), '', 'and each that was shown is a row');

unlike($server->log_text . substr(slurp_file($node->logfile), 0, $quiet), qr/eyJ[\w-]+\.eyJ|\Q$wrong\E/, 'no log has a token or a guess');

$server->stop;
$node->stop;
done_testing();
