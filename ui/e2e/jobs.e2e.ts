// A job's life, as somebody lives it with the page.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startAgent, stopAll, until, type Agent } from "./agent";
import { closeBrowser, visit, type Visit } from "./browser";

let agent: Agent;
let here: Visit;
const open = async (hash: string) => (here = await visit(agent.page + hash));

beforeAll(async () => {
  agent = await startAgent();
});
afterEach(async () => {
  await here?.end();
});
afterAll(async () => {
  await closeBrowser();
  await stopAll();
});

describe("a job's life", () => {
  it("begins on an empty page that teaches the first step", async () => {
    await open("");
    await here.page.getByRole("heading", { name: "Nothing to do yet" }).waitFor();
    await here.page.getByRole("link", { name: "New job" }).click();
    await here.page.getByRole("heading", { name: "New job" }).waitFor();
  });

  it("is written in the editor, which shows mistakes under their place and the next ten ticks while one types", async () => {
    await open("#/new");
    // What the agent would refuse is a refused request to the browser, which notes it.
    here.expected = [/400/];
    const page = here.page;
    await page.getByLabel("Name", { exact: true }).fill("first-job");
    await page.getByLabel("Schedule", { exact: true }).fill("0 0 25 * * *");
    await page.locator(".schedule-wrong .field-error").waitFor();
    const caret = await page.locator(".schedule-wrong pre").textContent();
    expect(caret, "under the 25").toBe("    ^^");
    await page.getByLabel("Schedule", { exact: true }).fill("30 2 * * *");
    await page.getByRole("button", { name: "0 30 2 * * *" }).click();
    await page.getByText("at 02:30:00 every day").waitFor();
    expect(await page.locator(".preview .ticks li").count()).toBe(10);
    await page.getByLabel("Time zone", { exact: true }).fill("Europe/Paris");
    await page.getByText(/02:30:00 does not exist on/).waitFor();
    await page.getByLabel("Time zone", { exact: true }).fill("Europe/Pariss");
    await page.getByText(/unknown time zone/).first().waitFor();
    await page.getByLabel("Time zone", { exact: true }).fill("Europe/Paris");
    await page.getByRole("textbox", { name: "Command" }).fill("for i in 1 2 3; do printf '\\033[32mgreen\\033[0m line '$i'\\n'; sleep 0.3; done; exit 3");
    await page.getByLabel("Run it in a shell").check();
    expect(JSON.parse(await page.getByLabel("The job as JSON").inputValue())).toMatchObject({ name: "first-job", executor_config: { shell: "true" } });
    await page.getByText("The agent would accept it as it is.").waitFor();
    await page.getByRole("button", { name: "Make the job" }).click();
    await page.getByRole("heading", { name: "first-job" }).waitFor();
    expect((await agent.json<{ timezone: string }>("/v1/jobs/first-job")).timezone).toBe("Europe/Paris");
  });

  it("is written as JSON too, and a text that is none is said and changes nothing", async () => {
    await open("#/new");
    const json = here.page.getByLabel("The job as JSON");
    await json.fill('{"name": "from-json", "schedule": "@every 1h", ');
    await here.page.getByText("the form shows the last version").waitFor();
    await json.fill('{"name": "from-json", "schedule": "@every 1h", "executor": "shell", "executor_config": {"command": "true"}}');
    await here.page.getByText("every hour").first().waitFor();
    expect(await here.page.getByLabel("Name", { exact: true }).inputValue()).toBe("from-json");
    await here.page.getByRole("button", { name: "Make the job" }).click();
    await here.page.getByRole("heading", { name: "from-json" }).waitFor();
  });

  it("does not overwrite a job of the same name", async () => {
    await open("#/new");
    await here.page.getByLabel("The job as JSON").fill('{"name": "from-json", "schedule": "@hourly", "executor": "shell", "executor_config": {"command": "false"}}');
    await here.page.getByText("The agent would accept it as it is.").waitFor();
    here.expected = [/412/];
    await here.page.getByRole("button", { name: "Make the job" }).click();
    await here.page.getByText("There is a job of this name already").first().waitFor();
    expect((await agent.json<{ schedule: string }>("/v1/jobs/from-json")).schedule).toBe("@every 1h");
  });

  it("is run by hand, and its output is followed to its exit", async () => {
    await open("#/jobs/first-job");
    const page = here.page;
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByLabel(/Payload/).fill('{"n": ');
    expect(await page.getByRole("button", { name: "Run", exact: true }).isDisabled()).toBe(true);
    await page.getByLabel(/Payload/).fill('{"n": 1}');
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.locator(".out-line").first().waitFor();
    await page.getByText(/3 lines, complete/).waitFor();
    await page.locator("h1", { hasText: "Failed" }).waitFor();
    await page.locator("h1", { hasText: "exit 3" }).waitFor();
    expect(await page.locator(".out .a-fg-green").count()).toBe(3);
    expect(await page.locator(".out").textContent()).not.toContain("\u001b");
    await page.getByLabel("Search the output").fill("LINE 2");
    await page.getByText("1 of 1").waitFor();
    expect(await page.locator(".out mark").textContent()).toBe("line 2");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    expect((await download).suggestedFilename()).toMatch(/^first-job-.*\.log$/);
    for (const step of ["Due", "Decided", "Dispatched", "Started"]) expect(await page.locator(".steps li:not(.to-come)", { hasText: step }).count()).toBe(1);
  });

  it("is run again from a run that failed", async () => {
    const { executions } = await agent.json<{ executions: { id: string }[] }>("/v1/executions?job=first-job&status=failed");
    await open(`#/executions/${executions[0]!.id}`);
    await here.page.getByRole("button", { name: "Run again" }).click();
    await until("another address", async () => !here.page.url().includes(executions[0]!.id));
    await here.page.locator("h1", { hasText: "Failed" }).waitFor();
  });

  it("is cancelled while it runs", async () => {
    await agent.put({ name: "long", schedule: "@manually", executor_config: { shell: "true", command: "echo begun; sleep 600" } });
    await agent.ask("POST", "/v1/jobs/long/run");
    await open("");
    await here.page.getByRole("link", { name: "long", exact: true }).click();
    await here.page.getByText("begun").waitFor();
    await here.page.getByRole("button", { name: "Cancel" }).click();
    await here.page.locator("h1", { hasText: "Cancelled" }).waitFor();
  });

  it("is edited by two: the second is told, sees both versions, and saves both changes", async () => {
    await open("#/jobs/from-json/edit");
    const page = here.page;
    await page.getByLabel("Description", { exact: true }).fill("mine");
    const theirs = await agent.json<Record<string, unknown>>("/v1/jobs/from-json");
    await agent.put({ ...theirs, owner: "somebody else" });
    await page.getByText("Somebody else has just saved this job").waitFor();
    here.expected = [/412/];
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("dialog").getByText("Nothing has been overwritten").waitFor();
    expect((await agent.json<{ description?: string }>("/v1/jobs/from-json")).description).toBeUndefined();
    await page.getByRole("button", { name: "Save both changes" }).click();
    await page.getByRole("heading", { name: "from-json", exact: true }).waitFor();
    const saved = await agent.json<Record<string, unknown>>("/v1/jobs/from-json");
    expect(saved).toMatchObject({ description: "mine", owner: "somebody else" });
  });

  it("when two change the same thing, the clash is shown and overwriting is a choice", async () => {
    await open("#/jobs/from-json/edit");
    const page = here.page;
    await page.getByLabel("Description", { exact: true }).fill("again mine");
    const theirs = await agent.json<Record<string, unknown>>("/v1/jobs/from-json");
    await agent.put({ ...theirs, description: "theirs" });
    here.expected = [/412/];
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator("tr.clash", { hasText: "description" }).waitFor();
    expect(await page.getByRole("button", { name: "Save both changes" }).count()).toBe(0);
    await page.getByRole("button", { name: "Take theirs" }).click();
    expect(await page.getByLabel("Description", { exact: true }).inputValue()).toBe("theirs");
  });

  it("leaves one coming tick out, and takes that back", async () => {
    await open("#/jobs/from-json");
    const first = (await agent.json<{ times: string[] }>("/v1/jobs/from-json/next?n=2")).times;
    await here.page.getByRole("button", { name: "Skip this one" }).click();
    await here.page.getByText("will not run at that time").waitFor();
    expect((await agent.json<{ times: string[] }>("/v1/jobs/from-json/next?n=1")).times[0]).toBe(first[1]);
    await here.page.getByRole("button", { name: "Undo" }).click();
    await until("the tick is back", async () => (await agent.json<{ times: string[] }>("/v1/jobs/from-json/next?n=1")).times[0] === first[0]);
  });

  it("is paused and resumed", async () => {
    await open("#/jobs/from-json");
    await here.page.getByRole("button", { name: "Pause" }).click();
    await here.page.getByText("Its ticks are recorded as skipped until").waitFor();
    expect((await agent.json<{ disabled: boolean }>("/v1/jobs/from-json")).disabled).toBe(true);
    await here.page.getByRole("button", { name: "Resume" }).click();
    await until("resumed", async () => !(await agent.json<{ disabled: boolean }>("/v1/jobs/from-json")).disabled);
  });

  it("is part of the coming week that the scheduler's engine reckons", async () => {
    const week = await agent.json<{ jobs: { name: string; runs: number }[] }>("/v1/simulate");
    expect(week.jobs.find((j) => j.name === "from-json")?.runs).toBeGreaterThanOrEqual(167);
    await open("#/calendar");
    await here.page.getByText(/The busiest hour has [1-9]\d* runs/).waitFor();
    expect(await here.page.locator("table.heat td[class^=heat-]:not(.heat-no)").count()).toBeGreaterThanOrEqual(168);
  });

  it("says why a tick was skipped", async () => {
    await agent.put({ name: "slow", schedule: "@every 1s", concurrency: "forbid", executor_config: { command: "sleep 3" } });
    await until("a skipped tick", async () => {
      const { executions } = await agent.json<{ executions: { status: string; reason: string }[] }>("/v1/executions?job=slow");
      if (executions.some((e) => e.status === "skipped")) return true;
      throw new Error(JSON.stringify(executions[0]));
    });
    await open("#/why?job=slow");
    await here.page.locator("tr", { hasText: "Skipped" }).getByRole("link", { name: "Why?" }).first().click();
    await here.page.locator(".why-answer", { hasText: "It was skipped" }).waitFor();
    await here.page.getByText(/was still running, and the job's concurrency is limited/).waitFor();
    await agent.ask("DELETE", "/v1/jobs/slow");
  });

  it("is deleted after asking, and can be made again", async () => {
    await open("#/jobs/from-json");
    await here.page.getByRole("button", { name: "More", exact: true }).click();
    await here.page.getByRole("menuitem", { name: "Delete" }).click();
    await here.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await here.page.getByText("from-json is deleted").waitFor();
    expect((await agent.ask("GET", "/v1/jobs/from-json")).status).toBe(404);
    await here.page.getByRole("button", { name: "Undo" }).click();
    await here.page.getByRole("heading", { name: "from-json" }).waitFor();
    expect((await agent.ask("GET", "/v1/jobs/from-json")).status).toBe(200);
    here.expected = [/404/];
  });

  it("appears on an open page when somebody else makes it, and goes when it is deleted", async () => {
    await open("#/jobs");
    await here.page.locator("[data-job=long]").waitFor();
    await agent.put({ name: "by-another", schedule: "@daily", executor_config: { command: "true" } });
    await here.page.locator("[data-job=by-another]").waitFor();
    await agent.ask("DELETE", "/v1/jobs/by-another");
    await here.page.locator("[data-job=by-another]").waitFor({ state: "detached" });
  });
});
