# Each of the 130 bad inputs that doc/import.md answers is in a test of the import by its label, i01 to i130, and what is expected
# there says something of it. This looks at files only.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use Test::More;

my $top = dirname(__FILE__) . '/../..';

# The lines of a file.
sub lines_of
{
	my ($file) = @_;
	open(my $in, '<:encoding(UTF-8)', $file) or die "$file: $!";
	chomp(my @lines = <$in>);
	close $in;
	return @lines;
}

# The labels in a line, without zeros in front. A label may go on with a word, as in i33_zip, and may be the first of several: "i39 to i41".
sub labels_of
{
	my ($line) = @_;
	my %found;
	while ($line =~ /(?<![A-Za-z0-9_])i(\d{2,3})(?!\d)(?:(?: to | - |-|–)i(\d{2,3})(?!\d))?/g)
	{
		$found{ $_ + 0 } = 1 for $1 .. $2 // $1;
	}
	return keys %found;
}

my %asked;       # label => tests that name it
my %answered;    # label => tests whose results name it, or follow it
for my $sql (sort glob "$top/sql/import_*.sql")
{
	my $test = basename($sql, '.sql');
	my @asked = lines_of($sql);
	my %is_asked = map { $_ => 1 } @asked;
	for my $line (@asked)
	{
		$asked{$_}{$test} = 1 for labels_of($line);
	}
	my @open;    # labels of the statement or the comment before
	my $after_answer = 0;
	for my $line (lines_of("$top/expected/$test.out"))
	{
		if ($is_asked{$line})
		{
			my @labels = labels_of($line);
			@open = () if $after_answer && @labels;
			$after_answer = 0 if @labels;
			push @open, @labels;
			next;
		}
		# A heading alone is no answer, nor is a number of rows.
		next if $line =~ /^(?:\(\d+ rows?\)|[-+]+|\s*)$/;
		$answered{$_}{$test} = 1 for @open, labels_of($line);
		$after_answer = 1;
	}
}

for my $n (1 .. 130)
{
	my $label = sprintf 'i%02d', $n;
	ok(exists $asked{$n} && grep({ $answered{$n}{$_} } keys %{ $asked{$n} }), "$label: " . join(', ', sort keys %{ $answered{$n} // {} }));
}
is_deeply([ grep { $_ > 130 } keys %asked ], [], 'there are no others');
done_testing();
