"""The straight line: a job comes in by REST, runs on time, can be looked up; the agent ends."""

import datetime
import subprocess

import khronos_testing as t


class Basics(t.Case):
    def khronos(self, agent, *arguments, stdin=""):
        return subprocess.run([t.PROGRAM, *arguments, "--server", agent.url], input=stdin,
                              capture_output=True, text=True, timeout=60, check=False)

    def test_a_job_is_posted_and_runs_on_time(self):
        agent = self.agent()
        before = datetime.datetime.now(datetime.timezone.utc)
        agent.put_job("hello", "* * * * * *", "echo hello")
        ended = agent.wait_execution("hello")
        self.assertEqual(ended["status"], "succeeded")
        due = datetime.datetime.fromisoformat(ended["scheduled_at"].replace("Z", "+00:00"))
        started = datetime.datetime.fromisoformat(ended["started_at"].replace("Z", "+00:00"))
        self.assertEqual(due.microsecond, 0)
        self.assertGreater(due, before - datetime.timedelta(seconds=1))
        self.assertGreaterEqual(started, due - datetime.timedelta(milliseconds=200))
        job = agent.get("/v1/jobs/hello").json()
        self.assertEqual(job["status"], "success")
        self.assertGreaterEqual(job["success_count"], 1)
        self.assertEqual(agent.get("/v1/jobs/hello/executions").json()[0]["job_name"], "hello")

    def test_sigterm_waits_for_what_runs_and_exits_with_0(self):
        agent = self.agent()
        started = self.directory / "started"
        agent.put_job("slow", command=f"echo x > {started}; sleep 1; echo over")
        agent.run("slow")
        t.wait_for("it runs", started.exists)
        self.assertEqual(agent.stop(), 0)
        agent.start()
        executions = agent.executions("slow")
        self.assertEqual([e["status"] for e in executions], ["succeeded"])

    def test_an_edit_is_honoured_and_a_delete_ends_it(self):
        agent = self.agent()
        ledger = self.directory / "ledger"
        agent.put_job("edited", "* * * * * *", f"echo one >> {ledger}")
        t.wait_for("the first version ran", lambda: ledger.exists())
        agent.put_job("edited", "* * * * * *", f"echo two >> {ledger}")
        t.wait_for("the second version ran", lambda: "two" in ledger.read_text())
        lines = ledger.read_text().split()
        self.assertEqual(lines, sorted(lines))  # no `one` after a `two`
        self.assertEqual(agent.request("DELETE", "/v1/jobs/edited").status, 200)
        self.assertEqual(agent.get("/v1/jobs/edited").status, 404)
        agent.put_job("edited", "@manually", "true")
        self.assertEqual(agent.executions("edited"), [])  # another job of the same name

    def test_oneway_and_run_on_create_run_once_now(self):
        agent = self.agent()
        ledger = self.directory / "ledger"
        agent.put_job("oneway", "@oneway", f"echo oneway >> {ledger}")
        agent.request("POST", "/v1/jobs?runoncreate", {
            "name": "create", "schedule": "@manually", "executor": "shell",
            "executor_config": {"command": f"echo create >> {ledger}", "shell": "true"}})
        self.assertEqual(agent.wait_execution("oneway")["status"], "succeeded")
        self.assertEqual(agent.wait_execution("create")["status"], "succeeded")
        self.assertEqual(sorted(ledger.read_text().split()), ["create", "oneway"])

    def test_the_command_line_does_the_round(self):
        agent = self.agent()
        job = ('{"name": "cli", "schedule": "@manually", "executor": "shell", '
               '"executor_config": {"command": "echo from the command line"}}')
        applied = self.khronos(agent, "job", "apply", "-f", "-", stdin=job)
        self.assertEqual(applied.returncode, 0, applied.stderr)
        self.assertIn("cli", self.khronos(agent, "job", "list").stdout)
        run = self.khronos(agent, "job", "run", "cli")
        self.assertEqual(run.returncode, 0, run.stderr)
        ended = agent.wait_execution("cli")
        logs = self.khronos(agent, "execution", "logs", ended["id"])
        self.assertEqual(logs.stdout, "from the command line\n", logs.stderr)
        self.assertIn("succeeded", self.khronos(agent, "execution", "list", "cli").stdout)
        self.assertEqual(self.khronos(agent, "status").returncode, 0)
        self.assertEqual(self.khronos(agent, "job", "delete", "cli", "--yes").returncode, 0)
        self.assertEqual(self.khronos(agent, "job", "get", "cli").returncode, 1)

    def test_health_and_metrics_answer(self):
        agent = self.agent()
        agent.put_job("metered", "* * * * * *", "true")
        agent.wait_execution("metered")
        self.assertEqual(agent.get("/health").json()["status"], "healthy")
        self.assertEqual(agent.get("/livez").status, 200)
        text = agent.get("/metrics").body.decode()
        for name in ('khronos_ticks_total{decision="fire"}',
                     'khronos_tick_lateness_seconds_bucket{stage="started"',
                     'khronos_executions_total{status="succeeded"}', "khronos_jobs ",
                     "khronos_build_info"):
            self.assertIn(name, text)


if __name__ == "__main__":
    t.main()
