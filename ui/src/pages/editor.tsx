// A job as a form and as JSON, side by side; what it will do is said while one types.
//
// The draft is the truth. The form and the JSON text are two ways of writing it; a text that is no
// JSON leaves the draft as it was until it is.
import { useEffect, useRef, useState } from "preact/hooks";
import { jobs, schedule as scheduleApi } from "../api/calls";
import { ApiError, type FieldError } from "../api/http";
import type { Job, Preview } from "../api/types";
import { definitionOf } from "../lib/actions";
import { differences, mergeDrafts, type Draft } from "../lib/draft";
import { go, guardLeaving, route, to } from "../lib/router";
import { listen } from "../state/live";
import { toast } from "../state/toasts";
import { Button, CopyButton, Dialog, ErrorNote, Loading, Page, Panel } from "../parts/basics";
import { Icon } from "../parts/icons";
import { MapField, NumberField, SelectField, TextField, CheckField } from "../parts/fields";
import { ScheduleField } from "../parts/schedule-field";
import { curl } from "../lib/commands";


const EMPTY: Draft = { name: "", schedule: "", timezone: "", executor: "shell", executor_config: { command: "" } };

interface Conflict {
  theirs: Draft;
  etag: string;
}

/** What the agent would say of the draft, a moment after the last key. */
function useCheck(draft: Draft, wanted: boolean): { errors: FieldError[]; checked: boolean } {
  const [state, setState] = useState({ errors: [] as FieldError[], checked: false });
  const key = JSON.stringify(draft);
  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      jobs.check(draft as Partial<Job>, { signal: abort.signal }).then(
        () => setState({ errors: [], checked: true }),
        (error: unknown) => {
          if (abort.signal.aborted || !(error instanceof ApiError) || error.isOffline) return;
          setState({ errors: error.errors.length ? error.errors : [{ field: "", message: error.message }], checked: true });
        },
      );
    }, 180);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key, wanted]);
  return state;
}

function usePreview(draft: Draft): { preview: Preview | null; error: ApiError | null } {
  const [state, setState] = useState<{ preview: Preview | null; error: ApiError | null }>({ preview: null, error: null });
  const spec = { schedule: String(draft.schedule ?? ""), timezone: String(draft.timezone ?? ""), name: String(draft.name ?? "") };
  const key = JSON.stringify(spec);
  useEffect(() => {
    if (!spec.schedule.trim()) return setState({ preview: null, error: null });
    const abort = new AbortController();
    const timer = setTimeout(() => {
      scheduleApi.preview({ ...spec, n: 10 }, { signal: abort.signal }).then(
        (preview) => setState({ preview, error: null }),
        (error: unknown) => {
          if (!abort.signal.aborted && error instanceof ApiError) setState({ preview: null, error });
        },
      );
    }, 100);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);
  return state;
}

/** Keys in the order in which one reads them. */
function textOf(draft: Draft): string {
  return JSON.stringify(draft, null, 2);
}

function ConflictDialog({ base, mine, conflict, onPick, onClose }: { base: Draft; mine: Draft; conflict: Conflict; onPick: (draft: Draft, save: boolean) => void; onClose: () => void }) {
  const { merged, clashes } = mergeDrafts(base, mine, conflict.theirs);
  const rows = differences(mine, conflict.theirs);
  const show = (v: unknown) => (v === undefined ? "–" : typeof v === "string" ? v : JSON.stringify(v));
  return (
    <Dialog wide title="Somebody else has changed this job" onClose={onClose}
      actions={<>
        <Button onClick={onClose}>Back to editing</Button>
        <Button onClick={() => onPick(conflict.theirs, false)}>Take theirs</Button>
        {clashes.length === 0 ? <Button kind="primary" onClick={() => onPick(merged, true)}>Save both changes</Button> : null}
        <Button kind="danger" onClick={() => onPick(mine, true)}>Overwrite with mine</Button>
      </>}>
      <p>It was saved while you were editing. Nothing has been overwritten.{clashes.length === 0 ? " You changed different things, so both can stay." : ` You both changed ${clashes.join(", ")}.`}</p>
      <div class="table-box"><table class="table diff">
        <thead><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">Theirs</th><th scope="col">Yours</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} class={clashes.includes(row.key) ? "clash" : ""}>
              <th scope="row">{row.key}</th><td><code>{show(base[row.key])}</code></td><td><code>{show(row.b)}</code></td><td><code>{show(row.a)}</code></td>
            </tr>
          ))}
        </tbody>
      </table></div>
    </Dialog>
  );
}

