# Schema api through the real PostgREST: who gets in, what he sees, filters, embedding, writes, errors.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;
use PostgREST;

plan skip_all => 'no PostgREST binary: set POSTGREST, or run test/postgrest.sh path' unless PostgREST::binary();

my $node = new_node('postgrest');
my $database = create_register($node, 'register_of_test');
my ($ada, $rita, $rob, $eve) = map { "$_\@example.org" } qw(ada rita rob eve);

# Fifty legal units with a change of name in 2022, of which every second has a shop; two more users. Ends with ids
# that the tests use.
$node->safe_psql($database, sql_file('setup.sql') . q{;
	INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
	    ('Rob Restricted', 'rob@example.org', 'restricted_user'),
	    ('Eve External', 'eve@example.org', 'external_user');
	INSERT INTO register.region (path, name, version_id)
	SELECT '92', 'South', v.id FROM register.region_version AS v WHERE v.code = 'initial';
	INSERT INTO register.region_access (user_id, region_id)
	SELECT u.id, r.id FROM auth."user" AS u, register.region AS r WHERE u.email = 'rob@example.org' AND r.path = '92';
	SELECT auth.sync_roles();
	SELECT register.power_group_ident(1);
});
$node->safe_psql($database, q{
	ALTER ROLE authenticator SET statbus."current_date" = '2024-06-15';
});
my $active = $node->safe_psql($database, q{SELECT id FROM register.status WHERE code = 'active'});
my $enterprise = $node->safe_psql($database, q{SELECT enterprise_id FROM register.legal_unit WHERE id = 2 LIMIT 1});

my $server = PostgREST->start($node, $database);

# answer($status, $what, $method, $path, %with): one request, its status tested; its body.
sub answer
{
	my ($status, $what, $method, $path, %with) = @_;
	my $got = $server->request($method, $path, %with);
	is($got->{status}, $status, "$what: $status") or diag($got->{text});
	return $got->{body};
}

# The number of rows in a body, or what it is instead.
sub count
{
	my ($list) = @_;
	return ref $list eq 'ARRAY' ? scalar @$list : 'no list';
}

my %returning = (headers => { Prefer => 'return=representation' });
my $body;

# Who gets in ------------------------------------------------------------------------------------------------
answer(401, 'anonymous reads units', GET => '/legal_unit');
answer(401, 'anonymous reads a code list', GET => '/sector_enabled');
answer(401, 'anonymous calls a report', POST => '/rpc/statistical_unit_details', body => { unit_type => 'legal_unit', unit_id => 1 });
answer(401, 'a token signed by somebody else', GET => '/legal_unit', token => PostgREST::token($ada, key => 'x' x 40));
answer(401, 'an expired token', GET => '/legal_unit', token => PostgREST::token($ada, exp => int(time) - 3600));
isnt($server->request(GET => '/legal_unit', as => 'nobody@example.org')->{status}, 200, 'a token for a role that is not there');
isnt($server->request(GET => '/legal_unit', as => 'postgres')->{status}, 200, 'a token for a superuser');
is_deeply(answer(200, 'an external user reads', GET => '/legal_unit?select=id&id=eq.1&order=valid_from', as => $eve), [ { id => 1 }, { id => 1 } ], 'what is there');
answer(403, 'an external user writes', PATCH => '/legal_unit?id=eq.1', as => $eve, body => { name => 'Eve' });
answer(403, 'a regular user changes a code list', PATCH => '/status?id=eq.1', as => $rita, body => { name => 'Rita' });
answer(200, 'an administrator changes a code list', PATCH => '/legal_form?code=eq.ZZ', as => $ada, body => { name => 'Ada' }, %returning);
answer(404, 'schema register is not served', GET => '/migration', as => $ada);
answer(406, 'nor by its name', GET => '/legal_unit', as => $ada, headers => { 'Accept-Profile' => 'register' });

# Every view answers, for an administrator at least.
my @views = split /\n/, $node->safe_psql($database, q{SELECT relname FROM pg_class WHERE relnamespace = 'api'::regnamespace AND relkind = 'v' ORDER BY 1});
my @silent = grep { $server->request(GET => "/$_?limit=1", as => $ada)->{status} != 200 } @views;
is("@silent", '', 'each of the ' . @views . ' views answers an administrator');
my @refused = grep { $server->request(GET => "/$_?limit=1", as => $eve)->{status} != 200 } @views;
is("@refused", 'worker_task', 'and all but the tasks answer an external user');
is($server->request(GET => '/', as => $ada)->{body}{swagger}, '2.0', 'the api describes itself');

