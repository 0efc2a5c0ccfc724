// Text that comes in pieces, as lines; the last one may be unfinished.

export class LineStore {
  readonly lines: string[] = [];
  longest = 0;
  private open = false;

  push(text: string) {
    if (text === "") return;
    const parts = text.split("\n");
    parts.forEach((part, i) => {
      if (i === 0 && this.open) this.lines[this.lines.length - 1] += part;
      else if (i < parts.length - 1 || part !== "") this.lines.push(part);
      const last = this.lines.at(-1);
      if (last !== undefined && last.length > this.longest) this.longest = last.length;
    });
    this.open = !text.endsWith("\n");
  }
  get length() {
    return this.lines.length;
  }
}

/** The indexes of the lines in which the words are, without regard to case. */
export function findLines(lines: readonly string[], words: string): number[] {
  const wanted = words.toLowerCase();
  if (!wanted) return [];
  const found: number[] = [];
  for (let i = 0; i < lines.length; i++) if (lines[i]!.toLowerCase().includes(wanted)) found.push(i);
  return found;
}

/** "a match b" around "match": ["a ", "match", " b"]; every second piece is a match. */
export function splitAround(text: string, words: string): string[] {
  const wanted = words.toLowerCase();
  if (!wanted) return [text];
  const lower = text.toLowerCase();
  // Some letters change their length with their case; then nothing is marked.
  if (lower.length !== text.length) return [text];
  const pieces: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    pieces.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}
