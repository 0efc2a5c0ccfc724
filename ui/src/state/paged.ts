// A long list that lies on the agent: pieces of it are read as they come into view.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/http";
import type { Job } from "../api/types";
import { jobs as api } from "../api/calls";
import type { Query } from "../api/http";
import { generation, listen } from "./live";

export const PIECE = 100;

export interface PagedJobs {
  total: number | undefined;
  error: ApiError | null;
  at: (index: number) => Job | undefined;
  /** Rows from..to are looked at. */
  look: (from: number, to: number) => void;
  version: number;
}

export function usePagedJobs(query: Query): PagedJobs {
  const key = JSON.stringify(query);
  const [version, redraw] = useState(0);
  const state = useRef({ key: "", total: undefined as number | undefined, pieces: new Map<number, Job[]>(), error: null as ApiError | null });
  const seen = useRef({ from: 0, to: PIECE - 1 });
  const reading = useRef(new Map<number, AbortController>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const read = async (piece: number) => {
    if (reading.current.has(piece)) return;
    const abort = new AbortController();
    reading.current.set(piece, abort);
    try {
      const page = await api.list({ ...query, _start: piece * PIECE, _end: (piece + 1) * PIECE }, { signal: abort.signal });
      if (abort.signal.aborted) return;
      const s = state.current;
      s.pieces.set(piece, page.jobs);
      // What is far from the screen is forgotten.
      if (s.pieces.size > 30) {
        const middle = Math.floor(seen.current.from / PIECE);
        const far = [...s.pieces.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle))[0]!;
        s.pieces.delete(far);
      }
      s.total = page.total;
      s.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      state.current.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
    } finally {
      if (reading.current.get(piece) === abort) reading.current.delete(piece);
    }
    redraw((n) => n + 1);
  };
  const readSeen = (again: boolean) => {
    const last = state.current.total === undefined ? 0 : Math.max(0, Math.ceil(state.current.total / PIECE) - 1);
    for (let p = Math.floor(seen.current.from / PIECE); p <= Math.min(last, Math.floor(seen.current.to / PIECE)); p++)
      if (again || !state.current.pieces.has(p)) void read(p);
  };
  const current = useRef(readSeen);
  current.current = readSeen;

  useEffect(() => {
    // The old rows stay until the first new ones are there.
    state.current = { ...state.current, key, pieces: new Map(), error: null };
    for (const abort of reading.current.values()) abort.abort();
    reading.current.clear();
    seen.current = { from: 0, to: PIECE - 1 };
    void read(0);
    let dirty: ReturnType<typeof setTimeout> | undefined;
    let redrawing: ReturnType<typeof setTimeout> | undefined;
    const stopListening = listen((event) => {
      if (event.kind === "job") {
        for (const [piece, list] of state.current.pieces) {
          const i = list.findIndex((job) => job.name === event.job.name);
          if (i < 0) continue;
          const next = list.slice();
          next[i] = event.job;
          state.current.pieces.set(piece, next);
          redrawing ??= setTimeout(() => {
            redrawing = undefined;
            redraw((n) => n + 1);
          }, 150);
          return;
        }
      }
      // One that is not here: it may be new, or lie elsewhere.
      if (event.kind === "job" || event.kind === "job_deleted") dirty ??= setTimeout(() => {
        dirty = undefined;
        current.current(true);
      }, 1500);
    });
    let first = true;
    const stopGeneration = generation.subscribe(() => (first ? void (first = false) : current.current(true)));
    return () => {
      stopListening();
      stopGeneration();
      clearTimeout(dirty);
      clearTimeout(redrawing);
      clearTimeout(timer.current);
      for (const abort of reading.current.values()) abort.abort();
      reading.current.clear();
    };
  }, [key]);

  return {
    total: state.current.total,
    error: state.current.error,
    at: (index) => state.current.pieces.get(Math.floor(index / PIECE))?.[index % PIECE],
    look: (from, to) => {
      seen.current = { from, to };
      clearTimeout(timer.current);
      timer.current = setTimeout(() => current.current(false), 40);
    },
    version,
  };
}
