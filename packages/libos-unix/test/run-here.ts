/** Programs on a board of their own, with what they are given and leave as under the peer. */
import { runWasi, type RunOptions, type RunResult } from "../src/board/run-wasi.ts";
import type { Directory } from "../src/filesystem/file-system.ts";
import { makeMemoryFileSystem } from "../src/filesystem/memory-file-system.ts";
import { readTree, writeTree } from "../src/filesystem/tree.ts";
import type { Ended, Given } from "./node-wasi.ts";

/** How a program's memory is reached. */
export type Manner = Pick<RunOptions, "mode" | "pageBytes">;

/** Each way that there is, by its name. */
export const MANNERS: Readonly<Record<string, Manner>> = {
  segment: { mode: "segment" },
  paged: { mode: "paged" },
  "pages of 64 KiB": { mode: "paged", pageBytes: 65_536 },
};

/** A directory in memory with these files, whose times are real. */
export function memoryDirectory(files: Readonly<Record<string, string | Uint8Array>>): Directory {
  const { root } = makeMemoryFileSystem({ now: () => BigInt(Date.now()) * 1_000_000n });
  if (writeTree(root, files) < 0) throw new Error("not a tree of files");
  return root;
}

/** The files in a directory, by path, in order; empty directories are left out, as with the peer. */
export function filesIn(directory: Directory): Record<string, Uint8Array> {
  const tree = readTree(directory);
  if (typeof tree === "number") throw new Error(`not read: errno ${-tree}`);
  const files = [...tree].filter(([path]) => !path.endsWith("/"));
  return Object.fromEntries(files.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What became of a program, and how. */
export interface EndedHere extends Ended {
  readonly result: RunResult;
}

const NOTHING: Readonly<Record<string, Directory>> = {};

/** Runs a program to its end, in directories in memory unless others are given. */
export async function runHere(
  bytes: Uint8Array,
  given: Given = {},
  options: RunOptions = {},
  directories: Readonly<Record<string, Directory>> = NOTHING,
): Promise<EndedHere> {
  const inMemory = Object.entries(given.preopens ?? {}).map(([name, files]) => [
    name,
    memoryDirectory(files),
  ]);
  const mounts = { ...(Object.fromEntries(inMemory) as Record<string, Directory>), ...directories };
  const result = await runWasi(bytes, {
    args: ["program", ...(given.args ?? [])],
    ...(given.env === undefined ? {} : { env: given.env }),
    ...(given.stdin === undefined ? {} : { stdin: given.stdin }),
    mounts,
    ...options,
  });
  const left = Object.entries(mounts).map(([name, directory]) => [name, filesIn(directory)]);
  return {
    code: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    preopens: Object.fromEntries(left) as Ended["preopens"],
    result,
  };
}

const decoder = new TextDecoder();

/** A copy of `value` with all bytes in it as text: what differs can be read then. */
export function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, readable(each)]));
}
