#!/usr/bin/perl
# What pg_bsd_indent does not know is hidden from it:
#     perl test/indent.pl hide FILE…      and, afterwards,      perl test/indent.pl show FILE…
# Compound literals look like calls meanwhile; what stood for what is in FILE.literals.
use strict;
use warnings;

my $quoted = qr/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/;
my $parens = qr/(\((?:[^()"']++|$quoted|(?-1))*\))/;
my $braces = qr/(\{(?:[^{}"']++|$quoted|(?-1))*\})/;
my $literal = qr/(?<![\w)])(?<!\bif )(?<!\bwhile )(?<!\bswitch )(\((?:const )?[A-Za-z]\w+(?: \*?(?:const)?\[\w*\]|\[\w*\])?\))(\s*)$braces/;

sub slurp
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	local $/;
	return <$in>;
}

sub spew
{
	my ($file, $text) = @_;
	open my $out, '>', $file or die "$file: $!";
	print {$out} $text;
	close $out or die "$file: $!";
	return;
}

my $mode = shift;
for my $file (@ARGV)
{
	my $text = slurp($file);

	if ($mode eq 'hide')
	{
		my @heads;

		# What is inside a literal is hidden in the next round, when the literal is a call.  Calls are as long as what they stand for.
		# It takes this byte of a character for something of its own.
		$text =~ tr/\x80/\x01/;
		1 while $text =~ s{$literal}{
			my ($head, $break, $body) = ($1, $2, substr($3, 1, -1));

			# Where it was broken for want of knowledge it becomes one line again.
			$body =~ s/^\s+|\s+$//g if $break ne ' ';
			push @heads, "$head ";
			my $call = 'L' . $#heads;
			$call . '_' x (length($heads[-1]) - length $call) . "($body)";
		}e;
		spew("$file.literals", join '', map { "$_\n" } @heads);
	}
	else
	{
		my @heads = split /\n/, slurp("$file.literals");

		$text =~ tr/\x01/\x80/;
		1 while $text =~ s/\bL(\d+)_+$parens/$heads[$1] . '{' . substr($2, 1, -1) . '}'/e;
		# Designated initializers after a comma.
		$text =~ s/([\w)"],)((?:\.\w+|\[\w[^\]\n]*\]) =)/$1 $2/g;
		# Pointers to text in a file where that is a variable, too.
		$text =~ s/\btext \* (?=\w)/text */g;
	}
	spew($file, $text);
}
