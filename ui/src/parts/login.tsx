// Asks for a token where the agent wants one. It stays in this browser; nothing is sent but as the
// Authorization header of requests to the agent.
import { useState } from "preact/hooks";
import { ApiError, json, loginWanted, setToken, token } from "../api/http";
import { Button } from "./basics";
import { Icon, Logo } from "./icons";

export function Login() {
  const [value, setValue] = useState("");
  const [keep, setKeep] = useState(false);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const candidate = value.trim();
    if (!candidate) return setProblem("A token is needed.");
    setBusy(true);
    try {
      await json("v1", { headers: { Authorization: `Bearer ${candidate}` } });
      setToken(candidate, keep);
      loginWanted.value = null;
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
        <label class="check"><input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} /><span>Stay logged in on this browser</span></label>
        <div class="actions">
          <Button kind="primary" type="submit" disabled={busy}>Log in</Button>
        </div>
        <p class="hint">An administrator makes one with <code>khronos token create</code>.</p>
      </form>
    </main>
  );
}

export function logOut() {
  setToken("", false);
  loginWanted.value = "You are logged out.";
}
export const isLoggedIn = () => token.value !== "";
