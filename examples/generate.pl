#!/usr/bin/perl
# Writes the example country: perl generate.pl [SEED [DIRECTORY]]
#
# The same seed gives the same bytes everywhere: numbers come from a generator of our own, never from rand(), no hash
# is walked unsorted, and only core Perl is used. What the files hold is told in README.md.
#
# Each unit is first lived through as a list of dated changes (`events`); at the end slices() turns these into rows,
# one for each period in which nothing changed. So rows of a unit never overlap and leave no gap.
use strict;
use warnings;
use utf8;

my $seed = $ARGV[0] // 20240615;
my $directory = $ARGV[1] // '.';
die "the seed is a positive whole number, not \"$seed\"\n" unless $seed =~ /\A[1-9][0-9]{0,14}\z/;

use constant LEGAL_UNITS => 4850;       # founded in the ordinary way; split-offs and foreign owners come on top
use constant FOREIGN_OWNERS => 70;
use constant SPLITS => 80;
use constant MERGERS => 45;
use constant INFORMAL => 450;
use constant SURVEYED => 260;           # legal units whose turnover of 2024 comes in the update file
use constant COUNTRY => 'UN';           # the code list's place holder for a country that does not exist

# ---------------------------------------------------------------------------------------------------------------
# Chance: the "minimal standard" generator of Park and Miller; its products stay below 2**47, so any Perl computes
# them exactly.

my $chance = $seed % 2147483646 + 1;

# A whole number from 0 to $n - 1.
sub below { my ($n) = @_; $chance = ($chance * 48271) % 2147483647; return $chance % $n; }

# A whole number from $low to $high.
sub between { my ($low, $high) = @_; return $low + below($high - $low + 1); }

# True in $per_mille of 1000 cases.
sub happens { my ($per_mille) = @_; return below(1000) < $per_mille; }

sub pick { return $_[below(scalar @_)]; }

# One of the items, each a list whose first element is its weight.
sub pick_weighted {
    my ($total, @items) = @_;
    my $n = below($total);
    for my $item (@items) { return $item if ($n -= $item->[0]) < 0; }
    die 'weights do not add up';
}

sub total_weight { my $sum = 0; $sum += $_->[0] for @_; return $sum; }

# ---------------------------------------------------------------------------------------------------------------
# Days: counted from 1970-01-01 in the Gregorian calendar.

sub day {
    my ($y, $m, $d) = @_;
    $y-- if $m <= 2;
    my $era = int($y / 400);
    my $year = $y - $era * 400;
    my $of_year = int((153 * ($m + ($m > 2 ? -3 : 9)) + 2) / 5) + $d - 1;
    return $era * 146097 + $year * 365 + int($year / 4) - int($year / 100) + $of_year - 719468;
}

sub date {
    my ($day) = @_;
    my $z = $day + 719468;
    my $era = int($z / 146097);
    my $doe = $z - $era * 146097;
    my $yoe = int(($doe - int($doe / 1460) + int($doe / 36524) - int($doe / 146096)) / 365);
    my $doy = $doe - (365 * $yoe + int($yoe / 4) - int($yoe / 100));
    my $mp = int((5 * $doy + 2) / 153);
    my $m = $mp + ($mp < 10 ? 3 : -9);
    return sprintf '%04d-%02d-%02d', $yoe + $era * 400 + ($m <= 2 ? 1 : 0), $m, $doy - int((153 * $mp + 2) / 5) + 1;
}

sub year_of { return substr date($_[0]), 0, 4; }

my $first_day = day(2015, 1, 1);
my $last_day = day(2024, 12, 31);
my $open = day(9999, 1, 1);             # last day of what has not ended

# ---------------------------------------------------------------------------------------------------------------
# The country: 8 provinces, their districts, and municipalities, where units are.

my @name_head = qw(Ald Bel Bren Cal Dor Eld Fen Gal Hal Ister Jor Kel Lun Mar Nor Oster Pel Quin Ros Sel Tal Ulm Ver Wes
    Yar Zel Brå Sør Mün Châ);
my @name_tail = qw(berg dal feld ford grad ham holm lund mark mouth nes port stad stead sund vale vik wick worth ton);
my (%name_taken, @regions, @places);

# A place name that no other place has; the heads and tails give 600.
sub place_name {
    for (1 .. 1000) {
        my $name = pick(@name_head) . pick(@name_tail);
        return $name unless $name_taken{$name}++;
    }
    die 'no place name left';
}

for my $province (1 .. 8) {
    my $path = sprintf '%02d', $province;
    push @regions, [$path, place_name() . ' Province'];
    for my $district (1 .. between(3, 6)) {
        my $under = sprintf '%s.%02d', $path, $district;
        push @regions, [$under, place_name() . ' District'];
        for my $municipality (1 .. between(4, 7)) {
            my $leaf = sprintf '%s.%02d', $under, $municipality;
            my $name = place_name();
            push @regions, [$leaf, $name];
            (my $code = $leaf) =~ s/\.//g;
            # The first province holds the capital; its first municipalities are the largest towns.
            my $weight = ($province == 1 ? 6 : 1) * ($municipality == 1 ? 8 : 2) * ($district == 1 ? 2 : 1);
            push @places, [$weight, { code => $code, name => $name, postcode => 1000 + 7 * @places,
                latitude => 4100 + 90 * $province + below(80), longitude => 2200 + 60 * $district + below(55) }];
        }
    }
}
my $places_weight = total_weight(@places);

my @street = qw(Mill Church Station Market Harbour Garden School River Hill Forest King Queen Bridge Castle Lake North
    South East West Park);
my @street_kind = qw(Street Road Lane);

sub address { return pick(@street) . ' ' . pick(@street_kind) . ' ' . between(1, 180); }

