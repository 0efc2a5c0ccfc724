#!/bin/bash
# Tries README's promise on a bare Debian 12: makes one in a temporary folder, clones what is
# committed here into it, and runs there what a newcomer would.
#
#   sudo scripts/check-clean-root.sh [--user] [--keep] [make test | make build | smoke | ...]
#
#   make test   the default; any other command works too
#   smoke       make run, until the page answers, then SIGTERM; the exit status has to be 0
#   --user      as an ordinary user with sudo, not as root
#   --keep      leave the folder behind, and say where it is
#   --reuse DIR one that was kept: faster, but no longer bare; the clone is made anew
#
# Needs root, debootstrap, 6 GB of disk and a Debian mirror. The mirror and the other settings of
# apt are those of this machine. Everything runs in name spaces of its own, so that no mount and no
# process is left over, however it ends.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "clean-root: $*" >&2; }
die() { say "$*"; exit 1; }

user=root keep='' reuse=''
while [ $# -gt 0 ]; do
    case $1 in
        --user) user=newcomer ;;
        --keep) keep=1 ;;
        --reuse) reuse=${2:?--reuse needs a folder}; keep=1; shift ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
        --*) die "there is no option $1; see --help" ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- make test

[ "$(id -u)" = 0 ] || die "needs root: sudo $0"
command -v debootstrap >/dev/null || die "needs debootstrap: apt-get install debootstrap"
[ -z "$(git status --porcelain)" ] || say "what is not committed is not tried"

root=$reuse
if [ -z "$root" ]; then
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/khronos-clean-root.XXXXXX")
    chmod 755 "$root"
fi
cleanup() {
    if [ -n "$keep" ]; then say "kept: $root"; else rm -rf --one-file-system "$root"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

make_root() {
    local mirror log
    # The first mirror that apt on this machine has for Debian itself, in either of apt's two formats.
    mirror=$(find /etc/apt -name 'sources.list' -o -name '*.list' -o -name '*.sources' | sort | xargs -r cat |
        sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] *\)\{0,1\}\([^ ]*\) bookworm .*/\2/p' | sed -n 1p)
    [ -n "$mirror" ] || die "no mirror of Debian 12 in /etc/apt"
    say "making a bare Debian 12 in $root"
    log=$(mktemp)
    debootstrap --variant=minbase --include="make,git,sudo" bookworm "$root" "$mirror" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; rm -f "$log"; die "debootstrap failed"; }
    rm -f "$log"

    rm -rf "$root/etc/apt"
    cp -a /etc/apt "$root/etc/apt"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    # Certificates that this machine's own mirrors may need.
    if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$root/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    fi
    # They are taken in when the package with the authorities is installed there.
    [ ! -d /usr/local/share/ca-certificates ] ||
        cp -rL /usr/local/share/ca-certificates "$root/usr/local/share/"
}
[ -n "$reuse" ] || make_root
home=/root
if [ "$user" != root ]; then
    [ -n "$reuse" ] || chroot "$root" useradd --create-home --shell /bin/bash "$user"
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
    home=/home/$user
fi
rm -rf "$root$home/khronos"
git clone --quiet --no-hardlinks "file://$PWD" "$root$home/khronos"
[ "$user" = root ] || chroot "$root" chown -R "$user:" "$home/khronos"

# Only what a log-in would give, and what leads to the outside here.
environment=(HOME="$home" USER="$user" LANG=C.UTF-8 TERM=dumb
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY npm_config_registry \
    NODE_EXTRA_CA_CERTS CI; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

# inside COMMAND...: in the new root, alone with its processes and mounts.
inside() {
    unshare --mount --pid --fork --kill-child --propagation private \
        /bin/bash -c '
            set -e
            root=$1 user=$2 home=$3; shift 3
            mount -t proc proc "$root/proc"
            mount --rbind /sys "$root/sys"
            mount --rbind /dev "$root/dev"
            mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
            mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
            exec chroot --userspec="$user:$user" "$root" /usr/bin/env -i "$@"
        ' inside "$root" "$user" "$home" "${environment[@]}" \
        /bin/bash -c 'cd "$HOME/khronos" && exec "$@"' clean-root "$@" </dev/null
}

if [ "$1" != smoke ]; then
    say "in it, as $user: $*"
    status=0
    inside "$@" || status=$?
    say "exit status $status"
    exit "$status"
fi

say "in it, as $user: make run"
environment+=(KHRONOS_BIND_PORT=18001 KHRONOS_RPC_PORT=18005)
inside /bin/bash -c '
    set -e
    make build
    make run &
    for ((i = 0; i < 600; ++i)); do
        # The root has no curl unless Khronos brought it.
        if (exec 3<>/dev/tcp/127.0.0.1/18001 && printf "GET /livez HTTP/1.1\r\nHost: 127.0.0.1:18001\r\nConnection: close\r\n\r\n" >&3 && head -n 1 <&3 | grep " 200 ") 2>/dev/null; then
            agent=$(pidof khronos)
            kill -TERM $agent
            wait && echo "answered, and stopped cleanly"
            exit
        fi
        sleep 0.1
    done
    echo "no answer from /livez within a minute" >&2
    exit 1
'
