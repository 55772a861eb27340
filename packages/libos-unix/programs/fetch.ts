/** Archives of others, brought by the package manager that has them and checked against their hash. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Archive } from "./recipes.ts";

const run = promisify(execFile);

/** Milliseconds that a package manager may take. */
const PATIENCE = 120_000;

/** Something that a program needs is not to be had here: the program is skipped, and the message says why. */
export class Missing extends Error {}

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

const firstLine = (error: unknown): string =>
  String((error as { stderr?: string }).stderr || error)
    .split("\n")
    .find((line) => /\S/.test(line)) ?? "no reason given";

async function fromNpm(archive: Archive, into: string): Promise<void> {
  await run("npm", ["pack", "--silent", "--fetch-retries=0", "--pack-destination", into, archive.name], {
    timeout: PATIENCE,
    shell: process.platform === "win32",
  });
}

/** Debian's own lists of where packages come from, with their sources wanted instead. */
function sourceLists(): string[] {
  const directory = "/etc/apt/sources.list.d";
  const files = existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  const lists: string[] = [];
  for (const path of [...files, "/etc/apt/sources.list"]) {
    if (!existsSync(path)) continue;
    const text = readFileSync(path, "utf8");
    if (path.endsWith(".sources")) {
      const stanzas = text.split(/\n\s*\n/).filter((stanza) => /^URIs:.*\/debian/m.test(stanza));
      lists.push(...stanzas.map((stanza) => stanza.replace(/^Types:.*$/m, "Types: deb-src")));
    } else if (path.endsWith(".list")) {
      lists.push(...[...text.matchAll(/^deb\s+(.*\/debian.*)$/gm)].map(([, rest]) => `deb-src ${rest}`));
    }
  }
  return lists;
}

/** The options that keep a run of apt apart from the machine's own state, below `state`; with fresh lists. */
async function aptOptions(state: string): Promise<string[]> {
  const isStanza = (list: string): boolean => /^Types:/m.test(list);
  const lists = sourceLists();
  if (lists.length === 0) throw new Missing("this is no Debian with lists of packages");
  mkdirSync(join(state, "lists", "partial"), { recursive: true });
  mkdirSync(join(state, "parts"), { recursive: true });
  writeFileSync(join(state, "parts", "all.sources"), lists.filter(isStanza).join("\n\n"));
  writeFileSync(join(state, "parts", "all.list"), lists.filter((list) => !isStanza(list)).join("\n") + "\n");
  const options = Object.entries({
    "Dir::Etc::sourcelist": "-",
    "Dir::Etc::sourceparts": join(state, "parts"),
    "Dir::State::lists": join(state, "lists"),
    "Dir::Cache": state,
    "APT::Sandbox::User": "",
    "Acquire::Retries": "0",
    "APT::Update::Error-Mode": "any",
  }).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  await run("apt-get", [...options, "-q", "update"], { timeout: PATIENCE });
  return options;
}

async function fromDebian(archive: Archive, into: string): Promise<void> {
  const options = await aptOptions(join(into, "apt"));
  const what = ["-q", "source", "--only-source", "--download-only", "--tar-only", archive.name];
  await run("apt-get", [...options, ...what], { cwd: into, timeout: PATIENCE });
}

/** The path of an archive in `cache`, brought there if it is not. Throws `Missing` when that cannot be. */
export async function fetched(archive: Archive, cache: string): Promise<string> {
  const path = join(cache, archive.file);
  if (existsSync(path) && sha256(path) === archive.sha256) return path;
  const into = join(cache, `fetching-${process.pid}-${archive.file}`);
  mkdirSync(into, { recursive: true });
  try {
    await (archive.from === "npm" ? fromNpm : fromDebian)(archive, into);
    const brought = join(into, archive.file);
    if (!existsSync(brought))
      throw new Missing(`${archive.name} is there in another version than ${archive.file}`);
    if (sha256(brought) !== archive.sha256)
      throw new Missing(`${archive.file} is not the one that is expected`);
    renameSync(brought, path);
    return path;
  } catch (error) {
    if (error instanceof Missing) throw error;
    throw new Missing(`${archive.name} cannot be fetched: ${firstLine(error)}`);
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

/** Unpacks an archive into `into`. Throws `Missing` when that cannot be. */
export async function unpack(archive: Archive, path: string, into: string): Promise<void> {
  try {
    await run("tar", ["-xf", path, "-C", into]);
    if (archive.inner !== undefined) await run("tar", ["-xf", join(into, archive.inner), "-C", into]);
  } catch (error) {
    throw new Missing(`${archive.file} cannot be unpacked: ${firstLine(error)}`);
  }
}