function Form({ draft, set, fresh, errors, preview }: { draft: Draft; set: (change: Draft) => void; fresh: boolean; errors: (field: string) => string; preview: ReturnType<typeof usePreview> }) {
  const config = (draft.executor_config ?? {}) as Record<string, string>;
  const setConfig = (change: Record<string, string | undefined>) => {
    const next: Record<string, string> = {};
    for (const [k, v] of Object.entries({ ...config, ...change })) if (v !== undefined && v !== "") next[k] = v;
    set({ executor_config: next });
  };
  const text = (key: string) => String(draft[key] ?? "");
  const executor = text("executor") || "shell";
  return (
    <div class="form">
      <TextField label="Name" value={text("name")} onInput={(v) => set({ name: v })} disabled={!fresh} error={errors("name")} hint={fresh ? "Letters, digits, - and _; it cannot be changed later" : undefined} mono autoFocus={fresh} />
      <TextField label="Description" value={text("description")} onInput={(v) => set({ description: v || undefined })} error={errors("description")} />
      <ScheduleField schedule={text("schedule")} timezone={text("timezone")} set={set} preview={preview.preview} error={errors("schedule")} zoneError={errors("timezone")} failure={preview.error} />
      <fieldset>
        <legend>What to run</legend>
        <div class="segmented" role="radiogroup" aria-label="Executor">
          {["shell", "http", "rpc"].map((e) => (
            <label key={e}><input type="radio" name="executor" checked={executor === e} onChange={() => set({ executor: e, executor_config: e === "shell" ? { command: "" } : e === "http" ? { method: "GET", url: "" } : { handler: "" } })} /><span>{{ shell: "Command", http: "HTTP request", rpc: "Handler" }[e]}</span></label>
          ))}
        </div>
        {executor === "shell" ? <>
          <TextField label="Command" value={config.command ?? ""} onInput={(v) => setConfig({ command: v })} error={errors("executor_config.command") || errors("executor_config")} mono area />
          <CheckField label="Run it in a shell (pipes, variables, ;)" checked={config.shell === "true"} onChange={(v) => setConfig({ shell: v ? "true" : undefined })} />
        </> : executor === "http" ? <div class="row">
          <SelectField label="Method" value={config.method ?? "GET"} options={["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]} onInput={(v) => setConfig({ method: v })} />
          <TextField label="URL" value={config.url ?? ""} onInput={(v) => setConfig({ url: v })} error={errors("executor_config.url")} mono />
          <TextField label="Expected status" value={config.expectCode ?? ""} onInput={(v) => setConfig({ expectCode: v })} placeholder="200" error={errors("executor_config.expectCode")} mono />
        </div> : <TextField label="Handler" value={config.handler ?? ""} onInput={(v) => setConfig({ handler: v })} error={errors("executor_config.handler")} mono hint="A name that workers of the application have registered" />}
        {executor === "http" && (config.method ?? "GET") !== "GET" ? <TextField label="Body" value={config.body ?? ""} onInput={(v) => setConfig({ body: v })} mono area /> : null}
      </fieldset>
      <fieldset>
        <legend>Where</legend>
        <div class="row">
          <TextField label="Application" value={text("application")} placeholder="default" onInput={(v) => set({ application: v || undefined })} error={errors("application")} />
          <SelectField label="Balance" value={text("balance") || "random"} options={["random", "round_robin", "workload", "broadcast"]} onInput={(v) => set({ balance: v === "random" ? undefined : v })} error={errors("balance")} />
        </div>
        <MapField label="Tags a worker must have" value={draft.tags as Record<string, string> | null} onInput={(v) => set({ tags: v })} error={errors("tags")} />
      </fieldset>
      <fieldset>
        <legend>When it goes wrong</legend>
        <div class="row">
          <NumberField label="Retries" value={draft.retries as number | undefined} onInput={(v) => set({ retries: v })} error={errors("retries")} />
          <TextField label="Retry delay" value={text("retry_delay")} placeholder="1s" onInput={(v) => set({ retry_delay: v || undefined })} error={errors("retry_delay")} mono />
          <TextField label="Time-out" value={text("timeout")} placeholder="none" onInput={(v) => set({ timeout: v || undefined })} error={errors("timeout")} mono />
        </div>
        <div class="row">
          <SelectField label="If the last run still runs" value={text("concurrency") || "allow"} options={["allow", "forbid", "replace", "queue"]} words={{ allow: "Run both", forbid: "Skip the tick", replace: "Stop it, run the new", queue: "Run after it" }} onInput={(v) => set({ concurrency: v })} error={errors("concurrency")} />
          <SelectField label="On failure" value={text("on_failure") || "failover"} options={["failover", "failtry", "failfast"]} words={{ failover: "Retry elsewhere", failtry: "Retry on the same worker", failfast: "Do not retry" }} onInput={(v) => set({ on_failure: v === "failover" ? undefined : v })} error={errors("on_failure")} />
          <SelectField label="Missed ticks" value={text("misfire") || "once"} options={["once", "skip", "all"]} words={{ once: "Run the latest once", skip: "Skip them", all: "Run them all" }} onInput={(v) => set({ misfire: v === "once" ? undefined : v })} error={errors("misfire")} />
        </div>
      </fieldset>
      <fieldset>
        <legend>Notes</legend>
        <div class="row">
          <TextField label="Shown as" value={text("displayname")} onInput={(v) => set({ displayname: v })} error={errors("displayname")} />
          <TextField label="Owner" value={text("owner")} onInput={(v) => set({ owner: v })} error={errors("owner")} />
        </div>
        <MapField label="Metadata" value={draft.metadata as Record<string, string> | null} onInput={(v) => set({ metadata: v })} error={errors("metadata")} />
        <CheckField label="Paused: its ticks are recorded as skipped" checked={draft.disabled === true} onChange={(v) => set({ disabled: v })} />
      </fieldset>
    </div>
  );
}

export function Editor() {
  const name = route.value.params.job;
  const from = route.value.query.get("from");
  const fresh = name === undefined;
  const [base, setBase] = useState<{ draft: Draft; etag: string } | null>(fresh && !from ? { draft: EMPTY, etag: "" } : null);
  const [draft, setDraft] = useState<Draft>(() => {
    const q = route.value.query;
    return { ...EMPTY, ...(q.get("schedule") ? { schedule: q.get("schedule")! } : {}), ...(q.get("command") ? { name: "hello", executor_config: { command: q.get("command")! } } : {}) };
  });
  const [text, setText] = useState(() => textOf(draft));
  const [textProblem, setTextProblem] = useState("");
  const [loadError, setLoadError] = useState<ApiError | null>(null);
  const [saving, setSaving] = useState(false);
  const [refused, setRefused] = useState<FieldError[]>([]);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [touched, setTouched] = useState(false);
  const [elsewhere, setElsewhere] = useState(false);
  const saved = useRef(false);

  useEffect(() => {
    const source = name ?? from;
    if (!source) return;
    const abort = new AbortController();
    jobs.get(source, { signal: abort.signal }).then(({ job, etag }) => {
      const loaded = definitionOf(job) as Draft;
      if (fresh) loaded.name = `${job.name}-copy`;
      setBase({ draft: loaded, etag });
      setDraft(loaded);
      setText(textOf(loaded));
    }, (error: unknown) => !abort.signal.aborted && setLoadError(error as ApiError));
    return () => abort.abort();
  }, [name, from]);

  const dirty = base !== null && JSON.stringify(draft) !== JSON.stringify(base.draft);
  useEffect(() => {
    guardLeaving(() => saved.current || !dirty || confirm("Leave without saving?"));
    const ask = (e: BeforeUnloadEvent) => dirty && !saved.current && e.preventDefault();
    addEventListener("beforeunload", ask);
    return () => {
      guardLeaving(null);
      removeEventListener("beforeunload", ask);
    };
  }, [dirty]);

  // Whether the job changes while it is edited is said before one saves.
  useEffect(() => {
    if (!name || !base) return;
    let stop = false;
    const check = () => jobs.get(name).then(({ job }) => {
      if (!stop) setElsewhere(JSON.stringify(definitionOf(job)) !== JSON.stringify(base.draft));
    }, () => {});
    const off = listenTo(name, () => void check());
    return () => {
      stop = true;
      off();
    };
  }, [name, base]);

  const { errors, checked } = useCheck(draft, touched || !fresh);
  const preview = usePreview(draft);
  const all = refused.length ? refused : errors;
  const errorOf = (field: string) => {
    const hit = all.find((e) => e.field === field || e.field.startsWith(`${field}.`) || e.field.startsWith(`${field}[`));
    // An untouched form is not scolded for being empty.
    return hit && (touched || !fresh) ? hit.message : "";
  };
  const set = (change: Draft) => {
    setTouched(true);
    setRefused([]);
    const next: Draft = { ...draft, ...change };
    for (const key of Object.keys(next)) if (next[key] === undefined) delete next[key];
    setDraft(next);
    setText(textOf(next));
    setTextProblem("");
  };
  const setJson = (value: string) => {
    setTouched(true);
    setRefused([]);
    setText(value);
    try {
      const parsed = JSON.parse(value) as unknown;
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error("A job is an object: { … }");
      setDraft(parsed as Draft);
      setTextProblem("");
    } catch (error) {
      setTextProblem((error as Error).message);
    }
  };

  const save = async (what: Draft = draft, etag = base?.etag ?? "") => {
    setTouched(true);
    setSaving(true);
    try {
      const result = await jobs.put(what as Partial<Job>, fresh ? { fresh: true } : { etag });
      saved.current = true;
      guardLeaving(null);
      for (const w of result.warnings) toast(w, "info");
      toast(fresh ? `${result.job.name} is made` : `${result.job.name} is saved`);
      go(to.job(result.job.name));
    } catch (error) {
      if (error instanceof ApiError && error.status === 412 && !fresh && name) {
        try {
          const now = await jobs.get(name);
          setConflict({ theirs: definitionOf(now.job) as Draft, etag: now.etag });
        } catch (e) {
          setRefused([{ field: "", message: e instanceof ApiError && e.status === 404 ? "The job was deleted meanwhile." : String((e as Error).message) }]);
        }
      } else if (error instanceof ApiError && error.status === 412) {
        setRefused([{ field: "name", message: "There is a job of this name already; nothing was overwritten" }]);
      } else if (error instanceof ApiError) {
        setRefused(error.errors.length ? error.errors : [{ field: "", message: error.message }]);
      }
    }
    setSaving(false);
  };

  const crumbs = <><a href={to.jobs()}>Jobs</a>{name ? <> / <a href={to.job(name)}>{name}</a></> : null}</>;
  const title = fresh ? "New job" : `Edit ${name}`;
  if (loadError) return <Page title={title} crumbs={crumbs}><ErrorNote error={loadError} doing="The job cannot be edited" /></Page>;
  if (!base) return <Page title={title} crumbs={crumbs}><Loading rows={8} /></Page>;
  const general = (touched || !fresh) ? all.filter((e) => e.field === "") : [];
  const blocked = textProblem !== "" || (checked && errors.length > 0);
  return (
    <form class="editor" onSubmit={(e) => { e.preventDefault(); if (!blocked) void save(); else setTouched(true); }}
      onKeyDown={(e) => { if ((e.ctrlKey || e.metaKey) && e.key === "Enter") { e.preventDefault(); if (!blocked) void save(); } }}>
      <Page title={title} crumbs={crumbs} actions={<>
        <a class="button plain" href={name ? to.job(name) : to.jobs()}>Cancel</a>
        <Button type="submit" kind="primary" disabled={saving || (!dirty && !fresh)} aria-describedby="editor-state">{fresh ? "Make the job" : "Save"}</Button>
      </>}>
        {elsewhere && !conflict ? <div class="note warn" role="status"><Icon name="warn" /><span>Somebody else has just saved this job. When you save, you will see both versions.</span></div> : null}
        {general.map((e) => <div key={e.message} class="note bad" role="alert"><Icon name="warn" /><span>{e.message}</span></div>)}
        <div class="editor-sides">
          <Panel title="Form"><Form draft={draft} set={set} fresh={fresh} errors={errorOf} preview={preview} /></Panel>
          <div class="stack json-side">
            <Panel title="JSON" extra={<CopyButton text={curl("v1/jobs", { method: "POST", body: draft })} label="Copy as curl" />} flush>
              <textarea class={`json ${textProblem ? "wrong" : ""}`} value={text} spellcheck={false} aria-label="The job as JSON" aria-invalid={textProblem ? "true" : undefined} aria-describedby="json-problem" onInput={(e) => setJson(e.currentTarget.value)} rows={Math.min(40, Math.max(14, text.split("\n").length + 1))} />
              <p class="field-error json-problem" id="json-problem" role="alert">{textProblem ? <><Icon name="warn" size={14} />{textProblem}</> : null}</p>
            </Panel>
            <p class="dim editor-state" id="editor-state" role="status">
              {textProblem ? "The text is no JSON; the form shows the last version that was." : (touched || !fresh) && checked && errors.length > 0 ? `${errors.length === 1 ? "One thing keeps it" : `${errors.length} things keep it`} from being saved: ${errors.map((e) => (e.field ? `${e.field}: ` : "") + e.message).join("; ")}` : checked && errors.length === 0 ? "The agent would accept it as it is." : ""}
            </p>
          </div>
        </div>
      </Page>
      {conflict ? <ConflictDialog base={base.draft} mine={draft} conflict={conflict} onClose={() => setConflict(null)} onPick={(picked, andSave) => {
        const { theirs, etag } = conflict;
        setConflict(null);
        setBase({ draft: theirs, etag });
        setDraft(picked);
        setText(textOf(picked));
        if (andSave) void save(picked, etag);
      }} /> : null}
    </form>
  );
}

function listenTo(name: string, then: () => void): () => void {
  return listen((event) => {
    if (event.kind === "job" && event.job.name === name) then();
  });
}
