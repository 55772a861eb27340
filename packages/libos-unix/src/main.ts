#!/usr/bin/env node
/** The command line: runs a WASI program on the exokernel. */
import { readFileSync } from "node:fs";
import { HELP, UsageError, readCommand, type Mount, type RunCommand } from "./host/command-line.ts";
import { hostFileType, openHostInput, openHostOutput } from "./host/standard-streams.ts";
import { openHostDirectory } from "./host/directory.ts";
import { startWasi, type StartedProgram } from "./board/run-wasi.ts";
import { ERRNO, errnoOf } from "./errno.ts";
import type { Directory } from "./filesystem/file-system.ts";
import { describeOutcome } from "./program/program-outcome.ts";
import type { ProgramLedger } from "./program/program-limits.ts";
import { printable } from "./text/printable.ts";

/** Exit codes: a mistake in the command line is 2, as everywhere; what cannot be run is 126. */
const USAGE = 2;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** 128 and the number of the signal. */
const TERMINATED = 143;

const ignore = (): void => undefined;

/**
 * Writes `text`. Who read it may be gone: it is lost then, the exit code is not.
 *
 * No stream is opened before there is something to write: that changes how the host writes to it.
 */
function put(stream: NodeJS.WriteStream, text: string): void {
  if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  stream.write(text);
}

/** Names and messages may be others': nothing in them moves the cursor. */
const say = (text: string): void => put(process.stderr, `unix: ${printable(text)}\n`);

const version = (): string =>
  (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string })
    .version;

const errnoName = (outcome: number): string =>
  Object.entries(ERRNO).find(([, number]) => number === errnoOf(outcome))?.[0] ?? "unknown error";

function openMount({ host, readOnly }: Mount): Directory {
  const opened = openHostDirectory(host, { readOnly });
  if (typeof opened === "number") throw new UsageError(`cannot mount ${host}: ${errnoName(opened)}`);
  return opened.root;
}

function readProgram(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(NOT_FOUND);
  }
}

/** What a program used, a line each. */
function statistics(ledger: ProgramLedger): string {
  const lines = Object.entries(ledger).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === "number") return [`${name}: ${Math.round(value * 1000) / 1000}`];
    return Object.entries(value).map(([inner, amount]) => `${name}.${inner}: ${amount}`);
  });
  return `${lines.join("\n")}\n`;
}

function startProgram(command: RunCommand): StartedProgram {
  const wake = (): void => started.wake();
  const { program, args, mounts, env, mode, pageBytes, frames, milliseconds } = command;
  const started: StartedProgram = startWasi(readProgram(program), {
    args: [program, ...args],
    env,
    mode,
    pageBytes,
    mounts: Object.fromEntries(mounts.map((mount) => [mount.guest, openMount(mount)])),
    stdin: openHostInput(process.stdin, hostFileType(0), wake),
    stdout: openHostOutput(1, wake),
    stderr: openHostOutput(2, wake),
    limits: definedOnly({
      frames,
      milliseconds,
      descriptors: command.descriptors,
      outputBytes: command.outputBytes,
    }),
    ...(command.tracesCalls ? { trace: (line: string) => put(process.stderr, `${line}\n`) } : {}),
  });
  return started;
}

const definedOnly = <T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

async function run(command: RunCommand): Promise<number> {
  const started = startProgram(command);
  let isTerminated = false;
  process.on("SIGINT", () => started.stop());
  process.on("SIGTERM", () => {
    isTerminated = true;
    started.stop();
  });
  const { outcome, exitCode, ledger } = await started.result;
  if (outcome.kind !== "exited") say(`${command.program}: ${describeOutcome(outcome)}`);
  if (command.showsStats) put(process.stderr, statistics(ledger));
  return isTerminated && outcome.kind === "stopped" ? TERMINATED : exitCode;
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  if (!("text" in command)) return run(command);
  put(process.stdout, command.text === "help" ? HELP : `${version()}\n`);
  return 0;
}

try {
  process.exitCode = await main();
  process.stdin.unref?.();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  if (error instanceof UsageError) say("see unix --help");
  process.exitCode = error instanceof UsageError ? USAGE : NOT_EXECUTABLE;
}
