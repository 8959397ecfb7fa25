# ALTER EXTENSION statbus UPDATE while jobs of 0.3.0 are under way: whatever state a job is in, it goes on in the new version and
# ends as it would have there from the beginning; what is done can be read, copied and deleted, and is known not to be undone.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

my $node = new_node('upgrade_import');
my ($code, $out, $err);
sub query { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }
sub refused { my ($database, $sql) = @_; ($code, $out, $err) = $node->psql($database, $sql, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]); return $err =~ /(\w{5})\s*\z/ ? $1 : "no error: $out"; }

my %file = (
	known => [ 'legal_unit_source_dates', 'tax_ident, name, physical_region_code, physical_postplace, primary_activity_category_code, employees, status_code, valid_from, valid_to',
		q{SELECT 'k' || i, 'Known ' || i, '03', 'Place ' || i % 3, '01.11', i, 'active', '2020-01-01', 'infinity' FROM generate_series(1, 20) AS i} ],
	broken => [ 'legal_unit_source_dates', 'tax_ident, name, valid_from, valid_to', q{VALUES ('x1', 'One', '2020-01-01', 'infinity'), ('x2', 'Two', '2020-01-01', 'infinity')} ],
	# Changed, the same, new, of two rows, wrong.
	main => [ 'legal_unit_source_dates', 'tax_ident, name, physical_region_code, physical_postplace, primary_activity_category_code, employees, status_code, valid_from, valid_to',
		q{SELECT 'k' || i, CASE WHEN i % 2 = 0 THEN 'Known ' || i ELSE 'Changed ' || i END, '03', 'Place ' || i % 3, '01.11', i::text, 'active', '2020-01-01', 'infinity' FROM generate_series(1, 20) AS i
		UNION ALL SELECT 'n' || i, 'New ' || i, '11', 'Town ' || i % 3, '10.11', (i * 2)::text, NULL, '2021-01-01', '2021-12-31' FROM generate_series(1, 15) AS i
		UNION ALL SELECT 'n' || i, 'Newer ' || i, '11', 'Town ' || i % 3, '10.11', (i * 3)::text, NULL, '2022-01-01', 'infinity' FROM generate_series(1, 10) AS i
		UNION ALL VALUES ('w1', 'Wrong', NULL, NULL, NULL, NULL, NULL, 'some day', 'infinity'), (NULL, 'Nobody', NULL, NULL, NULL, NULL, NULL, '2020-01-01', 'infinity'),
			('w2', 'Warned', '99', NULL, NULL, NULL, NULL, '2020-01-01', 'infinity')} ],
	next => [ 'legal_relationship_source_dates', 'influencing_tax_ident, influenced_tax_ident, rel_type_code, percentage, valid_from, valid_to',
		q{SELECT 'k' || i, 'k' || i + 10, 'ownership', '60', '2021-01-01', 'infinity' FROM generate_series(1, 10) AS i UNION ALL VALUES ('k1', 'nobody', 'ownership', '10', '2021-01-01', 'infinity')} ],
	open => [ 'establishment_for_lu_source_dates', 'tax_ident, legal_unit_tax_ident, name, physical_region_code, employees, valid_from, valid_to',
		q{SELECT 'e' || i, 'k' || i, 'Branch ' || i, '11', i::text, '2021-01-01', 'infinity' FROM generate_series(1, 20) AS i UNION ALL VALUES ('e99', 'nobody', 'Lost', NULL, NULL, '2021-01-01', 'infinity')} ],
);
my $owner = q{regress_upgrade_rita@example.org};

sub job
{
	my ($database, $slug, $review) = @_;
	query($database, qq{INSERT INTO import.job (slug, definition_id, review, processing_batch_size, user_id)
		SELECT '$slug', d.id, $review, CASE '$slug' WHEN 'next' THEN 4 ELSE 10 END, u.id FROM import.definition AS d, auth."user" AS u WHERE d.slug = '$file{$slug}[0]' AND u.email = '$owner'});
	return;
}
sub upload { my ($database, $slug) = @_; return query($database, qq{SET ROLE "$owner"; INSERT INTO import.${slug}_upload ($file{$slug}[1]) $file{$slug}[2]}); }
sub work { my ($database, $steps) = @_; return query($database, 'CALL worker.process_tasks(' . ($steps ? "'import', $steps" : '') . ')'); }
sub state_of { my ($database, $slug) = @_; return query($database, "SELECT state FROM import.job WHERE slug = '$slug'"); }

