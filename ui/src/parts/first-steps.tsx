// The page of an agent without a job: what to do first.
import { to } from "../lib/router";
import { root } from "../api/http";
import { Code, LinkButton, Panel } from "./basics";

export function FirstSteps() {
  return (
    <div class="first">
      <h1>Nothing to do yet</h1>
      <p class="sub">This agent is well and waits for its first job. Three ways to give it one:</p>
      <div class="three">
        <Panel title="1. Make one here">
          <p>A command and a schedule are enough. You see when it will run while you type.</p>
          <LinkButton href={to.newJob()} kind="primary" icon="plus">New job</LinkButton>{" "}
          <LinkButton href={to.newJob({ schedule: "@every 10s", command: "date" })}>Try an example</LinkButton>
        </Panel>
        <Panel title="2. Send one">
          <Code>{`curl -s ${root}v1/jobs -d '{
  "name": "hello",
  "schedule": "@every 10s",
  "executor": "shell",
  "executor_config": {"command": "date"}
}'`}</Code>
        </Panel>
        <Panel title="3. Bring your crontab">
          <p>Every line becomes a job; nothing is written before you have seen it.</p>
          <Code>khronos import crontab /etc/crontab</Code>
        </Panel>
      </div>
    </div>
  );
}
