# Signing in, staying signed in and signing out through the real PostgREST: cookies, tokens, sessions, API keys, users.
# What an attacker would try stands in 040_attacks.pl.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;
use PostgREST;

plan skip_all => 'no PostgREST binary: set POSTGREST, or run test/postgrest.sh path' unless PostgREST::binary();

my $node = new_node('auth');
# The test framework logs every statement with its parameters, which is what doc/security.md says not to do.
# However slow the machine, tabs of one browser are forgiven here.
$node->append_conf('postgresql.conf', "log_statement = none\nstatbus.trusted_proxies = '127.0.0.1'\nstatbus.refresh_grace = 60\n");
$node->reload;
my $database = create_register($node, 'register_of_test');
my ($ada, $rita, $rob, $eve) = map { "$_\@example.org" } qw(ada rita rob eve);
my $password = 'eight or more';
my ($true, $false) = (JSON::PP::true, JSON::PP::false);

$node->safe_psql($database, qq{
	SELECT auth.user_create('Ada Admin', '$ada', 'admin_user', '$password');
	SELECT auth.user_create('Rita Regular', '$rita', 'regular_user', '$password');
	SELECT auth.user_create('Rob Restricted', '$rob', 'restricted_user', '$password');
	SELECT auth.user_create('Eve External', '$eve', 'external_user', '$password');
});
my $rita_id = $node->safe_psql($database, qq{SELECT id FROM auth."user" WHERE email = '$rita'});

my $server = PostgREST->start($node, $database);

# answer($status, $what, $client, $method, $path, %with): one request of a browser or the server's plain client, its
# status tested; all of the response.
sub answer
{
	my ($status, $what, $client, $method, $path, %with) = @_;
	my $got = $client->request($method, $path, %with);
	is($got->{status}, $status, "$what: $status") or diag($got->{text});
	return $got;
}

