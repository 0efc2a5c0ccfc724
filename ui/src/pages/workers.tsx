// Who does the work: by application, with what each can take and has.
import { useState } from "preact/hooks";
import { cluster } from "../api/calls";
import { may } from "../api/http";
import type { WorkerView } from "../api/types";
import { attempt, toast } from "../state/toasts";
import { useResource } from "../state/resource";
import { Button, Code, Dialog, Empty, ErrorNote, Loading, Page, Panel } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { StatusMark } from "../parts/status";
import { Ago } from "../parts/time";

const MARKS = { ready: "ok", draining: "warn", suspect: "warn", gone: "down" } as const;

function Slots({ used, slots }: { used: number; slots: number }) {
  return (
    <span class="slots"><span class="slots-bar" aria-hidden="true"><span style={{ width: `${slots ? Math.min(100, (used / slots) * 100) : 0}%` }} /></span><span class="num">{used} of {slots}</span></span>
  );
}

export function Workers() {
  const [asking, setAsking] = useState<WorkerView | null>(null);
  const workers = useResource("workers", (signal) => cluster.workers({ signal }), { on: ["worker", "execution"], every: 1500 });
  const drain = async (w: WorkerView, undo: boolean) => {
    if (await attempt("Not changed", () => cluster.drain(w.id, undo))) toast(undo ? `${w.node} is offered runs again` : `${w.node} is offered no new runs`, "ok", { label: "Undo", run: () => void drain(w, !undo) });
    workers.reload();
  };
  const apps = [...new Set((workers.data ?? []).flatMap((w) => (w.applications.length ? w.applications : ["default"])))].sort();
  return (
    <Page title="Workers" sub={workers.data ? `${workers.data.length} in ${apps.length} ${apps.length === 1 ? "application" : "applications"}` : ""} actions={<CopyAs command={["worker-list"]} path="v1/workers" />}>
      <ErrorNote error={workers.error} />
      {!workers.data && !workers.error ? <Loading rows={5} /> : null}
      {workers.data && workers.data.length <= 1 ? (
        <Panel title="Add a worker" class="gap-below">
          <p>Agents work themselves. Another machine joins with the same program, for an application that jobs name:</p>
          <Code>{`khronos worker --agent ${location.hostname}:10005 --application thumbnails`}</Code>
        </Panel>
      ) : null}
      {workers.data?.length === 0 ? <Empty title="No worker is connected"><p>Runs wait until one is.</p></Empty> : null}
      <div class="stack">
        {apps.map((app) => {
          const mine = workers.data!.filter((w) => w.applications.includes(app) || (app === "default" && w.applications.length === 0));
          return (
            <Panel key={app} title={app} extra={<Slots used={mine.reduce((n, w) => n + w.used, 0)} slots={mine.filter((w) => w.state === "ready").reduce((n, w) => n + w.slots, 0)} />} flush>
              <div class="table-box"><table class="table">
                <thead><tr><th scope="col">Worker</th><th scope="col">State</th><th scope="col">Slots in use</th><th scope="col">Heartbeat</th><th scope="col">Tags</th><th scope="col">Version</th><th scope="col"><span class="off-screen">Actions</span></th></tr></thead>
                <tbody>{mine.map((w) => (
                  <tr key={w.id}>
                    <th scope="row">{w.node} <span class="dim num" title={w.id}>{w.id.slice(0, 8)}</span></th>
                    <td><StatusMark mark={MARKS[w.state] ?? "warn"} label text={w.state} /></td>
                    <td><Slots used={w.used} slots={w.slots} /></td>
                    <td><Ago at={w.last_heartbeat} /></td>
                    <td class="dim clip">{Object.entries(w.tags).map(([k, v]) => `${k}=${v}`).join(" ")}</td>
                    <td class="dim">{w.version}</td>
                    <td class="r">{!may("admin") || w.state === "gone" ? null : w.state === "draining" ? <Button small onClick={() => void drain(w, true)}>Offer again</Button> : <Button small icon="drain" onClick={() => setAsking(w)}>Drain</Button>}</td>
                  </tr>
                ))}</tbody>
              </table></div>
            </Panel>
          );
        })}
      </div>
      {asking ? (
        <Dialog title={`Drain ${asking.node}?`} onClose={() => setAsking(null)} actions={<><Button onClick={() => setAsking(null)}>Leave it</Button><Button kind="primary" icon="drain" onClick={() => { setAsking(null); void drain(asking, false); }}>Drain</Button></>}>
          <p>What runs there now ({asking.used}) runs to its end; nothing new is offered to it. This can be undone.</p>
        </Dialog>
      ) : null}
    </Page>
  );
}
