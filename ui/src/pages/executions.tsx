// Runs of all jobs, newest first.
import { route, setQuery } from "../lib/router";
import { recentRuns } from "../state/history";
import { useResource } from "../state/resource";
import { Empty, ErrorNote, Loading, Menu, Page, Panel } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { RunTable } from "./job";

const VIEWS = [
  { id: "", label: "All" },
  { id: "running,waiting,retry_wait", label: "Open" },
  { id: "failed,timed_out,lost", label: "Failed" },
  { id: "succeeded", label: "Succeeded" },
  { id: "skipped,coalesced", label: "Skipped" },
];
const SPANS: [string, string, number][] = [["1h", "Last hour", 1], ["6h", "Last 6 hours", 6], ["24h", "Last day", 24], ["168h", "Last week", 168]];

export function Executions() {
  const query = route.value.query;
  const raw = query.get("status") ?? "";
  const status = raw === "running" ? "running,waiting,retry_wait" : raw;
  const span = SPANS.find((s) => s[0] === query.get("span")) ?? SPANS[0]!;
  const found = useResource(`recent ${status} ${span[0]}`, (signal) =>
    recentRuns({ since: new Date(Date.now() - span[2] * 3_600_000).toISOString(), ...(status ? { status } : {}) }, signal), { on: ["execution"], every: 2000 });
  const runs = found.data?.runs;
  return (
    <Page title="Runs" sub={runs ? `${runs.length.toLocaleString("en")}${found.data!.partial ? "+" : ""} in the ${span[1].toLowerCase()}` : ""} actions={<CopyAs command={["execution", "list"]} path="v1/executions" />}>
      <div class="filters">
        <div class="views" role="group" aria-label="Result">
          {VIEWS.map((v) => <button key={v.id} type="button" aria-pressed={status === v.id} onClick={() => setQuery({ status: v.id })}>{v.label}</button>)}
        </div>
        <Menu label="Time" kind="quiet" text={span[1]} items={SPANS.map((s) => ({ label: s[1], checked: s === span, run: () => setQuery({ span: s[0] === "1h" ? "" : s[0] }) }))} />
      </div>
      <ErrorNote error={found.error} />
      <Panel flush>
        {!runs ? <Loading rows={8} /> : runs.length === 0 ? <Empty title="No such run in this time"><p>Runs appear here as soon as their tick is decided.</p></Empty> : <RunTable runs={runs.slice(0, 300)} showJob />}
      </Panel>
      {runs && runs.length > 300 ? <p class="dim">The newest 300 are shown; choose a job to see its whole history.</p> : null}
    </Page>
  );
}
