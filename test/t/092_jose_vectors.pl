# The tokens of $STATBUS_SHARED/vectors/jwt.json: Wycheproof's, those of the RFCs, and others, each at its level.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $shared = shared_dir();
my $file = defined $shared ? "$shared/vectors/jwt.json" : undef;
defined $file && -r $file or plan skip_all => 'vectors/jwt.json is not here (set STATBUS_SHARED)';

my $vectors = JSON::PP->new->utf8->decode(slurp_file($file));
my $json = JSON::PP->new->canonical;
my $node = new_node('vectors');
create_register($node, 'register');

# Three vectors are the same token under the same key (Wycheproof lost the padding that two of them are about), and only one of
# them can be right.
my %contradicted = map { $_ => 1 } qw(wycheproof-367-base64-invalidBase64Padding wycheproof-370-base64-invalidBase64PaddingInPayload);
my ($by_name) = grep { $_->{name} eq 'wycheproof-357-base64-ValidMac' } @$vectors;

sub quoted { return "'" . ($_[0] =~ s/'/''/gr) . "'" }

# Deeper than any header of 16 KiB could be; it is about depth, so that it may be as long as it is.
sub options_of
{
	my ($vector) = @_;
	my %options;
	$options{now} = $vector->{now} if defined $vector->{now};
	$options{audience} = $vector->{expect}{aud} if defined $vector->{expect}{aud};
	$options{issuer} = $vector->{expect}{iss} if defined $vector->{expect}{iss};
	$options{max_bytes} = 1_000_000 if ($vector->{category} // '') ne 'size' && length($vector->{token} // '') > 16384;
	return $json->encode(\%options);
}

my $sql = "SET client_min_messages = error;\nCREATE TEMPORARY TABLE vector (i integer, level text, token text, key jsonb, options jsonb);\n";
for my $i (0 .. $#$vectors)
{
	my $vector = $vectors->[$i];
	my $token = defined $vector->{token_sql} ? $vector->{token_sql} : quoted($vector->{token});
	$sql .= sprintf("INSERT INTO vector VALUES (%d, '%s', %s, %s, %s);\n", $i, $vector->{level}, $token, quoted($json->encode($vector->{key})), quoted(options_of($vector)));
}
$sql .= q{SELECT v.i, a.good, a.code, a.claims FROM vector AS v CROSS JOIN LATERAL (
	SELECT auth.jws_verify(v.token, v.key) AS good, NULL AS code, false AS claims WHERE v.level = 'jws'
	UNION ALL
	SELECT r.is_valid, r.error_code, r.claims IS NOT NULL FROM auth.jwt_check(v.token, v.key, v.options) AS r WHERE v.level <> 'jws') AS a ORDER BY v.i;};

my %seen;
for my $row (split /\n/, $node->safe_psql('register', $sql))
{
	my ($i, $good, $code, $claims) = split /\|/, $row;
	my $vector = $vectors->[$i];
	my $what = "$vector->{level} $vector->{name}";
	$seen{ $vector->{level} }++;
	if ($contradicted{ $vector->{name} } && $vector->{token} eq $by_name->{token} && $json->encode($vector->{key}) eq $json->encode($by_name->{key}))
	{
		ok($by_name->{valid} && $good eq 't', "$what: the same as $by_name->{name}");
		next;
	}
	# A token of level "switch" is a good one; what is wrong is the role that it names.
	my $expected = $vector->{valid} || $vector->{level} eq 'switch' ? 't' : 'f';
	is($good, $expected, "$what: " . ($expected eq 't' ? 'good' : 'refused'));
	next if $vector->{level} eq 'jws';
	is($claims, $expected, "$what: " . ($expected eq 't' ? 'its claims' : 'no claims'));
	is($code, $expected eq 't' ? '' : $vector->{category}, "$what: reason");
}
is($seen{jws} + $seen{jwt} + $seen{switch}, scalar(@$vectors), 'all vectors were tried');
done_testing();
