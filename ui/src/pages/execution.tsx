// One run: its output as it comes, and each step of its way with milliseconds.
import type { ComponentChildren } from "preact";
import { executions } from "../api/calls";
import type { Attempt, Execution } from "../api/types";
import { cancelRun, retryRun } from "../lib/actions";
import { route, to } from "../lib/router";
import { isOpen, durationOf } from "../lib/stats";
import { exactTime, fullTime, spanText } from "../lib/time";
import { zoneFor } from "../state/prefs";
import { useResource } from "../state/resource";
import { Button, Code, Empty, ErrorNote, Facts, LinkButton, Loading, Page, Panel } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { Output } from "../parts/output";
import { exitOf, reasonOf, StatusMark, triggerOf, wordOf } from "../parts/status";
import { Ago, Elapsed, Span, Time } from "../parts/time";

interface Step {
  name: string;
  at: number | null;
  text: string | null;
}

export function stepsOf(e: Execution): Step[] {
  const step = (name: string, time: string | null): Step => ({ name, at: exactTime(time), text: time });
  return [
    step("Due", e.scheduled_at),
    step("Decided", e.decided_at),
    step("Dispatched", e.dispatched_at),
    step("Started", e.started_at),
    step(isOpen(e.status) ? "Ended" : wordOf(e.status), e.finished_at),
  ];
}

function Steps({ e }: { e: Execution }) {
  const steps = stepsOf(e);
  const zone = zoneFor();
  let before: number | null = null;
  return (
    <ol class="steps" aria-label="From due to ended">
      {steps.map((step) => {
        const gap = step.at !== null && before !== null ? step.at - before : null;
        if (step.at !== null) before = step.at;
        return (
          <li key={step.name} class={step.at === null ? "to-come" : ""}>
            <span class="step-gap num">{gap === null ? "" : gap < 0 ? "before" : `+${spanText(gap)}`}</span>
            <span class="step-dot" />
            <span class="step-name">{step.name}</span>
            {step.at === null ? <span class="dim">{step.name === "Started" && e.status === "running" ? "told at its end" : "not yet"}</span> : <time class="num dim" dateTime={step.text!} title={fullTime(step.at, zone)}>{fullTime(Math.floor(step.at), zone).slice(15, 27).trim()}</time>}
          </li>
        );
      })}
    </ol>
  );
}

function Attempts({ e }: { e: Execution }) {
  if (e.attempts.length === 0) return null;
  return (
    <Panel title="Attempts" extra={<span class="count">{e.attempt}</span>} flush>
      <div class="table-box"><table class="table">
        <thead><tr><th scope="col">#</th><th scope="col">Outcome</th><th scope="col">Worker</th><th scope="col">Started</th><th scope="col" class="r">Took</th><th scope="col">Exit</th></tr></thead>
        <tbody>
          {e.attempts.map((a: Attempt) => (
            <tr key={`${a.attempt} ${a.token}`}>
              <td class="num">{a.attempt}</td>
              <td>{a.outcome.replaceAll("_", " ")}{a.message ? <span class="dim">: {a.message}</span> : null}</td>
              <td class="dim">{a.node}</td>
              <td><Time at={a.started_at} /></td>
              <td class="r"><Span ms={a.started_at && a.finished_at ? exactTime(a.finished_at)! - exactTime(a.started_at)! : null} /></td>
              <td class="dim">{exitOf(a)}</td>
            </tr>
          ))}
        </tbody>
      </table></div>
    </Panel>
  );
}

export function ExecutionPage() {
  const id = route.value.params.id!;
  const found = useResource(`execution ${id}`, (signal) => executions.get(id, { signal }), {
    on: (event) => event.kind === "execution" && event.execution.id === id,
    every: 150,
  });
  const crumbs = (e?: Execution) => <><a href={to.jobs()}>Jobs</a>{e ? <> / <a href={to.job(e.job)}>{e.job}</a></> : null}</>;
  if (found.error && !found.data)
    return (
      <Page title="Run" crumbs={crumbs()}>
        {found.error.status === 404 ? <WaitingForDecision id={id} /> : <ErrorNote error={found.error} />}
      </Page>
    );
  const e = found.data;
  if (!e) return <Page title="Run" crumbs={crumbs()}><Loading rows={6} /></Page>;
  const open = isOpen(e.status);
  const enc = encodeURIComponent(e.id);
  const ran = e.started_at !== null || e.dispatched_at !== null || e.output_bytes > 0;
  return (
    <Page
      crumbs={crumbs(e)}
      title={<><StatusMark mark={e.status} size={20} /> {wordOf(e.status)} <span class="dim title-exit">{exitOf(e)}</span></>}
      sub={<>{e.job}, due <Time at={e.scheduled_at} /> (<Ago at={e.scheduled_at} />){open && e.started_at ? <>, running for <Elapsed since={e.started_at} /></> : durationOf(e) !== null ? <>, took <Span ms={durationOf(e)} /></> : null}</>}
      actions={<>
        {open ? <Button kind="danger" icon="stop" onClick={() => void cancelRun(e.id, e.job)}>Cancel</Button> : <Button icon="retry" onClick={() => void retryRun(e.id, e.job)}>Run again</Button>}
        <LinkButton icon="why" href={to.why({ job: e.job, at: e.scheduled_at })}>Why</LinkButton>
        <CopyAs command={["execution", "get", e.id]} path={`v1/executions/${enc}`} more={[{ label: "Copy id", text: e.id }]} />
      </>}>
      {e.message ? <div class={`note ${e.status === "succeeded" ? "info" : "bad"}`}><span>{e.message}</span></div> : null}
      {e.status === "retry_wait" ? <div class="note info"><span>Attempt {e.attempt} failed; the next begins <Ago at={e.not_before} />.</span></div> : null}
      <div class="side-by-side wide-first">
        <Panel title="Output" flush class="output-panel">
          {ran || open ? <Output id={e.id} open={open} attempt={e.attempt} bytes={e.output_bytes} job={e.job} /> : <Empty title="It did not start"><p>{reasonOf(e.reason) || "There is no output."}</p></Empty>}
        </Panel>
        <div class="stack">
          <Panel title="Its way"><Steps e={e} /></Panel>
          <Attempts e={e} />
          <Panel title="Facts">
            <Facts rows={[
              ["Started by", triggerOf(e)],
              ["Reason", reasonOf(e.reason) || "–"],
              ["Worker", e.node ? <>{e.node} <span class="dim">{e.worker?.slice(0, 8)}</span></> : "–"],
              ["Attempt", String(e.attempt)],
              ["Token", <span class="num">{e.token || "–"}</span>],
              ["Exit", exitOf(e) || "–"],
              ["Decided by", e.decided_by || "–"],
              ["Output", `${e.output_bytes.toLocaleString("en")} bytes`],
              ...(e.blocked_by ? [["Blocked by", <a href={to.execution(e.blocked_by)}>{e.blocked_by}</a>] as [string, ComponentChildren]] : []),
              ["Id", <code class="id">{e.id}</code>],
            ]} />
          </Panel>
          {e.payload !== undefined ? <Panel title="Payload"><Code>{JSON.stringify(e.payload, null, 2)}</Code></Panel> : null}
        </div>
      </div>
    </Page>
  );
}

function WaitingForDecision({ id }: { id: string }) {
  return <Empty title="Not decided yet, or not kept any more"><p>A run that was just asked for appears here as soon as it is decided.</p><p><code class="id">{id}</code></p></Empty>;
}
