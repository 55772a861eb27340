/** Programs of the host, and the server as a program among them. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./waiting.ts";

/** Where `name` is, or `undefined` when this host does not have it. */
export function findTool(name: string): string | undefined {
  const places = (process.env["PATH"] ?? "").split(delimiter).concat("/usr/sbin", "/sbin");
  return places.map((place) => join(place, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first of `reasons` that there is, printed: the tests of `what` are skipped because of it. */
export function skipReason(what: string, ...reasons: readonly (string | undefined)[]): string | undefined {
  const reason = reasons.find((found) => found !== undefined);
  if (reason !== undefined) console.log(`skipped: ${what}: ${reason}`);
  return reason;
}

/** Why a tool cannot be used. */
export const lacks = (name: string): string | undefined =>
  findTool(name) === undefined ? `${name} is not installed` : undefined;

/** How a program ended, and everything it said. */
export interface Ended {
  readonly code: number | null;
  readonly output: Buffer;
  readonly errors: string;
}

/** Runs a program to its end, at most `milliseconds`. */
export function runProgram(
  program: string,
  words: readonly string[],
  milliseconds: number = 30_000,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], timeout: milliseconds });
    const output: Buffer[] = [];
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output: Buffer.concat(output), errors }));
  });
}

/** Runs a program that must work, at once; its output. */
export function mustRun(program: string, ...words: readonly string[]): string {
  const ended = spawnSync(program, words, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (ended.status === 0) return ended.stdout;
  throw new Error(`${program} ${words.join(" ")}: ${ended.error?.message ?? ended.stderr}`);
}

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The words that run the server's command from its sources. */
export const CHEETAH: readonly string[] = ["--conditions=@exolith/source", MAIN];

/** Runs the command to its end. */
export const runCheetah = (...words: readonly string[]): Promise<Ended> =>
  runProgram(process.execPath, [...CHEETAH, ...words]);

/** The server as a child of the test. */
export interface Started {
  readonly child: ChildProcess;
  /** Standard output and errors so far. */
  output(): string;
  errors(): string;
  /** The address that it printed. */
  readonly address: string;
  readonly port: number;
  /** Milliseconds from its start to that line. */
  readonly milliseconds: number;
  /** Sends a signal and waits for the end; the exit code, or the name of the signal that killed it. */
  end(signal?: NodeJS.Signals): Promise<number | string>;
}

/** How a server is started otherwise. */
export interface StartOptions {
  /** A program and words in front, such as those that enter a network namespace. */
  readonly prefix?: readonly string[];
  /** What node runs; the sources unless given. */
  readonly program?: readonly string[];
}

const ADDRESS = /^Cheetah serves .* at (http:\/\/\S+?)\/?$/m;

/** Starts the server and waits for its first line; rejects with what it said when there is none. */
export async function startCheetah(words: readonly string[], options: StartOptions = {}): Promise<Started> {
  const [first = process.execPath, ...rest] = [
    ...(options.prefix ?? []),
    process.execPath,
    ...(options.program ?? CHEETAH),
    ...words,
  ];
  const begun = performance.now();
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<number | string>((resolve) =>
    child.once("close", (code, signal) => resolve(code ?? signal ?? "ended")),
  );
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await until(() => ADDRESS.test(output) || isOver(), 30_000);
  const milliseconds = performance.now() - begun;
  const address = ADDRESS.exec(output)?.[1];
  if (address === undefined) {
    child.kill("SIGKILL");
    throw new Error(`the server did not start: ${errors}${output}`);
  }
  return {
    child,
    output: () => output,
    errors: () => errors,
    address,
    port: Number(new URL(address).port || 80),
    milliseconds,
    end: (signal = "SIGTERM") => {
      if (!isOver()) child.kill(signal);
      return ended;
    },
  };
}