# Where a unit is: the columns of its physical location.
sub domestic_place {
    my $place = pick_weighted($places_weight, @places)->[1];
    return (
        physical_address_part1 => address(), physical_postcode => $place->{postcode} + below(7),
        physical_postplace => $place->{name}, physical_region_code => $place->{code},
        physical_country_iso_2 => COUNTRY,
    );
}

my @abroad = (['DE', qw(Hamburg Leipzig Köln)], ['SE', qw(Malmö Lund Umeå)], ['NO', qw(Bergen Oslo Tromsø)],
    ['GB', qw(Leeds Bristol York)], ['FR', qw(Lyon Nantes Lille)], ['US', qw(Boston Denver Austin)],
    ['NL', qw(Utrecht Delft Leiden)], ['JP', qw(Osaka Kobe Nagoya)]);

# ---------------------------------------------------------------------------------------------------------------
# What units do: weight, ISIC Rev. 4 class, nouns for names, turnover per head in thousands, kind of founder
# (p private, a association, s state, b bank, h holding company).

my @activities = (
    [90, '0111', 'Farm|Grain', 60, 'p'], [60, '0113', 'Vegetables|Gardens', 50, 'p'], [70, '0141', 'Dairy Farm|Cattle', 55, 'p'],
    [110, '0150', 'Farm|Farming', 45, 'p'], [35, '0220', 'Forestry|Timber', 90, 'p'], [45, '0311', 'Fishing|Sea Catch', 80, 'p'],
    [15, '0810', 'Quarry|Stone', 140, 'p'], [14, '1010', 'Meat|Butchers', 190, 'p'], [10, '1050', 'Dairy|Creamery', 240, 'p'],
    [50, '1071', 'Bakery|Bread', 70, 'p'], [10, '1103', 'Brewery|Malt', 160, 'p'], [24, '1410', 'Clothing|Garments', 60, 'p'],
    [30, '1610', 'Sawmill|Timber', 130, 'p'], [26, '1811', 'Printing|Press', 90, 'p'], [14, '2220', 'Plastics|Polymers', 150, 'p'],
    [34, '2511', 'Steel|Metal Works', 140, 'p'], [16, '2599', 'Metal Goods|Tools', 120, 'p'], [36, '3100', 'Furniture|Joinery', 80, 'p'],
    [14, '3510', 'Energy|Power', 500, 'p'], [6, '3600', 'Water Works|Water', 150, 's'], [16, '3811', 'Waste|Recycling', 110, 'p'],
    [170, '4100', 'Builders|Construction', 120, 'p'], [20, '4210', 'Roads|Civil Works', 180, 'p'], [110, '4321', 'Electric|Installations', 90, 'p'],
    [90, '4322', 'Plumbing|Heating', 85, 'p'], [70, '4330', 'Painting|Interiors', 60, 'p'], [40, '4510', 'Motors|Cars', 300, 'p'],
    [90, '4520', 'Garage|Car Repair', 75, 'p'], [40, '4630', 'Foods|Provisions', 400, 'p'], [24, '4641', 'Textiles|Fabrics', 280, 'p'],
    [34, '4659', 'Machinery|Equipment', 320, 'p'], [44, '4690', 'Trading|Imports', 380, 'p'], [130, '4711', 'Market|Groceries', 150, 'p'],
    [30, '4719', 'Stores|Department Store', 160, 'p'], [50, '4721', 'Delicatessen|Food Shop', 110, 'p'], [30, '4730', 'Fuel|Service Station', 260, 'p'],
    [30, '4741', 'Computers|Electronics', 180, 'p'], [50, '4752', 'Hardware|Paints', 140, 'p'], [40, '4759', 'Furnishings|Home', 130, 'p'],
    [80, '4771', 'Fashion|Shoes', 90, 'p'], [40, '4772', 'Pharmacy|Cosmetics', 170, 'p'], [60, '4773', 'Books|Flowers', 80, 'p'],
    [40, '4791', 'Online|Direct', 190, 'p'], [30, '4922', 'Taxi|Coaches', 60, 'p'], [90, '4923', 'Haulage|Transport', 110, 'p'],
    [14, '5210', 'Storage|Warehousing', 130, 'p'], [20, '5320', 'Couriers|Express', 60, 'p'], [60, '5510', 'Hotel|Inn', 75, 'p'],
    [180, '5610', 'Restaurant|Kitchen', 50, 'p'], [70, '5630', 'Cafe|Bar', 45, 'p'], [16, '5811', 'Publishing|Editions', 120, 'p'],
    [70, '6201', 'Software|Code', 130, 'p'], [60, '6202', 'Systems|Computing', 140, 'p'], [20, '6311', 'Data|Hosting', 150, 'p'],
    [10, '6419', 'Bank|Savings Bank', 600, 'b'], [60, '6420', 'Holding|Invest', 0, 'h'], [8, '6512', 'Insurance|Mutual', 700, 'b'],
    [110, '6810', 'Property|Estates', 160, 'p'], [30, '6820', 'Estate Agents|Realty', 90, 'p'], [60, '6910', 'Legal|Advocates', 110, 'p'],
    [80, '6920', 'Accounting|Audit', 85, 'p'], [90, '7020', 'Consulting|Advisers', 105, 'p'], [80, '7110', 'Architects|Engineering', 100, 'p'],
    [40, '7310', 'Media|Advertising', 95, 'p'], [40, '7410', 'Design|Studio', 65, 'p'], [24, '7710', 'Rentals|Car Hire', 150, 'p'],
    [24, '7911', 'Travel|Tours', 140, 'p'], [16, '8010', 'Security|Guards', 50, 'p'], [80, '8121', 'Cleaning|Facility', 35, 'p'],
    [24, '8411', 'Council|Administration', 0, 's'], [50, '8510', 'Primary School|School', 0, 's'], [20, '8521', 'Secondary School|College', 0, 's'],
    [30, '8549', 'Training|Courses', 50, 'p'], [12, '8610', 'Hospital|Clinic', 40, 's'], [80, '8620', 'Dental|Medical', 80, 'p'],
    [40, '8690', 'Physiotherapy|Care', 45, 'p'], [24, '8810', 'Home Care|Welfare', 10, 'a'], [60, '9000', 'Arts|Music', 30, 'p'],
    [16, '9101', 'Library|Archive', 0, 's'], [30, '9311', 'Arena|Sports Hall', 40, 'a'], [60, '9312', 'Sports Club|Football Club', 12, 'a'],
    [14, '9411', 'Employers Association|Chamber', 20, 'a'], [30, '9491', 'Parish|Congregation', 15, 'a'],
    [60, '9499', 'Association|Society', 10, 'a'], [24, '9511', 'Computer Repair|Repairs', 55, 'p'], [30, '9601', 'Laundry|Dry Cleaning', 40, 'p'],
    [120, '9602', 'Hair|Beauty', 32, 'p'], [20, '9609', 'Services|Wellness', 35, 'p'],
);
my $activities_weight = total_weight(@activities);
my @private = grep { $_->[4] eq 'p' } @activities;
my $private_weight = total_weight(@private);
my %activity_of = map { $_->[1] => $_ } @activities;

