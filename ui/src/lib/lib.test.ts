import { describe, expect, it } from "vitest";
import { parseLine, stripAnsi } from "./ansi";
import { heatRows, weeksOf } from "./calendar";
import { cli, shellWord } from "./commands";
import { mergeDrafts } from "./draft";
import { parseDuration } from "./duration";
import { filterQuery } from "./filter";
import { findLines, LineStore, splitAround } from "./lines";
import { histogramOf, parseMetrics, quantile } from "./metrics";
import { forEach, Queue, Recent } from "./queue";
import { parseRoute, to } from "./router";
import { figuresOf, latenessOf } from "./stats";
import { clockText, exactTime, fullTime, instantOf, isRepeated, offsetOf, parseTime, relative, spanText } from "./time";
import { verdictOf, type Seen } from "./verdict";
import type { Execution } from "../api/types";

describe("times", () => {
  const at = (text: string) => Date.parse(text);
  it("show their offset in the hour that comes twice, and only there", () => {
    expect(clockText(at("2027-10-31T00:30:00Z"), "Europe/Paris")).toBe("02:30:00 +02:00");
    expect(clockText(at("2027-10-31T01:30:00Z"), "Europe/Paris")).toBe("02:30:00 +01:00");
    expect(clockText(at("2027-10-31T02:30:00Z"), "Europe/Paris")).toBe("03:30:00");
    expect(clockText(at("2027-10-30T23:59:59Z"), "Europe/Paris")).toBe("01:59:59");
  });
  it("know a repeated hour in zones whose step is half an hour", () => {
    // Lord Howe goes from +11:00 to +10:30.
    expect(isRepeated(at("2027-04-03T14:45:00Z"), "Australia/Lord_Howe")).toBe(true);
    expect(isRepeated(at("2027-04-03T14:15:00Z"), "Australia/Lord_Howe")).toBe(false);
  });
  it("are named whole in their title", () => {
    expect(fullTime(at("2026-11-24T01:00:00.250Z"), "Asia/Kolkata")).toBe("Tue 2026-11-24 06:30:00.250 +05:30 Asia/Kolkata");
  });
  it("are midnight where the zone has one, on the days the clocks change too", () => {
    expect(new Date(instantOf(2027, 3, 28, "Europe/Paris")).toISOString()).toBe("2027-03-27T23:00:00.000Z");
    expect(new Date(instantOf(2027, 10, 31, "Europe/Paris")).toISOString()).toBe("2027-10-30T22:00:00.000Z");
    expect(offsetOf(at("2027-07-01T00:00:00Z"), "America/St_Johns")).toBe(-150);
  });
  it("that mean none are none", () => {
    expect(parseTime("0001-01-01T00:00:00Z")).toBeNull();
    expect(parseTime(null)).toBeNull();
  });
  it("keep their microseconds", () => {
    expect(exactTime("2026-11-24T00:05:18.010371Z")! - at("2026-11-24T00:05:18.010Z")).toBeCloseTo(0.371, 3);
  });
  it("as spans have two units at most", () => {
    expect([0.25, 7.25, 850, 1500, 61_000, 3_600_000, 90_000_000, 900_000_000].map(spanText)).toEqual(["250µs", "7.3ms", "850ms", "1.5s", "1m 1s", "1h", "25h", "10d"]);
    expect(relative(10_000, 0)).toBe("in 10s");
    expect(relative(0, 250_000)).toBe("4m 10s ago");
  });
});

describe("addresses", () => {
  it("come back as they were made, whatever a job is called", () => {
    for (const name of ["a", "with space", "slash/inside", "50%", "ünï", "?&=#"]) {
      const route = parseRoute(to.job(name, { tab: "definition" }));
      expect([route.name, route.params.job, route.query.get("tab")]).toEqual(["job", name, "definition"]);
    }
  });
  it("that lead nowhere are missing", () => {
    expect(parseRoute("#/nowhere/at/all").name).toBe("missing");
    expect(parseRoute("#/jobs/%E0%A4%A").name).toBe("missing");
  });
});

