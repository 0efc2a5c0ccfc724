// Output as a terminal would show it: followed, searched, coloured, downloaded.
import { memo } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { executions } from "../api/calls";
import { request } from "../api/http";
import { parseLine, isPlain, stripAnsi, type Style } from "../lib/ansi";
import { useKeys } from "../lib/keys";
import { findLines, LineStore, splitAround } from "../lib/lines";
import { readOutput, type OutputState } from "../state/output";
import { attempt } from "../state/toasts";
import { Button } from "./basics";
import { CopyAs } from "./copy-as";
import { Icon } from "./icons";

const LINE = 19;
const OVER = 20;

function classOf(style: Style): string {
  const words = [];
  if (style.bold) words.push("a-bold");
  if (style.dim) words.push("a-dim");
  if (style.italic) words.push("a-italic");
  if (style.underline) words.push("a-underline");
  if (style.inverse) words.push("a-inverse");
  if (style.fg && !style.fg.startsWith("rgb")) words.push(`a-fg-${style.fg}`);
  if (style.bg && !style.bg.startsWith("rgb")) words.push(`a-bg-${style.bg}`);
  return words.join(" ");
}
function colours(style: Style) {
  const css: Record<string, string> = {};
  if (style.fg?.startsWith("rgb")) css.color = style.fg;
  if (style.bg?.startsWith("rgb")) css.backgroundColor = style.bg;
  return css;
}

const Line = memo(function Line({ text, find }: { text: string; find: string }) {
  const { runs } = parseLine(text);
  return (
    <>
      {runs.map((run, i) => {
        const pieces = find ? splitAround(run.text, find) : [run.text];
        const shown = pieces.map((piece, k) => (k % 2 ? <mark key={k}>{piece}</mark> : piece));
        return isPlain(run.style) ? <span key={i}>{shown}</span> : <span key={i} class={classOf(run.style)} style={colours(run.style)}>{shown}</span>;
      })}
    </>
  );
});

export function Output({ id, open, attempt: tries, bytes, job }: { id: string; open: boolean; attempt: number; bytes: number; job: string }) {
  const [version, redraw] = useState(0);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [find, setFind] = useState("");
  const [hit, setHit] = useState(0);
  const [range, setRange] = useState({ from: 0, to: 60 });
  const box = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const state = useRef<OutputState>({ store: new LineStore(), skipped: 0, complete: false, error: null, loaded: false });

  useEffect(() => {
    const abort = new AbortController();
    state.current = { store: new LineStore(), skipped: 0, complete: false, error: null, loaded: false };
    let frame = 0;
    const changed = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        redraw((n) => n + 1);
      });
    };
    void readOutput(id, tries, open, abort.signal, state.current, changed);
    return () => {
      abort.abort();
      cancelAnimationFrame(frame);
    };
  }, [id]);

  const { store, skipped, complete, error, loaded } = state.current;
  const count = store.length;
  const measure = () => {
    const el = box.current;
    if (!el) return;
    const from = Math.max(0, Math.floor(el.scrollTop / LINE) - OVER);
    const to = Math.ceil((el.scrollTop + (el.clientHeight || 400)) / LINE) + OVER;
    setRange((old) => (old.from === from && old.to === to ? old : { from, to }));
  };
  useEffect(() => {
    const el = box.current;
    if (follow && el) el.scrollTop = el.scrollHeight;
    measure();
  }, [version, follow, wrap]);

  const hits = findLines(store.lines, find);
  const at = hits.length ? hits[Math.min(hit, hits.length - 1)]! : -1;
  const show = (n: number) => {
    if (!hits.length) return;
    const next = (n + hits.length) % hits.length;
    setHit(next);
    setFollow(false);
    const el = box.current!;
    if (wrap) el.querySelector(`[data-line="${hits[next]}"]`)?.scrollIntoView({ block: "center" });
    else el.scrollTop = Math.max(0, hits[next]! * LINE - el.clientHeight / 2);
  };
  useKeys({ f: () => setFollow((f) => !f), "/": () => search.current?.focus() });

  const download = () => attempt("Not downloaded", async () => {
    const blob = await (await request(executions.outputUrl(id))).blob();
    const url = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = url;
    link.download = `${job}-${id}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });

  const rows = [];
  const first = wrap ? Math.max(0, count - 4000) : Math.min(range.from, Math.max(0, count - 1));
  const last = wrap ? count - 1 : Math.min(range.to, count - 1);
  for (let i = first; i <= last; i++)
    rows.push(
      <div key={i} data-line={i} class={`out-line ${i === at ? "hit" : ""}`} {...(wrap ? {} : { style: { top: `${i * LINE}px` } })}>
        <span class="out-no" aria-hidden="true" data-no={i + 1} />
        <span class="out-text"><Line text={store.lines[i]!} find={find} /></span>
      </div>,
    );

  return (
    <div class="output">
      <div class="output-bar">
        <label class="filter-input small">
          <Icon name="search" size={14} />
          <input ref={search} type="search" value={find} placeholder="Search the output" aria-label="Search the output" spellcheck={false}
            onInput={(e) => { setFind(e.currentTarget.value); setHit(0); }}
            onKeyDown={(e) => { if (e.key === "Enter") { e.preventDefault(); show(hit + (e.shiftKey ? -1 : 1)); } if (e.key === "Escape") { setFind(""); e.currentTarget.blur(); } }} />
          {find ? <span class="num dim" aria-live="polite">{hits.length ? `${Math.min(hit, hits.length - 1) + 1} of ${hits.length}` : "none"}</span> : null}
        </label>
        <span class="grow" />
        <Button small kind="quiet" icon="follow" aria-pressed={follow} onClick={() => setFollow(!follow)}>Follow</Button>
        <Button small kind="quiet" icon="wrap" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>Wrap</Button>
        <Button small kind="quiet" icon="copy" onClick={() => void navigator.clipboard?.writeText(stripAnsi(store.lines.join("\n")))}>Copy</Button>
        <Button small kind="quiet" icon="down" onClick={() => void download()}>Download</Button>
        <CopyAs command={["execution", "logs", id, "-f"]} path={executions.outputUrl(id)} />
      </div>
      {skipped > 0 ? <div class="note info">The first {skipped.toLocaleString("en")} bytes are not shown; the download has everything that is kept.</div> : null}
      <div class={`out ${wrap ? "wrapped" : ""}`} ref={box} tabIndex={0} role="log" aria-live="off" aria-label="Output"
        onScroll={() => {
          const el = box.current!;
          const end = el.scrollHeight - el.scrollTop - el.clientHeight < LINE * 2;
          if (!end && follow) setFollow(false);
          measure();
        }}>
        {count === 0 ? (
          <p class="out-none">{!loaded ? "Reading…" : error ? error.message : open ? "No output yet" : bytes > 0 ? "The output is not kept any more" : "It wrote nothing"}</p>
        ) : wrap ? rows : <div class="out-all" style={{ height: `${count * LINE}px`, minWidth: `${store.longest + 8}ch` }}>{rows}</div>}
      </div>
      <div class="output-foot dim" role="status">
        {complete || !open ? <>{count.toLocaleString("en")} lines, complete</> : error ? <>The output cannot be read right now: {error.message}</> : <><span class="dot live-dot" />{count.toLocaleString("en")} lines, following</>}
      </div>
    </div>
  );
}
