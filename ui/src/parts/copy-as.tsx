import { cli, curl } from "../lib/commands";
import { toast } from "../state/toasts";
import { copyText, Menu } from "./basics";

/** "Copy as CLI" and "as curl" of what a page shows or does. */
export function CopyAs({ command, path, method, body, more = [] }: {
  command: string[];
  path: string;
  method?: string;
  body?: unknown;
  more?: { label: string; text: string }[];
}) {
  const copy = (what: string, text: string) => async () =>
    toast((await copyText(text)) ? `Copied ${what}` : "The browser did not let us copy", "info");
  return (
    <Menu
      label="Copy as"
      icon="copy"
      items={[
        { label: "Copy as CLI", run: copy("the command", cli(...command)) },
        { label: "Copy as curl", run: copy("the request", curl(path, { ...(method ? { method } : {}), ...(body === undefined ? {} : { body }) })) },
        { label: "Copy link", run: copy("the link", location.href) },
        ...more.map((m) => ({ label: m.label, run: copy(m.label.toLowerCase(), m.text) })),
      ]}
    />
  );
}
