// node e2e/measure.mjs AGENT: what the page costs. The agent should be idle and its store empty;
// 10,000 jobs are made in it. Prints one line for each figure.
import { chromium } from "playwright-core";

const agent = process.argv[2] ?? "http://127.0.0.1:10001";
const JOBS = Number(process.env.JOBS ?? 10_000);
const ROUNDS = 9;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

let made = 0;
await Promise.all(Array.from({ length: 24 }, async () => {
  while (made < JOBS) {
    const name = `job-${String(made++).padStart(5, "0")}`;
    await fetch(`${agent}/v1/jobs`, { method: "POST", body: JSON.stringify({ name, schedule: "0 0 3 * * *", executor: "shell", executor_config: { command: "true" } }) });
  }
}));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const paints = [];
let bytes = 0;
let requests = 0;
let complaints = 0;
let strangers = 0;
for (let i = 0; i < ROUNDS; i++) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
  const page = await context.newPage();
  page.on("console", (m) => m.type() === "error" && complaints++);
  page.on("request", (r) => !r.url().startsWith(agent) && !r.url().startsWith("data:") && strangers++);
  await page.goto(`${agent}/ui/`, { waitUntil: "load" });
  await page.getByRole("heading", { name: /All is well|fails?$/ }).waitFor();
  const seen = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    verdict: performance.now(),
    files: performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).filter((e) => e.name.includes("/ui/")).map((e) => e.encodedBodySize),
  }));
  paints.push({ paint: seen.paint, verdict: seen.verdict });
  bytes = seen.files.reduce((a, b) => a + b, 0);
  requests = seen.files.length;
  await context.close();
}
console.log(`first paint, cold cache, loopback: median ${median(paints.map((p) => p.paint)).toFixed(0)} ms of ${ROUNDS}`);
console.log(`the verdict is on the screen: median ${median(paints.map((p) => p.verdict)).toFixed(0)} ms`);
console.log(`home, cold: ${(bytes / 1000).toFixed(1)} kB in ${requests} files of the page, as sent`);

const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
const page = await context.newPage();
page.on("console", (m) => m.type() === "error" && complaints++);
await page.goto(`${agent}/ui/#/jobs`);
await page.locator(".virtual-row").nth(20).waitFor();
await page.waitForTimeout(1500);
const scroll = await page.evaluate(async () => {
  const long = [];
  new PerformanceObserver((list) => list.getEntries().forEach((e) => long.push(Math.round(e.duration)))).observe({ type: "longtask" });
  const el = document.querySelector(".virtual");
  const frames = [];
  let before = performance.now();
  const end = before + 8000;
  let way = 1;
  while (performance.now() < end) {
    await new Promise((r) => requestAnimationFrame(r));
    const now = performance.now();
    frames.push(now - before);
    before = now;
    el.scrollTop += way * 900;
    if (el.scrollTop + el.clientHeight >= el.scrollHeight - 1 || el.scrollTop <= 0) way = -way;
  }
  await new Promise((r) => setTimeout(r, 300));
  frames.sort((a, b) => a - b);
  return { long, frames: frames.length, p50: frames[Math.floor(frames.length * 0.5)], p99: frames[Math.floor(frames.length * 0.99)], rows: document.querySelectorAll(".virtual-row").length };
});
console.log(`${JOBS} rows scrolled for 8 s, 900 px a frame: ${scroll.long.length} long tasks over 50 ms ${scroll.long.length ? `(${scroll.long.join(", ")} ms)` : ""}, ${scroll.frames} frames, p50 ${scroll.p50.toFixed(1)} ms, p99 ${scroll.p99.toFixed(1)} ms, ${scroll.rows} rows exist`);
console.log(`console errors: ${complaints}; requests to other hosts: ${strangers}`);
await browser.close();
