// How a job became what it is: its changes, as the audit log has them.
import { audit } from "../api/calls";
import type { Job } from "../api/types";
import { useResource } from "../state/resource";
import { AuditTable } from "../pages/audit";
import { Empty, ErrorNote, Loading, Panel } from "./basics";

export function Revisions({ job }: { job: Job }) {
  const found = useResource(`audit ${job.name}`, (signal) => audit.list({ object: job.name, limit: 100 }, { signal }), { on: (e) => e.kind === "job" && e.job.name === job.name, every: 1500 });
  const changes = found.data?.entries.filter((e) => e.action?.startsWith("job.") && e.action !== "job.run");
  return (
    <Panel title="Revisions" flush>
      {found.error?.status === 403 ? <Empty title="Only administrators see the audit log" /> : found.error ? <ErrorNote error={found.error} /> : !changes ? <Loading /> : changes.length === 0 ? <Empty title="No change is recorded" /> : <AuditTable entries={changes} />}
    </Panel>
  );
}
