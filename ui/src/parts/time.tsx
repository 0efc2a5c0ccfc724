// Times on the page: short, with everything in their title.
import { computed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { fullTime, parseTime, relative, shortTime, spanText } from "../lib/time";
import { agentNow } from "../state/clock";
import { zoneFor } from "../state/prefs";

function titleOf(at: number, zone: string): string {
  const utc = zone === "UTC" ? "" : `\n${fullTime(at, "UTC")}`;
  return `${fullTime(at, zone)}${utc}`;
}

/** A time of day, with its date where it is not today; in the zone of the page's switch. */
export function Time({ at, zone, none = "–" }: { at: string | number | null | undefined; zone?: string | null; none?: string }) {
  const ms = typeof at === "number" ? at : parseTime(at);
  if (ms === null) return <span class="none">{none}</span>;
  const shown = zoneFor(zone);
  return (
    <time class="num" dateTime={new Date(ms).toISOString()} title={titleOf(ms, shown)}>
      {shortTime(ms, shown, agentNow())}
    </time>
  );
}

/** "in 12s", "3m ago"; counts. Only its text changes with the clock. */
export function Ago({ at, zone, none = "–" }: { at: string | null | undefined; zone?: string | null; none?: string }) {
  const ms = parseTime(at);
  const text = useMemo(() => computed(() => (ms === null ? none : relative(ms, agentNow()))), [ms, none]);
  if (ms === null) return <span class="none">{none}</span>;
  return (
    <time class="num" dateTime={new Date(ms).toISOString()} title={titleOf(ms, zoneFor(zone))}>
      {text}
    </time>
  );
}

/** How long something has been going on. */
export function Elapsed({ since }: { since: string | null | undefined }) {
  const ms = parseTime(since);
  const text = useMemo(() => computed(() => (ms === null ? "–" : spanText(Math.max(0, Math.floor((agentNow() - ms) / 1000) * 1000)))), [ms]);
  return <span class="num">{text}</span>;
}

export function Span({ ms, none = "–" }: { ms: number | null | undefined; none?: string }) {
  if (ms === null || ms === undefined) return <span class="none">{none}</span>;
  return <span class="num">{spanText(ms)}</span>;
}
