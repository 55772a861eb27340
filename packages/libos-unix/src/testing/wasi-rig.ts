/** A program without code: its memory, its descriptors, and its calls made by a test. */
import { type ArrayMemory, makeArrayMemory } from "./array-memory.ts";
import { type Descriptor, preopenDescriptor, streamDescriptor } from "../descriptor/descriptor.ts";
import { type Pipe, makePipe } from "../descriptor/pipe.ts";
import { DescriptorTable } from "../descriptor/table.ts";
import { ERRNO, type ErrnoName } from "../errno.ts";
import { type MemoryFileSystem, makeMemoryFileSystem } from "../filesystem/memory-file-system.ts";
import { type FileTree, writeTree } from "../filesystem/tree.ts";
import { CALLS } from "../wasi/calls.ts";
import type { Clock } from "../wasi/clock.ts";
import { IOVEC_BYTES, type RightName, rights } from "../wasi/layout.ts";
import { WAIT } from "../wasi/waiting.ts";
import { type Wasi, makeWasi } from "../wasi/wasi.ts";

/** Bytes of the program's memory. */
export const RIG_BYTES = 1_048_576;
/** An address outside it. */
export const OUTSIDE: number = RIG_BYTES + 8;
/** The descriptor of the directory that the program has from the start. */
export const ROOT = 3;
/** A time of the realtime clock that needs 61 bits, nanoseconds. */
export const REALTIME = 1_700_000_000_123_456_789n;

/** How a rig is made. */
export interface WasiRigOptions {
  readonly files?: FileTree;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly descriptors?: number;
  readonly outputBytes?: number;
  /** Bytes that the three streams hold. */
  readonly pipeBytes?: number;
  readonly module?: string;
}

/** An argument of a call: numbers of 64 bits may be given as either. */
export type RigArgument = number | bigint;

/** A program's side of its calls, and what is behind them. */
export interface WasiRig {
  readonly memory: ArrayMemory;
  readonly table: DescriptorTable;
  readonly system: MemoryFileSystem;
  readonly wasi: Wasi;
  readonly streams: readonly [Pipe, Pipe, Pipe];
  /** Nanoseconds of the clocks; settable. */
  readonly time: { monotonic: number; realtime: bigint; processor: number };
  /** Makes a call as WebAssembly would; the name of its error number. */
  call(name: string, ...given: readonly RigArgument[]): ErrnoName | "wait";
  /** A place of `bytes` that nothing else uses, filled with 0xaa. */
  room(bytes: number): number;
  /** A place with `content`, and its length: two arguments. */
  put(content: string | Uint8Array): [number, number];
  /** A list of pieces at new places, with `contents`, and their number: two arguments. */
  pieces(...contents: readonly (string | Uint8Array)[]): [number, number];
  u32(at: number): number;
  u64(at: number): bigint;
  text(at: number, length: number): string;
  /** Opens `path` in the root with these rights; its descriptor. Throws when that fails. */
  open(path: string, names: readonly RightName[], how?: { flags?: number; fdflags?: number }): number;
  descriptor(fd: number): Descriptor;
}

const NAMES = Object.keys(ERRNO) as ErrnoName[];

function makeClock(nanoseconds: () => bigint): Clock {
  return {
    resolution: 1000,
    read: (into) => {
      into.seconds = Number(nanoseconds() / 1_000_000_000n);
      into.nanoseconds = Number(nanoseconds() % 1_000_000_000n);
    },
  };
}

/** A value as WebAssembly hands it to an import of this type. */
const crossing = (value: RigArgument, letter: string | undefined): RigArgument =>
  letter === "l" ? BigInt.asIntN(64, BigInt(value)) : Number(value) | 0;

type Places = Pick<WasiRig, "room" | "put" | "pieces">;