describe("output", () => {
  it("keeps colours over runs and drops what moves the cursor", () => {
    const { runs, style } = parseLine("\u001b[1;31mred\u001b[0m plain\u001b[2K\u001b[38;5;208morange\u001b[48;2;1;2;3m");
    expect(runs.map((r) => [r.text, r.style.fg ?? "", r.style.bold ?? false])).toEqual([["red", "red", true], [" plain", "", false], ["orange", "rgb(255,135,0)", false]]);
    expect(style.bg).toBe("rgb(1,2,3)");
  });
  it("shows the last state of a progress bar", () => {
    expect(parseLine("10%\r50%\r100%\r").runs[0]!.text).toBe("100%");
  });
  it("makes no link of an escape sequence that wants to be one", () => {
    expect(stripAnsi("\u001b]8;;javascript:alert(1)\u0007text\u001b]8;;\u0007")).toBe("text");
  });
  it("comes in pieces and makes the same lines", () => {
    const whole = new LineStore();
    whole.push("one\ntwo\n\nthree");
    const pieces = new LineStore();
    for (const c of "one\ntwo\n\nthree") pieces.push(c);
    expect(pieces.lines).toEqual(["one", "two", "", "three"]);
    expect(whole.lines).toEqual(pieces.lines);
  });
  it("is searched without regard to case", () => {
    expect(findLines(["Error", "fine", "no error"], "ERROR")).toEqual([0, 2]);
    expect(splitAround("an Error, an error", "error")).toEqual(["an ", "Error", ", an ", "error", ""]);
    expect(splitAround("nothing", "")).toEqual(["nothing"]);
  });
});

describe("two who edit", () => {
  it("both keep what they changed where they changed different things", () => {
    expect(mergeDrafts({ a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 3 })).toEqual({ merged: { a: 2, b: 3 }, clashes: [] });
  });
  it("clash where both changed the same to different values", () => {
    expect(mergeDrafts({ a: 1 }, { a: 2 }, { a: 3 }).clashes).toEqual(["a"]);
    expect(mergeDrafts({ a: 1 }, { a: 2 }, { a: 2 }).clashes).toEqual([]);
  });
  it("may each take a field away", () => {
    expect(mergeDrafts({ a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 }).merged).toEqual({ b: 2 });
  });
});

describe("figures", () => {
  const run = (status: Execution["status"], started: string, finished: string | null, over: Partial<Execution> = {}) =>
    ({ status, scheduled_at: "2026-01-01T00:00:00Z", started_at: started, finished_at: finished, attempt: 1, trigger: "tick", ...over }) as Execution;
  it("count what ran, and neither what was skipped nor what still runs", () => {
    const figures = figuresOf([
      run("succeeded", "2026-01-01T00:00:00.010Z", "2026-01-01T00:00:01.010Z"),
      run("failed", "2026-01-01T00:00:00.030Z", "2026-01-01T00:00:03.030Z"),
      run("running", "2026-01-01T00:00:00.020Z", null),
      run("skipped", "", null, { started_at: null }),
    ]);
    expect(figures).toMatchObject({ ended: 2, succeeded: 1, successRate: 0.5, p50: 2000, latenessP50: 20 });
  });
  it("do not call a retry late", () => {
    expect(latenessOf(run("failed", "2026-01-01T00:01:00Z", null, { attempt: 2 }))).toBeNull();
  });
  it("come from histograms as Prometheus computes them", () => {
    const samples = parseMetrics('# HELP x\nx_bucket{stage="a",le="0.1"} 50\nx_bucket{stage="a",le="1"} 99\nx_bucket{stage="a",le="+Inf"} 100\nx_count{stage="a"} 100\nx_sum{stage="a"} 12\nx_bucket{stage="b",le="+Inf"} 7\n');
    const a = histogramOf(samples, "x", { stage: "a" });
    expect(quantile(a, 0.5)).toBeCloseTo(0.1);
    expect(quantile(a, 0.99)).toBeCloseTo(1);
    expect(quantile(a, 1)).toBe(1);
    expect(quantile(histogramOf([], "x"), 0.5)).toBeNull();
  });
});

