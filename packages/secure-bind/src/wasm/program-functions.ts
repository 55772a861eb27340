/** Functions that the rewriter adds to a program: what asks for fuel, grows its memory, and moves data there. */
import type { FunctionBuilder } from "./function-builder.ts";
import type { AddedTypes } from "./added-types.ts";
import type { BulkFunctions } from "./memory-model.ts";
import { CALLS, GLOBALS, PROGRAM_GLOBALS, STOP_CAUSE } from "./runtime.ts";
import { COUNT, FROM, RANGE, RuntimeFunctions, type RuntimeLayout } from "./runtime-functions.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** What these functions have to know of a program besides. */
export interface ProgramLayout extends RuntimeLayout {
  /** The number of the table through which it calls whoever runs it: behind its own. */
  readonly callsTable: number;
  /** Pages that its memory may have at most; fewer than 65,536 in a segment, so that its bytes are a number of 32 bits. */
  readonly maximumPages: number;
  /** Whether its memory can become larger. */
  readonly isGrowable: boolean;
}

/** Pages of a memory as large as addresses of 32 bits go. */
export const PAGES_MAX = 65_536;
/** Bytes of a page, as a power of two. */
const PAGE_SHIFT = 16;
/** What a program may owe: far more than its largest operation costs, far from where numbers wrap. */
const DEBT_MAX = 2 ** 30;

const { i32 } = VALUE_TYPES;

/** Functions of a program in a segment. */
export class ProgramFunctions extends RuntimeFunctions implements BulkFunctions {
  protected readonly program: ProgramLayout;

  constructor(program: ProgramLayout, types: AddedTypes) {
    super(program, types);
    this.program = program;
  }

  /** Calls one of `CALLS` with what is on the stack. */
  protected callOut(
    f: FunctionBuilder,
    call: keyof typeof CALLS,
    parameters: readonly number[],
    results: readonly number[],
  ): void {
    f.i32(CALLS[call]).op("call_indirect", this.types.number(parameters, results), this.program.callsTable);
  }

  /** What is charged here may be owed for a while: the next check of fuel in the program's own code suspends it. */
  protected override charge(f: FunctionBuilder): void {
    f.op("global.get", GLOBALS.fuel).get(0).op("i32.sub").tee(0);
    f.op("global.set", GLOBALS.fuel).get(0).i32(-DEBT_MAX).op("i32.lt_s").open("if");
    f.i32(STOP_CAUSE.fuel).op("global.set", GLOBALS.cause).op("unreachable").end();
  }

  /** Stops because its calls are too deep; the count does not stay negative, so that it never wraps. */
  tooDeep(): number {
    return this.define("too deep", [], [], (f) => {
      f.i32(0).op("global.set", GLOBALS.stack).i32(STOP_CAUSE.stack).op("global.set", GLOBALS.cause);
      f.op("unreachable");
    });
  }

  protected override memoryBytes(f: FunctionBuilder): void {
    if (this.program.isGrowable) f.op("global.get", PROGRAM_GLOBALS.limit).op("i64.extend_i32_u");
    else super.memoryBytes(f);
  }

  /** Sets what else says how large the memory is, after its pages. */
  protected setLimit(f: FunctionBuilder): void {
    f.op("global.get", PROGRAM_GLOBALS.pages)
      .i32(PAGE_SHIFT)
      .op("i32.shl")
      .op("global.set", PROGRAM_GLOBALS.limit);
  }

  /** `(pages) -> pages`: `memory.grow`, by as many as its own maximum and whoever runs it allow. */
  grow(): number {
    return this.define("grow", [i32], [i32], (f) => {
      const before = f.local("i32");
      f.op("global.get", PROGRAM_GLOBALS.pages).tee(before).get(0).op("i32.eqz").op("br_if", 0).op("drop");
      f.i32(-1).get(0).i32(this.program.maximumPages).get(before).ops("i32.sub", "i32.gt_u").op("br_if", 0);
      f.get(0);
      this.callOut(f, "grow", [i32], [i32]);
      f.i32(0).op("i32.lt_s").op("br_if", 0).op("drop");
      f.get(before).get(0).op("i32.add").op("global.set", PROGRAM_GLOBALS.pages);
      this.setLimit(f);
      f.get(before);
    });
  }

  /** Moves `(to, from, count)` bytes of data segment `index`, which has them, into memory. */
  protected moveData(f: FunctionBuilder, index: number): void {
    this.placeDestination(f);
    f.get(COUNT).op("call", this.chargeBytes());
    this.ascend(f, true, () => f.op("memory.init", index, 0));
  }

  override init(index: number): number {
    return this.define(`init ${index}`, RANGE, [], (f) => {
      f.op("global.get", this.segmentLength(index)).op("i64.extend_i32_u");
      this.stopUnlessWithin(f, FROM, COUNT);
      this.moveData(f, index);
    });
  }
}
