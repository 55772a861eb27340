/** One call that runs a WASI program: on a board of its own, or on one that is there. */
import { engineRandom } from "@exolith/hw-model/engine";
import { Collected } from "./collected.ts";
import { makeBoard, type BoardOptions, type RunningProgram, type UnixBoard } from "./unix-board.ts";
import { preopenDescriptor, streamDescriptor } from "../descriptor/descriptor.ts";
import { openBytes, openSink } from "../descriptor/pipe.ts";
import type { Stream } from "../descriptor/stream.ts";
import { DescriptorTable } from "../descriptor/table.ts";
import type { Directory } from "../filesystem/file-system.ts";
import { makeMemoryFileSystem } from "../filesystem/memory-file-system.ts";
import { writeTree, type FileTree } from "../filesystem/tree.ts";
import {
  CONTEXT_FRAMES,
  PROGRAM_FRAMES,
  checkLimits,
  type ProgramLedger,
  type ProgramLimits,
} from "../program/program-limits.ts";
import { exitCode, type ProgramOutcome } from "../program/program-outcome.ts";
import type { UnixOptions } from "../program/unix-program.ts";

/** What a program reads: bytes, text as UTF-8, or a stream. */
export type Input = string | Uint8Array | ArrayBuffer | Stream;
/** Where what a program writes goes: to a function, or to a stream. */
export type Output = ((bytes: Uint8Array) => void) | Stream;

/** How a program is run; nothing is needed. */
export interface RunOptions extends Pick<
  UnixOptions,
  "args" | "env" | "pageBytes" | "contextFrames" | "policy" | "store" | "paging" | "trace"
> {
  /** Contiguous memory, the default, or pages that come as they are touched. */
  readonly mode?: UnixOptions["mode"];
  /** Directories by the names that the program knows them by: opened ones, or trees of files for ones in memory. */
  readonly mounts?: Readonly<Record<string, Directory | FileTree>>;
  /** Nothing to read unless given. */
  readonly stdin?: Input;
  /** Collected unless given. */
  readonly stdout?: Output;
  readonly stderr?: Output;
  /** What is collected is limited to 64 MiB unless `outputBytes` says otherwise. */
  readonly limits?: ProgramLimits;
  /** Stops the program when it is aborted. */
  readonly signal?: AbortSignal;
  /** A board to run it on, which stays; one of its own unless given. */
  readonly board?: UnixBoard;
}

