#!/bin/sh
# Runs every fuzz target of a build folder (default: build-fuzz) for some seconds (default: 60)
# each. What they find interesting is kept in FOLDER/corpus/NAME, for the next time; an input that
# breaks one is left as FOLDER/crashes/NAME-... and fails the whole. The rest is still run.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build-fuzz}
seconds=${2:-60}
targets=$(find "$build" -type f -name '*_fuzz' -perm -u+x | sort)
if [ -z "$targets" ]; then
    echo "make fuzz: not built yet: there is no fuzz target in $build" >&2
    exit 1
fi
broken=
for target in $targets; do
    name=$(basename "$target")
    mkdir -p "$build/corpus/$name" "$build/crashes"
    echo "== $name, $seconds s"
    "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" \
        2>"$build/crashes/$name.log" </dev/null
    status=$?
    grep -E 'number_of_executed_units|ERROR|SUMMARY|Test unit written' "$build/crashes/$name.log"
    [ "$status" -eq 0 ] || broken="$broken $name"
done
[ -z "$broken" ] || { echo "broken:$broken (see $build/crashes)" >&2; exit 1; }
