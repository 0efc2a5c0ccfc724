// Recent runs over all jobs. The agent lists them by job, so a few pages are read and put in order
// here; events keep them up.
import { executions } from "../api/calls";
import type { Execution } from "../api/types";

const PAGES = 6;

export interface Recent {
  runs: Execution[];
  /** There are more than were read. */
  partial: boolean;
}

/** Newest first. */
export async function recentRuns(query: { since: string; status?: string; job?: string }, signal: AbortSignal): Promise<Recent> {
  const runs: Execution[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const found: Awaited<ReturnType<typeof executions.list>> = await executions.list({ ...query, limit: 1000, cursor }, { signal });
    runs.push(...found.executions);
    cursor = found.next_cursor;
    if (!cursor) break;
  }
  runs.sort((a, b) => (b.scheduled_at ?? "").localeCompare(a.scheduled_at ?? ""));
  return { runs, partial: cursor !== null };
}
