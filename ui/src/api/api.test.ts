import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, queryText, request, rootOf } from "./http";
import { EventParser, type ServerEvent } from "./sse";
import { parseEvent, topicOf } from "../state/live";

afterEach(() => vi.unstubAllGlobals());

describe("the event stream", () => {
  const read = (pieces: string[]) => {
    const events: ServerEvent[] = [];
    const parser = new EventParser((e) => events.push({ ...e }));
    pieces.forEach((p) => parser.push(p));
    return events;
  };
  const text = ': alive\n\nevent: job\ndata: {"name":"a"}\nid: 7\n\nevent: execution\r\ndata: one\r\ndata: two\r\n\r\n';
  it("is read the same however it is cut", () => {
    const whole = read([text]);
    expect(whole).toEqual([{ event: "job", data: '{"name":"a"}', id: "7" }, { event: "execution", data: "one\ntwo", id: "7" }]);
    expect(read([...text])).toEqual(whole);
  });
  it("gives nothing for a piece that is not whole", () => expect(read(["event: job\ndata: {"])).toEqual([]));
  it("survives what it does not know and what is no JSON", () => {
    expect(parseEvent("something_new", "{}")).toBeNull();
    expect(parseEvent("job", "{broken")).toBeNull();
    expect(topicOf(parseEvent("job_deleted", '{"name":"x"}')!)).toBe("job");
    expect(parseEvent("agent_deleted", '{"agent":"x"}')).toMatchObject({ kind: "agent" });
  });
});

describe("requests", () => {
  it("go beside the page, wherever it lies", () => {
    expect(rootOf("http://h:1/ui/")).toBe("http://h:1/");
    expect(rootOf("https://h/team/cron/ui/#/jobs?x=1")).toBe("https://h/team/cron/");
  });
  it("leave empty parameters out", () => expect(queryText({ a: "", b: 0, c: undefined, "metadata[k]": "v w" })).toBe("?b=0&metadata%5Bk%5D=v+w"));
  it("make fields of a problem, and a sentence of a text", async () => {
    const answers = [
      new Response(JSON.stringify({ detail: "two things", errors: [{ field: "schedule", message: "never" }] }), { status: 400, headers: { "Content-Type": "application/problem+json" } }),
      new Response("specified parent job not found", { status: 404 }),
    ];
    vi.stubGlobal("fetch", async () => answers.shift()!);
    const first = await request("v1/jobs").catch((e: unknown) => e as ApiError);
    expect(first).toMatchObject({ status: 400, message: "two things", errors: [{ field: "schedule", message: "never" }] });
    const second = await request("v1/jobs").catch((e: unknown) => e as ApiError);
    expect(second).toMatchObject({ status: 404, message: "specified parent job not found" });
  });
  it("that nobody answers are told from those that are refused", async () => {
    vi.stubGlobal("fetch", async () => { throw new TypeError("failed"); });
    const error = await request("v1/jobs").catch((e: unknown) => e as ApiError);
    expect((error as ApiError).isOffline).toBe(true);
  });
});
