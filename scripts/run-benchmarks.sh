#!/bin/sh
# Runs every benchmark program of a build folder (default: build), one after the other, and leaves
# each one's figures as JSON in FOLDER/bench-results/.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
programs=$(find "$build" -type f -name '*_bench' -perm -u+x | sort)
if [ -z "$programs" ]; then
    echo "make bench: not built yet: there is no benchmark program in $build" >&2
    exit 1
fi
mkdir -p "$build/bench-results"
for program in $programs; do
    name=$(basename "$program")
    echo "== $name"
    "$program" --benchmark_out="$build/bench-results/$name.json" --benchmark_out_format=json
done

# The raw etcd of the same machine, by its own tool.
if [ -x "$build/src/store/etcd/store_etcd_bench" ]; then
    echo "== etcd"
    bench/etcd/run.sh
fi

# Requests a second, next to nginx on the same machine.
server=$build/bench/http/http_bench_server
if [ -x "$server" ]; then
    echo "== http"
    bench/http/run.sh "$server"
fi

# next() beside other libraries, and whole systems.
[ -x "$build/src/core_bench" ] && { echo "== cron"; bench/cron_report.py "$build/src/core_bench"; }
if [ -x "$build/bench/fill_jobs" ]; then
    echo "== one instant"
    bench/system/one_instant.py --build "$build"
    echo "== ticks on etcd"
    bench/system/etcd_ticks.py --build "$build"
    echo "== a million jobs"
    bench/system/million_jobs.py --build "$build"
fi