# login($who, %with): a browser in which somebody has signed in.
sub login
{
	my ($who, %with) = @_;
	my $browser = $server->browser(%with);
	my $got = $browser->request(POST => '/rpc/login', body => { email => $who, password => $with{password} // $password });
	is($got->{status}, 200, "$who signs in: 200") or diag($got->{text});
	return $browser;
}

# Whether a browser is signed in, by its cookies alone.
sub is_in
{
	my ($browser) = @_;
	return $browser->request(GET => '/status?limit=1')->{status} == 200 ? 1 : 0;
}

# error($got): the error code of an auth_response, after a test that it says nothing else.
sub error
{
	my ($got) = @_;
	my %body = %{ $got->{body} // {} };
	my $code = delete $body{error_code};
	my @told = grep { defined $body{$_} && "$body{$_}" ne '0' } sort keys %body;
	is("@told", '', 'and nothing about anybody');
	return $code;
}

sub sql { return $node->safe_psql($database, @_) }

# The header of a token.
sub header_of { return JSON::PP->new->decode(MIME::Base64::decode_base64url((split /\./, $_[0])[0])) }

my ($got, $body, $cookies);

# Not signed in ----------------------------------------------------------------------------------------------------
my $nobody = $server->browser;
$got = answer(200, 'nobody asks who he is', $nobody, POST => '/rpc/auth_status');
is(error($got), undef, 'nobody');
is($got->{headers}{'set-cookie'}, undef, 'no cookie is set');
is($server->request(GET => '/rpc/auth_status')->{status}, 200, 'also by GET');

# Signing in -------------------------------------------------------------------------------------------------------
$got = answer(401, 'a wrong password', $nobody, POST => '/rpc/login', body => { email => $rita, password => 'not it at all' });
is(error($got), 'WRONG_PASSWORD', 'is said to be wrong');
$cookies = PostgREST::cookies_of($got);
is(join(' ', map { "$_=$cookies->{$_}{value} $cookies->{$_}{'max-age'}" } sort keys %$cookies), 'statbus= 0 statbus-refresh= 0', 'and takes cookies away');

my $browser = $server->browser(headers => { 'User-Agent' => 'Firefox on her desk' });
$got = answer(200, 'the right one', $browser, POST => '/rpc/login', body => { email => 'Rita@Example.org', password => $password });
$body = $got->{body};
is_deeply([ @{$body}{qw(is_authenticated uid email display_name role statbus_role error_code expired_access_token_call_refresh)} ],
	[ $true, $rita_id, $rita, 'Rita Regular', $rita, 'regular_user', undef, $false ], 'says who she is');
unlike($got->{text}, qr/eyJ/, 'and shows no token to scripts');
$cookies = PostgREST::cookies_of($got);
is_deeply([ sort keys %$cookies ], [ 'statbus', 'statbus-refresh' ], 'two cookies');
for my $name (sort keys %$cookies)
{
	my %has = %{ $cookies->{$name} };
	ok($has{httponly} && $has{secure} && lc $has{samesite} eq 'strict', "$name: HttpOnly, Secure, SameSite=Strict");
	is($has{path}, $name eq 'statbus' ? '/' : '/rest/rpc/refresh', "$name: Path");
	ok(abs($has{'max-age'} - 30 * 24 * 3600) < 60, "$name lives as long as the session");
	like($has{expires}, qr/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/, "$name: Expires");
}
my $access = $browser->cookie('statbus');
my $refresh = $browser->cookie('statbus-refresh');
my ($said, $kept) = map { PostgREST::claims_of($_) } $access, $refresh;
is(join(' ', sort keys %$said), 'display_name email exp iat jti role sid statbus_role sub type uid', 'claims of the access token');
is(join(' ', sort keys %$kept), 'display_name email exp iat ip jti role statbus_role sub type uid version', 'claims of the refresh token');
is("$said->{type} $kept->{type}", 'access refresh', 'their types');
is($said->{sid}, $kept->{jti}, 'and their session');
is_deeply([ $said->{exp} - $said->{iat}, $kept->{exp} - $kept->{iat} ], [ 3600, 30 * 24 * 3600 ], 'and times');
is(sql("SELECT user_agent FROM auth.refresh_session WHERE jti = '$said->{sid}'"), 'Firefox on her desk', 'the session knows its device');
is(sql(qq{SELECT last_sign_in_at > now() - interval '1 minute' FROM auth."user" WHERE id = $rita_id}), 't', 'when she signed in is known');

unlike($server->browser(https => 0)->request(POST => '/rpc/login', body => { email => $eve, password => $password })->{headers}{'set-cookie'}[0], qr/secure/i,
	'on an open line the cookie is not Secure, or it would be lost');
is($server->request(POST => '/rpc/login', body => 'email=' . ($eve =~ s/@/%40/r) . '&password=' . ($password =~ s/ /+/gr),
	headers => { 'Content-Type' => 'application/x-www-form-urlencoded' })->{status}, 200, 'a form signs in too');

# Being signed in --------------------------------------------------------------------------------------------------
is(is_in($browser), 1, 'the cookie signs her in');
is($server->request(GET => '/status?limit=1', token => $access)->{status}, 200, 'so does the token as Bearer');
is_deeply($browser->request(GET => '/user?select=email')->{body}, [ { email => $rita } ], 'she sees herself');
answer(403, 'what she may not', $server, PATCH => '/status?id=eq.1', body => { name => 'Rita' }, token => $access);
# PostgREST says 403 to whom it has seen a token of.
is(answer(401, 'the same by cookie', $browser, PATCH => '/status?id=eq.1', body => { name => 'Rita' })->{body}{code}, '42501', 'is the same error');
$got = answer(200, 'her status', $browser, POST => '/rpc/auth_status');
is_deeply([ @{ $got->{body} }{qw(is_authenticated uid email)} ], [ $true, $rita_id, $rita ], 'is hers');
is(substr($got->{body}{token_expires_at}, 0, 19), sql("SELECT substr(to_json(to_timestamp($said->{exp}))::text, 2, 19)"), 'and says when the token ends');
$got = answer(200, 'the same by Bearer', $server, GET => '/rpc/auth_status', token => $access);
is($got->{body}{email}, $rita, 'is hers too');

$got = answer(200, 'what a request looks like', $browser, GET => '/rpc/auth_test');
unlike($got->{text}, qr/\Q$access\E|\Q$refresh\E|eyJ/, 'is told without its tokens');
is($got->{body}{is_https}, $true, 'over https');
is($got->{body}{access_token}{present}, $true, 'a token is there');
is($got->{body}{access_token}{claims}{email}, $rita, 'and whose it is');

# An access token past its time ------------------------------------------------------------------------------------
$browser->{jar}{statbus}{value} = PostgREST::token($rita, %$said, iat => $said->{iat} - 7200, exp => $said->{exp} - 7200);
$got = answer(200, 'status with an expired token', $browser, POST => '/rpc/auth_status');
is_deeply([ @{ $got->{body} }{qw(is_authenticated expired_access_token_call_refresh)} ], [ $false, $true ], 'refresh, it says');
is(is_in($browser), 0, 'it opens nothing');
is($server->request(GET => '/status', token => $browser->cookie('statbus'))->{status}, 401, 'nor as Bearer');
$got = answer(200, 'refresh with an expired token', $browser, POST => '/rpc/refresh');
is($got->{body}{email}, $rita, 'she is back');
is(is_in($browser), 1, 'and in');

$got = answer(200, 'a test aid: let the access token expire', $browser, POST => '/rpc/auth_expire_access_keep_refresh');
is(is_in($browser), 0, 'it has');
is($browser->request(POST => '/rpc/auth_status')->{body}{expired_access_token_call_refresh}, $true, 'and shows as expired');
answer(200, 'refresh', $browser, POST => '/rpc/refresh');
is(is_in($browser), 1, 'in again');

# Refreshing -------------------------------------------------------------------------------------------------------
$access = $browser->cookie('statbus');
$refresh = $browser->cookie('statbus-refresh');
answer(200, 'refresh', $browser, POST => '/rpc/refresh');
my $next = $browser->cookie('statbus-refresh');
isnt($browser->cookie('statbus'), $access, 'another access token');
is(PostgREST::claims_of($next)->{version}, PostgREST::claims_of($refresh)->{version} + 1, 'the refresh token of the next version');
is(PostgREST::claims_of($next)->{jti}, $said->{sid}, 'of the same session');
is($server->request(GET => '/status?limit=1', token => $access)->{status}, 200, 'the access token of before is good until it ends');

my $tab = $server->browser;
$got = answer(200, 'another tab refreshes with the token of before', $tab, POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $refresh });
is(PostgREST::claims_of($tab->cookie('statbus-refresh'))->{version}, PostgREST::claims_of($next)->{version}, 'and gets the current version');
is(is_in($tab), 1, 'it is in');
answer(200, 'the first tab goes on', $browser, POST => '/rpc/refresh');

my $tabs_token = $browser->cookie('statbus-refresh');
my $tabs_version = sql("SELECT refresh_version FROM auth.refresh_session WHERE jti = '$said->{sid}'");
is(join(' ', $server->at_once(map { [ POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $tabs_token } ] } 1 .. 6)), '200 200 200 200 200 200', 'six tabs at the same time');
is(sql("SELECT refresh_version FROM auth.refresh_session WHERE jti = '$said->{sid}'"), $tabs_version + 1, 'refresh once');

sql("UPDATE auth.refresh_session SET last_used_at = last_used_at - interval '1 hour', created_at = created_at - interval '1 hour' WHERE jti = '$said->{sid}'");
$got = answer(401, 'an old token that comes late', $tab, POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $refresh });
is(error($got), 'REFRESH_SESSION_INVALID_OR_SUPERSEDED', 'is superseded');
is(sql("SELECT count(*) FROM auth.refresh_session WHERE jti = '$said->{sid}'"), '0', 'and its session is over');
is($tab->cookie('statbus'), undef, 'its cookies are taken away');
$got = answer(401, 'the last token of that session', $browser, POST => '/rpc/refresh');
is(error($got), 'REFRESH_SESSION_INVALID_OR_SUPERSEDED', 'is worthless');
is(sql('SELECT count(*) FROM auth.event WHERE kind = \'refresh_reuse\''), '1', 'the reuse is on record');

