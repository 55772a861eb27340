/** Programs that do nothing but call WASI, over and over; built here, run by everybody alike. */
import { makeModuleBuilder, type FunctionBuilder, type ModuleBuilder } from "@exolith/secure-bind";

/** A call, or a few that belong together, that a program makes in a loop. */
export type CallName = "fd_write" | "clock_time_get" | "open, stat, close";

/** All of them. */
export const CALL_NAMES: readonly CallName[] = ["fd_write", "clock_time_get", "open, stat, close"];

/** The file that is opened; it is below the first directory that the program has. */
export const CALLS_FILE = "file.txt";
/** What it writes each time, in bytes. */
export const WRITE_BYTES = 64;

const WASI = "wasi_snapshot_preview1";
const MONOTONIC = 1;
const DIRECTORY = 3;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
/** `fd_read` and `fd_filestat_get`. */
const RIGHTS = (1n << 1n) | (1n << 21n);

/** Where things are in memory. */
const AT = { result: 0, vector: 16, name: 64, stat: 128, data: 256, mark: 512, markVector: 520 } as const;

interface Imports {
  readonly write: number;
  readonly clock: number;
  readonly open: number;
  readonly stat: number;
  readonly close: number;
}

function importsOf(module: ModuleBuilder): Imports {
  const i32 = "i32";
  const add = (name: string, parameters: Parameters<ModuleBuilder["type"]>[0]): number =>
    module.importFunction(WASI, name, module.type(parameters, [i32]));
  return {
    write: add("fd_write", [i32, i32, i32, i32]),
    clock: add("clock_time_get", [i32, "i64", i32]),
    open: add("path_open", [i32, i32, i32, i32, i32, "i64", "i64", i32, i32]),
    stat: add("path_filestat_get", [i32, i32, i32, i32, i32]),
    close: add("fd_close", [i32]),
  };
}

/** Stops the program unless the call that was made last succeeded. */
const check = (body: FunctionBuilder): FunctionBuilder => body.open("if").op("unreachable").end();

function call(body: FunctionBuilder, name: CallName, { write, clock, open, stat, close }: Imports): void {
  if (name === "fd_write") {
    check(body.i32(STANDARD_OUTPUT).i32(AT.vector).i32(1).i32(AT.result).op("call", write));
  } else if (name === "clock_time_get") {
    check(body.i32(MONOTONIC).i64(0n).i32(AT.result).op("call", clock));
  } else {
    const named = (): FunctionBuilder => body.i32(DIRECTORY).i32(1).i32(AT.name).i32(CALLS_FILE.length);
    check(named().i32(0).i64(RIGHTS).i64(0n).i32(0).i32(AT.result).op("call", open));
    check(named().i32(AT.stat).op("call", stat));
    check(body.i32(AT.result).memory("i32.load").op("call", close));
  }
}

/** The little-endian bytes of 32-bit words. */
const words = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/**
 * A program that makes a call so many `times`.
 *
 * It writes one byte to standard error before the first and one behind the last, by which
 * whoever runs it can tell when it began. An error stops it.
 */
export function callsModule(name: CallName, times: number): Uint8Array<ArrayBuffer> {
  const module = makeModuleBuilder();
  const imports = importsOf(module);
  module.export("memory", "memory", module.memory({ minimum: 1 }));
  module.data(new TextEncoder().encode(CALLS_FILE), AT.name);
  module.data(words(AT.data, WRITE_BYTES), AT.vector);
  module.data(words(AT.mark, 1), AT.markVector);
  const body = module.function([]);
  const left = body.local("i32");
  const mark = (): void =>
    void check(body.i32(STANDARD_ERROR).i32(AT.markVector).i32(1).i32(AT.result).op("call", imports.write));
  mark();
  body.i32(times).set(left).open("loop");
  call(body, name, imports);
  body.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end();
  mark();
  module.export("_start", "function", body.index);
  return module.build();
}
