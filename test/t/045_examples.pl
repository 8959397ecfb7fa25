# The invented country of examples/ goes in without a fault, twice; the dirty file gives exactly the findings that it must.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $examples = File::Spec->rel2abs(dirname(__FILE__) . '/../../examples');
my $node = new_node('examples');
create_register($node, 'register');
choose_settings($node, 'register', 'isic_v4', 'UN');
copy_file($node, 'register', 'api.region_upload', "$examples/01_regions.csv");

# import($slug, $definition, $file): state, imported, unchanged, skipped, errors, and whether the sum is right
sub import
{
	my ($slug, $definition, $file) = @_;
	$node->safe_psql('register', "INSERT INTO api.import_job (slug, definition_slug, review) VALUES ('$slug', '$definition', false)");
	copy_file($node, 'register', "import.\"${slug}_upload\"", "$examples/$file");
	$node->safe_psql('register', 'CALL worker.process_tasks()');
	return $node->safe_psql('register', qq{SELECT concat_ws(' ', state, imported_rows, unchanged_rows, skipped_rows, error_count,
		total_rows = imported_rows + unchanged_rows + skipped_rows + error_count) FROM api.import_job WHERE slug = '$slug'});
}

my @files = (
	[ 'units', 'legal_unit_source_dates', '02_legal_units.csv', 9400 ],
	[ 'establishments', 'establishment_for_lu_source_dates', '03_establishments.csv', 5358 ],
	[ 'informal', 'establishment_without_lu_source_dates', '04_informal_establishments.csv', 767 ],
	[ 'turnover', 'generic_unit_stats_update_source_dates', '05_turnover_update.csv', 257 ],
	[ 'relationships', 'legal_relationship_source_dates', '06_legal_relationships.csv', 501 ]);
for my $file (@files)
{
	my ($slug, $definition, $name, $rows) = @$file;
	is(import($slug, $definition, $name), "finished $rows 0 0 0 t", "$name: every row is imported");
}
is($node->safe_psql('register', q{SELECT concat_ws(' ', code, severity, count(*)) FROM import.finding GROUP BY code, severity ORDER BY code}), 'implausible warning 32',
	'nothing was found wrong, but that some turnovers are far from those of the year before');
is($node->safe_psql('register', q{SELECT string_agg(concat(unit_type, ' ', n), ', ' ORDER BY unit_type) FROM
	(SELECT unit_type, count(DISTINCT unit_id) AS n FROM register.statistical_unit WHERE unit_type <> 'power_group' GROUP BY 1) AS u}),
	'establishment 4295, legal_unit 5000, enterprise 5450', 'every unit is in statistical_unit');
is($node->safe_psql('register', 'SELECT count(*) FROM statbus.verify_derived()'), '0', 'derived data equals a recomputation');

my $rows = rows_of($node, 'register') =~ s/^(?:import|worker)\..*\n//mgr;
for my $file (@files)
{
	my ($slug, $definition, $name, $n) = @$file;
	is(import("${slug}_again", $definition, $name), "finished 0 $n 0 0 t", "$name again: nothing changes");
}
same_text(rows_of($node, 'register') =~ s/^(?:import|worker)\..*\n//mgr, $rows, 'no row of the register changed');

is(import('dirty', 'legal_unit_source_dates', '90_dirty_legal_units.csv'), 'finished 29 0 1 39 t', 'the dirty file: good rows go in, bad ones do not');
my $expected = slurp_file("$examples/90_dirty_expected.csv");
$expected =~ s/^line,.*\n//;
my $found = $node->safe_psql('register', q{SELECT concat_ws(',', f.source_line, coalesce(f.column_name, ''), f.code, f.severity)
	FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'dirty' ORDER BY f.source_line, f.column_name, f.code});
same_text(join("\n", sort split /\n/, $found), join("\n", sort split /\n/, $expected), 'the findings are those of 90_dirty_expected.csv');
is($node->safe_psql('register', 'SELECT count(*) FROM statbus.verify_derived()'), '0', 'derived data still equals a recomputation');

$node->stop;
done_testing();
