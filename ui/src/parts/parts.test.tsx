import { fireEvent, render, screen } from "@testing-library/preact";
import { describe, expect, it, vi } from "vitest";
import type { Execution, Job, Preview } from "../api/types";
import { withRun } from "../state/trends";
import { Menu } from "./basics";
import { MapField, TextField } from "./fields";
import { fuzzy } from "./palette";
import { RunBars, RunGrid } from "./runs";
import { caretOf, ScheduleField } from "./schedule-field";
import { exitOf, markOfJob, StatusMark, toneOf, type Mark } from "./status";
import { odditiesOf, Ticks } from "./ticks";
import { VirtualList } from "./virtual";

const run = (id: string, status: Execution["status"], ms = 1000) =>
  ({ id, job: "j", status, scheduled_at: `2026-01-01T00:00:0${id}Z`, started_at: "2026-01-01T00:00:00Z", finished_at: new Date(Date.UTC(2026, 0, 1) + ms).toISOString(), attempt: 1, trigger: "tick", exit_code: 0, signal: 0 }) as Execution;

describe("a state", () => {
  it("is said in words to those who cannot see it", () => {
    render(<StatusMark mark="timed_out" />);
    expect(screen.getByRole("img", { name: "Timed out" })).toBeTruthy();
  });
  it("has a shape of its own among those of one colour", () => {
    const shapes = new Map<string, Mark>();
    for (const mark of ["succeeded", "failed", "timed_out", "lost", "running", "waiting", "retry_wait", "skipped", "coalesced", "cancelled", "paused", "never", "partially_failed"] as Mark[]) {
      const { container, unmount } = render(<StatusMark mark={mark} label text="x" />);
      const shape = container.querySelector("svg")!.innerHTML;
      expect(shapes.get(shape), `${mark} looks like another`).toBeUndefined();
      shapes.set(shape, mark);
      unmount();
    }
    expect(toneOf("lost")).toBe("bad");
  });
  it("of a job is what it does now before how it ended", () => {
    const job = { disabled: true, status: "failed" } as Job;
    expect([markOfJob(job, true), markOfJob(job), markOfJob({ ...job, disabled: false }), markOfJob({ ...job, disabled: false, status: "" })]).toEqual(["running", "paused", "failed", "never"]);
  });
  it("names the signal that ended a process", () => {
    const ended = { started_at: "x", finished_at: "y" };
    expect([exitOf({ ...ended, exit_code: 3, signal: 0 }), exitOf({ ...ended, exit_code: 0, signal: 9 }), exitOf({ exit_code: 0, signal: 0, started_at: "x", finished_at: null })]).toEqual(["exit 3", "SIGKILL", ""]);
  });
});

describe("runs as marks", () => {
  it("tell what they show", () => {
    render(<RunBars runs={[run("2", "failed"), run("1", "succeeded", 3000)]} />);
    expect(screen.getByRole("img", { name: "last 2 runs: 1 succeeded, 1 failed; longest 3s" })).toBeTruthy();
  });
  it("are links, oldest first, and a failure is marked by more than colour", () => {
    render(<RunGrid runs={[run("2", "failed"), run("1", "succeeded")]} zone="UTC" />);
    const links = screen.getAllByRole("link");
    expect(links.map((l) => l.getAttribute("href"))).toEqual(["#/executions/1", "#/executions/2"]);
    expect(links[1]!.textContent).toBe("×");
  });
  it("take a new run, and replace one that is known", () => {
    const runs = [run("2", "running"), run("1", "succeeded")];
    expect(withRun(runs, run("2", "failed"), 20).map((r) => r.status)).toEqual(["failed", "succeeded"]);
    expect(withRun(runs, run("3", "running"), 2).map((r) => r.id)).toEqual(["3", "2"]);
  });
});

describe("the schedule", () => {
  it("has its mistake marked under its place, counted in characters", () => {
    expect(caretOf("0 0 25 * * *", 4, 2)).toBe("    ^^");
    expect(caretOf("é 99", 3, 2)).toBe("  ^^");
    expect(caretOf("0 0", 3, 0)).toBe("   ^");
  });
  it("offers the six fields to who has typed five", () => {
    const set = vi.fn();
    const preview: Preview = { valid: false, error: { message: "five fields", hint: "0 30 2 * * *", offset: 0, length: 10 } };
    render(<ScheduleField schedule="30 2 * * *" timezone="" set={set} preview={preview} error="" zoneError="" failure={null} />);
    fireEvent.click(screen.getByRole("button", { name: "0 30 2 * * *" }));
    expect(set).toHaveBeenCalledWith({ schedule: "0 30 2 * * *" });
    expect(screen.getByLabelText("Schedule").getAttribute("aria-invalid")).toBe("true");
  });
  it("has its ticks marked where the clocks change", () => {
    const times = ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-10-31T01:30:00Z"].map((t) => Date.parse(t));
    expect(odditiesOf(times.slice(0, 2), "Europe/Paris", Date.parse("2027-03-26T00:00:00Z"))).toEqual([{ index: 1, text: "clocks have gone forward 1h" }]);
    expect(odditiesOf(times.slice(2), "Europe/Paris", Date.parse("2027-10-30T00:00:00Z"))[0]!.text).toContain("comes twice");
    render(<Ticks times={["2027-03-28T01:00:00Z"]} zone="Europe/Paris" remarks={["beware"]} />);
    expect(screen.getByText("beware")).toBeTruthy();
  });
});

describe("parts of forms", () => {
  it("tie a mistake to its field", () => {
    render(<TextField label="Time-out" value="x" onInput={() => {}} error="no duration" />);
    const field = screen.getByLabelText("Time-out");
    expect(document.getElementById(field.getAttribute("aria-describedby")!)!.textContent).toBe("no duration");
  });
  it("keep a row without a key until it has one", () => {
    const said: unknown[] = [];
    render(<MapField label="Tags" value={null} onInput={(v) => said.push(v)} />);
    fireEvent.click(screen.getByRole("button", { name: "Add" }));
    fireEvent.input(screen.getByLabelText("Tags: value 1"), { target: { value: "ssd" } });
    fireEvent.input(screen.getByLabelText("Tags: key 1"), { target: { value: "disk" } });
    expect(said).toEqual([null, null, { disk: "ssd" }]);
  });
  it("a menu opens, moves with arrows and closes with Escape", () => {
    const ran = vi.fn();
    render(<Menu label="More" items={[{ label: "One", run: () => {} }, { label: "Two", run: ran }]} />);
    const button = screen.getByRole("button", { name: "More" });
    fireEvent.click(button);
    fireEvent.keyDown(document.activeElement!, { key: "ArrowDown" });
    expect(document.activeElement!.textContent).toBe("Two");
    fireEvent.click(document.activeElement!);
    expect(ran).toHaveBeenCalledOnce();
    fireEvent.click(button);
    fireEvent.keyDown(document.activeElement!, { key: "Escape" });
    expect(screen.queryByRole("menu")).toBeNull();
    expect(document.activeElement).toBe(button);
  });
});

it("a list of a million rows draws a screenful", () => {
  const { container } = render(<VirtualList count={1_000_000} rowHeight={38} label="many" row={(i) => <span role="cell">{i}</span>} />);
  expect(container.querySelectorAll(".virtual-row").length).toBeLessThan(80);
});

it("the palette finds letters in their order, the direct hit first", () => {
  expect(fuzzy("cal", "Go to Calendar")).toBeLessThan(fuzzy("gcd", "Go to Calendar")!);
  expect(fuzzy("zz", "Calendar")).toBeNull();
});
