// Days and hours for the calendar.
import { partsIn } from "./time";

/** Weeks, Monday first, of the days that a month's page shows: each as YYYY-MM-DD. */
export function weeksOf(year: number, month: number): string[][] {
  const first = new Date(Date.UTC(year, month - 1, 1));
  const start = Date.UTC(year, month - 1, 1 - ((first.getUTCDay() + 6) % 7));
  const weeks: string[][] = [];
  for (let w = 0; w < 6; w++) {
    const week = Array.from({ length: 7 }, (_, d) => new Date(start + (w * 7 + d) * 86_400_000).toISOString().slice(0, 10));
    if (w > 3 && !week.some((d) => Number(d.slice(5, 7)) === month)) break;
    weeks.push(week);
  }
  return weeks;
}

export interface HeatCell { at: number; count: number }
/** Rows are days in the zone, columns its hours of the day. */
export function heatRows(hours: number[], from: number, zone: string): { day: number; cells: (HeatCell | null)[] }[] {
  const rows: { key: string; day: number; cells: (HeatCell | null)[] }[] = [];
  hours.forEach((count, i) => {
    const at = from + i * 3_600_000;
    const p = partsIn(at, zone);
    const key = `${p.year}-${p.month}-${p.day}`;
    let row = rows.find((r) => r.key === key);
    if (!row) rows.push((row = { key, day: at, cells: new Array<HeatCell | null>(24).fill(null) }));
    const old = row.cells[p.hour];
    row.cells[p.hour] = { at: old?.at ?? at, count: (old?.count ?? 0) + count };
  });
  return rows;
}
