# What README.md and doc/ say is true: their SQL runs and answers what they show, what they name exists, versions agree.
#
# The ```sql blocks of a page run in order, in one session, in a register of their own. A statement on whose last line a
# comment says "-- fails: 23P01" must fail with that SQLSTATE, every other one must not fail. A ```text block right after a
# ```sql block is what psql answers; blank lines, "(n rows)" and spaces at line ends do not count. Nothing else is run.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use File::Find;
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $top = File::Spec->rel2abs(dirname(__FILE__) . '/../..');
chdir $top or die "$top: $!";
$ENV{PGCLIENTENCODING} = 'UTF8';

# blocks($page, @lines): the fenced blocks of a page: language, first and last line of what is inside, lines.
sub blocks
{
	my ($page, @lines) = @_;
	my (@blocks, $open);
	for my $number (1 .. @lines)
	{
		next unless $lines[ $number - 1 ] =~ /^```\s*(\w*)\s*$/;
		if ($open)
		{
			$open->{last} = $number - 1;
			$open->{lines} = [ @lines[ $open->{first} - 1 .. $open->{last} - 1 ] ];
			push @blocks, $open;
			undef $open;
		}
		else
		{
			$open = { language => $1, first => $number + 1 };
		}
	}
	is($open, undef, "$page: every block is closed");
	return @blocks;
}

# normal($text): an answer of psql as lines that can be compared.
sub normal
{
	return join "\n", grep { $_ ne '' && !/^\(\d+ rows?\)$/ } map { s/\s+$//r } split /\n/, $_[0];
}

# run_page($page, $database, $lines, @blocks): the page as a script in which only its SQL is left, line by line where it stood.
sub run_page
{
	my ($page, $database, $node, $lines, @blocks) = @_;
	my @script = ('') x @$lines;
	for my $block (grep { $_->{language} eq 'sql' } @blocks)
	{
		$script[ $block->{first} - 2 ] = "\\echo \@\@$block->{first}";
		@script[ $block->{first} - 1 .. $block->{last} - 1 ] = @{ $block->{lines} };
	}
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$database.sql";
	append_to_file($file, join("\n", @script) . "\n");
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($database), '-f', $file ], '<', \undef, '>', \$out, '2>', \$err);

	my %found;
	push @{ $found{$1} }, $2 while $err =~ /^psql:[^\n]*?:(\d+): (?:ERROR|FATAL|error|PANIC):\s+([^\n]*)/mg;
	for my $number (1 .. @script)
	{
		my ($expected) = $script[ $number - 1 ] =~ /--.*\bfails: ([0-9A-Z]{5})\b/;
		my $message = delete $found{$number};
		is($message && substr($message->[0], 0, 5), $expected, "$page line $number fails with $expected") if $expected;
		fail("$page line $number: @$message") if $message && !$expected;
	}
	is_deeply(\%found, {}, "$page: its SQL runs, and fails where the page says so");

	my %answer = $out =~ /^\@\@(\d+)\n(.*?)(?=^\@\@|\z)/msg;
	for my $index (1 .. $#blocks)
	{
		my ($question, $answer) = @blocks[ $index - 1, $index ];
		next unless $answer->{language} eq 'text' && $question->{language} eq 'sql';
		next if grep { /\S/ } @{$lines}[ $question->{last} + 1 .. $answer->{first} - 3 ];
		$question->{answered} = $answer->{answers} = 1;
		is(normal($answer{ $question->{first} }), normal(join "\n", @{ $answer->{lines} }), "$page line $answer->{first}: the answer is what psql says");
	}
	fail("$page line $_->{first}: a text block that answers no sql block") for grep { $_->{language} eq 'text' && !$_->{answers} } @blocks;
	return;
}

# names($page, $database, $node, $text): what a page calls by a qualified name is there.
sub names
{
	my ($page, $database, $node, $text) = @_;
	my %name;
	$name{"$1.$2"} = 1 while $text =~ /(?<![\w.\/])(statbus|temporal|register|auth|import|worker|api)\.([a-z_][a-z_0-9]*)(?![a-z_0-9<*]|\xe2\x80\xa6)/g;
	delete @name{ grep { -e || -e "src/$_" || -e "src/sql/$_" } keys %name };
	my $list = join ', ', map { "('$_')" } sort keys %name;
	my $absent = $list eq '' ? '' : $node->safe_psql($database, qq{
		LOAD 'statbus';
		SELECT string_agg(n.name, ' ' ORDER BY n.name) FROM (VALUES $list) AS n (name)
		WHERE to_regclass(n.name) IS NULL AND to_regtype(n.name) IS NULL AND current_setting(n.name, true) IS NULL
		AND NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text || '.' || p.proname = n.name)});
	is($absent, '', "$page: every qualified name that it uses exists");
	return;
}

# paths($page, $text): files, folders, links and make targets that a page mentions exist.
my %target = map { $_ => 1 } qw(all install installcheck uninstall clean), split ' ', (slurp_file('Makefile') =~ /^STANDALONE = (.*)$/m)[0];
sub paths
{
	my ($page, $text) = @_;
	my %absent;
	for my $path ($text =~ m{(?<![\w./<-])((?:(?:src|sql|expected|test|doc|examples|\.ci)/)[\w./*-]*)(?![\w<]|\xe2\x80\xa6)}g)
	{
		$path =~ s/\.$//;
		$absent{$path} = 1 unless $path =~ /NN/ || grep { -e } glob $path;	# NNNN_topic.sql: a pattern of names
	}
	for my $link ($text =~ /\]\(([^)#:]+)(?:#[^)]*)?\)/g)
	{
		$absent{$link} = 1 unless -e dirname($page) . "/$link";
	}
	my @code = grep { /^ {4}/ } split /\n/, $text;
	push @code, /`([^`]+)`/g for split /\n\s*\n/, $text =~ s/^```.*?^```//msgr;
	for my $target (map { /\bmake\s+(?:[A-Z_]+=\S+\s+)*([a-z][a-z-]*)/g } @code)
	{
		$absent{"make $target"} = 1 unless $target{$target};
	}
	is(join(' ', sort keys %absent), '', "$page: every file, link and make target that it mentions exists");
	return;
}

my $node = new_node('docs');
create_register($node, 'a_register');
my @pages = ('README.md', 'CHANGELOG.md', 'examples/README.md', sort glob('doc/*.md'));
for my $page (@pages)
{
	my $text = slurp_file($page);
	my @lines = split /\n/, $text;
	my @blocks = blocks($page, @lines);
	my $database = basename($page, '.md') =~ tr/A-Z-/a-z_/r . ($page =~ /^examples/ ? '_examples' : '');
	$node->safe_psql('postgres', qq{CREATE DATABASE "page_$database" TEMPLATE a_register});
	run_page($page, "page_$database", $node, \@lines, @blocks) if grep { $_->{language} =~ /^(?:sql|text)$/ } @blocks;
	names($page, "page_$database", $node, $text);
	paths($page, $text);
	my @untested = grep { $lines[ $_ - 1 ] =~ /^ {4}(?:SELECT|INSERT|UPDATE|DELETE|COPY|CALL|CREATE|ALTER|DROP|GRANT|SET) / } 1 .. @lines;
	for my $block (grep { $_->{language} eq 'sql' } @blocks)
	{
		@untested = grep { $_ < $block->{first} || $block->{last} < $_ } @untested;
	}
	is("@untested", '', "$page: no SQL outside of sql blocks, where it would not be tested");
}

# README.md leads to every page, and to every page once.
my $readme = slurp_file('README.md');
is(join(' ', sort $readme =~ /^\|.*\]\((doc\/[^)]+)\) \|$/mg), join(' ', sort glob('doc/*.md')), 'README.md lists every page of doc/');
like($readme, qr/\A\s*apt-get install -y git make\n/, 'README.md begins with what to install');

# One version.
my ($version) = slurp_file('statbus.control') =~ /^default_version = '([^']+)'$/m;
is(join(' ', slurp_file('META.json') =~ /^\s+"version": "([^"]+)",?$/mg), "$version $version 1.0.0", 'META.json has the version of statbus.control');
is((slurp_file('CHANGELOG.md') =~ /^## (\S+)/m)[0], $version, 'CHANGELOG.md begins with it');
is($node->safe_psql('a_register', 'SELECT statbus.version()'), $version, 'statbus.version() says it');

# The source as .editorconfig and pgindent want it.
my (@sources, %typedef, @faults);
find({ no_chdir => 1, wanted => sub {
	$File::Find::prune = 1 if -d && m{(?:^|/)(?:\.git|build|results|tmp_check|output_iso|log|node_modules)$};
	push @sources, s{^\./}{}r if -f && m{(?:\.(?:c|h|sql|spec|pl|pm|sh|md|control)|Makefile)$};
} }, '.');
for my $file (sort @sources)
{
	my $text = slurp_file($file);
	push @faults, "$file: no newline at the end" unless $text =~ /\n\z/;
	push @faults, "$file: a carriage return" if $text =~ /\r/;
	my $number = 0;
	for my $line (split /\n/, $text)
	{
		$number++;
		push @faults, "$file line $number: a space at the end" if $line =~ /[ \t]$/;
		push @faults, "$file line $number: a tab indents" if $file =~ /\.(?:sql|spec)$/ && $line =~ /^ *\t/;
		push @faults, "$file line $number: something left to do" if $file !~ m{^doc/|^test/t/070} && $line =~ /\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/;
	}
	next unless $file =~ /\.[ch]$/;
	$typedef{$_} = 1 for $text =~ /^}\s*(\w+);/mg, $text =~ /^typedef (?!struct \w+\s*\{|enum \w+\s*\{|union \w+\s*\{)[^;{(]*?\b(\w+)(?:\[[^\]]*\])?;/mg, $text =~ /^typedef [^;{]*\(\s*\*\s*(\w+)\s*\)/mg;
}
is(join("\n", @faults), '', 'no space at a line end, no tab in SQL, nothing left to do');
is(join(' ', sort keys %typedef), join(' ', sort split ' ', slurp_file('typedefs.list')), 'typedefs.list names the typedefs of the C files');

$node->stop;
done_testing();
