// The past by result, the future by count; and the load of the week to come, hour by hour.
import { cluster } from "../api/calls";
import type { CalendarDay } from "../api/types";
import { heatRows, weeksOf } from "../lib/calendar";
import { route, setQuery, to } from "../lib/router";
import { monthName, parseTime, partsIn, weekdayDay } from "../lib/time";
import { agentNow } from "../state/clock";
import { zoneFor } from "../state/prefs";
import { useResource } from "../state/resource";
import { Button, Empty, ErrorNote, Loading, Page, Panel } from "../parts/basics";
import { StatusMark } from "../parts/status";

function Day({ day, inMonth, today }: { day: CalendarDay; inMonth: boolean; today: boolean }) {
  const bad = day.failed + day.timed_out + day.lost;
  const all = bad + day.succeeded + day.cancelled;
  const share = all ? bad / all : 0;
  return (
    <td class={`day ${inMonth ? "" : "other"} ${today ? "today" : ""}`}>
      <span class="day-no num">{Number(day.date.slice(8))}{today ? <span class="off-screen"> today</span> : null}</span>
      {all > 0 ? (
        <>
          <span class="day-bar" aria-hidden="true"><span class="day-good" style={{ width: `${(1 - share) * 100}%` }} /><span class="day-bad" style={{ width: `${bad ? Math.max(4, share * 100) : 0}%` }} /></span>
          <span class="day-text">{all.toLocaleString("en")} ran{bad ? <span class="day-failed"><StatusMark mark="failed" size={11} text="failed" /> {bad.toLocaleString("en")}</span> : null}</span>
        </>
      ) : null}
      {day.scheduled > 0 ? <span class="day-text to-come">{day.estimated ? "about " : ""}{day.scheduled.toLocaleString("en")} due</span> : null}
    </td>
  );
}

const jobCount = (n: number) => `${n.toLocaleString("en")} ${n === 1 ? "job" : "jobs"}`;

function Heat() {
  const zone = zoneFor();
  const found = useResource("heat", (signal) => cluster.simulate(7, { signal }), { on: ["job"], every: 60_000 });
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <Loading rows={7} />;
  const week = found.data;
  const hours = week.hours.map((h) => h.runs);
  const from = parseTime(week.hours[0]?.at ?? week.from)!;
  const most = Math.max(0, ...hours);
  if (most === 0) return <Empty title="Nothing is due in the coming week" />;
  const trouble = week.jobs.filter((j) => j.skipped + j.late > 0).slice(0, 5);
  const rows = heatRows(hours, from, zone);
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label="Load of the coming week"><table class="heat">
        <caption class="off-screen">Runs in each hour of the coming week; the most are {most} in one hour</caption>
        <thead><tr><td />{Array.from({ length: 24 }, (_, h) => <th key={h} scope="col" class="num">{h % 3 === 0 ? h : <span class="off-screen">{h}</span>}</th>)}</tr></thead>
        <tbody>{rows.map((row) => (
          <tr key={row.day}><th scope="row">{weekdayDay(row.day, zone)}</th>
            {row.cells.map((cell, h) => cell ? (
              <td key={h} class={`heat-${cell.count === 0 ? 0 : 1 + Math.min(4, Math.floor((cell.count / most) * 4.999))}`} title={`${weekdayDay(cell.at, zone)} ${h}:00: ${cell.count.toLocaleString("en")} runs`}><span class="off-screen">{cell.count}</span></td>
            ) : <td key={h} class="heat-no" />)}
          </tr>
        ))}</tbody>
      </table></div>
      <p class="dim heat-note">The busiest hour has {most.toLocaleString("en")} runs.
        {week.skipped > 0 ? ` ${week.skipped.toLocaleString("en")} ticks will be skipped, because the run before is not over.` : ""}
        {week.late > 0 ? ` ${week.late.toLocaleString("en")} runs will be late: the workers have ${week.slots.toLocaleString("en")} slots.` : ""}
        {week.overlapping_jobs > 0 ? ` Runs of ${jobCount(week.overlapping_jobs)} overlap.` : ""}
        {week.jobs_all > week.jobs_counted ? ` Of ${jobCount(week.jobs_all)}, ${week.jobs_counted.toLocaleString("en")} are counted.` : ""}
        {parseTime(week.reached)! < parseTime(week.until)! ? " There is too much to reckon for the whole week: it ends where the cells do." : ""}
        {" "}A run is taken to last as long as its job's last runs did, or a second.</p>
      {trouble.length > 0 ? <ul class="heat-note">{trouble.map((j) => <li key={j.name}><a href={to.job(j.name)}>{j.name}</a>: {j.skipped > 0 ? `skips ${j.skipped.toLocaleString("en")} of ${j.ticks.toLocaleString("en")} ticks` : ""}{j.skipped > 0 && j.late > 0 ? ", " : ""}{j.late > 0 ? `late ${j.late.toLocaleString("en")} times` : ""}</li>)}</ul> : null}
      {week.clock_changes.length > 0 ? <ul class="heat-note">{week.clock_changes.map((text) => <li key={text}>{text}</li>)}</ul> : null}
    </>
  );
}

export function Calendar() {
  const now = partsIn(agentNow(), "UTC");
  const [year, month] = (route.value.query.get("month") ?? `${now.year}-${now.month}`).split("-").map(Number) as [number, number];
  const weeks = weeksOf(year, month);
  const from = weeks[0]![0]!;
  const until = weeks.at(-1)![6]!;
  const found = useResource(`calendar ${from}`, (signal) => cluster.calendar(from, until, { signal }), { on: ["execution", "job"], every: 10_000 });
  const days = new Map(found.data?.days.map((d) => [d.date, d]));
  const move = (by: number) => {
    const date = new Date(Date.UTC(year, month - 1 + by, 1));
    setQuery({ month: `${date.getUTCFullYear()}-${date.getUTCMonth() + 1}` });
  };
  const today = new Date(agentNow()).toISOString().slice(0, 10);
  const empty = (date: string): CalendarDay => ({ date, succeeded: 0, failed: 0, timed_out: 0, cancelled: 0, lost: 0, scheduled: 0, estimated: false });
  return (
    <Page title="Calendar" sub="Days are UTC days" actions={<><Button icon="left" aria-label="Month before" onClick={() => move(-1)} /><Button onClick={() => setQuery({ month: "" })}>Today</Button><Button icon="right" aria-label="Month after" onClick={() => move(1)} /></>}>
      <ErrorNote error={found.error} />
      <Panel title={<span aria-live="polite">{monthName(year, month)}</span>} flush>
        <div class="table-box" tabIndex={0} role="region" aria-label="Month"><table class="month">
          <thead><tr>{["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map((d) => <th key={d} scope="col">{d}</th>)}</tr></thead>
          <tbody>{weeks.map((week) => <tr key={week[0]}>{week.map((date) => <Day key={date} day={days.get(date) ?? empty(date)} inMonth={Number(date.slice(5, 7)) === month} today={date === today} />)}</tr>)}</tbody>
        </table></div>
      </Panel>
      <Panel title="The coming week, hour by hour" extra={<a href={to.timeline()}>Timeline</a>} class="gap-above"><Heat /></Panel>
    </Page>
  );
}
