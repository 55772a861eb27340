/** One line a call: what a program asked its libOS, and what came of it. */
import type { WasiCall } from "./calls.ts";
import {
  ADVICE,
  CLOCK,
  DESCRIPTOR_FLAGS,
  IOVEC,
  IOVEC_BYTES,
  LOOKUP_FLAGS,
  OPEN_FLAGS,
  RIGHT_BITS,
  SIGNALS,
  TIME_FLAGS,
  UNSTABLE,
} from "./layout.ts";
import { WAIT } from "./waiting.ts";
import type { WasiFunctions } from "./wasi.ts";
import { ERRNO } from "../errno.ts";
import { MemoryFault, type ProgramMemory } from "../memory/program-memory.ts";
import { printable } from "../text/printable.ts";

/** Bytes of a string that are shown; three dots stand for the rest. */
const SHOWN_BYTES = 256;
/** Bytes of a piece that is written, and pieces, that are shown. */
const SHOWN_PIECE_BYTES = 32;
const SHOWN_PIECES = 4;

/** Rights that are shown by name. */
const SHOWN_RIGHTS = 4;

/**
 * What the parameters of each call are, in order.
 *
 * `text` and the lists take two of them, address and number; what begins with `>`
 * is where a result goes, shown behind the `=`.
 */
const FORMATS: Readonly<Record<string, string>> = {
  args_get: "address address",
  args_sizes_get: ">u32 >u32",
  environ_get: "address address",
  environ_sizes_get: ">u32 >u32",
  clock_res_get: "clock >u64",
  clock_time_get: "clock number >u64",
  fd_advise: "fd number number advice",
  fd_allocate: "fd number number",
  fd_close: "fd",
  fd_datasync: "fd",
  fd_fdstat_get: "fd address",
  fd_fdstat_set_flags: "fd fdflags",
  fd_fdstat_set_rights: "fd rights rights",
  fd_filestat_get: "fd address",
  fd_filestat_set_size: "fd number",
  fd_filestat_set_times: "fd number number times",
  fd_pread: "fd lengths number >u32",
  fd_prestat_get: "fd address",
  fd_prestat_dir_name: "fd >text",
  fd_pwrite: "fd pieces number >u32",
  fd_read: "fd lengths >u32",
  fd_readdir: "fd address unsigned number >u32",
  fd_renumber: "fd fd",
  fd_seek: "fd signed whence >u64",
  fd_sync: "fd",
  fd_tell: "fd >u64",
  fd_write: "fd pieces >u32",
  path_create_directory: "fd text",
  path_filestat_get: "fd lookup text address",
  path_filestat_set_times: "fd lookup text number number times",
  path_link: "fd lookup text fd text",
  path_open: "fd lookup text oflags rights rights fdflags >u32",
  path_readlink: "fd text address unsigned >u32",
  path_remove_directory: "fd text",
  path_rename: "fd text fd text",
  path_symlink: "text fd text",
  path_unlink_file: "fd text",
  poll_oneoff: "address address unsigned >u32",
  proc_exit: "unsigned",
  proc_raise: "signal",
  random_get: "address unsigned",
  sched_yield: "",
  sock_accept: "fd fdflags >u32",
  sock_recv: "fd lengths unsigned >u32 address",
  sock_send: "fd pieces unsigned >u32",
  sock_shutdown: "fd unsigned",
};

type Value = number | bigint;

/** The names of the bits that are set, joined; what has no name as a number. */
function flagNames(flags: Value, names: Readonly<Record<string, number>>): string {
  let left = BigInt.asUintN(64, BigInt(flags));
  const found: string[] = [];
  for (const [name, bit] of Object.entries(names)) {
    if ((left & BigInt(bit)) === 0n) continue;
    found.push(name);
    left &= ~BigInt(bit);
  }
  if (left !== 0n) found.push(`0x${left.toString(16)}`);
  return found.length === 0 ? "0" : found.join("|");
}

const RIGHTS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(RIGHT_BITS).map(([name, bit]) => [name, 2 ** bit]),
);

