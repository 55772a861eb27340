/** The code of a plan: one loop that loads, sums, changes and stores. */
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import type { Mnemonic } from "../wasm/instructions.ts";
import { NO_SUM } from "./interpret.ts";
import type { PipeStep } from "./plan.ts";

/** Bytes of a vector, which is what one body works on. */
const VECTOR = 16;
/** Vectors in one turn of the loop. */
const UNROLLED = 4;
/** Bytes whose sums certainly fit into lanes, with a tail: less than 65,536 vectors; a multiple of a turn. */
const RUN_BYTES = 524_288;
/** The last bytes of a range: what is less than a vector. */
const TAILS = [8, 4, 2, 1] as const;

type BodyBytes = typeof VECTOR | (typeof TAILS)[number];

const LOADS: { readonly [B in BodyBytes]: Mnemonic } = {
  16: "v128.load",
  8: "v128.load64_zero",
  4: "v128.load32_zero",
  2: "v128.load16_lane",
  1: "v128.load8_lane",
};

const STORES: { readonly [B in BodyBytes]: Mnemonic } = {
  16: "v128.store",
  8: "v128.store64_lane",
  4: "v128.store32_lane",
  2: "v128.store16_lane",
  1: "v128.store8_lane",
};

/**
 * One sum: lanes for a while, their total, and the stages and global it belongs to.
 *
 * Four lanes take 32 bits at once and wrap; four more take the high 16 bits of
 * the same and do not. What the low halves add up to is the difference.
 */
interface Sum {
  readonly wholes: number;
  readonly halves: number;
  /** The same of one turn alone, so that turns need not wait for each other. */
  readonly turnWholes: number;
  readonly turnHalves: number;
  readonly total: number;
  readonly stages: readonly number[];
  readonly global: number;
}

/** One change of a vector. */
interface Change {
  readonly turn: number;
  readonly mask: number;
  /** Locals that have the order of the bytes of a vector, and the mask for a whole one. */
  readonly lanes: number;
  readonly masks: number;
}

/** Locals of a function that runs a plan. */
interface Locals {
  readonly destination: number;
  readonly source: number;
  readonly left: number;
  readonly stop: number;
  readonly bytes: number;
  readonly value: number;
  readonly scratch: number;
  readonly steps: readonly (Sum | Change)[];
  /** The smallest tail that there can be. */
  readonly unit: number;
}

/** A function under construction, its locals, and whether it stores. */
interface Emission {
  readonly f: FunctionBuilder;
  readonly locals: Locals;
  readonly stores: boolean;
}

/** The first `count` bytes of the mask over and over, and zero behind them. */
const maskBytes = (mask: number, count: number): number[] =>
  Array.from({ length: VECTOR }, (_, i) => (i < count ? (mask >>> (8 * (i % 4))) & 0xff : 0));

const turnLanes = (turn: number): number[] => Array.from({ length: VECTOR }, (_, i) => i ^ turn);

const isSum = (step: Sum | Change): step is Sum => "stages" in step;

function emitSum(f: FunctionBuilder, { turnWholes, turnHalves }: Sum, value: number, isFirst: boolean): void {
  f.get(value);
  if (!isFirst) f.get(turnWholes).op("i32x4.add");
  f.set(turnWholes).get(value).i32(16).op("i32x4.shr_u");
  if (!isFirst) f.get(turnHalves).op("i32x4.add");
  f.set(turnHalves);
}

function emitTurnSum(f: FunctionBuilder, { wholes, halves, turnWholes, turnHalves }: Sum): void {
  f.get(wholes).get(turnWholes).op("i32x4.add").set(wholes);
  f.get(halves).get(turnHalves).op("i32x4.add").set(halves);
}

/** Constants stand before the loop: in it the engine would make them for every vector. */
function emitConstants(f: FunctionBuilder, { turn, mask, lanes, masks }: Change): void {
  if (turn !== 0) f.v128(turnLanes(turn)).set(lanes);
  if (mask !== 0) f.v128(maskBytes(mask, VECTOR)).set(masks);
}

/**
 * Pushes the mask for a vector of `bytes` bytes.
 *
 * Bytes of a tail's vector that lie behind it are zero, and stay so: they must
 * not be summed. A last single byte is a word's first or, behind two more, its third.
 */
function emitMask({ f, locals }: Emission, { mask, masks }: Change, bytes: BodyBytes): void {
  if (bytes === VECTOR) f.get(masks);
  else f.v128(maskBytes(bytes === 1 ? mask >>> 16 : mask, bytes));
  if (bytes === 1) f.v128(maskBytes(mask, 1)).get(locals.left).i32(2).ops("i32.and", "select");
}

