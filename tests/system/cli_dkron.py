"""`khronos import dkron`: what a Dkron's GET /v1/jobs answers, saved at an agent."""

import json
import subprocess

import khronos_testing as t


def dkron_job(name, **fields):
    """Every key that Dkron v4 writes."""
    return {"id": name, "name": name, "displayname": "", "timezone": "", "schedule": "",
            "owner": "", "owner_email": "", "success_count": 0, "error_count": 0,
            "last_success": None, "last_error": None, "disabled": False, "tags": None,
            "metadata": None, "retries": 0, "dependent_jobs": None, "parent_job": "",
            "processors": {}, "concurrency": "allow", "executor": "shell",
            "executor_config": {"command": "true"}, "status": "",
            "next": "0001-01-01T00:00:00Z", "ephemeral": False, "starts_at": None,
            "expires_at": None, **fields}


BACKUP = [
    dkron_job("mother", schedule="0 30 2 * * *", timezone="Europe/Berlin", retries=2,
              tags={"role": "dkron:1"}, concurrency="forbid", success_count=42, error_count=3,
              last_success="2026-01-31T01:30:01.5Z", metadata={"team": "shop"},
              status="partially_failed",
              next="2026-02-01T01:30:00Z"),
    dkron_job("everywhere", schedule="@every 5m", disabled=True,
              processors={"log": {"forward": "true"}}),
    dkron_job("queue", schedule="@daily", executor="nats", tags={"role": "dkron"},
              executor_config={"url": "nats://x", "subject": "s", "message": "m"}),
]


class Dkron(t.Case):
    def khronos(self, *words, stdin=None, status=0):
        done = subprocess.run([t.PROGRAM, *map(str, words), "--server", self.server.url],
                              input=stdin, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done

    def setUp(self):
        super().setUp()
        self.server = self.agent()
        self.file = self.directory / "dkron.json"
        self.file.write_text(json.dumps(BACKUP))

    def test_every_job_is_saved_with_its_counters(self):
        self.khronos("import", "dkron", "--dry-run", self.file)
        self.assertEqual(self.server.get("/v1/jobs").json(), [])
        done = self.khronos("import", "dkron", self.file)
        self.assertIn("3 imported", done.stderr)
        self.assertIn("job everywhere: it has no tags", done.stderr)
        self.assertIn("job queue: there is no executor nats", done.stderr)
        jobs = {job["name"]: job for job in self.server.get("/v1/jobs").json()}
        for wanted in BACKUP:
            got = jobs[wanted["name"]]
            for key in ("schedule", "timezone", "retries", "concurrency", "success_count",
                        "error_count", "last_success", "metadata", "parent_job", "disabled",
                        "executor", "executor_config", "processors", "tags"):
                self.assertEqual(got[key], wanted[key], (wanted["name"], key))

    def test_what_is_no_list_of_jobs_saves_nothing(self):
        for text in ("{}", "[{}]", "nonsense", json.dumps([BACKUP[0], BACKUP[0]])):
            self.khronos("import", "dkron", "-", stdin=text, status=1)
        self.assertEqual(self.server.get("/v1/jobs").json(), [])

    def test_a_job_that_is_refused_does_not_hold_up_the_others(self):
        wrong = dkron_job("wrong", schedule="0 0 25 * * *")
        done = self.khronos("import", "dkron", "-", stdin=json.dumps([wrong, BACKUP[0]]), status=1)
        self.assertIn("error: job wrong: ", done.stderr)
        self.assertEqual([job["name"] for job in self.server.get("/v1/jobs").json()], ["mother"])


if __name__ == "__main__":
    t.main()
