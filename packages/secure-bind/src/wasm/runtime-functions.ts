/** Functions that the rewriter adds to a module: to begin, to stop, and for bulk operations. */
import type { AddedTypes } from "./added-types.ts";
import { FunctionBuilder } from "./function-builder.ts";
import { GLOBALS, MESSAGE_BASE, STOP_CAUSE } from "./runtime.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** Bytes of memory that the engine is asked to copy or fill at once. */
export const CHUNK_BYTES = 65_536;
/** Bytes that a unit of fuel pays for, and fuel that an element of a table takes: as powers of two. */
export const BYTES_PER_FUEL_BITS = 4;
export const FUEL_PER_ELEMENT_BITS = 4;
/** Elements that an operation on a table costs at least, and one that makes it larger. */
const ELEMENTS_PER_CALL = 1;
const ELEMENTS_PER_GROWTH = 64;
/** The most elements that are paid for: no engine has larger tables. */
const ELEMENTS_MAX = 1 << 26;

/** What the functions have to know of a module. */
export interface RuntimeLayout {
  /** The number of the first function that is added. */
  readonly firstFunction: number;
  /** The number of the first global that may be added. */
  readonly firstGlobal: number;
  readonly memoryBytes: number;
  readonly hasMessage: boolean;
  /** Elements that the largest table can have. */
  readonly tableElements: number;
  /** The bytes of data segment `index` while it is not dropped. */
  segmentBytes(index: number): number;
}

const { i32 } = VALUE_TYPES;

/** The parameters of all bulk operations: destination, source or value, count. */
export const TO = 0;
export const FROM = 1;
export const COUNT = 2;
export const RANGE: readonly number[] = [i32, i32, i32];

/** Writes the functions that are used; the others are not there. */
export class RuntimeFunctions {
  protected readonly layout: RuntimeLayout;
  protected readonly types: AddedTypes;
  readonly #known: Map<string, FunctionBuilder> = new Map();
  readonly #lengths: Map<number, number> = new Map();
  /** The functions in their order, and the numbers of their types. */
  readonly built: FunctionBuilder[] = [];
  readonly typeNumbers: number[] = [];
  /** What the added globals start with, each an i32. */
  readonly globalValues: number[] = [];

  constructor(layout: RuntimeLayout, types: AddedTypes) {
    this.layout = layout;
    this.types = types;
  }

