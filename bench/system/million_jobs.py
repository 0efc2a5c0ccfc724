#!/usr/bin/env python3
"""A million jobs on one agent: seconds until it is ready, bytes of memory a job, CPU while idle.

    bench/system/million_jobs.py [--build build] [--jobs 1000000] [--idle 20]

The jobs are yearly ones, so that nothing is due. Bytes a job: resident memory of the agent with
the jobs less that of an agent without any, divided by their number. CPU: of one core, user and
system, over the idle seconds.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, directory, idle):
    """(seconds to ready, resident bytes, share of a core when idle)"""
    begin = time.monotonic()
    agent = subprocess.Popen([program, "agent", "-e", "local", "--bind-port", "0", "--rpc-port",
                              "0", "--data-dir", str(directory)], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, cwd=directory)
    try:
        line = agent.stdout.readline()
        url = line[line.index("http://"):].split()[0].rstrip("/")
        while True:
            try:
                with urllib.request.urlopen(url + "/readyz") as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            time.sleep(0.02)
        ready = time.monotonic() - begin
        time.sleep(3)  # what was allocated for the start is given back
        before = cpu_seconds(agent.pid)
        time.sleep(idle)
        share = (cpu_seconds(agent.pid) - before) / idle
        return ready, resident(agent.pid), share
    finally:
        agent.terminate()
        agent.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=1000000)
    parser.add_argument("--idle", type=float, default=20)
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="khronos-bench-"))
    try:
        for name in ("empty", "full"):
            (directory / name).mkdir()
        filled = subprocess.run([build / "bench" / "fill_jobs", directory / "full",
                                 str(arguments.jobs), "0 0 3 1 1 *", "noop"],
                                check=True, capture_output=True, text=True)
        _, base, _ = measure(build / "khronos", directory / "empty", 1)
        ready, full, share = measure(build / "khronos", directory / "full", arguments.idle)
        print(f"jobs                 {arguments.jobs}")
        print(f"written in           {float(filled.stdout):.1f} s")
        print(f"start to ready       {ready:.2f} s")
        print(f"resident, no job     {base / 1e6:.1f} MB")
        print(f"resident, all jobs   {full / 1e6:.1f} MB")
        print(f"bytes a job          {(full - base) / arguments.jobs:.0f}")
        print(f"CPU when idle        {share * 100:.2f} % of a core")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