# Users ------------------------------------------------------------------------------------------------------
is_deeply(answer(200, 'a user reads users', GET => '/user?select=email,password', as => $rita), [ { email => $rita, password => undef } ], 'himself');
is(count(answer(200, 'an administrator reads users', GET => '/user?email=not.is.null', as => $ada)), 4, 'all of them');
unlike($server->request(GET => '/user', as => $ada)->{text}, qr/encrypted/, 'no hash of a password in sight');
answer(204, 'a user renames himself', PATCH => "/user?email=eq.$rita", as => $rita, body => { display_name => 'Rita R' });
answer(403, 'a user promotes himself', PATCH => "/user?email=eq.$rita", as => $rita, body => { statbus_role => 'admin_user' });

# Filters ----------------------------------------------------------------------------------------------------
is_deeply(answer(200, 'units on a day', GET => '/legal_unit?select=id,name&valid_from=lte.2021-06-30&valid_until=gt.2021-06-30&id=in.(1,2)&order=id', as => $eve),
	[ { id => 1, name => 'Unit 1 AS' }, { id => 2, name => 'Unit 2 AS' } ], 'the slices of that day');
is(count(answer(200, 'a subtree', GET => '/region?path=cd.91', as => $eve)), 2, 'of regions');
$body = answer(200, 'search', POST => '/rpc/websearch_to_wildcard_tsquery', as => $eve, body => { query => 'uni 7' });
is($body, "'uni':* & '7':*", 'words become beginnings of words');
is_deeply(answer(200, 'search in statistical_unit', GET => "/statistical_unit?select=unit_id&search=fts(simple).Unit&unit_type=eq.legal_unit&valid_from=lte.2024-01-01&valid_to=gte.2024-01-01&external_idents->>tax_ident=eq.900000007", as => $eve),
	[ { unit_id => 7 } ], 'by word, day and identifier');
is(count(answer(200, 'statistical_unit by region', GET => '/statistical_unit?select=unit_id&physical_region_path=cd.91&unit_type=in.(legal_unit)&valid_from=lte.2024-01-01&valid_until=gt.2024-01-01', as => $eve)), 50, 'and below');
answer(400, 'a filter that is no date', GET => '/legal_unit?valid_from=lte.yesterdayish', as => $eve);
is(count(answer(200, 'time contexts', GET => '/time_context?ident=eq.r_year_curr', as => $eve)), 1, 'the current year');

# Embedding --------------------------------------------------------------------------------------------------
is_deeply(answer(200, 'a shop embeds its legal unit', GET => '/establishment?id=eq.2&select=name,legal_unit(id,name),status(code)', as => $eve),
	[ { name => 'Unit 2 AS shop', legal_unit => { id => 2, name => 'Unit 2 ASA' }, status => { code => 'active' } } ], 'one object: as it is today');
$body = answer(200, 'a past slice embeds', GET => '/legal_unit?id=eq.2&valid_from=eq.2020-01-01&select=name,stat_for_unit(value_int),'
	. 'activity(type,activity_category(code)),location(address_part1,region(name),country(iso_2)),contact(email_address),establishment(name),'
	. 'external_ident(ident,external_ident_type(code)),unit_notes(notes),enterprise(short_name),user(display_name),statistical_unit(unit_id)', as => $eve);
is_deeply($body, [ {
	name => 'Unit 2 AS',
	# The last day of the slice, 2022-02-28, has no statistics.
	stat_for_unit => [],
	activity => [ { type => 'primary', activity_category => { code => '0111' } } ],
	location => [ { address_part1 => 'Street 2', region => { name => 'North Town' }, country => { iso_2 => 'NO' } } ],
	contact => { email_address => 'post@example.org' },
	establishment => [ { name => 'Unit 2 AS shop' } ],
	external_ident => [ { ident => '900000002', external_ident_type => { code => 'tax_ident' } } ],
	unit_notes => undef,
	enterprise => { short_name => 'E2' },
	user => undef,
	statistical_unit => { unit_id => 2 }
} ], 'what it had on its last day');
is_deeply(answer(200, 'an identifier embeds its unit', GET => '/external_ident?ident=eq.900000002&select=legal_unit(name)', as => $eve),
	[ { legal_unit => { name => 'Unit 2 ASA' } } ], 'as it is today');
