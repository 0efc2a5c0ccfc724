#!/usr/bin/env python3
"""Ticks decided and recorded a second on real etcd, with one member and with three, beside what the
same etcd does with raw transactions in the same run.

    bench/system/etcd_ticks.py [--build build] [--jobs 10000 ...] [--seconds 10] [--agents 1]

Every job is due each second, and its application has no worker: what is measured is the decision.
A counted tick has its own durable record; all are read back from etcd afterwards, and each tick of
each job has to be there once. "late" is from due to decided, the bound of the histogram's bucket.
The rate is sustained only where nearly all are decided within their second.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "support"))
from etcd_cluster import EtcdCluster  # noqa: E402


def raw(build, address, batch):
    """Transactions a second of `batch` puts of 300 bytes, 64 under way."""
    done = subprocess.run([build / "bench" / "etcd_raw", address, str(batch), "64", "4"],
                          check=True, capture_output=True, text=True)
    return float(done.stdout)


def post(url, path, body):
    request = urllib.request.Request(url + path, data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def count_records(etcd, first, last):
    """(ticks, doubled, worst seconds between due and decided) in [first, last]; from the keys."""
    import base64
    ticks, seen, start = 0, set(), "/khronos/executions/"
    end = "/khronos/executions0"
    while True:
        page = etcd.call("kv/range", {
            "key": base64.b64encode(start.encode()).decode(),
            "range_end": base64.b64encode(end.encode()).decode(), "limit": 20000,
            "keys_only": True})
        kvs = page.get("kvs", [])
        for kv in kvs:
            key = base64.b64decode(kv["key"]).decode()
            uid, trigger = key.split("/")[3:5]
            at = int(trigger[:17]) // 1_000_000
            if first <= at <= last:
                ticks += 1
                seen.add((uid, at))
        if not page.get("more"):
            return ticks, ticks - len(seen)
        start = base64.b64decode(kvs[-1]["key"]).decode() + "\0"


def late_buckets(urls):
    """{upper bound in seconds: ticks decided within it}, over all agents."""
    buckets = {}
    for url in urls:
        with urllib.request.urlopen(url + "/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith('khronos_tick_lateness_seconds_bucket{stage="decided"'):
                    bound = float(line.split('le="')[1].split('"')[0])
                    buckets[bound] = buckets.get(bound, 0) + float(line.split()[-1])
    return buckets


def share(before, after, part):
    """The bound within which that part of the ticks between two looks was decided."""
    counts = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    total = max(counts.values())
    return next(bound for bound, count in counts.items() if count >= part * total)


def measure(build, members, jobs, seconds, agents):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="khronos-bench-"))
    started, urls = [], []
    etcd = EtcdCluster(directory / "etcd", members, ["--quota-backend-bytes", "8000000000"]).start()
    try:
        single, batched = raw(build, etcd.addresses[0], 1), raw(build, etcd.addresses[0], 100)
        machines = [x for a in etcd.addresses for x in ("--backend-machine", a)]
        filled = subprocess.run([build / "bench" / "fill_jobs", "etcd://" + etcd.addresses[0],
                                 str(jobs), "* * * * * *", "noop", "nobody"],
                                capture_output=True, text=True)
        if filled.returncode != 0:
            sys.exit(filled.stderr)
        for i in range(agents):
            agent = subprocess.Popen(
                [build / "khronos", "agent", "-e", "local", "--bind-port", "0", "--rpc-port", "0",
                 "--node", f"n{i}", "--no-worker", "--backend", "etcd", *machines,
                 "--data-dir", str(directory / f"a{i}")],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=directory)
            started.append(agent)
            line = agent.stdout.readline()
            urls.append(line[line.index("http://"):].split()[0].rstrip("/"))
        time.sleep(3)
        first = int(time.time()) + 2
        last = first + seconds - 1
        time.sleep(first - 0.1 - time.time())
        before = late_buckets(urls)
        time.sleep(last + 0.9 - time.time())
        after = late_buckets(urls)
        time.sleep(0.5)
        asked = time.time()
        # Until the last of them is decided.
        while True:
            ticks, doubled = count_records(etcd, first, last)
            if ticks >= jobs * seconds or time.time() - asked > 60:
                break
        within = (after[max(after)] - before[max(before)]) / seconds
        return (single, batched, ticks, doubled, jobs * seconds, within,
                share(before, after, 0.5), share(before, after, 0.99))
    finally:
        for agent in started:
            agent.kill()
            agent.wait()
        etcd.end()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, nargs="*", default=[2000, 5000, 10000])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--members", type=int, nargs="*", default=[1, 3])
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    print(f"{'members':>8} {'agents':>7} {'jobs':>7} {'ticks':>8} {'of':>8} {'doubled':>8} "
          f"{'ticks/s':>8} {'late p50':>9} {'late p99':>9} {'raw txn/s':>10} "
          f"{'raw puts/s, by 100':>19}")
    for members in arguments.members:
        for jobs in arguments.jobs:
            single, batched, ticks, doubled, due, rate, p50, p99 = measure(
                build, members, jobs, arguments.seconds, arguments.agents)
            print(f"{members:>8} {arguments.agents:>7} {jobs:>7} {ticks:>8} {due:>8} {doubled:>8} "
                  f"{rate:>8.0f} {p50:>8.3f}s {p99:>8.3f}s {single:>10.0f} "
                  f"{batched * 100:>19.0f}", flush=True)


if __name__ == "__main__":
    main()
