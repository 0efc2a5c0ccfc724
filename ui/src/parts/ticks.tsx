// Coming ticks, with what is odd about them said beside them.
import { isRepeated, offsetOf, offsetText, parseTime, spanText, weekdayDay, clockText, fullTime, dayText } from "../lib/time";
import { agentNow } from "../state/clock";
import { zoneFor } from "../state/prefs";
import { Button } from "./basics";
import { Icon } from "./icons";

export interface Oddity {
  index: number;
  text: string;
}

/** Where the zone's offset changes between two ticks, and local times that come twice. */
export function odditiesOf(times: number[], zone: string, start: number): Oddity[] {
  const found: Oddity[] = [];
  let before = offsetOf(start, zone);
  times.forEach((at, index) => {
    const offset = offsetOf(at, zone);
    if (isRepeated(at, zone)) found.push({ index, text: `this local time comes twice; ${offsetText(offset)} is meant` });
    else if (offset !== before) found.push({ index, text: `clocks have gone ${offset > before ? "forward" : "back"} ${spanText(Math.abs(offset - before) * 60_000)}` });
    before = offset;
  });
  return found;
}

export function Ticks({ times, zone, remarks = [], onSkip }: { times: string[]; zone: string; remarks?: string[]; onSkip?: (at: string) => void }) {
  const shown = zoneFor(zone);
  const instants = times.map((t) => parseTime(t)).filter((t): t is number => t !== null);
  const odd = new Map(odditiesOf(instants, zone, agentNow()).map((o) => [o.index, o.text]));
  let day = "";
  return (
    <>
      {remarks.length > 0 ? <ul class="remarks">{remarks.map((r) => <li key={r}><Icon name="warn" size={14} /><span>{r}</span></li>)}</ul> : null}
      <ol class="ticks">
        {instants.map((at, i) => {
          const thisDay = dayText(at, shown);
          const newDay = thisDay !== day;
          day = thisDay;
          return (
            <li key={times[i]}>
              <span class="tick-day">{newDay ? weekdayDay(at, shown) : ""}</span>
              <time class="num" dateTime={new Date(at).toISOString()} title={`${fullTime(at, shown)}\n${fullTime(at, "UTC")}`}>{clockText(at, shown)}</time>
              <span class="tick-gap num">{i === 0 ? `in ${spanText(Math.max(0, Math.floor((at - agentNow()) / 1000) * 1000))}` : `+${spanText(at - instants[i - 1]!)}`}</span>
              {odd.has(i) ? <span class="tick-odd"><Icon name="warn" size={12} />{odd.get(i)}</span> : null}
              {onSkip && i === 0 ? <Button small kind="quiet" icon="skip" aria-label="Skip this one" title="Skip this one" onClick={() => onSkip(times[i]!)} /> : null}
            </li>
          );
        })}
      </ol>
    </>
  );
}
