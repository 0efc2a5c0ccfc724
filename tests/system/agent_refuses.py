"""Wrong input: a message that says what, where and what would be right; status 2 or 1; no harm."""

import subprocess

import khronos_testing as t


class Refuses(t.Case):
    def agent_with(self, *flags, environment=None):
        """Runs an agent that is expected to end by itself."""
        return subprocess.run([t.PROGRAM, "agent", *flags], capture_output=True, text=True,
                              timeout=30, cwd=self.directory, check=False,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(self.directory),
                                   **(environment or {})})

    def test_wrong_flags_and_values_exit_with_2_and_name_the_place(self):
        for flags, place in ((["--bind-port", "70000"], "--bind-port"),
                             (["--no-such-flag"], "--no-such-flag"),
                             (["-e", "moon"], "moon"),
                             (["--session-ttl", "soon"], "--session-ttl")):
            result = self.agent_with(*flags)
            self.assertEqual(result.returncode, 2, (flags, result.stderr))
            self.assertIn(place, result.stderr)

    def test_all_problems_are_told_at_once(self):
        result = self.agent_with("--bind-port", "x", environment={"KHRONOS_LOG_LEVEL": "loud"})
        self.assertEqual(result.returncode, 2)
        self.assertIn("--bind-port", result.stderr)
        self.assertIn("KHRONOS_LOG_LEVEL", result.stderr)

    def test_another_address_than_loopback_needs_insecure(self):
        result = self.agent_with("-e", "local", "--bind-ip", "0.0.0.0")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--insecure", result.stderr)

    def test_a_second_agent_on_the_same_data_is_refused(self):
        agent = self.agent()
        second = self.agent_with("-e", "local", "--bind-port", "0", "--data-dir",
                                 str(self.directory / "data"))
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(self.directory / "data"), second.stderr)
        self.assertIn(str(agent.process.pid), second.stderr)
        self.assertEqual(agent.get("/health").status, 200)

    def test_a_port_that_is_taken_is_named(self):
        agent = self.agent()
        port = agent.url.rsplit(":", 1)[1]
        second = self.agent_with("-e", "local", "--bind-port", port, "--data-dir",
                                 str(self.directory / "other"))
        self.assertEqual(second.returncode, 1)
        self.assertIn(port, second.stderr)

    def test_a_damaged_store_is_refused_with_a_message(self):
        agent = self.agent()
        for i in range(50):
            agent.put_job(f"job-{i}")
        self.assertEqual(agent.stop(), 0)
        # A page that surely holds something: the one with this job's record.
        wanted = b"job-25"
        store = self.directory / "data" / "store"
        damaged = next(f for f in store.iterdir() if wanted in f.read_bytes())
        with open(damaged, "r+b") as file:
            file.seek(damaged.read_bytes().index(wanted))
            file.write(b"\xa5" * 16)
        result = self.agent_with("-e", "local", "--bind-port", "0", "--data-dir",
                                 str(self.directory / "data"))
        self.assertEqual(result.returncode, 1)
        self.assertIn(str(damaged), result.stderr)

    def test_wrong_jobs_are_answered_and_the_agent_goes_on(self):
        agent = self.agent()
        for body, word in (({"name": "five", "schedule": "30 2 * * *"}, "0 30 2 * * *"),
                           ({"name": "never", "schedule": "0 0 0 30 2 *"}, "never"),
                           ({"name": "zone", "schedule": "@daily", "timezone": "Mars/Base"},
                            "unknown time zone Mars/Base"),
                           ({"name": "bad name!", "schedule": "@daily"}, "illegal character"),
                           ({"schedule": "@daily"}, "name cannot be empty")):
            answer = agent.request("POST", "/v1/jobs", body)
            self.assertEqual(answer.status, 400, body)
            self.assertIn(word, answer.body.decode())
        self.assertEqual(agent.get("/v1/jobs").json(), [])

    def test_cron_errors_show_the_place(self):
        result = subprocess.run([t.PROGRAM, "cron", "check", "0 0 25 * * *"], text=True,
                                capture_output=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 1)
        lines = (result.stdout + result.stderr).splitlines()
        where = next(i for i, line in enumerate(lines) if line.strip() == "0 0 25 * * *")
        self.assertEqual(lines[where + 1].index("^"), lines[where].index("25"))


if __name__ == "__main__":
    t.main()
