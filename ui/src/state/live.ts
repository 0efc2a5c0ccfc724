// What the cluster says by itself: one stream of events for the whole page, and how fresh it is.
//
// - Every event carries the store's revision; after a cut the stream goes on behind the last one.
// - `signalAt` is when anything was last heard. The page shows stale data as stale by it.
// - An agent without a stream is asked every two seconds instead.
import { computed, effect, signal } from "@preact/signals";
import { ApiError, loginWanted, request, session } from "../api/http";
import { readEvents } from "../api/sse";
import type { Execution, Job } from "../api/types";
import { now } from "./clock";

export type LiveEvent =
  | { kind: "execution"; execution: Execution }
  | { kind: "execution_deleted"; id: string }
  | { kind: "job"; job: Job }
  | { kind: "job_deleted"; name: string }
  | { kind: "agent" | "worker" | "shard" | "settings" | "reset"; data: unknown };
export type Topic = "job" | "execution" | "agent" | "worker" | "shard" | "settings";

export const connection = signal<"connecting" | "live" | "polling" | "lost">("connecting");
export const signalAt = signal(Date.now());
/** Grows whenever everything that is shown has to be read again. */
export const generation = signal(0);

const SILENCE = 8;
/** Seconds without a sign of life, or 0 while all is well. */
export const silence = computed(() => {
  const seconds = Math.floor((now.value - signalAt.value) / 1000);
  return connection.value === "lost" || seconds > SILENCE ? Math.max(1, seconds) : 0;
});

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
function tell(event: LiveEvent) {
  for (const listener of [...listeners]) listener(event);
}

export function topicOf(event: LiveEvent): Topic | "reset" {
  if (event.kind === "execution_deleted") return "execution";
  if (event.kind === "job_deleted") return "job";
  return event.kind;
}

export function parseEvent(name: string, data: string): LiveEvent | null {
  let value: unknown;
  try {
    value = data ? JSON.parse(data) : null;
  } catch {
    return null;
  }
  switch (name) {
    case "execution":
      return { kind: "execution", execution: value as Execution };
    case "job":
      return { kind: "job", job: value as Job };
    case "execution_deleted":
      return { kind: "execution_deleted", id: (value as { id: string }).id };
    case "job_deleted":
      return { kind: "job_deleted", name: (value as { name: string }).name };
    case "reset":
    case "settings":
      return { kind: name, data: value };
    default: {
      const topic = name.replace(/_deleted$/, "");
      return topic === "agent" || topic === "worker" || topic === "shard" ? { kind: topic, data: value } : null;
    }
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

let lastId = "";
let current: AbortController | null = null;

// A stream in which nothing happens says little. So that silence means something, the agent is then
// asked whether it is there.
const QUIET_MS = 4000;
async function watchOver(stream: AbortController) {
  let missed = 0;
  while (!stream.signal.aborted) {
    await pause(QUIET_MS, stream.signal);
    if (stream.signal.aborted || document.hidden || Date.now() - signalAt.value < QUIET_MS) continue;
    const probe = new AbortController();
    const timer = setTimeout(() => probe.abort(), 3000);
    try {
      await request("livez", { signal: probe.signal });
      signalAt.value = Date.now();
      missed = 0;
    } catch {
      if (++missed >= 2) stream.abort();
    }
    clearTimeout(timer);
  }
}

async function stream(signal: AbortSignal) {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort(), { once: true });
  void watchOver(own);
  try {
    await read(own.signal);
  } finally {
    own.abort();
  }
}

async function read(signal: AbortSignal) {
  await readEvents("v1/events", {
    signal,
    lastId,
    onOpen: () => {
      // Without an id to go on behind, what happened meanwhile is unknown.
      if (!lastId || connection.value === "polling") generation.value++;
      connection.value = "live";
    },
    onSign: () => (signalAt.value = Date.now()),
    onEvent: ({ event, data, id }) => {
      if (id) lastId = id;
      const parsed = parseEvent(event, data);
      if (!parsed) return;
      if (parsed.kind === "reset") generation.value++;
      tell(parsed);
    },
  });
}

async function poll(signal: AbortSignal) {
  for (let turn = 0; !signal.aborted && turn < 30; turn++) {
    await request("livez", { signal });
    signalAt.value = Date.now();
    connection.value = "polling";
    generation.value++;
    await pause(2000, signal);
  }
}

async function keepGoing(signal: AbortSignal) {
  let wait = 500;
  while (!signal.aborted) {
    try {
      await stream(signal);
      wait = 500;
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof ApiError ? error.status : 0;
      if (status === 401 || status === 403) {
        if (status === 401) loginWanted.value ??= "This agent asks for a token.";
        return;
      }
      if (status === 404 || status === 501) {
        try {
          await poll(signal);
          continue;
        } catch {
          if (signal.aborted) return;
        }
      }
    }
    if (signal.aborted) return;
    connection.value = "lost";
    await pause(wait, signal);
    wait = Math.min(wait * 1.7, 5000);
  }
}

/** Starts over when somebody else logs in. */
export function startLive(): () => void {
  return effect(() => {
    const who = session.value;
    current?.abort();
    if (who?.auth && !who.name) return;
    current = new AbortController();
    void keepGoing(current.signal);
  });
}
