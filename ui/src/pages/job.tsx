// One job: when it runs, how it ran, what it is.
import { useState } from "preact/hooks";
import { executions, jobs, schedule } from "../api/calls";
import { ApiError } from "../api/http";
import type { Execution, Job } from "../api/types";
import { definitionOf, setPaused, skipTick } from "../lib/actions";
import { useKeys } from "../lib/keys";
import { go, route, setQuery, to } from "../lib/router";
import { durationOf, figuresOf, latenessOf } from "../lib/stats";
import { useResource } from "../state/resource";
import { runningJobs } from "../state/running";
import { withRun } from "../state/trends";
import { useWords } from "../state/words";
import { Button, Code, Empty, ErrorNote, Facts, Figure, LinkButton, Loading, Menu, Page, Panel, Tabs } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { DurationChart } from "../parts/charts";
import { Icon } from "../parts/icons";
import { Revisions } from "../parts/revisions";
import { RunDialog } from "../parts/run-dialog";
import { RunGrid } from "../parts/runs";
import { exitOf, markOfJob, reasonOf, StatusMark, triggerOf, wordOf } from "../parts/status";
import { Ticks } from "../parts/ticks";
import { Ago, Elapsed, Span, Time } from "../parts/time";
import { RemoveDialog } from "./jobs";

const PAGE = 100;

