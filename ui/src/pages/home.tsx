// What is wrong, what is running, what comes next: answered without scrolling.
import { agent, jobs } from "../api/calls";
import type { Job } from "../api/types";
import { cancelRun, skipTick } from "../lib/actions";
import { histogramOf, parseMetrics, quantile, sumOf } from "../lib/metrics";
import { to } from "../lib/router";
import { parseTime } from "../lib/time";
import { agentNow } from "../state/clock";
import { running } from "../state/running";
import { useResource } from "../state/resource";
import { silence } from "../state/live";
import { Button, Empty, ErrorNote, Figure, LinkButton, Loading, Panel } from "../parts/basics";
import { Icon } from "../parts/icons";
import { StatusMark } from "../parts/status";
import { Ago, Elapsed, Span, Time } from "../parts/time";
import { useTrend } from "../state/trends";
import { RunBars } from "../parts/runs";
import { Outcomes } from "../parts/outcomes";
import { verdictOf, type Cause } from "../lib/verdict";
import { FirstSteps } from "../parts/first-steps";

const SHOWN = 8;

function Verdict({ causes, jobsTotal, next }: { causes: Cause[]; jobsTotal: number; next: string | undefined }) {
  const [first, ...others] = causes;
  if (!first)
    return (
      <section class="verdict ok" aria-label="Verdict">
        <StatusMark mark="ok" size={30} />
        <div>
          <h1>All is well</h1>
          <p>{jobsTotal === 1 ? "One job" : `${jobsTotal.toLocaleString("en")} jobs`}, every last run a success{next ? <>, the next <Ago at={next} /></> : null}.</p>
        </div>
      </section>
    );
  return (
    <section class={`verdict ${first.tone}`} aria-label="Verdict">
      <StatusMark mark={first.tone === "bad" ? "down" : "warn"} size={30} />
      <div>
        <h1>{first.href ? <a href={first.href}>{first.text}</a> : first.text}</h1>
        <p>
          {first.detail}
          {others.map((cause) => (
            <span key={cause.text} class="verdict-more">{cause.href ? <a href={cause.href}>{cause.text}</a> : cause.text}</span>
          ))}
        </p>
      </div>
    </section>
  );
}

function FailingRow({ job }: { job: Job }) {
  const trend = useTrend(job.name);
  const last = trend?.find((e) => e.status === "failed" || e.status === "timed_out" || e.status === "lost");
  return (
    <li class="line-row">
      <StatusMark mark={job.status === "partially_failed" ? "partially_failed" : last?.status ?? "failed"} />
      <a class="name" href={to.job(job.name)}>{job.displayname || job.name}</a>
      <span class="grow clip why-line">{last?.message ?? (last ? `exit ${last.exit_code}` : "")}</span>
      {trend ? <RunBars runs={trend} slots={20} /> : null}
      <span class="when"><Ago at={job.last_error} zone={job.timezone} /></span>
      {last ? <LinkButton small kind="quiet" href={to.execution(last.id)}>Log</LinkButton> : null}
    </li>
  );
}

function Running() {
  const all = [...running.value.values()].sort((a, b) => a.since.localeCompare(b.since));
  return (
    <Panel title="Running" extra={<span class="count">{all.length}</span>} flush>
      {all.length === 0 ? (
        <Empty title="Nothing runs right now" />
      ) : (
        <ul class="lines">
          {all.slice(0, SHOWN).map((run) => (
            <li key={run.id} class="line-row">
              <StatusMark mark="running" />
              <a class="name grow clip" href={to.execution(run.id)}>{run.job}</a>
              <span class="dim clip">{run.node}</span>
              <span class="when"><Elapsed since={run.since} /></span>
              <Button small kind="quiet" icon="stop" aria-label={`Cancel ${run.job}`} title="Cancel" onClick={() => void cancelRun(run.id, run.job)} />
            </li>
          ))}
        </ul>
      )}
      {all.length > SHOWN ? <a class="more" href={to.executions({ status: "running" })}>{all.length - SHOWN} more</a> : null}
    </Panel>
  );
}

