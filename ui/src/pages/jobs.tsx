// The jobs: as many as there are, paged by the agent, found by a few letters.
import { memo } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { jobs as api } from "../api/calls";
import type { Job } from "../api/types";
import { removeJob, runNow, setPaused } from "../lib/actions";
import { filterQuery } from "../lib/filter";
import { useKeys } from "../lib/keys";
import { forEach } from "../lib/queue";
import { go, route, setQuery, to } from "../lib/router";
import { parseTime } from "../lib/time";
import { usePagedJobs } from "../state/paged";
import { runningJobs } from "../state/running";
import { toast } from "../state/toasts";
import { useTrend } from "../state/trends";
import { useWords } from "../state/words";
import { Button, Dialog, Empty, ErrorNote, LinkButton, Loading, Menu, Page } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { FirstSteps } from "../parts/first-steps";
import { Icon } from "../parts/icons";
import { RunBars } from "../parts/runs";
import { markOfJob, StatusMark } from "../parts/status";
import { Ago, Time } from "../parts/time";
import { VirtualList } from "../parts/virtual";
import { RunDialog } from "../parts/run-dialog";

const VIEWS = [
  { id: "", label: "All" },
  { id: "failed", label: "Failing" },
  { id: "running", label: "Running" },
  { id: "paused", label: "Paused" },
  { id: "untriggered", label: "Never ran" },
];
const SORTS = [
  { id: "", label: "Name", order: "ASC" },
  { id: "next", label: "Next run", order: "ASC" },
  { id: "last_error", label: "Last failure", order: "DESC" },
  { id: "last_success", label: "Last success", order: "DESC" },
  { id: "error_count", label: "Failures", order: "DESC" },
];

function Trend({ job }: { job: Job }) {
  const runs = useTrend(job.name);
  return runs ? <RunBars runs={runs} slots={20} /> : <span class="bars-place" />;
}
function Words({ job }: { job: Job }) {
  const words = useWords(job.schedule, job.timezone);
  return <span class="clip" title={job.schedule}>{words ?? <code>{job.schedule}</code>}</span>;
}

function lastOf(job: Job): string | null {
  const [ok, bad] = [parseTime(job.last_success), parseTime(job.last_error)];
  return (ok ?? 0) >= (bad ?? 0) ? job.last_success : job.last_error;
}

interface Acts {
  choose: (name: string) => void;
  remove: (name: string) => void;
  run: (job: Job) => void;
}

// Drawn again only when its job is another: the list moves many times a second.
const Row = memo(function Row({ job, chosen, at, acts }: { job: Job; chosen: boolean; at: boolean; acts: Acts }) {
  const mark = markOfJob(job, (runningJobs.value.get(job.name) ?? 0) > 0);
  return (
    <div class={`job-row ${at ? "at" : ""} ${chosen ? "chosen" : ""}`} data-job={job.name}>
      <span role="cell" class="c-check"><input type="checkbox" checked={chosen} aria-label={`Choose ${job.name}`} onChange={() => acts.choose(job.name)} /></span>
      <span role="cell" class="c-mark"><StatusMark mark={mark} /></span>
      <span role="cell" class="c-name"><a class="name clip" href={to.job(job.name)}>{job.displayname || job.name}</a>
        {job.application && job.application !== "default" ? <span class="chip">{job.application}</span> : null}</span>
      <span role="cell" class="c-words"><Words job={job} /></span>
      <span role="cell" class="c-last"><Ago at={lastOf(job)} zone={job.timezone} none="never" /></span>
      <span role="cell" class="c-trend"><Trend job={job} /></span>
      <span role="cell" class="c-next">{job.disabled ? <span class="none">paused</span> : <><Time at={job.next} zone={job.timezone} /> <span class="dim"><Ago at={job.next} zone={job.timezone} none="" /></span></>}</span>
      <span role="cell" class="c-acts">
        <Button small kind="quiet" icon="play" aria-label={`Run ${job.name}`} title="Run now" onClick={() => void runNow(job.name)} />
        <Menu label={`More for ${job.name}`} icon="more" kind="quiet small" items={[
          { label: "Run with a payload", icon: "play", run: () => acts.run(job) },
          { label: job.disabled ? "Resume" : "Pause", icon: job.disabled ? "play" : "pause", run: () => void setPaused(job.name, !job.disabled) },
          { label: "Edit", icon: "edit", run: () => go(to.edit(job.name)) },
          { label: "Delete", icon: "trash", danger: true, run: () => acts.remove(job.name) },
        ]} />
      </span>
    </div>
  );
});

