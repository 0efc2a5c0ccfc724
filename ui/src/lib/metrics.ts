// The few numbers that the page takes from the agent's Prometheus text.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (!line || line.startsWith("#")) continue;
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, key, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      labels[key!] = value!.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    samples.push({ name: match[1]!, labels, value: Number(match[3]!.replace("+Inf", "Infinity")) });
  }
  return samples;
}

export interface Histogram {
  /** Upper edges with what lies at or below each, as Prometheus counts. */
  buckets: { le: number; count: number }[];
  count: number;
  sum: number;
}

export function histogramOf(samples: Sample[], name: string, labels: Record<string, string> = {}): Histogram {
  const fits = (s: Sample) => Object.entries(labels).every(([k, v]) => s.labels[k] === v);
  const histogram: Histogram = { buckets: [], count: 0, sum: 0 };
  for (const s of samples) {
    if (!s.name.startsWith(name) || !fits(s)) continue;
    if (s.name === `${name}_bucket`) histogram.buckets.push({ le: s.labels.le === "+Inf" ? Infinity : Number(s.labels.le), count: s.value });
    else if (s.name === `${name}_count`) histogram.count += s.value;
    else if (s.name === `${name}_sum`) histogram.sum += s.value;
  }
  histogram.buckets.sort((a, b) => a.le - b.le);
  return histogram;
}

/** Within its bucket linearly, as Prometheus' histogram_quantile. Null where nothing was counted. */
export function quantile(histogram: Histogram, q: number): number | null {
  const total = histogram.buckets.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  let lower = 0;
  for (const { le, count } of histogram.buckets) {
    if (count >= rank && count > below) {
      if (le === Infinity) return lower;
      return lower + ((le - lower) * (rank - below)) / (count - below);
    }
    below = count;
    lower = le;
  }
  return lower;
}
export function sumOf(samples: Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples.filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v)).reduce((sum, s) => sum + s.value, 0);
}
