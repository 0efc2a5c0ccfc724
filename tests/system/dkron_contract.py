"""Dkron v4's REST contract, as its clients depend on it, against a real agent. Table-driven: each
row is a request and what a client of Dkron's may expect of the answer."""

import json
import re
import urllib.error
import urllib.request

import khronos_testing as t

ZERO = "0001-01-01T00:00:00Z"
JOB_KEYS = ["id", "name", "displayname", "timezone", "schedule", "owner", "owner_email",
            "success_count", "error_count", "last_success", "last_error", "disabled", "tags",
            "metadata", "retries", "dependent_jobs", "parent_job", "processors", "concurrency",
            "executor", "executor_config", "status", "next", "ephemeral", "starts_at",
            "expires_at"]
MEMBER_KEYS = ["Name", "Addr", "Port", "Tags", "Status", "ProtocolMin", "ProtocolMax",
               "ProtocolCur", "DelegateMin", "DelegateMax", "DelegateCur", "id", "statusText"]
JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


class Contract(t.Case):
    def setUp(self):
        super().setUp()
        self.a = self.agent()

    def raw(self, method, path, data=b"", headers=None):
        """As clients send it that set no content type, or a wrong one."""
        request = urllib.request.Request(self.a.url + path, data=data, method=method,
                                         headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return t.Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return t.Answer(error.code, error.headers, error.read())

    def test_every_route_has_dkrons_status_and_type(self):
        self.a.put_job("a", command="echo hi")
        rows = [
            ("GET", "/health", 200, JSON), ("GET", "/v1", 200, JSON), ("GET", "/v1/", 200, JSON),
            ("GET", "/debug/vars", 200, JSON), ("GET", "/v1/members", 200, JSON),
            ("GET", "/v1/leader", 200, JSON), ("GET", "/v1/isleader", 200, JSON),
            ("GET", "/v1/busy", 200, JSON), ("GET", "/v1/pause", 200, JSON),
            ("GET", "/v1/stats", 200, JSON), ("GET", "/v1/jobs", 200, JSON),
            ("GET", "/v1/jobs/", 200, JSON), ("GET", "/v1/jobs/a", 200, JSON),
            ("GET", "/v1/jobs/a/executions", 200, JSON),
            ("GET", "/v1/jobs/a/executions/", 200, JSON),
            ("GET", "/v1/jobs/none", 404, None), ("DELETE", "/v1/jobs/none", 404, None),
            ("POST", "/v1/jobs/none", 404, None), ("POST", "/v1/jobs/none/run", 404, None),
            ("POST", "/v1/jobs/none/toggle", 404, None),
            ("GET", "/v1/jobs/none/executions", 404, None),
            ("GET", "/v1/jobs/a/executions/none", 404, None),
            ("GET", "/v1/nonsense", 404, TEXT), ("GET", "/v1/executions/a", 404, None),
            ("GET", "/v1/jobs?_sort=nonsense", 500, TEXT),
            ("POST", "/v1/restore", 404, None), ("POST", "/v1/jobs/a/toggle", 200, JSON),
            ("POST", "/v1/jobs/a", 200, JSON), ("POST", "/v1/jobs/a/run", 200, JSON),
        ]
        for method, path, status, kind in rows:
            answer = self.raw(method, path)
            self.assertEqual(answer.status, status, (method, path, answer.body))
            if kind:
                self.assertEqual(answer.headers["Content-Type"], kind, (method, path))
            whom = answer.headers.get("X-Whom")
            self.assertEqual(whom is None, path == "/health", (method, path))

    def test_a_job_has_every_key_and_the_defaults(self):
        saved = self.a.request("POST", "/v1/jobs", {"name": "a"})
        self.assertEqual(saved.status, 201)
        self.assertTrue(saved.headers["Location"].endswith("/v1/jobs/a"))
        job = self.a.get("/v1/jobs/a").json()
        self.assertEqual(list(job)[:len(JOB_KEYS)], JOB_KEYS)
        for key, value in {"id": "a", "last_success": None, "tags": None, "metadata": None,
                           "concurrency": "allow", "processors": {}, "status": "", "next": ZERO,
                           "dependent_jobs": None, "starts_at": None, "success_count": 0}.items():
            self.assertEqual(job[key], value, key)
        replaced = self.a.request("POST", "/v1/jobs", {"name": "a", "displayname": "A"})
        self.assertEqual(replaced.status, 201, "a save is 201, always")
        patched = self.a.request("PATCH", "/v1/jobs", {"name": "a", "owner": "o"})
        self.assertEqual((patched.status, patched.json()["displayname"]), (201, ""))
        self.assertEqual(self.a.request("PUT", "/v1/jobs/a", {"retries": 1}).status, 201)
        self.assertEqual(self.a.request("PUT", "/v1/jobs/a", {"name": "b"}).status, 400)

    def test_what_is_wrong_is_told_in_plain_text(self):
        rows = [
            ("{", 400, "Unable to parse payload"), ("[]", 400, "Unable to parse payload"),
            ('{"name": 7}', 400, "Unable to parse payload"),
            ('{"name": ""}', 400, "Job validation failed"),
            ('{"name": "a b"}', 400, "Job validation failed"),
            ('{"name": "a", "schedule": "x"}', 400, "Job validation failed"),
            ('{"name": "a", "concurrency": "odd"}', 400, ""),
            ('{"name": "a", "timezone": "Mars/Olympus"}', 400, ""),
            ('{"name": "a", "parent_job": "a"}', 400, ""),
            ('{"name": "a", "unknown_key": 1, "tags": null}', 201, ""),
            ('{"name": "b", "executor_config": {"n": 1, "yes": true}}', 201, ""),
        ]
        for body, status, begin in rows:
            answer = self.raw("POST", "/v1/jobs", body.encode(),
                              {"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(answer.status, status, (body, answer.body))
            self.assertTrue(answer.body.decode().startswith(begin), (body, answer.body))
            if status != 201:
                self.assertEqual(answer.headers["Content-Type"], TEXT, body)

    def test_lists_are_filtered_sorted_and_paged(self):
        for name, fields in {"alpha": {"metadata": {"team": "x"}}, "beta": {"disabled": True},
                             "gamma": {"displayname": "Needle", "metadata": {"team": "x"}},
                             "delta": {"schedule": "0 0 1 1 1 *"}}.items():
            self.a.request("POST", "/v1/jobs", {"name": name, **fields})
        rows = [
            ("", ["alpha", "beta", "delta", "gamma"], 4),
            ("_sort=name&_order=DESC", ["gamma", "delta", "beta", "alpha"], 4),
            ("_sort=id&_order=ASC&_start=1&_end=3", ["beta", "delta"], 4),
            ("_start=3&_end=99", ["gamma"], 4), ("_start=9", [], 4), ("_start=-1&_end=x", None, 4),
            ("q=Needle", ["gamma"], 1), ("q=needle", [], 0), ("q=a&disabled=true", ["beta"], 1),
            ("metadata[team]=x", ["alpha", "gamma"], 2),
            ("metadata%5Bteam%5D=x&_start=0&_end=1", ["alpha"], 2),
            ("metadata[team]=y", [], 0), ("disabled=true", ["beta"], 1),
            ("status=untriggered&q=gamma", ["gamma"], 1), ("status=success", [], 0),
        ]
        for query, names, total in rows:
            answer = self.a.get("/v1/jobs?" + query)
            self.assertEqual(answer.status, 200, query)
            self.assertEqual(answer.headers["X-Total-Count"], str(total), query)
            if names is not None:
                self.assertEqual([job["name"] for job in answer.json()], names, query)
        pretty = self.a.get("/v1/jobs?pretty").body.decode()
        self.assertIn('\n    {\n        "id": "alpha",', pretty)

    def test_an_execution_has_dkrons_shape(self):
        go = self.directory / "go"
        self.a.put_job("a", command=f"echo out; while [ ! -e {go} ]; do sleep 0.05; done",
                       timezone="Europe/Berlin")
        self.a.run("a")
        busy = t.wait_for("it runs", lambda: self.a.get("/v1/busy").json())
        self.assertEqual(busy[0]["finished_at"], ZERO, "clients compare that literal")
        self.assertFalse(busy[0]["success"])
        self.assertEqual(self.a.get("/v1/busy").headers["X-Total-Count"], "1")
        go.touch()
        self.a.wait_execution("a")
        answer = self.a.get("/v1/jobs/a/executions")
        self.assertEqual(answer.headers["X-Total-Count"], "1")
        row = answer.json()[0]
        self.assertEqual(set(row), {"id", "job_name", "started_at", "finished_at", "success",
                                    "output", "node_name", "group", "attempt",
                                    "output_truncated"})
        self.assertEqual((row["job_name"], row["success"], row["output"], row["attempt"]),
                         ("a", True, "out\n", 1))
        self.assertTrue(re.search(r"\+0[12]:00$", row["started_at"]), row["started_at"])
        cut = self.a.get("/v1/jobs/a/executions?output_size_limit=2").json()[0]
        self.assertEqual((cut["output"], cut["output_truncated"]), ("t\n", True))
        one = self.a.get("/v1/jobs/a/executions/" + row["id"]).json()
        self.assertNotIn("output_truncated", one)
        job = self.a.get("/v1/jobs/a").json()
        self.assertEqual((job["status"], job["success_count"]), ("success", 1))
        cleared = self.a.request("DELETE", "/v1/jobs/a/executions")
        self.assertEqual((cleared.status, cleared.json()["success_count"]), (200, 0))
        # What was decided this very moment is kept until its shard has gone on.
        t.wait_for("the history is gone", lambda: (
            self.a.request("DELETE", "/v1/jobs/a/executions").status == 200
            and self.a.get("/v1/jobs/a/executions").json() == []))

    def test_pause_refuses_saves_and_is_idempotent(self):
        for method, path, paused in (("POST", "/v1/pause", True), ("POST", "/v1/pause", True),
                                     ("GET", "/v1/pause", True), ("POST", "/v1/unpause", False),
                                     ("POST", "/v1/unpause", False)):
            answer = self.raw(method, path)
            self.assertEqual((answer.status, answer.json()), (200, {"paused": paused}))
            saved = self.a.request("POST", "/v1/jobs", {"name": "a"})
            self.assertEqual(saved.status, 503 if paused else 201)
            if paused:
                self.assertEqual(saved.body, b"New job submissions are currently paused")

    def test_members_and_leader(self):
        answer = self.a.get("/v1/members")
        self.assertEqual(answer.headers["X-Total-Count"], "1")
        self.assertEqual(list(answer.json()[0]), MEMBER_KEYS)
        leader = self.a.get("/v1/leader").json()
        self.assertEqual(list(leader), MEMBER_KEYS[:-2])
        self.assertEqual(self.a.get("/v1/isleader").json(), "I am a leader")
        self.assertEqual(set(self.a.get("/v1").json()), {"agent", "serf", "tags"})
        self.assertEqual(self.a.get("/health").json(), {"status": "healthy", "leader": True})
        self.assertEqual(len(self.a.get("/v1/stats?days=7").json()["stats"]), 7)

    def test_a_restore_takes_counters_and_answers_a_list_in_a_string(self):
        jobs = [{"name": "a", "success_count": 7, "last_success": "2026-01-01T00:00:00Z"},
                {"name": "b"}]
        boundary = "x-boundary-x"
        form = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
                f"Content-Type: application/json\r\n\r\n{json.dumps(jobs)}\r\n"
                f"--{boundary}--\r\n").encode()
        answer = self.raw("POST", "/v1/restore", form,
                          {"Content-Type": f"multipart/form-data; boundary={boundary}"})
        self.assertEqual(answer.status, 200, answer.body)
        told = json.loads(json.loads(answer.body))
        self.assertEqual([line.split()[0] for line in told], ["success", "success"])
        self.assertEqual(self.a.get("/v1/jobs/a").json()["success_count"], 7)

    def test_a_disabled_job_runs_by_hand_and_a_proxys_password_is_tolerated(self):
        self.a.put_job("a", disabled=True)
        answer = self.raw("POST", "/v1/jobs/a", headers={"Authorization": "Basic dTpw"})
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["Location"])
        self.assertEqual(self.a.wait_execution("a")["status"], "succeeded")


if __name__ == "__main__":
    t.main()
