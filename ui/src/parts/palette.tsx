// Ctrl-K: any page, any job, any action, by a few letters.
import { useEffect, useRef, useState } from "preact/hooks";
import { jobs } from "../api/calls";
import type { Job } from "../api/types";
import { go, route, to } from "../lib/router";
import { overlay } from "../state/overlay";
import { theme, zoneMode } from "../state/prefs";
import { attempt, toast } from "../state/toasts";
import { Icon, type IconName } from "./icons";
import { PLACES } from "./shell";
import { markOfJob, StatusMark } from "./status";

interface Entry {
  key: string;
  label: string;
  hint?: string;
  icon?: IconName;
  job?: Job;
  run: () => void;
}

/** Whether the letters come in this order; the smaller the better. Null: they do not. */
export function fuzzy(letters: string, text: string): number | null {
  const wanted = letters.toLowerCase();
  const lower = text.toLowerCase();
  const direct = lower.indexOf(wanted);
  if (direct >= 0) return direct;
  let at = -1;
  let cost = 100;
  for (const c of wanted) {
    const next = lower.indexOf(c, at + 1);
    if (next < 0) return null;
    cost += next - at - 1;
    at = next;
  }
  return cost;
}

function actions(): Entry[] {
  const here = route.value;
  const job = here.params.job;
  const entries: Entry[] = [
    { key: "new", label: "New job", icon: "plus", run: () => go(to.newJob()) },
    ...PLACES.map((p) => ({ key: p.href, label: `Go to ${p.label}`, icon: p.icon, run: () => go(p.href) })),
    { key: "zone-utc", label: "Show times in UTC", icon: "globe", run: () => (zoneMode.value = "utc") },
    { key: "zone-browser", label: "Show times in this browser's zone", icon: "globe", run: () => (zoneMode.value = "browser") },
    { key: "zone-job", label: "Show times in each job's zone", icon: "globe", run: () => (zoneMode.value = "job") },
    { key: "dark", label: "Dark theme", icon: "moon", run: () => (theme.value = "dark") },
    { key: "light", label: "Light theme", icon: "sun", run: () => (theme.value = "light") },
    { key: "help", label: "Keyboard help", icon: "help", run: () => (overlay.value = "help") },
  ];
  if (job)
    entries.unshift(
      { key: "run", label: `Run ${job} now`, icon: "play", run: () => void attempt("Not run", async () => { const id = await jobs.run(job); toast(`${job} was asked to run`); if (id) go(to.execution(id)); }) },
      { key: "edit", label: `Edit ${job}`, icon: "edit", run: () => go(to.edit(job)) },
    );
  return entries;
}

export function Palette() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Job[]>([]);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    dialog.current?.showModal?.();
    input.current?.focus();
  }, []);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      jobs.list({ q: text.trim(), _start: 0, _end: 8 }, { signal: abort.signal }).then((page) => setFound(page.jobs), () => setFound([]));
    }, 80);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  const wanted = text.trim();
  const known = actions()
    .map((entry) => ({ entry, cost: wanted ? fuzzy(wanted, entry.label) : 0 }))
    .filter((x) => x.cost !== null)
    .sort((a, b) => a.cost! - b.cost!)
    .map((x) => x.entry)
    .slice(0, wanted ? 6 : 8);
  const ofJobs = found.map((job): Entry => ({ key: `job ${job.name}`, label: job.displayname || job.name, hint: job.schedule, job, run: () => go(to.job(job.name)) }));
  const id = /^[0-9a-f]{16}-\S+$/.test(wanted) ? [{ key: "id", label: `Open run ${wanted}`, icon: "runs" as const, run: () => go(to.execution(wanted)) }] : [];
  const all: Entry[] = wanted ? [...id, ...ofJobs, ...known] : [...known, ...ofJobs];
  const chosen = Math.min(at, all.length - 1);
  const close = () => (overlay.value = null);
  const pick = (entry: Entry | undefined) => {
    if (!entry) return;
    close();
    entry.run();
  };
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView?.({ block: "nearest" });
  }, [chosen]);

  return (
    <dialog ref={dialog} class="palette" aria-label="Command palette" onCancel={(e) => { e.preventDefault(); close(); }} onClick={(e) => e.target === dialog.current && close()}>
      <div class="palette-input">
        <Icon name="search" />
        <input ref={input} value={text} placeholder="A job, a page, an action" role="combobox" aria-label="Find" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={all[chosen] ? `palette-${chosen}` : undefined} autocomplete="off" spellcheck={false}
          onInput={(e) => { setText(e.currentTarget.value); setAt(0); }}
          onKeyDown={(e) => {
            if (e.key === "ArrowDown") setAt((chosen + 1) % Math.max(1, all.length));
            else if (e.key === "ArrowUp") setAt((chosen - 1 + all.length) % Math.max(1, all.length));
            else if (e.key === "Enter") pick(all[chosen]);
            else return;
            e.preventDefault();
          }} />
        <kbd>Esc</kbd>
      </div>
      <ul role="listbox" id="palette-list" aria-label="Matches" ref={list}>
        {all.map((entry, i) => (
          <li key={entry.key} id={`palette-${i}`} role="option" aria-selected={i === chosen} onPointerMove={() => i !== chosen && setAt(i)} onClick={() => pick(entry)}>
            {entry.job ? <StatusMark mark={markOfJob(entry.job)} /> : <Icon name={entry.icon ?? "right"} />}
            <span class="palette-label">{entry.label}</span>
            {entry.hint ? <code>{entry.hint}</code> : null}
          </li>
        ))}
        {all.length === 0 ? <li class="none" role="option" aria-selected="false">Nothing is called like that</li> : null}
      </ul>
    </dialog>
  );
}
