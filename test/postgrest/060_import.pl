# A job under review through the real PostgREST: its reports in each format, the preview, decisions, progress from another
# session, and calling it off while it is at work.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use Statbus;
use PostgREST;

plan skip_all => 'no PostgREST binary: set POSTGREST, or run test/postgrest.sh path' unless PostgREST::binary();

my $node = new_node('postgrest_review');
my $database = create_register($node, 'register_of_test');
my ($ada, $rita, $rolf) = map { "$_\@example.org" } qw(ada rita rolf);
$node->safe_psql($database, sql_file('setup.sql') . q{;
	INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Rolf Regular', 'rolf@example.org', 'regular_user');
	SELECT auth.sync_roles();
});
my $server = PostgREST->start($node, $database);

sub answer
{
	my ($status, $what, $method, $path, %with) = @_;
	my $got = $server->request($method, $path, %with);
	is($got->{status}, $status, "$what: $status") or diag($got->{text});
	return wantarray ? ($got->{body}, $got) : $got->{body};
}

sub upload
{
	my ($slug, $bytes) = @_;
	return answer(200, "the file of $slug", POST => '/rpc/import_upload', as => $rita, body => $bytes, headers => {
		'Content-Type' => 'application/octet-stream', 'Statbus-Job' => $slug, 'Statbus-Chunk' => 1, 'Statbus-Last' => 'true' });
}

sub job { return answer(200, "job $_[0]", GET => "/import_job?slug=eq.$_[0]", as => $rita)->[0]; }

my ($body, $got);
my $file = <<'CSV';
Tax Ident;name;valid_from;valid_to;physical_region_code;physical_country_iso_2;employees
977000001;=1+1;2022-01-01;infinity;9101;NO;7
977000002;Beta;2022-01-01;infinity;9101;NO;many
977000003;"Gamma; ""the third""";2022-01-01;infinity;910;NO;3
CSV
answer(201, 'a job', POST => '/import_job', as => $rita, body => { slug => 'reviewed', definition_slug => 'legal_unit_source_dates', review => JSON::PP::true });
upload('reviewed', $file);
$node->safe_psql($database, 'CALL worker.process_tasks()');
is(job('reviewed')->{state}, 'waiting_for_review', 'waits for review');

# Findings counted, and a rule with a fault ---------------------------------------------------------------------
$body = answer(200, 'findings counted', GET => '/rpc/import_finding_summary?job=reviewed&severity=eq.error', as => $rita);
is_deeply([ map { [ @$_{qw(code column_name row_count first_lines top_values)} ] } @$body ],
	[ [ 'not_a_number', 'employees', 1, [3], [ { value => 'many', count => 1 } ] ] ], 'are errors by code and column, with lines and values');
$body = answer(400, 'a rule that cannot be compiled', POST => '/import_rule', as => $ada,
	body => { name => 'typo', expression => 'employees > 0 and employes < 9', message => 'No' });
is_deeply([ @$body{qw(code message details)} ], [ '42703', 'there is no column "employes"', 'At character 19 of the expression.' ], 'is told with its place');
answer(403, 'a rule of somebody who administers nothing', POST => '/import_rule', as => $rita, body => { name => 'hers', expression => 'employees > 0', message => 'No' });