/** The places of a memory, handed out one behind the other. */
function makeRoom(memory: ArrayMemory): Places {
  let next = 1024;
  const room = (bytes: number): number => {
    const at = next;
    next += (bytes + 15) & ~7;
    if (next > RIG_BYTES) throw new RangeError("the rig's memory is full");
    memory.bytes.fill(0xaa, at, at + bytes);
    return at;
  };
  const put = (content: string | Uint8Array): [number, number] => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const at = room(bytes.length);
    memory.bytes.set(bytes, at);
    return [at, bytes.length];
  };
  const pieces = (...contents: readonly (string | Uint8Array)[]): [number, number] => {
    const list = room(contents.length * IOVEC_BYTES);
    for (const [index, content] of contents.entries()) {
      const [at, length] = put(content);
      memory.setU32LE(list + index * IOVEC_BYTES, at);
      memory.setU32LE(list + index * IOVEC_BYTES + 4, length);
    }
    return [list, contents.length];
  };
  return { room, put, pieces };
}

const makeStreams = (bytes: number | undefined): [Pipe, Pipe, Pipe] => [
  makePipe(bytes),
  makePipe(bytes),
  makePipe(bytes),
];

function makeTable(size: number | undefined, streams: readonly Pipe[], system: MemoryFileSystem) {
  const table = new DescriptorTable(size);
  const ends = streams.map(({ reader, writer }, index) => (index === 0 ? reader : writer));
  for (const end of ends) table.open(streamDescriptor(end));
  table.open(preopenDescriptor(system.root, "/"));
  return table;
}

/** What makes a call as WebAssembly would. */
function makeCaller(wasi: Wasi, module: string): WasiRig["call"] {
  const functions = wasi.functions[module] ?? {};
  return (name, ...given) => {
    const letters = CALLS.find((row) => row.name === name)?.parameters ?? "";
    if (letters.length !== given.length) throw new RangeError(`${name} takes ${letters.length} arguments`);
    const answer = functions[name]?.(...(given.map((each, at) => crossing(each, letters[at])) as never[]));
    if (answer === WAIT) return "wait";
    const said = NAMES[answer ?? -1];
    if (said === undefined) throw new RangeError(`${name} answered ${answer}`);
    return said;
  };
}

/** Opens in the root as a test does that is about something else. */
const makeOpener =
  (call: WasiRig["call"], places: Places, memory: ArrayMemory): WasiRig["open"] =>
  (path, names, { flags = 0, fdflags = 0 } = {}) => {
    const result = places.room(4);
    const wanted = BigInt(rights(...names));
    const [at, length] = places.put(path);
    const answer = call("path_open", ROOT, 0, at, length, flags, wanted, wanted, fdflags, result);
    if (answer !== "success") throw new Error(`opening ${path}: ${answer}`);
    return memory.getU32LE(result);
  };

/** A program with a memory file system as its directory 3 and pipes as its streams. */
export function makeWasiRig(options: WasiRigOptions = {}): WasiRig {
  const memory = makeArrayMemory(RIG_BYTES);
  const time = { monotonic: 5_000_000_000, realtime: REALTIME, processor: 7_000 };
  const system = makeMemoryFileSystem({ now: () => time.realtime });
  if (writeTree(system.root, options.files ?? {}) < 0) throw new Error("the rig's files cannot be");
  const streams = makeStreams(options.pipeBytes);
  const table = makeTable(options.descriptors, streams, system);
  const wasi = makeWasi({
    memory: () => memory,
    args: options.args ?? [],
    env: options.env ?? {},
    clocks: {
      realtime: makeClock(() => time.realtime),
      monotonic: makeClock(() => BigInt(time.monotonic)),
      processor: makeClock(() => BigInt(time.processor)),
    },
    random: (into) => void into.fill(0x5a),
    descriptors: table,
    limits: options.outputBytes === undefined ? {} : { outputBytes: options.outputBytes },
  });
  const call = makeCaller(wasi, options.module ?? "wasi_snapshot_preview1");
  const places = makeRoom(memory);
  const u32 = (at: number): number => memory.getU32LE(at);
  const descriptor = (fd: number): Descriptor => {
    const found = table.get(fd);
    if (found === undefined) throw new RangeError(`descriptor ${fd} is not open`);
    return found;
  };
  const read = {
    u32,
    u64: (at: number): bigint => (BigInt(u32(at + 4)) << 32n) | BigInt(u32(at)),
    text: (at: number, length: number): string =>
      new TextDecoder().decode(memory.bytes.subarray(at, at + length)),
  };
  const open = makeOpener(call, places, memory);
  return { ...places, ...read, memory, table, system, wasi, streams, time, call, open, descriptor };
}
