// Requests to the agent that served the page, under whatever path it was served.
import { signal } from "@preact/signals";

/** The API lies beside the page: `/sub/ui/` means `/sub/v1`. */
export function rootOf(page: string): string {
  return new URL("../", page.replace(/[#?].*$/, "")).href;
}
export const root = rootOf(location.href);

export interface FieldError {
  field: string;
  message: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: FieldError[] = [],
  ) {
    super(message);
  }
  /** Nobody answered at all. */
  get isOffline() {
    return this.status === 0;
  }
}

/** Who the agent takes us for. The token itself is in a cookie that no script can read. */
export interface Session {
  /** Whether this agent asks anybody for a token. */
  auth: boolean;
  name: string | null;
  role: string | null;
  csrf_token?: string;
}
export const session = signal<Session | null>(null);
/** Set when an agent refused a request for want of a token; the page then asks for one. */
export const loginWanted = signal<string | null>(null);

export async function readSession(): Promise<void> {
  try {
    const found = await json<Session>("v1/session");
    session.value = found;
    loginWanted.value = found.auth && !found.name ? "This agent asks for a token." : null;
  } catch {
    // An agent that cannot be reached is said elsewhere; one without the route asks nobody.
  }
}
export async function logIn(token: string): Promise<void> {
  session.value = await json<Session>("v1/login", { method: "POST", body: { token } });
  loginWanted.value = null;
}
export async function logOut(): Promise<void> {
  await request("v1/logout", { method: "POST" });
  session.value = { auth: true, name: null, role: null };
  loginWanted.value = "You are logged out.";
}

const ROLES = ["viewer", "runner", "editor", "admin"];
/** Whether our role includes that one; what the agent then says is what counts. */
export function may(role: string): boolean {
  const mine = session.value;
  return !mine?.auth || ROLES.indexOf(mine.role ?? "") >= ROLES.indexOf(role);
}

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;

export function queryText(query: Query): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) value.forEach((one) => parts.append(key, one));
    else parts.append(key, String(value));
  }
  const text = parts.toString();
  return text ? `?${text}` : "";
}

export interface Options {
  method?: string;
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Seconds by which the agent's clock is ahead of ours; only what is worth correcting. */
export const clockSkew = signal(0);
function noteClock(response: Response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!date) return;
  const skew = (date + 500 - Date.now()) / 1000;
  clockSkew.value = Math.abs(skew) < 3 ? 0 : Math.round(skew);
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  if (response.headers.get("Content-Type")?.includes("problem+json")) {
    try {
      const problem = JSON.parse(text) as { detail?: string; title?: string; errors?: FieldError[] };
      return new ApiError(response.status, problem.detail || problem.title || "", problem.errors ?? []);
    } catch {
      // Not what it said it was: shown as it is.
    }
  }
  return new ApiError(response.status, text.trim() || response.statusText || `HTTP ${response.status}`);
}

/** The answer, whatever its body; anything but 2xx is thrown as ApiError. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: "application/json, application/problem+json",
    ...(options.method && session.value?.csrf_token ? { "X-CSRF-Token": session.value.csrf_token } : {}),
    ...options.headers,
  };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(root + path.replace(/^\//, "") + queryText(options.query ?? {}), {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The agent does not answer.");
  }
  noteClock(response);
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.status === 401 && path !== "v1/login") loginWanted.value = error.message || "This agent asks for a token.";
  throw error;
}

export async function json<T>(path: string, options: Options = {}): Promise<T> {
  return (await request(path, options)).json() as Promise<T>;
}
