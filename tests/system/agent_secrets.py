"""A secret that a job names: it reaches the run, and nothing else anywhere knows it."""

import khronos_testing as t

CANARY = "canary-7f3a,\"quoted\"-e19c"


class Secrets(t.Case):
    def test_a_secret_is_in_no_file_answer_or_command_line(self):
        agent = self.agent(start=False)
        secrets = agent.directory / "secrets"
        secrets.mkdir()
        (secrets / "db").write_text(CANARY + "\n")
        agent.flags += ["--secrets-dir", str(secrets)]
        agent.start()
        agent.put_job("uses", executor_config={
            "command": "test ${#PASSWORD} -eq %d && cat /proc/$$/cmdline" % len(CANARY),
            "shell": "true", "env": "PASSWORD=${secret:db}"})
        agent.run("uses")
        ended = agent.wait_execution("uses")
        self.assertEqual(ended["status"], "succeeded", ended)
        agent.put_job("lacks", executor_config={"command": "true", "env": "A=${secret:none}"})
        agent.run("lacks")
        attempt = t.wait_for("a try that could not start", lambda: next(
            (a for e in agent.executions("lacks") for a in e["attempts"]), None))
        self.assertIn("the secret 'none' does not exist on this worker", attempt["message"])
        for path in ("/v1/jobs", "/v1/executions", "/v1/audit", "/v1/jobs/uses/executions",
                     f"/v1/executions/{ended['id']}/output", "/metrics"):
            body = agent.get(path).body.decode()
            self.assertNotIn("canary-7f3a", body, path)
        agent.stop()
        for path in agent.directory.rglob("*"):
            if path.is_file() and secrets not in path.parents:
                self.assertNotIn(b"canary-7f3a", path.read_bytes(), path)


if __name__ == "__main__":
    t.main()
