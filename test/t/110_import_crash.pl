# The server is killed while a file comes in, while it is analysed, while it is applied and while it is undone. The worker goes on:
# every row is accounted for, and the register is that of a server that was left alone.
use strict;
use warnings;
use File::Basename qw(dirname);
use Time::HiRes qw(usleep);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $rows = 2000;
my $node = new_node('crash');
create_register($node, 'calm');
choose_settings($node, 'calm', 'nace_v2.1', 'NO');
$node->safe_psql('calm', q{
	INSERT INTO register.region (version_id, path, name)
	SELECT v.id, r.path::ltree, r.name FROM register.region_version AS v, (VALUES ('03', 'Oslo'), ('11', 'Rogaland')) AS r (path, name) WHERE v.code = 'initial';
	INSERT INTO register.tag (path, name) VALUES ('census', 'Census')});
$node->safe_psql('postgres', 'CREATE DATABASE killed TEMPLATE calm');

# First a file of new units; then one that changes the half of them, and adds some.
sub rows_of_file
{
	my ($name, $from, $until, $region) = @_;
	return qq{SELECT 'c' || i, '$name ' || i, '$region', 'Place ' || i % 7, '01.11', CASE WHEN i % 3 = 0 THEN '10.11' END, i % 50, i % 1000,
		'u' || i || '\@example.org', CASE WHEN i % 2 = 0 THEN 'census' END, CASE WHEN i % 100 = 99 THEN 'no date' ELSE '2020-01-01' END, 'infinity'
		FROM generate_series($from, $until) AS i};
}
my $columns = 'tax_ident, name, physical_region_code, physical_postplace, primary_activity_category_code, secondary_activity_category_code, employees, turnover, '
  . 'email_address, tag_path, valid_from, valid_to';
my %file = (first => rows_of_file('Unit', 1, $rows, '03'), second => rows_of_file('Changed', $rows / 2, $rows * 1.2, '11'));

sub query { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }

sub job
{
	my ($database, $slug) = @_;
	query($database, "INSERT INTO api.import_job (slug, definition_slug, review, processing_batch_size) VALUES ('$slug', 'legal_unit_source_dates', false, 100)");
	return;
}

sub upload { my ($database, $slug) = @_; return query($database, "INSERT INTO import.${slug}_upload ($columns) $file{$slug}"); }

# In words of the file: numbers of units differ, as those that a crash has drawn are lost.
my $register = q{
	SELECT u.unit_type, u.valid_from, u.valid_until, u.external_idents, u.name, u.physical_region_code, u.physical_postplace, u.primary_activity_category_code,
		u.secondary_activity_category_code, u.stats, u.stats_summary, u.email_address, u.tag_paths, u.primary_for_enterprise
	FROM register.statistical_unit AS u ORDER BY 1, 4, 2, 5};
my $lineage = q{
	SELECT e.ident, l.valid_from, l.import_source_line, j.slug, p.import_source_line, s.n
	FROM register.external_ident AS e JOIN register.legal_unit AS l ON l.id = e.legal_unit_id JOIN import.job AS j ON j.id = l.import_job_id
	LEFT JOIN register.location AS p ON p.legal_unit_id = l.id AND p.valid_from = l.valid_from
	LEFT JOIN LATERAL (SELECT count(*) AS n FROM register.stat_for_unit AS x WHERE x.legal_unit_id = l.id) AS s ON true ORDER BY 1, 2};
my $counts = q{SELECT slug, state, total_rows, imported_rows, unchanged_rows, skipped_rows, error_count, total_rows = imported_rows + unchanged_rows + skipped_rows + error_count
	FROM import.job ORDER BY slug};

# The undisturbed one.
my %calm;
for my $slug ('first', 'second')
{
	job('calm', $slug);
	upload('calm', $slug);
	query('calm', 'CALL worker.process_tasks()');
	$calm{$slug} = query('calm', $register);
	$calm{"$slug lineage"} = query('calm', $lineage);
}
my $calm_counts = query('calm', $counts);