my @owner = qw(Anders Bakshi Castell Dimov Eriksen Farrow Gruber Hadley Ibsen Jansen Koval Larsson Moreau Novak Okafor
    Petrov Quist Rossi Silva Tamm Ueda Varga Walsh Yilmaz Zeman Lindqvist Björk Müller Lefèvre Nuñez);
my @given = qw(Ada Bela Carl Dina Emil Frida Goran Hanna Ivan Julia Karim Lena Milan Nora Oskar Petra Rosa Stefan Tilda Viktor);
my @adjective = qw(Northern Blue Golden Green United First New Old Royal Silver Bright Central Coastal Modern Prime Red
    Southern Grand Alpine Noble);

# Legal form and sector that go with a kind of founder.
sub form_and_sector {
    my ($kind) = @_;
    my $n = below(1000);
    return $n < 600 ? ('AUPS', 6500) : $n < 850 ? ('AUPS', 6100) : ('MBE', 1510) if $kind eq 's';
    return $n < 850 ? ('ACO', 7000) : ('FDN', 7000) if $kind eq 'a';
    return $n < 500 ? ('PLC', 3200) : $n < 800 ? ('SB', 3200) : ('PLC', 3600) if $kind eq 'b';
    return ('LC', 4100) if $kind eq 'h';
    return ('SP', 8200) if $n < 440;
    return ('LC', 2100) if $n < 930;
    return ('GP', 2300) if $n < 965;
    return ('COOP', 2300) if $n < 980;
    return ('PLC', 2100);
}

sub unit_name {
    my ($activity, $form, $town) = @_;
    my $noun = pick(split /\|/, $activity->[2]);
    my $owner = pick(@owner);
    return "$town $noun" if $activity->[4] eq 's';
    return pick("$town $noun", pick(@adjective) . " $noun $town") if $activity->[4] eq 'a' || $activity->[4] eq 'b';
    return pick(@given) . " $owner " . pick($noun, $noun, '') if $form eq 'SP';
    my $name = pick("$owner $noun", "$owner & " . pick(@owner) . " $noun", "$town $noun", pick(@adjective) . " $noun");
    $name .= happens(30) ? ', ' . pick(@owner) . ' & Sons' : '';
    return $name . ($form eq 'LC' ? ' Ltd' : $form eq 'PLC' ? ' PLC' : $form eq 'COOP' ? ' Co-op' : '');
}

sub head_count {
    my ($form, $kind) = @_;
    return $kind eq 's' ? between(8, 160) : 0 if $kind eq 's' || $kind eq 'h';
    my $n = below(1000);
    return $n < 700 ? between(0, 1) : between(2, 6) if $form eq 'SP';
    return $n < 480 ? between(0, 3) : $n < 800 ? between(4, 9) : $n < 950 ? between(10, 49)
        : $n < 992 ? between(50, 249) : between(250, 1500);
}

sub size_code { my ($n) = @_; return $n < 5 ? 'tny' : $n < 20 ? 'sml' : $n < 100 ? 'med' : 'lrg'; }

sub turnover {
    my ($activity, $employees) = @_;
    return '' unless $activity->[3];
    return int(($employees + 1) * $activity->[3] * between(60, 140) / 100) * 1000;
}

# ---------------------------------------------------------------------------------------------------------------
# Identifiers: nine digits, the last one a modulus 11 check digit; serial numbers that would need "10" are passed over.

sub ident_series {
    my ($serial) = @_;
    return sub {
        while (1) {
            my @digit = split //, ++$serial;
            my $sum = 0;
            my @weight = (3, 2, 7, 6, 5, 4, 3, 2);
            $sum += $digit[$_] * $weight[$_] for 0 .. 7;
            my $check = (11 - $sum % 11) % 11;
            return $serial . $check if $check < 10;
        }
    };
}

my $legal_unit_tax_ident = ident_series(20000000);
my $establishment_tax_ident = ident_series(50000000);
my $informal_tax_ident = ident_series(70000000);
my $dirty_tax_ident = ident_series(29000000);

# ---------------------------------------------------------------------------------------------------------------
# A unit's life: from its first to its last day (`from`, `to`), the columns it starts with, and what changes when.

sub change { my ($unit, $day, %columns) = @_; push @{ $unit->{events} }, [$day, {%columns}]; return; }