function Next({ list }: { list: Job[] | undefined }) {
  const coming = (list ?? []).filter((job) => parseTime(job.next) !== null);
  return (
    <Panel title="Next" extra={<a href={to.timeline()}>Timeline</a>} flush>
      {!list ? <Loading /> : coming.length === 0 ? (
        <Empty title="Nothing is due">
          <p>No enabled job has a coming tick.</p>
        </Empty>
      ) : (
        <ul class="lines">
          {coming.slice(0, SHOWN).map((job) => (
            <li key={job.name} class="line-row">
              <StatusMark mark="waiting" text="Due" />
              <a class="name grow clip" href={to.job(job.name)}>{job.displayname || job.name}</a>
              <span class="dim"><Time at={job.next} zone={job.timezone} /></span>
              <span class="when"><Ago at={job.next} zone={job.timezone} /></span>
              <Button small kind="quiet" icon="skip" aria-label={`Skip this run of ${job.name}`} title="Skip this one" onClick={() => void skipTick(job.name, job.next)} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

export function Home() {
  const failing = useResource("home failing", (signal) => jobs.list({ status: "failed", disabled: "false", _sort: "last_error", _order: "DESC", _start: 0, _end: 5 }, { signal }), { on: ["job"], every: 1500 });
  const partial = useResource("home partial", (signal) => jobs.list({ status: "partially_failed", disabled: "false", _start: 0, _end: 1 }, { signal }), { on: ["job"], every: 1500 });
  const next = useResource("home next", (signal) => jobs.list({ _sort: "next", _order: "ASC", disabled: "false", _start: 0, _end: 40 }, { signal }), { on: ["job"], every: 1000 });
  const total = useResource("home total", (signal) => jobs.list({ _start: 0, _end: 0 }, { signal }), { on: ["job"], every: 3000 });
  const ready = useResource("ready", (signal) => agent.readiness({ signal }), { on: ["agent", "shard"], every: 5000 });
  const members = useResource("members", (signal) => agent.members({ signal }), { on: ["agent"], every: 2000 });
  const paused = useResource("paused", (signal) => agent.paused({ signal }), { on: ["settings"] });
  const metrics = useResource("metrics", async (signal) => parseMetrics(await agent.metrics({ signal })), { on: ["execution"], every: 5000 });

  const samples = metrics.data ?? [];
  const started = histogramOf(samples, "khronos_tick_lateness_seconds", { stage: "started" });
  const p50 = quantile(started, 0.5);
  const p99 = quantile(started, 0.99);
  const waiting = sumOf(samples, "khronos_executions_waiting");
  const soonest = (next.data?.jobs ?? []).map((j) => j.next).find((n) => (parseTime(n) ?? 0) >= agentNow() - 1000);
  const causes = verdictOf({
    silence: silence.value,
    ready: ready.data,
    members: members.data,
    failing: failing.data?.total ?? 0,
    failingName: failing.data?.jobs[0]?.name,
    partial: partial.data?.total ?? 0,
    paused: paused.data ?? false,
    waiting,
    latenessP99: p99,
  });
  const count = total.data?.total;

  if (count === 0 && !total.error) return <FirstSteps />;
  const known = total.data !== undefined && failing.data !== undefined;
  return (
    <div class="home">
      {known || silence.value > 0 ? <Verdict causes={causes} jobsTotal={count ?? 0} next={soonest} /> : <section class="verdict" aria-busy="true"><div><h1>{total.error ? "The agent does not say" : "…"}</h1></div></section>}
      <ErrorNote error={total.error} />
      <div class="figures">
        <Figure label="Running" value={running.value.size} hint={waiting ? `${waiting} waiting` : "none waiting"} />
        <Figure label="Jobs" value={count === undefined ? "–" : count.toLocaleString("en")} hint={<a href={to.jobs({ status: "failed" })}>{failing.data?.total ?? 0} failing</a>} />
        <Figure label="Lateness p50" value={<Span ms={p50 === null ? null : p50 * 1000} />} hint="due to started" />
        <Figure label="Lateness p99" value={<Span ms={p99 === null ? null : p99 * 1000} />} hint="of the ticks of this agent" />
      </div>
      {(failing.data?.total ?? 0) > 0 ? (
        <Panel title="Failing" extra={<a href={to.jobs({ status: "failed" })}>All {failing.data!.total}</a>} flush>
          <ul class="lines">{failing.data!.jobs.map((job) => <FailingRow key={job.name} job={job} />)}</ul>
        </Panel>
      ) : null}
      <div class="two">
        <Running />
        <Next list={next.data?.jobs} />
      </div>
      <Outcomes />
      <p class="foot-hint"><Icon name="help" size={14} /> Press <kbd>Ctrl</kbd> <kbd>K</kbd> to go anywhere, <kbd>?</kbd> for all keys.</p>
    </div>
  );
}
