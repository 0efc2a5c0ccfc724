// Addresses within the page. They lie behind the `#`, so that the page can be served from any path
// by anything, and every view has an address that one can send to somebody.
import { computed, signal } from "@preact/signals";

export interface Route {
  name: RouteName;
  params: Record<string, string>;
  query: URLSearchParams;
  path: string;
}

const TABLE = {
  home: "/",
  jobs: "/jobs",
  newJob: "/new",
  job: "/jobs/:job",
  edit: "/jobs/:job/edit",
  executions: "/executions",
  execution: "/executions/:id",
  why: "/why",
  timeline: "/timeline",
  calendar: "/calendar",
  cluster: "/cluster",
  workers: "/workers",
  tokens: "/tokens",
  audit: "/audit",
  missing: "/*",
} as const;
export type RouteName = keyof typeof TABLE;

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, "") || "/";
  const [path = "/", search = ""] = text.split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const parts = path.split("/").filter(Boolean);
  for (const [name, pattern] of Object.entries(TABLE)) {
    const wanted = pattern.split("/").filter(Boolean);
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, i) => {
      if (!part.startsWith(":")) return part === parts[i];
      try {
        params[part.slice(1)] = decodeURIComponent(parts[i]!);
        return true;
      } catch {
        return false;
      }
    });
    if (fits) return { name: name as RouteName, params, query, path };
  }
  return { name: "missing", params: {}, query, path };
}

type QueryValues = Record<string, string | number | null | undefined>;
function withQuery(path: string, query?: QueryValues): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value !== null && value !== undefined && value !== "") parts.set(key, String(value));
  const text = parts.toString();
  return `#${path}${text ? `?${text}` : ""}`;
}
const enc = encodeURIComponent;

export const to = {
  home: () => "#/",
  jobs: (query?: QueryValues) => withQuery("/jobs", query),
  newJob: (query?: QueryValues) => withQuery("/new", query),
  job: (name: string, query?: QueryValues) => withQuery(`/jobs/${enc(name)}`, query),
  edit: (name: string) => `#/jobs/${enc(name)}/edit`,
  executions: (query?: QueryValues) => withQuery("/executions", query),
  execution: (id: string) => `#/executions/${enc(id)}`,
  why: (query?: QueryValues) => withQuery("/why", query),
  timeline: (query?: QueryValues) => withQuery("/timeline", query),
  calendar: (query?: QueryValues) => withQuery("/calendar", query),
  cluster: () => "#/cluster",
  workers: (query?: QueryValues) => withQuery("/workers", query),
  tokens: () => "#/tokens",
  audit: () => "#/audit",
};

export const route = signal<Route>(parseRoute(location.hash));
export const routeName = computed(() => route.value.name);

/** Asked before a page is left; false keeps it. */
let guard: (() => boolean) | null = null;
export function guardLeaving(ask: (() => boolean) | null) {
  guard = ask;
}

let leaving = false;
export function startRouter() {
  let last = location.hash;
  addEventListener("hashchange", () => {
    if (!leaving && guard && !guard()) {
      leaving = true;
      history.replaceState(null, "", last || "#/");
      leaving = false;
      return;
    }
    const before = parseRoute(last).path;
    last = location.hash;
    route.value = parseRoute(last);
    if (route.value.path !== before) {
      guard = null;
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  });
}

export function go(hash: string) {
  location.hash = hash.replace(/^#/, "");
}

/** Changes the query of this page's address without a step in the history. */
export function setQuery(values: QueryValues) {
  const query = new URLSearchParams(route.value.query);
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") query.delete(key);
    else query.set(key, String(value));
  }
  const text = query.toString();
  const hash = `#${route.value.path}${text ? `?${text}` : ""}`;
  history.replaceState(null, "", hash);
  route.value = { ...route.value, query };
}
