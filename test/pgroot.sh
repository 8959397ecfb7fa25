#!/usr/bin/env bash
# A Debian folder that holds a PostgreSQL newer than the host's, to build and test in.
#
#   test/pgroot.sh 18                   make the folder if needed; its path is the last line of stdout
#   test/pgroot.sh run 18 TREE CMD...   copy TREE to /build/src in it and run CMD there (as root, in /build/src)
#
# Versions: 17 (Debian 13) and 18 (Debian 14). The folder lies in ${STATBUS_CACHE:-/var/cache/statbus} and is kept
# between runs; to be rid of it, remove that folder. /build/src stays after a run, to look at its logs.
#
#   STATBUS_CACHE           where the folders lie
#   STATBUS_DEBIAN_MIRROR   a Debian mirror; without it the host's own, from its apt configuration
#   STATBUS_PGROOT_BIND     directories (colon-separated) that CMD sees read-only at their own path
#
# Exit code of `run`: CMD's own. 2: called wrongly. 3: the folder cannot be had; stderr says why.
set -euo pipefail

readonly mark_begun=.statbus-root           # written first: this folder is ours, so we may remove it
readonly mark_complete=.statbus-complete    # written last: the recipe that the folder was made with
readonly cache="${STATBUS_CACHE:-/var/cache/statbus}"

say() { printf 'pgroot: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 3; }
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

# What makes each version: Debian suite, and the script that debootstrap takes for it. Debian 12's debootstrap
# does not know forky, but the script for sid fits every recent suite.
choose_version() {
    case "$1" in
        17) suite=trixie script=sid ;;
        18) suite=forky script=sid ;;
        *) say "no Debian release with PostgreSQL \"$1\" is known here; known: 17 18"; exit 2 ;;
    esac
    version="$1"
    root="$cache/pg$version"
    # Only server-dev pulls in clang and LLVM by itself; nothing here asks for them (with_llvm=no below).
    packages="postgresql-$version postgresql-server-dev-$version gcc make libc6-dev libssl-dev libkrb5-dev"
    packages="$packages perl libipc-run-perl gettext-base"
    recipe="2 $suite $packages"
}

# Mounts and the processes that CMD leaves behind live in namespaces of their own, so that they end with it even
# when it is killed: nothing stays mounted below the folder, whatever happens. The inner bash is process 1 there
# and must stay one (no exec): it reaps the servers that pg_ctl orphans.
#   in_namespace SETUP CMD...   SETUP is a piece of bash that runs before CMD
in_namespace() {
    local setup="$1" child code=0
    shift
    unshare --mount --pid --fork --kill-child --propagation private -- \
        bash -c "set -e; $setup"$'\n''set +e; "$@" 9>&-; exit $?' bash "$@" <&0 &
    child=$!
    # shellcheck disable=SC2064  # the number is wanted as it is now
    trap "kill -KILL $child 2>/dev/null || :" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    wait "$child" || code=$?
    trap - EXIT INT TERM
    return "$code"
}

# Variables are passed by name. Signals are reset because a background job starts with SIGINT ignored.
in_root() {
    local setup
    setup=$(cat <<'SETUP'
mount -t proc proc "$1/proc"
mountpoint -q "$1/dev/pts" || mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
mount -t tmpfs -o mode=0755 run "$1/run"
mkdir -p "$1/run/lock" && chmod 1777 "$1/run/lock"
mkdir -p "$1/run/postgresql" && chmod 1777 "$1/run/postgresql"
IFS=: read -r -a binds <<<"${STATBUS_PGROOT_BIND:-}"
for bind in "${binds[@]}"; do
    if [ -z "$bind" ] || [ ! -d "$bind" ]; then continue; fi
    mkdir -p "$1$bind"
    mount --bind "$bind" "$1$bind"
    mount -o remount,bind,ro "$1$bind"
done
shift
SETUP
)
    in_namespace "$setup" "$root" chroot "$root" /usr/bin/env -i --default-signal=INT,QUIT \
        PATH="/usr/lib/postgresql/$version/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        HOME=/root LANG=C.UTF-8 LC_ALL=C.UTF-8 TZ=UTC TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive \
        MAKEFLAGS=with_llvm=no "$@"
}

# The host's Debian mirror. apt itself reads its configuration, so every notation of it is understood. Third parties
# use other suites or components than the release's own `main`; security is another archive.
mirror_of_apt() {
    local codename
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016  # these are apt's variables
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk -v codename="$codename" '
            $3 != "main" || $1 !~ /^(https?|ftp|file):/ || $1 ~ /security/ || $2 ~ /security/ { next }
            $2 == codename || $2 ~ /^(stable|oldstable|testing|unstable|sid)$/ { print $1; found = 1; exit }
            $4 == "Debian" && other == "" { other = $1 }
            END { if (!found && other != "") print other }'
}

# apt names only what it has an index of, and a fresh container image has none.
find_mirror() {
    local found="${STATBUS_DEBIAN_MIRROR:-}"
    if [ -z "$found" ]; then found=$(mirror_of_apt); fi
    if [ -z "$found" ]; then
        apt-get update -qq >&2 || :
        found=$(mirror_of_apt)
    fi
    printf '%s\n' "$found"
}

install_debootstrap() {
    if command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
        return
    fi
    say "installing debootstrap through apt"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap debian-archive-keyring gpgv wget; } \
        >&2 || give_up "debootstrap is not installed and apt cannot install it"
}

