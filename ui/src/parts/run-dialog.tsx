// "Run now", with a payload if one likes.
import { useState } from "preact/hooks";
import type { Job } from "../api/types";
import { runNow } from "../lib/actions";
import { Button, Dialog } from "./basics";
import { CopyAs } from "./copy-as";
import { Icon } from "./icons";

export function RunDialog({ job, onClose }: { job: Job; onClose: () => void }) {
  const [text, setText] = useState(job.payload === undefined ? "" : JSON.stringify(job.payload, null, 2));
  let payload: unknown;
  let problem = "";
  try {
    payload = text.trim() ? JSON.parse(text) : undefined;
  } catch (error) {
    problem = (error as Error).message;
  }
  return (
    <Dialog title={`Run ${job.name} now`} onClose={onClose}
      actions={<>
        <CopyAs command={["job", "run", job.name, "--wait"]} path={`v1/jobs/${encodeURIComponent(job.name)}/run`} method="POST" body={payload === undefined ? undefined : { payload }} />
        <Button onClick={onClose}>Close</Button>
        <Button kind="primary" icon="play" disabled={problem !== ""} onClick={() => { onClose(); void runNow(job.name, payload, true); }}>Run</Button>
      </>}>
      <p>It runs once, at once, beside its schedule. The job sees the payload as <code>KHRONOS_PAYLOAD</code>.</p>
      <label class="field">
        <span>Payload, as JSON (may be empty)</span>
        <textarea class="mono" rows={5} value={text} spellcheck={false} aria-invalid={problem ? "true" : undefined} onInput={(e) => setText(e.currentTarget.value)} />
      </label>
      {problem ? <p class="field-error" role="alert"><Icon name="warn" size={14} />{problem}</p> : null}
    </Dialog>
  );
}