/** What came of a program. */
export interface RunResult {
  readonly outcome: ProgramOutcome;
  /** As a shell would see it. */
  readonly exitCode: number;
  /** What it wrote, as far as it was collected. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly ledger: ProgramLedger;
}

/** A program that was started. */
export interface StartedProgram extends RunningProgram {
  /** Resolves when it is over. */
  readonly result: Promise<RunResult>;
}

/** Bytes that are collected at most when there is no limit of output. */
const COLLECTED_BYTES = 64 << 20;

const encoder = new TextEncoder();

const STREAM_CALLS = ["read", "write", "readable", "writable", "close"] as const;

/** Whether a value has what streams have. */
const isStream = (value: unknown): value is Stream =>
  typeof value === "object" &&
  value !== null &&
  STREAM_CALLS.every((name) => typeof (value as Stream)[name] === "function");

function inputStream(input: Input | undefined): Stream {
  if (input === undefined) return openBytes(new Uint8Array(0));
  if (typeof input === "string") return openBytes(encoder.encode(input));
  if (input instanceof Uint8Array) return openBytes(Uint8Array.from(input));
  if (input instanceof ArrayBuffer) return openBytes(new Uint8Array(input.slice(0)));
  if (isStream(input)) return input;
  throw new TypeError("stdin is neither text, nor bytes, nor a stream of this library");
}

function outputStream(name: "stdout" | "stderr", output: Output): Stream {
  if (typeof output === "function") return openSink(output);
  if (isStream(output)) return output;
  throw new TypeError(`${name} is neither a function nor a stream of this library`);
}

const NANOSECONDS = 1_000_000n;

/** A directory in memory with these files. Throws an `Error` for what makes no tree. */
export function directoryOf(files: FileTree): Directory {
  const { root } = makeMemoryFileSystem({ now: () => BigInt(Date.now()) * NANOSECONDS });
  const refused = writeTree(root, files);
  if (refused < 0) throw new Error(`not a tree of files: errno ${-refused}`);
  return root;
}

const isDirectoryNode = (mount: Directory | FileTree): mount is Directory =>
  typeof (mount as Directory).lookup === "function";

function openDescriptors(options: RunOptions, streams: readonly Stream[]): DescriptorTable {
  const table = new DescriptorTable(options.limits?.descriptors);
  const opened = streams.map((stream) => streamDescriptor(stream));
  for (const [name, mount] of Object.entries(options.mounts ?? {}))
    opened.push(preopenDescriptor(isDirectoryNode(mount) ? mount : directoryOf(mount), name));
  for (const descriptor of opened)
    if (table.open(descriptor) < 0) throw new RangeError("more is open than the limit of descriptors allows");
  return table;
}

/** Closes streams of a program that was not started; one that throws keeps no other open. */
function closeStreams(streams: readonly (Input | Output | undefined)[]): void {
  for (const stream of new Set(streams))
    try {
      if (isStream(stream)) stream.close();
    } catch {
      // Why the program was not started matters more.
    }
}

const fillRandom = (into: Uint8Array): void => engineRandom.fill(into, 0, into.length);

/** A board for one program with these limits. */
const boardFor = (options: RunOptions): BoardOptions => ({
  frames: (options.limits?.frames ?? PROGRAM_FRAMES) + CONTEXT_FRAMES,
  spaces: options.mode === "paged" ? 1 : 0,
});

/** What is collected is bounded, whoever forgot to. */
function limitsFor({ limits, stdout, stderr }: RunOptions): ProgramLimits {
  const isCollected = stdout === undefined || stderr === undefined;
  const outputBytes = limits?.outputBytes ?? (isCollected ? COLLECTED_BYTES : undefined);
  return checkLimits({ ...limits, ...(outputBytes === undefined ? {} : { outputBytes }) });
}

/** Starts it; a board of its own is switched off when that cannot be. */
function startOn(
  board: UnixBoard,
  module: Uint8Array | ArrayBuffer,
  descriptors: DescriptorTable,
  options: RunOptions,
): RunningProgram {
  const mode = options.mode ?? "segment";
  try {
    return board.start({ ...options, mode, module, descriptors, random: fillRandom });
  } catch (error) {
    if (options.board === undefined) void board.close();
    throw error;
  }
}

/** Starts it, or closes the streams that it was given; `output` and `errors` take what is to be collected. */
function begin(
  module: Uint8Array | ArrayBuffer,
  options: RunOptions,
  output: Collected,
  errors: Collected,
): { readonly board: UnixBoard; readonly running: RunningProgram } {
  const { stdin, stdout, stderr } = options;
  try {
    const checked = { ...options, limits: limitsFor(options) };
    const streams = [
      inputStream(stdin),
      outputStream("stdout", stdout === undefined ? output.add : stdout),
      outputStream("stderr", stderr === undefined ? errors.add : stderr),
    ];
    const descriptors = openDescriptors(checked, streams);
    const board = options.board ?? makeBoard(boardFor(checked));
    return { board, running: startOn(board, module, descriptors, checked) };
  } catch (error) {
    closeStreams([stdin, stdout, stderr]);
    throw error;
  }
}

/**
 * Starts a WASI program; `runWasi` says with what. Its board ends with it unless it was given.
 *
 * Throws a `RangeError` or a `TypeError` that names what was given wrong, and an `Error` when there
 * is no room for it; the streams that it was given are closed then.
 */
export function startWasi(module: Uint8Array | ArrayBuffer, options: RunOptions = {}): StartedProgram {
  const output = new Collected();
  const errors = new Collected();
  const { board, running } = begin(module, options, output, errors);
  const stop = (): void => running.stop();
  if (options.signal?.aborted === true) stop();
  options.signal?.addEventListener("abort", stop);
  const finish = async (): Promise<RunResult> => {
    const outcome = await running.ended.finally(async () => {
      options.signal?.removeEventListener("abort", stop);
      if (options.board === undefined) await board.close();
    });
    const ledger = running.ledger();
    return { outcome, exitCode: exitCode(outcome), stdout: output.bytes(), stderr: errors.bytes(), ledger };
  };
  return Object.freeze({ ...running, result: finish() });
}

/**
 * Runs a WASI program to its end.
 *
 * It sees its arguments, its environment, its streams and the directories that are
 * mounted, and nothing else; it uses no more than its limits allow.
 */
export const runWasi = async (
  module: Uint8Array | ArrayBuffer,
  options: RunOptions = {},
): Promise<RunResult> => startWasi(module, options).result;
