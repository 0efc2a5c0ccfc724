// node e2e/look.mjs BASE OUT [light|dark] [WIDTHxHEIGHT] HASH=NAME ... : pictures of pages, for looking at.
import { chromium } from "playwright-core";
const [base, out, scheme = "light", size = "1360x860", ...pages] = process.argv.slice(2);
const [width, height] = size.split("x").map(Number);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: 1 });
const page = await context.newPage();
page.on("console", (m) => m.type() === "error" && console.log("console:", m.text()));
page.on("pageerror", (e) => console.log("error:", e.message));
for (const one of pages) {
  const at = one.lastIndexOf("=");
  await page.goto(base + one.slice(0, at), { waitUntil: "load" });
  await page.waitForTimeout(1400);
  await page.screenshot({ path: `${out}/${one.slice(at + 1)}.png` });
}
await browser.close();
