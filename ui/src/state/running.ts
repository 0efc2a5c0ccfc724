// What runs now, all over the cluster: read once, then kept up by events.
import { computed, effect, signal } from "@preact/signals";
import { json } from "../api/http";
import type { Execution } from "../api/types";
import { generation, listen } from "./live";

export interface RunningRun {
  id: string;
  job: string;
  since: string;
  node: string;
  attempt: number;
}
export const running = signal<ReadonlyMap<string, RunningRun>>(new Map());
export const runningJobs = computed(() => {
  const jobs = new Map<string, number>();
  for (const run of running.value.values()) jobs.set(run.job, (jobs.get(run.job) ?? 0) + 1);
  return jobs;
});

interface Busy {
  id: string;
  job_name: string;
  started_at: string;
  node_name: string;
  attempt: number;
}

const ended = new Set<string>(); // since the list was asked for
async function read() {
  ended.clear();
  try {
    const list = await json<Busy[]>("v1/busy");
    const next = new Map<string, RunningRun>();
    for (const b of list) if (!ended.has(b.id)) next.set(b.id, { id: b.id, job: b.job_name, since: b.started_at, node: b.node_name, attempt: b.attempt });
    running.value = next;
  } catch {
    // The old list stays; the page says that it is old.
  }
}

function note(e: Execution, changes: Map<string, RunningRun | null>) {
  if (e.status === "running") {
    changes.set(e.id, { id: e.id, job: e.job, since: e.started_at ?? e.dispatched_at ?? e.decided_at ?? "", node: e.node ?? "", attempt: e.attempt });
  } else {
    ended.add(e.id);
    changes.set(e.id, null);
  }
}

export function startRunning() {
  let pending = new Map<string, RunningRun | null>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Hundreds of events a second make one change of the page.
  const flush = () => {
    timer = undefined;
    const next = new Map(running.value);
    let changed = false;
    for (const [id, run] of pending) {
      if (run) {
        next.set(id, run);
        changed = true;
      } else changed = next.delete(id) || changed;
    }
    pending = new Map();
    if (changed) running.value = next;
  };
  listen((event) => {
    if (event.kind === "execution") note(event.execution, pending);
    else if (event.kind === "execution_deleted") pending.set(event.id, null);
    else return;
    timer ??= setTimeout(flush, 100);
  });
  effect(() => {
    void generation.value;
    void read();
  });
}
