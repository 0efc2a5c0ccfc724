// The schedule: its text, its mistake under its place, its words, its next ten times, its surprises.
import { useId, useMemo } from "preact/hooks";
import type { ApiError } from "../api/http";
import type { Preview } from "../api/types";
import type { Draft } from "../lib/draft";
import { browserZone } from "../lib/time";
import { Icon } from "./icons";
import { Ticks } from "./ticks";

const EXAMPLES: [string, string][] = [
  ["0 */5 * * * *", "every 5 minutes"],
  ["0 0 2 * * *", "at 02:00"],
  ["0 30 8 * * MON-FRI", "weekdays, 08:30"],
  ["@every 30s", "every 30 s"],
  ["0 0 6 1 * *", "1st of the month"],
  ["@manually", "only by hand"],
];

/** Offsets are in bytes; the caret stands in characters. */
export function caretOf(text: string, offset: number, length: number): string {
  const bytes = new TextEncoder().encode(text);
  const before = new TextDecoder().decode(bytes.slice(0, offset)).length;
  const marked = Math.max(1, new TextDecoder().decode(bytes.slice(offset, offset + length)).length);
  return " ".repeat(before) + "^".repeat(marked);
}

/** Remarks that the agent leaves to us: many jobs at the turn of the hour. */
export function herdRemark(schedule: string): string | null {
  return /^0 0 (\*|\*\/1|0) \* \* (\*|\?)$/.test(schedule.trim().replace(/\s+/g, " ")) ? "Many jobs run at :00. H instead of a number picks a minute of this job's own, always the same: 0 H …" : null;
}

export function ScheduleField({ schedule, timezone, set, preview, error, zoneError, failure }: {
  schedule: string; timezone: string; set: (change: Draft) => void; preview: Preview | null; error: string; zoneError: string; failure: ApiError | null;
}) {
  const id = useId();
  const zones = useMemo(() => {
    const all = (Intl as unknown as { supportedValuesOf?: (what: string) => string[] }).supportedValuesOf?.("timeZone") ?? [browserZone];
    return [...new Set(["UTC", browserZone, ...all])];
  }, []);
  const wrong = preview && !preview.valid ? preview.error : null;
  const herd = preview?.valid ? herdRemark(schedule) : null;
  return (
    <fieldset>
      <legend>When</legend>
      <div class="row schedule-row">
        <div class="field grow">
          <label for={id}>Schedule</label>
          <input id={id} class="mono" value={schedule} spellcheck={false} autocomplete="off" placeholder="0 30 2 * * *" aria-invalid={wrong || error ? "true" : undefined} aria-describedby={`${id}-said`} onInput={(e) => set({ schedule: e.currentTarget.value })} />
          <div id={`${id}-said`} aria-live="polite">
            {wrong ? (
              <div class="schedule-wrong">
                <pre aria-hidden="true">{caretOf(schedule, wrong.offset, wrong.length)}</pre>
                <p class="field-error"><Icon name="warn" size={14} />{wrong.message}</p>
                {wrong.hint ? (/^[\d*@]/.test(wrong.hint) ? <p class="hint">Perhaps <button type="button" class="link mono" onClick={() => set({ schedule: wrong.hint })}>{wrong.hint}</button></p> : <p class="hint">{wrong.hint}</p>) : null}
              </div>
            ) : preview?.valid ? <p class="words-line"><Icon name="right" size={12} /> {preview.words}</p>
              : failure ? <p class="field-error"><Icon name="warn" size={14} />{failure.message}</p>
              : error ? <p class="field-error"><Icon name="warn" size={14} />{error}</p>
              : <p class="hint">Second, minute, hour, day, month, weekday. Without one, it runs only by hand.</p>}
          </div>
        </div>
        <div class="field zone-field">
          <label for={`${id}-zone`}>Time zone</label>
          <input id={`${id}-zone`} list={`${id}-zones`} value={timezone} placeholder="UTC" spellcheck={false} autocomplete="off" aria-invalid={zoneError ? "true" : undefined} onInput={(e) => set({ timezone: e.currentTarget.value.trim() })} />
          <datalist id={`${id}-zones`}>{zones.map((z) => <option key={z} value={z} />)}</datalist>
          {zoneError ? <p class="field-error" role="alert"><Icon name="warn" size={14} />{zoneError}</p> : null}
        </div>
      </div>
      {schedule === "" ? (
        <div class="examples" role="group" aria-label="Examples">
          {EXAMPLES.map(([text, words]) => <button key={text} type="button" class="example" onClick={() => set({ schedule: text })}><code>{text}</code><span>{words}</span></button>)}
        </div>
      ) : null}
      {preview?.valid ? (
        <div class="preview">
          {preview.times.length === 0 ? <p class="hint">No coming tick.</p> : <Ticks times={preview.times} zone={preview.timezone} remarks={[...preview.remarks, ...(herd ? [herd] : [])]} />}
        </div>
      ) : null}
    </fieldset>
  );
}
