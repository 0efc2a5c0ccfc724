// What became of the runs of the last days, and what the coming ones hold.
import { cluster } from "../api/calls";
import { to } from "../lib/router";
import { useResource } from "../state/resource";
import { ErrorNote, Loading, Panel } from "./basics";

const BEFORE = 13;
const AFTER = 1;

export function Outcomes() {
  const day = (by: number) => new Date(Date.now() + by * 86_400_000).toISOString().slice(0, 10);
  const found = useResource(`outcomes ${day(0)}`, (signal) => cluster.calendar(day(-BEFORE), day(AFTER), { signal }), { on: ["execution"], every: 3000 });
  const days = found.data?.days ?? [];
  const bad = (d: (typeof days)[number]) => d.failed + d.timed_out + d.lost;
  const done = (d: (typeof days)[number]) => bad(d) + d.succeeded + d.cancelled;
  const most = Math.max(1, ...days.map(done));
  const today = days.find((d) => d.date === day(0));
  // What is due does not dwarf what was: it ends at the top.
  const TALL = 92;
  const height = (n: number) => `${n === 0 ? 0 : Math.max(2, (n / most) * (TALL - 14))}px`;
  const due = (d: (typeof days)[number]) => `${d.scheduled === 0 ? 0 : Math.max(4, Math.min((d.scheduled / most) * (TALL - 14), TALL - (done(d) / most) * (TALL - 14)))}px`;
  return (
    <Panel title="Runs by day" extra={<a href={to.calendar()}>Calendar</a>}>
      {found.error && !found.data ? <ErrorNote error={found.error} /> : !found.data ? <Loading /> : (
        <>
          <p class="outcome-words">Today <strong class="num">{(today?.succeeded ?? 0).toLocaleString("en")}</strong> succeeded, <strong class={`num ${today && bad(today) ? "bad-text" : ""}`}>{(today ? bad(today) : 0).toLocaleString("en")}</strong> failed, <strong class="num">{today?.estimated ? "about " : ""}{(today?.scheduled ?? 0).toLocaleString("en")}</strong> are still due.</p>
          <ol class="outcome-days" aria-label="Runs by day, UTC">
            {days.map((d) => {
              const text = `${d.date}: ${d.succeeded} succeeded, ${bad(d)} failed${d.cancelled ? `, ${d.cancelled} cancelled` : ""}${d.scheduled ? `, ${d.scheduled} due` : ""}`;
              return (
                <li key={d.date} title={text}>
                  <span class="off-screen">{text}</span>
                  <span class="outcome-stack" aria-hidden="true">
                    <span class="o-due" style={{ height: due(d), display: d.scheduled ? "" : "none" }} />
                    <span class="o-bad" style={{ height: height(bad(d)) }} />
                    <span class="o-off" style={{ height: height(d.cancelled) }} />
                    <span class="o-ok" style={{ height: height(d.succeeded) }} />
                  </span>
                  <span class="outcome-day num" aria-hidden="true">{Number(d.date.slice(8))}</span>
                </li>
              );
            })}
          </ol>
        </>
      )}
    </Panel>
  );
}
