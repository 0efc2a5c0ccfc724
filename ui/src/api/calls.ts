// Every route that the page uses, with its types.
import { ApiError, json, request, type Query } from "./http";
import type {
  Application, AuditEntry, CalendarDay, Shard, Simulation, TokenView, WorkerView,
  Execution, ExecutionPage, Job, Member, NextRuns, Preview, Readiness, Version, Why,
} from "./types";

const enc = encodeURIComponent;
type Abort = { signal?: AbortSignal };

export interface Saved {
  job: Job;
  etag: string;
  warnings: string[];
}

async function saved(response: Response): Promise<Saved> {
  const warnings = [...(response.headers.get("Warning") ?? "").matchAll(/299 \S+ "([^"]*)"/g)].map((m) => m[1]!);
  return { job: (await response.json()) as Job, etag: response.headers.get("ETag") ?? "", warnings };
}

export interface JobPage {
  jobs: Job[];
  total: number;
}

export const jobs = {
  async list(query: Query, { signal }: Abort = {}): Promise<JobPage> {
    const response = await request("v1/jobs", { query, signal });
    const list = (await response.json()) as Job[];
    return { jobs: list, total: Number(response.headers.get("X-Total-Count") ?? list.length) };
  },
  async get(name: string, { signal }: Abort = {}): Promise<Saved> {
    return saved(await request(`v1/jobs/${enc(name)}`, { signal }));
  },
  /** `etag`: only if the job is still that one. `fresh`: only if there is none of the name. */
  async put(job: Partial<Job>, how: { etag?: string; fresh?: boolean }): Promise<Saved> {
    const headers: Record<string, string> = { Prefer: "handling=strict" };
    if (how.etag) headers["If-Match"] = how.etag;
    if (how.fresh) headers["If-None-Match"] = "*";
    return saved(await request(how.fresh ? "v1/jobs" : `v1/jobs/${enc(job.name!)}`, {
      method: how.fresh ? "POST" : "PUT", body: job, headers,
    }));
  },
  /** Throws ApiError with what would be refused. */
  check: (job: Partial<Job>, { signal }: Abort = {}) =>
    json<Job>("v1/jobs", { method: "POST", query: { dry_run: "true" }, body: job, headers: { Prefer: "handling=strict" }, signal }),
  remove: (name: string) => request(`v1/jobs/${enc(name)}`, { method: "DELETE" }),
  /** The new execution's id. */
  async run(name: string, payload?: unknown): Promise<string> {
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const response = await request(`v1/jobs/${enc(name)}/run`, {
      method: "POST",
      headers: { "Idempotency-Key": key },
      ...(payload === undefined ? {} : { body: { payload } }),
    });
    return response.headers.get("Khronos-Execution") ?? "";
  },
  setDisabled: (name: string, disabled: boolean) =>
    json<Job>(`v1/jobs/${enc(name)}/toggle`, { method: "POST", query: { disabled: String(disabled) } }),
  next: (name: string, n: number, { signal }: Abort = {}) =>
    json<NextRuns>(`v1/jobs/${enc(name)}/next`, { query: { n }, signal }),
  why: (name: string, at: string, { signal }: Abort = {}) =>
    json<Why>(`v1/jobs/${enc(name)}/why`, { query: { at }, signal }),
};

export const executions = {
  list: (query: Query, { signal }: Abort = {}) => json<ExecutionPage>("v1/executions", { query, signal }),
  get: (id: string, { signal }: Abort = {}) => json<Execution>(`v1/executions/${enc(id)}`, { signal }),
  cancel: (id: string) => request(`v1/executions/${enc(id)}/cancel`, { method: "POST" }),
  async retry(id: string): Promise<string> {
    const response = await request(`v1/executions/${enc(id)}/retry`, { method: "POST" });
    const body = (await response.json().catch(() => null)) as { id?: string } | null;
    return response.headers.get("Khronos-Execution") ?? body?.id ?? "";
  },
  outputUrl: (id: string) => `v1/executions/${enc(id)}/output`,
};

export const schedule = {
  preview: (body: { schedule: string; timezone: string; name?: string; n?: number; from?: string }, { signal }: Abort = {}) =>
    json<Preview>("v1/schedule/preview", { method: "POST", body, signal }),
};

export const agent = {
  version: ({ signal }: Abort = {}) => json<Version>("version", { signal }),
  members: ({ signal }: Abort = {}) => json<Member[]>("v1/members", { signal }),
  async readiness({ signal }: Abort = {}): Promise<Readiness> {
    try {
      return await json<Readiness>("readyz", { signal });
    } catch (error) {
      if (error instanceof ApiError && error.status === 503) return { ready: false, issues: [error.message] };
      throw error;
    }
  },
  metrics: async ({ signal }: Abort = {}) => (await request("metrics", { signal })).text(),
  paused: async ({ signal }: Abort = {}) => (await json<{ paused: boolean }>("v1/pause", { signal })).paused,
  setPaused: (paused: boolean) => request(paused ? "v1/pause" : "v1/unpause", { method: "POST" }),
};

export const cluster = {
  calendar: (from: string, to: string, { signal }: Abort = {}) => json<{ days: CalendarDay[] }>("v1/calendar", { query: { from, to }, signal }),
  simulate: (days: number, { signal }: Abort = {}) => json<Simulation>("v1/simulate", { query: { days }, signal }),
  shards: ({ signal }: Abort = {}) => json<Shard[]>("v1/shards", { signal }),
  workers: ({ signal }: Abort = {}) => json<WorkerView[]>("v1/workers", { signal }),
  applications: ({ signal }: Abort = {}) => json<Application[]>("v1/applications", { signal }),
  drain: (id: string, undo: boolean) => request(`v1/workers/${enc(id)}/drain`, { method: "POST", query: undo ? { undo: "true" } : {} }),
};

export const tokens = {
  list: ({ signal }: Abort = {}) => json<TokenView[]>("v1/tokens", { signal }),
  create: (body: { name: string; role: string; expires_in?: string }) => json<TokenView & { token: string }>("v1/tokens", { method: "POST", body }),
  revoke: (id: string) => request(`v1/tokens/${enc(id)}`, { method: "DELETE" }),
};

export const audit = {
  list: (query: Query, { signal }: Abort = {}) => json<{ entries: AuditEntry[]; next_cursor: string | null }>("v1/audit", { query, signal }),
};
