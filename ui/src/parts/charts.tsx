// Plots, by uPlot. Each has its words beside it for those who cannot see it.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Execution } from "../api/types";
import { durationOf, hasRun } from "../lib/stats";
import { exactTime, spanText } from "../lib/time";
import { theme, zoneFor } from "../state/prefs";
import { toneOf } from "./status";

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
}

export function Plot({ data, options, height = 120, label }: { data: uPlot.AlignedData; options: (width: number) => Partial<uPlot.Options>; height?: number; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const key = theme.value;
  useEffect(() => {
    const el = box.current!;
    const make = () => {
      plot.current?.destroy();
      const width = el.clientWidth || 300;
      plot.current = new uPlot({ width, height, legend: { show: false }, cursor: { show: false }, ...options(width) } as uPlot.Options, data, el);
    };
    make();
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", make);
    const observer = new ResizeObserver(() => {
      if (plot.current && el.clientWidth && el.clientWidth !== plot.current.width) plot.current.setSize({ width: el.clientWidth, height });
    });
    observer.observe(el);
    return () => {
      observer.disconnect();
      media.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [key, height]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div class="plot" ref={box} role="img" aria-label={label} />;
}

export function axis(extra: Partial<uPlot.Axis> = {}): uPlot.Axis {
  return {
    stroke: colour("ink-3"),
    font: "11px 'Geist Variable', system-ui, sans-serif",
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    ...extra,
  };
}

/** How long the runs took, over time; those that failed stand out. */
export function DurationChart({ runs, zone }: { runs: Execution[]; zone: string }) {
  const shown = runs.filter((e) => hasRun(e.status) && durationOf(e) !== null).reverse();
  if (shown.length < 5) return null;
  const xs = shown.map((e) => exactTime(e.started_at)! / 1000);
  // In the order of their starts, which the plot needs.
  const order = xs.map((_, i) => i).sort((a, b) => xs[a]! - xs[b]!);
  const good: (number | null)[] = [];
  const bad: (number | null)[] = [];
  for (const i of order) {
    const e = shown[i]!;
    const seconds = durationOf(e)! / 1000;
    const failed = toneOf(e.status) === "bad";
    good.push(seconds);
    bad.push(failed ? seconds : null);
  }
  const data: uPlot.AlignedData = [order.map((i) => xs[i]!), good, bad];
  const shownZone = zoneFor(zone);
  return (
    <Plot data={data} height={110} label={`Durations of the last ${shown.length} runs`} options={() => ({
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), shownZone),
      scales: { y: { range: (_u, _min, max) => [0, Math.max(max * 1.1, 0.001)] } },
      padding: [8, 4, 0, 0],
      axes: [
        axis({ grid: { show: false }, size: 22, values: [[3600 * 24, "{D} {MMM}", null, null, null, null, null, null, 1], [60, "{HH}:{mm}", null, null, null, null, null, null, 1], [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]] }),
        axis({ size: 46, space: 32, values: (_u, ticks) => ticks.map((t) => spanText(t * 1000)) }),
      ],
      series: [
        {},
        { stroke: colour("run"), width: 1.25, fill: colour("run-soft"), points: { show: shown.length < 80, size: 4, fill: colour("surface") } },
        { stroke: colour("bad"), width: 0, points: { show: true, size: 7, fill: colour("bad"), stroke: colour("bad") } },
      ],
    })} />
  );
}
