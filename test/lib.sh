# What the scripts of test/ share: finding a server, installing what is missing, a private copy of
# the tree, a private install, a private cluster.  Sourced, not run.

STATBUS_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }

die() { printf 'statbus: %s\n' "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# as_postgres CMD…: servers refuse to run as root, so everything that touches one runs as postgres.
as_postgres() {
	if [ "$(id -un)" = postgres ]; then "$@"
	elif [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"
	else sudo -u postgres "$@"; fi
}

# need_packages PKG…: installs those that are missing, and says so.
need_packages() {
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "please install: ${missing[*]}"
	say "installing ${missing[*]} (apt)"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# newest_server: the newest major version that has a server here, or nothing.
newest_server() {
	local path newest=
	for path in /usr/lib/postgresql/*/bin/initdb; do
		[ -x "$path" ] || continue
		path=${path#/usr/lib/postgresql/}
		path=${path%%/*}
		if [ -z "$newest" ] || [ "$path" -gt "$newest" ]; then newest=$path; fi
	done
	echo "$newest"
}

# find_server: sets PG_MAJOR, PG_BIN and PG_CONFIG to the newest server installed here, installing
# Debian's own when there is none.
find_server() {
	local newest
	newest=$(newest_server)
	if [ -z "$newest" ]; then
		# Installed without the start-up cluster: nothing of ours uses it.
		need_packages postgresql-common
		as_root sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
		need_packages postgresql
		newest=$(newest_server)
		[ -n "$newest" ] || die "PostgreSQL could not be installed"
	fi
	PG_MAJOR=$newest
	PG_BIN=/usr/lib/postgresql/$newest/bin
	need_packages gcc make libc6-dev libssl-dev "postgresql-server-dev-$newest"
	PG_CONFIG=$PG_BIN/pg_config
	export PG_MAJOR PG_BIN PG_CONFIG
}

# copy_tree DIR: the files of the tree, as they are now, owned by postgres.  Kept objects let make
# rebuild only what changed; everything else goes first, so that a file removed from the tree is gone.
copy_tree() {
	local to=$1
	as_root mkdir -p "$to"
	as_root find "$to" -type f ! -name '*.o' ! -name '*.so' -delete
	if git -C "$STATBUS_TOP" rev-parse --git-dir >/dev/null 2>&1; then
		(cd "$STATBUS_TOP" && git -c safe.directory="$STATBUS_TOP" ls-files -coz --exclude-standard | while IFS= read -r -d '' f; do
			[ -e "$f" ] && printf '%s\0' "$f"; done | tar -c --null -T -)
	else
		(cd "$STATBUS_TOP" && tar -c --exclude=./build --exclude='*.o' --exclude='*.so' --exclude=./.git .)
	fi | as_root tar -x --no-same-owner -C "$to"
	as_root chown -R postgres: "$to"
}

# build_into SRC DEST: compiles with every warning an error and installs below DEST, not into the system.
build_into() {
	local src=$1 dest=$2 server_headers
	server_headers=$("$PG_CONFIG" --includedir-server)
	as_postgres make -s -C "$src" -j2 PG_CONFIG="$PG_CONFIG" with_llvm=no \
		PG_CFLAGS="-Wall -Wextra -Werror" PG_CPPFLAGS="-isystem $server_headers" >&2
	as_postgres make -s -C "$src" install DESTDIR="$dest" PG_CONFIG="$PG_CONFIG" with_llvm=no >&2
	# Install scripts of earlier releases, from which the tests of updates start.
	as_postgres cp "$src"/test/upgrade/statbus--*.sql "$dest$("$PG_CONFIG" --sharedir)/extension/"
}

# write_temp_conf FILE DEST: the settings by which a server finds an extension below DEST.
write_temp_conf() {
	local file=$1 dest=$2
	{
		echo "dynamic_library_path = '$dest$("$PG_CONFIG" --pkglibdir):\$libdir'"
		if [ "$PG_MAJOR" -ge 18 ]; then
			echo "extension_control_path = '$dest$("$PG_CONFIG" --sharedir):\$system'"
		else
			echo "extension_destdir = '$dest'"	# a patch of Debian's
		fi
		echo "fsync = off"
		echo "full_page_writes = off"
		echo "jit = off"
		echo "max_connections = 60"
		echo "shared_buffers = 256MB"
		echo "max_wal_size = 4GB"
		echo "log_min_messages = warning"
	} | as_postgres tee "$file" >/dev/null
}

# start_cluster DIR PORT CONF: a new cluster in DIR/data with its socket in DIR/sock.
start_cluster() {
	local dir=$1 port=$2 conf=$3
	as_postgres mkdir -p "$dir/sock"
	as_postgres "$PG_BIN/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; die "initdb failed"; }
	{
		echo "include '$conf'"
		echo "port = $port"
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$dir/sock'"
	} | as_postgres tee -a "$dir/data/postgresql.conf" >/dev/null
	as_postgres "$PG_BIN/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >/dev/null ||
		{ cat "$dir/server.log" >&2; die "the server did not start"; }
}

stop_cluster() {
	local dir=$1
	[ -f "$dir/data/postmaster.pid" ] || return 0
	as_postgres "$PG_BIN/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
}

# csv_columns FILE: the heading of a CSV file as a list of quoted column names.
csv_columns() {
	head -n 1 "$1" | perl -CSD -ne 's/^\x{FEFF}//; s/[\r\n]+$//;
		my @names; while (/\G(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/g) { my $n = $1 // $2; $n =~ s/""/"/g; push @names, $n; last if $3 eq "" }
		print join(", ", map { s/"/""/gr =~ s/(.*)/"$1"/sr } @names)'
}