/** A set of a few rights by name, a larger one as the number that it is. */
function rightNames(value: Value): string {
  const names = flagNames(value, RIGHTS);
  return names.split("|").length <= SHOWN_RIGHTS
    ? names
    : `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}

const CLOCKS = Object.keys(CLOCK);
const WHENCE: Readonly<Record<string, readonly string[]>> = {
  [UNSTABLE.module]: ["current", "end", "set"],
  preview1: ["set", "current", "end"],
};

const unsigned = (value: Value): string =>
  typeof value === "bigint" ? BigInt.asUintN(64, value).toString() : String(value >>> 0);

/** Text as it is quoted: of at most `limit` bytes, on one line, and nothing that a terminal obeys. */
function quote(memory: ProgramMemory, at: number, length: number, limit: number): string {
  const bytes = new Uint8Array(Math.min(length, limit));
  if (bytes.length > 0) memory.read(at, bytes, 0, bytes.length);
  return printable(JSON.stringify(new TextDecoder().decode(bytes))) + (length > limit ? "..." : "");
}

/** A list of pieces: what they say or, of those to be filled, how long they are. */
function pieces(memory: ProgramMemory, at: number, count: number, says: boolean): string {
  const shown: string[] = [];
  for (let index = 0; index < Math.min(count, SHOWN_PIECES); index++) {
    const piece = at + index * IOVEC_BYTES;
    const length = memory.getU32LE(piece + IOVEC.length);
    const address = memory.getU32LE(piece + IOVEC.address);
    shown.push(says ? quote(memory, address, length, SHOWN_PIECE_BYTES) : `{${length}}`);
  }
  if (count > SHOWN_PIECES) shown.push("...");
  return `[${shown.join(", ")}]`;
}

/** How the parameters of a call are shown that take one place each. */
function single(kind: string, value: Value, module: string): string {
  const number = Number(value) >>> 0;
  const named = (names: readonly string[] | undefined): string => names?.[number] ?? unsigned(value);
  switch (kind) {
    case "fd":
    case "signed":
      return value.toString();
    case "address":
      return `0x${number.toString(16)}`;
    case "lookup":
      return flagNames(number, LOOKUP_FLAGS);
    case "oflags":
      return flagNames(number, OPEN_FLAGS);
    case "fdflags":
      return flagNames(number, DESCRIPTOR_FLAGS);
    case "times":
      return flagNames(number, TIME_FLAGS);
    case "rights":
      return rightNames(value);
    case "clock":
      return named(CLOCKS);
    case "advice":
      return named(ADVICE);
    case "signal":
      return named(SIGNALS);
    case "whence":
      return named(WHENCE[module] ?? WHENCE["preview1"]);
    default:
      return unsigned(value);
  }
}

/** What `show` says, or a question mark where the program's memory has nothing to show. */
function attempt(show: () => string): string {
  try {
    return show();
  } catch (error) {
    if (error instanceof MemoryFault) return "?";
    throw error;
  }
}

/** One parameter as it is shown before the call or, with `>`, after it. */
interface Shown {
  readonly kind: string;
  readonly first: number;
  readonly second: number;
  readonly value: Value;
}

const PAIRS: readonly string[] = ["text", ">text", "pieces", "lengths"];

/** The parameters of a call, with those together that belong together. */
function parametersOf(format: string, values: readonly Value[]): readonly Shown[] {
  let next = 0;
  return format.split(" ").flatMap((kind) => {
    if (kind === "") return [];
    const value = values[next] ?? 0;
    const second = Number(values[next + 1] ?? 0) >>> 0;
    next += PAIRS.includes(kind) ? 2 : 1;
    return [{ kind, first: Number(value) >>> 0, second, value }];
  });
}

function showArgument(memory: ProgramMemory, module: string, shown: Shown): string {
  const { kind, first, second, value } = shown;
  if (kind === "text") return attempt(() => quote(memory, first, second, SHOWN_BYTES));
  if (kind === "pieces" || kind === "lengths")
    return attempt(() => pieces(memory, first, second, kind === "pieces"));
  return single(kind, value, module);
}

function showResult(memory: ProgramMemory, { kind, first, second }: Shown): string {
  if (kind === ">text") return attempt(() => quote(memory, first, second, SHOWN_BYTES));
  if (kind === ">u32") return attempt(() => String(memory.getU32LE(first)));
  const low = (): bigint => BigInt(memory.getU32LE(first));
  return attempt(() => ((BigInt(memory.getU32LE(first + 4)) << 32n) | low()).toString());
}

const NAMES = Object.keys(ERRNO);

/** What came of a call: its number and name, and when it succeeded its results. */
function outcome(memory: ProgramMemory, answer: number, results: readonly Shown[]): string {
  if (answer === WAIT) return "wait";
  if (answer !== ERRNO.success) return `${answer} ${NAMES[answer] ?? "unknown"}`;
  return ["0", ...results.map((each) => showResult(memory, each))].join(" ");
}

/** A traced call. */
interface Traced {
  readonly module: string;
  readonly name: string;
  readonly call: WasiCall;
}

function traced(each: Traced, memory: () => ProgramMemory, line: (text: string) => void): WasiCall {
  const format = FORMATS[each.name] ?? "";
  return (...values: never[]) => {
    const shown = parametersOf(format, values);
    const given = shown.filter(({ kind }) => !kind.startsWith(">"));
    const begun = `${each.name}(${given.map((one) => showArgument(memory(), each.module, one)).join(", ")})`;
    try {
      const answer = each.call(...values);
      const results = shown.filter(({ kind }) => kind.startsWith(">"));
      line(`${begun} = ${outcome(memory(), answer, results)}`);
      return answer;
    } catch (error) {
      line(`${begun} = ?`);
      throw error;
    }
  };
}

/**
 * The same functions, each of which gives `line` one line when it comes back.
 *
 * Arguments are shown with strings quoted and flags by name, then the error number
 * with its name, or 0 and the results; `wait` for a call that will be made again,
 * and `?` for one that does not come back. What is shown is read from the program's
 * memory, which may bring pages in.
 */
export function traceCalls(
  functions: WasiFunctions,
  memory: () => ProgramMemory,
  line: (text: string) => void,
): WasiFunctions {
  const modules = Object.entries(functions).map(([module, calls]) => [
    module,
    Object.fromEntries(
      Object.entries(calls).map(([name, call]) => [name, traced({ module, name, call }, memory, line)]),
    ),
  ]);
  return Object.fromEntries(modules) as WasiFunctions;
}
