// The one clock of the page: everything that counts up or down reads it, and it ticks once a second.
import { signal } from "@preact/signals";
import { clockSkew } from "../api/http";

export const now = signal(Date.now());
/** As the agent's clock has it, in milliseconds. */
export const agentNow = () => now.value + clockSkew.value * 1000;

let timer: ReturnType<typeof setTimeout> | undefined;
function tick() {
  now.value = Date.now();
  // At the turn of the second, so that all counters change together.
  timer = setTimeout(tick, 1000 - (Date.now() % 1000) + 5);
}
export function startClock() {
  clearTimeout(timer);
  tick();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) now.value = Date.now();
  });
}
