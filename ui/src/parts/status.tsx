// A state, told by shape, by colour and in words.
import type { Execution, Job, Status } from "../api/types";

export type Mark = Status | "never" | "paused" | "partially_failed" | "late" | "ok" | "warn" | "down";

const WORDS: Record<Mark, string> = {
  waiting: "Waiting",
  running: "Running",
  retry_wait: "Retrying",
  succeeded: "Succeeded",
  failed: "Failed",
  timed_out: "Timed out",
  cancelled: "Cancelled",
  lost: "Lost",
  skipped: "Skipped",
  coalesced: "Coalesced",
  unknown: "Unknown",
  never: "Never ran",
  paused: "Paused",
  partially_failed: "Partly failed",
  late: "Late",
  ok: "Well",
  warn: "Warning",
  down: "Down",
};
export const wordOf = (mark: Mark) => WORDS[mark] ?? mark;

export type Tone = "ok" | "bad" | "run" | "warn" | "mute";
export function toneOf(mark: Mark): Tone {
  switch (mark) {
    case "succeeded":
    case "ok":
      return "ok";
    case "failed":
    case "timed_out":
    case "lost":
    case "down":
      return "bad";
    case "running":
      return "run";
    case "retry_wait":
    case "waiting":
    case "partially_failed":
    case "late":
    case "warn":
      return "warn";
    default:
      return "mute";
  }
}

function Shape({ mark }: { mark: Mark }) {
  switch (mark) {
    case "succeeded":
    case "ok":
      return <><circle cx="8" cy="8" r="6.5" class="fill" /><path d="m5 8.2 2.1 2.1L11 6.2" class="cut" /></>;
    case "failed":
    case "down":
      return <><path d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z" class="fill" /><path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" class="cut" /></>;
    case "partially_failed":
    case "warn":
      return <><path d="M8 1.6 15 14H1z" class="fill" /><path d="M8 6.3v3.4M8 11.7v.1" class="cut" /></>;
    case "timed_out":
      return <><path d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z" class="fill" /><path d="M8 4.8V8l2.3 1.6" class="cut" /></>;
    case "lost":
      return <><circle cx="8" cy="8" r="6" class="line dashed" /><path d="M6.3 6.4a1.8 1.8 0 1 1 2.6 1.5c-.6.4-.9.7-.9 1.4M8 11.3v.1" class="line" /></>;
    case "cancelled":
      return <><circle cx="8" cy="8" r="6" class="line" /><path d="m4 12 8-8" class="line" /></>;
    case "skipped":
      return <><circle cx="8" cy="8" r="6" class="line" /><path d="M5 8h6" class="line" /></>;
    case "coalesced":
      return <><circle cx="8" cy="8" r="6" class="line" /><path d="M5 6h2.3L9 8h2.2M5 10h2.3" class="line" /></>;
    case "running":
      return <><circle cx="8" cy="8" r="6" class="line faint" /><path d="M8 2a6 6 0 0 1 6 6" class="line spin" /><circle cx="8" cy="8" r="2" class="fill" /></>;
    case "retry_wait":
      return <path d="M13.3 8A5.3 5.3 0 1 1 11.7 4.2M13.5 1.8v3.4h-3.4" class="line" />;
    case "waiting":
    case "late":
      return <><circle cx="8" cy="8" r="6" class="line" /><path d="M8 4.6V8l2.2 1.5" class="line" /></>;
    case "paused":
      return <><circle cx="8" cy="8" r="6" class="line" /><path d="M6.4 5.7v4.6M9.6 5.7v4.6" class="line" /></>;
    default:
      return <circle cx="8" cy="8" r="6" class="line dashed" />;
  }
}

/** Alone it says its word to those who cannot see it; `label` writes the word beside it. */
export function StatusMark({ mark, label = false, size = 16, text }: { mark: Mark; label?: boolean; size?: number; text?: string }) {
  const word = text ?? wordOf(mark);
  return (
    <span class={`status tone-${toneOf(mark)}`}>
      <svg width={size} height={size} viewBox="0 0 16 16" focusable="false" {...(label ? { "aria-hidden": "true" } : { role: "img", "aria-label": word })}>
        {label ? null : <title>{word}</title>}
        <Shape mark={mark} />
      </svg>
      {label ? <span>{word}</span> : null}
    </span>
  );
}

/** What a job's row shows: what it does now counts more than how it ended last. */
export function markOfJob(job: Job, running = false): Mark {
  if (running) return "running";
  if (job.disabled) return "paused";
  if (job.status === "success") return "succeeded";
  if (job.status === "failed") return "failed";
  if (job.status === "partially_failed") return "partially_failed";
  return "never";
}

const REASONS: Record<string, string> = {
  concurrency: "still running",
  misfire_skip: "missed; misfire is skip",
  misfire_limit: "missed; over misfire_limit",
  misfire_once: "missed; a later one ran",
  disabled: "job was disabled",
  paused: "job was paused",
  expired: "job had expired",
  queue_full: "queue was full",
  late: "decided late",
  caught_up: "caught up",
  no_worker: "no free worker",
  no_executor: "no such executor",
  start_failed: "could not start",
  deadline: "guard passed",
  deleted: "job was deleted",
  user: "by a person",
  poison: "lost two workers",
  worker_lost: "worker was lost",
};
export const reasonOf = (reason: string | null) => (reason ? (REASONS[reason] ?? reason.replaceAll("_", " ")) : "");

const SIGNALS: Record<number, string> = { 1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM" };
/** "exit 3", "SIGKILL", "" while it runs or where there is nothing to say. */
export function exitOf(e: { exit_code: number; signal: number; finished_at: string | null; started_at: string | null }): string {
  if (!e.finished_at || !e.started_at) return "";
  if (e.signal) return SIGNALS[e.signal] ?? `signal ${e.signal}`;
  return `exit ${e.exit_code}`;
}

const TRIGGERS: Record<Execution["trigger"], string> = {
  tick: "schedule",
  manual: "by hand",
  child: "parent",
  backfill: "backfill",
  retry: "retry",
  unknown: "unknown",
};
export const triggerOf = (e: Execution) => TRIGGERS[e.trigger] ?? e.trigger;