# What is no refresh token.
is(error(answer(401, 'refresh without a token', $server->browser, POST => '/rpc/refresh')), 'REFRESH_NO_TOKEN_COOKIE', 'says so');
$browser = login($rita);
is(error(answer(401, 'refresh with an access token', $server->browser, POST => '/rpc/refresh', cookies => { 'statbus-refresh' => $browser->cookie('statbus') })),
	'REFRESH_INVALID_TOKEN_TYPE', 'says so');
is($server->browser->request(POST => '/rpc/refresh', cookies => { 'statbus-refresh' => 'no.such.token' })->{status}, 401, 'refresh with rubbish: 401');
is($server->browser->request(POST => '/rpc/refresh', cookies => { 'statbus-refresh' => PostgREST::token($rita, %{ PostgREST::claims_of($browser->cookie('statbus-refresh')) }, key => 'k' x 40) })->{status},
	401, 'refresh with a forged token: 401');
$body = PostgREST::claims_of($browser->cookie('statbus-refresh'));
is($server->browser->request(POST => '/rpc/refresh', cookies => { 'statbus-refresh' => PostgREST::token($rita, %$body, exp => PostgREST::now() - 60) })->{status},
	401, 'refresh with an expired token: 401');
is(is_in($browser), 1, 'none of it has hurt her session');