export function RunTable({ runs, zone, showJob = false }: { runs: Execution[]; zone?: string; showJob?: boolean }) {
  return (
    <div class="table-box">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Result</th>
            {showJob ? <th scope="col">Job</th> : null}
            <th scope="col">Due</th>
            <th scope="col" class="r">Late</th>
            <th scope="col" class="r">Took</th>
            <th scope="col">Exit</th>
            <th scope="col">Worker</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((e) => {
            const z = zone ?? null;
            return (
              <tr key={e.id}>
                <td><a class="cell-link" href={to.execution(e.id)}><StatusMark mark={e.status} label /></a></td>
                {showJob ? <td><a href={to.job(e.job)}>{e.job}</a></td> : null}
                <td><Time at={e.scheduled_at} zone={z} />{e.range ? <span class="dim"> and {e.range.count - 1}{e.range.at_least ? "+" : ""} more</span> : null}</td>
                <td class="r dim"><Span ms={latenessOf(e)} none="" /></td>
                <td class="r">{e.status === "running" ? <Elapsed since={e.started_at ?? e.dispatched_at} /> : <Span ms={durationOf(e)} none="" />}</td>
                <td class="dim">{exitOf(e)}{e.attempt > 1 ? ` · try ${e.attempt}` : ""}</td>
                <td class="dim clip">{e.node ?? ""}</td>
                <td class="dim clip">{[reasonOf(e.reason) || (e.trigger === "tick" ? "" : triggerOf(e)), e.message ?? ""].filter(Boolean).join(": ")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Upcoming({ job }: { job: Job }) {
  const next = useResource(job.disabled ? null : `next ${job.name}`, async (signal) => {
    const [ticks, preview] = await Promise.all([
      jobs.next(job.name, 8, { signal }),
      schedule.preview({ schedule: job.schedule, timezone: job.timezone, name: job.name, n: 8 }, { signal }).catch(() => null),
    ]);
    return { ...ticks, remarks: preview?.valid ? preview.remarks : [] };
  }, { on: (e) => e.kind === "job" && e.job.name === job.name, every: 1500 });
  return (
    <Panel title="Next" extra={<a href={to.timeline({ job: job.name })}>Timeline</a>} flush>
      {job.disabled ? <Empty title="Paused"><p>Its ticks are recorded as skipped until it is resumed; nothing is made up for.</p></Empty>
        : next.error ? <ErrorNote error={next.error} />
        : !next.data ? <Loading />
        : next.data.times.length === 0 ? <Empty title="No coming tick"><p>It runs when it is asked to.</p></Empty>
        : <Ticks times={next.data.times} zone={next.data.timezone} remarks={next.data.remarks} onSkip={(at) => void skipTick(job.name, at).then(() => next.reload())} />}
    </Panel>
  );
}

function RunsView({ job, runs, loaded, error, more, loadMore }: { job: Job; runs: Execution[]; loaded: boolean; error: ApiError | null; more: boolean; loadMore: () => void }) {
  const decided = route.value.query.get("all") === "1";
  const shown = decided ? runs : runs.filter((e) => e.status !== "skipped" && e.status !== "coalesced");
  if (error) return <ErrorNote error={error} />;
  if (!loaded) return <Loading rows={6} />;
  if (runs.length === 0)
    return <Empty title="It has not run yet"><p>{job.disabled ? "It is paused." : job.schedule ? "Its first tick is still to come; you can run it now." : "It runs when it is asked to."}</p></Empty>;
  return (
    <>
      <RunGrid runs={runs} zone={job.timezone} />
      <DurationChart runs={runs} zone={job.timezone} />
      <div class="list-head">
        <label class="check"><input type="checkbox" checked={decided} onChange={(e) => setQuery({ all: e.currentTarget.checked ? "1" : "" })} /><span>Skipped ticks too</span></label>
      </div>
      {shown.length === 0 ? <Empty title="Only skipped ticks so far" /> : <RunTable runs={shown} zone={job.timezone} />}
      {more ? <div class="actions center"><Button onClick={loadMore}>Older runs</Button></div> : null}
    </>
  );
}

export function JobPage() {
  const name = route.value.params.job!;
  const tab = route.value.query.get("tab") ?? "runs";
  const [asking, setAsking] = useState<"run" | "remove" | null>(null);
  const [older, setOlder] = useState<{ job: string; runs: Execution[]; cursor: string | null } | null>(null);
  const saved = useResource(`job ${name}`, (signal) => jobs.get(name, { signal }), {
    on: (e) => (e.kind === "job" && e.job.name === name) || (e.kind === "job_deleted" && e.name === name),
    every: 500,
  });
  const history = useResource(`runs ${name}`, (signal) => executions.list({ job: name, limit: PAGE }, { signal }), {
    on: (e) => e.kind === "execution" && e.execution.job === name,
    every: 700,
  });
  useKeys({
    r: () => setAsking("run"),
    e: () => go(to.edit(name)),
  });

  if (saved.error?.status === 404)
    return <Page title={name} crumbs={<a href={to.jobs()}>Jobs</a>}><Empty title="There is no such job" actions={<LinkButton href={to.jobs()}>All jobs</LinkButton>}><p>It may have been deleted, or called something else.</p></Empty></Page>;
  const job = saved.data?.job;
  if (!job) return <Page title={name} crumbs={<a href={to.jobs()}>Jobs</a>}><ErrorNote error={saved.error} />{saved.error ? null : <Loading rows={6} />}</Page>;

  const extra = older?.job === name ? older : null;
  let runs = history.data?.executions ?? [];
  if (extra) for (const run of extra.runs) runs = runs.some((r) => r.id === run.id) ? runs : withRun(runs, run, 10_000);
  const cursor = extra ? extra.cursor : (history.data?.next_cursor ?? null);
  const loadMore = async () => {
    if (!cursor) return;
    const page = await executions.list({ job: name, limit: PAGE, cursor });
    setOlder({ job: name, runs: [...(extra?.runs ?? []), ...page.executions], cursor: page.next_cursor });
  };
  const figures = figuresOf(runs);
  const active = (runningJobs.value.get(name) ?? 0) > 0;
  const definition = JSON.stringify(definitionOf(job), null, 2);
  const enc = encodeURIComponent(name);

  return (
    <Page
      crumbs={<a href={to.jobs()}>Jobs</a>}
      title={<><StatusMark mark={markOfJob(job, active)} size={20} /> {job.displayname || job.name}</>}
      sub={job.displayname || job.description ? <>{job.displayname ? <code>{job.name}</code> : null} {job.description ?? ""}</> : null}
      actions={<>
        <Button icon="play" kind="primary" onClick={() => setAsking("run")}>Run now</Button>
        <Button icon={job.disabled ? "play" : "pause"} onClick={() => void setPaused(name, !job.disabled).then(() => saved.reload())}>{job.disabled ? "Resume" : "Pause"}</Button>
        <LinkButton icon="edit" href={to.edit(name)}>Edit</LinkButton>
        <CopyAs command={["job", "get", name]} path={`v1/jobs/${enc}`} more={[{ label: "Copy definition as JSON", text: definition }]} />
        <Menu label="More" icon="more" items={[{ label: "Why did it (not) run?", icon: "why", run: () => go(to.why({ job: name })) }, { label: "Copy into a new job", icon: "copy", run: () => go(to.newJob({ from: name })) }, { label: "Delete", icon: "trash", danger: true, run: () => setAsking("remove") }]} />
      </>}>
      <div class="figures">
        <Figure label="Last result" value={<span class="figure-words">{wordOf(markOfJob({ ...job, disabled: false }, active))}</span>} hint={<Ago at={job.last_success && (!job.last_error || job.last_success > job.last_error) ? job.last_success : job.last_error} zone={job.timezone} none="never ran" />} />
        <Figure label="Success" value={figures.successRate === null ? "–" : `${(figures.successRate * 100).toFixed(figures.successRate === 1 ? 0 : 1)}%`} hint={`of the last ${figures.ended}`} />
        <Figure label="Took, p50" value={<Span ms={figures.p50} />} hint={<>p95 <Span ms={figures.p95} /></>} />
        <Figure label="Started late, p50" value={<Span ms={figures.latenessP50} />} hint={<>p95 <Span ms={figures.latenessP95} /></>} />
        <Figure label="All time" value={job.success_count.toLocaleString("en")} hint={`${job.error_count.toLocaleString("en")} failed`} />
      </div>
      <Tabs current={tab} href={(id) => to.job(name, { tab: id === "runs" ? "" : id })} tabs={[{ id: "runs", label: "Runs" }, { id: "definition", label: "Definition" }, { id: "revisions", label: "Revisions" }]} />
      {tab === "definition" ? (
        <div class="two">
          <Panel title="Definition"><Code>{definition}</Code></Panel>
          <Panel title="What it means"><Facts rows={factsOf(job)} /></Panel>
        </div>
      ) : tab === "revisions" ? (
        <Revisions job={job} />
      ) : (
        <div class="side-by-side">
          <Panel title="Runs" flush class="pad">
            <RunsView job={job} runs={runs} loaded={history.data !== undefined} error={history.data ? null : history.error} more={cursor !== null} loadMore={() => void loadMore()} />
          </Panel>
          <div class="stack">
            <Panel title="Schedule">
              <ScheduleWords job={job} />
            </Panel>
            <Upcoming job={job} />
          </div>
        </div>
      )}
      {asking === "run" ? <RunDialog job={job} onClose={() => setAsking(null)} /> : null}
      {asking === "remove" ? <RemoveDialog names={[name]} onClose={() => setAsking(null)} onDone={() => go(to.jobs())} /> : null}
    </Page>
  );
}

function ScheduleWords({ job }: { job: Job }) {
  const words = useWords(job.schedule, job.timezone);
  return (
    <div class="schedule-words">
      <p class="big-words">{words ?? "…"}</p>
      <p><code>{job.schedule || "no schedule"}</code> {job.timezone ? <span class="chip"><Icon name="globe" size={12} /> {job.timezone}</span> : job.schedule.startsWith("@every") ? null : <span class="chip">UTC</span>}</p>
      {job.starts_at ? <p class="dim">Not before <Time at={job.starts_at} zone={job.timezone} /></p> : null}
      {job.expires_at ? <p class="dim">Not after <Time at={job.expires_at} zone={job.timezone} /></p> : null}
    </div>
  );
}

function factsOf(job: Job): [string, string][] {
  const maps = (m: Record<string, string> | null) => Object.entries(m ?? {}).map(([k, v]) => `${k}=${v}`).join(", ");
  const rows: [string, unknown][] = [
    ["Executor", job.executor],
    ["Application", job.application ?? "default"],
    ["Concurrency", job.concurrency],
    ["Retries", job.retries],
    ["On failure", job.on_failure ?? "failover"],
    ["Time-out", job.timeout ?? "none"],
    ["Missed ticks", job.misfire ?? "once"],
    ["Tags", maps(job.tags) || "any one worker"],
    ["Metadata", maps(job.metadata)],
    ["Owner", job.owner],
    ["Runs after", job.parent_job],
    ["After the first success", job.ephemeral ? "deleted" : ""],
  ];
  return rows.filter(([, v]) => v !== "" && v !== undefined && v !== null).map(([k, v]) => [k, String(v)]);
}
