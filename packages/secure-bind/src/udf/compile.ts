/** Compiles a program to WebAssembly: one function over somebody's memory. */
import { type CodeMemory, isSharedMemory } from "../code-memory.ts";
import type { Verified } from "../verified.ts";
import { ModuleBuilder } from "../wasm/module-builder.ts";
import { emitProgram } from "./emit.ts";
import { type ExtentList, pushExtent, wipeExtents } from "./extents.ts";
import {
  UDF_FAULTS,
  type UdfFault,
  type UdfOutcome,
  type UdfProgram,
  type UdfRun,
  checkRun,
  udfFault,
  udfProgram,
} from "./run.ts";
import type { Udf, UdfKind } from "./term.ts";

/** A compiled program; one may be put over many memories. */
export interface CompiledUdf<K extends UdfKind = UdfKind> {
  readonly kind: K;
  /**
   * The program over the bytes of `memory`, which may grow and may be a shared one.
   *
   * Whoever has a `Uint8Array` only makes a `WebAssembly.Memory` of enough pages
   * and copies the block into it: `new Uint8Array(memory.buffer).set(block)`.
   * **Needs** of a shared one that nobody writes the block during a run: else two
   * loads of one byte may differ, as they may between runs.
   * **Cost** an instance; for the first shared memory the engine's compiler once more.
   */
  over(memory: CodeMemory): UdfProgram<K>;
}

/** The faults by the numbers that generated code knows them by: 0 is none. */
const FAULTS: readonly (UdfFault | undefined)[] = [undefined, ...UDF_FAULTS.map(udfFault)];
const BAD_EXTENT: number = 1 + UDF_FAULTS.indexOf("BadExtent");
const TOO_MANY_EXTENTS: number = 1 + UDF_FAULTS.indexOf("TooManyExtents");

/** The generated function: where the ranges are, the limit of steps, the arguments; how many steps it took. */
type Generated = (...words: readonly number[]) => number;

/** What the generated function calls, and what it said last. */
class Delivery {
  #extents: ExtentList | undefined;
  #fault = 0;
  #answer = 0;

  /** The functions that the generated one imports. */
  readonly imports: {
    readonly emit: (...words: number[]) => number;
    readonly end: (...words: number[]) => void;
  } = {
    emit: (start = 0, count = 0, type = 0) => this.#emit(start >>> 0, count >>> 0, type >>> 0),
    end: (fault = 0, answer = 0) => {
      this.#fault = fault;
      this.#answer = answer >>> 0;
    },
  };

  #emit(start: number, count: number, type: number): number {
    if (this.#extents === undefined) return TOO_MANY_EXTENTS;
    const refused = pushExtent(this.#extents, start, count, type);
    if (refused === undefined) return 0;
    return refused === "BadExtent" ? BAD_EXTENT : TOO_MANY_EXTENTS;
  }

  /** Before a run. */
  begin(extents: ExtentList): void {
    extents.count = 0;
    this.#extents = extents;
  }

  /** After it. */
  outcome(kind: UdfKind, extents: ExtentList): UdfOutcome {
    const fault = FAULTS[this.#fault];
    if (fault !== undefined) {
      wipeExtents(extents);
      return fault;
    }
    return kind === "owns" ? extents.count : this.#answer;
  }
}

function instantiate<K extends UdfKind>(
  kind: K,
  module: WebAssembly.Module,
  memory: CodeMemory,
): UdfProgram<K> {
  const delivery = new Delivery();
  const { exports } = new WebAssembly.Instance(module, { udf: { memory, ...delivery.imports } });
  const call = exports["run"] as Generated;
  return udfProgram(kind, (run: UdfRun): UdfOutcome => {
    checkRun(run, memory.buffer.byteLength);
    const { at, length, proposedAt, proposedLength, stepLimit, arguments: a, extents } = run;
    delivery.begin(extents);
    // One by one: spreading a typed array would allocate.
    run.steps = call(
      at,
      length,
      proposedAt,
      proposedLength,
      stepLimit,
      a[0] ?? 0,
      a[1] ?? 0,
      a[2] ?? 0,
      a[3] ?? 0,
      a[4] ?? 0,
      a[5] ?? 0,
      a[6] ?? 0,
      a[7] ?? 0,
    );
    return delivery.outcome(kind, extents);
  });
}

function compileOver(program: Udf, shared: boolean): WebAssembly.Module {
  const builder = new ModuleBuilder();
  emitProgram(program, builder, shared);
  return new WebAssembly.Module(builder.build());
}

/**
 * A function that does as `interpretUdf` does, and quickly.
 *
 * It answers alike, faults alike and takes as many steps. It reads the two
 * ranges that a run names, and nothing else of the memory; it writes nothing there.
 * **Cost** linear in terms, and the engine's compiler; no allocation in a run.
 */
export function compileUdf<K extends UdfKind>(program: Verified<Udf<K>>): CompiledUdf<K> {
  const { kind } = program;
  const own = compileOver(program, false);
  let shared: WebAssembly.Module | undefined;
  const moduleFor = (memory: CodeMemory): WebAssembly.Module =>
    isSharedMemory(memory) ? (shared ??= compileOver(program, true)) : own;
  return Object.freeze({
    kind,
    over: (memory: CodeMemory) => instantiate(kind, moduleFor(memory), memory),
  });
}
