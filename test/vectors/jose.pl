#!/usr/bin/env perl
# Makes jose.sql: a key and a few tokens for each algorithm, signed by `openssl`, which knows nothing of our code. Keys are new at each
# run, and their private parts are thrown away, so run it only to add a form:  test/vectors/jose.pl > test/vectors/jose.sql
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64url);

my $dir = tempdir(CLEANUP => 1);

# The output of a command; $input goes to a file that the command may name as $dir/input.
sub run
{
	my ($input, @command) = @_;
	open(my $file, '>:raw', "$dir/input") or die $!;
	print $file $input;
	close $file;
	open(my $pipe, '-|:raw', @command) or die "@command: $!";
	local $/;
	my $output = <$pipe>;
	close $pipe or die "@command failed";
	return $output;
}

sub new_key
{
	my ($name, @how) = @_;
	run('', 'openssl', 'genpkey', '-quiet', @how, '-out', "$dir/$name.pem");
	return "$dir/$name.pem";
}

sub der_of { return run('', 'openssl', 'pkey', '-in', $_[0], '-pubout', '-outform', 'DER') }

sub rsa_jwk
{
	my ($hex) = run('', 'openssl', 'rsa', '-in', $_[0], '-noout', '-modulus') =~ /Modulus=([0-9A-F]+)/ or die;
	return '"kty":"RSA","e":"AQAB","n":"' . encode_base64url(pack('H*', $hex)) . '"';
}

sub ec_jwk
{
	my ($pem, $curve, $width) = @_;
	my $point = substr(der_of($pem), -2 * $width);
	return qq("kty":"EC","crv":"$curve","x":") . encode_base64url(substr($point, 0, $width)) . '","y":"' . encode_base64url(substr($point, $width)) . '"';
}

# R and S of equal width from the DER of an ECDSA signature.
sub raw_signature
{
	my ($der, $width) = @_;
	my $at = ord(substr($der, 1, 1)) == 0x81 ? 3 : 2;
	my $raw = '';
	for (1 .. 2)
	{
		my $length = ord(substr($der, $at + 1, 1));
		my $number = substr($der, $at + 2, $length);
		$number =~ s/^\0+//;
		$raw .= ("\0" x ($width - length $number)) . $number;
		$at += 2 + $length;
	}
	return $raw;
}

my %mac = (256 => \&hmac_sha256, 384 => \&hmac_sha384, 512 => \&hmac_sha512);
my %curve = (256 => [ 'P-256', 32 ], 384 => [ 'P-384', 48 ], 512 => [ 'P-521', 66 ]);

# signature($algorithm, $key, $text): $key is a secret or the name of a file.
sub signature
{
	my ($algorithm, $key, $text) = @_;
	my ($family, $bits) = $algorithm =~ /^([A-Z][A-Z])(\d+)$/;
	return run($text, 'openssl', 'pkeyutl', '-sign', '-inkey', $key, '-rawin', '-in', "$dir/input") if $algorithm eq 'EdDSA';
	return $mac{$bits}->($text, $key) if $family eq 'HS';
	my @padding = $family eq 'PS' ? ('-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1') : ();
	my $made = run($text, 'openssl', 'dgst', "-sha$bits", @padding, '-sign', $key, "$dir/input");
	return $family eq 'ES' ? raw_signature($made, $curve{$bits}[1]) : $made;
}

sub token
{
	my ($algorithm, $key, $header, $payload) = @_;
	my $text = encode_base64url($header) . '.' . encode_base64url($payload);
	return $text . '.' . encode_base64url(signature($algorithm, $key, $text));
}

# An algorithm that is not the token's, and has signatures of the same length where there is one.
my %other = (HS256 => 'ES256', HS384 => 'ES384', HS512 => 'HS384', RS256 => 'PS256', RS384 => 'RS256', RS512 => 'PS512', PS256 => 'RS256', PS384 => 'PS512',
	PS512 => 'RS512', ES256 => 'HS256', ES384 => 'ES256', ES512 => 'ES256', EdDSA => 'ES256');
my $claims = '{"sub":"0197a2c4-7d6a-7b5e-9d2e-2f1f0e3c4b5a","iss":"statbus","aud":["other","statbus"],"iat":1800000000,"nbf":1800000000,"exp":1900000000}';

my @rsa = map { new_key("rsa$_", '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048') } 1, 2;
my $almost = new_key('almost', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2047');
my (@keys, @tokens);

for my $algorithm (map({ my $family = $_; map { "$family$_" } 256, 384, 512 } qw(HS RS PS ES)), 'EdDSA')
{
	my ($family, $bits) = $algorithm =~ /^(..)(\d*)/;
	my (@key, $jwk);
	if ($family eq 'HS')
	{
		@key = map { run('', 'openssl', 'rand', 32) } 1, 2;
		$jwk = '"kty":"oct","k":"' . encode_base64url($key[0]) . '"';
	}
	elsif ($family eq 'ES')
	{
		my ($name, $width) = @{ $curve{$bits} };
		@key = map { new_key("ec$_", '-algorithm', 'EC', '-pkeyopt', "ec_paramgen_curve:$name") } 1, 2;
		$jwk = ec_jwk($key[0], $name, $width);
	}
	elsif ($family eq 'Ed')
	{
		@key = map { new_key("ed$_", '-algorithm', 'ED25519') } 1, 2;
		$jwk = '"kty":"OKP","crv":"Ed25519","x":"' . encode_base64url(substr(der_of($key[0]), -32)) . '"';
	}
	else
	{
		@key = @rsa;
		$jwk = rsa_jwk($key[0]);
	}
	push @keys, [ $algorithm, qq({$jwk,"alg":"$algorithm","kid":"one"}) ];
	my $header = qq({"alg":"$algorithm","typ":"JWT","kid":"one"});
	my %form = (
		good => token($algorithm, $key[0], $header, $claims),
		no_kid => token($algorithm, $key[0], qq({"alg":"$algorithm"}), $claims),
		another_key => token($algorithm, $key[1], $header, $claims),
		another_alg => token($algorithm, $key[0], qq({"alg":"$other{$algorithm}","kid":"one"}), $claims),
		twice_alg => token($algorithm, $key[0], qq({"alg":"$algorithm","\\u0061lg":"$algorithm"}), $claims),
		crit => token($algorithm, $key[0], qq({"alg":"$algorithm","crit":["exp"]}), $claims),
		typ => token($algorithm, $key[0], qq({"alg":"$algorithm","typ":"secevent+jwt"}), $claims),
		another_kid => token($algorithm, $key[0], qq({"alg":"$algorithm","kid":"two"}), $claims),
		twice_exp => token($algorithm, $key[0], $header, '{"exp":1900000000,"exp":1900000000}'));
	push @tokens, map { [ $algorithm, $_, $form{$_} ] } sort keys %form;
}
push @keys, [ 'RSA of 2047 bits', '{' . rsa_jwk($almost) . '}' ];
push @tokens, [ 'RSA of 2047 bits', 'good', token('RS256', $almost, '{"alg":"RS256"}', $claims) ];

# Backslashes are doubled for COPY.
print "-- Made by test/vectors/jose.pl. The private keys exist nowhere.\n";
print "COPY vector_key (algorithm, jwk) FROM stdin;\n", (map { join("\t", map { s/\\/\\\\/gr } @$_) . "\n" } @keys), "\\.\n";
print "COPY vector_token (algorithm, form, token) FROM stdin;\n", (map { join("\t", @$_) . "\n" } @tokens), "\\.\n";
