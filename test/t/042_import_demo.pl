# The small demo country: every shape of default file, with the period of the job, in twice.
#
# The files are not part of the source. They are looked for in $STATBUS_SHARED, or beside the source tree.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $shared = shared_dir();
plan skip_all => 'SKIPPED: the demo files are not here (set STATBUS_SHARED)' unless defined $shared && -d "$shared/data/demo";
my $files = "$shared/data/demo";

my $node = new_node('demo');
create_register($node, 'demo');

sub query { return $node->safe_psql('demo', $_[0]); }

sub copy { my ($target, $file) = @_; return copy_file($node, 'demo', $target, "$files/$file"); }

choose_settings($node, 'demo', 'isic_v4', 'UN');
copy('api.activity_category_enabled_custom', 'activity_custom_isic_demo.csv');
copy('api.region_upload', 'regions_demo.csv');
copy('api.sector_custom_only', 'sectors_demo.csv');
copy('api.legal_form_custom_only', 'legal_forms_demo.csv');

# Imports a file valid in 2024; what became of its rows.
sub import
{
	my ($slug, $definition, $file) = @_;
	query("INSERT INTO api.import_job (slug, definition_slug, default_valid_from, default_valid_to, review)
		VALUES ('$slug', '$definition', '2024-01-01', 'infinity', false)");
	copy("import.\"${slug}_upload\"", $file);
	query('CALL worker.process_tasks()');
	return query(qq{SELECT concat_ws(' ', state, imported_rows, unchanged_rows, skipped_rows, error_count) FROM api.import_job WHERE slug = '$slug'});
}

my @files = (
	[ 'units', 'legal_unit_job_provided', 'legal_units_demo.csv', 23 ],
	[ 'formal', 'establishment_for_lu_job_provided', 'formal_establishments_units_demo.csv', 25 ],
	[ 'informal', 'establishment_without_lu_job_provided', 'informal_establishments_units_demo.csv', 25 ],
	[ 'relationships', 'legal_relationship_job_provided', 'legal_relationships_demo.csv', 11 ]);
for my $file (@files)
{
	my ($slug, $definition, $name, $rows) = @$file;
	is(import($slug, $definition, $name), "finished $rows 0 0 0", "$name: every row is imported");
}
is(query('SELECT concat_ws(\' \', (SELECT count(DISTINCT id) FROM register.legal_unit), (SELECT count(DISTINCT id) FROM register.establishment WHERE legal_unit_id IS NOT NULL),
	(SELECT count(DISTINCT id) FROM register.establishment WHERE enterprise_id IS NOT NULL), (SELECT count(*) FROM register.enterprise))'),
	'23 25 25 48', 'legal units, their establishments, informal ones, and an enterprise for each legal unit and informal establishment');
my $rows = rows_of($node, 'demo') =~ s/^(?:import|worker)\..*\n//mgr;
for my $file (@files)
{
	my ($slug, $definition, $name, $n) = @$file;
	is(import("${slug}_again", $definition, $name), "finished 0 $n 0 0", "$name again: nothing changes");
}
same_text(rows_of($node, 'demo') =~ s/^(?:import|worker)\..*\n//mgr, $rows, 'no row of the register changed');
is(query('SELECT count(*) FROM statbus.verify_derived()'), '0', 'derived data equals a recomputation');

$node->stop;
done_testing();
