// Data of the agent on a page: read when the page opens, read again when an event says so, and
// shown (as old) until the new answer is there.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/http";
import { generation, listen, topicOf, type LiveEvent, type Topic } from "./live";

export interface Resource<T> {
  data: T | undefined;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

// The last answers, so that going back is at once.
const kept = new Map<string, unknown>();
const KEPT = 60;
function keep(key: string, value: unknown) {
  kept.delete(key);
  kept.set(key, value);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
}
export function forgetKept() {
  kept.clear();
}

interface Options {
  /** Which events make it old. */
  on?: Topic[] | ((event: LiveEvent) => boolean);
  /** At most one reading in so many milliseconds. */
  every?: number;
}

/** `key` names what is read: another key is another thing. Null: nothing is read. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  options: Options = {},
): Resource<T> {
  const [, redraw] = useState(0);
  const state = useRef({ key: "", data: undefined as T | undefined, error: null as ApiError | null, loading: false });
  const loader = useRef(load);
  loader.current = load;
  const again = useRef<() => void>(() => {});
  const { on = [], every = 700 } = options;
  const wanted = useRef(on);
  wanted.current = on;

  if (key !== null && state.current.key !== key)
    state.current = { key, data: kept.get(key) as T | undefined, error: null, loading: true };

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    let running = false;
    let dirty = false;
    let last = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const read = async () => {
      if (running) return void (dirty = true);
      running = true;
      dirty = false;
      last = performance.now();
      try {
        const data = await loader.current(abort.signal);
        if (abort.signal.aborted) return;
        keep(key, data);
        state.current = { key, data, error: null, loading: false };
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof ApiError ? error : new ApiError(-1, String(error));
        // What was read stays on the screen while nobody answers.
        const old = known.isOffline ? state.current.data : undefined;
        state.current = { key, data: old, error: known, loading: false };
      }
      running = false;
      redraw((n) => n + 1);
      if (dirty) soon();
    };
    const soon = () => {
      if (timer !== undefined) return;
      const wait = Math.max(30, every - (performance.now() - last));
      timer = setTimeout(() => {
        timer = undefined;
        if (!document.hidden) void read();
        else dirty = true;
      }, wait);
    };
    const shown = () => {
      if (!document.hidden && dirty) soon();
    };
    again.current = () => void read();
    void read();
    const stopListening = listen((event) => {
      const wants = wanted.current;
      const topic = topicOf(event);
      if (typeof wants === "function" ? wants(event) : topic !== "reset" && wants.includes(topic)) soon();
    });
    const stopGeneration = generation.subscribe((() => {
      let first = true;
      return () => (first ? void (first = false) : soon());
    })());
    document.addEventListener("visibilitychange", shown);
    return () => {
      abort.abort();
      clearTimeout(timer);
      stopListening();
      stopGeneration();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key]);

  const { data, error, loading } = state.current;
  return { data, error, loading, reload: () => again.current() };
}
