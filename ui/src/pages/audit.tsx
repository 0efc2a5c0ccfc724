// Who changed what, newest first, with what it was before and after.
import { useState } from "preact/hooks";
import { audit } from "../api/calls";
import type { AuditEntry } from "../api/types";
import { route, setQuery, to } from "../lib/router";
import { useResource } from "../state/resource";
import { Button, Code, Empty, ErrorNote, Loading, Page, Panel } from "../parts/basics";
import { Time } from "../parts/time";

export function AuditTable({ entries }: { entries: AuditEntry[] }) {
  const [open, setOpen] = useState(-1);
  return (
    <div class="table-box"><table class="table">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">Did</th><th scope="col">To</th><th scope="col">From</th><th scope="col"><span class="off-screen">Change</span></th></tr></thead>
      <tbody>{entries.map((e, i) => {
        const changed = Boolean(e.before) || Boolean(e.after);
        return [
          <tr key={i}>
            <td><Time at={e.at} /></td><td>{e.actor}</td><td>{e.action?.replace(".", ": ")}</td>
            <td class="clip">{e.action?.startsWith("job.") && e.object ? <a href={to.job(e.object)}>{e.object}</a> : e.object}</td><td class="dim num">{e.address}</td>
            <td class="r">{changed ? <Button small kind="quiet" aria-expanded={open === i} onClick={() => setOpen(open === i ? -1 : i)}>{open === i ? "Hide" : "Change"}</Button> : null}</td>
          </tr>,
          open === i ? <tr key={`${i} open`}><td colSpan={6} class="audit-change"><div class="two"><div><h3>Before</h3><Code>{JSON.stringify(e.before ?? null, null, 2)}</Code></div><div><h3>After</h3><Code>{JSON.stringify(e.after ?? null, null, 2)}</Code></div></div></td></tr> : null,
        ];
      })}</tbody>
    </table></div>
  );
}

export function Audit() {
  const query = route.value.query;
  const object = query.get("object") ?? "";
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1) ?? "";
  const found = useResource(`audit ${object} ${cursor}`, (signal) => audit.list({ object, cursor, limit: 100 }, { signal }), cursor ? {} : { on: ["job"], every: 1500 });
  return (
    <Page title="Audit" sub={object ? `of ${object}` : "Who changed what"} actions={object ? <Button onClick={() => setQuery({ object: "" })}>Everything</Button> : null}>
      <ErrorNote error={found.error} />
      <Panel flush>{!found.data ? (found.error ? null : <Loading rows={6} />) : found.data.entries.length === 0 ? <Empty title="Nothing was changed yet" /> : <AuditTable entries={found.data.entries} />}</Panel>
      <div class="actions center">
        {cursors.length ? <Button icon="left" onClick={() => setCursors(cursors.slice(0, -1))}>Newer</Button> : null}
        {found.data?.next_cursor ? <Button onClick={() => setCursors([...cursors, found.data!.next_cursor!])}>Older</Button> : null}
      </div>
    </Page>
  );
}
