"""Real etcd members on loopback, in a directory of their own: started, killed, paused, compacted.

Ports are free ones; a member keeps its own over a restart.
"""

import base64
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_ports(count):
    """All open at once, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def encoded(text):
    return base64.b64encode(text.encode()).decode()


class Member:
    def __init__(self, name, directory, client, peer):
        self.name, self.directory = name, directory
        self.client, self.peer = client, peer
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.client}"

    def start(self, cluster, *flags):
        self.directory.mkdir(parents=True, exist_ok=True)
        own, peer = f"http://{self.address}", f"http://127.0.0.1:{self.peer}"
        self.process = subprocess.Popen(
            ["etcd", "--name", self.name, "--data-dir", str(self.directory / "data"),
             "--listen-client-urls", own, "--advertise-client-urls", own,
             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", cluster, "--log-level", "warn", *flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "etcd.log", "ab"))

    def healthy(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/health", timeout=1) as answer:
                return json.loads(answer.read()).get("health") == "true"
        except (urllib.error.URLError, OSError, ValueError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class EtcdCluster:
    def __init__(self, directory, members=1, flags=()):
        self.directory = pathlib.Path(directory)
        self.flags = list(flags)
        ports = free_ports(2 * members)
        self.members = [Member(f"m{i}", self.directory / f"m{i}", ports[2 * i], ports[2 * i + 1])
                        for i in range(members)]
        self.cluster = ",".join(f"{m.name}=http://127.0.0.1:{m.peer}" for m in self.members)

    def start(self):
        for member in self.members:
            member.start(self.cluster, *self.flags)
        self.wait()
        return self

    def wait(self, patience=60):
        end = time.monotonic() + patience
        while not all(m.healthy() for m in self.members if m.process.poll() is None):
            if time.monotonic() > end:
                logs = "".join((m.directory / "etcd.log").read_text()[-2000:] for m in self.members)
                raise AssertionError(f"etcd is not healthy within {patience} s\n{logs}")
            time.sleep(0.05)

    def restart(self, index):
        self.members[index].start(self.cluster, *self.flags)

    def end(self):
        for member in self.members:
            member.end()

    @property
    def addresses(self):
        return [m.address for m in self.members]

    # ---- what an operator's tools do, through etcd's JSON gateway

    def call(self, path, body, member=0):
        request = urllib.request.Request(
            f"http://{self.members[member].address}/v3/{path}", data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def keys(self, prefix, member=0):
        """[(key, lease id)] below a prefix."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self.call("kv/range", {"key": encoded(prefix), "range_end": encoded(end)}, member)
        return [(base64.b64decode(kv["key"]).decode(), int(kv.get("lease", 0)))
                for kv in found.get("kvs", [])]

    def compact(self, member=0):
        """All history but the present goes."""
        found = self.call("kv/range", {"key": encoded("x")}, member)
        self.call("kv/compaction", {"revision": found["header"]["revision"], "physical": True},
                  member)

    def revoke(self, lease, member=0):
        self.call("lease/revoke", {"ID": str(lease)}, member)
