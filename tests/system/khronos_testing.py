"""What the system tests share: an agent in a directory of its own and its REST API.

Nothing here sleeps for a fixed time and then hopes: wait_for() looks until something is so, and
says what it saw when that never happens.
"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import case_report  # noqa: E402

PROGRAM = os.environ.get(
    "KHRONOS_PROGRAM", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "khronos"))


def wait_for(what, condition, patience=30.0):
    """The first true value of `condition()`."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience:g} s")
        select.select([], [], [], 0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Agent:
    """A `khronos agent -e local` on a free port, with its data in `directory`."""

    def __init__(self, directory, *flags, environment=None):
        self.directory = pathlib.Path(directory)
        self.flags = list(flags)
        self.environment = environment or {}
        self.process = None
        self.url = None
        self.rpc_port = "0"
        self.log = self.directory / "agent.log"
        # `khronos agent -e local` looks for conf/ and the home: neither may be the machine's.
        self.home = self.directory / "home"
        self.home.mkdir(parents=True, exist_ok=True)

    def command(self):
        return [PROGRAM, "agent", "-e", "local", "--bind-port", "0", "--rpc-port", self.rpc_port,
                "--data-dir", str(self.directory / "data"), *self.flags]

    def start(self):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.environment}
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.log, "ab"), cwd=self.home, env=environment, text=True)
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise AssertionError(f"the agent did not start: {line!r} {self.log.read_text()}")
        self.url = line[line.index("http://"):].split()[0].rstrip("/")
        self.rpc = line[line.index("Workers: "):].split()[1]
        wait_for("the agent is ready", lambda: self.get("/readyz").status == 200)
        return self

    def kill(self):
        """kill -9 of the agent alone: what it started lives on."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        return status

    def end(self):
        """Whatever is left of it and of its runner."""
        if self.process and self.process.poll() is None:
            self.kill()
        marker = str(self.directory)
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                if marker in command and "khronos-runner" in command:
                    os.kill(int(entry.name), signal.SIGKILL)

    # ---- REST

    def request(self, method, path, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method,
                                         headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())
        except (urllib.error.URLError, ConnectionError) as error:
            return Answer(0, {}, str(error).encode())

    def get(self, path):
        return self.request("GET", path)

    def put_job(self, name, schedule="@manually", command="true", shell=True, **fields):
        job = {"name": name, "schedule": schedule, "executor": "shell",
               "executor_config": {"command": command, "shell": str(shell).lower()}, **fields}
        answer = self.request("POST", "/v1/jobs", job)
        if answer.status != 201:
            raise AssertionError(f"job {name} was not saved: {answer.status} {answer.body}")
        return answer.json()

    def run(self, name):
        answer = self.request("POST", f"/v1/jobs/{name}/run")
        if answer.status != 200:
            raise AssertionError(f"job {name} was not run: {answer.status} {answer.body}")

    def executions(self, job, **query):
        """Our own records, newest first."""
        text = "&".join(f"{key}={value}" for key, value in {"limit": 1000, **query}.items())
        answer = self.get(f"/v1/executions?job={job}&{text}")
        if answer.status != 200:
            raise AssertionError(f"executions of {job}: {answer.status} {answer.body}")
        found = answer.json()
        return found["executions"] if isinstance(found, dict) else found

    def wait_execution(self, job, patience=30.0):
        """The first execution of the job to be over."""
        over = {"succeeded", "failed", "timed_out", "cancelled", "lost"}
        return wait_for(f"an execution of {job} is over",
                        lambda: next((e for e in self.executions(job) if e["status"] in over),
                                     None), patience)


class Worker:
    """A `khronos worker` of the agents at `addresses`, with its data in `directory`."""

    def __init__(self, directory, addresses, *flags, name="worker", environment=None):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.addresses, self.flags, self.name = addresses, flags, name
        self.environment = environment or {}
        self.log = self.directory / "agent.log"
        self.process = None

    def start(self):
        command = [PROGRAM, "worker", "--node", self.name, "--data-dir",
                   str(self.directory / "data"), *self.flags]
        for address in self.addresses:
            command += ["--agent", address]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.log, "ab"), cwd=self.directory, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.environment})
        line = self.process.stdout.readline()
        if "is running" not in line:
            raise AssertionError(f"the worker did not start: {line!r} {self.log.read_text()}")
        return self

    def kill(self):
        """kill -9 of the worker alone: what it started lives on."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        return status

    end = Agent.end


class Case(unittest.TestCase):
    """A test with a directory of its own, and agents that do not outlive it."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="khronos-test-"))
        self.agents = []

    def tearDown(self):
        for agent in self.agents:
            agent.end()
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            for log in self.directory.glob("**/agent.log"):
                sys.stderr.write(f"---- {log}\n{log.read_text()[-4000:]}\n")
        shutil.rmtree(self.directory, ignore_errors=True)

    def agent(self, *flags, directory=None, start=True, **options):
        agent = Agent(directory or self.directory, *flags, **options)
        self.agents.append(agent)
        return agent.start() if start else agent


    def worker(self, addresses, *flags, name="worker", **options):
        worker = Worker(self.directory, addresses, *flags, name=name, **options)
        self.agents.append(worker)
        return worker.start()


def main():
    case_report.main()
