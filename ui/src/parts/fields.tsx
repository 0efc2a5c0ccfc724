// Fields of forms: a label, a control, and what is wrong with it, tied together.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button } from "./basics";
import { Icon } from "./icons";

interface Common {
  label: string;
  error?: string | undefined;
  hint?: string | undefined;
}

function Field({ label, error, hint, children, id }: Common & { children: ComponentChildren; id: string }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {error ? <p class="field-error" id={`${id}-error`} role="alert"><Icon name="warn" size={14} />{error}</p> : hint ? <p class="hint" id={`${id}-hint`}>{hint}</p> : null}
    </div>
  );
}
const describedBy = (id: string, error?: string, hint?: string) => (error ? `${id}-error` : hint ? `${id}-hint` : undefined);

export function TextField({ value, onInput, mono, area, placeholder, disabled, autoFocus, ...common }: Common & {
  value: string; onInput: (v: string) => void; mono?: boolean; area?: boolean; placeholder?: string; disabled?: boolean; autoFocus?: boolean;
}) {
  const id = useId();
  const attributes = {
    id, value, class: mono ? "mono" : "", placeholder, disabled, spellcheck: false, autocomplete: "off",
    "aria-invalid": common.error ? ("true" as const) : undefined, "aria-describedby": describedBy(id, common.error, common.hint),
  };
  return (
    <Field id={id} {...common}>
      {area ? <textarea rows={Math.min(8, Math.max(2, value.split("\n").length))} {...attributes} onInput={(e) => onInput(e.currentTarget.value)} />
        : <input type="text" autoFocus={autoFocus} {...attributes} onInput={(e) => onInput(e.currentTarget.value)} />}
    </Field>
  );
}

export function NumberField({ value, onInput, ...common }: Common & { value: number | undefined; onInput: (v: number | undefined) => void }) {
  const id = useId();
  return (
    <Field id={id} {...common}>
      <input id={id} type="number" min={0} step={1} inputMode="numeric" value={value ?? ""} placeholder="0" aria-invalid={common.error ? "true" : undefined} aria-describedby={describedBy(id, common.error, common.hint)}
        onInput={(e) => onInput(e.currentTarget.value === "" ? undefined : Number(e.currentTarget.value))} />
    </Field>
  );
}

export function SelectField({ value, options, words, onInput, ...common }: Common & { value: string; options: string[]; words?: Record<string, string>; onInput: (v: string) => void }) {
  const id = useId();
  const all = options.includes(value) ? options : [value, ...options];
  return (
    <Field id={id} {...common}>
      <select id={id} value={value} aria-invalid={common.error ? "true" : undefined} aria-describedby={describedBy(id, common.error, common.hint)} onChange={(e) => onInput(e.currentTarget.value)}>
        {all.map((o) => <option key={o} value={o}>{words?.[o] ?? o}</option>)}
      </select>
    </Field>
  );
}

export function CheckField({ label, checked, onChange }: { label: string; checked: boolean; onChange: (v: boolean) => void }) {
  return <label class="check"><input type="checkbox" checked={checked} onChange={(e) => onChange(e.currentTarget.checked)} /><span>{label}</span></label>;
}

/** Pairs of texts. Rows without a key are kept here until they have one. */
export function MapField({ value, onInput, ...common }: Common & { value: Record<string, string> | null | undefined; onInput: (v: Record<string, string> | null) => void }) {
  const id = useId();
  const [rows, setRows] = useState<[string, string][]>(() => Object.entries(value ?? {}));
  const said = useRef(JSON.stringify(value ?? {}));
  const given = JSON.stringify(value ?? {});
  useEffect(() => {
    if (given !== said.current) {
      said.current = given;
      setRows(Object.entries(value ?? {}));
    }
  }, [given]);
  const change = (next: [string, string][]) => {
    setRows(next);
    const map = Object.fromEntries(next.filter(([k]) => k !== ""));
    said.current = JSON.stringify(map);
    onInput(Object.keys(map).length ? map : null);
  };
  return (
    <div class="field" role="group" aria-labelledby={id}>
      <span class="field-label" id={id}>{common.label}</span>
      {rows.map(([k, v], i) => (
        <div key={i} class="pair">
          <input class="mono" aria-label={`${common.label}: key ${i + 1}`} value={k} placeholder="key" spellcheck={false} onInput={(e) => change(rows.map((r, j) => (j === i ? [e.currentTarget.value, r[1]] : r)))} />
          <input class="mono" aria-label={`${common.label}: value ${i + 1}`} value={v} placeholder="value" spellcheck={false} onInput={(e) => change(rows.map((r, j) => (j === i ? [r[0], e.currentTarget.value] : r)))} />
          <Button kind="quiet" small icon="close" aria-label={`Remove ${k || "this row"}`} onClick={() => change(rows.filter((_, j) => j !== i))} />
        </div>
      ))}
      <Button small kind="quiet" icon="plus" onClick={() => change([...rows, ["", ""]])}>Add</Button>
      {common.error ? <p class="field-error" role="alert"><Icon name="warn" size={14} />{common.error}</p> : null}
    </div>
  );
}
