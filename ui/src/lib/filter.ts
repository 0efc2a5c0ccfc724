// What one types into the filter of the jobs: words and `key:value` terms.

export interface Filter {
  text: string;
  metadata: [string, string][];
  tags: [string, string][];
  application: string;
}

/** `etl app:billing tag:disk=ssd team=data` */
export function parseFilter(input: string): Filter {
  const filter: Filter = { text: "", metadata: [], tags: [], application: "" };
  const words: string[] = [];
  for (const word of input.trim().split(/\s+/).filter(Boolean)) {
    const app = /^app(?:lication)?:(.+)$/.exec(word);
    const tag = /^tag:([^=:]+)[=:](.+)$/.exec(word);
    const meta = /^(?:meta:)?([^=:]+)=(.+)$/.exec(word);
    if (app) filter.application = app[1]!;
    else if (tag) filter.tags.push([tag[1]!, tag[2]!]);
    else if (meta) filter.metadata.push([meta[1]!, meta[2]!]);
    else words.push(word);
  }
  filter.text = words.join(" ");
  return filter;
}

export function filterQuery(input: string): Record<string, string | undefined> {
  const filter = parseFilter(input);
  const query: Record<string, string | undefined> = { q: filter.text || undefined, application: filter.application || undefined };
  for (const [key, value] of filter.metadata) query[`metadata[${key}]`] = value;
  for (const [key, value] of filter.tags) query[`tags[${key}]`] = value;
  return query;
}
