// The past by result, the future by count; and the load of the week to come, hour by hour.
import { cluster, jobs } from "../api/calls";
import type { CalendarDay } from "../api/types";
import { heatRows, hoursOf, weeksOf } from "../lib/calendar";
import { forEach } from "../lib/queue";
import { route, setQuery, to } from "../lib/router";
import { monthName, parseTime, partsIn, weekdayDay } from "../lib/time";
import { agentNow } from "../state/clock";
import { zoneFor } from "../state/prefs";
import { useResource } from "../state/resource";
import { Button, Empty, ErrorNote, Loading, Page, Panel } from "../parts/basics";
import { StatusMark } from "../parts/status";

const JOBS = 200;
const TICKS = 1000;

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

function Heat() {
  const zone = zoneFor();
  const found = useResource("heat", async (signal) => {
    const page = await jobs.list({ _sort: "next", _order: "ASC", disabled: "false", _start: 0, _end: JOBS }, { signal });
    const due = page.jobs.filter((j) => parseTime(j.next) !== null);
    const times: number[][] = [];
    await forEach(due, 4, async (job) => {
      times.push((await jobs.next(job.name, TICKS, { signal })).times.map((t) => parseTime(t)!));
    });
    const from = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    return { ...hoursOf(times, TICKS, from), from, jobs: due.length, all: page.total };
  }, { on: ["job"], every: 60_000 });
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <Loading rows={7} />;
  const { hours, from, estimated } = found.data;
  const most = Math.max(...hours);
  if (most === 0) return <Empty title="Nothing is due in the coming week" />;
  const rows = heatRows(hours, from, zone);
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label="Load of the coming week"><table class="heat">
        <caption class="off-screen">Ticks in each hour of the coming week; the most are {most} in one hour</caption>
        <thead><tr><td />{Array.from({ length: 24 }, (_, h) => <th key={h} scope="col" class="num">{h % 3 === 0 ? h : <span class="off-screen">{h}</span>}</th>)}</tr></thead>
        <tbody>{rows.map((row) => (
          <tr key={row.day}><th scope="row">{weekdayDay(row.day, zone)}</th>
            {row.cells.map((cell, h) => cell ? (
              <td key={h} class={`heat-${cell.count === 0 ? 0 : 1 + Math.min(4, Math.floor((cell.count / most) * 4.999))}`} title={`${weekdayDay(cell.at, zone)} ${h}:00: ${cell.count.toLocaleString("en")} ticks`}><span class="off-screen">{cell.count}</span></td>
            ) : <td key={h} class="heat-no" />)}
          </tr>
        ))}</tbody>
      </table></div>
      <p class="dim heat-note">The busiest hour has {most.toLocaleString("en")} ticks.{estimated ? " Jobs that run very often are counted at their present rate." : ""}{found.data.all > JOBS ? ` Of ${found.data.all.toLocaleString("en")} jobs, the ${JOBS} that are due first are counted.` : ""}</p>
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
