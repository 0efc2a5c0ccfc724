// Agents for tests: the real program in a folder of its own, on ports of its own.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const program = resolve(process.env.KHRONOS ?? "../build/khronos");

export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

/** Asks again until there is an answer; fails with what was seen last. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false | null>, ms = 20_000): Promise<T> {
  const end = Date.now() + ms;
  let last = "";
  for (;;) {
    try {
      const found = await ask();
      if (found) return found;
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > end) throw new Error(`${what}: not in ${ms} ms; ${last}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

const started: { stop: () => Promise<void> }[] = [];
export async function stopAll() {
  for (const one of started.splice(0).reverse()) await one.stop();
}

export class Program {
  child: ChildProcess | null = null;
  constructor(readonly command: string, readonly args: string[], readonly folder: string, readonly ready: () => Promise<boolean>) {}
  async start() {
    const log = openSync(join(this.folder, "log"), "a");
    this.child = spawn(this.command, this.args, { stdio: ["ignore", log, log], cwd: this.folder, env: { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: this.folder } });
    await until(`${this.command} ${this.args[0] ?? ""} answers; its log: ${join(this.folder, "log")}`, async () => {
      if (this.child?.exitCode !== null && this.child?.exitCode !== undefined) throw new Error(readFileSync(join(this.folder, "log"), "utf8").slice(-800));
      return this.ready();
    });
    return this;
  }
  end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((done) => {
      const hard = setTimeout(() => child.kill("SIGKILL"), 8000);
      child.once("exit", () => (clearTimeout(hard), done()));
      child.kill(signal);
    });
  }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "khronos-e2e-"));
  started.push({ stop: async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) });
  return folder;
}

export class Agent extends Program {
  constructor(readonly port: number, folder: string, args: string[]) {
    super(program, args, folder, async () => (await fetch(`http://127.0.0.1:${port}/livez`)).ok);
  }
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }
  get page() {
    return `${this.url}/ui/`;
  }
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  }
  async json<T>(path: string): Promise<T> {
    return (await (await this.ask("GET", path)).json()) as T;
  }
  async put(job: Record<string, unknown>) {
    const answer = await this.ask("POST", "/v1/jobs", { executor: "shell", ...job });
    if (answer.status !== 201) throw new Error(`${String(job.name)}: ${answer.status} ${await answer.text()}`);
  }
}

export async function startAgent(...flags: string[]): Promise<Agent> {
  if (!existsSync(program)) throw new Error(`${program} is not built`);
  const folder = newFolder();
  const port = await freePort();
  const agent = new Agent(port, folder, ["agent", "-e", "local", "--data-dir", join(folder, "data"), "--bind-port", String(port), "--rpc-port", String(await freePort()), "--drain-timeout", "1s", ...flags]);
  started.push({ stop: () => agent.end("SIGTERM") });
  await agent.start();
  return agent;
}

export async function startEtcd(): Promise<string> {
  const folder = newFolder();
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const etcd = new Program("etcd", ["--data-dir", join(folder, "etcd"), "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", `http://127.0.0.1:${peer}`, "--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`, "--initial-cluster", `default=http://127.0.0.1:${peer}`, "--unsafe-no-fsync"], folder, async () => (await fetch(`${url}/health`)).ok);
  started.push({ stop: () => etcd.end("SIGKILL") });
  await etcd.start();
  return `127.0.0.1:${client}`;
}
