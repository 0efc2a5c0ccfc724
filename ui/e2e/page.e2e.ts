// The page as a whole: many jobs, hostile texts, the keyboard, silence, log-in, a proxy, a cluster.
import { createServer, request as forward, type Server } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort, startAgent, startEtcd, stopAll, until, type Agent } from "./agent";
import { closeBrowser, visit, type Visit } from "./browser";

let agent: Agent;
let here: Visit | null = null;
const open = async (url: string, options = {}) => (here = await visit(url, options));

const EVIL = `"><img src=x onerror="window.hit=1"><script>window.hit=1</script>'; alert(1) //`;

beforeAll(async () => {
  agent = await startAgent();
  await agent.put({ name: "ok", schedule: "@every 5s", timezone: "Europe/Paris", executor_config: { command: "echo fine" } });
  await agent.put({ name: "bad", schedule: "@every 5s", executor_config: { shell: "true", command: "echo oh; exit 1" } });
  for (const name of ["ok", "bad"]) await agent.ask("POST", `/v1/jobs/${name}/run`);
  await until("both ran", async () => (await agent.json<{ executions: unknown[] }>("/v1/executions?status=succeeded,failed")).executions.length >= 2);
});
afterEach(async () => {
  const was = here;
  here = null;
  await was?.end();
});
afterAll(async () => {
  await closeBrowser();
  await stopAll();
});

const PAGES = ["", "#/jobs", "#/jobs/bad", "#/jobs/bad?tab=definition", "#/jobs/bad?tab=revisions", "#/jobs/bad/edit", "#/new", "#/executions", "#/why?job=bad", "#/timeline?minutes=5", "#/calendar", "#/cluster", "#/workers", "#/tokens", "#/audit"];