function emitChange(emission: Emission, change: Change, bytes: BodyBytes): void {
  const { f, locals } = emission;
  f.get(locals.value);
  if (change.turn !== 0) f.get(change.lanes).op("i8x16.swizzle");
  if (change.mask !== 0) {
    emitMask(emission, change, bytes);
    f.op("v128.xor");
  }
  f.set(locals.value);
}

/** Takes the `bytes` bytes at `offset` through all steps. */
function emitBody(emission: Emission, bytes: BodyBytes, offset: number): void {
  const { f, locals, stores } = emission;
  const { source, destination, value, steps } = locals;
  const isLane = bytes < 4;
  f.get(source);
  if (isLane) f.v128(new Uint8Array(VECTOR));
  f.memory(LOADS[bytes], offset);
  if (isLane) f.code.u8(0);
  f.set(value);
  for (const step of steps) {
    if (isSum(step)) emitSum(f, step, value, offset === 0);
    else emitChange(emission, step, bytes);
  }
  if (!stores) return;
  f.get(destination).get(value).memory(STORES[bytes], offset);
  if (bytes !== VECTOR) f.code.u8(0);
}

/** `count` bodies of `bytes` bytes each, one after another. */
function emitTurn(emission: Emission, bytes: BodyBytes, count: number): void {
  const { f, locals } = emission;
  for (let i = 0; i < count; i++) emitBody(emission, bytes, i * bytes);
  for (const step of locals.steps) if (isSum(step)) emitTurnSum(f, step);
  emitAdvance(emission, count * bytes);
}

function emitAdvance({ f, locals, stores }: Emission, bytes: number): void {
  f.get(locals.source).i32(bytes).op("i32.add").set(locals.source);
  if (stores) f.get(locals.destination).i32(bytes).op("i32.add").set(locals.destination);
}

/** While `source` is not at `stop`, which is `bytes & mask` further on: `vectors` bodies. */
function emitLoop(emission: Emission, mask: number, vectors: number): void {
  const { f, locals } = emission;
  f.get(locals.source).get(locals.bytes).i32(mask).ops("i32.and", "i32.add").tee(locals.stop);
  f.get(locals.source).op("i32.ne").open("if").open("loop");
  emitTurn(emission, VECTOR, vectors);
  f.get(locals.source).get(locals.stop).op("i32.ne").op("br_if", 0).end().end();
}

/** Moves the lanes of every sum into its total: two lanes of 64 bits. */
function emitFlush({ f, locals }: Emission): void {
  for (const step of locals.steps) {
    if (!isSum(step)) continue;
    const { wholes, halves, total } = step;
    f.get(wholes).get(halves).i32(16).ops("i32x4.shl", "i32x4.sub").set(wholes).get(total);
    for (const lanes of [wholes, halves]) {
      f.get(lanes).ops("i64x2.extend_low_i32x4_u", "i64x2.add");
      f.get(lanes).ops("i64x2.extend_high_i32x4_u", "i64x2.add");
    }
    f.set(total).v128(new Uint8Array(VECTOR)).tee(wholes).set(halves);
  }
}

/** All bytes: runs of many vectors, each of which the lanes can hold, and what is left at last. */
function emitRange(emission: Emission): void {
  const { f, locals } = emission;
  const { left, bytes, unit } = locals;
  f.open("loop");
  f.get(left).i32(RUN_BYTES).get(left).i32(RUN_BYTES).ops("i32.lt_u", "select").set(bytes);
  emitLoop(emission, -VECTOR * UNROLLED, UNROLLED);
  emitLoop(emission, VECTOR * (UNROLLED - 1), 1);
  f.get(left).get(bytes).i32(-VECTOR).ops("i32.and", "i32.sub").tee(left);
  f.i32(VECTOR).op("i32.ge_u").open("if");
  emitFlush(emission);
  f.op("br", 1).end().end();
  for (const tail of TAILS.filter((size) => size >= unit)) {
    f.get(left).i32(tail).op("i32.and").open("if");
    emitTurn(emission, tail, 1);
    f.end();
  }
  emitFlush(emission);
}

/** Refuses part of a unit. */
function emitUnitCheck(f: FunctionBuilder, { left, unit }: Locals): void {
  const part = unit - 1;
  f.get(left).i32(part).op("i32.and").open("if").i32(NO_SUM).op("return").end();
}