# Runs what $sql says in the background and kills the server when $condition holds, or the statement is over.
my $kills = 0;
sub kill_during
{
	my ($what, $sql, $condition, $delay) = @_;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('killed'), '-c', $sql ], '>', \$out, '2>', \$err);
	my $hit = 0;
	for (1 .. 600)
	{
		$hit = query('killed', $condition) eq 't';
		last if $hit;
		eval { $run->pump_nb };
		last if $err ne '' || !$run->pumpable;
		usleep(10_000);
	}
	usleep($delay) if $hit;
	$node->stop('immediate');
	eval { $run->finish };
	$node->start;
	# A fast machine may be done before it is seen to be at it.
	is($err =~ s/^.*(?:terminat|connection|SSL|crash|roll back|moment).*\n//mgr, '', "killed $what: no other error") if !$hit;
	note($hit ? "killed $what" : "too late to kill $what");
	$kills++ if $hit;
	return;
}
my $work = 'CALL worker.process_tasks()';

job('killed', 'first');
kill_during('while the file comes',
	"INSERT INTO import.first_upload ($columns) SELECT f.* FROM ($file{first}) AS f (ident" . join('', map { ", c$_" } 1 .. 11) . ') CROSS JOIN LATERAL pg_sleep(0.001 + 0 * length(f.ident))',
	q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'INSERT INTO import.first_upload%' AND state = 'active' AND pid <> pg_backend_pid())}, 300_000);
is(query('killed', q{SELECT state || ' ' || (SELECT count(*) FROM import.first_upload) FROM import.job}), 'waiting_for_upload 0', 'nothing has come');
upload('killed', 'first');
kill_during('while it is analysed', $work, q{SELECT state = 'analysing_data' FROM import.job WHERE slug = 'first'}, 50_000);
is(query('killed', q{SELECT count(*) FROM import.first_data}), '0', 'no half analysis is left') if query('killed', q{SELECT state FROM import.job}) eq 'analysing_data';
for my $batch (2, 7)
{
	kill_during("after $batch batches", $work, qq{SELECT imported_rows >= 80 * ($batch - 1) AND state = 'processing_data' FROM import.job WHERE slug = 'first'}, 30_000);
	is(query('killed', q{SELECT j.imported_rows = count(*) FILTER (WHERE d.state = 'processed') FROM import.job AS j, import.first_data AS d WHERE j.slug = 'first' GROUP BY j.imported_rows}),
		't', 'what is counted as imported is');
}
query('killed', $work);
same_text(query('killed', $register), $calm{first}, 'the first file: the register is that of the undisturbed server');
same_text(query('killed', $lineage), $calm{'first lineage'}, 'and every slice says of which line it is');

job('killed', 'second');
upload('killed', 'second');
kill_during('while known units change', $work, q{SELECT imported_rows >= 160 AND state = 'processing_data' FROM import.job WHERE slug = 'second'}, 20_000);
query('killed', $work);
same_text(query('killed', $register), $calm{second}, 'the second file, too');
same_text(query('killed', $lineage), $calm{'second lineage'}, 'and its lines');
is(query('killed', $counts), $calm_counts, 'counts are the same, and add up');
is(query('killed', 'SELECT count(*) FROM statbus.verify_derived()'), '0', 'derived data equals a recomputation');

query('killed', q{SELECT api.import_job_undo('second')});
kill_during('while the second file is undone', $work, q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CALL worker%' AND state = 'active')}, 150_000);
query('killed', $work);
is(query('killed', q{SELECT state FROM import.job WHERE slug = 'second'}), 'undone', 'it is undone all the same');
same_text(query('killed', $register), $calm{first}, 'the register is as it was before');
same_text(query('killed', $lineage), $calm{'first lineage'}, 'also by whom');
query('killed', q{SELECT api.import_job_undo('first')});
query('killed', $work);
is(query('killed', q{SELECT (SELECT count(*) FROM register.legal_unit) + (SELECT count(*) FROM register.enterprise) + (SELECT count(*) FROM register.statistical_unit)}), '0',
	'without the first file there is nothing');
is(query('killed', 'SELECT count(*) FROM statbus.verify_derived()'), '0', 'derived data equals a recomputation');
cmp_ok($kills, '>=', 3, 'killed at work');

done_testing();
