// What this browser prefers: theme and time zone. Kept here only.
import { effect, signal } from "@preact/signals";
import { browserZone, isZone } from "../lib/time";

function load<T extends string>(key: string, otherwise: T): T {
  try {
    return (localStorage.getItem(`khronos.${key}`) as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}
function save(key: string, value: string) {
  try {
    localStorage.setItem(`khronos.${key}`, value);
  } catch {
    // Then it lasts as long as the page.
  }
}

export type Theme = "auto" | "light" | "dark";
export const theme = signal<Theme>(load("theme", "auto"));
export type ZoneMode = "browser" | "utc" | "job";
export const zoneMode = signal<ZoneMode>(load("zone", "browser"));

/** The zone that times are shown in; `job` is the zone of the job they belong to, if any. */
export function zoneFor(job?: string | null): string {
  if (zoneMode.value === "utc") return "UTC";
  if (zoneMode.value === "job" && job !== undefined && job !== null) return job && isZone(job) ? job : "UTC";
  return browserZone;
}

export function startPrefs() {
  effect(() => {
    save("theme", theme.value);
    const root = document.documentElement;
    if (theme.value === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme.value;
  });
  effect(() => save("zone", zoneMode.value));
}
