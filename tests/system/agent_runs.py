"""What a run sees, and what is told of it afterwards."""

import base64
import http.server
import pathlib
import threading

import khronos_testing as t


class Runs(t.Case):
    def run_once(self, agent, name, patience=30.0):
        agent.run(name)
        return agent.wait_execution(name, patience)

    def output(self, agent, execution):
        return agent.get(f"/v1/executions/{execution['id']}/output").body.decode(errors="replace")

    def test_the_environment_is_the_documented_one(self):
        agent = self.agent("--node", "here")
        agent.put_job("env", command="env", payload={"a": 1}, timeout="1m")
        ended = self.run_once(agent, "env")
        seen = dict(line.split("=", 1) for line in self.output(agent, ended).splitlines())
        self.assertEqual(seen["KHRONOS_JOB_NAME"], "env")
        self.assertEqual(seen["ENV_JOB_NAME"], "env")
        self.assertEqual(seen["KHRONOS_EXECUTION_ID"], ended["id"])
        self.assertEqual(seen["KHRONOS_ATTEMPT"], "1")
        self.assertEqual(seen["KHRONOS_NODE_NAME"], "here")
        self.assertEqual(seen["KHRONOS_APPLICATION"], "default")
        self.assertEqual(seen["KHRONOS_PAYLOAD"].replace(" ", ""), '{"a":1}')
        self.assertTrue(int(seen["KHRONOS_TOKEN"]) > 0)
        self.assertTrue(seen["KHRONOS_SCHEDULED_AT"].endswith("Z"))
        self.assertIn("KHRONOS_DEADLINE", seen)

    def test_argv_runs_without_a_shell(self):
        agent = self.agent()
        agent.put_job("argv", command="echo 'a  b' $HOME | cat", shell=False)
        self.assertEqual(self.output(agent, self.run_once(agent, "argv")), "a  b $HOME | cat\n")

    def test_exit_status_and_signal_are_recorded(self):
        agent = self.agent()
        agent.put_job("three", command="exit 3")
        agent.put_job("segv", command="kill -SEGV $$")
        ended = self.run_once(agent, "three")
        self.assertEqual((ended["status"], ended["exit_code"]), ("failed", 3))
        ended = self.run_once(agent, "segv")
        self.assertEqual((ended["status"], ended["signal"]), ("failed", 11))

    def test_a_time_out_kills_the_whole_tree(self):
        agent = self.agent()
        pid_file = self.directory / "pid"
        # It ignores SIGTERM and leaves a grandchild in a session of its own.
        agent.put_job("stubborn", command=f"trap '' TERM; setsid sleep 600 & echo $! > {pid_file}; "
                      "wait; sleep 600", timeout="1s", kill_grace="1s")
        ended = self.run_once(agent, "stubborn")
        self.assertEqual(ended["status"], "timed_out")
        pid = int(pid_file.read_text())

        def is_gone():
            try:
                return "\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return True
        t.wait_for("the grandchild is dead", is_gone)

    def test_a_gigabyte_of_output_is_harmless(self):
        agent = self.agent()
        agent.put_job("loud", command="echo begin; head -c 1G /dev/zero | tr '\\0' 'x'; echo end")
        ended = self.run_once(agent, "loud", 120)
        self.assertEqual(ended["status"], "succeeded")
        text = self.output(agent, ended)
        self.assertTrue(text.startswith("begin\n"))
        self.assertTrue(text.endswith("end\n"))
        self.assertLess(len(text), 1 << 20)
        size = sum(f.stat().st_size for f in self.directory.glob("**/*") if f.is_file())
        self.assertLess(size, 64 << 20)

    def test_a_command_that_is_not_there_says_so(self):
        agent = self.agent()
        agent.put_job("nothing", command="/no/such/program", shell=False)
        ended = self.run_once(agent, "nothing")
        self.assertEqual(ended["status"], "failed")
        self.assertIn("/no/such/program", ended["message"])

    def test_an_unknown_executor_says_so(self):
        agent = self.agent()
        agent.request("POST", "/v1/jobs", {"name": "odd", "schedule": "@manually",
                                           "executor": "teleport"})
        ended = self.run_once(agent, "odd")
        self.assertEqual(ended["status"], "failed")
        self.assertIn("executor", ended["message"])

    def test_standard_input_is_dkrons_payload(self):
        agent = self.agent()
        text = base64.b64encode(b"hello\n").decode()
        agent.request("POST", "/v1/jobs", {
            "name": "cat", "schedule": "@manually", "executor": "shell",
            "executor_config": {"command": "cat", "payload": text}})
        self.assertEqual(self.output(agent, self.run_once(agent, "cat")), "hello\n")

    def test_a_run_can_be_cancelled(self):
        agent = self.agent()
        started = self.directory / "started"
        agent.put_job("long", command=f"echo x > {started}; exec sleep 600")
        agent.run("long")
        t.wait_for("it runs", started.exists)
        running = agent.executions("long")[0]
        answer = agent.request("POST", f"/v1/executions/{running['id']}/cancel")
        self.assertIn(answer.status, (200, 202), answer.body)
        self.assertEqual(agent.wait_execution("long")["status"], "cancelled")

    def test_http_jobs_call_and_judge(self):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                requests.append((self.path, dict(self.headers), body))
                self.send_response(500 if len(requests) == 1 else 200)
                self.end_headers()
                self.wfile.write(b"order accepted")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            agent = self.agent()
            url = f"http://127.0.0.1:{server.server_port}/orders"
            answer = agent.request("POST", "/v1/jobs", {
                "name": "call", "schedule": "@manually", "executor": "http", "retries": 1,
                "executor_config": {"method": "POST", "url": url, "body": "x=1",
                                    "headers": '["X-Trace: a:b"]', "expectCode": "200",
                                    "expectBody": "acc.pted"}})
            self.assertEqual(answer.status, 201, answer.body)
            ended = self.run_once(agent, "call")
            self.assertEqual((ended["status"], ended["attempt"]), ("succeeded", 2))
            self.assertEqual([body for _, _, body in requests], [b"x=1", b"x=1"])
            first, second = (headers for _, headers, _ in requests)
            self.assertEqual(first["X-Trace"], "a:b")
            self.assertEqual(first["Idempotency-Key"], second["Idempotency-Key"])
            self.assertEqual((first["Khronos-Attempt"], second["Khronos-Attempt"]), ("1", "2"))
            self.assertLess(int(first["Khronos-Token"]), int(second["Khronos-Token"]))
            self.assertIn("order accepted", self.output(agent, ended))
        finally:
            server.shutdown()
            server.server_close()

    def test_jobs_inherit_nothing_from_the_agent(self):
        agent = self.agent(environment={"SECRET": "canary"})
        agent.put_job("clean", command="env; ls -l /proc/$$/fd")
        text = self.output(agent, self.run_once(agent, "clean"))
        self.assertNotIn("canary", text)
        self.assertNotIn("socket", text)
        self.assertNotIn(str(self.directory), text.split("total", 1)[-1])


if __name__ == "__main__":
    t.main()
