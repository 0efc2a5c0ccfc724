// Schedules in words, as the agent says them. Each is asked once.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { schedule as api } from "../api/calls";
import { Queue, Recent } from "../lib/queue";

const kept = new Recent<string, Signal<string | null>>(2000);
const queue = new Queue(3);

export function useWords(schedule: string, timezone: string): string | null {
  const key = `${timezone}\n${schedule}`;
  let words = kept.get(key);
  if (!words) kept.set(key, (words = signal(schedule ? null : "only by hand")));
  const [, redraw] = useState(0);
  useEffect(() => {
    const mine = words;
    let wanted = true;
    const stop = mine.subscribe(() => redraw((n) => n + 1));
    const timer = mine.value !== null ? undefined : setTimeout(() => queue.add(async () => {
      const preview = await api.preview({ schedule, timezone, n: 1 });
      mine.value = preview.valid ? preview.words : schedule;
    }, () => wanted && mine.value === null), 80);
    return () => {
      wanted = false;
      clearTimeout(timer);
      stop();
    };
  }, [key, words]);
  return words.value;
}
