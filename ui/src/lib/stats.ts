// Figures over a handful of runs.
import type { Execution, Status } from "../api/types";
import { exactTime } from "./time";

export function percentile(sorted: number[], q: number): number | null {
  if (sorted.length === 0) return null;
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

/** Milliseconds from start to end, if it has both. */
export function durationOf(e: Execution): number | null {
  const start = exactTime(e.started_at);
  const end = exactTime(e.finished_at);
  return start === null || end === null ? null : Math.max(0, end - start);
}
/** Milliseconds from when it was due to when its process started. */
export function latenessOf(e: Execution): number | null {
  const due = exactTime(e.scheduled_at);
  const start = exactTime(e.started_at);
  if (due === null || start === null || e.attempt > 1 || e.trigger !== "tick") return null;
  return Math.max(0, start - due);
}

export const isOpen = (s: Status) => s === "waiting" || s === "running" || s === "retry_wait";
export const isBad = (s: Status) => s === "failed" || s === "timed_out" || s === "lost";
export const hasRun = (s: Status) => s === "succeeded" || isBad(s) || s === "cancelled";

export interface RunFigures {
  ended: number;
  succeeded: number;
  successRate: number | null;
  p50: number | null;
  p95: number | null;
  latenessP50: number | null;
  latenessP95: number | null;
}

export function figuresOf(runs: Execution[]): RunFigures {
  const durations: number[] = [];
  const lateness: number[] = [];
  let ended = 0;
  let succeeded = 0;
  for (const run of runs) {
    if (hasRun(run.status)) {
      ended++;
      if (run.status === "succeeded") succeeded++;
      const ms = durationOf(run);
      if (ms !== null) durations.push(ms);
    }
    const late = latenessOf(run);
    if (late !== null) lateness.push(late);
  }
  durations.sort((a, b) => a - b);
  lateness.sort((a, b) => a - b);
  return {
    ended,
    succeeded,
    successRate: ended ? succeeded / ended : null,
    p50: percentile(durations, 0.5),
    p95: percentile(durations, 0.95),
    latenessP50: percentile(lateness, 0.5),
    latenessP95: percentile(lateness, 0.95),
  };
}
