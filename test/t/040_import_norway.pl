# Real input: six years of units and subunits of the Norwegian register, by the registry's own headings.
#
# The files are not part of the source. They are looked for in $STATBUS_SHARED, or beside the source tree.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use Statbus;

my $shared = shared_dir();
plan skip_all => 'SKIPPED: the Norwegian files are not here (set STATBUS_SHARED)' unless defined $shared && -d "$shared/data/norway";
my $files = "$shared/data/norway";

my $node = new_node('norway');
create_register($node, 'norway');

sub query { return $node->safe_psql('norway', $_[0]); }
sub copy { my ($target, $file) = @_; return copy_file($node, 'norway', $target, "$files/$file"); }

choose_settings($node, 'norway', 'nace_v2.1', 'NO');
copy('api.activity_category_enabled_custom', 'activity_category_norway.csv');
copy('api.region_upload', 'norway-regions-2024.csv');
copy('api.sector_custom_only', 'sector_norway.csv');
copy('api.legal_form_custom_only', 'legal_form_norway.csv');

my %definition = (enheter => 'brreg_hovedenhet', underenheter => 'brreg_underenhet');

# Uploads the file of a year in an order of columns of its own, and lets the worker run.
sub import_year
{
	my ($year, $kind, $suffix) = @_;
	my $slug = "norway_${year}_$kind$suffix";
	query(qq{INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
		SELECT '$slug', d.id, '$year-01-01', 'infinity', false FROM import.definition AS d WHERE d.slug = '$definition{$kind}'});
	copy("import.\"${slug}_upload\"", "$year-$kind.csv");
	query('CALL worker.process_tasks()');
	is(query(qq{SELECT state FROM import.job WHERE slug = '$slug'}), 'finished', "$slug: finished");
	return;
}

my $started = time;
for my $year (2015 .. 2020)
{
	import_year($year, $_, '') for qw(enheter underenheter);
}
my $seconds = time - $started;
diag(sprintf 'the import of 12 files with derivation took %.1f s', $seconds);

is(query(q{SELECT string_agg(concat_ws(' ', kind, n), ', ' ORDER BY kind) FROM (
	SELECT regexp_replace(slug, '.*_', '') AS kind, sum(total_rows) AS n FROM import.job GROUP BY 1) AS t}),
	'enheter 8925, underenheter 8558', 'rows of the files');
is(query('SELECT sum(error_count) FROM import.job'), '0', 'no row has an error');
is(query('SELECT count(*) FROM import.job WHERE total_rows <> imported_rows + unchanged_rows + skipped_rows + error_count'), '0',
	'every row is imported, unchanged, skipped or an error');
is(query('SELECT count(DISTINCT id) FROM register.legal_unit'), '2835', 'legal units');
is(query('SELECT count(DISTINCT id) FROM register.establishment'), '2861', 'establishments');
is(query('SELECT count(*) FROM register.establishment WHERE legal_unit_id IS NULL'), '0', 'no subunit is without its unit');
is(query(q{SELECT string_agg(DISTINCT concat_ws(' ', f.column_name, f.value, f.severity), ', ') || ': ' || count(*) FROM import.finding AS f WHERE f.code = 'code_unknown'}),
	'primary_activity_category_code 00.000 warning: 473', 'the only unknown code is activity 00.000, which means that none is stated');
my $without = join ' + ', map { my $y = $_; map { "(SELECT count(*) FROM import.norway_${y}_${_}_data WHERE physical_region_id IS NULL)" } qw(enheter underenheter) } 2015 .. 2020;
is(query("SELECT $without"), '526', 'rows without a municipality');

# One primary establishment at a time per legal unit with establishments, and one enterprise per legal unit.
is(query('SELECT count(DISTINCT enterprise_id) FROM register.legal_unit'), '2835', 'each legal unit has an enterprise of its own');
is(query('SELECT count(*) FROM register.legal_unit WHERE NOT primary_for_enterprise'), '0', 'and is primary for it');
is(query(q{SELECT count(*) FROM (SELECT legal_unit_id FROM register.establishment GROUP BY 1 HAVING bool_or(primary_for_legal_unit) IS NOT TRUE) AS t}), '0',
	'each legal unit with establishments has a primary one');
is(query(q{SELECT string_agg(concat(unit_type, ' ', n), ', ' ORDER BY unit_type) FROM (
	SELECT unit_type, count(DISTINCT unit_id) AS n FROM register.statistical_unit GROUP BY 1) AS t}),
	'establishment 2861, legal_unit 2835, enterprise 2835', 'every unit is in statistical_unit');

