// The small parts that every page is made of.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/http";
import { Icon, type IconName } from "./icons";

export function Page({ title, sub, actions, children, crumbs }: {
  title: ComponentChildren;
  sub?: ComponentChildren;
  actions?: ComponentChildren;
  crumbs?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <>
      <header class="page-head">
        <div class="page-title">
          {crumbs ? <div class="crumbs">{crumbs}</div> : null}
          <h1>{title}</h1>
          {sub ? <div class="sub">{sub}</div> : null}
        </div>
        {actions ? <div class="actions">{actions}</div> : null}
      </header>
      {children}
    </>
  );
}

export function Panel({ title, extra, children, flush = false, class: name = "", id }: {
  title?: ComponentChildren;
  extra?: ComponentChildren;
  children: ComponentChildren;
  flush?: boolean;
  class?: string;
  id?: string;
}) {
  const label = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={title ? label : undefined} id={id}>
      {title ? (
        <header class="panel-head">
          <h2 id={label}>{title}</h2>
          {extra ? <div class="panel-extra">{extra}</div> : null}
        </header>
      ) : null}
      <div class={flush ? "" : "panel-body"}>{children}</div>
    </section>
  );
}

type ButtonProps = Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, "icon"> & {
  icon?: IconName;
  kind?: "plain" | "primary" | "danger" | "quiet";
  small?: boolean;
};
export function Button({ icon, kind = "plain", small = false, children, class: name, ...rest }: ButtonProps) {
  return (
    <button type="button" class={`button ${kind} ${small ? "small" : ""} ${children ? "" : "bare"} ${(name as string) ?? ""}`} {...rest}>
      {icon ? <Icon name={icon} size={small ? 14 : 16} /> : null}
      {children ? <span>{children}</span> : null}
    </button>
  );
}

export function LinkButton({ href, icon, kind = "plain", children, small = false }: { href: string; icon?: IconName; kind?: string; children: ComponentChildren; small?: boolean }) {
  return (
    <a class={`button ${kind} ${small ? "small" : ""}`} href={href}>
      {icon ? <Icon name={icon} size={small ? 14 : 16} /> : null}
      <span>{children}</span>
    </a>
  );
}

export function Empty({ title, children, actions }: { title: string; children?: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
      {actions ? <div class="actions">{actions}</div> : null}
    </div>
  );
}

export function ErrorNote({ error, doing = "This could not be read" }: { error: ApiError | null; doing?: string }) {
  if (!error || error.status === 401) return null;
  return (
    <div class="note bad" role="alert">
      <Icon name="warn" />
      <span>{doing}: {error.status === 501 ? "this agent cannot do that yet" : error.message}</span>
    </div>
  );
}

export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => <span key={i} class={`bone bone-${i % 3}`} />)}
    </div>
  );
}

export function Code({ children, copy = true }: { children: string; copy?: boolean }) {
  return (
    <div class="code">
      <pre tabIndex={0}><code>{children}</code></pre>
      {copy ? <CopyButton text={children} /> : null}
    </div>
  );
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure context there is no clipboard; an old way remains.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "off-screen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  return (
    <button type="button" class="button quiet small copy" aria-label={label} onClick={async () => {
      setDone(await copyText(text));
      setTimeout(() => setDone(false), 1500);
    }}>
      <Icon name="copy" size={14} />
      <span aria-live="polite">{done ? "Copied" : label}</span>
    </button>
  );
}

/** A button that opens a small list. Arrow keys move, Escape closes. */
export function Menu({ label, icon, items, text, kind = "plain", align = "end" }: {
  label: string;
  icon?: IconName;
  text?: ComponentChildren;
  kind?: string;
  align?: "start" | "end";
  items: { label: ComponentChildren; icon?: IconName; run: () => void; danger?: boolean; checked?: boolean; hidden?: boolean; disabled?: boolean }[];
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const outside = (e: Event) => {
      if (!box.current?.contains(e.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    box.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const onKey = (e: KeyboardEvent) => {
    if (!open) return;
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not([disabled])") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (move !== undefined) {
      e.preventDefault();
      all[(move + all.length) % all.length]?.focus();
    } else if (e.key === "Escape") {
      e.stopPropagation();
      setOpen(false);
      button.current?.focus();
    } else if (e.key === "Tab") setOpen(false);
  };
  const shown = items.filter((item) => !item.hidden);
  return (
    <div class="menu-box" ref={box} onKeyDown={onKey}>
      <button ref={button} type="button" class={`button ${kind} ${text ? "" : "bare"}`} aria-haspopup="menu" aria-expanded={open} aria-controls={open ? id : undefined} aria-label={label} title={text ? undefined : label} onClick={() => setOpen(!open)}>
        {icon ? <Icon name={icon} /> : null}
        {text ? <span>{text}</span> : null}
        {text ? <Icon name="chevron" size={12} /> : null}
      </button>
      {open ? (
        <div class={`menu ${align}`} role="menu" id={id} aria-label={label}>
          {shown.map((item, i) => (
            <button key={i} type="button" tabIndex={-1} disabled={item.disabled} role={item.checked === undefined ? "menuitem" : "menuitemradio"} aria-checked={item.checked} class={item.danger ? "danger" : ""} onClick={() => {
              setOpen(false);
              button.current?.focus();
              item.run();
            }}>
              {item.icon ? <Icon name={item.icon} /> : null}
              <span>{item.label}</span>
              {item.checked ? <span class="tick" aria-hidden="true">✓</span> : null}
            </button>
          ))}
        </div>
      ) : null}
    </div>
  );
}

/** A modal dialog: the browser keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children, actions, wide = false }: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  actions?: ComponentChildren;
  wide?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const label = useId();
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement as HTMLElement | null;
    if (typeof dialog.showModal === "function") dialog.showModal();
    else dialog.setAttribute("open", "");
    return () => {
      if (dialog.open && typeof dialog.close === "function") dialog.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog ref={element} class={wide ? "wide" : ""} aria-labelledby={label} onCancel={(e) => { e.preventDefault(); onClose(); }}
      onClick={(e) => { if (e.target === element.current) onClose(); }}>
      <div class="dialog-body">
        <header>
          <h2 id={label}>{title}</h2>
          <Button icon="close" kind="quiet" aria-label="Close" onClick={onClose} />
        </header>
        {children}
        {actions ? <footer class="actions">{actions}</footer> : null}
      </div>
    </dialog>
  );
}

export function Tabs({ tabs, current, href }: { tabs: { id: string; label: ComponentChildren }[]; current: string; href: (id: string) => string }) {
  return (
    <nav class="tabs" aria-label="Views">
      {tabs.map((tab) => (
        <a key={tab.id} href={href(tab.id)} aria-current={tab.id === current ? "page" : undefined}>{tab.label}</a>
      ))}
    </nav>
  );
}

export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

export function Figure({ label, value, hint }: { label: string; value: ComponentChildren; hint?: ComponentChildren }) {
  return (
    <div class="figure">
      <div class="figure-label">{label}</div>
      <div class="figure-value num">{value}</div>
      {hint ? <div class="figure-hint">{hint}</div> : null}
    </div>
  );
}