sub prepare
{
	my ($database) = @_;
	choose_settings($node, $database, 'nace_v2.1', 'NO');
	query($database, qq{
		INSERT INTO register.region (version_id, path, name)
		SELECT v.id, r.path::ltree, r.name FROM register.region_version AS v, (VALUES ('03', 'Oslo'), ('11', 'Rogaland')) AS r (path, name) WHERE v.code = 'initial';
		INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Rita', '$owner', 'admin_user');
		SELECT auth.sync_roles()});
	for my $slug ('known', 'broken')
	{
		job($database, $slug, 'false');
		upload($database, $slug);
		query($database, 'DELETE FROM import.broken_upload WHERE tax_ident = \'x2\'') if $slug eq 'broken';
		work($database);
	}
	is(state_of($database, 'known') . ' ' . state_of($database, 'broken'), 'finished failed', "$database: one job is done, one has failed");
	return;
}

my $register = q{
	SELECT u.unit_type, u.valid_from, u.valid_until, u.external_idents, u.name, u.physical_region_code, u.physical_postplace, u.primary_activity_category_code,
		u.stats, u.stats_summary, u.status_code, u.primary_for_enterprise
	FROM register.statistical_unit AS u WHERE u.unit_type <> 'power_group' ORDER BY 1, 4, 2, 5};
my $relationships = q{
	SELECT a.ident, b.ident, r.valid_from, r.valid_until, r.percentage, j.slug, r.import_source_line
	FROM register.legal_relationship AS r JOIN register.external_ident AS a ON a.legal_unit_id = r.influencing_id JOIN register.external_ident AS b ON b.legal_unit_id = r.influenced_id
	LEFT JOIN import.job AS j ON j.id = r.import_job_id ORDER BY 1, 2, 3};
my $lineage = q{
	SELECT e.ident, l.valid_from, l.valid_until, l.import_source_line, j.slug
	FROM register.external_ident AS e JOIN register.legal_unit AS l ON l.id = e.legal_unit_id LEFT JOIN import.job AS j ON j.id = l.import_job_id ORDER BY 1, 2};
my $counts = q{SELECT slug, state, total_rows, imported_rows, unchanged_rows, skipped_rows, error_count, total_rows = imported_rows + unchanged_rows + skipped_rows + error_count
	FROM import.job WHERE slug <> 'broken' ORDER BY slug};
my $findings = q{SELECT j.slug, f.row_id, f.column_name, f.code, f.severity, f.value FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE f.row_id > 0 ORDER BY 1, 2, 3, 4};

# The last job comes after the update: its file, too.
sub finish
{
	my ($database) = @_;
	work($database);
	upload($database, 'open') if state_of($database, 'open') eq 'waiting_for_upload';
	work($database);
	return;
}

# A register that was never another version.
create_register($node, 'fresh');
prepare('fresh');
job('fresh', 'open', 'false');
job('fresh', 'main', 'false');
upload('fresh', 'main');
job('fresh', 'next', 'false');
upload('fresh', 'next');
finish('fresh');
is(query('fresh', q{SELECT string_agg(slug || ' ' || error_count, ', ' ORDER BY slug) FROM import.job WHERE state = 'finished'}),
	'known 0, main 2, next 1, open 1', 'fresh: all is done');
my %expected = map { $_->[0] => query('fresh', $_->[1]) } [ register => $register ], [ relationships => $relationships ], [ lineage => $lineage ], [ counts => $counts ], [ findings => $findings ];

