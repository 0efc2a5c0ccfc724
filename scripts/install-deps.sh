#!/bin/sh
# Installs what is missing of the Debian 12 packages that Khronos is built, tested and measured
# with. Does nothing, and needs no rights, when everything is there.
#
#   scripts/install-deps.sh [build] [test] [ui] [bench] [fuzz] [format]     (default: build)
#
# KHRONOS_SKIP_DEPS=1 skips it: for machines where somebody else installs packages.
set -eu

build_packages='g++ cmake ninja-build ccache mold pkgconf git
 libgrpc++-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libabsl-dev
 libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
 libssl-dev libcurl4-openssl-dev libre2-dev libsqlite3-dev libspdlog-dev libfmt-dev
 libcli11-dev libtomlplusplus-dev libyaml-cpp-dev prometheus-cpp-dev tzdata ca-certificates'
test_packages='libgtest-dev libgmock-dev librapidcheck-dev python3
 curl etcd-server etcd-client openssl chromium'
bench_packages='libgtest-dev libgmock-dev libbenchmark-dev wrk nginx-light curl python3
 etcd-server etcd-client'
fuzz_packages='clang-19 libclang-rt-19-dev'
format_packages='clang-format-19 clang-tidy-19 clang-tools-19'

say() { printf '%s\n' "install-deps: $*" >&2; }
die() { say "$*"; exit 1; }

[ "${KHRONOS_SKIP_DEPS:-}" = 1 ] && exit 0
[ $# -gt 0 ] || set -- build

wanted=
for group in "$@"; do
    case $group in
        build)  wanted="$wanted $build_packages" ;;
        test)   wanted="$wanted $test_packages" ;;
        bench)  wanted="$wanted $bench_packages" ;;
        fuzz)   wanted="$wanted $fuzz_packages" ;;
        format) wanted="$wanted $format_packages" ;;
        # Any Node will do, so a newer one from elsewhere is left alone.
        ui)     command -v node >/dev/null && command -v npm >/dev/null || wanted="$wanted nodejs npm" ;;
        *)      die "there is no group '$group'; there are build, test, ui, bench, fuzz and format" ;;
    esac
done
# Unquoted on purpose, here and below: a list of words.
# shellcheck disable=SC2086
wanted=$(printf '%s\n' $wanted | sort -u)
[ -n "$wanted" ] || exit 0

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian or a relative of it, so packages cannot be installed here."
    say "Install what matches these, then run again with KHRONOS_SKIP_DEPS=1:"
    say $wanted
    exit 1
fi

# shellcheck disable=SC2086
present=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
    awk '$2 == "installed" { print $1 }')
missing=
for package in $wanted; do
    printf '%s\n' "$present" | grep -qxF "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null; then
    # Without a terminal there is nobody who could type a password.
    if [ -t 0 ]; then root=sudo; else root='sudo -n'; fi
    $root true || die "sudo did not let us in. As root, run: apt-get install -y$missing"
else
    die "not root, and there is no sudo. As root, run: apt-get install -y$missing"
fi

say "installing$missing"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() {
    rm -f "$log"
    [ -z "$made_policy" ] || $root rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# etcd and nginx are wanted as programs: no service of theirs may start on this machine, now
# (policy-rc.d) or with the next boot (disable).
if [ ! -e "$policy" ]; then
    $root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
    made_policy=1
fi
apt() {
    $root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1
}
# The lists may be missing (a fresh image) or old. When they cannot be fetched, the ones that are
# there may still do.
apt update || { tail -n 5 "$log" >&2; say "apt-get update failed; trying with the lists there are"; }
# shellcheck disable=SC2086
apt install --no-install-recommends $missing || {
    tail -n 30 "$log" >&2
    die "apt-get could not install them; the last lines of its output are above"
}
if command -v systemctl >/dev/null; then
    for service in etcd nginx; do
        case " $missing " in
            *" $service-server "*|*" $service-light "*) $root systemctl disable "$service" >/dev/null 2>&1 || true ;;
        esac
    done
fi
say "done"
