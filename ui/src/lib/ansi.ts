// Text with ANSI escape sequences as runs of styled text. Colours and weights are understood;
// everything else that moves a cursor is dropped.

export interface Style {
  fg?: string;
  bg?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
}
export interface Run {
  text: string;
  style: Style;
}

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

function indexed(n: number): string {
  if (n < 8) return NAMES[n]!;
  if (n < 16) return `bright-${NAMES[n - 8]}`;
  if (n >= 232) {
    const grey = 8 + (n - 232) * 10;
    return `rgb(${grey},${grey},${grey})`;
  }
  const i = n - 16;
  const level = (v: number) => (v === 0 ? 0 : 55 + v * 40);
  return `rgb(${level(Math.floor(i / 36))},${level(Math.floor(i / 6) % 6)},${level(i % 6)})`;
}

function colourOf(codes: number[], at: number): [string | undefined, number] {
  if (codes[at + 1] === 5 && codes[at + 2] !== undefined) return [indexed(Math.min(255, codes[at + 2]!)), at + 2];
  if (codes[at + 1] === 2 && codes[at + 4] !== undefined) {
    const [r, g, b] = [codes[at + 2]!, codes[at + 3]!, codes[at + 4]!].map((v) => Math.min(255, v));
    return [`rgb(${r},${g},${b})`, at + 4];
  }
  return [undefined, codes.length];
}

function apply(style: Style, codes: number[]): Style {
  let next: Style = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) next.inverse = true;
    else if (code === 22) { delete next.bold; delete next.dim; }
    else if (code === 23) delete next.italic;
    else if (code === 24) delete next.underline;
    else if (code === 27) delete next.inverse;
    else if (code >= 30 && code <= 37) next.fg = NAMES[code - 30];
    else if (code >= 90 && code <= 97) next.fg = `bright-${NAMES[code - 90]}`;
    else if (code >= 40 && code <= 47) next.bg = NAMES[code - 40];
    else if (code >= 100 && code <= 107) next.bg = `bright-${NAMES[code - 100]}`;
    else if (code === 39) delete next.fg;
    else if (code === 49) delete next.bg;
    else if (code === 38 || code === 48) {
      const [colour, end] = colourOf(codes, i);
      if (colour) next[code === 38 ? "fg" : "bg"] = colour;
      i = end;
    }
  }
  return next;
}

// CSI, OSC (ended by BEL or ST), and other escapes of two characters.
// eslint-disable-next-line no-control-regex
const ESCAPE = /\u001b(?:\[([0-9;:?]*)([ -/]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_=>])/g;

/** One line; `style` is what the lines before left in force. */
export function parseLine(line: string, style: Style = {}): { runs: Run[]; style: Style } {
  const runs: Run[] = [];
  // A carriage return overwrites: what progress bars leave is their last state.
  const text = line.replace(/\r+$/, "");
  const back = text.lastIndexOf("\r");
  const shown = back >= 0 ? text.slice(back + 1) : text;
  if (!shown.includes("\u001b")) return { runs: shown ? [{ text: shown, style }] : [], style };
  let from = 0;
  for (const match of shown.matchAll(ESCAPE)) {
    if (match.index > from) runs.push({ text: shown.slice(from, match.index), style });
    from = match.index + match[0].length;
    if (match[3] === "m" && !match[2]) style = apply(style, (match[1] || "0").split(/[;:]/).map((n) => Number(n) || 0));
  }
  if (from < shown.length) runs.push({ text: shown.slice(from), style });
  return { runs, style };
}

export function stripAnsi(text: string): string {
  return text.replace(ESCAPE, "");
}

export function isPlain(style: Style): boolean {
  for (const _ in style) return false;
  return true;
}