# Sessions ---------------------------------------------------------------------------------------------------------
my $other = login($rita, agent => 'a phone');
$got = answer(200, 'her sessions', $other, POST => '/rpc/list_active_sessions');
is(scalar @{ $got->{body} }, 2, 'are two');
is_deeply([ map { $_->{user_agent} } grep { $_->{current_session} } @{ $got->{body} } ], [ 'a phone' ], 'she knows which is this one');
my ($away) = map { $_->{jti} } grep { !$_->{current_session} } @{ $got->{body} };
is(answer(200, 'she ends the other one', $other, POST => '/rpc/revoke_session', body => { refresh_session_jti => $away })->{body}, $true, 'it was there');
is(is_in($browser) . is_in($other), '01', 'that one is out, this one in');
is($server->request(GET => '/status?limit=1', token => $browser->cookie('statbus'))->{status}, 401, 'also by Bearer');
is(answer(401, 'nor does it refresh', $browser, POST => '/rpc/refresh')->{body}{error_code}, 'REFRESH_SESSION_INVALID_OR_SUPERSEDED', 'superseded');

# Signing out ------------------------------------------------------------------------------------------------------
$access = $other->cookie('statbus');
$got = answer(200, 'she signs out', $other, POST => '/rpc/logout');
is(error($got), undef, 'nobody');
is(scalar keys %{ $other->{jar} }, 0, 'without cookies');
is($server->request(GET => '/status?limit=1', token => $access)->{status}, 401, 'the token is worthless');
answer(200, 'signing out twice', $other, POST => '/rpc/logout');
is(sql("SELECT count(*) FROM auth.refresh_session WHERE user_id = $rita_id"), '0', 'no session is left');

# API keys ---------------------------------------------------------------------------------------------------------
$browser = login($rita);
$got = answer(200, 'a key for a script', $browser, POST => '/rpc/create_api_key', body => { description => 'nightly', duration => '30 days' });
my $key = $got->{body};
is($key->{description}, 'nightly', 'with a name');
is_deeply([ @{ PostgREST::claims_of($key->{token}) }{qw(type role jti)} ], [ 'api_key', $rita, $key->{jti} ], 'its token');
ok(abs(PostgREST::claims_of($key->{token})->{exp} - PostgREST::now() - 30 * 24 * 3600) < 60, 'its time');
is($server->request(GET => '/status?limit=1', token => $key->{token})->{status}, 200, 'it opens the register');
is($server->request(POST => '/rpc/auth_status', token => $key->{token})->{status}, 200, 'and may ask who it is');
$got = answer(200, 'her keys', $browser, GET => '/api_key');
is_deeply([ map { $_->{jti} } @{ $got->{body} } ], [ $key->{jti} ], 'are listed');
unlike($got->{text}, qr/eyJ|hash/, 'without token and hash');
unlike(sql('SELECT * FROM auth.api_key'), qr/eyJ/, 'nor is the token anywhere in the table');
answer(200, 'another person sees none', $server, GET => '/api_key', as => $eve);
is(answer(200, 'she revokes it', $browser, POST => '/rpc/revoke_api_key', body => { key_jti => $key->{jti} })->{body}, $true, 'it was there');
is($server->request(GET => '/status?limit=1', token => $key->{token})->{status}, 401, 'it opens nothing');
is(is_in($browser), 1, 'she is in all the same');

