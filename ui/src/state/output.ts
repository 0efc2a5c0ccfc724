// The output of a run: what there is, then what comes.
import { executions } from "../api/calls";
import { ApiError, request } from "../api/http";
import { readEvents } from "../api/sse";
import { LineStore } from "../lib/lines";

const MOST = 1 << 20; // read at once

export interface OutputState {
  store: LineStore;
  /** Bytes before what is shown. */
  skipped: number;
  complete: boolean;
  error: ApiError | null;
  loaded: boolean;
}

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

/** Reads until the output is complete or `signal` says to stop; `changed` after each piece. */
export async function readOutput(id: string, signal: AbortSignal, state: OutputState, changed: () => void): Promise<void> {
  const decoder = new TextDecoder();
  let offset = 0;
  const take = async (range: string): Promise<boolean> => {
    let response: Response;
    try {
      response = await request(executions.outputUrl(id), { headers: { Range: range, Accept: "text/plain, application/problem+json" }, signal });
    } catch (error) {
      if (error instanceof ApiError && error.status === 416) return false; // nothing behind the offset yet
      throw error;
    }
    const part = /bytes (\d+)-(\d+)\/(\d+)/.exec(response.headers.get("Content-Range") ?? "");
    const bytes = new Uint8Array(await response.arrayBuffer());
    const from = part ? Number(part[1]) : 0;
    if (!state.loaded) {
      state.skipped = from;
      offset = from;
    }
    state.loaded = true;
    // A whole answer to a question for a part begins at the beginning.
    const fresh = from < offset ? bytes.subarray(offset - from) : bytes;
    offset = Math.max(offset, from + bytes.length);
    state.store.push(decoder.decode(fresh, { stream: true }));
    state.complete = response.headers.get("Khronos-Output-Complete") === "true" && (!part || offset >= Number(part[3]));
    state.error = null;
    changed();
    return fresh.length > 0;
  };

  try {
    await take(`bytes=-${MOST}`);
  } catch (error) {
    if (signal.aborted) return;
    state.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
    state.loaded = true;
    changed();
  }
  let streams = true;
  while (!signal.aborted && !state.complete) {
    if (streams) {
      try {
        await follow(id, offset, signal, (text, end, complete) => {
          state.store.push(text);
          offset = end ?? offset + new TextEncoder().encode(text).length;
          state.loaded = true;
          state.complete ||= complete;
          state.error = null;
          changed();
        });
        if (state.complete) return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && (error.status === 501 || error.status === 404 || error.status === 400)) streams = false;
      }
    }
    try {
      const more = await take(`bytes=${offset}-`);
      if (more) continue;
      const head = await request(executions.outputUrl(id), { headers: { Range: "bytes=-1", Accept: "text/plain" }, signal });
      const size = Number(/\/(\d+)$/.exec(head.headers.get("Content-Range") ?? "")?.[1] ?? offset);
      await head.arrayBuffer();
      state.complete = head.headers.get("Khronos-Output-Complete") === "true" && size <= offset;
      if (state.complete) changed();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 416) {
        // There is no byte at all.
        const done = await request(executions.outputUrl(id), { signal }).then((r) => r.headers.get("Khronos-Output-Complete") === "true", () => false);
        if (done) {
          state.complete = true;
          changed();
        }
      } else {
        state.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
        changed();
      }
    }
    if (!state.complete) await wait(600, signal);
  }
}

async function follow(id: string, offset: number, signal: AbortSignal, piece: (text: string, end: number | null, complete: boolean) => void) {
  await readEvents(executions.outputUrl(id), {
    signal,
    query: { follow: 1 },
    // The id of a piece is the offset behind it.
    lastId: String(offset),
    onEvent: ({ event, data, id: at }) => {
      const end = /^\d+$/.test(at) ? Number(at) : null;
      if (event === "output" || event === "message") piece(textOf(data), end, false);
      else if (event === "end" || event === "complete") piece("", end, true);
    },
  });
}

function textOf(data: string): string {
  try {
    const value = JSON.parse(data) as unknown;
    if (typeof value === "string") return value;
    if (value && typeof value === "object" && "text" in value) return String((value as { text: unknown }).text);
  } catch {
    // Plain text.
  }
  return data;
}
