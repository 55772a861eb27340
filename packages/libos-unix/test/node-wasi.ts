/** Programs under the peer, `node:wasi`: what they print and leave there is what they must print and leave here. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Files by their paths, relative to a directory. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** What a program is given. */
export interface Given {
  /** Arguments behind the program's name, which is `program`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** The files of each directory that it is given, by the name it has for it. */
  readonly preopens?: Readonly<Record<string, Files>>;
}

/** What it made of that. */
export interface Ended {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** The files of each directory afterwards, by path. */
  readonly preopens: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;
}

function fill(directory: string, files: Files): void {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), contents);
  }
}

/** The regular files below `directory`, by path, in order. */
function filesBelow(directory: string): Record<string, Uint8Array> {
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  return Object.fromEntries(
    paths.map((path) => [path.slice(directory.length + 1), new Uint8Array(readFileSync(path))]),
  );
}

/** How a run in a process of its own ended: with a code, or with what it threw. */
interface Outcome {
  readonly code?: number;
  readonly thrown?: string;
}

/** Milliseconds that a program may take. */
const PATIENCE = 60_000;

/**
 * Runs a program under `node:wasi`, in a process of its own, in directories that are made for it.
 *
 * **Fails** throws when the program traps, or does not end within a minute.
 */
export function runUnderNodeWasi(bytes: Uint8Array<ArrayBuffer>, given: Given = {}): Ended {
  const scratch = mkdtempSync(join(tmpdir(), "exolith-wasi-"));
  try {
    const preopens: Record<string, string> = {};
    for (const [index, [name, files]] of Object.entries(given.preopens ?? {}).entries()) {
      preopens[name] = join(scratch, `directory-${index}`);
      mkdirSync(preopens[name]);
      fill(preopens[name], files);
    }
    const program = join(scratch, "program.wasm");
    const report = join(scratch, "report.json");
    writeFileSync(program, bytes);
    const start = {
      program,
      report,
      preopens,
      args: ["program", ...(given.args ?? [])],
      env: given.env ?? {},
    };
    const child = join(import.meta.dirname, "support", "node-wasi-child.mjs");
    const { stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", child, JSON.stringify(start)], {
      input: given.stdin ?? "",
      timeout: PATIENCE,
      maxBuffer: 1 << 28,
    });
    if (!existsSync(report)) throw new Error(`node:wasi did not end: ${stderr.toString()}`);
    const outcome = JSON.parse(readFileSync(report, "utf8")) as Outcome;
    if (outcome.code === undefined) throw new Error(outcome.thrown);
    const left = Object.entries(preopens).map(([name, path]) => [name, filesBelow(path)]);
    return {
      code: outcome.code,
      stdout: new Uint8Array(stdout),
      stderr: new Uint8Array(stderr),
      preopens: Object.fromEntries(left),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
