"""The command line against agents with TLS, and against a cluster on etcd."""

import json
import os
import subprocess

import khronos_testing as t
from agent_access import certificates
from etcd_cluster import EtcdCluster


def khronos(*words, **environment):
    return subprocess.run([t.PROGRAM, *map(str, words)], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], **environment})


class Tls(t.Case):
    def tls_agent(self, *flags):
        pem = certificates(self.directory)
        agent = self.agent("--tls-cert", str(pem / "agent.pem"), "--tls-key",
                           str(pem / "agent.key"), *flags, start=False)
        agent.process = subprocess.Popen(
            agent.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(agent.log, "ab"), cwd=agent.home, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(agent.home)})
        line = agent.process.stdout.readline()
        self.assertIn("https://", line, agent.log.read_text())
        agent.url = line[line.index("https://"):].split()[0].rstrip("/")
        ca = str(pem / "ca.pem")
        t.wait_for("the agent answers", lambda: khronos(
            "version", "--server", agent.url, "--ca-file", ca).returncode == 0)
        return agent, pem

    def test_an_agents_certificate_is_checked(self):
        agent, pem = self.tls_agent()
        ca = pem / "ca.pem"
        good = khronos("status", "--server", agent.url, "--ca-file", ca)
        self.assertEqual(good.returncode, 0, good.stderr)
        by_variable = khronos("job", "list", KHRONOS_SERVER=agent.url, KHRONOS_CA_FILE=str(ca))
        self.assertEqual(by_variable.returncode, 0, by_variable.stderr)
        for words in ([], ["--ca-file", pem / "client.pem"], ["--ca-file", pem / "none.pem"]):
            refused = khronos("job", "list", "--server", agent.url, *words)
            self.assertEqual(refused.returncode, 1, words)
            self.assertIn("no answer from https://", refused.stderr)

    def test_a_certificate_of_ones_own_is_shown(self):
        agent, pem = self.tls_agent("--auth", "--tls-client-ca", str(self.directory / "ca.pem"),
                                    "--tls-client-role", "editor")
        common = ["--server", agent.url, "--ca-file", pem / "ca.pem"]
        anonymous = khronos("job", "list", *common)
        self.assertEqual(anonymous.returncode, 1)
        self.assertIn("401", anonymous.stderr)
        shown = khronos("job", "list", *common, "--cert", pem / "client.pem", "--key",
                        pem / "client.key")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        both = pem / "both.pem"
        both.write_text((pem / "client.pem").read_text() + (pem / "client.key").read_text())
        self.assertEqual(khronos("job", "list", *common, "--cert", both).returncode, 0)
        self.assertIn("403", khronos("token", "list", *common, "--cert", both).stderr)


class Fleet(t.Case):
    def tearDown(self):
        super().tearDown()
        self.etcd.end()

    def test_a_cluster_is_shown_whole_by_any_agent_and_one_can_leave(self):
        self.etcd = EtcdCluster(self.directory / "etcd", 1).start()
        machine = ("--backend", "etcd", "--backend-machine", self.etcd.addresses[0])
        for name in ("n1", "n2"):
            self.agent("--node", name, *machine, directory=self.directory / name)

        def agents(of):
            shown = khronos("status", "-o", "json", "--server", of.url)
            self.assertIn(shown.returncode, (0, 1), shown.stderr)
            return {a["node"]: a["shards"] for a in json.loads(shown.stdout)["agents"]}
        for agent in self.agents:
            t.wait_for("each has its half", lambda: agents(agent) == {"n1": 128, "n2": 128})
        table = khronos("status", "--server", self.agents[0].url).stdout
        self.assertRegex(table, r"n2 +127\.0\.0\.1:\d+ +alive +128")
        applied = khronos("job", "list", "--server", self.agents[1].url)
        self.assertEqual(applied.returncode, 0)
        left = khronos("drain", "--agent", "--yes", "--server", self.agents[1].url)
        self.assertEqual(left.returncode, 0, left.stderr)
        t.wait_for("all shards are the other's",
                   lambda: agents(self.agents[0]).get("n1") == 256)
        self.assertEqual(self.agents[1].process.wait(timeout=60), 0)
        self.agents[1].process.stdout.close()


if __name__ == "__main__":
    t.main()
