#!/usr/bin/env python3
"""Many jobs due in the same second, with an executor that does nothing: how late each stage is,
and how long all of them take beside a bare loop of the same durable writes.

    bench/system/one_instant.py [--build build] [--jobs 10000] [--rounds 3]

Every execution has three durable records: decided, claimed, ended. All are read back and counted.
The bare loop writes the same records with the same number under way and nothing else.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request


def micros(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.timestamp() * 1e6)


def pages(url):
    cursor = ""
    while True:
        with urllib.request.urlopen(f"{url}/v1/executions?limit=1000{cursor}") as answer:
            page = json.loads(answer.read())
        yield from page["executions"]
        if not page.get("next_cursor"):
            return
        cursor = f"&cursor={page['next_cursor']}"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=256)
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="khronos-bench-"))
    agent = None
    try:
        period = 20
        subprocess.run([build / "bench" / "fill_jobs", directory, str(arguments.jobs),
                        f"*/{period} * * * * *", "noop"], check=True, capture_output=True)
        agent = subprocess.Popen(
            [build / "khronos", "agent", "-e", "local", "--bind-port", "0", "--rpc-port", "0",
             "--max-execution-limit", str(arguments.slots), "--data-dir", str(directory)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=directory)
        line = agent.stdout.readline()
        url = line[line.index("http://"):].split()[0].rstrip("/")
        start = time.time()
        first = (int(start) // period + 1) * period
        last = first + (arguments.rounds - 1) * period
        time.sleep(last + period * 0.7 - start)
        rounds = {}
        for execution in pages(url):
            due = micros(execution["scheduled_at"])
            if execution["status"] == "succeeded" and first * 1e6 <= due <= last * 1e6:
                rounds.setdefault(due, []).append(execution)
        bare = statistics.median(
            float(subprocess.run([build / "bench" / "bare_loop", str(arguments.jobs),
                                  str(arguments.slots)], check=True, capture_output=True,
                                 text=True).stdout) for _ in range(arguments.rounds))
        print(f"{'round':>6} {'runs':>7} {'stage':>11} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")
        walls = []
        for number, (due, executions) in enumerate(sorted(rounds.items()), 1):
            for stage in ("decided_at", "dispatched_at", "started_at", "finished_at"):
                late = [(micros(e[stage]) - due) / 1000 for e in executions]
                print(f"{number:>6} {len(executions):>7} {stage[:-3]:>11} "
                      f"{percentile(late, 0.5):>9.1f} {percentile(late, 0.99):>9.1f} "
                      f"{max(late):>9.1f}")
            walls.append(max(micros(e["finished_at"]) - due for e in executions) / 1e6)
        wall = statistics.median(walls)
        print(f"from due to the last end {wall:.3f} s (median of {len(walls)} rounds), "
              f"{arguments.jobs / wall:.0f} executions/s")
        print(f"bare loop of the same writes {bare:.3f} s: share {bare / wall * 100:.0f} %")
    finally:
        if agent:
            agent.terminate()
            agent.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
