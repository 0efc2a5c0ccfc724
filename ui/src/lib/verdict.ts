// One sentence for the whole cluster: the worst that is known, with a link to its cause.
import type { Member, Readiness } from "../api/types";
import { to } from "./router";
import { spanText } from "./time";

export interface Cause {
  tone: "bad" | "warn";
  text: string;
  detail?: string;
  href?: string;
}

export interface Seen {
  /** Seconds without a sign of life. */
  silence: number;
  ready: Readiness | undefined;
  members: Member[] | undefined;
  failing: number;
  failingName?: string | undefined;
  partial: number;
  paused: boolean;
  waiting: number;
  /** Seconds. */
  latenessP99: number | null;
}

const LATE = 5;

/** The worst first. Empty: all is well. */
export function verdictOf(seen: Seen): Cause[] {
  const causes: Cause[] = [];
  if (seen.silence > 0)
    causes.push({ tone: "bad", text: `No signal for ${spanText(seen.silence * 1000)}`, detail: "What is shown below is what was last heard. " });
  for (const issue of seen.ready?.issues ?? [])
    causes.push({ tone: seen.ready!.ready ? "warn" : "bad", text: issue.charAt(0).toUpperCase() + issue.slice(1), href: to.cluster() });
  const gone = (seen.members ?? []).filter((m) => m.Status === 4);
  if (gone.length > 0)
    causes.push({ tone: "bad", text: gone.length === 1 ? `Agent ${gone[0]!.Name} is gone` : `${gone.length} agents are gone`, href: to.cluster() });
  if (seen.failing === 1 && seen.failingName) causes.push({ tone: "bad", text: `${seen.failingName} fails`, href: to.job(seen.failingName), detail: "Its last run did not succeed. " });
  else if (seen.failing > 0) causes.push({ tone: "bad", text: `${seen.failing.toLocaleString("en")} jobs fail`, href: to.jobs({ status: "failed" }), detail: "Their last run did not succeed. " });
  if (seen.partial > 0) causes.push({ tone: "warn", text: `${seen.partial} ${seen.partial === 1 ? "job fails" : "jobs fail"} in part`, href: to.jobs({ status: "partially_failed" }) });
  if (seen.latenessP99 !== null && seen.latenessP99 > LATE)
    causes.push({ tone: "warn", text: `Runs start late: p99 is ${spanText(seen.latenessP99 * 1000)}`, href: to.timeline() });
  if (seen.waiting > 20) causes.push({ tone: "warn", text: `${seen.waiting} runs wait for a worker`, href: to.workers() });
  if (seen.paused) causes.push({ tone: "warn", text: "New jobs are refused: submissions are paused", href: to.cluster() });
  return causes;
}