/** A row that rushes by. */
function Glimpse({ job }: { job: Job | undefined }) {
  return (
    <div class="job-row" data-job={job?.name}>
      <span role="cell" class="c-check" /><span role="cell" class="c-mark" />
      <span role="cell" class="c-name clip">{job ? job.displayname || job.name : <span class="bone" />}</span>
      <span role="cell" class="c-words clip">{job?.schedule}</span>
    </div>
  );
}

function useRowHeight(): number {
  const query = "(max-width: 760px)";
  const [narrow, setNarrow] = useState(typeof matchMedia === "function" && matchMedia(query).matches);
  useEffect(() => {
    if (typeof matchMedia !== "function") return;
    const media = matchMedia(query);
    const change = () => setNarrow(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, []);
  return narrow ? 64 : 38;
}

export function Jobs() {
  const query = route.value.query;
  const text = query.get("q") ?? "";
  const view = query.get("status") ?? "";
  const sort = query.get("sort") ?? "";
  const [typed, setTyped] = useState(text);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = useState(-1);
  const [asking, setAsking] = useState<{ what: "remove"; names: string[] } | { what: "run"; job: Job } | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const rowHeight = useRowHeight();

  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => setQuery({ q: typed }), 120);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => setTyped((old) => (old.trim() === text.trim() ? old : text)), [text]);

  const list = usePagedJobs({
    ...filterQuery(text),
    ...(view === "paused" ? { disabled: "true" } : view ? { status: view } : {}),
    ...(sort ? { _sort: sort, _order: SORTS.find((s) => s.id === sort)?.order ?? "ASC" } : {}),
  });
  const total = list.total;
  const at = (i: number) => list.at(i);
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  const toggling = useRef(toggle);
  toggling.current = toggle;
  const acts = useRef<Acts>({
    choose: (name) => toggling.current(name),
    remove: (name) => setAsking({ what: "remove", names: [name] }),
    run: (job) => setAsking({ what: "run", job }),
  });
  useKeys({
    "/": () => input.current?.focus(),
    j: () => setCursor((c) => Math.min(c + 1, (total ?? 1) - 1)),
    k: () => setCursor((c) => Math.max(c - 1, 0)),
    Enter: () => cursor >= 0 && at(cursor) && go(to.job(at(cursor)!.name)),
    x: () => cursor >= 0 && at(cursor) && toggle(at(cursor)!.name),
  });

  const bulk = async (doing: string, done: string, task: (name: string) => Promise<unknown>) => {
    const names = [...chosen];
    toast(`${doing} ${names.length} jobs`, "info");
    const failed = await forEach(names, 4, task);
    toast(failed ? `${done} ${names.length - failed} of ${names.length} jobs; ${failed} were refused` : `${done} ${names.length} ${names.length === 1 ? "job" : "jobs"}`, failed ? "bad" : "ok");
    setChosen(new Set());
  };

  const unfiltered = !text && !view;
  if (total === 0 && unfiltered && !list.error) return <FirstSteps />;
  return (
    <div class="jobs-page">
      <Page title="Jobs" sub={total === undefined ? "" : `${total.toLocaleString("en")} ${unfiltered ? "" : "found"}`}
        actions={<><CopyAs command={["job", "list"]} path="v1/jobs" /><LinkButton href={to.newJob()} kind="primary" icon="plus">New job</LinkButton></>}>
        <div class="filters" role="search">
          <label class="filter-input">
            <Icon name="search" size={14} />
            <input ref={input} type="search" value={typed} placeholder="Filter: name, team=data, tag:dc=x, application=web" aria-label="Filter the jobs" spellcheck={false} autocomplete="off"
              onInput={(e) => setTyped(e.currentTarget.value)}
              onKeyDown={(e) => { if (e.key === "Escape") e.currentTarget.blur(); if (e.key === "Enter" || e.key === "ArrowDown") { e.preventDefault(); setCursor(0); e.currentTarget.blur(); } }} />
            <kbd>/</kbd>
          </label>
          <div class="views" role="group" aria-label="State">
            {VIEWS.map((v) => (
              <button key={v.id} type="button" aria-pressed={view === v.id} onClick={() => { setQuery({ status: v.id }); setCursor(-1); }}>{v.label}</button>
            ))}
          </div>
          <Menu label="Order" text={`By ${(SORTS.find((s) => s.id === sort)?.label ?? "name").toLowerCase()}`} kind="quiet" items={SORTS.map((s) => ({ label: s.label, checked: sort === s.id, run: () => setQuery({ sort: s.id }) }))} />
        </div>
        <ErrorNote error={list.error} />
        {chosen.size > 0 ? (
          <div class="bulk" role="group" aria-label="Actions on the chosen jobs">
            <strong>{chosen.size} chosen</strong>
            <Button small icon="play" onClick={() => void bulk("Running", "Ran", (n) => api.run(n))}>Run</Button>
            <Button small icon="pause" onClick={() => void bulk("Pausing", "Paused", (n) => api.setDisabled(n, true))}>Pause</Button>
            <Button small onClick={() => void bulk("Resuming", "Resumed", (n) => api.setDisabled(n, false))}>Resume</Button>
            <Button small kind="danger" icon="trash" onClick={() => setAsking({ what: "remove", names: [...chosen] })}>Delete</Button>
            <Button small kind="quiet" onClick={() => setChosen(new Set())}>Choose none</Button>
          </div>
        ) : null}
        {total === undefined ? <Loading rows={8} /> : total === 0 ? (
          <Empty title={view === "failed" && !text ? "No job fails" : view === "running" && !text ? "Nothing runs right now" : "No job fits"}
            actions={<Button onClick={() => { setTyped(""); setQuery({ q: "", status: "" }); }}>Show all</Button>}>
            {text ? <p>Words are looked for in names; <code>team=data</code> in the metadata, <code>tag:dc=x</code> in the tags, <code>application=web</code> is what serves it.</p> : null}
          </Empty>
        ) : (
          <div class="job-table" role="table" aria-label="Jobs" aria-rowcount={total + 1}>
            <div role="rowgroup" class="job-head-group"><div class="job-row job-head" role="row" aria-rowindex={1}>
              <span role="columnheader" class="c-check"><span class="off-screen">Chosen</span></span>
              <span role="columnheader" class="c-mark"><span class="off-screen">State</span></span>
              <span role="columnheader" class="c-name">Job</span>
              <span role="columnheader" class="c-words">Schedule</span>
              <span role="columnheader" class="c-last">Last</span>
              <span role="columnheader" class="c-trend">Trend</span>
              <span role="columnheader" class="c-next">Next</span>
              <span role="columnheader" class="c-acts"><span class="off-screen">Actions</span></span>
            </div></div>
            <VirtualList count={total} rowHeight={rowHeight} onRange={list.look} cursor={cursor} label="Jobs, scrollable" version={list.version}
              row={(i, flying) => {
                const job = at(i);
                return job && !flying ? <Row job={job} at={i === cursor} chosen={chosen.has(job.name)} acts={acts.current} /> : <Glimpse job={job} />;
              }} />
          </div>
        )}
      </Page>
      {asking?.what === "run" ? <RunDialog job={asking.job} onClose={() => setAsking(null)} /> : null}
      {asking?.what === "remove" ? <RemoveDialog names={asking.names} onClose={() => setAsking(null)} onDone={() => setChosen(new Set())} /> : null}
    </div>
  );
}

export function RemoveDialog({ names, onClose, onDone }: { names: string[]; onClose: () => void; onDone?: () => void }) {
  const one = names.length === 1;
  return (
    <Dialog title={one ? `Delete ${names[0]}?` : `Delete ${names.length} jobs?`} onClose={onClose}
      actions={<>
        <Button onClick={onClose}>Keep</Button>
        <Button kind="danger" icon="trash" onClick={async () => {
          onClose();
          if (one) {
            if (await removeJob(names[0]!)) onDone?.();
            return;
          }
          const failed = await forEach(names, 4, (n) => api.remove(n));
          toast(failed ? `${names.length - failed} deleted, ${failed} refused` : `${names.length} jobs are deleted`, failed ? "bad" : "ok");
          onDone?.();
        }}>Delete</Button>
      </>}>
      <p>No tick of {one ? "it" : "them"} is decided any more. What runs now runs to its end. The history goes with the job.</p>
      {one ? null : <p class="name-list">{names.slice(0, 12).join(", ")}{names.length > 12 ? ` and ${names.length - 12} more` : ""}</p>}
    </Dialog>
  );
}