is_deeply(answer(200, 'statistical_unit embeds', GET => '/statistical_unit?unit_type=eq.legal_unit&unit_id=eq.3&valid_from=lte.2024-01-01&valid_until=gt.2024-01-01'
	. '&select=physical_region(name),physical_country(iso_2),primary_activity_category(code),status(code),sector(code),legal_unit(name),enterprise(short_name)', as => $eve),
	[ { physical_region => { name => 'North Town' }, physical_country => { iso_2 => 'NO' }, primary_activity_category => { code => '0111' },
		status => { code => 'active' }, sector => undef, legal_unit => { name => 'Unit 3 ASA' }, enterprise => { short_name => 'E3' } } ], 'codes and units');
is_deeply(answer(200, 'definitions embed', GET => '/import_definition_step?select=import_definition(slug),import_step(code)&limit=1&import_step.code=eq.valid_time', as => $eve)->[0]{import_definition}{slug} ne '', 1, 'each other');

# Every native foreign key between tables that are served can be embedded by the name of the view it leads to, and every
# computed relationship by its own: none is ambiguous, none unknown.
my @references = split /\n/, $node->safe_psql($database, q{
	WITH served AS (
	    SELECT v.oid AS view, v.relname AS name, t.oid AS base
	    FROM pg_class AS v
	    JOIN pg_rewrite AS r ON r.ev_class = v.oid
	    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
	    JOIN pg_class AS t ON t.oid = d.refobjid
	    WHERE v.relnamespace = 'api'::regnamespace AND v.relname IN (t.relname, 'import_' || t.relname)
	)
	SELECT child.name || ' ' || parent.name
	FROM pg_constraint AS c
	JOIN served AS child ON child.base = c.conrelid
	JOIN served AS parent ON parent.base = c.confrelid
	WHERE c.contype = 'f' AND c.conrelid <> c.confrelid
	UNION
	SELECT v.relname || ' ' || p.proname
	FROM pg_proc AS p
	JOIN pg_class AS v ON v.reltype = p.proargtypes[0] AND v.relkind = 'v'
	WHERE p.pronamespace = 'api'::regnamespace AND p.pronargs = 1
	ORDER BY 1
});
cmp_ok(scalar @references, '>', 100, 'references: ' . @references);
my @broken;
for my $reference (@references)
{
	my ($from, $to) = split / /, $reference;
	my $got = $server->request(GET => "/$from?select=*,embedded:$to(*)&limit=3", as => $ada);
	push @broken, "$reference: $got->{status} $got->{text}" if $got->{status} != 200;
}
is(join("\n", @broken), '', 'each embeds');

# Writing ----------------------------------------------------------------------------------------------------
$body = answer(201, 'a unit with its last day', POST => '/legal_unit', as => $rita, %returning,
	body => { name => 'New', valid_from => '2023-01-01', valid_to => '2023-12-31', status_id => $active + 0, enterprise_id => $enterprise + 0, primary_for_enterprise => JSON::PP::false });
my $new = $body->[0]{id};
is("$body->[0]{valid_until} $body->[0]{valid_range}", '2024-01-01 [2023-01-01,2024-01-01)', 'ends the day after');
is($body->[0]{edit_by_user_id}, $node->safe_psql($database, "SELECT id FROM auth.\"user\" WHERE email = '$rita'"), 'is hers');
$body = answer(400, 'a contradictory period', POST => '/legal_unit', as => $rita,
	body => { name => 'New', valid_from => '2023-01-01', valid_to => '2023-12-31', valid_until => '2025-01-01', status_id => $active + 0, enterprise_id => $enterprise + 0, primary_for_enterprise => JSON::PP::false });
is($body->{code}, '22023', 'is refused as such');
answer(400, 'no first day', POST => '/legal_unit', as => $rita, body => { name => 'New', status_id => $active + 0, enterprise_id => $enterprise + 0, primary_for_enterprise => JSON::PP::false });
answer(409, 'an enterprise that is not there', POST => '/legal_unit', as => $rita,
	body => { name => 'New', valid_from => '2023-01-01', status_id => $active + 0, enterprise_id => 999999, primary_for_enterprise => JSON::PP::false });
