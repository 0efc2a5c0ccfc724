// A few requests at a time; what nobody waits for any more is not asked.

export class Queue {
  private waiting: { run: () => Promise<void>; wanted: () => boolean }[] = [];
  private running = 0;
  constructor(private readonly width: number) {}

  add(run: () => Promise<void>, wanted: () => boolean = () => true) {
    this.waiting.push({ run, wanted });
    this.pump();
  }
  private pump() {
    while (this.running < this.width && this.waiting.length > 0) {
      // The latest first: that is what is on the screen.
      const next = this.waiting.pop()!;
      if (!next.wanted()) continue;
      this.running++;
      void next.run().catch(() => {}).finally(() => {
        this.running--;
        this.pump();
      });
    }
  }
}

/** The most recently used so many. */
export class Recent<K, V> {
  private map = new Map<K, V>();
  constructor(private readonly most: number) {}
  get(key: K): V | undefined {
    const value = this.map.get(key);
    if (value !== undefined) {
      this.map.delete(key);
      this.map.set(key, value);
    }
    return value;
  }
  set(key: K, value: V) {
    this.map.delete(key);
    this.map.set(key, value);
    if (this.map.size > this.most) this.map.delete(this.map.keys().next().value!);
  }
  delete(key: K) {
    this.map.delete(key);
  }
  clear() {
    this.map.clear();
  }
}

/** Tasks over a list, `width` at a time; tells how many failed. */
export async function forEach<T>(items: T[], width: number, task: (item: T) => Promise<unknown>): Promise<number> {
  let next = 0;
  let failed = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next++]!;
      try {
        await task(item);
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return failed;
}
