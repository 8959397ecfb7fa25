# What the TAP tests share: a node with the extension, dumps that can be compared, a register that
# can be compared with another.
package Statbus;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node create_register dump_text fingerprint rows_of sql_file same_text shared_dir choose_settings csv_columns copy_file);

# The folder test/.
my $test_dir = File::Spec->rel2abs(dirname(__FILE__) . '/..');

# A running cluster of its own, with the build under test.
sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "max_connections = 40\nmax_wal_size = 2GB\n");
	$node->start;
	return $node;
}

# A database with a new register; its name.
sub create_register
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, 'CREATE EXTENSION statbus CASCADE');
	return $database;
}

# A whole plain dump, without what differs between two dumps of the same database.
sub dump_text
{
	my ($node, $database, @options) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'pg_dump', '--dbname', $node->connstr($database), @options ], '>', \$out, '2>', \$err)
	  or die "pg_dump failed: $err";
	# A dump of data only cannot order rows that refer to rows of their own table, and says so.
	$err =~ s/^pg_dump: (?:warning: there are circular foreign-key|detail: |hint: ).*\n(?:pg_dump: (?:detail|hint).*\n)*//mg if grep { $_ eq '--data-only' } @options;
	is($err, '', "pg_dump of $database says nothing");
	$out =~ s/^\\(?:un)?restrict .*\n//mg;
	# Rows have no order: a table that was written in another one is the same table.
	$out =~ s/(^COPY [^\n]+ FROM stdin;\n)(.*?)(^\\\.\n)/$1 . join("\n", sort(split m|\n|, $2), '') . $3/gmse;
	return $out;
}

# The catalogue of a register as text: two registers built in different ways must agree.
sub fingerprint
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, slurp_file("$test_dir/upgrade/fingerprint.sql"));
}

# Every row of every table of a register as text, without what names a moment.
sub rows_of
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, slurp_file("$test_dir/upgrade/rows.sql"));
}

# The text of a file of test/upgrade.
sub sql_file
{
	my ($name) = @_;
	return slurp_file("$test_dir/upgrade/$name");
}

# The first step of an office: its activity standard and its country.
sub choose_settings
{
	my ($node, $database, $standard, $country) = @_;
	$node->safe_psql($database, qq{
		INSERT INTO api.settings (activity_category_standard_id, country_id, region_version_id)
		SELECT s.id, c.id, v.id FROM api.activity_category_standard AS s, api.country AS c, api.region_version AS v
		WHERE s.code = '$standard' AND c.iso_2 = '$country' AND v.code = 'initial'});
	return;
}

# The heading of a CSV file as a list of quoted column names.
sub csv_columns
{
	my ($file) = @_;
	open(my $in, '<:encoding(UTF-8)', $file) or die "$file: $!";
	chomp(my $heading = <$in>);
	close $in;
	$heading =~ s/[\r"\x{FEFF}]//g;
	return join ', ', map { qq{"$_"} } split /,/, $heading;
}

# COPY of a CSV file into a table or view, by the file's own heading.
sub copy_file
{
	my ($node, $database, $target, $file) = @_;
	return $node->safe_psql($database, "\\copy $target (" . csv_columns($file) . ") FROM '$file' WITH (FORMAT csv, HEADER)");
}

# Compares long texts line by line and shows only the first lines that differ.
sub same_text
{
	my ($got, $expected, $what) = @_;
	if ($got eq $expected)
	{
		pass($what);
		return 1;
	}
	my %in_got = map { $_ => 1 } split /\n/, $got;
	my %in_expected = map { $_ => 1 } split /\n/, $expected;
	my @missing = grep { !$in_got{$_} } split /\n/, $expected;
	my @extra = grep { !$in_expected{$_} } split /\n/, $got;
	fail($what);
	diag(scalar(@missing) . " lines missing, " . scalar(@extra) . " lines too many");
	diag("- $_") for splice(@missing, 0, 12);
	diag("+ $_") for splice(@extra, 0, 12);
	return 0;
}

# The folder of real data, or undef when it is not here.
sub shared_dir
{
	my $dir = $ENV{STATBUS_SHARED} // "$test_dir/../../shared";
	return -d "$dir/data" ? $dir : undef;
}

1;
