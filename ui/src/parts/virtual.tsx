// A list of which only the rows on the screen exist. Rows have one height; the list scrolls itself.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const OVER = 6; // rows beyond either edge
const FLYING = 8; // rows from one frame to the next
const LANDING = 6; // rows drawn whole in one frame, after they rushed by

export function VirtualList({ count, rowHeight, row, onRange, cursor, label, version }: {
  count: number;
  rowHeight: number;
  /** `flying`: rows rush by; what is drawn now is hardly seen and may be little. */
  row: (index: number, flying: boolean) => ComponentChildren;
  onRange?: (from: number, to: number) => void;
  /** The row that the keys are at: kept in sight. */
  cursor?: number;
  label: string;
  /** Changes when rows have to be drawn again. */
  version?: unknown;
}) {
  const box = useRef<HTMLDivElement>(null);
  // The first `whole` rows of the range are drawn whole.
  const [range, setRange] = useState({ from: 0, to: 30, whole: Infinity });
  const landing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const last = useRef(0);
  void version;

  // A few rows at a time, so that no frame has to wait for all of them.
  const land = () => {
    landing.current = undefined;
    setRange((old) => {
      const whole = old.whole + LANDING;
      if (whole > old.to - old.from) return { ...old, whole: Infinity };
      landing.current = setTimeout(land, 16);
      return { ...old, whole };
    });
  };
  const measure = () => {
    const el = box.current;
    if (!el) return;
    const from = Math.max(0, Math.floor(el.scrollTop / rowHeight) - OVER);
    const to = Math.min(count - 1, Math.ceil((el.scrollTop + (el.clientHeight || 600)) / rowHeight) + OVER);
    const flying = Math.abs(from - last.current) > FLYING;
    last.current = from;
    setRange((old) => {
      const whole = flying ? 0 : old.whole;
      return old.from === from && old.to === to && old.whole === whole ? old : { from, to, whole };
    });
    if (flying) {
      clearTimeout(landing.current);
      landing.current = setTimeout(land, 90);
    }
    onRange?.(from, to);
  };
  const latest = useRef(measure);
  latest.current = measure;

  useLayoutEffect(() => latest.current(), [count, rowHeight]);
  useEffect(() => {
    let frame = 0;
    const later = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        latest.current();
      });
    };
    const el = box.current!;
    el.addEventListener("scroll", later, { passive: true });
    const observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(later);
    observer?.observe(el);
    return () => {
      el.removeEventListener("scroll", later);
      observer?.disconnect();
      cancelAnimationFrame(frame);
      clearTimeout(landing.current);
    };
  }, []);
  useEffect(() => {
    const el = box.current;
    if (cursor === undefined || cursor < 0 || !el) return;
    const top = cursor * rowHeight;
    if (top < el.scrollTop) el.scrollTop = top;
    else if (top + rowHeight > el.scrollTop + el.clientHeight) el.scrollTop = top + rowHeight - el.clientHeight;
  }, [cursor, rowHeight]);

  const rows = [];
  for (let i = range.from; i <= Math.min(range.to, count - 1); i++)
    rows.push(
      <div key={i} class="virtual-row" role="row" aria-rowindex={i + 2} style={{ top: `${i * rowHeight}px`, height: `${rowHeight}px` }}>
        {row(i, i - range.from >= range.whole)}
      </div>,
    );
  return (
    <div class="virtual" ref={box} role="rowgroup" tabIndex={0} aria-label={label}>
      <div class="virtual-all" role="presentation" style={{ height: `${count * rowHeight}px` }}>{rows}</div>
    </div>
  );
}