# Passwords --------------------------------------------------------------------------------------------------------
$other = login($rita);
$got = answer(400, 'a password too short', $browser, POST => '/rpc/change_password', body => { new_password => 'seven77' });
is($got->{body}{code}, '22023', 'is refused as such');
unlike($got->{text}, qr/seven77/, 'and not repeated');
answer(200, 'a new password', $browser, POST => '/rpc/change_password', body => { new_password => 'another one of eight' });
is(is_in($browser) . is_in($other), '00', 'ends all her sessions');
is($server->browser->request(POST => '/rpc/login', body => { email => $rita, password => $password })->{status}, 401, 'the old one is no good');
$browser = login($rita, password => 'another one of eight');

my $admin = login($ada);
my $rita_sub = sql(qq{SELECT sub FROM auth."user" WHERE id = $rita_id});
answer(200, 'an administrator gives her one', $admin, POST => '/rpc/admin_change_password', body => { user_sub => $rita_sub, new_password => $password });
is(is_in($browser), 0, 'her session is over');
$browser = login($rita);
answer(403, 'she gives one to an administrator', $server, POST => '/rpc/admin_change_password',
	body => { user_sub => sql(qq{SELECT sub FROM auth."user" WHERE email = '$ada'}), new_password => 'hers from now on' }, token => $browser->cookie('statbus'));

# The same password opens psql, and an application that is connected as somebody takes a token there.
my $hba = $node->data_dir . '/pg_hba.conf';
my $trust = slurp_file($hba);
PostgreSQL::Test::Utils::append_to_file("$hba.new", qq{local all "$rita" scram-sha-256\n$trust});
rename "$hba.new", $hba or die "pg_hba.conf: $!";
$node->reload;
is(psql_as($rita, $password, 'SELECT auth.email()'), $rita, 'she comes by psql');
is(psql_as($rita, 'another one of eight', 'SELECT auth.email()'), undef, 'not with the password of before');
sql(q{CREATE ROLE application LOGIN; GRANT CONNECT ON DATABASE register_of_test TO application; GRANT USAGE ON SCHEMA auth TO application});
sql(qq{GRANT "$rita" TO application});
my $switch = sprintf q{BEGIN; SELECT auth.jwt_switch_role('%s'); SELECT auth.email(); COMMIT; SELECT coalesce(auth.email(), 'nobody')}, $browser->cookie('statbus');
is(psql_as('application', '', $switch), "\n$rita\nnobody", 'an application acts as her until the end of the transaction');

# Users ------------------------------------------------------------------------------------------------------------
$got = answer(200, 'an administrator makes a user', $admin, POST => '/rpc/user_create',
	body => { p_display_name => 'Nils New', p_email => 'Nils@Example.org', p_statbus_role => 'regular_user' });
$body = ref $got->{body} eq 'ARRAY' ? $got->{body}[0] : $got->{body};
is($body->{email}, 'nils@example.org', 'in lower case');
cmp_ok(length $body->{password}, '>=', 16, 'with a password');
my $nils = login('nils@example.org', password => $body->{password});
is(is_in($nils), 1, 'he is in');
answer(403, 'a regular user makes one', $server, POST => '/rpc/user_create', token => $browser->cookie('statbus'),
	body => { p_display_name => 'Mine', p_email => 'mine@example.org', p_statbus_role => 'regular_user' });
$got = answer(400, 'a role that is none', $admin, POST => '/rpc/user_create',
	body => { p_display_name => 'X', p_email => 'x@example.org', p_statbus_role => 'king' });
