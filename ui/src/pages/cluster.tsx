// The agents, which of them decides for which shard, and whether they and the store are well.
import { agent, cluster } from "../api/calls";
import type { Shard } from "../api/types";
import { histogramOf, parseMetrics, quantile, sumOf } from "../lib/metrics";
import { may } from "../api/http";
import { spanText } from "../lib/time";
import { attempt, toast } from "../state/toasts";
import { useResource } from "../state/resource";
import { Button, ErrorNote, Facts, Loading, Page, Panel } from "../parts/basics";
import { CopyAs } from "../parts/copy-as";
import { Icon } from "../parts/icons";
import { StatusMark } from "../parts/status";
import { Ago, Span } from "../parts/time";

/** Agents' names in one order, so that each keeps its colour. */
export function ownersOf(shards: Shard[]): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const s of shards) if (s.node) counts.set(s.node, (counts.get(s.node) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => a.name.localeCompare(b.name));
}

function Shards() {
  const shards = useResource("shards", (signal) => cluster.shards({ signal }), { on: ["shard"], every: 300 });
  if (shards.error) return <ErrorNote error={shards.error} />;
  if (!shards.data) return <Loading />;
  const owners = ownersOf(shards.data);
  const none = shards.data.filter((s) => !s.node).length;
  const takeovers = shards.data.reduce((sum, s) => sum + Math.max(0, s.epoch - 1), 0);
  const index = new Map(owners.map((o, i) => [o.name, i % 6]));
  const label = owners.map((o) => `${o.name} owns ${o.count}`).join(", ") + (none ? `, ${none} have no owner` : "");
  return (
    <>
      <div class="shards" role="img" aria-label={`256 shards: ${label}`}>
        {shards.data.map((s) => <span key={s.shard} class={s.node ? `shard owner-${index.get(s.node)}` : "shard nobody"} title={`Shard ${s.shard}: ${s.node ?? "nobody"}, epoch ${s.epoch}`} />)}
      </div>
      <ul class="owners">
        {owners.map((o) => <li key={o.name}><span class={`shard owner-${index.get(o.name)}`} /><span>{o.name}</span><span class="num dim">{o.count}</span></li>)}
        {none ? <li><span class="shard nobody" /><strong>nobody</strong><span class="num">{none}</span></li> : null}
      </ul>
      <p class="dim">Every job belongs to one of 256 shards, and every shard to one agent, which decides its ticks. {takeovers === 0 ? "No shard has changed hands." : `Shards have changed hands ${takeovers.toLocaleString("en")} times.`}</p>
    </>
  );
}

export function Cluster() {
  const members = useResource("members", (signal) => agent.members({ signal }), { on: ["agent"], every: 500 });
  const version = useResource("version", (signal) => agent.version({ signal }));
  const ready = useResource("ready", (signal) => agent.readiness({ signal }), { on: ["agent", "shard"], every: 3000 });
  const paused = useResource("paused", (signal) => agent.paused({ signal }), { on: ["settings"] });
  const metrics = useResource("metrics", async (signal) => parseMetrics(await agent.metrics({ signal })), { on: ["execution", "shard"], every: 5000 });
  const samples = metrics.data ?? [];
  const store = histogramOf(samples, "khronos_store_txn_seconds");
  const ms = (q: number) => { const v = quantile(store, q); return v === null ? null : v * 1000; };
  const errors = ["unknown", "refused", "read", "watch_lost"].map((kind) => [kind, sumOf(samples, "khronos_store_errors_total", { kind })] as const).filter(([, n]) => n > 0);
  const pause = async (on: boolean) => {
    if (await attempt("Not changed", () => agent.setPaused(on))) toast(on ? "New jobs are refused from now on" : "New jobs are accepted again");
    paused.reload();
  };
  return (
    <Page title="Cluster" sub={version.data ? `${version.data.environment}, on the ${version.data.backend} store` : ""} actions={<>
      {may("admin") ? <Button icon={paused.data ? "play" : "pause"} onClick={() => void pause(!paused.data)}>{paused.data ? "Accept new jobs" : "Refuse new jobs"}</Button> : null}
      <CopyAs command={["status"]} path="v1/members" />
    </>}>
      {paused.data ? <div class="note warn"><Icon name="warn" /><span>New jobs are refused: submissions are paused.</span></div> : null}
      {(ready.data?.issues ?? []).map((issue) => <div key={issue} class={`note ${ready.data!.ready ? "warn" : "bad"}`} role="alert"><Icon name="warn" /><span>{issue}</span></div>)}
      <div class="side-by-side">
        <div class="stack">
          <Panel title="Agents" extra={<span class="count">{members.data?.length ?? 0}</span>} flush>
            {members.error ? <ErrorNote error={members.error} /> : !members.data ? <Loading /> : (
              <div class="table-box"><table class="table">
                <thead><tr><th scope="col">Agent</th><th scope="col">State</th><th scope="col">Address</th><th scope="col">Tags</th></tr></thead>
                <tbody>{members.data.map((m) => (
                  <tr key={m.Name}><th scope="row">{m.Name}{m.Name === version.data?.node ? <span class="chip">this one</span> : null}</th>
                    <td><StatusMark mark={m.Status === 1 ? "ok" : m.Status === 4 ? "down" : "warn"} label text={m.statusText ?? ""} /></td>
                    <td class="num">{m.Addr}:{m.Port}</td><td class="dim clip">{Object.entries(m.Tags).map(([k, v]) => `${k}=${v}`).join(" ")}</td></tr>
                ))}</tbody>
              </table></div>
            )}
          </Panel>
          <Panel title="Shards"><Shards /></Panel>
        </div>
        <div class="stack">
          <Panel title="This agent">
            <Facts rows={[
              ["Health", ready.data ? <StatusMark mark={ready.data.ready ? "ok" : "down"} label text={ready.data.ready ? "ready" : "not ready"} /> : "–"],
              ["Name", version.data?.node ?? "–"],
              ["Version", version.data?.version ?? "–"],
              ["Started", <Ago at={version.data?.started_at} />],
              ["Owns", `${sumOf(samples, "khronos_shards_owned")} shards`],
              ["Cluster", <code class="id">{version.data?.cluster_id ?? "–"}</code>],
            ]} />
          </Panel>
          <Panel title="Store">
            <Facts rows={[
              ["Kind", version.data?.backend ?? "–"],
              ["Writes, p50", <Span ms={ms(0.5)} />],
              ["Writes, p99", <Span ms={ms(0.99)} />],
              ["Written", `${store.count.toLocaleString("en")} times`],
              ["Mean", store.count ? spanText((store.sum / store.count) * 1000) : "–"],
              ["Errors", errors.length === 0 ? "none" : errors.map(([k, n]) => `${k.replace("_", " ")}: ${n}`).join(", ")],
            ]} />
          </Panel>
        </div>
      </div>
    </Page>
  );
}