# The population, twice. A unit that is valid on the day need not be in the stock: its birth may lie after the day that the
# file gave it, or its death before.
for my $measure (
	[ 'valid on 2020-01-01', q{u.valid_from <= '2020-01-01' AND '2020-01-01' < u.valid_until} ],
	[ 'stock at 2020-01-01', q{u.valid_from <= '2020-01-01' AND '2020-01-01' < u.valid_until
		AND coalesce(u.birth_date, u.valid_from) <= '2020-01-01' AND (u.death_date IS NULL OR u.death_date > '2020-01-01')} ])
{
	my ($name, $condition) = @$measure;
	my $table = query(qq{
		SELECT concat_ws(' ', rpad(coalesce(r.name, '(none)'), 24), lpad(count(*)::text, 5),
			(SELECT string_agg(concat(s.section, ' ', s.n), ', ' ORDER BY s.section) FROM (
				SELECT coalesce(substr(v.primary_activity_category_path::text, 1, 1), '-') AS section, count(*) AS n
				FROM register.statistical_unit AS v
				WHERE v.unit_type = 'legal_unit' AND } . ($condition =~ s/\bu\./v./gr) . qq{
				AND split_part(v.physical_region_path::text, '.', 1) IS NOT DISTINCT FROM split_part(u.top, '.', 1) GROUP BY 1) AS s))
		FROM (SELECT u.*, split_part(u.physical_region_path::text, '.', 1) AS top FROM register.statistical_unit AS u
			WHERE u.unit_type = 'legal_unit' AND $condition) AS u
		LEFT JOIN register.region AS r ON r.path::text = u.top
		GROUP BY u.top, r.name ORDER BY u.top NULLS LAST});
	note("legal units per region and section, $name:\n$table");
	cmp_ok(scalar(split /\n/, $table), '>=', 15, "population per region and section, $name");
}

# The same from the raw text of the files, without anything that the import made: what the last row of each unit says.
# A row without an address or without a known activity leaves the one before as it is.
my $raw = join ' UNION ALL ', map { qq{SELECT $_ AS year, "organisasjonsnummer" AS ident, nullif("forretningsadresse.kommunenummer", '') AS municipality,
	"naeringskode1.kode" AS activity, nullif("stiftelsesdato", '') AS founded, concat("forretningsadresse.adresse", "forretningsadresse.poststed",
	"forretningsadresse.postnummer", "forretningsadresse.kommunenummer", "forretningsadresse.landkode") <> '' AS has_address FROM import.norway_${_}_enheter_upload} } 2015 .. 2020;
for my $measure ([ 'valid on 2020-01-01', 'true', 'true' ],
	[ 'stock at 2020-01-01', q{coalesce(r.founded, '') <= '2020-01-01'}, q{coalesce(u.birth_date, u.valid_from) <= '2020-01-01'} ])
{
	my ($name, $of_file, $of_register) = @$measure;
	my $expected = query(qq{
		WITH file AS (
			SELECT f.*, left(c.path::text, 1) AS section
			FROM ($raw) AS f
			LEFT JOIN register.activity_category AS c ON c.enabled AND c.code = f.activity
				AND c.standard_id = (SELECT activity_category_standard_id FROM register.settings)
		), last AS (
			SELECT f.ident, (array_agg(f.founded ORDER BY f.year DESC))[1] AS founded,
				(array_agg(f.municipality ORDER BY f.year DESC) FILTER (WHERE f.has_address))[1] AS municipality,
				(array_agg(f.section ORDER BY f.year DESC) FILTER (WHERE f.section IS NOT NULL))[1] AS section
			FROM file AS f GROUP BY f.ident)
		SELECT concat_ws(' ', coalesce(left(r.municipality, 2), '-'), coalesce(r.section, '-'), count(*))
		FROM last AS r WHERE $of_file GROUP BY left(r.municipality, 2), r.section ORDER BY 1});
	my $got = query(qq{
		SELECT concat_ws(' ', coalesce(split_part(u.physical_region_path::text, '.', 1), '-'),
			coalesce(left(u.primary_activity_category_path::text, 1), '-'), count(*))
		FROM register.statistical_unit AS u
		WHERE u.unit_type = 'legal_unit' AND u.valid_from <= '2020-01-01' AND '2020-01-01' < u.valid_until AND $of_register
		GROUP BY split_part(u.physical_region_path::text, '.', 1), left(u.primary_activity_category_path::text, 1) ORDER BY 1});
	cmp_ok(scalar(split /\n/, $expected), '>', 150, "$name: regions and sections in the files");
	same_text($got, $expected, "$name: the population by region and section is that of the files");
}

# The last year again: nothing changes.
my $before = query('SELECT count(*), max(xmin::text::bigint) FROM register.legal_unit');
import_year(2020, $_, '_again') for qw(enheter underenheter);
is(query(q{SELECT string_agg(concat_ws(' ', imported_rows, unchanged_rows), ', ' ORDER BY id) FROM import.job WHERE slug LIKE '%\_again'}), '0 2146, 0 2148',
	'the last year again: 0 changes');
is(query('SELECT count(*), max(xmin::text::bigint) FROM register.legal_unit'), $before, 'and no row is written');

$node->stop;
done_testing();