describe("the verdict", () => {
  const well: Seen = { silence: 0, ready: { ready: true, issues: [] }, members: [], failing: 0, partial: 0, paused: false, waiting: 0, latenessP99: 0.01 };
  it("is silent when all is well", () => expect(verdictOf(well)).toEqual([]));
  it("names the one job that fails, and counts several", () => {
    expect(verdictOf({ ...well, failing: 1, failingName: "backup" })[0]).toMatchObject({ text: "backup fails", href: "#/jobs/backup" });
    expect(verdictOf({ ...well, failing: 1200 })[0]).toMatchObject({ text: "1,200 jobs fail", href: "#/jobs?status=failed" });
  });
  it("puts silence before everything, because nothing else is known then", () => {
    expect(verdictOf({ ...well, silence: 12, failing: 3 })[0]!.text).toBe("No signal for 12s");
  });
  it("says that an agent is gone", () => {
    expect(verdictOf({ ...well, members: [{ Name: "a3", Status: 4, Addr: "", Port: 0, Tags: {}, statusText: "failed" }] })[0]!.text).toBe("Agent a3 is gone");
  });
});

describe("the calendar", () => {
  it("has whole weeks, Monday first", () => {
    const weeks = weeksOf(2026, 11);
    expect([weeks.length, weeks[0]![0], weeks.at(-1)![6]]).toEqual([6, "2026-10-26", "2026-12-06"]);
    expect(weeksOf(2027, 2).length).toBe(4);
  });
  it("shows the hour that comes twice as one cell", () => {
    const from = Date.parse("2027-10-30T22:00:00Z");
    const rows = heatRows(new Array(25).fill(1), from, "Europe/Paris");
    expect(rows[0]!.cells[2]!.count).toBe(2);
  });
});

describe("small things", () => {
  it("quote a word for the shell so that nothing in it is run", () => {
    expect(shellWord("plain-1")).toBe("plain-1");
    expect(cli("job", "run", "it's $(x)")).toBe(`khronos job run 'it'\\''s $(x)'`);
  });
  it("read Go's durations", () => {
    expect([parseDuration("1h30m10s"), parseDuration("1.5s"), parseDuration("0"), parseDuration("90"), parseDuration("")]).toEqual([5_410_000, 1500, 0, null, null]);
  });
  it("read a filter's words and pairs", () => {
    expect(filterQuery("nightly team=data  etl")).toEqual({ q: "nightly etl", "metadata[team]": "data" });
    expect(filterQuery("application=web tag:dc=x:2 x")).toEqual({ q: "x", application: "web", "tags[dc]": "x:2" });
  });
  it("ask a few things at a time, the latest first, and not what nobody waits for", async () => {
    const queue = new Queue(1);
    const ran: string[] = [];
    let open!: () => void;
    const gate = new Promise<void>((done) => (open = done));
    queue.add(async () => { await gate; ran.push("first"); });
    queue.add(async () => void ran.push("second"));
    queue.add(async () => void ran.push("unwanted"), () => false);
    await new Promise<void>((done) => { queue.add(async () => { ran.push("third"); }); queue.add(async () => {}); open(); setTimeout(done); });
    await forEach([0], 1, async () => {});
    expect(ran).toEqual(["first", "third", "second"]);
  });
  it("forget the least recently used", () => {
    const recent = new Recent<string, number>(2);
    recent.set("a", 1);
    recent.set("b", 2);
    recent.get("a");
    recent.set("c", 3);
    expect([recent.get("a"), recent.get("b"), recent.get("c")]).toEqual([1, undefined, 3]);
  });
});