answer(204, 'an administrator takes him out', $admin, PATCH => '/user?email=eq.nils@example.org', body => { deleted_at => 'now' });
is(is_in($nils), 0, 'he is out');
is($server->request(GET => '/status?limit=1', token => $nils->cookie('statbus'))->{status}, 401, 'at once');
is(error(answer(401, 'nor can he sign in', $nils, POST => '/rpc/login', body => { email => 'nils@example.org', password => $body->{password} })), 'WRONG_PASSWORD', 'like anybody');

# Methods and limits -----------------------------------------------------------------------------------------------
for my $function (qw(login?email=a@b.c&password=x refresh logout change_password?new_password=x user_create?p_display_name=x&p_email=x&p_statbus_role=x
	create_api_key revoke_api_key?key_jti=00000000-0000-0000-0000-000000000000 revoke_session?refresh_session_jti=00000000-0000-0000-0000-000000000000))
{
	my ($name) = $function =~ /^(\w+)/;
	is($server->request(GET => "/rpc/$function", $name =~ /^(?:login|refresh|logout)$/ ? () : (token => $admin->cookie('statbus')))->{status}, 405, "GET $name: 405");
}
for my $function (qw(list_active_sessions create_api_key auth_expire_access_keep_refresh))
{
	is($server->request(POST => "/rpc/$function")->{status}, 401, "$function by nobody: 401");
}
is($server->request(POST => '/rpc/change_password', body => { new_password => 'eight or more' })->{status}, 401, 'change_password by nobody: 401');

for my $try (1 .. 5)
{
	sql("UPDATE auth.throttle SET failures = failures + 10 WHERE subject LIKE '%rob%'") if $try == 5;
	$got = $server->browser->request(POST => '/rpc/login', body => { email => $rob, password => "guess number $try" });
	is($got->{status}, 401, "wrong for the ${try}th time: 401");
}
$got = answer(429, 'then', $server->browser, POST => '/rpc/login', body => { email => $rob, password => $password });
is(error($got), 'TOO_MANY_ATTEMPTS', 'it was too much');
like($got->{headers}{'retry-after'}, qr/^[1-9][0-9]*$/, 'with a time to wait');
is(is_in(login($eve)), 1, 'others are not concerned');
sql("UPDATE auth.throttle SET blocked_until = now()");
is(is_in(login($rob)), 1, 'and when it is over he signs in');
is(sql("SELECT count(*) FROM auth.throttle WHERE kind = 'account' AND subject LIKE '%rob%'"), '0', 'and all is forgiven');

# What is on record ------------------------------------------------------------------------------------------------
my %kinds = map { split /\|/ } split /\n/, sql('SELECT kind, count(*) FROM auth.event GROUP BY 1');
is(join(' ', grep { !$kinds{$_} } qw(login login_failed login_refused refresh refresh_reuse logout session_revoked password_changed user_created user_deleted api_key_created api_key_revoked)),
	'', 'every kind of thing that happened is in auth.event');
unlike(sql('SELECT e::text FROM auth.event AS e'), qr/eyJ|eight or more|guess number/, 'without tokens and passwords');
is(count_events($admin), 1, 'administrators read it');
is(count_events($browser), 0, 'others do not');
unlike($server->log_text . slurp_file($node->logfile), qr/eyJ[A-Za-z0-9_-]+\.eyJ|eight or more|another one of eight|guess number/, 'no log has a token or a password');

# Another key ------------------------------------------------------------------------------------------------------
# serve(%options): PostgREST anew, as after a change of its settings.
sub serve
{
	$server->stop;
	$server = PostgREST->start($node, $database, @_);
	$_->{server} = $server for $browser, $admin, $nobody;
	return;
}
sub bearer { my ($token) = @_; return $server->request(GET => '/status?limit=1', token => $token)->{status} }

