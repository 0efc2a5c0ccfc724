// Asks for a token where the agent wants one. The agent keeps it in a cookie that scripts cannot
// read and other sites cannot send.
import { useState } from "preact/hooks";
import { ApiError, logIn, loginWanted } from "../api/http";
import { Button } from "./basics";
import { Icon, Logo } from "./icons";

export function Login() {
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const candidate = value.trim();
    if (!candidate) return setProblem("A token is needed.");
    setBusy(true);
    try {
      await logIn(candidate);
    } catch (error) {
      setProblem(error instanceof ApiError && error.status === 401 ? "This token is not known, has expired, or was revoked." : String((error as Error).message));
    }
    setBusy(false);
  };
  return (
    <main class="login" id="main">
      <form onSubmit={(e) => void submit(e)} class="panel">
        <div class="brand"><Logo /><span>Khronos</span></div>
        <h1>Log in</h1>
        <p class="sub">{loginWanted.value}</p>
        <label class="field">
          <span>Token</span>
          <input type="password" value={value} autocomplete="current-password" spellcheck={false} autoFocus aria-invalid={problem ? "true" : undefined} aria-describedby="login-problem" onInput={(e) => { setValue(e.currentTarget.value); setProblem(""); }} />
        </label>
        <p class="field-error" id="login-problem" role="alert">{problem ? <><Icon name="warn" size={14} />{problem}</> : null}</p>
        <div class="actions">
          <Button kind="primary" type="submit" disabled={busy}>Log in</Button>
        </div>
        <p class="hint">An administrator makes one with <code>khronos token create</code>.</p>
      </form>
    </main>
  );
}