# The value of a column on a day.
sub value_on {
    my ($unit, $day, $column) = @_;
    my $value = $unit->{columns}{$column};
    for my $event (sort { $a->[0] <=> $b->[0] } @{ $unit->{events} }) {
        last if $event->[0] > $day;
        $value = $event->[1]{$column} if exists $event->[1]{$column};
    }
    return $value;
}

# The rows of a unit: one for each period in which nothing changes.
sub slices {
    my ($unit, @heading) = @_;
    my %now = (%{ $unit->{columns} });
    my @rows;
    my %at;
    push @{ $at{ $_->[0] } }, $_->[1] for grep { $_->[0] <= $unit->{to} } @{ $unit->{events} };
    my @days = sort { $a <=> $b } keys %{ { map { $_ => 1 } $unit->{from}, keys %at } };
    my $previous = '';
    for my $i (0 .. $#days) {
        %now = (%now, %$_) for @{ $at{ $days[$i] } || [] };
        my $content = join "\t", map { $now{$_} // '' } grep { !/\Avalid_/ } @heading;
        my $end = $i < $#days ? $days[ $i + 1 ] - 1 : $unit->{to};
        if ($content eq $previous) {
            $rows[-1]{valid_to} = $end == $open ? 'infinity' : date($end);
            next;
        }
        push @rows, { %now, valid_from => date($days[$i]), valid_to => $end == $open ? 'infinity' : date($end) };
        $previous = $content;
    }
    return @rows;
}

# When a unit lives: a birth date, the first and the last day in the register. Old units are there from the first
# day of the register on; young ones die more often.
sub life_time {
    my ($old_per_mille) = @_;
    my $old = happens($old_per_mille);
    my $birth = $old ? $first_day - 1 - below(below(10) ? 9000 : 24000) : between($first_day, $last_day - 60);
    my $from = $old ? $first_day : $birth;
    for (my $day = $from; $day < $last_day - 40; $day += 365) {
        next unless happens($old ? 42 : 75);
        my $death = $day + between(30, 364);
        return ($birth, $from, $death) if $death < $last_day;
    }
    return ($birth, $from, $open);
}

sub end_of_register { my ($unit) = @_; return $unit->{to} == $open ? $last_day : $unit->{to}; }

# New Years' days within a unit's life.
sub new_years {
    my ($unit) = @_;
    return map { day($_, 1, 1) } year_of($unit->{from}) + 1 .. year_of(end_of_register($unit));
}

# Head count and turnover from one day on, with the size class that follows from it.
sub set_figures {
    my ($unit, $day, $employees) = @_;
    my $activity = $activity_of{ value_on($unit, $day, 'primary_activity_category_code') };
    change($unit, $day, employees => $employees, turnover => turnover($activity, $employees), unit_size_code => size_code($employees));
    return;
}

# ---------------------------------------------------------------------------------------------------------------
# Legal units

my @legal_units;

sub new_legal_unit {
    my ($birth, $from, $to, $activity, %columns) = @_;
    my $unit = { from => $from, to => $to, kind => $activity->[4], events => [], establishments => [], columns => {
        tax_ident => $legal_unit_tax_ident->(), stat_ident => 100001 + @legal_units, birth_date => date($birth),
        primary_activity_category_code => $activity->[1], status_code => 'active', data_source_code => 'nlr', %columns } };
    push @legal_units, $unit;
    return $unit;
}

sub contact_columns {
    my ($name) = @_;
    return () unless happens(150);
    (my $host = lc $name) =~ s/[^a-z]+//g;
    $host = substr($host, 0, 14) . '.example';
    return (web_address => "https://$host", email_address => "post\@$host", phone_number => '55' . between(100000, 999999));
}

sub found_legal_unit {
    my ($activity) = @_;
    my ($birth, $from, $to) = life_time($activity->[4] eq 's' ? 960 : 560);
    $to = $open if $activity->[4] eq 's' && !happens(100);
    my ($form, $sector) = form_and_sector($activity->[4]);
    my %place = domestic_place();
    my $name = unit_name($activity, $form, $place{physical_postplace});
    $name =~ s/ \z//;
    my $employees = head_count($form, $activity->[4]);
    my %secondary;
    if ($activity->[4] eq 'p' && happens(110)) {
        my $other = pick_weighted($private_weight, @private)->[1];
        %secondary = (secondary_activity_category_code => $other) if $other ne $activity->[1];
    }
    my %postal;
    %postal = (postal_address_part1 => 'PO Box ' . between(1, 900), postal_postcode => $place{physical_postcode},
        postal_postplace => $place{physical_postplace}, postal_country_iso_2 => COUNTRY) if happens(60);
    my $unit = new_legal_unit($birth, $from, $to, $activity, %place, %secondary, %postal,
        contact_columns($name), name => $name, legal_form_code => $form, sector_code => $sector);
    set_figures($unit, $from, $employees);

    for my $new_year (new_years($unit)) {
        my $day = $new_year + between(1, 360);
        $day = $new_year if $day > end_of_register($unit);
        if (happens(110)) {
            my $growth = between(70, 150);
            set_figures($unit, $new_year, int(value_on($unit, $new_year, 'employees') * $growth / 100) + below(2));
        }
        change($unit, $day, domestic_place()) if happens(22);
        if ($activity->[4] eq 'p' && happens(9)) {
            my $other = pick_weighted($private_weight, @private)->[1];
            # A first activity never equals the second one.
            change($unit, $day, primary_activity_category_code => $other, secondary_activity_category_code => '');
        }
        change($unit, $day, name => pick(@adjective) . ' ' . value_on($unit, $day, 'name')) if happens(6);
        change($unit, $day, legal_form_code => 'LC', sector_code => 2100)
            if value_on($unit, $day, 'legal_form_code') eq 'SP' && happens(8);
    }
    # Sole proprietors fall asleep now and then; some wake up.
    if ($form eq 'SP' && $from < $last_day - 900 && happens(70)) {
        my $day = between($from + 200, $last_day - 500);
        change($unit, $day, status_code => 'passive', employees => '', turnover => '') if $day < $to;
        change($unit, $day + 365, status_code => 'active', employees => 0, turnover => turnover($activity, 0))
            if $day + 365 < $to && happens(400);
        # Figures of later years would contradict that.
        @{ $unit->{events} } = grep { $_->[0] <= $day || !exists $_->[1]{employees} || exists $_->[1]{status_code} } @{ $unit->{events} }
            if $day < $to;
    }
    return $unit;
}

# Foreign owners come first: relationships only point to later units, so they never form a circle.
for my $n (1 .. FOREIGN_OWNERS) {
    my ($country, @towns) = @{ pick(@abroad) };
    my ($birth, $from, $to) = life_time(700);
    my $town = pick(@towns);
    new_legal_unit($birth, $from, $to, $activity_of{6420}, name => pick(@owner) . ' ' . pick(qw(Group Capital International Partners))
            . ' ' . pick(qw(AG AB Inc SA NV)), legal_form_code => 'FE', sector_code => 9000,
        physical_address_part1 => address(), physical_postplace => $town, physical_country_iso_2 => $country);
}
for my $n (1 .. LEGAL_UNITS) {
    # Holding companies early, so that they have somebody to own.
    found_legal_unit($n <= 120 ? $activity_of{6420} : pick_weighted($activities_weight, @activities));
}

# ---------------------------------------------------------------------------------------------------------------
# Establishments of legal units: they are where the people work, so the legal unit itself then counts no employees.

my @establishments;

sub found_establishment {
    my ($owner, $from, $to, %columns) = @_;
    my $at_start = $from == $owner->{from};
    my $birth = $at_start ? $owner->{columns}{birth_date} : date($from);
    my $place = pick_weighted($places_weight, @places)->[1];
    my %place = $at_start ? (map { $_ => $owner->{columns}{$_} } grep { /\Aphysical_/ } sort keys %{ $owner->{columns} }) : domestic_place();
    my $code = value_on($owner, $from, 'primary_activity_category_code');
    my $employees = head_count($owner->{columns}{legal_form_code}, $owner->{kind}) + 1;
    my $unit = { from => $from, to => $to, owner => $owner, events => [], columns => {
        tax_ident => $establishment_tax_ident->(), stat_ident => 300001 + @establishments,
        name => $owner->{columns}{name} . ($at_start ? '' : " $place{physical_postplace}"), birth_date => $birth,
        primary_activity_category_code => $code, status_code => 'active', data_source_code => happens(80) ? 'survey' : 'nlr',
        legal_unit_tax_ident => $owner->{columns}{tax_ident}, employees => $employees, %place, %columns } };
    if (happens(250)) {
        my ($at) = grep { $_->[1]{code} eq $place{physical_region_code} } @places;
        $unit->{columns}{physical_latitude} = sprintf '%.3f', ($at->[1]{latitude} * 10 + below(90)) / 1000;
        $unit->{columns}{physical_longitude} = sprintf '%.3f', ($at->[1]{longitude} * 10 + below(90)) / 1000;
    }
    push @establishments, $unit;
    push @{ $owner->{establishments} }, $unit;
    for my $new_year (new_years($unit)) {
        change($unit, $new_year, employees => int(value_on($unit, $new_year, 'employees') * between(75, 140) / 100) + below(2))
            if happens(90);
        change($unit, $new_year + between(1, 300), domestic_place(), physical_latitude => '', physical_longitude => '') if happens(12);
        change($unit, $new_year + between(1, 300), primary_activity_category_code => pick_weighted($private_weight, @private)->[1])
            if $owner->{kind} eq 'p' && happens(5);
    }
    return $unit;
}

for my $owner (@legal_units) {
    my $form = $owner->{columns}{legal_form_code};
    next if $form eq 'FE' || $owner->{kind} eq 'h' || grep { exists $_->[1]{status_code} } @{ $owner->{events} };
    my $n = below(1000);
    my $count = $form eq 'SP' ? ($n < 290 ? 1 : 0)
        : $n < 540 ? 1 : $n < 665 ? between(2, 4) : $n < 680 ? between(5, 24) : 0;
    for my $i (1 .. $count) {
        my $from = $i == 1 ? $owner->{from} : between($owner->{from}, end_of_register($owner));
        my $to = $owner->{to};
        if ($i > 1 && happens(250)) {
            my $end = $from + between(200, 2500);
            $to = $end if $end < end_of_register($owner);
        }
        found_establishment($owner, $from, $to);
    }
}

# Mergers: a legal unit dies, its establishments go on under another one that has the same activity.
my $mergers = 0;
for my $unit (@legal_units) {
    last if $mergers == MERGERS;
    next if $unit->{to} == $open || !@{ $unit->{establishments} } || $unit->{kind} ne 'p';
    my ($buyer) = grep { $_ != $unit && $_->{to} == $open && $_->{from} < $unit->{to}
            && $_->{columns}{legal_form_code} eq 'LC' && @{ $_->{establishments} }
            && $_->{columns}{primary_activity_category_code} eq $unit->{columns}{primary_activity_category_code} } @legal_units;
    next unless $buyer;
    for my $establishment (grep { $_->{to} == $unit->{to} } @{ $unit->{establishments} }) {
        change($establishment, $unit->{to} + 1, legal_unit_tax_ident => $buyer->{columns}{tax_ident});
        $establishment->{to} = $open;
    }
    $mergers++;
}

# Splits: the second activity becomes a company of its own, owned by the one it left.
my @relationships;
my $splits = 0;
for my $unit (@legal_units[ 0 .. $#legal_units ]) {
    last if $splits == SPLITS;
    my $second = $unit->{columns}{secondary_activity_category_code} or next;
    next if $unit->{from} > day(2021, 1, 1) || $unit->{to} != $open || $unit->{columns}{legal_form_code} eq 'SP'
        || grep { exists $_->[1]{primary_activity_category_code} || exists $_->[1]{status_code} } @{ $unit->{events} };
    my $day = day(between(2016, 2023), between(1, 12), 1);
    next if $day <= $unit->{from} + 200;
    change($unit, $day, secondary_activity_category_code => '');
    my $activity = $activity_of{$second};
    my %place = domestic_place();
    my $child = new_legal_unit($day, $day, happens(120) ? between($day + 300, $last_day) : $open, $activity, %place,
        name => unit_name($activity, 'LC', $place{physical_postplace}), legal_form_code => 'LC', sector_code => 2100);
    set_figures($child, $day, between(1, 12));
    found_establishment($child, $day, $child->{to}) if happens(500);
    relate($unit, $child, 'ownership', 100, $day, $child->{to});
    $splits++;
}

# Where establishments count the people, the legal unit does not.
for my $unit (grep { @{ $_->{establishments} } } @legal_units) {
    delete $unit->{columns}{employees};
    for my $event (@{ $unit->{events} }) { delete $event->[1]{employees}; }
}

# ---------------------------------------------------------------------------------------------------------------
# Relationships: each legal unit has at most one that controls it; shares never add up to more than 100, which is why
# split-offs (owned whole) are left out here.

sub relate {
    my ($influencing, $influenced, $type, $percentage, $from, $to) = @_;
    push @relationships, [$influencing, $influenced, $type, $percentage, $from, $to];
    return;
}

my @companies = grep { $legal_units[$_]{columns}{legal_form_code} =~ /\A(LC|PLC)\z/ } 0 .. FOREIGN_OWNERS + LEGAL_UNITS - 1;
my %controlled;
for my $index (0 .. FOREIGN_OWNERS + 120 + 160) {
    my $unit = $legal_units[$index];
    next unless $unit->{columns}{legal_form_code} =~ /\A(FE|LC|PLC)\z/;
    my $count = $index >= FOREIGN_OWNERS + 120 ? happens(350) ? 1 : 0 : between(1, 4);
    for (1 .. $count) {
        my $other = pick(grep { $_ > $index } @companies[ below(20) .. $#companies ]);
        my $child = $legal_units[$other];
        my $from = $unit->{from} > $child->{from} ? $unit->{from} : $child->{from};
        my $to = $unit->{to} < $child->{to} ? $unit->{to} : $child->{to};
        my $last = $to == $open ? $last_day : $to;
        next if $last - $from < 400 || $controlled{$other}++;
        $from = between($from, $last - 200) if happens(400);
        my $share = pick(51, 55, 60, 66.67, 75, 80, 90, 100, 100, 100);
        my $middle = happens(250) && $last - $from > 100 ? between($from + 30, $last - 30) : undef;
        relate($unit, $child, 'control', $share, $from, $middle ? $middle - 1 : $to);
        relate($unit, $child, 'control', pick(51, 70, 85, 100), $middle, $to) if $middle;
        # Another company holds a part of what is left.
        next unless $share <= 75 && !$middle && happens(500);
        my ($minor) = grep { $_ > $index && $_ < $other } @companies[ below(scalar @companies) .. $#companies ];
        next unless defined $minor;
        my $holder = $legal_units[$minor];
        my $start = $holder->{from} > $from ? $holder->{from} : $from;
        my $stop = $holder->{to} < $to ? $holder->{to} : $to;
        relate($holder, $child, 'ownership', pick(5, 10, 12.5, 20, 25), $start, $stop) if $start < $stop;
    }
}

# ---------------------------------------------------------------------------------------------------------------
# Informal establishments: found by a census every third year, so they change on its days only.

my @informal_activity = map { $activity_of{$_} } qw(0113 0150 0311 1071 1410 4711 4721 4771 4922 5610 5610 5630 9511 9602 9609);
my @census = map { day($_, 7, 1) } 2015, 2018, 2021, 2024;
my @informal;
for my $n (1 .. INFORMAL) {
    my $activity = pick(@informal_activity);
    my $first = below(4);
    my $seen = 1 + below(4 - $first);
    my $to = $first + $seen <= $#census ? $census[ $first + $seen ] - 1 : $open;
    my $employees = between(0, 4);
    my $unit = { from => $census[$first], to => $to, events => [], columns => {
        tax_ident => $informal_tax_ident->(), stat_ident => 600000 + $n, status_code => 'active', sector_code => 8200,
        name => pick(@given) . ' ' . pick(@owner) . ' ' . pick(split /\|/, $activity->[2]), data_source_code => happens(150) ? 'survey' : 'census',
        primary_activity_category_code => $activity->[1], employees => $employees,
        turnover => int(turnover($activity, $employees) / 10), domestic_place() } };
    for my $round ($first + 1 .. $first + $seen - 1) {
        my $now = between(0, 5);
        change($unit, $census[$round], employees => $now, turnover => int(turnover($activity, $now) / 10));
        change($unit, $census[$round], domestic_place()) if happens(60);
    }
    change($unit, $unit->{from}, death_date => date($to)) if $to != $open && $seen == 1;
    change($unit, $census[ $first + $seen - 1 ], death_date => date($to)) if $to != $open && $seen > 1;
    push @informal, $unit;
}

# ---------------------------------------------------------------------------------------------------------------
# The turnover of 2024 of some units is not in their own file: a survey brings it, in the update file.

my $year_2024 = day(2024, 1, 1);
my @surveyed;
for my $unit (@legal_units[ FOREIGN_OWNERS .. $#legal_units ]) {
    last if @surveyed == SURVEYED;
    next if $unit->{from} >= $year_2024 || end_of_register($unit) < $year_2024 + 30 || $unit->{kind} ne 'p'
        || value_on($unit, $year_2024, 'status_code') ne 'active' || !happens(90);
    my $employees = value_on($unit, $year_2024, 'employees');
    my $activity = $activity_of{ value_on($unit, $year_2024, 'primary_activity_category_code') };
    for my $event (grep { $_->[0] >= $year_2024 && exists $_->[1]{turnover} } @{ $unit->{events} }) { delete $event->[1]{turnover}; }
    change($unit, $year_2024, turnover => '');
    push @surveyed, { tax_ident => $unit->{columns}{tax_ident}, stat_ident => $unit->{columns}{stat_ident},
        turnover => turnover($activity, $employees || below(20)), data_source_code => 'survey',
        valid_from => date($year_2024), valid_to => date(end_of_register($unit)) };
}

# A death is told by the last row.
for my $unit (@legal_units, @establishments) {
    next if $unit->{to} == $open;
    my ($last) = sort { $b <=> $a } $unit->{from}, map { $_->[0] } grep { $_->[0] <= $unit->{to} } @{ $unit->{events} };
    change($unit, $last, death_date => date($unit->{to}));
}

# ---------------------------------------------------------------------------------------------------------------
# Files

sub quoted { my ($value) = @_; $value //= ''; $value =~ s/"/""/g and return "\"$value\""; return $value =~ /[,\n]/ ? "\"$value\"" : $value; }

sub write_file {
    my ($name, $heading, @rows) = @_;
    open my $file, '>:encoding(UTF-8)', "$directory/$name" or die "cannot write \"$directory/$name\": $!\n";
    print {$file} join(',', @$heading), "\n";
    print {$file} join(',', map { quoted($_) } @{$_}{@$heading}), "\n" for @rows;
    close $file or die "cannot write \"$directory/$name\": $!\n";
    return;
}

my @place_columns = qw(physical_address_part1 physical_postcode physical_postplace physical_region_code physical_country_iso_2);
my @legal_unit_heading = (qw(tax_ident stat_ident name birth_date death_date), @place_columns,
    qw(postal_address_part1 postal_postcode postal_postplace postal_country_iso_2 web_address email_address phone_number
        primary_activity_category_code secondary_activity_category_code legal_form_code sector_code unit_size_code
        status_code data_source_code employees turnover valid_from valid_to));
my @establishment_heading = (qw(tax_ident stat_ident name birth_date death_date), @place_columns,
    qw(physical_latitude physical_longitude primary_activity_category_code status_code data_source_code employees
        legal_unit_tax_ident valid_from valid_to));
my @informal_heading = (qw(tax_ident stat_ident name death_date), @place_columns,
    qw(primary_activity_category_code sector_code status_code data_source_code employees turnover valid_from valid_to));

write_file('01_regions.csv', [qw(path name)], map { { path => $_->[0], name => $_->[1] } } @regions);
write_file('02_legal_units.csv', \@legal_unit_heading, map { slices($_, @legal_unit_heading) } @legal_units);
write_file('03_establishments.csv', \@establishment_heading, map { slices($_, @establishment_heading) } @establishments);
write_file('04_informal_establishments.csv', \@informal_heading, map { slices($_, @informal_heading) } @informal);
write_file('05_turnover_update.csv', [qw(tax_ident stat_ident turnover data_source_code valid_from valid_to)], @surveyed);
write_file('06_legal_relationships.csv', [qw(influencing_tax_ident influenced_tax_ident rel_type_code percentage valid_from valid_to)],
    map { { influencing_tax_ident => $_->[0]{columns}{tax_ident}, influenced_tax_ident => $_->[1]{columns}{tax_ident},
        rel_type_code => $_->[2], percentage => $_->[3], valid_from => date($_->[4]),
        valid_to => $_->[5] == $open ? 'infinity' : date($_->[5]) } } @relationships);

# ---------------------------------------------------------------------------------------------------------------
# The dirty file: to be imported after the others. Each row is a clean new unit but for what is said here; the rest of
# an entry is what should be found: "code column severity" (e error, w warning, i information).

my ($known, $another) = @legal_units[ 100, 101 ];
my $an_establishment = $establishments[0]{columns};
my @dirty;
my @expected;

sub row {
    my ($columns, @findings) = @_;
    my $n = @dirty + 1;
    my %place = %{ { domestic_place() } };
    push @dirty, { tax_ident => $dirty_tax_ident->(), stat_ident => 900000 + $n, name => "Unit of line " . ($n + 1), birth_date => '2020-03-01',
        %place, primary_activity_category_code => '4711', legal_form_code => 'LC', sector_code => 2100,
        unit_size_code => 'tny', status_code => 'active', data_source_code => 'nlr', employees => 3, turnover => 450000,
        valid_from => '2023-01-01', valid_to => 'infinity', %$columns };
    for my $finding (@findings) {
        my ($code, $column, $severity) = split / /, $finding;
        # "-": the row as a whole
        push @expected, { line => $n + 1, column_name => $column eq '-' ? '' : $column, code => $code,
            severity => { e => 'error', w => 'warning', i => 'info' }->{$severity} };
    }
    return;
}

# The row before once more, with some columns changed.
sub again {
    my ($columns, @findings) = @_;
    row({ %{ $dirty[-1] }, %$columns }, @findings);
    return;
}

row({});
row({ name => 'Kettle | Sons Ltd' });
row({ name => 'The "Best" Bakery, Ltd', primary_activity_category_code => '1071' });
row({ valid_from => '2023-02-29' }, 'date_not_in_calendar valid_from e');
row({ birth_date => '2019-06-31' }, 'date_not_in_calendar birth_date e');
row({ valid_from => '31.12.2023' }, 'date_format valid_from e');
row({ valid_from => 'today' }, 'date_format valid_from e');
row({ valid_from => '45292' }, 'date_format valid_from e');
row({ valid_from => '2023-01' }, 'date_incomplete valid_from e');
row({ valid_from => '0000-01-01' }, 'date_out_of_range valid_from e');
row({ valid_from => 'infinity' }, 'date_infinite_not_allowed valid_from e');
row({ birth_date => 'infinity' }, 'date_infinite_not_allowed birth_date e');
row({ birth_date => '0201-05-01' }, 'date_implausible birth_date w');
row({ birth_date => '2020-03-01', death_date => '2019-01-01' }, 'dates_inconsistent birth_date w', 'dates_inconsistent death_date w');
row({ valid_from => '2023-06-01', valid_to => '2022-12-31' }, 'period_reversed valid_from e', 'period_reversed valid_to e');
row({ valid_from => '2023-06-01', valid_to => '2023-06-01' });
row({ valid_from => '' }, 'value_missing valid_from e');
row({ name => '' }, 'value_missing name e');
row({ name => '   ' }, 'value_missing name e');
row({ name => 'Very ' x 60 . 'Long Name' }, 'too_long name e');
row({ name => '=HYPERLINK("http://example.invalid")' }, 'formula_like name i');
row({});
row({ tax_ident => '', stat_ident => '' }, 'ident_missing - e');
row({ tax_ident => '' });
row({ tax_ident => '1' x 60 }, 'too_long tax_ident e');
row({ tax_ident => '9.1E+08' }, 'ident_scientific tax_ident e');
row({ stat_ident => ' 900999 ' }, 'ident_normalised stat_ident i');
row({ tax_ident => $known->{columns}{tax_ident}, stat_ident => $another->{columns}{stat_ident} }, 'ident_conflict tax_ident e', 'ident_conflict stat_ident e');
row({ tax_ident => $known->{columns}{tax_ident} }, 'ident_change stat_ident e');
row({ tax_ident => $an_establishment->{tax_ident}, stat_ident => '' }, 'unit_type_conflict tax_ident e');
row({ primary_activity_category_code => '9999' }, 'code_unknown primary_activity_category_code w');
row({ primary_activity_category_code => '111' }, 'code_unknown primary_activity_category_code w');
row({ primary_activity_category_code => '47' }, 'code_not_leaf primary_activity_category_code w');
row({ secondary_activity_category_code => '4711' }, 'activity_same secondary_activity_category_code w');
row({ sector_code => '1234' }, 'code_unknown sector_code w');
row({ legal_form_code => 'XYZ' }, 'code_unknown legal_form_code w');
row({ unit_size_code => 'huge' }, 'code_unknown unit_size_code w');
row({ status_code => 'closed' }, 'code_unknown status_code w');
row({ data_source_code => 'hearsay' }, 'code_unknown data_source_code w');
row({ physical_region_code => '999999' }, 'code_unknown physical_region_code w');
row({});
row({ physical_country_iso_2 => 'UK', physical_region_code => '' }, 'country_unknown physical_country_iso_2 e');
row({ physical_country_iso_2 => 'NO' }, 'region_needs_domestic physical_region_code e');
row({ physical_country_iso_2 => 'NO', physical_region_code => '' });
row({ physical_latitude => '42.5' }, 'coordinate_pair physical_longitude e');
row({ physical_latitude => '95', physical_longitude => '23' }, 'coordinate_range physical_latitude e');
row({ physical_latitude => '42.5', physical_longitude => '200' }, 'coordinate_range physical_longitude e');
row({ physical_latitude => 'north', physical_longitude => '23' }, 'not_a_number physical_latitude e');
row({ physical_latitude => '42,5', physical_longitude => '23.25' }, 'number_format physical_latitude e');
row({ physical_latitude => '42.5', physical_longitude => '23.25' });
row({ employees => '-3' }, 'number_negative employees e');
row({ employees => 'about ten' }, 'not_a_number employees e');
row({ employees => '12.5' }, 'not_whole employees e');
row({ employees => '1e3' }, 'number_scientific employees e');
row({ employees => '99999999999' }, 'number_too_big employees e');
row({ turnover => 'NaN' });    # one of the words that the definition takes for empty
row({ turnover => '500 kr' }, 'not_a_number turnover e');
row({ turnover => '1.234.5' }, 'grouping turnover e');
row({ turnover => '' });
row({ email_address => 'post@' }, 'email_format email_address w');
row({});
again({}, 'row_duplicate - w');
row({ employees => 5 }, 'row_conflict - e');
again({ employees => 6 }, 'row_conflict - e');
row({ valid_to => '2023-12-31' }, 'period_overlap_conflict valid_from e');
again({ valid_from => '2023-07-01', valid_to => '2024-06-30', employees => 9 }, 'period_overlap_conflict valid_from e');
row({ valid_to => '2023-12-31' });
again({ valid_from => '2024-01-01', valid_to => 'infinity', employees => 9 });
row({ name => '', valid_from => '2023-02-30', employees => 'x' }, 'value_missing name e', 'date_not_in_calendar valid_from e', 'not_a_number employees e');

write_file('90_dirty_legal_units.csv', [qw(tax_ident stat_ident name birth_date death_date), @place_columns,
    qw(physical_latitude physical_longitude email_address primary_activity_category_code secondary_activity_category_code
        legal_form_code sector_code unit_size_code status_code data_source_code employees turnover valid_from valid_to)], @dirty);
write_file('90_dirty_expected.csv', [qw(line column_name code severity)], @expected);
