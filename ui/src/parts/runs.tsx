// Runs as marks: a failing stripe has to be seen from afar.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Execution } from "../api/types";
import { durationOf, hasRun, isOpen } from "../lib/stats";
import { fullTime, parseTime, spanText } from "../lib/time";
import { to } from "../lib/router";
import { zoneFor } from "../state/prefs";
import { toneOf, wordOf } from "./status";

/** Oldest first. Height is duration (its square root), colour and notch are the result. */
export function RunBars({ runs, height = 22, width = 4, gap = 1.5, slots }: { runs: Execution[]; height?: number; width?: number; gap?: number; slots?: number }) {
  const shown = runs.slice(0, slots ?? runs.length).reverse();
  const longest = Math.max(1, ...shown.map((e) => durationOf(e) ?? 0));
  const total = (slots ?? shown.length) * (width + gap);
  const from = total - shown.length * (width + gap);
  const bad = shown.filter((e) => toneOf(e.status) === "bad").length;
  const label = shown.length === 0 ? "no runs" : `last ${shown.length} runs: ${shown.filter((e) => e.status === "succeeded").length} succeeded, ${bad} failed; longest ${spanText(longest)}`;
  return (
    <svg class="bars" width={total} height={height} viewBox={`0 0 ${total} ${height}`} role="img" aria-label={label}>
      {shown.map((e, i) => {
        const ms = durationOf(e);
        const share = ms === null ? (isOpen(e.status) ? 1 : 0.12) : Math.sqrt(ms / longest);
        const h = Math.max(3, Math.round(share * (height - 5)));
        const x = from + i * (width + gap);
        const tone = toneOf(e.status);
        return (
          <g key={e.id} class={`tone-${tone}`}>
            <rect x={x} y={height - 4 - h} width={width} height={h} rx={1} class={hasRun(e.status) ? "fill" : isOpen(e.status) ? "fill half" : "ghost"} />
            {tone === "bad" ? <rect x={x} y={height - 2} width={width} height={2} class="fill" /> : null}
          </g>
        );
      })}
    </svg>
  );
}

function describe(e: Execution, zone: string): string {
  const at = parseTime(e.scheduled_at);
  const ms = durationOf(e);
  return `${wordOf(e.status)}${at === null ? "" : `, ${fullTime(at, zone)}`}${ms === null ? "" : `, took ${spanText(ms)}`}${e.attempt > 1 ? `, attempt ${e.attempt}` : ""}`;
}

const CELL = 24; // pixels: wide enough for a finger

/** The grid: newest at the right, each a link to its run; as many as there is room for. */
export function RunGrid({ runs, zone }: { runs: Execution[]; zone: string }) {
  const box = useRef<HTMLOListElement>(null);
  const [count, setCount] = useState(12);
  useLayoutEffect(() => {
    const measure = () => setCount(Math.max(5, Math.min(60, Math.floor((box.current?.clientWidth ?? 0) / CELL) || 12)));
    measure();
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const shown = runs.slice(0, count).reverse();
  const longest = Math.max(1, ...shown.map((e) => durationOf(e) ?? 0));
  const shownZone = zoneFor(zone);
  return (
    <ol class="run-grid" ref={box} aria-label="Runs, oldest first">
      {shown.map((e) => {
        const ms = durationOf(e);
        const share = ms === null ? (isOpen(e.status) ? 1 : 0) : Math.sqrt(ms / longest);
        const text = describe(e, shownZone);
        return (
          <li key={e.id}>
            <a href={to.execution(e.id)} class={`tone-${toneOf(e.status)} ${hasRun(e.status) ? "" : isOpen(e.status) ? "open" : "ghost"}`} aria-label={text} title={text}>
              <span class="run-bar" style={{ height: `${Math.round(4 + share * 44)}px` }} />
              <span class="run-foot" aria-hidden="true">{toneOf(e.status) === "bad" ? "×" : ""}</span>
            </a>
          </li>
        );
      })}
    </ol>
  );
}