# 0.3.0, with a file that has come behind that of each state, and a job whose file is still to come.
query('postgres', q{CREATE DATABASE old TEMPLATE template0 ENCODING 'UTF8'});
query('old', q{CREATE EXTENSION btree_gist; CREATE EXTENSION statbus VERSION '0.3.0' CASCADE});
prepare('old');
my $before = query('old', $register);
job('old', 'open', 'false');
my %states = (
	upload_completed => sub { },
	preparing_data => sub { work($_[0], 1) },
	analysing_data => sub { work($_[0], 2) },
	waiting_for_review => sub { work($_[0]) },
	approved => sub { work($_[0]); query($_[0], q{UPDATE import.job SET state = 'approved' WHERE slug = 'main'}) },
	rejected => sub { work($_[0]); query($_[0], q{UPDATE import.job SET state = 'rejected' WHERE slug = 'main'}) },
	processing_data => sub { work($_[0], 5) },
	# The same of the jobs after it: establishments, and relationships.
	processing_open => sub { work($_[0]); upload($_[0], 'open'); work($_[0], 4) },
	processing_next => sub { work($_[0]); job($_[0], 'next', 'false'); upload($_[0], 'next'); work($_[0], 4) },
);
for my $state (sort keys %states)
{
	my $database = "at_$state";
	query('postgres', "CREATE DATABASE $database TEMPLATE old");
	job($database, 'main', $state =~ /review|approved|rejected/ ? 'true' : 'false');
	upload($database, 'main');
	$states{$state}->($database);
	my ($slug, $has_state) = $state =~ /^processing_(open|next)/ ? ($1, 'processing_data') : ('main', $state);
	if ($slug ne 'next')
	{
		job($database, 'next', 'false');
		upload($database, 'next');
	}
	is(state_of($database, $slug), $has_state, "0.3.0: job $slug is at $state");
	is(query($database, qq{SELECT count(*) FILTER (WHERE d.state = 'analysed') > 0 AND count(*) FILTER (WHERE d.state = 'processed') > 0 FROM import.${slug}_data AS d}), 't',
		'it is half-way') if $state =~ /processing/;

	query($database, 'ALTER EXTENSION statbus UPDATE');
	is(query($database, 'SELECT statbus.needs_migration()'), 'f', "$state: updated");
	is(query($database, q{SELECT count(*) FROM statbus.verify_derived()}), '0', "$state: derived data is right");
	if ($state eq 'waiting_for_review')
	{
		work($database);
		is(state_of($database, 'main'), $state, 'it waits on');
		like(query($database, q{SELECT api.import_preview('main')}), qr/"legal_unit"/, 'and can be looked at before');
		is(query($database, qq{SET ROLE "$owner"; SELECT api.import_job_approve('main') ->> 'state'}), 'approved', 'its user approves it');
	}
	finish($database);
	if ($state eq 'rejected')
	{
		is(query($database, q{SELECT state, imported_rows, unchanged_rows, total_rows = skipped_rows + error_count FROM import.job WHERE slug = 'main'}), 'finished|0|0|t', 'nothing of a rejected job goes in');
		is(query($database, q{SELECT count(*) FROM register.legal_unit}), '20', 'nothing has');
		is(query($database, q{SELECT string_agg(state::text, ' ') FROM import.job WHERE slug IN ('next', 'open')}), 'finished finished', 'and the others went on');
		next;
	}
	is(query($database, $counts), $expected{counts}, "$state: every row is accounted for as in a new register");
	same_text(query($database, $register), $expected{register}, "$state: so are the units");
	same_text(query($database, $relationships), $expected{relationships}, "$state: the relationships");
	same_text(query($database, $lineage), $expected{lineage}, "$state: and the lines of the files that they are of");
	same_text(query($database, $findings), $expected{findings}, "$state: findings") if $state =~ /upload_completed|preparing|analysing/;
	is(query($database, q{SELECT count(*) FROM statbus.verify_derived()}), '0', "$state: derived data is right in the end");
	is(query($database, q{SELECT count(*) FROM statbus.doctor() WHERE severity = 'error'}), '0', "$state: the doctor finds nothing");

	# What the new version has applied can be taken back, what the old one has not.
	is(refused($database, q{SELECT api.import_job_undo('known')}), '55000', "$state: what 0.3.0 applied cannot be undone");
	my @kept = grep { query($database, "SELECT undo_kept FROM import.job WHERE slug = '$_'") eq 't' } qw(open next main);
	my %begun = map { $_ => 1 } $state eq 'processing_data' ? 'main' : $state =~ /^processing_/ ? ($slug, 'main') : ();
	is("@kept", join(' ', grep { !$begun{$_} } qw(open next main)), "$state: which can be taken back");
	is(refused($database, "SELECT api.import_job_undo('$_')"), '55000', "$state: not $_, which it began to apply") for sort keys %begun;
	if (!%begun)
	{
		query($database, "SELECT api.import_job_undo('$_')") for @kept;
		work($database);
		is(query($database, q{SELECT string_agg(state::text, ' ') FROM import.job WHERE slug IN ('main', 'next', 'open')}), 'undone undone undone', "$state: what it had only read, is");
		is(query($database, q{SELECT count(*) FILTER (WHERE unit_type = 'legal_unit'), count(*) FILTER (WHERE unit_type = 'establishment') FROM register.statistical_unit WHERE valid_until = 'infinity'}),
			'20|0', "$state: the units of before are left");
		same_text(query($database, $register), $before, "$state: as they were");
	}

	# Reports, copies and deletions of jobs of both versions.
	for my $job ('known', 'main', 'broken')
	{
		like(query($database, qq{SELECT api.import_report_text('$job')}), qr/$job/, "$state: a report of $job");
		cmp_ok(query($database, qq{SELECT count(*) FROM import.report_lines('$job', 'all')}), '>', 1, "$state: the file of $job with its findings");
	}
	is(query($database, qq{SET ROLE "$owner"; SELECT api.import_job_clone('main', 'main_again', true) ->> 'rows'}), '48', "$state: a copy of the job, with its file");
	work($database);
	query($database, q{SELECT api.import_job_approve('main_again')}) if state_of($database, 'main_again') eq 'waiting_for_review';
	work($database);
	is(query($database, q{SELECT state, total_rows = imported_rows + unchanged_rows + skipped_rows + error_count FROM import.job WHERE slug = 'main_again'}), 'finished|t', "$state: which goes in");
	query($database, qq{SET ROLE "$owner"; SELECT api.import_job_delete('$_')}) for qw(main_again broken known main);
	is(query($database, q{SELECT count(*) FROM pg_class WHERE relname ~ '^(main|main_again|known|broken)_(upload|data)$'}), '0', "$state: deleted, with their tables");
}
$node->stop;
done_testing();
