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
export async function readOutput(id: string, attempt: number, open: boolean, signal: AbortSignal, state: OutputState, changed: () => void): Promise<void> {
  const decoder = new TextDecoder();
  let offset = 0;
  if (open) attempt = 0; // from its beginning
  const take = async (range: string) => {
    let response: Response;
    try {
      response = await request(executions.outputUrl(id), { headers: { Range: range, Accept: "text/plain, application/problem+json" }, signal });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 416) throw error;
      state.loaded = true; // there is no byte at all
      state.complete = true;
      return changed();
    }
    const part = /bytes (\d+)-(\d+)\/(\d+)/.exec(response.headers.get("Content-Range") ?? "");
    const bytes = new Uint8Array(await response.arrayBuffer());
    const from = part ? Number(part[1]) : 0;
    state.skipped = from;
    state.loaded = true;
    offset = from + bytes.length;
    state.store.push(decoder.decode(bytes));
    state.complete = response.headers.get("Khronos-Output-Complete") === "true";
    state.error = null;
    changed();
  };

  try {
    if (!open) await take(`bytes=-${MOST}`);
  } catch (error) {
    if (signal.aborted) return;
    state.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
    state.loaded = true;
    changed();
  }
  if (signal.aborted || state.complete) return;

  // What is still written is streamed. An id is the place behind a piece: `<attempt>:<offset>`.
  let place = attempt > 0 ? `${attempt}:${offset}` : "";
  while (!signal.aborted && !state.complete) {
    try {
      await readEvents(executions.outputUrl(id), {
        signal,
        query: { follow: 1 },
        lastId: place,
        onEvent: ({ event, data, id: at }) => {
          if (at) place = at;
          const value = parse(data);
          if (event === "output") state.store.push(String(value.text ?? ""));
          else if (event === "gap") state.store.push(`\n[${Number(value.bytes).toLocaleString("en")} bytes were not kept]\n`);
          else if (event === "attempt") state.store.push(`${state.store.length ? "\n" : ""}\u001b[2m── attempt ${String(value.attempt)} ──\u001b[0m\n`);
          else if (event === "end") state.complete = true;
          state.loaded = true;
          state.error = null;
          changed();
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      state.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
      state.loaded = true;
      changed();
    }
    if (!state.complete) await wait(800, signal);
  }
}

function parse(data: string): Record<string, unknown> {
  try {
    return (JSON.parse(data) as Record<string, unknown>) ?? {};
  } catch {
    return {};
  }
}
