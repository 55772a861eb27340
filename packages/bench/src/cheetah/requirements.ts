/** What of the host this needs, asked before anything is made. */
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Something is missing; the message says what, and what it is for. */
export class Missing extends Error {
  override readonly name: string = "Missing";
}

/** True when `name` is a program that can be run. */
export function hasProgram(name: string): boolean {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.some((directory) => {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** Throws a `Missing` unless all of `programs` can be run. */
export function requirePrograms(programs: readonly string[]): void {
  const missing = programs.filter((name) => !hasProgram(name));
  if (missing.length > 0) throw new Missing(`not installed: ${missing.join(", ")}`);
}

/** The cores of a run. */
export interface Cores {
  readonly server: number;
  readonly client: number;
}

/** `0-2,5` as a list. */
export function parseCores(list: string): readonly number[] {
  return list.split(",").flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** A core for the servers and one for the clients. **Fails** throws a `Missing` when there is only one. */
export function chooseCores(): Cores {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  const cores = parseCores(list);
  const server = cores[0];
  const client = cores.at(-1);
  if (server === undefined || client === undefined || server === client)
    throw new Missing(
      `two cores: the servers run on one and the clients on another, and this may use ${list || "none"}`,
    );
  return { server, client };
}

/** Throws a `Missing` unless namespaces can be made and programs be kept on cores here. */
export function requireHost(): Cores {
  if (process.platform !== "linux") throw new Missing("Linux: network namespaces");
  if (process.getuid?.() !== 0) throw new Missing("root: network namespaces and packet rings need it");
  requirePrograms(["ip", "taskset", "sh"]);
  if (!existsSync("/proc/self/schedstat")) throw new Missing("/proc/<pid>/schedstat (CONFIG_SCHED_INFO)");
  return chooseCores();
}
