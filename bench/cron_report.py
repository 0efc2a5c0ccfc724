#!/usr/bin/env python3
"""Geometric means of next() over the twelve lines, against the libraries in cron_peers.tsv.

Usage: bench/cron_report.py build/src/core_bench
"""
import json
import math
import pathlib
import subprocess
import sys


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def read_peers(path):
    lines = [l.rstrip("\n").split("\t") for l in path.open() if not l.startswith("#")]
    header, rows = lines[0], lines[1:]
    return header[2:], [(row[0], row[1], row[2:]) for row in rows]


def measure(program):
    reply = subprocess.run(
        [program, "--benchmark_filter=^next", "--benchmark_repetitions=5", "--benchmark_format=json",
         "--benchmark_report_aggregates_only=true"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = {}
    for run in json.loads(reply.stdout)["benchmarks"]:
        if run["aggregate_name"] == "median":
            _, zone, spec = run["run_name"].split("|")
            found[zone, spec] = run["per_next"] * 1e9
    return found


def main():
    names, rows = read_peers(pathlib.Path(__file__).with_name("cron_peers.tsv"))
    ours = measure(sys.argv[1] if len(sys.argv) > 1 else "build/src/core_bench")
    for zone in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == zone]
        print(f"{zone}: ns per next()")
        for _, spec, _ in mine:
            print(f"  {ours[zone, spec]:8.1f}  {spec}")
        own = geometric_mean([ours[zone, spec] for _, spec, _ in mine])
        print(f"  {own:8.1f}  geometric mean of khronos")
        for i, name in enumerate(names):
            pairs = [(float(row[2][i]), ours[zone, row[1]]) for row in mine if row[2][i] != "-"]
            if not pairs:
                continue
            peer = geometric_mean([p for p, _ in pairs])
            ratio = peer / geometric_mean([o for _, o in pairs])
            note = "" if len(pairs) == len(mine) else f" (on the {len(pairs)} lines it takes)"
            label = "the fastest peer of each line" if name == "fastest" else name
            print(f"  {peer:8.0f}  {label}: {ratio:.0f} times as long{note}")


if __name__ == "__main__":
    main()
