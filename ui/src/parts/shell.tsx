// The frame around every page: where one is, where one can go, and whether what one sees is fresh.
import type { ComponentChildren } from "preact";
import { routeName, to, type RouteName } from "../lib/router";
import { logOut, may, session } from "../api/http";
import { browserZone, spanText } from "../lib/time";
import { connection, silence } from "../state/live";
import { theme, zoneMode, type ZoneMode } from "../state/prefs";
import { dismiss, toasts } from "../state/toasts";
import { overlay } from "../state/overlay";
import { Button, Menu } from "./basics";
import { Icon, Logo, type IconName } from "./icons";

interface Place {
  label: string;
  icon: IconName;
  href: string;
  names: RouteName[];
  /** The role without which the page is empty. */
  needs?: string;
}
export const PLACES: Place[] = [
  { label: "Home", icon: "home", href: to.home(), names: ["home"] },
  { label: "Jobs", icon: "jobs", href: to.jobs(), names: ["jobs", "job", "edit", "newJob"] },
  { label: "Runs", icon: "runs", href: to.executions(), names: ["executions", "execution"] },
  { label: "Timeline", icon: "timeline", href: to.timeline(), names: ["timeline"] },
  { label: "Calendar", icon: "calendar", href: to.calendar(), names: ["calendar"] },
  { label: "Why", icon: "why", href: to.why(), names: ["why"] },
  { label: "Cluster", icon: "cluster", href: to.cluster(), names: ["cluster"] },
  { label: "Workers", icon: "workers", href: to.workers(), names: ["workers"] },
  { label: "Tokens", icon: "key", href: to.tokens(), names: ["tokens"], needs: "admin" },
  { label: "Audit", icon: "audit", href: to.audit(), names: ["audit"], needs: "admin" },
];

function Nav() {
  const current = routeName.value;
  return (
    <nav class="side" aria-label="Main">
      <a class="brand" href={to.home()} aria-label="Khronos, home"><Logo /><span>Khronos</span></a>
      <ul>
        {PLACES.filter((place) => !place.needs || may(place.needs)).map((place) => (
          <li key={place.href}>
            <a href={place.href} aria-current={place.names.includes(current) ? "page" : undefined}>
              <Icon name={place.icon} /><span>{place.label}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Signal() {
  const quiet = silence.value;
  const state = connection.value;
  if (quiet > 0)
    return <span class="signal lost" role="status" data-signal="lost"><Icon name="warn" size={14} />No signal for {spanText(quiet * 1000)}</span>;
  if (state === "connecting") return <span class="signal" data-signal="connecting"><span class="dot" />Connecting</span>;
  return <span class="signal live" data-signal={state} title={state === "live" ? "Changes arrive as they happen" : "Asked every two seconds"}><span class="dot" />Live</span>;
}

function ZoneSwitch() {
  const names: Record<ZoneMode, string> = { browser: browserZone, utc: "UTC", job: "Each job's zone" };
  return (
    <Menu label="Times shown in" icon="globe" kind="quiet" text={<span class="zone-name">{names[zoneMode.value]}</span>}
      items={(Object.keys(names) as ZoneMode[]).map((mode) => ({
        label: mode === "browser" ? `${names.browser} (this browser)` : names[mode],
        checked: zoneMode.value === mode,
        run: () => (zoneMode.value = mode),
      }))}
    />
  );
}

function ThemeSwitch() {
  const icons = { auto: "auto", light: "sun", dark: "moon" } as const;
  return (
    <Menu label="Theme" icon={icons[theme.value]} kind="quiet"
      items={(["auto", "light", "dark"] as const).map((value) => ({
        label: { auto: "As the system", light: "Light", dark: "Dark" }[value],
        icon: icons[value],
        checked: theme.value === value,
        run: () => (theme.value = value),
      }))}
    />
  );
}

function Who() {
  const who = session.value;
  if (!who?.auth || !who.name) return null;
  return <Menu label="Account" icon="key" kind="quiet" text={<span class="who">{who.name} ({who.role})</span>} items={[{ label: "Log out", run: () => void logOut() }]} />;
}

function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((t) => (
        <div key={t.id} class={`toast ${t.tone}`}>
          <span>{t.text}</span>
          {t.action ? <button type="button" class="link" onClick={() => { t.action!.run(); dismiss(t.id); }}>{t.action.label}</button> : null}
          <Button kind="quiet" small icon="close" aria-label="Dismiss" onClick={() => dismiss(t.id)} />
        </div>
      ))}
    </div>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const stale = silence.value > 0;
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to content</a>
      <div class={`shell ${stale ? "stale" : ""}`}>
        <Nav />
        <div class="column">
          <header class="top">
            <button type="button" class="search" onClick={() => (overlay.value = "palette")}>
              <Icon name="search" /><span>Find a job, go anywhere</span><kbd>Ctrl K</kbd>
            </button>
            <div class="top-end">
              <Signal />
              <ZoneSwitch />
              <ThemeSwitch />
              <Who />
              <Button kind="quiet" icon="help" aria-label="Keyboard help" title="Keyboard help" onClick={() => (overlay.value = "help")} />
            </div>
          </header>
          <main id="main" tabIndex={-1}>{children}</main>
        </div>
      </div>
      <Toasts />
    </>
  );
}
