// Each tick has a decision, and each decision a reason: also those of the runs that did not happen.
import { useEffect, useState } from "preact/hooks";
import { executions, jobs } from "../api/calls";
import { ApiError } from "../api/http";
import { route, setQuery, to } from "../lib/router";
import { parseTime } from "../lib/time";
import { useResource } from "../state/resource";
import { Button, Empty, ErrorNote, LinkButton, Loading, Page, Panel } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { reasonOf, StatusMark } from "../parts/status";
import { Time } from "../parts/time";

const DECISIONS = { fired: "It was run", skipped: "It was skipped", coalesced: "It was merged into a later tick", none: "There is no decision" } as const;

function Answer({ job, at }: { job: string; at: string }) {
  const found = useResource(`why ${job} ${at}`, (signal) => jobs.why(job, at, { signal }), { on: (e) => e.kind === "execution" && e.execution.job === job });
  if (found.error) return <ErrorNote error={found.error} doing="There is no answer" />;
  if (!found.data) return <Loading rows={2} />;
  const { decision, sentence, execution } = found.data;
  const text = sentence.replace(/\b(\d{4}-\d\d-\d\dT[\d:.]+Z)/g, (t) => t.replace("T", " ").replace("Z", " UTC"));
  return (
    <div class="why-answer" aria-live="polite">
      <p class="big-words">{execution ? <StatusMark mark={execution.status} size={20} /> : <StatusMark mark={decision === "none" ? "never" : decision === "fired" ? "waiting" : decision} size={20} />} {DECISIONS[decision]}</p>
      <p>{text}.</p>
      <div class="actions">
        {execution ? <LinkButton href={to.execution(execution.id)}>Open the run</LinkButton> : null}
        {execution?.blocked_by ? <LinkButton href={to.execution(execution.blocked_by)}>What was in its way</LinkButton> : null}
        <CopyAs command={["why", `${job}@${found.data.at}`]} path={`v1/jobs/${encodeURIComponent(job)}/why?at=${encodeURIComponent(at)}`} />
      </div>
    </div>
  );
}

export function WhyPage() {
  const job = route.value.query.get("job") ?? "";
  const at = route.value.query.get("at") ?? "";
  const [typedJob, setTypedJob] = useState(job);
  const [typedAt, setTypedAt] = useState(at);
  const [names, setNames] = useState<string[]>([]);
  const [problem, setProblem] = useState("");
  useEffect(() => { setTypedJob(job); setTypedAt(at); }, [job, at]);
  useEffect(() => {
    const abort = new AbortController();
    jobs.list({ q: typedJob, _start: 0, _end: 12 }, { signal: abort.signal }).then((page) => setNames(page.jobs.map((j) => j.name)), () => {});
    return () => abort.abort();
  }, [typedJob]);
  const decisions = useResource(job ? `decisions ${job}` : null, (signal) => executions.list({ job, limit: 200 }, { signal }), { on: (e) => e.kind === "execution" && e.execution.job === job });
  const ask = (event: Event) => {
    event.preventDefault();
    const time = typedAt.trim();
    if (time && parseTime(time) === null) return setProblem("A time looks like 2026-11-24T02:30:00Z");
    setProblem("");
    setQuery({ job: typedJob.trim(), at: time ? new Date(parseTime(time)!).toISOString().replace(".000Z", "Z") : "" });
  };
  const missing = decisions.error instanceof ApiError && decisions.error.status === 404;
  return (
    <Page title="Why?" sub="Why a job ran at a time, or why it did not">
      <form class="why-form" onSubmit={ask}>
        <div class="field"><label for="why-job">Job</label><input id="why-job" list="why-jobs" value={typedJob} spellcheck={false} autocomplete="off" onInput={(e) => setTypedJob(e.currentTarget.value)} />
          <datalist id="why-jobs">{names.map((n) => <option key={n} value={n} />)}</datalist></div>
        <div class="field"><label for="why-at">Time, with its zone (empty: the latest)</label><input id="why-at" class="mono" value={typedAt} placeholder="2026-11-24T02:30:00Z" spellcheck={false} autocomplete="off" aria-invalid={problem ? "true" : undefined} onInput={(e) => setTypedAt(e.currentTarget.value)} />
          {problem ? <p class="field-error" role="alert">{problem}</p> : null}</div>
        <Button kind="primary" type="submit">Ask</Button>
      </form>
      {job && !missing ? <Panel title={at ? <>{job} at <Time at={at} /></> : `${job}, latest decision`}><Answer job={job} at={at} /></Panel> : null}
      {missing ? <Empty title={`There is no job called ${job}`} /> : null}
      {!job ? <Empty title="Ask about a job"><p>Every tick of a schedule is decided exactly once, and the decision is kept with its reason: that it ran, that the last run was still going, that the agent was down and a later tick took its place.</p></Empty> : null}
      {decisions.data ? (
        <Panel title="Its decisions" flush class="gap-above">
          {decisions.data.executions.length === 0 ? <Empty title="None yet" /> : (
            <div class="table-box"><table class="table">
              <thead><tr><th scope="col">Tick</th><th scope="col">Decision</th><th scope="col">Reason</th><th scope="col" class="r">Ticks</th><th scope="col"><span class="off-screen">Ask</span></th></tr></thead>
              <tbody>{decisions.data.executions.map((e) => (
                <tr key={e.id}>
                  <td><Time at={e.scheduled_at} /></td>
                  <td><StatusMark mark={e.status} label /></td>
                  <td class="dim">{reasonOf(e.reason)}{e.message ? ` ${e.message}` : ""}{e.blocked_by ? <> <a href={to.execution(e.blocked_by)}>by this run</a></> : null}</td>
                  <td class="r num">{e.range ? `${e.range.count}${e.range.at_least ? "+" : ""}` : "1"}</td>
                  <td><a href={to.why({ job, at: e.scheduled_at })}>Why?</a></td>
                </tr>
              ))}</tbody>
            </table></div>
          )}
        </Panel>
      ) : null}
    </Page>
  );
}
