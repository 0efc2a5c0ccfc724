// What one types into the filter of the jobs: words, and `key=value` of their metadata.

export interface Filter {
  text: string;
  metadata: [string, string][];
}

/** `etl team=data` */
export function parseFilter(input: string): Filter {
  const filter: Filter = { text: "", metadata: [] };
  const words: string[] = [];
  for (const word of input.trim().split(/\s+/).filter(Boolean)) {
    const pair = /^([^=]+)=(.+)$/.exec(word);
    if (pair) filter.metadata.push([pair[1]!, pair[2]!]);
    else words.push(word);
  }
  filter.text = words.join(" ");
  return filter;
}

export function filterQuery(input: string): Record<string, string | undefined> {
  const filter = parseFilter(input);
  const query: Record<string, string | undefined> = { q: filter.text || undefined };
  for (const [key, value] of filter.metadata) query[`metadata[${key}]`] = value;
  return query;
}
