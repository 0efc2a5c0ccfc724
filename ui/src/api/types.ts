// The JSON that an agent speaks. Times are RFC 3339 texts, durations Go's ("1h30m10s").

export type Status =
  | "waiting"
  | "running"
  | "retry_wait"
  | "succeeded"
  | "failed"
  | "timed_out"
  | "cancelled"
  | "lost"
  | "skipped"
  | "coalesced"
  | "unknown";

export type StringMap = Record<string, string>;

/** Dkron's shape, and ours where they differ from their defaults. */
export interface Job {
  id: string;
  name: string;
  displayname: string;
  timezone: string;
  schedule: string;
  owner: string;
  owner_email: string;
  success_count: number;
  error_count: number;
  last_success: string | null;
  last_error: string | null;
  disabled: boolean;
  tags: StringMap | null;
  metadata: StringMap | null;
  retries: number;
  dependent_jobs: string[] | null;
  parent_job: string;
  concurrency: string;
  executor: string;
  executor_config: StringMap | null;
  /** "" never ran, success, failed, partially_failed */
  status: string;
  next: string;
  ephemeral: boolean;
  starts_at: string | null;
  expires_at: string | null;
  description?: string;
  application?: string;
  expect?: string;
  [key: string]: unknown;
}

export interface Attempt {
  attempt: number;
  token: number;
  worker: string;
  node: string;
  started_at: string | null;
  finished_at: string | null;
  outcome: string;
  exit_code: number;
  signal: number;
  message: string | null;
}

export interface Execution {
  id: string;
  job: string;
  uid: string;
  generation: number;
  trigger: "tick" | "manual" | "child" | "backfill" | "retry" | "unknown";
  status: Status;
  reason: string | null;
  blocked_by: string | null;
  scheduled_at: string | null;
  decided_at: string | null;
  decided_by: string;
  range?: { from: string; to: string; count: number; at_least: boolean };
  coalesced_into?: string;
  attempt: number;
  token: number;
  worker: string | null;
  node: string | null;
  not_before: string | null;
  dispatched_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  exit_code: number;
  signal: number;
  message: string | null;
  output_tail: string;
  output_bytes: number;
  failed_count: number;
  lost_count: number;
  payload?: unknown;
  attempts: Attempt[];
}

export interface ExecutionPage {
  executions: Execution[];
  next_cursor: string | null;
}

export interface NextRuns {
  job: string;
  schedule: string;
  timezone: string;
  words: string;
  disabled: boolean;
  times: string[];
}

export interface Why {
  job: string;
  at: string;
  decision: "fired" | "skipped" | "coalesced" | "none";
  sentence: string;
  execution: Execution | null;
}

export type Preview =
  | { valid: true; words: string; timezone: string; times: string[]; remarks: string[] }
  | { valid: false; error: { message: string; hint: string; offset: number; length: number } };

export interface Member {
  Name: string;
  Addr: string;
  Port: number;
  Tags: StringMap;
  Status: number;
  statusText: string;
}

export interface Version {
  name: string;
  version: string;
  node: string;
  environment: string;
  backend: string;
  cluster_id: string;
  started_at: string;
}

export interface Readiness {
  ready: boolean;
  issues: string[];
}

export interface SimulatedJob {
  name: string;
  ticks: number;
  runs: number;
  skipped: number;
  late: number;
  most_at_once: number;
}
/** The coming days, as the scheduler's engine reckons them. */
export interface Simulation {
  from: string;
  until: string;
  /** Before `until` where there was too much to reckon. */
  reached: string;
  truncated: boolean;
  jobs_all: number;
  jobs_counted: number;
  slots: number;
  runs: number;
  skipped: number;
  late: number;
  overlapping_jobs: number;
  /** Full hours of UTC, the first holds `from`. */
  hours: { at: string; runs: number; at_once: number }[];
  clock_changes: string[];
  /** Those that skip or are late first, then the busiest. */
  jobs: SimulatedJob[];
}

export interface CalendarDay {
  date: string;
  succeeded: number;
  failed: number;
  timed_out: number;
  cancelled: number;
  lost: number;
  scheduled: number;
  estimated: boolean;
}

export interface Shard {
  shard: number;
  node: string | null;
  agent: string | null;
  epoch: number;
  decided_up_to?: string | null;
}

export interface WorkerView {
  id: string;
  node: string;
  state: "ready" | "draining" | "suspect" | "gone";
  applications: string[];
  tags: StringMap;
  slots: number;
  used: number;
  version: string;
  last_heartbeat: string | null;
  agents: string[];
}

export interface Application {
  name: string;
  workers: number;
  ready: number;
  slots: number;
  used: number;
}

export interface TokenView {
  id: string;
  name: string;
  owner: string;
  role: string;
  created_at: string | null;
  created_by: string;
  expires_at: string | null;
  expired: boolean;
}

export interface AuditEntry {
  at?: string;
  time?: string;
  actor?: string;
  address?: string;
  action?: string;
  object?: string;
  before?: unknown;
  after?: unknown;
}
