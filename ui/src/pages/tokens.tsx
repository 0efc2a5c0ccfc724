// Who may do what.
import { useState } from "preact/hooks";
import { tokens } from "../api/calls";
import { ApiError } from "../api/http";
import type { TokenView } from "../api/types";
import { attempt, toast } from "../state/toasts";
import { useResource } from "../state/resource";
import { Button, Code, Dialog, Empty, ErrorNote, Loading, Page, Panel } from "../parts/basics";
import { SelectField, TextField } from "../parts/fields";
import { StatusMark } from "../parts/status";
import { Ago, Time } from "../parts/time";

const ROLES: Record<string, string> = { viewer: "viewer: sees everything", runner: "runner: and runs, cancels", editor: "editor: and changes jobs", admin: "admin: and tokens, workers" };

function Create({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [lasts, setLasts] = useState("2160h");
  const [made, setMade] = useState<(TokenView & { token: string }) | null>(null);
  const [problem, setProblem] = useState<ApiError | null>(null);
  const errorOf = (field: string) => problem?.errors.find((e) => e.field === field)?.message;
  const create = async () => {
    try {
      setMade(await tokens.create({ name, role, ...(lasts ? { expires_in: lasts } : {}) }));
      onDone();
    } catch (error) {
      setProblem(error as ApiError);
    }
  };
  if (made)
    return <Dialog title={`The token of ${made.name}`} onClose={onClose} actions={<Button kind="primary" onClick={onClose}>Done</Button>}><p>This is the only time it is shown: the store keeps its hash.</p><Code>{made.token}</Code></Dialog>;
  return (
    <Dialog title="New token" onClose={onClose} actions={<><Button onClick={onClose}>Close</Button><Button kind="primary" onClick={() => void create()}>Make it</Button></>}>
      <TextField label="What, or whom, it is for" value={name} onInput={setName} error={errorOf("name")} autoFocus />
      <SelectField label="Role" value={role} options={Object.keys(ROLES)} words={ROLES} onInput={setRole} error={errorOf("role")} />
      <SelectField label="It lasts" value={lasts} options={["24h", "720h", "2160h", "8760h", ""]} words={{ "24h": "a day", "720h": "30 days", "2160h": "90 days", "8760h": "a year", "": "until it is revoked" }} onInput={setLasts} error={errorOf("expires_in")} />
      {problem && problem.errors.length === 0 ? <ErrorNote error={problem} doing="Not made" /> : null}
    </Dialog>
  );
}

export function Tokens() {
  const [asking, setAsking] = useState<"new" | TokenView | null>(null);
  const list = useResource("tokens", (signal) => tokens.list({ signal }));
  return (
    <Page title="Tokens" sub="Each names a role; a role includes those before it" actions={<Button kind="primary" icon="plus" onClick={() => setAsking("new")}>New token</Button>}>
      <ErrorNote error={list.error} />
      <Panel flush>
        {!list.data ? (list.error ? null : <Loading />) : list.data.length === 0 ? <Empty title="No tokens"><p>This agent asks nobody for one unless its settings say so (<code>--auth</code>). Make the first admin token before you turn that on.</p></Empty> : (
          <div class="table-box"><table class="table">
            <thead><tr><th scope="col">For</th><th scope="col">Role</th><th scope="col">Made</th><th scope="col">By</th><th scope="col">Expires</th><th scope="col"><span class="off-screen">Actions</span></th></tr></thead>
            <tbody>{list.data.map((t) => (
              <tr key={t.id}><th scope="row">{t.name} <span class="dim num">{t.id.slice(0, 8)}</span></th><td>{t.role}</td><td><Ago at={t.created_at} /></td><td class="dim">{t.created_by}</td>
                <td>{t.expired ? <StatusMark mark="failed" label text="expired" /> : <Time at={t.expires_at} none="never" />}</td>
                <td class="r"><Button small kind="danger" onClick={() => setAsking(t)}>Revoke</Button></td></tr>
            ))}</tbody>
          </table></div>
        )}
      </Panel>
      {asking === "new" ? <Create onClose={() => setAsking(null)} onDone={list.reload} /> : asking ? (
        <Dialog title={`Revoke ${asking.name}?`} onClose={() => setAsking(null)} actions={<><Button onClick={() => setAsking(null)}>Keep</Button><Button kind="danger" onClick={async () => {
          setAsking(null);
          if (await attempt("Not revoked", () => tokens.revoke(asking.id))) toast(`${asking.name} is revoked`);
          list.reload();
        }}>Revoke</Button></>}><p>Whoever uses it is refused within seconds.</p></Dialog>
      ) : null}
    </Page>
  );
}
