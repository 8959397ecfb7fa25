# The tests of bad inputs under other settings, in databases with other rules for letters: every finding, every row of the data tables
# and every row of the register is the same.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $top = File::Spec->rel2abs(dirname(__FILE__) . '/../..');
my @tests = qw(import_upload import_dates import_idents import_values);
$ENV{PG_ABS_SRCDIR} = $top;
$ENV{PG_ABS_BUILDDIR} = PostgreSQL::Test::Utils::tempdir();

# What is compared (but for the words of the server about a constraint, which show dates as the session does), read under the same settings each time.
my $canon = '-c datestyle=ISO,YMD -c timezone=UTC -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex';
my $results = q{
	CREATE FUNCTION pg_temp.data_rows() RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		job record;
	BEGIN
		FOR job IN SELECT j.slug, j.data_table_name FROM import.job AS j WHERE to_regclass(format('import.%I', j.data_table_name)) IS NOT NULL LOOP
			RETURN QUERY EXECUTE format('SELECT ''data '' || $1 || '' '' || (to_jsonb(d) - ''edit_at'')::text FROM import.%I AS d', job.data_table_name) USING job.slug;
		END LOOP;
	END $$;
	SELECT x.line FROM (
		SELECT concat_ws(' ', 'job', slug, state, total_rows, imported_rows, unchanged_rows, skipped_rows, error_count, warning_count, error) FROM import.job
		UNION ALL
		SELECT 'finding ' || jsonb_build_array(j.slug, f.row_id, f.source_line, f.column_name, f.code, f.severity, f.value, f.details - '{time,detail}'::text[])::text
		FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id
		UNION ALL
		SELECT pg_temp.data_rows()) AS x (line)
	ORDER BY x.line COLLATE "C"};

# Runs the tests on a server with these settings and this kind of database; the results by test.
sub run_under
{
	my ($name, $database, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', join("\n", "max_connections = 20", "max_wal_size = 2GB", @settings, ''));
	$node->start;
	$node->safe_psql('postgres', "CREATE DATABASE contrib_regression TEMPLATE template0 ENCODING 'UTF8' $database");
	$node->safe_psql('contrib_regression', 'CREATE EXTENSION statbus CASCADE');
	my %found;
	for my $test (@tests)
	{
		# What a test says of settings itself would be in the way, and its database is looked at afterwards.
		my $script = slurp_file("$top/sql/$test.sql") =~ s/^(?:SET (?:datestyle|timezone)\b|DROP (?:DATABASE|ROLE)\b).*\n//gmir;
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'psql', '-X', '-q', '-a', '-d', $node->connstr('contrib_regression'), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
		local $ENV{PGOPTIONS} = $canon;
		# Words for the search are put in lower case as the database does.
		my $rows = rows_of($node, "regress_$test") =~ s/^(?:import|worker|statbus|auth)\..*(?:\n|\z)//mgr =~ s/"search": (?:null|"(?:[^"\\]|\\.)*"), //gr;
		$found{$test} = $node->safe_psql("regress_$test", $results) . "\n" . join("\n", sort split /\n/, $rows);
	}
	$node->stop;
	return \%found;
}

# Turkish letters lower and raise in their own way.
my $with_icu = `pg_config --configure` =~ /--with-icu/;
my $turkish = $with_icu ? q{LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'} : '';
# And a locale of the system that is not C, where there is one.
my @locales = grep { /utf-?8$/i && !/^C\./i } split /\n/, `locale -a`;
my ($other) = @locales;
my @other = $other ? map { "$_ = '$other'" } qw(lc_messages lc_monetary lc_numeric lc_time) : ();
# German ones, where there are; letters as a locale of the system has them, where there is one.
my ($german) = ((grep { /^de_/ } @locales), $other);
my @german = $german ? map { "$_ = '$german'" } qw(lc_messages lc_monetary lc_numeric lc_time) : ();
my $german_letters = $german ? "LOCALE_PROVIDER libc LOCALE '$german'" : $with_icu ? q{LOCALE_PROVIDER icu ICU_LOCALE 'de-DE-u-co-phonebk' LOCALE 'C'} : '';

my $expected = run_under('plain', "LOCALE 'C'");
my %cases = (
	dmy => [ $turkish, "datestyle = 'SQL, DMY'", "timezone = 'Pacific/Kiritimati'", "intervalstyle = 'postgres_verbose'", 'extra_float_digits = -5', "bytea_output = 'escape'", @other ],
	german => [ $german_letters, "datestyle = 'German, DMY'", "timezone = 'America/St_Johns'", "intervalstyle = 'sql_standard'", 'extra_float_digits = 0', @german ],
);
for my $test (@tests)
{
	my $findings = () = $expected->{$test} =~ /^finding /mg;
	cmp_ok($findings, '>', 20, "$test finds something ($findings findings)");
}
for my $case (sort keys %cases)
{
	my $got = run_under($case, @{ $cases{$case} });
	same_text($got->{$_}, $expected->{$_}, "$_ under $case") for @tests;
}
done_testing();