# Reports ------------------------------------------------------------------------------------------------------
(undef, $got) = answer(200, 'the file with its errors', GET => '/rpc/import_report_csv?job=reviewed', as => $rita, headers => { Accept => 'text/csv' });
like($got->{headers}{'content-type'}, qr{^text/csv}, 'is text/csv');
is($got->{headers}{'content-disposition'}, 'attachment; filename="reviewed_report.csv"', 'with a name');
my $report = $got->{text};
my @lines = split /\r\n/, $report;
is($lines[0], "\xEF\xBB\xBFTax Ident,name,valid_from,valid_to,physical_region_code,physical_country_iso_2,employees,errors,warnings,source_line", 'has the headings of the file and three more');
is($lines[1], "977000001,'=1+1,2022-01-01,infinity,9101,NO,7,,,2", 'makes a text of a formula');
like($lines[2], qr/^977000002,Beta,.*,many,"employees: ""many"" is not a number[^"]*",,3$/, 'says what is wrong');
like($lines[3], qr/^977000003,"Gamma; ""the third""",.*""910"" is unknown.*,4$/, 'keeps what was written');
(undef, $got) = answer(200, 'its rows with errors', GET => '/rpc/import_report_csv?job=reviewed&which=errors&delimiter=semicolon', as => $rita, headers => { Accept => 'text/csv' });
is(scalar(split /\r\n/, $got->{text}), 2, 'are one, and the heading');
(undef, $got) = answer(200, 'the report for people', GET => '/rpc/import_report_text?job=reviewed', as => $rita, headers => { Accept => 'text/plain' });
like($got->{text}, qr/^Import job reviewed: waiting for review\n3 rows by definition legal_unit_source_dates\n.*1 with errors.*\n\nErrors.*\n +1  employees: "many" is not a number/, 'begins with the counts');
$body = answer(200, 'the report for programs', GET => '/rpc/import_report?job=reviewed', as => $rita);
is_deeply([ sort keys %{ $body->[0] } ], [ qw(data event id rule value) ], 'has results with the members of a ValidatReport');
is_deeply([ map { $_->{data}{target} } grep { $_->{rule}{severity} eq 'error' } @$body ], [ [ 'line 3', 'employees' ] ], 'that name line and column');
answer(403, 'the report of somebody else', GET => '/rpc/import_report_text?job=reviewed', as => $rolf);
answer(404, 'the report of no job', GET => '/rpc/import_report?job=nothing', as => $rita);
answer(403, 'the file, for an administrator', GET => '/rpc/import_report_csv?job=reviewed', as => $ada, headers => { Accept => 'text/csv' });
is($server->request(GET => '/rpc/import_report_text?job=reviewed')->{status}, 401, 'a visitor gets none');

# The report goes in again ---------------------------------------------------------------------------------------
answer(201, 'another job', POST => '/import_job', as => $rita, body => { slug => 'corrected', definition_slug => 'legal_unit_source_dates', review => JSON::PP::true });
$report =~ s/,many,/,8,/;
is(upload('corrected', $report)->{rows}, 3, 'takes the corrected report');

# Preview and decisions ------------------------------------------------------------------------------------------
$body = answer(200, 'the preview', GET => '/rpc/import_preview?job=reviewed&valid_on=2023-06-01', as => $rita);
is_deeply($body->{rows}, { total => 3, imported => 2, unchanged => 0, skipped => 0, error => 1 }, 'says what would become of the rows');
is_deeply([ grep { $_->{table} eq 'legal_unit' } @{ $body->{tables} } ], [ { table => 'legal_unit', inserts => 2, updates => 0, unchanged => 0 } ], 'and of the tables');
my $units = $body->{effect}{units}{legal_unit};
is($units->{after} - $units->{before}, 2, 'and of what is counted');
answer(403, 'the preview for somebody else', GET => '/rpc/import_preview?job=reviewed', as => $rolf);
answer(403, 'somebody else approves', POST => '/rpc/import_job_approve', as => $rolf, body => { job => 'reviewed' });
is(answer(200, 'its user approves', POST => '/rpc/import_job_approve', as => $rita, body => { job => 'reviewed' })->{state}, 'approved', 'with effect');
answer(409, 'and rejects', POST => '/rpc/import_job_reject', as => $rita, body => { job => 'reviewed' });
$node->safe_psql($database, 'CALL worker.process_tasks()');
$body = job('reviewed');
is("$body->{state} $body->{imported_rows} $body->{error_count}", 'finished 2 1', 'is imported');
answer(409, 'the preview afterwards', GET => '/rpc/import_preview?job=reviewed', as => $rita);
is($node->safe_psql($database, q{SELECT name FROM register.legal_unit AS u JOIN register.external_ident AS i ON i.legal_unit_id = u.id WHERE i.ident = '977000001'}), '=1+1', 'a formula is stored as it came');
$body = job('corrected');
is("$body->{state} $body->{error_count}", 'waiting_for_review 0', 'the corrected file has no error');
$body = answer(200, 'its preview', GET => '/rpc/import_preview?job=corrected', as => $rita);
is_deeply($body->{rows}, { total => 3, imported => 1, unchanged => 2, skipped => 0, error => 0 }, 'only the corrected row is new');
is(answer(200, 'an administrator rejects', POST => '/rpc/import_job_reject', as => $ada, body => { job => 'corrected' })->{state}, 'rejected', 'with effect');
$body = answer(200, 'a copy', POST => '/rpc/import_job_clone', as => $rita, body => { job => 'corrected', slug => 'copied', with_file => JSON::PP::true });
is("$body->{job} $body->{rows} $body->{state}", 'copied 3 upload_completed', 'has the file');
answer(403, 'a copy of the file of somebody else', POST => '/rpc/import_job_clone', as => $rolf, body => { job => 'corrected', slug => 'stolen', with_file => JSON::PP::true });
is(answer(200, 'the copy', POST => '/rpc/import_job_cancel', as => $rita, body => { job => 'copied' })->{error}, 'cancelled by Rita Regular', 'is called off');
answer(403, 'somebody else deletes it', POST => '/rpc/import_job_delete', as => $rolf, body => { job => 'copied' });
answer(204, 'its user deletes it', POST => '/rpc/import_job_delete', as => $rita, body => { job => 'copied' });
answer(404, 'and again', POST => '/rpc/import_job_delete', as => $rita, body => { job => 'copied' });

