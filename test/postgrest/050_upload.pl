# A file in chunks through the real PostgREST: headers, statuses, rights, and what comes of it.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;
use PostgREST;

plan skip_all => 'no PostgREST binary: set POSTGREST, or run test/postgrest.sh path' unless PostgREST::binary();

my $node = new_node('postgrest_upload');
my $database = create_register($node, 'register_of_test');
my ($ada, $rita, $rolf) = map { "$_\@example.org" } qw(ada rita rolf);
$node->safe_psql($database, sql_file('setup.sql') . q{;
	INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Rolf Regular', 'rolf@example.org', 'regular_user');
	SELECT auth.sync_roles();
});
my $server = PostgREST->start($node, $database);

# chunk($status, $what, $job, $number, $last, $bytes, as => …, headers => {…}): sends it; what was answered.
sub chunk
{
	my ($status, $what, $job, $number, $last, $bytes, %with) = @_;
	my $got = $server->request('POST', '/rpc/import_upload', as => exists $with{as} ? $with{as} : $rita, body => $bytes, headers => {
		'Content-Type' => 'application/octet-stream',
		defined $job ? ('Statbus-Job' => $job) : (),
		defined $number ? ('Statbus-Chunk' => $number) : (),
		defined $last ? ('Statbus-Last' => $last) : (),
		%{ $with{headers} // {} } });
	is($got->{status}, $status, "$what: $status") or diag($got->{text});
	return $got->{body};
}

sub answer
{
	my ($status, $what, $method, $path, %with) = @_;
	my $got = $server->request($method, $path, %with);
	is($got->{status}, $status, "$what: $status") or diag($got->{text});
	return $got->{body};
}

sub new_job
{
	my ($slug) = @_;
	answer(201, "job $slug", POST => '/import_job', as => $rita, body => { slug => $slug, definition_slug => 'legal_unit_source_dates', review => JSON::PP::false });
	return;
}

my $heading = "tax_ident,name,valid_from,valid_to,employees\r\n";
my $body;

# What a request must say --------------------------------------------------------------------------------------
new_job('in_chunks');
chunk(400, 'no header', undef, undef, undef, 'x');
chunk(400, 'no number', 'in_chunks', undef, 'false', 'x');
chunk(400, 'a number that is none', 'in_chunks', 'one', 'false', 'x');
chunk(400, 'last or not', 'in_chunks', 1, 'perhaps', 'x');
chunk(400, 'no hash', 'in_chunks', 1, 'false', 'x', headers => { 'Statbus-Sha256' => 'abc' });
chunk(400, 'the hash of other bytes', 'in_chunks', 1, 'false', 'x', headers => { 'Statbus-Sha256' => sha256_hex('y') });
chunk(400, 'an encoding that there is not', 'in_chunks', 1, 'false', 'x', headers => { 'Statbus-Encoding' => 'ebcdic' });
chunk(404, 'a job that there is not', 'no_such', 1, 'false', 'x');
chunk(403, 'the job of somebody else', 'in_chunks', 1, 'false', 'x', as => $rolf);
chunk(403, 'an administrator', 'in_chunks', 1, 'false', 'x', as => $ada);
chunk(401, 'a visitor', 'in_chunks', 1, 'false', 'x', as => undef);
# PostgREST itself knows no GET with such a parameter.
like($server->request(GET => '/rpc/import_upload', as => $rita)->{status}, qr/^40[045]$/, 'GET is refused');

# A file in chunks ---------------------------------------------------------------------------------------------
chunk(409, 'a gap', 'in_chunks', 2, 'false', 'x');
my @chunk = ("$heading\r\n977000001,\"Alp", "ha \xC3", "\x85S\",2022-01-01,infinity,7\r\n977000002,Beta", ",2022-01-01,infinity,8\r\n977000003,Short\r\n");
$body = chunk(200, 'chunk 1', 'in_chunks', 1, 'false', $chunk[0], headers => { 'Statbus-Sha256' => uc sha256_hex($chunk[0]) });
is("$body->{job} $body->{chunk} $body->{bytes} $body->{rows}", "in_chunks 1 @{[ length $chunk[0] ]} 0", 'says how far it is');
ok(!$body->{complete}, 'and not complete');
$body = chunk(200, 'chunk 1 again', 'in_chunks', 1, 'false', $chunk[0]);
is($body->{bytes}, length $chunk[0], 'changes nothing');
$body = chunk(409, 'chunk 1 with other bytes', 'in_chunks', 1, 'false', 'other');
$body = chunk(409, 'chunk 3 before chunk 2', 'in_chunks', 3, 'false', $chunk[2]);
like($body->{details}, qr/Expected is chunk 2/, 'names the chunk that is expected');
chunk(200, 'chunk 2', 'in_chunks', 2, 'false', $chunk[1]);
chunk(200, 'chunk 3', 'in_chunks', 3, 'false', $chunk[2]);
is(answer(200, 'the job', GET => '/import_job?slug=eq.in_chunks', as => $rita)->[0]{state}, 'waiting_for_upload', 'waits while chunks are missing');
$body = chunk(200, 'the last chunk', 'in_chunks', 4, 'true', $chunk[3]);
is("$body->{rows} " . ($body->{complete} ? 'complete' : 'open'), '3 complete', 'completes the file');
is($body->{sha256}, sha256_hex(join '', @chunk), 'which has the hash of the whole');
is_deeply([ map { $_->{code} } @{ $body->{findings} } ], [ 'columns_absent', 'blank_line' ], 'and what there is to say of it');
is(chunk(200, 'the last chunk again', 'in_chunks', 4, 'true', $chunk[3])->{rows}, 3, 'has the same answer');
chunk(409, 'one more chunk', 'in_chunks', 5, 'true', 'x');

$node->safe_psql($database, 'CALL worker.process_tasks()');
$body = answer(200, 'the job', GET => '/import_job?slug=eq.in_chunks', as => $rita)->[0];
is("$body->{state} $body->{total_rows} $body->{imported_rows} $body->{error_count}", 'finished 3 2 1', 'is finished') or diag(explain $body);
is_deeply(answer(200, 'findings', GET => '/import_finding?job_slug=eq.in_chunks&row_id=gt.0&select=source_line,column_name,code,message', as => $rita),
	[ { source_line => 5, column_name => undef, code => 'row_too_short', message => 'The record has 2 fields instead of 5' } ], 'have the line of the file');
is_deeply(answer(200, 'the units', GET => '/external_ident?ident=gte.977000001&ident=lte.977000003&select=ident,legal_unit(name)&order=ident', as => $rita),
	[ { ident => '977000001', legal_unit => { name => "Alpha \xC3\x85S" } }, { ident => '977000002', legal_unit => { name => 'Beta' } } ], 'are there, also a letter that was cut');

# A file that cannot be read -----------------------------------------------------------------------------------
new_job('refused');
$body = chunk(422, 'latin1', 'refused', 1, 'true', $heading . "977000004,BL\xC5B\xC6R,2022-01-01,infinity,1\r\n");
is($body->{findings}[0]{code} . ' ' . $body->{findings}[0]{details}{guess}, 'encoding_invalid windows-1252', 'is said what it seems to be');
is_deeply(answer(200, 'findings', GET => '/import_finding?job_slug=eq.refused&select=row_id,code', as => $rita), [ { row_id => 0, code => 'encoding_invalid' } ], 'are kept');
$body = chunk(422, 'with another delimiter than declared', 'refused', 1, 'true', "tax_ident;name;valid_from;valid_to\n1;A;2022-01-01;infinity\n", headers => { 'Statbus-Delimiter' => 'tab' });
is($body->{findings}[0]{code}, 'delimiter_mismatch', 'is said, too');
$body = chunk(200, 'the same with its encoding', 'refused', 1, 'true', $heading . "977000004,BL\xC5B\xC6R,2022-01-01,infinity,1\r\n", headers => { 'Statbus-Encoding' => 'windows-1252' });
is($body->{rows}, 1, 'is taken');

# Another start ------------------------------------------------------------------------------------------------
new_job('cancelled');
chunk(200, 'half a file', 'cancelled', 1, 'false', $heading . '977000005,Ga');
answer(403, 'somebody else cancels', POST => '/rpc/import_upload_cancel', as => $rolf, body => { job => 'cancelled' });
answer(204, 'its user cancels', POST => '/rpc/import_upload_cancel', as => $rita, body => { job => 'cancelled' });
$body = chunk(200, 'another file', 'cancelled', 1, 'false', $heading);
$body = chunk(200, 'whose last chunk is empty', 'cancelled', 2, 'true', '');
is($body->{rows}, 0, 'has no rows');
is_deeply([ grep { $_ eq 'no_rows' } map { $_->{code} } @{ $body->{findings} } ], ['no_rows'], 'which is said');

# A file of some size, in two pieces that cut a row --------------------------------------------------------------
new_job('larger');
my $file = $heading . join '', map { sprintf "%d,Unit %d,2022-01-01,infinity,%d\r\n", 970000000 + $_, $_, $_ % 100 } 1 .. 60000;
$body = chunk(200, 'a chunk of a megabyte', 'larger', 1, 'false', substr($file, 0, 1_000_000));
cmp_ok($body->{rows}, '>', 20000, 'says how many rows it has had');
$body = chunk(200, 'and the rest', 'larger', 2, 'true', substr($file, 1_000_000));
is($body->{rows}, 60000, 'has all rows');

$server->stop;
$node->stop;
done_testing();