/** Traps, before anything is touched, when a range leaves memory. */
function emitBounds(f: FunctionBuilder, { destination, source, left }: Locals): void {
  f.get(destination).get(source).get(destination).get(source).ops("i32.gt_u", "select", "i64.extend_i32_u");
  f.get(left).ops("i64.extend_i32_u", "i64.add");
  f.op("memory.size", 0).op("i64.extend_i32_u").i64(16n).ops("i64.shl", "i64.gt_u");
  f.open("if").op("unreachable").end();
}

/** A copy that a loop upwards would overwrite before reading: moved whole, then worked on in place. */
function emitOverlap(f: FunctionBuilder, { destination, source, left }: Locals): void {
  f.get(destination).get(source).op("i32.sub").get(left).op("i32.lt_u");
  f.get(destination).get(source).ops("i32.ne", "i32.and").open("if");
  f.get(destination).get(source).get(left).op("memory.copy", 0, 0).get(destination).set(source).end();
}

/** Folds the total of a sum to 16 bits, into network byte order, and into its global. */
function emitResult(f: FunctionBuilder, { total, global }: Sum, { scratch, bytes }: Locals): void {
  for (const lane of [0, 1]) f.get(total).op("i64x2.extract_lane").code.u8(lane);
  f.op("i64.add").set(scratch);
  for (let i = 0; i < 3; i++) {
    f.get(scratch).i64(0xffffn).op("i64.and");
    f.get(scratch).i64(16n).ops("i64.shr_u", "i64.add").set(scratch);
  }
  f.get(scratch).op("i32.wrap_i64").tee(bytes).i32(8).op("i32.shl");
  f.get(bytes).i32(8).ops("i32.shr_u", "i32.or").i32(0xffff).op("i32.and").op("global.set", global);
}

/** Makes locals for `plan`; `global` makes a global for a sum. */
function makeLocals(
  f: FunctionBuilder,
  plan: readonly PipeStep[],
  unit: number,
  global: () => number,
): Locals {
  const steps = plan.map((step): Sum | Change =>
    step.kind === "sum"
      ? {
          wholes: f.local("v128"),
          halves: f.local("v128"),
          turnWholes: f.local("v128"),
          turnHalves: f.local("v128"),
          total: f.local("v128"),
          stages: step.stages,
          global: global(),
        }
      : { turn: step.turn, mask: step.mask, lanes: f.local("v128"), masks: f.local("v128") },
  );
  const [stop, bytes, value, scratch] = [f.local("i32"), f.local("i32"), f.local("v128"), f.local("i64")];
  return { destination: 0, source: 1, left: 2, stop, bytes, value, scratch, steps, unit };
}

/**
 * Writes the function `run(destination, source, length)` of a plan; the global of every stage's sum.
 *
 * `f` takes three `i32` and gives one: the first sum, 0 without one, or `NO_SUM`
 * when the length is no multiple of `unit`.
 */
export function emitRun(
  f: FunctionBuilder,
  plan: readonly PipeStep[],
  unit: number,
  global: () => number,
): ReadonlyMap<number, number> {
  const locals = makeLocals(f, plan, unit, global);
  const { destination, source, left, steps } = locals;
  if (unit > 1) emitUnitCheck(f, locals);
  if (plan.length === 0) {
    f.get(destination).get(source).get(left).op("memory.copy", 0, 0).i32(0);
    return new Map();
  }
  emitBounds(f, locals);
  emitOverlap(f, locals);
  for (const step of steps) if (!isSum(step)) emitConstants(f, step);
  if (steps.every(isSum)) {
    f.get(destination).get(source).op("i32.eq").open("if");
    emitRange({ f, locals, stores: false });
    f.op("else");
    emitRange({ f, locals, stores: true });
    f.end();
  } else emitRange({ f, locals, stores: true });
  const sums = steps.filter(isSum);
  for (const sum of sums) emitResult(f, sum, locals);
  if (sums[0] === undefined) f.i32(0);
  else f.op("global.get", sums[0].global);
  return new Map(sums.flatMap((sum) => sum.stages.map((stage) => [stage, sum.global] as const)));
}

/** Writes the function `sum(stage)`: what the last run left in its global, or `NO_SUM` for other numbers. */
export function emitSumReader(f: FunctionBuilder, globals: ReadonlyMap<number, number>): void {
  for (const [stage, global] of globals)
    f.get(0).i32(stage).op("i32.eq").open("if").op("global.get", global).op("return").end();
  f.i32(NO_SUM);
}
