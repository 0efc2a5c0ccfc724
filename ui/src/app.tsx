// Which page is shown. Those that one opens first come with the program; the others when asked for.
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { loginWanted } from "./api/http";
import { useKeys } from "./lib/keys";
import { go, route, to, type RouteName } from "./lib/router";
import { overlay } from "./state/overlay";
import { Empty, LinkButton, Loading, Page } from "./parts/basics";
import { Help } from "./parts/help";
import { Login } from "./parts/login";
import { Palette } from "./parts/palette";
import { Shell } from "./parts/shell";
import { Home } from "./pages/home";
import { Jobs } from "./pages/jobs";
import { JobPage } from "./pages/job";

type Loader = () => Promise<ComponentType>;
const LATER: Partial<Record<RouteName, Loader>> = {
  newJob: () => import("./pages/editor").then((m) => m.Editor),
  edit: () => import("./pages/editor").then((m) => m.Editor),
  execution: () => import("./pages/execution").then((m) => m.ExecutionPage),
  executions: () => import("./pages/executions").then((m) => m.Executions),
  why: () => import("./pages/why").then((m) => m.WhyPage),
  timeline: () => import("./pages/timeline").then((m) => m.Timeline),
  calendar: () => import("./pages/calendar").then((m) => m.Calendar),
  cluster: () => import("./pages/cluster").then((m) => m.Cluster),
  workers: () => import("./pages/workers").then((m) => m.Workers),
  tokens: () => import("./pages/tokens").then((m) => m.Tokens),
  audit: () => import("./pages/audit").then((m) => m.Audit),
};
const NOW: Partial<Record<RouteName, ComponentType>> = { home: Home, jobs: Jobs, job: JobPage };
const arrived = new Map<RouteName, ComponentType>();

function Missing() {
  return <Page title="There is no such page"><Empty title={route.value.path} actions={<LinkButton href={to.home()}>Home</LinkButton>} /></Page>;
}

function Later({ name, load }: { name: RouteName; load: Loader }) {
  const [, redraw] = useState(0);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (arrived.has(name)) return;
    setFailed(false);
    load().then((page) => {
      arrived.set(name, page);
      redraw((n) => n + 1);
    }, () => setFailed(true));
  }, [name]);
  const Found = arrived.get(name);
  if (Found) return <Found />;
  return failed ? <Empty title="This part of the page could not be loaded"><p>The agent may have been upgraded; load the page again.</p></Empty> : <Loading rows={6} />;
}

/** A fault of the page is said, and the rest goes on. */
class Guard extends Component<{ children: ComponentChildren; where: string }, { fault: string; where: string }> {
  override state = { fault: "", where: "" };
  override componentDidCatch(error: unknown) {
    console.error(error);
    this.setState({ fault: error instanceof Error ? error.message : String(error), where: this.props.where });
  }
  override render() {
    if (this.state.fault && this.state.where === this.props.where)
      return <Empty title="This page has a fault" actions={<LinkButton href={to.home()}>Home</LinkButton>}><p><code>{this.state.fault}</code></p></Empty>;
    return this.props.children;
  }
}

function titleOf(): string {
  const { name, params } = route.value;
  const names: Partial<Record<RouteName, string>> = {
    home: "", jobs: "Jobs", job: params.job ?? "", edit: `Edit ${params.job ?? ""}`, newJob: "New job", executions: "Runs",
    execution: "Run", why: "Why", timeline: "Timeline", calendar: "Calendar", cluster: "Cluster", workers: "Workers",
    tokens: "Tokens", audit: "Audit",
  };
  const own = names[name] ?? "";
  return own ? `${own} · Khronos` : "Khronos";
}

export function App() {
  const { name, path } = route.value;
  useEffect(() => {
    document.title = titleOf();
  }, [path]);
  useKeys({
    "ctrl+k": () => (overlay.value = overlay.value === "palette" ? null : "palette"),
    "?": () => (overlay.value = "help"),
    n: () => go(to.newJob()),
    "g h": () => go(to.home()),
    "g j": () => go(to.jobs()),
    "g r": () => go(to.executions()),
    "g t": () => go(to.timeline()),
    "g c": () => go(to.calendar()),
    "g w": () => go(to.why()),
  });
  if (loginWanted.value !== null) return <Login />;
  const Page = NOW[name];
  const load = LATER[name];
  return (
    <>
      <Shell>
        <Guard where={path}>
          {Page ? <Page key={path} /> : load ? <Later key={path} name={name} load={load} /> : <Missing />}
        </Guard>
      </Shell>
      {overlay.value === "palette" ? <Palette /> : overlay.value === "help" ? <Help /> : null}
    </>
  );
}