$body = answer(400, 'an overlapping slice', POST => '/legal_unit', as => $rita,
	body => { id => $new, name => 'Again', valid_from => '2023-06-01', status_id => $active + 0, enterprise_id => $enterprise + 0, primary_for_enterprise => JSON::PP::false });
is($body->{code}, '23P01', 'is refused as such');
answer(403, 'somebody else named as editor', POST => '/legal_unit', as => $rita,
	body => { name => 'New', valid_from => '2023-01-01', status_id => $active + 0, enterprise_id => $enterprise + 0, primary_for_enterprise => JSON::PP::false, edit_by_user_id => 1 });
$body = answer(200, 'a slice gets another last day', PATCH => "/legal_unit?id=eq.$new", as => $rita, %returning, body => { valid_to => '2024-03-31', name => 'Newer' });
is_deeply([ @{ $body->[0] }{qw(name valid_until valid_to)} ], [ 'Newer', '2024-04-01', '2024-03-31' ], 'and name');
$body = answer(200, 'a slice of another user is corrected', PATCH => '/contact?legal_unit_id=eq.4', as => $rita, %returning, body => { phone_number => '12345678' });
is($body->[0]{edit_by_user_id}, $node->safe_psql($database, "SELECT id FROM auth.\"user\" WHERE email = '$rita'"), 'by her');
$body = answer(200, 'an identifier is corrected', PATCH => '/external_ident?legal_unit_id=eq.4', as => $rita, %returning, body => { ident => '811111111' });
is($body->[0]{ident}, '811111111', 'also where there is no period');
answer(409, 'an identifier of another unit', PATCH => '/external_ident?legal_unit_id=eq.4', as => $rita, body => { ident => '900000005' });
answer(204, 'a slice is deleted', DELETE => "/legal_unit?id=eq.$new", as => $rita);
is_deeply(answer(200, 'it is gone', GET => "/legal_unit?id=eq.$new", as => $rita), [], 'from the register');
answer(409, 'a unit that others refer to', DELETE => '/legal_unit?id=eq.2', as => $rita);

# A portion of time ------------------------------------------------------------------------------------------
answer(204, 'a portion', PATCH => '/legal_unit__for_portion_of_valid?id=eq.6&valid_from=eq.2022-03-01', as => $rita,
	body => { name => 'Interim', valid_from => '2023-01-01', valid_to => '2023-12-31' });
is_deeply(answer(200, 'the slices after it', GET => '/legal_unit?id=eq.6&select=name,valid_from,valid_to&order=valid_from', as => $rita), [
	{ name => 'Unit 6 AS', valid_from => '2020-01-01', valid_to => '2022-02-28' },
	{ name => 'Unit 6 ASA', valid_from => '2022-03-01', valid_to => '2022-12-31' },
	{ name => 'Interim', valid_from => '2023-01-01', valid_to => '2023-12-31' },
	{ name => 'Unit 6 ASA', valid_from => '2024-01-01', valid_to => 'infinity' } ], 'changed there and nowhere else');
$body = answer(400, 'a contradictory portion', PATCH => '/legal_unit__for_portion_of_valid?id=eq.6&valid_from=eq.2024-01-01', as => $rita,
	body => { name => 'No', valid_from => '2024-02-01', valid_to => '2024-03-01', valid_until => '2025-01-01' });
is($body->{code}, '22023', 'is refused as such');
answer(403, 'a portion by an external user', PATCH => '/legal_unit__for_portion_of_valid?id=eq.6', as => $eve, body => { name => 'Eve' });
is(answer(200, 'a portion is taken out', POST => '/rpc/delete_portion', as => $rita,
	body => { table_name => 'contact', identity => { id => $node->safe_psql($database, 'SELECT id FROM register.contact WHERE legal_unit_id = 6') + 0 }, valid_from => '2021-01-01', valid_to => '2021-12-31' }), 1, 'of one slice');
is(count(answer(200, 'what is left', GET => '/contact?legal_unit_id=eq.6', as => $rita)), 2, 'is before and after');
answer(400, 'a portion of a table without history', POST => '/rpc/delete_portion', as => $rita, body => { table_name => 'enterprise', identity => { id => 1 }, valid_from => '2021-01-01', valid_to => '2021-12-31' });

