"""`khronos migrate` and `khronos verify` on real stores, between and beside real agents."""

import json
import subprocess

import khronos_testing as t
from etcd_cluster import EtcdCluster


class StoreCase(t.Case):
    def setUp(self):
        super().setUp()
        self.etcd = None

    def tearDown(self):
        super().tearDown()
        if self.etcd:
            self.etcd.end()

    def machines(self):
        if not self.etcd:
            self.etcd = EtcdCluster(self.directory / "etcd").start()
        return [x for a in self.etcd.addresses for x in ("--backend-machine", a)]

    def khronos(self, *words):
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        return subprocess.run([t.PROGRAM, *words], capture_output=True, text=True, cwd=home,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(home)}, timeout=120,
                              stdin=subprocess.DEVNULL, check=False)

    def migrate(self, to, data_dir, *more):
        return self.khronos("migrate", "--to", to, "--data-dir", str(data_dir), *self.machines(),
                            *more)

    def expect(self, done, status, *parts):
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, text)
        for part in parts:
            self.assertIn(part, text)
        return done

    def verified(self, *words):
        done = self.expect(self.khronos("verify", "-o", "json", *words), 0)
        return json.loads(done.stdout)

    def run_some(self, agent, count):
        """Until so many more ticks of the job have run."""
        before = len(agent.executions("each-second"))
        t.wait_for("some ticks ran", lambda: sum(
            e["status"] == "succeeded" for e in agent.executions("each-second")) >= before + count)


class Migrate(StoreCase):
    def test_moves_a_store_to_etcd_and_back(self):
        agent = self.agent()
        agent.put_job("each-second", "* * * * * *", history_limit=10000)
        agent.put_job("by-hand", command="exit 3", retries=1, retry_delay="100ms")
        agent.run("by-hand")
        self.assertEqual(agent.wait_execution("by-hand")["status"], "failed")
        self.run_some(agent, 2)
        first = {e["id"]: e for e in agent.executions("each-second")}
        self.assertEqual(agent.stop(), 0)
        data = self.directory / "data"

        report = self.verified("--data-dir", str(data))
        self.assertEqual({job["job"] for job in report["jobs"]}, {"each-second", "by-hand"})
        self.assertGreaterEqual(report["ticks"], 2)
        self.expect(self.migrate("etcd", data), 0, "Moved", "are the same")

        agent = self.agent("--backend", "etcd", *self.machines())
        self.run_some(agent, 2)
        second = {e["id"]: e for e in agent.executions("each-second")}
        self.assertLessEqual(first.keys(), second.keys())
        self.assertEqual(agent.executions("by-hand")[0]["status"], "failed")
        # In use, which etcd's may be.
        report = self.verified("--backend", "etcd", *self.machines())
        self.assertGreaterEqual(report["ticks"], 4)
        self.assertEqual(agent.stop(), 0)

        back = self.directory / "back"
        self.expect(self.migrate("embedded", back / "data"), 0, "Moved")
        agent = self.agent(directory=back)
        self.run_some(agent, 2)
        third = {e["id"]: e for e in agent.executions("each-second")}
        self.assertLessEqual(second.keys(), third.keys())
        self.assertEqual(agent.stop(), 0)
        report = self.verified("--data-dir", str(back / "data"))
        self.assertGreaterEqual(report["ticks"], 6)
        self.assertEqual(report["ticks_unknown"], 0)

        # Tokens grow, though the revisions began anew twice.
        ran = sorted((e["scheduled_at"], e["token"]) for e in third.values()
                     if e["status"] == "succeeded" and e.get("token"))
        tokens = [int(token) for _, token in ran]
        self.assertEqual(tokens, sorted(tokens))

    def test_is_refused_while_an_agent_works(self):
        agent = self.agent()
        data = self.directory / "data"
        self.expect(self.migrate("etcd", data), 1, "use")
        self.assertEqual(agent.stop(), 0)
        self.expect(self.migrate("etcd", data), 0)

        agent = self.agent("--backend", "etcd", *self.machines())
        self.expect(self.migrate("embedded", self.directory / "other"), 1, "stop all agents")
        agent.kill()
        # Its session ends by itself; its shards were not given back.
        t.wait_for("the session is over", lambda: "were not given back" in self.migrate(
            "embedded", self.directory / "other").stderr)
        self.expect(self.migrate("embedded", self.directory / "other", "--owners-are-dead"), 0)

    def test_wants_an_empty_target_and_a_source(self):
        data = self.directory / "data"
        self.expect(self.migrate("etcd", data), 1, "there is no store in")
        self.agent().stop()
        self.expect(self.migrate("etcd", data), 0)
        self.expect(self.migrate("etcd", data), 1, "the target is not empty")
        self.expect(self.migrate("nowhere", data), 2, "etcd or embedded")


class Verify(StoreCase):
    def test_names_what_is_broken(self):
        agent = self.agent("--backend", "etcd", *self.machines())
        agent.put_job("each-second", "* * * * * *")
        self.run_some(agent, 7)
        ran = agent.executions("each-second")
        self.assertEqual(agent.stop(), 0)
        etcd = ("--backend", "etcd", *self.machines())
        self.expect(self.khronos("verify", *etcd), 0, "ok       each-second", "no violation")

        uid, trigger, index = ran[1]["id"].split("-")
        subprocess.run(["etcdctl", "--endpoints", self.etcd.addresses[0], "del",
                        f"/khronos/executions/{uid}/{trigger}/{index}"],
                       env={"PATH": "/usr/bin:/bin", "ETCDCTL_API": "3"}, check=True,
                       capture_output=True, timeout=30)
        self.expect(self.khronos("verify", *etcd), 1, "VIOLATED each-second", "I1 the tick",
                    "has no decision", "1 violation")
        self.expect(self.khronos("verify", "--job", "nonesuch", *etcd), 1, "there is no job")
        self.expect(self.khronos("verify", "-o", "xml", *etcd), 2, "table or json")


if __name__ == "__main__":
    t.main()
