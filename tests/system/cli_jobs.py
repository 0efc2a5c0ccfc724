"""Job files, plans, runs and lists by the command line, against a real agent."""

import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios
import fcntl

import khronos_testing as t

YAML = """
name: nightly
schedule: 0 30 2 * * *
timezone: Europe/Paris
executor: shell
executor_config: {shell: true, command: "echo night"}
---
- name: interval
  schedule: "@every 1h"
  executor: shell
  executor_config: {command: "true"}
"""
TOML = """
[[jobs]]
name = "weekly"
schedule = "@weekly"
executor = "shell"
[jobs.executor_config]
command = "sleep 0"
"""


class Jobs(t.Case):
    def setUp(self):
        super().setUp()
        self.server = self.agent()
        self.folder = self.directory / "jobs"
        self.folder.mkdir()
        (self.folder / "a.yaml").write_text(YAML)
        (self.folder / "b.toml").write_text(TOML)
        (self.folder / "c.json").write_text('{"name": "by-hand", "executor": "shell"}')
        (self.folder / "notes.txt").write_text("not a job")

    def khronos(self, *words, stdin=None, status=0):
        done = subprocess.run([t.PROGRAM, *map(str, words), "--server", self.server.url],
                              input=stdin, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done

    def test_a_directory_of_every_format_is_planned_and_applied(self):
        plan = self.khronos("job", "plan", "-f", self.folder, status=1).stdout
        self.assertIn("4 to create, 0 to change, 0 unchanged", plan)
        self.assertIn("due 7 times in the coming week", plan)
        self.assertEqual(self.server.get("/v1/jobs").json(), [])
        applied = self.khronos("job", "apply", "-f", self.folder).stdout
        self.assertEqual(applied, "job nightly created\njob interval created\n"
                                  "job weekly created\njob by-hand created\n")
        self.assertIn("4 unchanged", self.khronos("job", "plan", "-f", self.folder).stdout)
        (self.folder / "a.yaml").write_text(YAML.replace("0 30 2", "0 45 2"))
        changed = json.loads(self.khronos("job", "plan", "-f", self.folder, "-o", "json",
                                          status=1).stdout)
        self.assertEqual([job["change"] for job in changed],
                         ["configured", "unchanged", "unchanged", "unchanged"])
        self.assertEqual(changed[0]["fields"], [{"field": "schedule", "before": "0 30 2 * * *",
                                                 "after": "0 45 2 * * *"}])
        self.assertEqual(changed[0]["ticks"]["added"], 7)
        self.assertEqual(changed[1]["ticks"]["added"], 0)

    def test_a_mistake_anywhere_saves_nothing(self):
        (self.folder / "d.yaml").write_text("name: d\nschedul: '@daily'\nretires: 2\n")
        failed = self.khronos("job", "apply", "-f", self.folder, status=1)
        self.assertIn("schedul: unknown key; did you mean schedule?", failed.stderr)
        self.assertIn("retires: unknown key; did you mean retries?", failed.stderr)
        self.assertEqual(self.server.get("/v1/jobs").json(), [])
        self.khronos("job", "plan", "-f", self.folder, status=2)
        self.assertIn("needs quotes",
                      self.khronos("job", "apply", "-f", "-", stdin="name: e\nschedule: @daily\n",
                                   status=1).stderr)

    def test_what_is_printed_can_be_applied(self):
        self.khronos("job", "apply", "-f", self.folder)
        for form in ("json", "yaml"):
            text = self.khronos("job", "list", "-o", form).stdout
            again = self.khronos("job", "apply", "-f", "-", stdin=text).stdout
            self.assertEqual(again.count("unchanged"), 4, again)
        names = self.khronos("job", "list", "-o", "name").stdout.split()
        self.assertEqual(names, ["by-hand", "interval", "nightly", "weekly"])

    def test_run_and_logs_pass_the_exit_status_on(self):
        self.server.put_job("seven", command="echo out; exit 7")
        self.server.put_job("slow", command="echo begun; sleep 60")
        run = self.khronos("job", "run", "seven", "--wait", status=7)
        self.assertEqual(run.stdout, "out\n")
        identity = self.khronos("execution", "list", "seven", "-o", "name").stdout.strip()
        self.assertEqual(self.khronos("execution", "logs", "-f", identity, status=7).stdout,
                         "out\n")
        self.khronos("job", "run", "slow", "--wait", "--timeout", "1s", status=124)
        identity = self.khronos("execution", "list", "slow", "-o", "name").stdout.strip()
        self.khronos("execution", "logs", identity, "-f", "--timeout", "1s", status=124)
        self.khronos("execution", "cancel", identity)
        self.assertEqual(self.server.wait_execution("slow")["status"], "cancelled")

    def test_a_wait_outlives_the_restart_of_its_agent(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        agent = self.agent(directory=self.directory / "restarted", start=False)
        usual = agent.command()
        usual[usual.index("--bind-port") + 1] = str(port)
        agent.command = lambda: usual
        agent.start()
        go = self.directory / "go"
        agent.put_job("long", command=f"echo begun; until [ -e {go} ]; do sleep 0.05; done; exit 6")
        wait = subprocess.Popen([t.PROGRAM, "job", "run", "long", "--wait", "--server", agent.url],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        self.assertEqual(wait.stdout.readline(), "begun\n")
        agent.kill()
        agent.start()
        go.write_text("")
        _, remarks = wait.communicate(timeout=60)
        self.assertEqual(wait.returncode, 6, remarks)

    def on_terminal(self, *words, columns=60, **environment):
        """What is printed where standard output is a terminal of that width."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([t.PROGRAM, *words, "--server", self.server.url],
                                   stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                                   env={"PATH": os.environ["PATH"], **environment})
        os.close(follower)
        text = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:
                break
            if not data:
                break
            text += data
        os.close(leader)
        self.assertEqual(process.wait(), 0)
        return text.decode()

    def test_tables_fit_the_terminal(self):
        self.server.put_job("j" * 100, schedule="0 0 0 1,2,3,4,5,6,7,8,9,10,11,12 * *")
        shown = self.on_terminal("job", "list")
        for line in shown.splitlines():
            self.assertLessEqual(len(line), 60, line)
        self.assertIn("j…", shown)
        wide = self.on_terminal("job", "list", "-o", "wide")
        self.assertIn("j" * 100, wide)

    def test_colours_are_for_terminals_that_want_them(self):
        self.server.put_job("good", command="true")
        self.server.run("good")
        self.server.wait_execution("good")
        words = ("execution", "list", "good")
        green = "\x1b[32msucceeded\x1b[0m"
        self.assertIn(green, self.on_terminal(*words, columns=200))
        self.assertNotIn("\x1b", self.on_terminal(*words, columns=200, NO_COLOR="1"))
        self.assertNotIn("\x1b", self.khronos(*words).stdout)

    def test_a_watch_shows_what_changes(self):
        self.server.put_job("first")
        watch = subprocess.Popen([t.PROGRAM, "job", "list", "-o", "name", "--watch", "--timeout",
                                  "60s", "--server", self.server.url],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(watch.stdout.readline(), "first\n")
            self.server.put_job("second")
            self.assertEqual([watch.stdout.readline() for _ in range(3)],
                             ["\n", "first\n", "second\n"])
        finally:
            watch.kill()
            watch.wait()
            watch.stdout.close()

    def test_wrong_usage_is_two_and_says_what_would_be_right(self):
        for words in (["job"], ["job", "apply"], ["job", "lst"], ["execution", "logs"],
                      ["why", "x@yesterday"], ["job", "list", "-o", "xml"],
                      ["job", "list", "--timeout", "soon"]):
            done = subprocess.run([t.PROGRAM, *words, "--server", self.server.url],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, words)
            self.assertRegex(done.stderr, re.compile(r"\S"), words)


    def test_a_misspelt_word_is_told_with_the_nearest(self):
        for words, told in ((["job", "lst"], "there is no command job lst; did you mean 'list'?"),
                            (["jbo"], "there is no command jbo; did you mean 'job'?"),
                            (["job", "run", "x", "--wiat"],
                             "there is no option --wiat; did you mean '--wait'?"),
                            (["-o", "json", "job", "lst"], "did you mean 'list'?")):
            done = subprocess.run([t.PROGRAM, *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(told, done.stderr)


if __name__ == "__main__":
    t.main()
