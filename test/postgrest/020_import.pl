# A small file through the real PostgREST: a job, its upload as CSV, the run, the findings, the units.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;
use PostgREST;

plan skip_all => 'no PostgREST binary: set POSTGREST, or run test/postgrest.sh path' unless PostgREST::binary();

my $node = new_node('postgrest_import');
my $database = create_register($node, 'register_of_test');
my ($ada, $rita, $rolf, $eve) = map { "$_\@example.org" } qw(ada rita rolf eve);
$node->safe_psql($database, sql_file('setup.sql') . q{;
	INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
	    ('Rolf Regular', 'rolf@example.org', 'regular_user'),
	    ('Eve External', 'eve@example.org', 'external_user');
	SELECT auth.sync_roles();
});
my $server = PostgREST->start($node, $database);

sub answer
{
	my ($status, $what, $method, $path, %with) = @_;
	my $got = $server->request($method, $path, %with);
	is($got->{status}, $status, "$what: $status") or diag($got->{text});
	return $got->{body};
}

my %returning = (headers => { Prefer => 'return=representation' });
my %csv = (headers => { 'Content-Type' => 'text/csv' });
my $body;

# The job ----------------------------------------------------------------------------------------------------
my %job = (slug => 'small_file', definition_slug => 'legal_unit_source_dates', description => 'Three units');
answer(403, 'an external user makes a job', POST => '/import_job', as => $eve, body => \%job);
$body = answer(400, 'a job by a definition that is not there', POST => '/import_job', as => $rita, body => { %job, definition_slug => 'no_such' });
is($body->{code}, '22023', 'is refused as such');
answer(400, 'a job with a name that no table can have', POST => '/import_job', as => $rita, body => { %job, slug => 'Small file' });
$body = answer(201, 'a job', POST => '/import_job', as => $rita, %returning, body => \%job);
is("$body->[0]{slug} $body->[0]{definition_slug} $body->[0]{state}", 'small_file legal_unit_source_dates waiting_for_upload', 'waits for its file');
my $id = $body->[0]{id};
answer(409, 'a second job of that name', POST => '/import_job', as => $rita, body => \%job);
is_deeply(answer(200, 'a job embeds', GET => "/import_job?id=eq.$id&select=import_definition(slug),user(email)", as => $rita),
	[ { import_definition => { slug => 'legal_unit_source_dates' }, user => { email => $rita } } ], 'its definition and its owner');

# The upload -------------------------------------------------------------------------------------------------
# The server is told of the new tables; until then it knows no columns to write to.
ok($server->wait_until(sub { $server->request(OPTIONS => '/small_file_upload', as => $rita)->{status} == 200 }, 'the upload table is served'),
	'the upload table is served without a restart');
my $file = <<'CSV';
tax_ident,name,valid_from,valid_to,primary_activity_category_code,physical_region_code,physical_country_iso_2,legal_form_code,employees
977000001,Alpha,2022-01-01,infinity,0111,9101,NO,ZZ,7
977000002,"Beta, with a comma",2022-01-01,infinity,0111,9101,NO,ZZ,many
977000003,Gamma,yesterday,infinity,0111,9101,NO,ZZ,1
CSV
answer(403, 'somebody else uploads', POST => '/small_file_upload', as => $rolf, %csv, body => $file);
$body = answer(400, 'a column that the definition does not have', POST => '/small_file_upload', as => $rita, %csv, body => "tax_ident,colour\n1,red\n");
answer(201, 'the owner uploads', POST => '/small_file_upload', as => $rita, %csv, body => $file);
is(answer(200, 'the job', GET => "/import_job?id=eq.$id", as => $rita)->[0]{state}, 'upload_completed', 'has its file');
isnt($server->request(POST => '/small_file_upload', as => $rita, %csv, body => $file)->{status}, 201, 'and takes no other');
ok(answer(200, 'an import', GET => '/rpc/is_importing', as => $eve)->{active}, 'is under way');

# The run ----------------------------------------------------------------------------------------------------
$node->safe_psql($database, 'CALL worker.process_tasks()');
# Rows with errors make the job wait for a decision.
$body = answer(200, 'the job', GET => "/import_job?id=eq.$id", as => $rita)->[0];
is($body->{state}, 'waiting_for_review', 'waits for review') or diag(explain $body->{error});
# A policy hides the job from the writes of others: no row is changed.
is_deeply(answer(200, 'somebody else approves', PATCH => "/import_job?id=eq.$id", as => $rolf, %returning, body => { state => 'approved' }), [], 'to no effect');
is(answer(200, 'the owner approves', PATCH => "/import_job?id=eq.$id", as => $rita, %returning, body => { state => 'approved' })->[0]{state}, 'approved', 'with effect');
$node->safe_psql($database, 'CALL worker.process_tasks()');
$body = answer(200, 'the job', GET => "/import_job?id=eq.$id", as => $rita)->[0];
is($body->{state}, 'finished', 'is finished') or diag(explain $body->{error});
is($body->{total_rows}, $body->{imported_rows} + $body->{unchanged_rows} + $body->{skipped_rows} + $body->{error_count}, 'every row is accounted for');
is($body->{total_rows}, 3, 'all three');

my $findings = answer(200, 'findings', GET => "/import_finding?job_id=eq.$id&order=row_id,column_name&select=row_id,column_name,severity,value,message", as => $rita);
is_deeply([ map { "$_->{row_id} $_->{column_name} $_->{value}" } grep { $_->{severity} ne 'info' } @$findings ],
	[ '2 employees many', '3 valid_from yesterday' ], 'name the row, the column and the value');
is_deeply([ grep { !defined $_->{message} || $_->{message} =~ /[{]/ } @$findings ], [], 'in words, with nothing left to fill in');
is_deeply(answer(200, 'rows with errors', GET => '/small_file_data?state=eq.error&select=row_id,valid_from_raw', as => $rita)->[-1],
	{ row_id => 3, valid_from_raw => 'yesterday' }, 'can be read back');
$body = answer(200, 'progress', GET => "/rpc/get_import_job_progress?job_id=$id", as => $eve);
is("$body->{state} " . ($body->{row_states} // 'none'), 'finished none', 'tells everybody how far it is');
$body = answer(200, 'progress', GET => "/rpc/get_import_job_progress?job_id=$id", as => $rita);
is("$body->{state} $body->{row_states}{processed}", 'finished ' . (3 - $body->{error_count}), 'tells the owner also the rows by state');

is_deeply(answer(200, 'the units', GET => '/external_ident?ident=in.(977000001,977000003)&select=ident,legal_unit(name,edit_by_user_id,import_job_id)&order=ident', as => $eve),
	[ { ident => '977000001', legal_unit => { name => 'Alpha', import_job_id => $id,
		edit_by_user_id => $node->safe_psql($database, "SELECT id FROM auth.\"user\" WHERE email = '$rita'") + 0 } } ],
	'are there, by their importer and job, but for the bad one');
is_deeply(answer(200, 'derived', GET => '/statistical_unit?external_idents->>tax_ident=eq.977000001&unit_type=eq.legal_unit&select=name,physical_region_code,stats_summary->employees->>sum', as => $eve),
	[ { name => 'Alpha', physical_region_code => '9101', sum => '7' } ], 'what follows from them is there, too');

answer(204, 'the owner deletes the job', DELETE => "/import_job?id=eq.$id", as => $rita);
ok($server->wait_until(sub { $server->request(GET => '/small_file_upload', as => $rita)->{status} == 404 }, 'the upload table is gone'), 'and its tables are gone');

$server->stop;
$node->stop;
done_testing();
