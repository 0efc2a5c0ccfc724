// What one can do to a job or a run, with what is said afterwards.
import { executions, jobs } from "../api/calls";
import { ApiError } from "../api/http";
import type { Job } from "../api/types";
import { listen } from "../state/live";
import { attempt, toast } from "../state/toasts";
import { parseTime } from "./time";
import { go, to } from "./router";

/** Until the run is decided, which is when there is something to see; not for long. */
function decided(id: string): Promise<void> {
  return new Promise((done) => {
    const stop = listen((event) => {
      if (event.kind === "execution" && event.execution.id === id) finish();
    });
    const timer = setTimeout(finish, 1000);
    function finish() {
      clearTimeout(timer);
      stop();
      done();
    }
  });
}

export async function runNow(name: string, payload?: unknown, open = false): Promise<string | undefined> {
  const id = await attempt(`${name} was not run`, () => jobs.run(name, payload));
  if (id === undefined) return undefined;
  if (open && id) {
    await decided(id);
    go(to.execution(id));
  } else toast(`${name} was asked to run`, "ok", id ? { label: "Watch", run: () => go(to.execution(id)) } : undefined);
  return id;
}

export async function setPaused(name: string, paused: boolean): Promise<boolean> {
  const done = await attempt(`${name} was not ${paused ? "paused" : "resumed"}`, () => jobs.setDisabled(name, paused));
  if (!done) return false;
  toast(paused ? `${name} is paused: its ticks are recorded as skipped` : `${name} is resumed`, "ok", {
    label: "Undo",
    run: () => void setPaused(name, !paused),
  });
  return true;
}

/** The job without what the agent counts and computes: what an editor saves again. */
export function definitionOf(job: Job): Partial<Job> {
  const {
    id: _id, success_count: _s, error_count: _e, last_success: _ls, last_error: _le, status: _st,
    next: _n, dependent_jobs: _d, ...rest
  } = job;
  return rest;
}

async function moveStart(name: string, starts_at: string | null): Promise<string | null> {
  const { job, etag } = await jobs.get(name);
  await jobs.put({ ...definitionOf(job), starts_at }, { etag });
  return job.starts_at;
}

/** Leaves one coming tick out: the job may not start before the moment after it. */
export async function skipTick(name: string, tick: string): Promise<boolean> {
  const at = parseTime(tick);
  if (at === null) return false;
  const after = new Date(Math.floor(at / 1000) * 1000 + 1000).toISOString();
  try {
    const before = await moveStart(name, after);
    toast(`${name} will not run at that time`, "ok", {
      label: "Undo",
      run: () => void attempt("Not undone", () => moveStart(name, before)),
    });
    return true;
  } catch (error) {
    toast(`Not skipped: ${error instanceof ApiError ? error.message : String(error)}`, "bad");
    return false;
  }
}

export async function cancelRun(id: string, job: string): Promise<boolean> {
  return (await attempt("Not cancelled", () => executions.cancel(id))) ? (toast(`The run of ${job} is being cancelled`), true) : false;
}

export async function retryRun(id: string, job: string): Promise<void> {
  const next = await attempt("Not run again", async () => {
    try {
      return await executions.retry(id);
    } catch (error) {
      // An agent that cannot run the old one again can run the job as it is now.
      if (error instanceof ApiError && error.status === 501) return jobs.run(job);
      throw error;
    }
  });
  if (next) {
    await decided(next);
    go(to.execution(next));
    toast(`${job} runs again`);
  }
}

/** True when it is gone. */
export async function removeJob(name: string): Promise<boolean> {
  const { job } = (await attempt(`${name} was not deleted`, () => jobs.get(name))) ?? {};
  if (!job) return false;
  if (!(await attempt(`${name} was not deleted`, () => jobs.remove(name)))) return false;
  toast(`${name} is deleted`, "ok", {
    label: "Undo",
    run: () => void attempt("Not made again", async () => {
      await jobs.put(definitionOf(job), { fresh: true });
      go(to.job(name));
    }),
  });
  return true;
}
