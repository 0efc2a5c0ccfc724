// A real browser. Whatever a page complains of, or asks of another host, fails the test it is in.
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect } from "vitest";

let browser: Browser | null = null;
async function theBrowser(): Promise<Browser> {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  return browser;
}
export async function closeBrowser() {
  await browser?.close();
  browser = null;
}

export class Visit {
  readonly complaints: string[] = [];
  readonly strangers: string[] = [];
  /** Messages that the test provokes: an agent that is killed is an error to the browser. */
  expected: RegExp[] = [];
  constructor(readonly context: BrowserContext, readonly page: Page, host: string) {
    page.on("console", (m) => {
      if (m.text().startsWith("Failed to load resource")) return; // said below, with its address
      if (m.type() === "error" || m.type() === "warning") this.complaints.push(`${m.type()}: ${m.text()}`);
    });
    page.on("pageerror", (e) => this.complaints.push(`fault: ${e.message}`));
    page.on("response", (r) => {
      if (r.status() >= 400) this.complaints.push(`${r.status()}: ${r.url()}`);
    });
    page.on("dialog", (d) => void d.accept());
    page.on("request", (r) => {
      const url = new URL(r.url());
      if (url.protocol.startsWith("http") && url.host !== host) this.strangers.push(r.url());
    });
  }
  async end() {
    await this.context.close();
    expect(this.complaints.filter((c) => !this.expected.some((e) => e.test(c))), "the console").toEqual([]);
    expect(this.strangers, "requests to other hosts").toEqual([]);
  }
}

export async function visit(url: string, options: { dark?: boolean; width?: number; height?: number; reducedMotion?: boolean } = {}): Promise<Visit> {
  const context = await (await theBrowser()).newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 860 },
    colorScheme: options.dark ? "dark" : "light",
    reducedMotion: options.reducedMotion ? "reduce" : "no-preference",
    locale: "en-GB",
    timezoneId: "Europe/Paris",
  });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const made = new Visit(context, page, new URL(url).host);
  await page.goto(url);
  return made;
}
