"""Tokens, workers, backups and the state of things by the command line, against real agents."""

import json
import os
import subprocess

import khronos_testing as t


class Cluster(t.Case):
    def khronos(self, agent, *words, stdin=None, status=0, token=None):
        environment = {"PATH": os.environ["PATH"]}
        if token:
            environment["KHRONOS_TOKEN_FILE"] = str(token)
        done = subprocess.run([t.PROGRAM, *map(str, words), "--server", agent.url], input=stdin,
                              capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done

    def test_tokens_are_made_used_and_revoked(self):
        agent = self.agent("--auth")
        admin = self.directory / "data" / "admin.token"
        refused = self.khronos(agent, "job", "list", status=1)
        self.assertIn("--token-file", refused.stderr)
        made = self.khronos(agent, "token", "create", "ci", "--role", "viewer", "--expires", "1h",
                            token=admin)
        self.assertEqual(len(made.stdout.split()), 1)
        viewer = self.directory / "viewer.token"
        viewer.write_text(made.stdout)
        self.khronos(agent, "job", "list", token=viewer)
        self.assertIn("403", self.khronos(agent, "job", "run", "x", status=1, token=viewer).stderr)
        rows = json.loads(self.khronos(agent, "token", "list", "-o", "json", token=admin).stdout)
        self.assertEqual([(row["name"], row["role"]) for row in rows], [("ci", "viewer")])
        self.assertNotIn(made.stdout.strip(), json.dumps(rows))
        self.khronos(agent, "token", "revoke", "--yes", rows[0]["id"], token=admin)
        t.wait_for("the token is refused",
                   lambda: self.khronos_status(agent, viewer, "job", "list") == 1)
        self.khronos(agent, "token", "create", "x", "--role", "king", status=2, token=admin)

    def khronos_status(self, agent, token, *words):
        return subprocess.run([t.PROGRAM, *words, "--server", agent.url, "--token-file", token],
                              capture_output=True).returncode

    def test_a_backup_restores_everything_on_another_agent(self):
        first = self.agent(directory=self.directory / "first")
        first.put_job("nightly", schedule="0 30 2 * * *", timezone="Europe/Paris", retries=2)
        first.put_job("paused", schedule="@hourly", disabled=True)
        first.put_job("by-hand", command="true")
        first.put_job("once", schedule="@oneway", command="true")
        first.run("by-hand")
        first.wait_execution("by-hand")
        first.wait_execution("once")
        t.wait_for("both are counted", lambda: all(
            first.get(f"/v1/jobs/{name}").json()["success_count"] == 1
            for name in ("by-hand", "once")))
        file = self.directory / "backup.json"
        self.khronos(first, "backup", file)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        second = self.agent(directory=self.directory / "second")
        dry = self.khronos(second, "restore", "--dry-run", file)
        self.assertEqual(second.get("/v1/jobs").json(), [])
        self.assertIn("3 created, 1 left out", dry.stderr)
        self.khronos(second, "restore", file)
        kept = ("name", "schedule", "timezone", "retries", "disabled", "success_count", "executor",
                "executor_config")

        def jobs(agent):
            return [{key: job[key] for key in kept} for job in agent.get("/v1/jobs").json()
                    if job["name"] != "once"]
        self.assertEqual(jobs(second), jobs(first))
        self.assertEqual(len(jobs(second)), 3)
        self.assertEqual(second.get("/v1/jobs/once").status, 404)
        self.assertIn("3 unchanged", self.khronos(second, "restore", file).stderr)
        second.put_job("nightly", schedule="@daily")
        self.khronos(second, "restore", file, status=1)
        self.khronos(second, "restore", "--yes", file)
        self.assertEqual(second.get("/v1/jobs/nightly").json()["schedule"], "0 30 2 * * *")
        text = self.khronos(second, "backup").stdout
        self.khronos(first, "restore", "-", stdin=text)

    def test_workers_and_the_cluster_are_shown(self):
        agent = self.agent("--node", "here")
        workers = json.loads(self.khronos(agent, "worker-list", "-o", "json").stdout)
        self.assertEqual([worker["node"] for worker in workers], ["here"])
        status = self.khronos(agent, "status", "-o", "wide").stdout
        self.assertRegex(status, r"here +127\.0\.0\.1:\d+ +alive +256")
        self.assertIn("workers: 1 ready; 0 of", status)
        whole = json.loads(self.khronos(agent, "status", "-o", "json").stdout)
        self.assertEqual((whole["jobs"], whole["running"]), (0, 0))
        self.khronos(agent, "drain", "nobody", status=1)
        self.khronos(agent, "drain", status=2)

    def test_a_run_is_retried_with_its_exit_status(self):
        agent = self.agent()
        agent.put_job("five", command="exit 5")
        agent.run("five")
        old = agent.wait_execution("five")["id"]
        self.khronos(agent, "execution", "retry", old, "--wait", status=5)
        again = self.khronos(agent, "execution", "retry", old).stdout.strip()
        self.assertNotEqual(again, old)
        t.wait_for("it ran three times", lambda: len(agent.executions("five")) == 3)

    def test_why_has_a_sentence_for_every_tick(self):
        agent = self.agent()
        agent.put_job("yearly", schedule="@yearly", command="true")
        self.assertIn("has not run", self.khronos(agent, "why", "yearly").stdout)
        agent.run("yearly")
        agent.wait_execution("yearly")
        self.assertIn("succeeded", self.khronos(agent, "why", "yearly").stdout)
        self.assertIn("no such job", self.khronos(agent, "why", "yearly@2020-01-01T00:00:00Z").stdout)
        self.khronos(agent, "why", "nobody", status=1)

    def test_the_coming_week_is_simulated_with_measured_durations(self):
        agent = self.agent()
        agent.put_job("slow", schedule="0 0 3 * * *", command="sleep 0.2", concurrency="forbid")
        agent.run("slow")
        agent.wait_execution("slow")
        t.wait_for("it is counted",
                   lambda: agent.get("/v1/jobs/slow").json()["success_count"] == 1)
        week = json.loads(self.khronos(agent, "simulate", "-o", "json").stdout)
        self.assertEqual((week["ticks"], week["jobs"][0]["duration_source"]), (7, "measured"))
        text = self.khronos(agent, "simulate", "--duration", "slow=25h").stdout
        self.assertRegex(text, r"slow +7 +4 +3 ")


if __name__ == "__main__":
    t.main()
