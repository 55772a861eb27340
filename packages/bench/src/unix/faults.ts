/** What a page costs that is touched for the first time: a fault, a frame of zeros, a translation. */
import { makeModuleBuilder } from "@exolith/secure-bind";
import { startWasi, type UnixBoard } from "@exolith/libos-unix/board";
import type { Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";
import { optionsOf, processorSince } from "./on-board.ts";
import { MODES, Site, finish, rewritten, type Mode } from "./rewritten.ts";
import { figureOf, sampled, type Measured } from "./rounds.ts";
import { processorTime } from "./runner.ts";

/** Pages of one size, faulted in by somebody. */
export interface FaultRow {
  readonly what: string;
  /** Nanoseconds for one page. */
  readonly nanoseconds: Figure;
}

const WASI = "wasi_snapshot_preview1";
const STANDARD_ERROR = 2;
const WASM_PAGE = 65_536;
/** Bytes that are touched, behind the first page. */
const TOUCHED_BYTES = 16_777_216;
const AT = { vector: 0, mark: 16, result: 32 } as const;

/**
 * A program that writes one byte to each page, and then once more.
 *
 * It writes a byte to standard error before, between and behind, as `_start`; `touch` does it once, silently.
 */
export function touchingModule(pageBytes: number): Uint8Array<ArrayBuffer> {
  const module = makeModuleBuilder();
  const i32 = "i32";
  const write = module.importFunction(WASI, "fd_write", module.type([i32, i32, i32, i32], [i32]));
  module.export("memory", "memory", module.memory({ minimum: 1 + TOUCHED_BYTES / WASM_PAGE }));
  module.data(new Uint8Array(Uint32Array.from([AT.mark, 1]).buffer), AT.vector);
  const touch = module.function([]);
  const at = touch.local(i32);
  touch.i32(WASM_PAGE).set(at).open("loop");
  touch.get(at).i32(1).memory("i32.store8");
  touch.get(at).i32(pageBytes).op("i32.add").tee(at);
  touch
    .i32(WASM_PAGE + TOUCHED_BYTES)
    .op("i32.lt_u")
    .op("br_if", 0)
    .end();
  const start = module.function([]);
  const mark = (): void =>
    void start.i32(STANDARD_ERROR).i32(AT.vector).i32(1).i32(AT.result).op("call", write).op("drop");
  mark();
  start.op("call", touch.index);
  mark();
  start.op("call", touch.index);
  mark();
  module.export("touch", "function", touch.index);
  module.export("_start", "function", start.index);
  return module.build();
}

const pagesOf = (pageBytes: number): number => TOUCHED_BYTES / pageBytes;

/** Through the kernel and the pager of the libOS. */
function boardSubject(board: UnixBoard, mode: Mode): Measured {
  const pageBytes = 2 ** mode.pageBits;
  const module = touchingModule(pageBytes);
  const round = async (): Promise<number> => {
    const begun = process.cpuUsage();
    const marks: number[] = [];
    const stderr = (): void => void marks.push(processorSince(begun));
    const { exitCode, outcome } = await startWasi(module, { ...optionsOf(mode), board, stderr }).result;
    if (exitCode !== 0) throw new Error(`faults: ${JSON.stringify(outcome)}`);
    const [first = 0, second = 0, third = 0] = marks;
    return (second - first - (third - second)) / pagesOf(pageBytes);
  };
  return { name: `${mode.name}: kernel and pager`, round };
}

/** What is left when somebody just writes the entries: nothing is filled with zeros. */
function aloneSubject(mode: Mode): Measured {
  const site = new Site(mode);
  const pageBytes = 2 ** mode.pageBits;
  const write = {
    module: WASI,
    name: "fd_write",
    parameters: ["i32", "i32", "i32", "i32"],
    results: ["i32"],
  } as const;
  const program = rewritten(touchingModule(pageBytes), mode, [write]);
  const round = (): number => {
    const placed = site.place(program, { [WASI]: { fd_write: () => 0 } });
    finish(placed, placed.initialise());
    const touch = (): number => processorTime(() => finish(placed, placed.enter("touch")));
    const cold = touch();
    return (cold - touch()) / pagesOf(pageBytes);
  };
  return { name: `${mode.name}: two entries written, code alone`, round };
}

/** Measures both sizes of pages. */
export async function measureFaults(
  board: UnixBoard,
  rounds: Rounds,
  say: (line: string) => void,
): Promise<readonly FaultRow[]> {
  const subjects = MODES.filter(({ mode }) => mode === "paged").flatMap((mode) => [
    boardSubject(board, mode),
    aloneSubject(mode),
  ]);
  const samples = await sampled(subjects, rounds, (line) => say(`faults: ${line}`));
  return subjects.map(({ name }) => ({ what: name, nanoseconds: figureOf(samples, name) }));
}
