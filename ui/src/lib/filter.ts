// What one types into the filter of the jobs: words, `key=value` of their metadata, `tag:key=value`
// of their tags, and `application=name`.

export interface Filter {
  text: string;
  metadata: [string, string][];
  tags: [string, string][];
  application?: string;
}

/** `etl team=data tag:dc=paris application=web` */
export function parseFilter(input: string): Filter {
  const filter: Filter = { text: "", metadata: [], tags: [] };
  const words: string[] = [];
  for (const word of input.trim().split(/\s+/).filter(Boolean)) {
    const pair = /^([^=]+)=(.+)$/.exec(word);
    if (pair?.[1] === "application") filter.application = pair[2]!;
    else if (pair && /^tag:./.test(pair[1]!)) filter.tags.push([pair[1]!.slice(4), pair[2]!]);
    else if (pair) filter.metadata.push([pair[1]!, pair[2]!]);
    else words.push(word);
  }
  filter.text = words.join(" ");
  return filter;
}

export function filterQuery(input: string): Record<string, string | undefined> {
  const filter = parseFilter(input);
  const query: Record<string, string | undefined> = { q: filter.text || undefined, application: filter.application };
  for (const [key, value] of filter.metadata) query[`metadata[${key}]`] = value;
  for (const [key, value] of filter.tags) query[`tags[${key}]`] = value;
  return query;
}
