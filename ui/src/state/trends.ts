// The last runs of the jobs on the screen, for their little bars. Read when a row is looked at, and
// kept up by events.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { executions } from "../api/calls";
import type { Execution } from "../api/types";
import { Queue, Recent } from "../lib/queue";
import { listen } from "./live";

const LENGTH = 20;
const kept = new Recent<string, Signal<Execution[] | null>>(600);
const queue = new Queue(3);

export function withRun(runs: Execution[], run: Execution, length: number): Execution[] {
  const at = runs.findIndex((r) => r.id === run.id);
  if (at >= 0) return runs.map((r, i) => (i === at ? run : r));
  // By identity: a tick may be decided before an older manual run is told.
  return [run, ...runs].sort((a, b) => (b.scheduled_at ?? "").localeCompare(a.scheduled_at ?? "")).slice(0, length);
}

let started = false;
function start() {
  if (started) return;
  started = true;
  listen((event) => {
    if (event.kind !== "execution") return;
    const trend = kept.get(event.execution.job);
    if (trend?.value) trend.value = withRun(trend.value, event.execution, LENGTH);
  });
}

/** Null until they are read. */
export function useTrend(job: string): Execution[] | null {
  start();
  let trend = kept.get(job);
  if (!trend) kept.set(job, (trend = signal(null)));
  const [, redraw] = useState(0);
  useEffect(() => {
    const mine = trend;
    let wanted = true;
    const stop = mine.subscribe(() => redraw((n) => n + 1));
    // A row that is only scrolled past asks nothing.
    const timer = mine.value ? undefined : setTimeout(() => queue.add(async () => {
      mine.value = (await executions.list({ job, limit: LENGTH })).executions;
    }, () => wanted && !mine.value), 120);
    return () => {
      wanted = false;
      clearTimeout(timer);
      stop();
    };
  }, [job, trend]);
  return trend.value;
}
