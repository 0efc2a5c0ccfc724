// What one would type to do the same: on the command line, and with curl.
import { root, session } from "../api/http";

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
export function cli(...words: string[]): string {
  return ["khronos", ...words].map(shellWord).join(" ");
}
export function curl(path: string, options: { method?: string; body?: unknown; headers?: Record<string, string>; accept?: boolean } = {}): string {
  const words = ["curl", "-s"];
  if (options.method && options.method !== "GET") words.push("-X", options.method);
  let line = words.join(" ");
  if (session.value?.auth) line += ` -H "Authorization: Bearer $(cat token-file)"`;
  for (const [name, value] of Object.entries(options.headers ?? {})) line += ` -H ${shellWord(`${name}: ${value}`)}`;
  line += ` ${shellWord(root + path.replace(/^\//, ""))}`;
  if (options.body !== undefined) line += ` -d ${shellWord(JSON.stringify(options.body))}`;
  return line;
}