# Called off at work ---------------------------------------------------------------------------------------------
$node->safe_psql($database, q{
	CALL worker.process_tasks();
	INSERT INTO import.job (slug, definition_id, user_id, review)
	SELECT s.slug, d.id, u.id, false FROM (VALUES ('large'), ('next')) AS s (slug), import.definition AS d, auth."user" AS u
	WHERE d.slug = 'legal_unit_source_dates' AND u.email = 'rita@example.org' ORDER BY s.slug;
	INSERT INTO import.large_upload (tax_ident, name, valid_from, valid_to) SELECT 900000000 + n, 'Unit ' || n, '2022-01-01', 'infinity' FROM generate_series(1, 150000) AS n;
	INSERT INTO import.next_upload (tax_ident, name, valid_from, valid_to) VALUES ('977000009', 'Next', '2022-01-01', 'infinity');
});
my ($in, $out, $err) = ('', '', '');
my $worker = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($database), '-c', 'CALL worker.process_tasks()' ], \$in, \$out, \$err);
my $seen;
ok($server->wait_until(sub {
	$seen = $server->request(GET => '/import_job?slug=eq.large&select=state,analysis_completed_pct', as => $rolf)->{body}[0];
	return $seen->{state} eq 'analysing_data' && $seen->{analysis_completed_pct} > 0;
}, 'progress is seen'), 'how far the analysis is, is seen while it goes on');
my $asked = time;
is(answer(200, 'its user', POST => '/rpc/import_job_cancel', as => $rita, body => { job => 'large' })->{state}, 'failed', 'calls it off');
my $working = q{SELECT count(*) FROM worker.tasks WHERE state = 'processing' AND command = 'import_job' AND cancel_reason IS NOT NULL};
sleep 0.02 while time - $asked < 30 && $node->safe_psql($database, $working) ne '0';
note(sprintf 'the worker had stopped %.0f ms after the request was sent', 1000 * (time - $asked));
cmp_ok(time - $asked, '<', 5, 'and the worker stops');
ok($worker->finish, 'without an error') or diag($err);
$body = job('large');
is("$body->{state} $body->{error} $body->{imported_rows} $body->{skipped_rows}", 'failed cancelled by Rita Regular 0 150000', 'the job has failed, and accounts for its rows');
is(job('next')->{state}, 'finished', 'the next one is imported by the same call');
answer(409, 'to call it off again', POST => '/rpc/import_job_cancel', as => $rita, body => { job => 'large' });

$server->stop;
$node->stop;
done_testing();