# Removes what an earlier attempt left, and only that.
remove_unfinished() {
    if [ ! -e "$root" ]; then return; fi
    if [ ! -e "$root/$mark_begun" ] && [ -n "$(ls -A "$root")" ]; then
        give_up "\"$root\" holds something else; remove it or set STATBUS_CACHE"
    fi
    if grep -q " ${root//\//\\/}/" /proc/self/mounts; then
        give_up "something is mounted below \"$root\"; unmount it first"
    fi
    say "removing the unfinished or outdated \"$root\""
    rm -rf --one-file-system "$root"
}

# What the packages' scripts need to be quiet in a folder: no service starts, no cluster is made, no fsync per
# file, and the host's way to the network.
prepare_root() {
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    mkdir -p "$root/etc/postgresql-common" "$root/etc/dpkg/dpkg.cfg.d"
    printf 'create_main_cluster = false\n' >"$root/etc/postgresql-common/createcluster.conf"
    printf 'force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n' \
        >"$root/etc/dpkg/dpkg.cfg.d/statbus"
    printf 'deb %s %s main\n' "$mirror" "$suite" >"$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(https?|ftp)::Proxy|^Acquire::Check-(Valid-Until|Date) ' \
        >"$root/etc/apt/apt.conf.d/90host" || :
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}

build_root() {
    local log="$cache/pg$version.log" started=$SECONDS mirror include=
    install_debootstrap
    mirror=$(find_mirror)
    if [ -z "$mirror" ]; then
        give_up "no Debian mirror in the host's apt configuration; set STATBUS_DEBIAN_MIRROR"
    fi
    remove_unfinished
    mkdir -p "$root"
    : >"$root/$mark_begun"
    case "$mirror" in https:*) include=--include=ca-certificates ;; esac

    say "PostgreSQL $version: Debian $suite from $mirror into \"$root\" (log: $log)"
    # shellcheck disable=SC2086  # include is one word or none
    in_namespace '' debootstrap --variant=minbase $include "$suite" "$root" "$mirror" "$script" \
        </dev/null >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        give_up "debootstrap of $suite failed; see $log"
    }
    say "installing PostgreSQL $version and its build tools ($((SECONDS - started)) s so far)"
    prepare_root
    # shellcheck disable=SC2086  # packages is a list of words
    in_root sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends "$@" && apt-get clean &&
                   rm -rf /var/lib/apt/lists/*' sh $packages </dev/null >>"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        give_up "PostgreSQL $version cannot be installed from $suite; see $log"
    }
    in_root pg_config --version </dev/null >>"$log" 2>&1 || give_up "pg_config does not run in \"$root\""
    printf '%s\n' "$recipe" >"$root/$mark_complete"
    say "ready after $((SECONDS - started)) s"
}

# One process at a time may build or use a folder. File descriptor 9 holds the lock; CMD does not inherit it, so that
# a server left behind cannot keep it.
ensure_root() {
    if [ "$(id -u)" -ne 0 ]; then give_up "this must run as root: chroot and mounts need it"; fi
    command -v apt-get >/dev/null || give_up "this is not a Debian system: no apt-get"
    unshare --mount --pid --fork --propagation private true 2>/dev/null ||
        give_up "this system allows no mounts (a container without CAP_SYS_ADMIN?)"
    mkdir -p "$cache" || give_up "cannot write to \"$cache\""
    exec 9>"$cache/pg$version.lock"
    if ! flock --nonblock 9; then
        say "waiting for another run in \"$root\""
        flock 9
    fi
    if [ "$(cat "$root/$mark_complete" 2>/dev/null)" != "$recipe" ]; then build_root; fi
}

# The names of TREE's files, NUL-separated. What the host built (for its own PostgreSQL) must not come along. Files that
# are deleted but still in git's index are left out. safe.directory: root may run this on somebody else's checkout.
list_files() {
    local tree="$1" file
    if git -c safe.directory='*' -C "$tree" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -c safe.directory='*' -C "$tree" ls-files -z -c -o --exclude-standard | sort -zu
    else
        (cd "$tree" && find . -name .git -prune -o \( -type f -o -type l \) \
            ! -name '*.o' ! -name '*.so' ! -name '*.bc' -print0)
    fi | while IFS= read -r -d '' file; do
        if [ -e "$tree/$file" ] || [ -L "$tree/$file" ]; then printf '%s\0' "$file"; fi
    done
}

copy_tree() {
    rm -rf --one-file-system "$root/build"
    mkdir -p "$root/build/src"
    list_files "$1" | tar -C "$1" --no-recursion --null -T - -cf - | tar -C "$root/build/src" --no-same-owner -xf -
    chroot "$root" chown -R postgres:postgres /build
}

case "${1:-}" in
    run)
        if [ $# -lt 4 ]; then usage; fi
        choose_version "$2"
        tree="$3"
        if [ ! -d "$tree" ]; then say "\"$tree\" is not a directory"; exit 2; fi
        shift 3
        ensure_root
        copy_tree "$tree"
        in_root sh -c 'cd /build/src && exec "$@"' sh "$@"
        ;;
    [0-9]*)
        if [ $# -ne 1 ]; then usage; fi
        choose_version "$1"
        ensure_root
        printf '%s\n' "$root"
        ;;
    *) usage ;;
esac
