"""What kill -9 may not do: lose a tick, double one, let a forbid job overlap, forget a result."""

import collections
import datetime

import khronos_testing as t


def seconds(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


class Survives(t.Case):
    def ledger(self, name="ledger"):
        path = self.directory / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def test_no_tick_is_lost_or_doubled_over_two_kills(self):
        """60 per-second jobs, 30 seconds, two kill -9; the jobs' own ledger is the judge."""
        agent = self.agent()
        ledger = self.directory / "ledger"
        jobs = [f"tick-{i}" for i in range(60)]
        for name in jobs:
            # One write of one line to an append-only file: lines of different runs never mix.
            agent.put_job(name, "* * * * * *",
                          f'echo "$KHRONOS_JOB_NAME $KHRONOS_SCHEDULED_AT" >> {ledger}',
                          history_limit=1000)
        first = max(seconds(x[1]) for x in t.wait_for("each job ran", lambda: (
            lambda lines: lines if len({line[0] for line in lines}) == 60 else None)(self.ledger())))

        def reached(second):
            return lambda: any(seconds(line[1]) >= second for line in self.ledger())
        t.wait_for("10 s of ticks", reached(first + 10))
        agent.kill()
        agent.start()
        t.wait_for("20 s of ticks", reached(first + 20))
        agent.kill()
        agent.start()
        t.wait_for("30 s of ticks", reached(first + 30), 60)
        for name in jobs:
            self.assertEqual(agent.request("POST", f"/v1/jobs/{name}/toggle").status, 200)
        t.wait_for("all runs ended", lambda: not agent.get("/v1/busy").json(), 60)

        runs = collections.Counter((line[0], seconds(line[1])) for line in self.ledger())
        doubled = [run for run, count in runs.items() if count > 1]
        self.assertEqual(doubled, [])
        lost = [(job, second) for job in jobs for second in range(first, first + 31)
                if (job, second) not in runs]
        self.assertEqual(lost, [])

    def test_a_forbid_job_never_overlaps_not_even_with_a_run_that_outlived_the_agent(self):
        agent = self.agent()
        lock, ledger = self.directory / "lock", self.directory / "ledger"
        # flock is the kernel's word: a second run that gets in while the first holds it says so.
        agent.put_job("alone", "* * * * * *",
                      f'exec 9>{lock}; if flock -n 9; then echo ran >> {ledger}; sleep 2.5; '
                      f'else echo OVERLAP >> {ledger}; fi', concurrency="forbid")
        for kills in range(1, 4):
            runs = len(self.ledger())
            t.wait_for("another run began", lambda: len(self.ledger()) > runs)
            agent.kill()
            agent.start()
        runs = len(self.ledger())
        t.wait_for("it goes on", lambda: len(self.ledger()) >= runs + 2)
        self.assertNotIn(["OVERLAP"], self.ledger())
        skipped = [e for e in agent.executions("alone") if e["status"] == "skipped"]
        self.assertTrue(skipped)
        self.assertTrue(all(e["reason"] == "concurrency" for e in skipped))

    def test_a_run_that_outlives_the_agent_reports_its_true_exit_status(self):
        agent = self.agent()
        started, go = self.directory / "started", self.directory / "go"
        agent.put_job("outlives", command=f"echo x > {started}; "
                      f"while [ ! -e {go} ]; do sleep 0.05; done; echo done; exit 7")
        agent.run("outlives")
        t.wait_for("the run began", started.exists)
        agent.kill()
        go.write_text("")
        agent.start()
        ended = agent.wait_execution("outlives")
        self.assertEqual(ended["status"], "failed")
        self.assertEqual(ended["exit_code"], 7)
        self.assertEqual(ended["attempt"], 1)
        self.assertEqual(len(agent.executions("outlives")), 1)

    def test_every_keeps_its_phase_over_a_kill(self):
        agent = self.agent()
        ledger = self.directory / "ledger"
        agent.put_job("phase", "@every 3s", f'echo "$KHRONOS_SCHEDULED_AT" >> {ledger}')
        t.wait_for("two ticks", lambda: len(self.ledger()) >= 2)
        agent.kill()
        agent.start()
        t.wait_for("three more", lambda: len(self.ledger()) >= 5)
        times = sorted(seconds(line[0]) for line in self.ledger())
        steps = [later - sooner for sooner, later in zip(times, times[1:])]
        self.assertEqual(set(steps), {3})

    def test_a_waiting_retry_survives_a_kill(self):
        agent = self.agent()
        ledger = self.directory / "ledger"
        agent.put_job("retries", command=f'echo "$KHRONOS_ATTEMPT $KHRONOS_TOKEN" >> {ledger}; '
                      '[ "$KHRONOS_ATTEMPT" -ge 3 ]', retries=3, retry_delay="2s")
        agent.run("retries")
        t.wait_for("the first attempt", lambda: len(self.ledger()) >= 1)
        agent.kill()
        agent.start()
        ended = agent.wait_execution("retries")
        self.assertEqual((ended["status"], ended["attempt"]), ("succeeded", 3))
        lines = self.ledger()
        self.assertEqual([line[0] for line in lines], ["1", "2", "3"])
        tokens = [int(line[1]) for line in lines]
        self.assertEqual(tokens, sorted(set(tokens)))

    def test_what_was_acknowledged_is_there_after_a_kill(self):
        agent = self.agent()
        for i in range(200):
            agent.put_job(f"job-{i}")
        agent.kill()
        agent.start()
        names = {job["name"] for job in agent.get("/v1/jobs?_start=0&_end=1000").json()}
        self.assertEqual(names, {f"job-{i}" for i in range(200)})


if __name__ == "__main__":
    t.main()
