#!/usr/bin/perl
# Prints src/utf8_case_table.h, from the Unicode data that come with Perl:
#     perl src/utf8_case_table.pl > src/utf8_case_table.h
use strict;
use warnings;
use Unicode::UCD qw(prop_invmap);

# What a property maps each character to that it maps to another one.
sub mappings
{
	my ($property) = @_;
	my ($first, $values, $format, $default) = prop_invmap($property);
	my %to;

	for my $i (0 .. $#$first)
	{
		next if $values->[$i] eq $default;
		my $last = $i < $#$first ? $first->[ $i + 1 ] - 1 : 0x10FFFF;
		# Values of format "a" are those of the first character of a range.
		$to{$_} = $values->[$i] + $_ - $first->[$i] for $first->[$i] .. $last;
	}
	return \%to;
}

# Characters whose distance to their letter is the same, one after another or taking turns with others.
sub ranges
{
	my ($to) = @_;
	my @ranges;

	for my $c (sort { $a <=> $b } keys %$to)
	{
		my $range = $ranges[-1];
		my $distance = $to->{$c} - $c;
		my $gap = $range ? $c - $range->{last} : 0;

		if (   $range
			&& $range->{distance} == $distance
			&& ($gap == $range->{step} || ($range->{first} == $range->{last} && $gap <= 2)))
		{
			$range->{last} = $c;
			$range->{step} = $gap;
		}
		else
		{
			push @ranges, { first => $c, last => $c, step => 1, distance => $distance };
		}
	}
	return @ranges;
}

sub print_table
{
	my ($comment, $name, @ranges) = @_;

	print "\n/* $comment */\nstatic const CaseRange $name\[\] = {\n";
	print join(",\n", map { sprintf "\t{0x%04X, 0x%04X, %d, %d}", @$_{qw(first last step distance)} } @ranges), "\n};\n";
	return;
}

my $small = mappings('Simple_Lowercase_Mapping');
my $fold = mappings('Simple_Case_Folding');
my %other;

# A folded letter may be a capital one (Cherokee): all are compared as small ones.
for my $c (keys %$fold)
{
	my $folded = $small->{ $fold->{$c} } // $fold->{$c};
	$other{$c} = $folded if $folded != ($small->{$c} // $c);
}

print <<'HEAD', " * Unicode ", Unicode::UCD::UnicodeVersion(), <<'TAIL';
/*-------------------------------------------------------------------------
 *
 * utf8_case_table.h
 *	  Capital and small letters.  Made by utf8_case_table.pl: change that.
 *
HEAD
.
 *
 * IDENTIFICATION
 *	  src/utf8_case_table.h
 *
 *-------------------------------------------------------------------------
 */
TAIL
print_table('Capital letters and the distance to their small ones.', 'capitals', ranges($small));
print_table('Letters that are another form of a small one, when case does not matter.', 'variants', ranges(\%other));
