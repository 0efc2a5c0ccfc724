"""Workers in processes of their own: who gets in, and who runs what."""

import os
import subprocess

import khronos_testing as kt


def workers_of(agent):
    return [w for w in agent.get("/v1/workers").json() if w["state"] == "ready"]


def ready(agent, count):
    return kt.wait_for(f"{count} workers are connected",
                       lambda: len(found := workers_of(agent)) == count and found)


class Workers(kt.Case):
    def test_run_what_the_agent_alone_would_not(self):
        agent = self.agent("--no-worker")
        agent.put_job("hello", command="echo from $KHRONOS_NODE_NAME; exit 3")
        agent.run("hello")
        self.worker([agent.rpc], name="w1")
        done = agent.wait_execution("hello")
        self.assertEqual((done["status"], done["exit_code"], done["node"]), ("failed", 3, "w1"))
        output = agent.get(f"/v1/executions/{done['id']}/output")
        self.assertEqual(output.body, b"from w1\n")
        piece = agent.request("GET", f"/v1/executions/{done['id']}/output",
                              headers={"Range": "bytes=5-6"})
        self.assertEqual(piece.body, b"w1")

    def test_share_the_work_and_never_exceed_their_slots(self):
        agent = self.agent("--no-worker")
        for name in ("w1", "w2"):
            self.worker([agent.rpc], "--max-execution-limit", "2", name=name)
        ready(agent, 2)
        # Each run leaves a mark while it is there, and counts those of its worker.
        count = self.directory / "count"
        count.mkdir()
        script = (f"cd {count}; : > $KHRONOS_NODE_NAME.$$; ls | grep -c $KHRONOS_NODE_NAME; "
                  f"read x < {self.directory}/gate; rm $KHRONOS_NODE_NAME.$$")
        subprocess.run(["mkfifo", str(self.directory / "gate")], check=True)
        agent.put_job("busy", command=script, concurrency="allow", balance="workload")
        for _ in range(10):
            agent.run("busy")
        kt.wait_for("all four slots are used", lambda: len(list(count.iterdir())) == 4)
        gate = os.open(self.directory / "gate", os.O_RDWR)  # stays open between readers
        self.addCleanup(os.close, gate)
        os.write(gate, b"go\n" * 10)
        done = kt.wait_for("all have run",
                           lambda: len(found := agent.executions("busy", status="succeeded")) == 10
                           and found)
        self.assertEqual({e["node"] for e in done}, {"w1", "w2"})
        for execution in done:
            seen = agent.get(f"/v1/executions/{execution['id']}/output").body.split()[0]
            self.assertLessEqual(int(seen), 2)

    def test_run_only_their_own_application(self):
        agent = self.agent()
        agent.put_job("crawl", command="true", application="spider")
        agent.run("crawl")
        waits = kt.wait_for("it is decided", lambda: agent.executions("crawl"))[0]
        self.assertEqual((waits["status"], waits["node"]), ("waiting", None))
        self.worker([agent.rpc], "--application", "spider", name="spider-1")
        self.assertEqual(agent.wait_execution("crawl")["node"], "spider-1")
        agent.put_job("plain", command="true")
        agent.run("plain")
        self.assertNotEqual(agent.wait_execution("plain")["node"], "spider-1")

    def test_get_in_with_the_join_token_only(self):
        secret = self.directory / "token"
        secret.write_text("a-token-of-some-length\n")
        agent = self.agent("--no-worker", "--join-token-file", str(secret))
        stranger = self.worker([agent.rpc], name="stranger")
        wrong = self.worker([agent.rpc], name="wrong",
                            environment={"KHRONOS_JOIN_TOKEN": "another-token-as-long"})
        for worker in (stranger, wrong):
            kt.wait_for("it is told why", lambda: "join token" in worker.log.read_text())
        self.worker([agent.rpc], "--join-token-file", str(secret), name="friend")
        self.assertEqual([w["node"] for w in ready(agent, 1)], ["friend"])

    def test_speak_tls_and_know_each_other_by_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, cwd=self.directory,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
        (self.directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        for who in ("agent", "worker"):
            openssl("req", *key, "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj",
                    f"/CN={who}")
            openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", f"{who}.pem", "-extfile", "names")
        at = str(self.directory)
        agent = kt.Agent(self.directory, "--no-worker", "--tls-cert", f"{at}/agent.pem",
                         "--tls-key", f"{at}/agent.key", "--rpc-client-ca", f"{at}/ca.pem")
        self.agents.append(agent)
        # Its page speaks TLS too; here the worker's own log tells what is to be known.
        agent.process = subprocess.Popen(
            agent.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(agent.log, "ab"), cwd=agent.home, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(agent.home)})
        rpc = agent.process.stdout.readline().split("Workers: ")[1].split()[0]
        nobody = self.worker([rpc], "--tls-ca", f"{at}/ca.pem", name="nobody")
        kt.wait_for("it cannot get in", lambda: "cannot be reached" in nobody.log.read_text())
        friend = self.worker([rpc], "--tls-ca", f"{at}/ca.pem", "--tls-cert", f"{at}/worker.pem",
                             "--tls-key", f"{at}/worker.key", name="friend")
        kt.wait_for("it is let in", lambda: "connected to an agent" in friend.log.read_text())
        self.assertNotIn("connected to an agent", nobody.log.read_text())
        agent.kill()

    def test_refuse_to_share_a_directory(self):
        agent = self.agent("--no-worker")
        worker = self.worker([agent.rpc], name="w1")
        second = subprocess.run(
            [kt.PROGRAM, "worker", "--data-dir", str(worker.directory / "data")],
            capture_output=True, text=True, timeout=30)
        self.assertEqual(second.returncode, 1)
        self.assertIn("--data-dir", second.stderr)

    def test_drain_and_exit_with_0_when_they_are_told_to_stop(self):
        agent = self.agent("--no-worker")
        worker = self.worker([agent.rpc], name="w1")
        gate = self.directory / "gate"
        subprocess.run(["mkfifo", str(gate)], check=True)
        began = self.directory / "began"
        agent.put_job("last", command=f": > {began}; read x < {gate}; exit 5")
        agent.run("last")
        kt.wait_for("it runs", began.exists)
        worker.process.terminate()
        kt.wait_for("it drains", lambda: "no more runs" in worker.log.read_text())
        gate.write_text("go\n")
        self.assertEqual(worker.process.wait(timeout=60), 0)
        done = agent.wait_execution("last")
        self.assertEqual((done["status"], done["exit_code"]), ("failed", 5))


if __name__ == "__main__":
    kt.main()