  /** The number of the function called `key`, which is written when it is first asked for. */
  protected define(
    key: string,
    parameters: readonly number[],
    results: readonly number[],
    write: (built: FunctionBuilder) => void,
  ): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known.index;
    // It has its number before it is written: what it calls gets the next ones.
    const built = new FunctionBuilder(this.layout.firstFunction + this.built.length, parameters.length);
    this.#known.set(key, built);
    this.built.push(built);
    this.typeNumbers.push(this.types.number(parameters, results));
    write(built);
    return built.index;
  }

  /** Stops for fuel or stack, whichever is overdrawn; neither stays negative, so that no later check wraps. */
  overdrawn(): number {
    return this.define("overdrawn", [], [], (f) => {
      f.op("global.get", GLOBALS.stack).i32(0).op("i32.lt_s").open("if");
      f.i32(0).op("global.set", GLOBALS.stack).i32(STOP_CAUSE.stack).op("global.set", GLOBALS.cause).end();
      f.op("global.get", GLOBALS.fuel).i32(0).op("i32.lt_s").open("if");
      f.i32(0).op("global.set", GLOBALS.fuel).i32(STOP_CAUSE.fuel).op("global.set", GLOBALS.cause).end();
      f.op("unreachable");
    });
  }

  /** Stops for memory. */
  outside(): number {
    return this.define("outside", [], [], (f) => {
      f.i32(STOP_CAUSE.memory).op("global.set", GLOBALS.cause).op("unreachable");
    });
  }

  /** `(fuel, stack, messageAddress, messageBytes)`: sets what a run starts with. */
  begin(): number {
    return this.define("begin", [i32, i32, i32, i32], [], (f) => {
      f.get(0).op("global.set", GLOBALS.fuel).get(1).op("global.set", GLOBALS.stack);
      f.i32(STOP_CAUSE.trap).op("global.set", GLOBALS.cause);
      if (!this.layout.hasMessage) return;
      f.get(2).op("global.set", GLOBALS.messageAddress).get(3).op("global.set", GLOBALS.messageBytes);
      for (const [i, bytes] of [1, 2, 4, 8, 16].entries()) {
        f.get(3)
          .i32(bytes - 1)
          .op("i32.sub")
          .i32(0)
          .get(3)
          .i32(bytes)
          .op("i32.ge_u")
          .op("select");
        f.op("global.set", GLOBALS.messageStarts + i);
      }
    });
  }

  /** The value of a global of ours. */
  reader(global: "fuel" | "cause"): number {
    return this.define(global, [], [i32], (f) => f.op("global.get", GLOBALS[global]));
  }

  /** `(count)`: charges for so many bytes. */
  protected chargeBytes(): number {
    return this.define("bytes", [i32], [], (f) => {
      f.get(0).i32(BYTES_PER_FUEL_BITS).op("i32.shr_u").set(0);
      this.charge(f);
    });
  }

  /** `(count)`: charges for so many elements; more than a table can have are refused by the engine, which costs nothing. */
  chargeElements(grows: boolean): number {
    return this.define(grows ? "growth" : "elements", [i32], [], (f) => {
      const most = Math.min(this.layout.tableElements, ELEMENTS_MAX);
      f.get(0).i32(0).get(0).i32(most).op("i32.le_u").op("select");
      f.i32(grows ? ELEMENTS_PER_GROWTH : ELEMENTS_PER_CALL).op("i32.add");
      f.i32(FUEL_PER_ELEMENT_BITS).op("i32.shl").set(0);
      this.charge(f);
    });
  }

  /** Charges what local 0 says. */
  protected charge(f: FunctionBuilder): void {
    const overdrawn = this.overdrawn();
    f.op("global.get", GLOBALS.fuel).get(0).op("i32.sub").tee(0);
    f.op("global.set", GLOBALS.fuel).get(0).i32(0).op("i32.lt_s").open("if");
    f.op("call", overdrawn).end();
  }

  /** Pushes the bytes of the memory as an i64. */
  protected memoryBytes(f: FunctionBuilder): void {
    f.i64(BigInt(this.layout.memoryBytes));
  }

  /** Stops unless `from + count <= bytes`, which is on the stack as an i64, without wrapping. */
  protected stopUnlessWithin(f: FunctionBuilder, from: number, count: number): void {
    f.get(from).op("i64.extend_i32_u").get(count).ops("i64.extend_i32_u", "i64.add");
    f.op("i64.lt_u").open("if").op("call", this.outside()).end();
  }

  /** Turns the destination into a physical address, or stops. */
  protected placeDestination(f: FunctionBuilder): void {
    this.memoryBytes(f);
    this.stopUnlessWithin(f, TO, COUNT);
    f.get(TO).op("global.get", GLOBALS.base).op("i32.add").set(TO);
  }

  /** Turns the source into a physical address in the segment or the message, or stops. */
  #placeSource(f: FunctionBuilder): void {
    if (this.layout.hasMessage) {
      f.get(FROM).i32(MESSAGE_BASE).op("i32.ge_u").open("if");
      f.get(FROM).i32(MESSAGE_BASE).op("i32.sub").set(FROM);
      f.op("global.get", GLOBALS.messageBytes).op("i64.extend_i32_u");
      this.stopUnlessWithin(f, FROM, COUNT);
      f.get(FROM).op("global.get", GLOBALS.messageAddress).op("i32.add").set(FROM).op("else");
    } else f.open("block");
    this.memoryBytes(f);
    this.stopUnlessWithin(f, FROM, COUNT);
    f.get(FROM).op("global.get", GLOBALS.base).op("i32.add").set(FROM).end();
  }

  /** Runs `operation` on chunks from the first on, then on the rest; with `movesSource` both addresses move. */
  protected ascend(f: FunctionBuilder, movesSource: boolean, operation: () => void): void {
    const moving = movesSource ? [TO, FROM] : [TO];
    f.open("loop").get(COUNT).i32(CHUNK_BYTES).op("i32.gt_u").open("if");
    f.get(TO).get(FROM).i32(CHUNK_BYTES);
    operation();
    for (const local of moving) f.get(local).i32(CHUNK_BYTES).op("i32.add").set(local);
    f.get(COUNT).i32(CHUNK_BYTES).op("i32.sub").set(COUNT).op("br", 1).end().end();
    f.get(TO).get(FROM).get(COUNT);
    operation();
  }

  /** `(to, value, count)`: `memory.fill`. */
  fill(): number {
    return this.define("fill", RANGE, [], (f) => {
      this.placeDestination(f);
      f.get(COUNT).op("call", this.chargeBytes());
      this.ascend(f, false, () => f.op("memory.fill", 0));
    });
  }

  /** `(to, from, count)`: `memory.copy`; from the end when the destination is behind the source, which may overlap it. */
  copy(): number {
    return this.define("copy", RANGE, [], (f) => {
      const copy = (): FunctionBuilder => f.op("memory.copy", 0, 0);
      this.placeDestination(f);
      this.#placeSource(f);
      f.get(COUNT).op("call", this.chargeBytes());
      f.get(TO).get(FROM).op("i32.gt_u").open("if");
      f.open("loop").get(COUNT).i32(CHUNK_BYTES).op("i32.gt_u").open("if");
      f.get(COUNT).i32(CHUNK_BYTES).op("i32.sub").set(COUNT);
      f.get(TO).get(COUNT).op("i32.add").get(FROM).get(COUNT).op("i32.add").i32(CHUNK_BYTES);
      copy().op("br", 1).end().end();
      f.get(TO).get(FROM).get(COUNT);
      copy().op("return").end();
      this.ascend(f, true, copy);
    });
  }

  /** `(to, from, count)`: `memory.init` of data segment `index`. */
  init(index: number): number {
    return this.define(`init ${index}`, RANGE, [], (f) => {
      f.op("global.get", this.segmentLength(index)).op("i64.extend_i32_u");
      this.stopUnlessWithin(f, FROM, COUNT);
      this.placeDestination(f);
      f.get(COUNT).op("call", this.chargeBytes());
      this.ascend(f, true, () => f.op("memory.init", index, 0));
    });
  }

  /** The number of the global that says how long data segment `index` is: 0 once it is dropped. */
  segmentLength(index: number): number {
    const known = this.#lengths.get(index);
    if (known !== undefined) return known;
    const number = this.layout.firstGlobal + this.globalValues.push(this.layout.segmentBytes(index)) - 1;
    this.#lengths.set(index, number);
    return number;
  }
}
