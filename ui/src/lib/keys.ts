// Keys that work anywhere on the page, unless somebody is typing.
import { useEffect, useRef } from "preact/hooks";

type Handlers = Record<string, (event: KeyboardEvent) => void>;

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

// One listener for all: a sequence counts before a single key, the latest part before the earlier.
const parts: { current: Handlers }[] = [];
let first = "";
let firstAt = 0;

function onKey(event: KeyboardEvent) {
  if (event.defaultPrevented || event.altKey) return;
  const combined = `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
  const inDialog = document.querySelector("dialog[open]") !== null;
  if (!combined.startsWith("ctrl+") && (isTyping(event.target) || inDialog)) return;
  const find = (keys: string) => [...parts].reverse().map((p) => p.current[keys]).find(Boolean);
  const sequence = first && performance.now() - firstAt < 1200 ? find(`${first} ${combined}`) : undefined;
  const handler = sequence ?? find(combined);
  first = !handler && combined.length === 1 ? combined : "";
  firstAt = performance.now();
  if (!handler) return;
  event.preventDefault();
  handler(event);
}

/** Keys are `?`, `g h` (one after the other), `ctrl+k`. */
export function useKeys(handlers: Handlers) {
  const mine = useRef(handlers);
  mine.current = handlers;
  useEffect(() => {
    if (parts.length === 0) addEventListener("keydown", onKey);
    parts.push(mine);
    return () => {
      parts.splice(parts.indexOf(mine), 1);
      if (parts.length === 0) removeEventListener("keydown", onKey);
    };
  }, []);
}