# Regions of a restricted user ---------------------------------------------------------------------------------
is_deeply(answer(200, 'a restricted user writes elsewhere', PATCH => '/location?legal_unit_id=eq.8', as => $rob, %returning, body => { postcode => '0001' }), [], 'to no effect');
my $south = $node->safe_psql($database, q{SELECT id FROM register.region WHERE path = '92'}) + 0;
answer(200, 'a unit moves south', PATCH => '/location?legal_unit_id=eq.8&valid_from=eq.2022-03-01', as => $rita, %returning, body => { region_id => $south });
is(answer(200, 'a restricted user writes in his region', PATCH => '/location?legal_unit_id=eq.8&valid_from=eq.2022-03-01', as => $rob, %returning, body => { postcode => '0001' })->[0]{postcode}, '0001', 'with effect');
answer(403, 'a restricted user renames a unit', PATCH => '/legal_unit?id=eq.8', as => $rob, body => { name => 'Rob' });

# Reports ------------------------------------------------------------------------------------------------------
$body = answer(200, 'details', GET => '/rpc/statistical_unit_details?unit_type=legal_unit&unit_id=2&valid_on=2021-06-30', as => $eve);
is($body->{legal_unit}[0]{name}, 'Unit 2 AS', 'of the day asked for');
is($body->{legal_unit}[0]{stat_for_unit}[0]{stat}{value}, 12, 'with statistics');
is($body->{legal_unit}[0]{establishment}, undef, 'without the units below');
$body = answer(200, 'hierarchy', POST => '/rpc/statistical_unit_hierarchy', as => $eve, body => { unit_type => 'establishment', unit_id => 2 });
is($body->{enterprise}{legal_unit}[0]{establishment}[0]{name}, 'Unit 2 AS shop', 'enterprise, legal unit, establishment');
is($body->{enterprise}{legal_unit}[0]{location}[0]{region}{name}, 'North Town', 'with codes');
$body = answer(200, 'tree', POST => '/rpc/statistical_unit_tree', as => $eve, body => { unit_type => 'legal_unit', unit_id => 2 });
is($body->{enterprise}{legal_unit}[0]{stat_for_unit}, undef, 'without statistics');
is(count(answer(200, 'stats', POST => '/rpc/statistical_unit_stats', as => $eve, body => { unit_type => 'establishment', unit_id => 2, valid_on => '2021-06-30' })), 3, 'of enterprise, legal unit and establishment');
is(count(answer(200, 'relevant units', GET => '/rpc/relevant_statistical_units?unit_type=legal_unit&unit_id=2&select=unit_type,unit_id', as => $eve)), 3, 'all three');
is(answer(200, 'enterprise', GET => '/rpc/statistical_unit_enterprise_id?unit_type=establishment&unit_id=2', as => $eve), $enterprise, 'of an establishment');
is_deeply(answer(200, 'identifiers', GET => '/rpc/get_external_idents?unit_type=legal_unit&unit_id=5', as => $eve), { tax_ident => '900000005' }, 'by type');
for my $what (qw(is_importing is_deriving_statistical_units is_deriving_reports))
{
	ok(exists answer(200, $what, POST => "/rpc/$what", as => $eve, body => {})->{active}, "$what says so");
}
answer(400, 'a unit type that is not there', GET => '/rpc/statistical_unit_tree?unit_type=cooperative&unit_id=2', as => $eve);

# Pictures -----------------------------------------------------------------------------------------------------
my $png = '\x' . unpack('H*', decode_base64('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='));
$body = answer(201, 'a picture', POST => '/image', as => $rita, %returning, body => { data => $png });
my $picture = $server->request(GET => "/rpc/image_data?id=$body->[0]{id}", as => $eve, headers => { Accept => 'image/png' });
is("$picture->{status} $picture->{headers}{'content-type'}", '200 image/png', 'is served with its type');
is('\x' . unpack('H*', $picture->{text}), $png, 'byte for byte');
answer(404, 'a picture that is not there', GET => '/rpc/image_data?id=99999', as => $eve, headers => { Accept => '*/*' });

$server->stop;
$node->stop;
done_testing();
