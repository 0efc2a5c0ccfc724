"""An etcd that cannot be used: a message that says why, status 1, in time, and nothing written."""

import os
import subprocess

import khronos_testing as t
from etcd_cluster import EtcdCluster, encoded


class EtcdRefuses(t.Case):
    def setUp(self):
        super().setUp()
        self.etcd = EtcdCluster(self.directory / "etcd").start()

    def tearDown(self):
        super().tearDown()
        self.etcd.end()

    def agent_with(self, *flags, machine=None, password=None):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.directory)}
        if password:
            path = self.directory / "password"
            path.write_text(password)
            environment["KHRONOS_BACKEND_PASSWORD_FILE"] = str(path)
        return subprocess.run(
            [t.PROGRAM, "agent", "-e", "local", "--bind-port", "0", "--rpc-port", "0",
             "--data-dir", str(self.directory / "data"), "--backend", "etcd",
             "--backend-machine", machine or self.etcd.addresses[0], *flags],
            capture_output=True, text=True, timeout=60, cwd=self.directory, check=False,
            stdin=subprocess.DEVNULL, env=environment)

    def revision(self):
        return self.etcd.call("kv/range", {"key": encoded("x")})["header"]["revision"]

    def put(self, key, value):
        self.etcd.call("kv/put", {"key": encoded(key), "value": encoded(value)})

    def ctl(self, *words):
        subprocess.run(["etcdctl", "--endpoints", self.etcd.addresses[0], *words], check=True,
                       env={"PATH": os.environ["PATH"], "ETCDCTL_API": "3"}, timeout=30,
                       capture_output=True)

    def refused(self, result, *parts):
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_a_keyspace_of_something_else(self):
        self.put("/khronos/apps/old", "1")
        before = self.revision()
        self.refused(self.agent_with(), "/khronos", "keys of something else")
        self.assertEqual(self.revision(), before)
        self.agent("--backend", "etcd", "--backend-machine", self.etcd.addresses[0],
                   "--keyspace", "/khronos-of-ours")

    def test_a_keyspace_of_a_newer_format(self):
        # cluster id `c`, format version 99
        self.put("/khronos/meta", "\x0a\x01c\x10\x63")
        before = self.revision()
        self.refused(self.agent_with(), "version 99", "newer program")
        self.assertEqual(self.revision(), before)

    def test_nobody_listens_there(self):
        self.refused(self.agent_with(machine="127.0.0.1:1"), "127.0.0.1:1", "refused")

    def test_a_wrong_password_and_none(self):
        self.ctl("user", "add", "root:secret of root")
        self.ctl("user", "grant-role", "root", "root")
        self.ctl("auth", "enable")
        self.refused(self.agent_with(), "wants a user and a password")
        wrong = self.agent_with("--backend-user", "root", password="guessed wrong")
        self.refused(wrong, "does not accept the user or the password")
        self.assertNotIn("guessed wrong", wrong.stdout + wrong.stderr)


if __name__ == "__main__":
    t.main()
