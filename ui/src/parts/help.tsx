import { overlay } from "../state/overlay";
import { Dialog } from "./basics";

export const KEYS: [string, string][] = [
  ["/", "Filter the list"],
  ["Ctrl K", "Find a job, a page or an action"],
  ["g then h, j, r, t, c, w", "Home, jobs, runs, timeline, calendar, why"],
  ["n", "New job"],
  ["j and k", "Down and up in a list"],
  ["Enter", "Open the row"],
  ["x", "Choose the row, for actions on several"],
  ["r", "Run the job of this page, after asking"],
  ["e", "Edit the job of this page"],
  ["f", "Follow the output"],
  ["Esc", "Close what lies over the page"],
  ["?", "This help"],
];

export function Help() {
  return (
    <Dialog title="Keyboard" onClose={() => (overlay.value = null)}>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>{keys.split(/ (?=then|and)|(?<=then|and) /).map((part, i) => (/^(then|and)$/.test(part) ? ` ${part} ` : <kbd key={i}>{part}</kbd>))}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
