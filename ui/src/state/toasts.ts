// Short messages at the edge of the page: what was done, and how to undo it.
import { signal } from "@preact/signals";
import { ApiError } from "../api/http";

export interface Toast {
  id: number;
  tone: "ok" | "bad" | "info";
  text: string;
  action?: { label: string; run: () => void } | undefined;
}
export const toasts = signal<Toast[]>([]);
let last = 0;

export function toast(text: string, tone: Toast["tone"] = "ok", action?: Toast["action"]) {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { id, tone, text, action }];
  setTimeout(() => dismiss(id), action || tone === "bad" ? 12_000 : 5000);
}
export function dismiss(id: number) {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

export function sayError(error: unknown, doing: string) {
  if (error instanceof ApiError && error.status === 401) return; // the log-in says it
  const why = error instanceof ApiError ? (error.status === 403 ? `${error.message || "this token may not do it"}` : error.message) : String(error);
  toast(`${doing}: ${why}`, "bad");
}

/** Runs a task for its effect; a failure is said. */
export async function attempt<T>(doing: string, task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    sayError(error, doing);
    return undefined;
  }
}
