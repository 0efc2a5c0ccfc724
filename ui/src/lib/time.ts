// Times as people read them, in a named zone, by the browser's own zone data.

export type IsoTime = string;

const formats = new Map<string, Intl.DateTimeFormat>();
function format(zone: string, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${zone} ${key}`;
  let found = formats.get(name);
  if (!found) {
    try {
      found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
    }
    formats.set(name, found);
  }
  return found;
}

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Null for the times that mean "none". */
export function parseTime(time: IsoTime | null | undefined): number | null {
  if (!time || time.startsWith("0001-")) return null;
  const at = Date.parse(time);
  return Number.isNaN(at) ? null : at;
}

export interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** 0 is Sunday. */
  weekday: number;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
export function partsIn(at: number, zone: string): Parts {
  const parts: Record<string, string> = {};
  const all = format(zone, "parts", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    second: "2-digit", weekday: "short", hourCycle: "h23",
  }).formatToParts(at);
  for (const { type, value } of all) parts[type] = value;
  return {
    year: Number(parts.year), month: Number(parts.month), day: Number(parts.day),
    hour: Number(parts.hour), minute: Number(parts.minute), second: Number(parts.second),
    weekday: WEEKDAYS.indexOf(parts.weekday ?? "Sun"),
  };
}

/** Minutes east of UTC. */
export function offsetOf(at: number, zone: string): number {
  if (zone === "UTC") return 0;
  const p = partsIn(at, zone);
  const wall = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second);
  return Math.round((wall - Math.floor(at / 1000) * 1000) / 60000);
}

export function offsetText(minutes: number): string {
  const sign = minutes < 0 ? "−" : "+";
  const all = Math.abs(minutes);
  return `${sign}${String(Math.floor(all / 60)).padStart(2, "0")}:${String(all % 60).padStart(2, "0")}`;
}

/** Whether the local time of this instant comes twice, so that it needs its offset beside it. */
export function isRepeated(at: number, zone: string): boolean {
  const here = offsetOf(at, zone);
  for (const hours of [-3, 3]) {
    const there = offsetOf(at + hours * 3_600_000, zone);
    if (there !== here && offsetOf(at + (here - there) * 60_000, zone) === there) return true;
  }
  return false;
}

/** The first instant of the day, or its hour zero as near as the zone has one. */
export function startOfDay(at: number, zone: string): number {
  const p = partsIn(at, zone);
  return instantOf(p.year, p.month, p.day, zone);
}
export function instantOf(year: number, month: number, day: number, zone: string, hour = 0, minute = 0): number {
  const wall = Date.UTC(year, month - 1, day, hour, minute);
  let at = wall - offsetOf(wall, zone) * 60_000;
  at = wall - offsetOf(at, zone) * 60_000;
  return at;
}

const two = (n: number) => String(n).padStart(2, "0");
export function clockText(at: number, zone: string, millis = false): string {
  const p = partsIn(at, zone);
  const ms = millis ? `.${String(((at % 1000) + 1000) % 1000).padStart(3, "0")}` : "";
  const offset = isRepeated(at, zone) ? ` ${offsetText(offsetOf(at, zone))}` : "";
  return `${two(p.hour)}:${two(p.minute)}:${two(p.second)}${ms}${offset}`;
}

export function dayText(at: number, zone: string): string {
  const p = partsIn(at, zone);
  return `${p.year}-${two(p.month)}-${two(p.day)}`;
}

export function monthDay(at: number, zone: string): string {
  return format(zone, "md", { day: "numeric", month: "short" }).format(at);
}
export function weekdayDay(at: number, zone: string): string {
  return format(zone, "wmd", { weekday: "short", day: "numeric", month: "short" }).format(at);
}
export function monthName(year: number, month: number): string {
  return format("UTC", "my", { month: "long", year: "numeric" }).format(Date.UTC(year, month - 1, 1));
}

/** As short as it may be: the day is left out today. */
export function shortTime(at: number, zone: string, now: number): string {
  const clock = clockText(at, zone);
  if (dayText(at, zone) === dayText(now, zone)) return clock;
  const p = partsIn(at, zone);
  const year = p.year === partsIn(now, zone).year ? "" : ` ${p.year}`;
  return `${monthDay(at, zone)}${year} ${clock}`;
}

export function fullTime(at: number, zone: string): string {
  const millis = at % 1000 !== 0;
  const p = partsIn(at, zone);
  const ms = millis ? `.${String(((at % 1000) + 1000) % 1000).padStart(3, "0")}` : "";
  return `${WEEKDAYS[p.weekday]} ${dayText(at, zone)} ${two(p.hour)}:${two(p.minute)}:${two(p.second)}${ms} ${offsetText(offsetOf(at, zone))} ${zone}`;
}

/** "in 4m 10s", "12s ago" */
export function relative(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000);
  if (seconds === 0) return "now";
  const text = spanText(Math.abs(seconds) * 1000);
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** Two units at most: "1d 4h", "4m 10s", "850ms". */
export function spanText(ms: number): string {
  if (ms < 0) ms = 0;
  if (ms < 1) return ms === 0 ? "0s" : `${Math.max(1, Math.round(ms * 1000))}µs`;
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)}ms`;
  if (ms < 10_000 && ms % 1000 !== 0) return `${(ms / 1000).toFixed(1)}s`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 ? `${m}m ${s % 60}s` : `${m}m`;
  const h = Math.floor(m / 60);
  if (h < 48) return m % 60 ? `${h}h ${m % 60}m` : `${h}h`;
  const d = Math.floor(h / 24);
  return h % 24 && d < 10 ? `${d}d ${h % 24}h` : `${d}d`;
}

/** Milliseconds with microseconds, as RFC 3339 texts have them. */
export function exactTime(time: IsoTime | null | undefined): number | null {
  const at = parseTime(time);
  if (at === null) return null;
  const fraction = /\.(\d+)/.exec(time!)?.[1] ?? "";
  const micros = fraction.length > 3 ? Number(`0.${fraction.slice(3)}`) : 0;
  return at + micros;
}
