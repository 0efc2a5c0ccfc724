// Keys that work anywhere on the page, unless somebody is typing.
import { useEffect } from "preact/hooks";

type Handlers = Record<string, (event: KeyboardEvent) => void>;

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

let first = "";
let firstAt = 0;

/** Keys are `?`, `g h` (one after the other), `ctrl+k`. */
export function useKeys(handlers: Handlers, deps: unknown[] = []) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const combined = `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
      const inDialog = document.querySelector("dialog[open]") !== null;
      if (!combined.startsWith("ctrl+") && (isTyping(event.target) || inDialog)) return;
      const sequence = performance.now() - firstAt < 1200 && first ? `${first} ${combined}` : "";
      const handler = handlers[sequence] ?? handlers[combined];
      if (handler) {
        event.preventDefault();
        handler(event);
        first = "";
      } else if (combined.length === 1) {
        first = combined;
        firstAt = performance.now();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, deps);
}
