"""Agents and etcd members that die, freeze and come back: no tick is lost and none is doubled.

The records in the store are the judge here: each tick of each job has exactly one, and it ran once.
Lateness is reported and never asserted: a busy machine is no bug. Longer, and with more faults:
KHRONOS_CHAOS_SECONDS.
"""

import calendar
import collections
import datetime
import itertools
import os
import random
import signal
import subprocess
import sys

import khronos_testing as t
from etcd_cluster import EtcdCluster

LENGTH = float(os.environ.get("KHRONOS_CHAOS_SECONDS", "25"))
JOBS = 60


def moment(text):
    text = text.replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(text).timestamp()


class ClusterCase(t.Case):
    def setUp(self):
        super().setUp()
        self.etcd = None
        self.by_time = {}  # {when a tick was due: the worst lateness of that instant}

    def tearDown(self):
        for agent in self.agents:
            if agent.process and agent.process.poll() is None:
                agent.process.send_signal(signal.SIGCONT)
        super().tearDown()
        if self.etcd:
            self.etcd.end()

    def start(self, agents, members=1):
        self.etcd = EtcdCluster(self.directory / "etcd", members).start()
        machines = [x for a in self.etcd.addresses for x in ("--backend-machine", a)]
        for i in range(agents):
            self.agent("--node", f"n{i + 1}", "--backend", "etcd", *machines,
                       directory=self.directory / f"n{i + 1}")
        self.wait_for_balance(agents)
        return self.agents

    def shares(self, agent):
        shards = agent.get("/v1/shards").json()
        shards = shards["shards"] if isinstance(shards, dict) else shards
        return collections.Counter(s.get("node") or s.get("owner") for s in shards)

    def wait_for_balance(self, agents, patience=60):
        def balanced():
            with_share = [n for n in self.shares(self.live()).values()]
            return len(with_share) == agents and max(with_share) - min(with_share) <= 1
        t.wait_for(f"{agents} agents share the shards evenly", balanced, patience)

    def live(self):
        return next(a for a in self.agents if a.process.poll() is None)

    # ---- the judge

    def judge(self, first, last, jobs):
        """Each second of each job has one record, and ran once. Returns the lateness of each."""
        late, lost, doubled, odd = [], [], [], []
        for job in jobs:
            ticks = collections.Counter()
            for e in self.history(job):
                if not first <= moment(e["scheduled_at"]) <= last:
                    continue
                ticks[round(moment(e["scheduled_at"]))] += 1
                if e["status"] != "succeeded" or e.get("attempt", 1) != 1:
                    odd.append((job, e["scheduled_at"], e["status"], e.get("attempt"),
                                e.get("reason")))
                due = moment(e["scheduled_at"])
                late.append(moment(e["decided_at"]) - due)
                self.by_time[due] = max(self.by_time.get(due, 0), late[-1])
            for second in range(first, last + 1):
                if ticks[second] == 0:
                    lost.append((job, second))
                elif ticks[second] > 1:
                    doubled.append((job, second))
        self.assertEqual(lost, [])
        self.assertEqual(doubled, [])
        return sorted(late), odd

    def history(self, job):
        found, cursor = [], ""
        while True:
            answer = self.live().get(f"/v1/executions?job={job}&limit=1000{cursor}")
            self.assertEqual(answer.status, 200, answer.body)
            page = answer.json()
            if isinstance(page, list):
                return page
            found += page["executions"]
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def wait_decided(self, second, jobs):
        """Until that tick of every job is over."""
        text = datetime.datetime.fromtimestamp(second, datetime.timezone.utc)
        since = text.strftime("%Y-%m-%dT%H:%M:%SZ")

        def over(job):
            answer = self.live().get(f"/v1/executions?job={job}&since={since}&limit=1000")
            if answer.status != 200:
                return False
            page = answer.json()
            page = page["executions"] if isinstance(page, dict) else page
            return page and all(e["finished_at"] for e in page if e["status"] == "succeeded") and \
                min(moment(e["scheduled_at"]) for e in page) <= second
        for job in jobs:
            t.wait_for(f"the tick {since} of {job} is over", lambda: over(job), 60)

    def put_jobs(self, count=JOBS):
        jobs = [f"tick-{i}" for i in range(count)]
        for i, name in enumerate(jobs):
            agent = self.agents[i % len(self.agents)]
            answer = agent.request("POST", "/v1/jobs", {
                "name": name, "schedule": "* * * * * *", "executor": "noop",
                "executor_config": {}, "history_limit": 10000})
            self.assertEqual(answer.status, 201, answer.body)
        return jobs

    def verify(self):
        """And another judge, while the agents go on: all of what is in the store."""
        machines = [x for a in self.etcd.addresses for x in ("--backend-machine", a)]
        done = subprocess.run(
            [t.PROGRAM, "verify", "--quiet", "--backend", "etcd", *machines],
            capture_output=True, text=True, timeout=300, cwd=self.directory, check=False,
            stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "HOME": str(self.directory)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        sys.stderr.write(f"verify: {done.stdout}")

    def report(self, what, late, extra=""):
        if late:
            sys.stderr.write(f"{what}: {len(late)} ticks, lateness p50 {late[len(late) // 2]:.3f} s, "
                             f"p99 {late[len(late) * 99 // 100]:.3f} s, worst {late[-1]:.3f} s{extra}\n")


def now():
    return int(calendar.timegm(datetime.datetime.now(datetime.timezone.utc).timetuple()))


class Survives(ClusterCase):
    def pause_for(self, seconds):
        # Not to synchronise with anything: how long a fault, or the calm between two, lasts.
        end = now() + seconds
        t.wait_for("time passes", lambda: now() >= end, seconds + 30)

    def test_faults_of_agents_and_of_etcd_lose_and_double_nothing(self):
        agents = self.start(agents=3, members=3)
        jobs = self.put_jobs()
        first = now() + 2
        faults = itertools.cycle([
            self.kill_an_agent, self.stop_an_agent, self.kill_a_member, self.revoke_a_session,
            self.compact, self.pause_a_member])
        self.random = random.Random(int(os.environ.get("KHRONOS_CHAOS_SEED", "1")))
        done = collections.Counter()
        stretches = []
        self.pause_for(3)
        while now() < first + LENGTH:
            fault = next(faults)
            began = now()
            fault(agents)
            done[fault.__name__] += 1
            self.pause_for(2)
            stretches.append((began, now(), fault.__name__))
        last = now()
        self.wait_decided(last, jobs)
        late, odd = self.judge(first, last, jobs)
        worst = collections.Counter()
        for due, lateness in self.by_time.items():
            for began, ended, fault in stretches:
                if began <= due < ended:
                    worst[fault] = max(worst[fault], round(lateness, 3))
        sys.stderr.write(f"worst by fault: {dict(worst)}\n")
        self.report("faults", late, f"; {dict(done)}; not simply succeeded: {len(odd)}")
        self.wait_for_balance(3)
        self.verify()

    def kill_an_agent(self, agents):
        agent = self.random.choice(agents)
        agent.kill()
        self.pause_for(self.random.choice([1, 5]))
        agent.start()

    def stop_an_agent(self, agents):
        agent = self.random.choice(agents)
        agent.process.send_signal(signal.SIGSTOP)
        self.pause_for(self.random.choice([1, 4, 10]))
        agent.process.send_signal(signal.SIGCONT)

    def kill_a_member(self, _):
        index = self.random.randrange(3)
        self.etcd.members[index].kill()
        self.pause_for(2)
        self.etcd.restart(index)
        self.etcd.wait()

    def pause_a_member(self, _):
        member = self.random.choice(self.etcd.members)
        member.pause()
        self.pause_for(3)
        member.resume()
        self.etcd.wait()

    def revoke_a_session(self, _):
        sessions = self.etcd.keys("/khronos/agents/")
        if sessions:
            self.etcd.revoke(self.random.choice(sessions)[1])

    def compact(self, _):
        self.etcd.compact()

    def test_a_rolling_restart_loses_and_doubles_nothing(self):
        agents = self.start(agents=3)
        jobs = self.put_jobs()
        first = now() + 2
        self.pause_for(3)
        for agent in agents:
            self.assertEqual(agent.stop(), 0)
            self.pause_for(1)
            agent.start()
            self.wait_for_balance(3)
            self.pause_for(1)
        last = now()
        self.wait_decided(last, jobs)
        late, odd = self.judge(first, last, jobs)
        self.report("rolling restart", late, f"; not simply succeeded: {len(odd)}")
        self.verify()


if __name__ == "__main__":
    t.main()