$browser = login($rita);
my $old = $browser->cookie('statbus');
my $old_kid = header_of($old)->{kid};
my $new_kid = sql('SELECT auth.rotate_signing_key()');
is(is_in($browser), 1, 'after a rotation the old cookie is good');
my $later = login($rita);
is(header_of($later->cookie('statbus'))->{kid}, $new_kid, 'the new key signs');
is(is_in($later), 1, 'and its cookies are good, also while PostgREST does not know it');
is(bearer($later->cookie('statbus')), 401, 'as Bearer not yet');
serve();
is(join(' ', map { bearer($_) } $old, $later->cookie('statbus')), '200 200', 'now both keys are good for both');
answer(200, 'a session of the old key refreshes', $browser, POST => '/rpc/refresh');
is(header_of($browser->cookie('statbus'))->{kid}, $new_kid, 'and goes on with the new one');
sql("SELECT auth.revoke_signing_key('$old_kid')");
is($server->request(GET => '/status?limit=1', cookies => { statbus => $old })->{status}, 401, 'a revoked key is no good in a cookie, at once');
serve();
is(join(' ', map { bearer($_) } $old, $browser->cookie('statbus')), '401 200', 'nor as Bearer, when PostgREST was told');

# Without a gap: PostgREST is told of a key before it signs.
$new_kid = sql('SELECT auth.create_signing_key()');
sql("UPDATE auth.signing_key SET not_before = clock_timestamp() + interval '10 minutes' WHERE kid = '$new_kid'");
$later = login($rita);
isnt(header_of($later->cookie('statbus'))->{kid}, $new_kid, 'a key that begins later does not sign yet');
serve();
sql("UPDATE auth.signing_key SET not_before = '-infinity' WHERE kid = '$new_kid'");
$later = login($rita);
is(header_of($later->cookie('statbus'))->{kid}, $new_kid, 'when its time has come it does');
is(bearer($later->cookie('statbus')), 200, 'and PostgREST believes it at once');
for my $algorithm (qw(ES256 RS256 PS256 EdDSA HS512))
{
	my $kid = sql("SELECT auth.rotate_signing_key('$algorithm')");
	serve();
	$browser = login($rita);
	is_deeply([ @{ header_of($browser->cookie('statbus')) }{qw(alg kid)} ], [ $algorithm, $kid ], "$algorithm signs");
	is(is_in($browser), 1, "$algorithm: the cookie is good");
	is(bearer($browser->cookie('statbus')), 200, "$algorithm: PostgREST believes it too");
}

# An audience ------------------------------------------------------------------------------------------------------
sql(q{ALTER ROLE authenticator SET statbus.jwt_audience = 'statbus'});
serve('jwt-aud' => 'statbus');
is(bearer($browser->cookie('statbus')), 401, 'a token for nobody in particular');
is(is_in($browser), 0, 'is no good in a cookie either');
$browser = login($rita);
is(PostgREST::claims_of($browser->cookie('statbus'))->{aud}, 'statbus', 'tokens name the audience');
is(bearer($browser->cookie('statbus')) . ' ' . is_in($browser), '200 1', 'and are good again');
sql(q{ALTER ROLE authenticator RESET statbus.jwt_audience; ALTER ROLE authenticator SET statbus.cookie_login = off; ALTER ROLE authenticator SET statbus.api_path = ''});
serve();

# Without cookies that sign in -------------------------------------------------------------------------------------
$browser = login($rita);
is(is_in($browser), 0, 'cookies do not sign in');
is($browser->request(POST => '/rpc/auth_status')->{body}{email}, $rita, 'but are told who they are of');
is(bearer($browser->cookie('statbus')), 200, 'a proxy makes a Bearer of them');
is($browser->{jar}{'statbus-refresh'}{path}, '/rpc/refresh', 'and serves the register where it likes');

# What psql answers somebody who comes with a password; undef when he is not let in or something fails.
sub psql_as
{
	my ($who, $secret, $statements) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGPASSWORD} = $secret;
	my $survived = IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database) . " user=$who" ],
		'<', \$statements, '>', \$out, '2>', \$err);
	chomp $out;
	return $survived ? $out : undef;
}

# Whether somebody reads events, in SQL: they are not served.
sub count_events
{
	my ($who) = @_;
	my $role = PostgREST::claims_of($who->cookie('statbus'))->{role};
	my ($out, $err) = ('', '');
	my $rc = $node->psql($database, qq{SET ROLE "$role"; SELECT count(*) > 0 FROM auth.event}, stdout => \$out, stderr => \$err);
	return $rc == 0 && $out eq 't' ? 1 : 0;
}

$server->stop;
$node->stop;
done_testing();
