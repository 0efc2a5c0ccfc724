// Runs as bars over jobs or workers, with a line for now; what is to come is dashed.
import { jobs } from "../api/calls";
import type { Execution } from "../api/types";
import { go, route, setQuery, to } from "../lib/router";
import { hasRun, isOpen } from "../lib/stats";
import { clockText, fullTime, parseTime, spanText } from "../lib/time";
import { agentNow } from "../state/clock";
import { recentRuns } from "../state/history";
import { zoneFor } from "../state/prefs";
import { useResource } from "../state/resource";
import { Empty, ErrorNote, Loading, Menu, Page, Panel } from "../parts/basics";
import { toneOf, wordOf } from "../parts/status";

const SPANS: [string, number][] = [["5 minutes", 5], ["30 minutes", 30], ["2 hours", 120], ["12 hours", 720]];
const ROW = 26;
const LANES = 60;

interface Bar { id: string; from: number; to: number; run: Execution }
interface Lane { name: string; bars: Bar[]; coming: number[] }

/** The rows, those with the latest run first; each keeps what overlaps the window. */
export function lanesOf(runs: Execution[], coming: Map<string, number[]>, by: "job" | "worker", from: number, to: number, now: number): Lane[] {
  const lanes = new Map<string, Lane>();
  const lane = (name: string) => {
    let found = lanes.get(name);
    if (!found) lanes.set(name, (found = { name, bars: [], coming: [] }));
    return found;
  };
  for (const run of runs) {
    if (!hasRun(run.status) && !isOpen(run.status)) continue;
    const start = parseTime(run.started_at) ?? parseTime(run.dispatched_at);
    if (start === null) continue;
    const end = parseTime(run.finished_at) ?? now;
    if (end < from || start > to) continue;
    lane(by === "job" ? run.job : run.node || "no worker").bars.push({ id: run.id, from: start, to: end, run });
  }
  if (by === "job") for (const [name, times] of coming) for (const at of times) if (at <= to && at >= now) lane(name).coming.push(at);
  return [...lanes.values()].sort((a, b) => a.name.localeCompare(b.name));
}

export function Timeline() {
  const query = route.value.query;
  const by = query.get("by") === "worker" ? "worker" : "job";
  const only = query.get("job") ?? "";
  const minutes = Number(query.get("minutes")) || 30;
  const now = agentNow();
  const before = minutes * 60_000;
  const from = now - before;
  const until = now + before / 3;
  const history = useResource(`timeline ${minutes} ${only}`, (signal) => recentRuns({ since: new Date(Date.now() - before * 1.2).toISOString(), ...(only ? { job: only } : {}) }, signal), { on: ["execution"], every: 1500 });
  const next = useResource(`timeline next ${minutes} ${only}`, async (signal) => {
    const names = only ? [only] : (await jobs.list({ _sort: "next", _order: "ASC", disabled: "false", _start: 0, _end: 40 }, { signal })).jobs
      .filter((j) => { const at = parseTime(j.next); return at !== null && at < Date.now() + before / 2; }).map((j) => j.name);
    const times = await Promise.all(names.map(async (name) => [name, (await jobs.next(name, 40, { signal })).times.map((t) => parseTime(t)!)] as const));
    return new Map(times);
  }, { on: ["job"], every: 5000 });
  const lanes = history.data ? lanesOf(history.data.runs, next.data ?? new Map(), by, from, until, now) : [];
  const shown = lanes.slice(0, LANES);
  const x = (t: number) => `${(((t - from) / (until - from)) * 100).toFixed(3)}%`;
  const zone = zoneFor();
  const step = [10, 30, 60, 300, 600, 1800, 3600, 7200, 10800].map((s) => s * 1000).find((s) => (until - from) / s <= 8) ?? 14_400_000;
  const marks: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= until; t += step) marks.push(t);
  return (
    <Page title="Timeline" sub={only ? `of ${only}` : `${lanes.length} ${by === "job" ? "jobs" : "workers"} in the last ${spanText(before)}`}>
      <div class="filters">
        <div class="views" role="group" aria-label="Rows">
          <button type="button" aria-pressed={by === "job"} onClick={() => setQuery({ by: "" })}>By job</button>
          <button type="button" aria-pressed={by === "worker"} onClick={() => setQuery({ by: "worker" })}>By worker</button>
        </div>
        <Menu label="Time" kind="quiet" text={`Last ${spanText(before)}`} items={SPANS.map(([label, m]) => ({ label: `Last ${label}`, checked: m === minutes, run: () => setQuery({ minutes: m === 30 ? "" : m }) }))} />
        {only ? <a href={to.timeline()}>All jobs</a> : null}
        <span class="legend"><i class="tone-ok" />succeeded <i class="tone-bad cross" />failed <i class="tone-run" />running <i class="coming" />to come</span>
      </div>
      <ErrorNote error={history.error} />
      <Panel flush>
        {!history.data ? <Loading rows={8} /> : lanes.length === 0 ? <Empty title="Nothing ran in this time, and nothing is due"><p>Look further back, or wait for the next tick.</p></Empty> : (
          <div class="lanes" onClick={(e) => {
            // A bar may be narrower than a finger: keys and readers take the job's page, which lists its runs.
            const id = (e.target as HTMLElement).dataset.run;
            if (id) go(to.execution(id));
          }} tabIndex={0} role="region" aria-label="Timeline of runs">
            <div class="lane lane-head" aria-hidden="true"><span class="lane-name" /><div class="lane-track">{marks.map((t) => <span key={t} class="lane-mark num" style={{ left: x(t) }}>{clockText(t, zone).slice(0, step < 60_000 ? 8 : 5)}</span>)}</div></div>
            <ul>
            {shown.map((lane) => (
              <li key={lane.name} class="lane" style={{ minHeight: `${ROW}px` }}>
                {by === "job" ? <a class="lane-name clip" href={to.job(lane.name)}>{lane.name}</a> : <span class="lane-name clip">{lane.name}</span>}
                <span class="off-screen">{lane.bars.length} runs, {lane.bars.filter((b) => toneOf(b.run.status) === "bad").length} failed, {lane.coming.length} to come</span>
                <div class="lane-track" aria-hidden="true">
                  {marks.map((t) => <span key={t} class="lane-line" style={{ left: x(t) }} />)}
                  {lane.bars.slice(0, 400).map((bar) => {
                    const left = Math.max(bar.from, from);
                    const text = `${bar.run.job}: ${wordOf(bar.run.status)}, ${fullTime(bar.from, zone)}, ${spanText(bar.to - bar.from)}`;
                    return <span key={bar.id} data-run={bar.id} class={`bar tone-${toneOf(bar.run.status)} ${isOpen(bar.run.status) ? "open" : ""}`} style={{ left: x(left), width: `max(3px, ${(((bar.to - left) / (until - from)) * 100).toFixed(3)}%)` }} title={text} />;
                  })}
                  {lane.coming.slice(0, 60).map((t) => <span key={t} class="bar coming" style={{ left: x(t) }} title={`Due ${fullTime(t, zone)}`} />)}
                </div>
              </li>
            ))}
            </ul>
            <div class="lane now-lane" aria-hidden="true"><span class="lane-name" /><div class="lane-track"><span class="now-line" style={{ left: x(now) }} /></div></div>
          </div>
        )}
      </Panel>
      {lanes.length > LANES ? <p class="dim">The first {LANES} of {lanes.length} rows are shown.</p> : null}
    </Page>
  );
}
