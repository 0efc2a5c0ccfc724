"""Workers and agents are killed, and what runs is neither lost nor told wrong."""

import subprocess

import khronos_testing as kt


class Survival(kt.Case):
    def gated(self, agent, name, exit_code=0, **fields):
        """A job that runs until its gate is opened."""
        gate = self.directory / f"{name}.gate"
        subprocess.run(["mkfifo", str(gate)], check=True)
        mark = self.directory / f"{name}.began"
        agent.put_job(name, command=f"echo began; : > {mark}; read x < {gate}; echo went on; exit {exit_code}",
                      **fields)
        agent.run(name)
        kt.wait_for(f"{name} runs", mark.exists)
        return lambda: gate.write_text("go\n")

    def output(self, agent, execution):
        return agent.get(f"/v1/executions/{execution['id']}/output").body

    def test_a_killed_worker_takes_its_runs_up_again_and_tells_their_true_end(self):
        agent = self.agent("--no-worker")
        worker = self.worker([agent.rpc], name="w1")
        go_on = self.gated(agent, "long", exit_code=7)
        go_first = self.gated(agent, "short", exit_code=4)
        worker.kill()
        go_first()  # ends while nobody looks
        self.assertEqual(agent.executions("long")[0]["status"], "running")
        worker.start()
        short = agent.wait_execution("short")
        self.assertEqual((short["status"], short["exit_code"], short["attempt"]), ("failed", 4, 1))
        go_on()
        long = agent.wait_execution("long")
        self.assertEqual((long["status"], long["exit_code"], long["attempt"]), ("failed", 7, 1))
        self.assertEqual(self.output(agent, long), b"began\nwent on\n")

    def test_a_killed_agent_finds_its_workers_runs_going_on(self):
        agent = self.agent("--no-worker")
        worker = self.worker([agent.rpc], name="w1")
        go_on = self.gated(agent, "long", exit_code=7)
        go_first = self.gated(agent, "short")
        agent.kill()
        go_first()
        agent.rpc_port = agent.rpc.split(":")[1]  # where the worker looks for it
        agent.start()
        self.assertEqual(agent.wait_execution("short")["status"], "succeeded")
        self.assertEqual(self.output(agent, agent.executions("long")[0]), b"began\n")
        go_on()
        long = agent.wait_execution("long")
        self.assertEqual((long["status"], long["exit_code"], long["attempt"], long["node"]),
                         ("failed", 7, 1, "w1"))
        self.assertEqual(worker.stop(), 0)

    def test_a_run_is_cancelled_on_a_worker_elsewhere(self):
        agent = self.agent("--no-worker")
        self.worker([agent.rpc], name="w1")
        self.gated(agent, "long")
        running = agent.executions("long")[0]
        answer = agent.request("POST", f"/v1/executions/{running['id']}/cancel")
        self.assertIn(answer.status, (200, 202))
        self.assertEqual(agent.wait_execution("long")["status"], "cancelled")


if __name__ == "__main__":
    kt.main()