interface AxeResult { violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] }
async function axe(v: Visit): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // By the debugger, not by a script element, which the policy would refuse.
  if (!(await v.page.evaluate("typeof axe !== 'undefined'"))) await v.page.evaluate(source);
  const result = (await v.page.evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })`)) as AxeResult;
  return result.violations.map((x) => `${x.id}: ${x.help}: ${x.nodes.slice(0, 3).map((n) => `${JSON.stringify(n.target)} ${n.failureSummary ?? ""}`).join("; ")}`);
}

describe("the page", () => {
  for (const dark of [false, true])
    it(`has no violation of WCAG 2.2 AA that axe can find, in ${dark ? "dark" : "light"}`, { timeout: 120_000 }, async () => {
      const v = await open(agent.page, { dark, reducedMotion: true });
      const wrong: string[] = [];
      for (const hash of PAGES) {
        await v.page.goto(agent.page + hash);
        await v.page.locator("h1").first().waitFor();
        await v.page.waitForFunction(() => document.querySelectorAll(".skeleton").length === 0);
        wrong.push(...(await axe(v)).map((text) => `${hash}: ${text}`));
      }
      const { executions } = await agent.json<{ executions: { id: string }[] }>("/v1/executions?job=bad&status=failed");
      await v.page.goto(`${agent.page}#/executions/${executions[0]!.id}`);
      await v.page.locator(".out-line").first().waitFor();
      wrong.push(...(await axe(v)).map((text) => `run: ${text}`));
      await v.page.keyboard.press("Control+k");
      await v.page.getByRole("option").first().waitFor();
      wrong.push(...(await axe(v)).map((text) => `palette: ${text}`));
      expect(wrong).toEqual([]);
    });

  it("fits a phone: nothing is wider than the screen", async () => {
    const v = await open(agent.page, { width: 390, height: 800 });
    for (const hash of PAGES) {
      await v.page.goto(agent.page + hash);
      await v.page.locator("h1").first().waitFor();
      const wide = await v.page.evaluate(() => (document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")].filter((el) => !el.closest(".side, .table-box, .lanes, .tabs, .views, .virtual, .out, .code, .off-screen") && el.getBoundingClientRect().right > innerWidth + 1).map((el) => `${el.tagName}.${el.className}`).slice(0, 6)));
      expect(wide, hash).toEqual([]);
    }
  });

  it("is used with the keyboard alone", async () => {
    const v = await open(agent.page);
    const { keyboard } = v.page;
    await v.page.getByRole("heading", { name: "bad fails" }).waitFor();
    await keyboard.press("g");
    await keyboard.press("j");
    await v.page.getByRole("heading", { name: "Jobs" }).waitFor();
    await v.page.locator("[data-job=ok]").waitFor();
    await keyboard.press("/");
    await keyboard.type("ok");
    await v.page.locator("[data-job=bad]").waitFor({ state: "detached" });
    await keyboard.press("Enter");
    await v.page.locator(".job-row.at[data-job=ok]").waitFor();
    await keyboard.press("Enter");
    await v.page.getByRole("heading", { name: "ok" }).waitFor();
    await v.page.locator(".ticks li").first().waitFor();
    await keyboard.press("e");
    await v.page.getByRole("heading", { name: "Edit ok" }).waitFor();
    const seen = new Set<string>();
    for (let i = 0; i < 60 && !seen.has("Description"); i++) {
      await keyboard.press("Tab");
      seen.add(await v.page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.labels?.[0]?.textContent ?? ""));
    }
    expect([...seen]).toContain("Description");
    await keyboard.type("by keys");
    await keyboard.press("Control+Enter");
    await until("saved", async () => (await agent.json<{ description?: string }>("/v1/jobs/ok")).description === "by keys");
    await v.page.getByRole("heading", { name: "ok" }).waitFor();
    await keyboard.press("Control+k");
    await v.page.locator("[role=combobox]:focus").waitFor();
    await keyboard.type("calend");
    await v.page.getByRole("option", { selected: true, name: /Calendar/ }).waitFor();
    await keyboard.press("Enter");
    await v.page.getByRole("heading", { name: "Calendar" }).waitFor();
    await keyboard.press("?");
    await v.page.getByRole("dialog").getByText("Filter the list").waitFor();
    await keyboard.press("Escape");
    await v.page.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("shows hostile texts as texts, in every field and in the output", async () => {
    await agent.put({
      name: "hostile", displayname: EVIL, description: EVIL, owner: EVIL, schedule: "@manually", metadata: { [EVIL]: EVIL }, tags: null,
      executor_config: { shell: "true", command: `printf '%s\\n' '${EVIL.replaceAll("'", `'\\''`)}'; printf '\\033]8;;javascript:window.hit=1\\007link\\033]8;;\\007\\n'; exit 1 # ${EVIL}` },
      payload: { evil: EVIL },
    });
    await agent.ask("POST", "/v1/jobs/hostile/run");
    const failed = await until("it ran", async () => (await agent.json<{ executions: { id: string }[] }>("/v1/executions?job=hostile&status=failed")).executions[0]);
    const v = await open(agent.page);
    for (const hash of ["", "#/jobs", "#/jobs/hostile", "#/jobs/hostile?tab=definition", "#/jobs/hostile?tab=revisions", "#/jobs/hostile/edit", "#/executions", "#/audit", `#/jobs/${encodeURIComponent(EVIL)}`, `#/why?job=${encodeURIComponent(EVIL)}&at=${encodeURIComponent(EVIL)}`, `#/jobs?q=${encodeURIComponent(EVIL)}`, `#/executions/${failed.id}`]) {
      v.expected = [/404|400/];
      await v.page.goto(agent.page + hash);
      await v.page.locator("h1").first().waitFor();
      await v.page.waitForFunction(() => document.querySelectorAll(".skeleton").length === 0);
      expect(await v.page.evaluate(() => [(window as unknown as { hit?: number }).hit, document.querySelectorAll("main img, main script, a[href^='javascript']").length]), hash).toEqual([undefined, 0]);
    }
    await v.page.getByText(EVIL.slice(0, 30)).first().waitFor();
    await agent.ask("DELETE", "/v1/jobs/hostile");
  });

  it("runs under a policy without exceptions", async () => {
    const answer = await agent.ask("GET", "/ui/");
    const policy = answer.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:[^;]*script/);
    expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
    const v = await open(agent.page);
    v.expected = [/Content Security Policy|Trusted/i];
    const ran = await v.page.evaluate(() => {
      const script = document.createElement("script");
      try {
        script.textContent = "window.hit = 1";
      } catch {
        return "refused";
      }
      document.body.append(script);
      return (window as unknown as { hit?: number }).hit ? "ran" : "refused";
    });
    expect(ran).toBe("refused");
  });

  it("shows times in the zone one chooses", async () => {
    const v = await open(`${agent.page}#/jobs/ok`);
    const tick = v.page.locator(".ticks time").first();
    const [hours] = (await tick.textContent())!.split(":");
    await v.page.getByRole("button", { name: "Times shown in" }).click();
    await v.page.getByRole("menuitemradio", { name: "UTC", exact: true }).click();
    await until("UTC", async () => (await tick.textContent())!.split(":")[0] !== hours);
    expect(await tick.getAttribute("title")).toContain("UTC");
    await v.page.reload();
    await until("kept", async () => (await v.page.getByRole("button", { name: "Times shown in" }).textContent())?.includes("UTC"));
  });

  it("gives what one sees as a command and as a request", async () => {
    const v = await open(`${agent.page}#/jobs/bad`);
    await v.page.getByRole("button", { name: "Copy as", exact: true }).click();
    await v.page.getByRole("menuitem", { name: "Copy as CLI" }).click();
    expect(await v.page.evaluate(() => navigator.clipboard.readText())).toBe("khronos job get bad");
    await v.page.getByRole("button", { name: "Copy as", exact: true }).click();
    await v.page.getByRole("menuitem", { name: "Copy as curl" }).click();
    expect(await v.page.evaluate(() => navigator.clipboard.readText())).toBe(`curl -s ${agent.url}/v1/jobs/bad`);
  });

  it("works under a path that a proxy gives it", async () => {
    const port = await freePort();
    const proxy: Server = createServer((req, res) => {
      if (!req.url!.startsWith("/team/cron/")) return res.writeHead(404).end();
      const onward = forward({ host: "127.0.0.1", port: agent.port, method: req.method, path: req.url!.slice("/team/cron".length), headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(res);
      });
      onward.on("error", () => res.destroy());
      req.pipe(onward);
    });
    await new Promise<void>((done) => proxy.listen(port, "127.0.0.1", done));
    try {
      const v = await open(`http://127.0.0.1:${port}/team/cron/`);
      await v.page.getByRole("heading", { name: "bad fails" }).waitFor();
      expect(new URL(v.page.url()).pathname).toBe("/team/cron/ui/");
      await v.page.locator("[data-signal=live]").waitFor();
      await v.page.getByRole("link", { name: "Calendar", exact: true }).first().click();
      await v.page.getByRole("heading", { name: "Calendar" }).waitFor();
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it("finds one of ten thousand jobs, and draws only what is on the screen", { timeout: 120_000 }, async () => {
    const many = await startAgent();
    const names = Array.from({ length: 10_000 }, (_, i) => `job-${String(i).padStart(5, "0")}`);
    let next = 0;
    await Promise.all(Array.from({ length: 24 }, async () => {
      while (next < names.length) await many.put({ name: names[next++]!, schedule: "0 0 3 * * *", executor_config: { command: "true" } });
    }));
    const v = await open(`${many.page}#/jobs`);
    await v.page.getByText("10,000").waitFor();
    const list = v.page.locator(".virtual");
    expect(await v.page.locator(".virtual-row").count()).toBeLessThan(80);
    await list.evaluate((el) => (el.scrollTop = el.scrollHeight));
    await v.page.locator("[data-job=job-09999]").waitFor();
    expect(await v.page.locator(".virtual-row").count()).toBeLessThan(80);
    await v.page.keyboard.press("/");
    await v.page.keyboard.type("job-0731");
    await v.page.getByText("10 found").waitFor();
    await v.page.locator("[data-job=job-07315] .name").click();
    await v.page.getByRole("heading", { name: "job-07315" }).waitFor();
    await many.end("SIGKILL");
    v.expected = [/Failed to load|ERR_|net::/];
  });

  it("says that there is no signal when the agent is gone, and goes on when it is back", async () => {
    const mortal = await startAgent();
    await mortal.put({ name: "there", schedule: "@daily", executor_config: { command: "true" } });
    const v = await open(mortal.page);
    v.expected = [/Failed to load|ERR_|net::/];
    await v.page.locator("[data-signal=live]").waitFor();
    await v.page.getByRole("link", { name: "there", exact: true }).waitFor();
    await mortal.end("SIGKILL");
    await v.page.locator("[data-signal=lost]").waitFor();
    await v.page.getByRole("heading", { name: /No signal for \d/ }).waitFor();
    expect(await v.page.getByRole("link", { name: "there", exact: true }).count(), "what was known stays").toBe(1);
    await mortal.start();
    await v.page.locator("[data-signal=live]").waitFor();
    await v.page.getByRole("heading", { name: "All is well" }).waitFor();
  });

  it("lets a viewer in by a token, and tells it what it may not do", async () => {
    const guarded = await startAgent("--auth");
    const root = readFileSync(join(guarded.folder, "data", "admin.token"), "utf8").trim();
    const as = (token: string) => ({ Authorization: `Bearer ${token}` });
    expect((await guarded.ask("POST", "/v1/jobs", { name: "guarded", schedule: "@daily", executor: "shell", executor_config: { command: "true" } }, as(root))).status).toBe(201);
    const { token } = (await (await guarded.ask("POST", "/v1/tokens", { name: "v", role: "viewer" }, as(root))).json()) as { token: string };
    const v = await open(`${guarded.page}#/jobs/guarded`);
    v.expected = [/401|403/];
    await v.page.getByLabel("Token").fill("wrong");
    await v.page.getByRole("button", { name: "Log in" }).click();
    await v.page.getByText("not known, has expired, or was revoked").waitFor();
    await v.page.getByLabel("Token").fill(token);
    await v.page.getByRole("button", { name: "Log in" }).click();
    await v.page.getByRole("heading", { name: "guarded" }).waitFor();
    await v.page.locator("[data-signal=live]").waitFor();
    expect(await v.page.getByRole("link", { name: "Tokens" }).count(), "an administrator's page").toBe(0);
    await v.page.getByRole("button", { name: "Pause" }).click();
    await v.page.locator(".toast.bad").waitFor();
    expect(((await (await guarded.ask("GET", "/v1/jobs/guarded", undefined, as(root))).json()) as { disabled: boolean }).disabled).toBe(false);
    expect(await v.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]))).not.toContain(token);
    await v.page.getByRole("button", { name: "Account" }).click();
    await v.page.getByRole("menuitem", { name: "Log out" }).click();
    await v.page.getByRole("heading", { name: "Log in" }).waitFor();
    await v.page.getByLabel("Token").fill(root);
    await v.page.getByRole("button", { name: "Log in" }).click();
    await v.page.getByRole("heading", { name: "guarded" }).waitFor();
    await v.page.getByRole("button", { name: "Pause" }).click();
    await v.page.getByText("guarded is paused").waitFor();
  });

  it("shows the shards of an agent that is killed move to the others", { timeout: 120_000 }, async () => {
    const etcd = await startEtcd();
    const flags = (node: string) => ["--backend", "etcd", "--backend-machine", etcd, "--node", node];
    const agents = await Promise.all(["one", "two", "three"].map((node) => startAgent(...flags(node))));
    const v = await open(`${agents[0]!.page}#/cluster`);
    const owners = v.page.locator(".owners li");
    await until("three owners", async () => (await owners.count()) === 3 && (await v.page.locator(".shard.nobody").count()) === 0);
    await agents[2]!.end("SIGKILL");
    await until("two owners of all", async () => (await owners.count()) === 2 && (await v.page.locator(".shard.nobody").count()) === 0, 30_000);
    expect(await owners.allTextContents()).toEqual([expect.stringContaining("one"), expect.stringContaining("two")]);
  });
});
