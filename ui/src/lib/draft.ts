// A job under the editor's hand, and what to do when somebody else has saved it meanwhile.

export type Draft = Record<string, unknown>;

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export function differences(a: Draft, b: Draft): { key: string; a: unknown; b: unknown }[] {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.filter((key) => !same(a[key], b[key])).map((key) => ({ key, a: a[key], b: b[key] }));
}

/** Theirs, with what I changed; `clashes` are the fields that both changed, to different values. */
export function mergeDrafts(base: Draft, mine: Draft, theirs: Draft): { merged: Draft; clashes: string[] } {
  const merged: Draft = { ...theirs };
  const clashes: string[] = [];
  for (const { key } of differences(base, mine)) {
    if (!same(base[key], theirs[key]) && !same(mine[key], theirs[key])) clashes.push(key);
    if (mine[key] === undefined) delete merged[key];
    else merged[key] = mine[key];
  }
  return { merged, clashes };
}
