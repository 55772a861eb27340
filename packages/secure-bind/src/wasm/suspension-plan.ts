/**
 * Where one function can be suspended, and how it finds its way back.
 *
 * A *point* is where it may be: a call that may be suspended, the head of a loop,
 * an operation on a range. Points are numbered from 1 in the order of the code.
 * A *dispatcher* is where control comes in from above: the function's beginning,
 * and the head of each loop. To get back to a point, a dispatcher branches to it,
 * or to the loop that it is in, whose head is a dispatcher again.
 *
 * To be branched to, a place must be the end of a block that was opened at the
 * dispatcher. So all blocks with points in them are opened there as well, however
 * far behind they were in the code: what a block is is where it ends. An `if` with
 * points is two blocks. Each has a *rank*: how many end before it.
 *
 *     dispatcher: block (rank n-1) ... block (rank 1) block (rank 0)
 *       branch to the end of any of them, if something is to be resumed
 *     code; end; point 1; code; end; point 2; ...
 */
import type { InstructionReader } from "./instruction-reader.ts";
import { demandWithin, type ModuleLimits } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import { KIND } from "./opcodes.ts";

const FIRST_CAPACITY = 1024;
const NONE = -1;

/** A way from a dispatcher: the last point that it leads to, and the rank of where it branches to. */
export interface Way {
  readonly last: number;
  readonly rank: number;
}

/** Says of an instruction that is no block whether it is a point. */
export type PointTest = (kind: number, reader: InstructionReader) => boolean;

function grown(from: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(Math.max(2 * from.length, least));
  to.set(from);
  return to;
}

/** A column of numbers that grows. */
export class Column {
  #values: Int32Array = new Int32Array(FIRST_CAPACITY);

  get(at: number): number {
    return this.#values[at] ?? 0;
  }

  set(at: number, value: number): void {
    if (at >= this.#values.length) this.#values = grown(this.#values, at + 1);
    this.#values[at] = value;
  }
}

/**
 * The plan of one function after another; nothing is allocated once it has grown.
 *
 * Code that cannot be reached is not in it.
 */
export class SuspensionPlan {
  readonly #limits: ModuleLimits;
  readonly #isPoint: PointTest;
  /** How many points there are, blocks of any kind, and dispatchers. */
  points = 0;
  blocks = 0;
  dispatchers = 0;
  /** Of each block, as they are opened: whether points are in it, and the ranks of its end and of its `else`. */
  readonly #hasPoint = new Column();
  readonly #endRank = new Column();
  readonly #elseRank = new Column();
  /** Of each dispatcher: how many blocks it opens, and its first and last way. */
  readonly #labels = new Column();
  readonly #firstWay = new Column();
  readonly #lastWay = new Column();
  /** Ways from dispatchers: the last point that each leads to, the rank of where it branches to, the next one. */
  #ways = 0;
  readonly #wayLast = new Column();
  readonly #wayRank = new Column();
  readonly #wayNext = new Column();
  /** Blocks that are open: number, kind, whether behind `else`; for loops the dispatcher before and their way to it. */
  #depth = 0;
  readonly #openBlock = new Column();
  readonly #openKind = new Column();
  readonly #openElse = new Column();
  readonly #openOuter = new Column();
  readonly #openWay = new Column();
  #dispatcher = 0;
  /** Blocks in code that is not reached, or 0. */
  #dead = 0;

  constructor(limits: ModuleLimits, isPoint: PointTest) {
    this.#limits = limits;
    this.#isPoint = isPoint;
  }

  /** Whether block `number` has points in it. */
  hasPoint(block: number): boolean {
    return this.#hasPoint.get(block) === 1;
  }

  /** The rank of the end of block `number`, and of the end of the first half of an `if`. */
  endRank(block: number): number {
    return this.#endRank.get(block);
  }

  elseRank(block: number): number {
    return this.#elseRank.get(block);
  }

  /** How many blocks a dispatcher opens. */
  labels(dispatcher: number): number {
    return this.#labels.get(dispatcher);
  }

  /** The ways from a dispatcher, in the order of the points. O(ways). */
  ways(dispatcher: number): Way[] {
    const ways: Way[] = [];
    for (let way = this.#firstWay.get(dispatcher); way >= 0; way = this.#wayNext.get(way))
      ways.push({ last: this.#wayLast.get(way), rank: this.#wayRank.get(way) });
    return ways;
  }

  /** Makes the plan of the code from `reader.at` to `end`. **Cost** O(bytes). */
  read(reader: InstructionReader, kinds: Uint8Array, end: number): void {
    this.points = 0;
    this.blocks = 0;
    this.dispatchers = 0;
    this.#ways = 0;
    this.#depth = 0;
    this.#dead = 0;
    this.#dispatcher = this.#openDispatcher();
    this.#open(KIND.block);
    while (reader.at < end && this.#depth > 0) {
      reader.next();
      const kind = kinds[reader.code] ?? KIND.unknown;
      if (kind === KIND.plain) continue;
      if (this.#dead > 0) this.#skip(kind);
      else this.#look(kind, reader);
    }
    // What is not closed has no rank: nothing could be written for it.
    if (this.#depth > 0) refuse("Malformed", reader.start, "code");
  }

  #openDispatcher(): number {
    const dispatcher = this.dispatchers++;
    this.#labels.set(dispatcher, 0);
    this.#firstWay.set(dispatcher, NONE);
    return dispatcher;
  }

  #open(kind: number): void {
    const block = this.blocks++;
    const place = this.#depth++;
    this.#hasPoint.set(block, 0);
    this.#openBlock.set(place, block);
    this.#openKind.set(place, kind);
    this.#openElse.set(place, 0);
  }

  /** In code that is not reached only the ends of blocks matter. */
  #skip(kind: number): void {
    if (kind === KIND.block || kind === KIND.loop || kind === KIND.if) this.#dead += 1;
    else if (kind === KIND.end) {
      this.#dead -= 1;
      if (this.#dead === 0) this.#close();
    } else if (kind === KIND.else && this.#dead === 1) {
      this.#dead = 0;
      this.#else();
    }
  }

  #look(kind: number, reader: InstructionReader): void {
    switch (kind) {
      case KIND.block:
      case KIND.if:
        demandWithin(this.#depth, this.#limits, "nesting", reader.start);
        this.#open(kind);
        return;
      case KIND.loop:
        demandWithin(this.#depth, this.#limits, "nesting", reader.start);
        this.#openLoop();
        return;
      case KIND.else:
        this.#else();
        return;
      case KIND.end:
        this.#close();
        return;
      case KIND.br:
      case KIND.brTable:
      case KIND.return:
      case KIND.unreachable:
        this.#dead = 1;
        return;
      default:
        if (this.#isPoint(kind, reader)) this.#point();
    }
  }

  /** One more block of the dispatcher, which ends here: its rank. */
  #rank(): number {
    const rank = this.#labels.get(this.#dispatcher);
    this.#labels.set(this.#dispatcher, rank + 1);
    return rank;
  }

  /** A point, and a way to it. */
  #point(): number {
    this.#mark();
    const point = ++this.points;
    const way = this.#ways++;
    this.#wayRank.set(way, this.#rank());
    this.#wayLast.set(way, point);
    this.#wayNext.set(way, NONE);
    if (this.#firstWay.get(this.#dispatcher) < 0) this.#firstWay.set(this.#dispatcher, way);
    else this.#wayNext.set(this.#lastWay.get(this.#dispatcher), way);
    this.#lastWay.set(this.#dispatcher, way);
    return way;
  }

  /**
   * All blocks that are open have points from now on.
   *
   * For an `if` in its second half the first one has ended already, and before
   * everything with a rank behind it: there was no point since.
   */
  #mark(): void {
    let place = this.#depth;
    while (place > 0 && !this.hasPoint(this.#openBlock.get(place - 1))) place -= 1;
    for (; place < this.#depth; place++) {
      const block = this.#openBlock.get(place);
      this.#hasPoint.set(block, 1);
      if (this.#openElse.get(place) === 1) this.#elseRank.set(block, this.#rank());
    }
  }

  #openLoop(): void {
    const way = this.#point();
    const outer = this.#dispatcher;
    this.#open(KIND.loop);
    const place = this.#depth - 1;
    this.#hasPoint.set(this.#openBlock.get(place), 1);
    this.#openOuter.set(place, outer);
    this.#openWay.set(place, way);
    this.#dispatcher = this.#openDispatcher();
  }

  #else(): void {
    const place = this.#depth - 1;
    const block = this.#openBlock.get(place);
    if (this.#openElse.get(place) === 0 && this.hasPoint(block)) this.#elseRank.set(block, this.#rank());
    this.#openElse.set(place, 1);
  }

  #close(): void {
    const place = --this.#depth;
    const block = this.#openBlock.get(place);
    const kind = this.#openKind.get(place);
    if (place === 0) return;
    if (kind === KIND.loop) {
      this.#wayLast.set(this.#openWay.get(place), this.points);
      this.#dispatcher = this.#openOuter.get(place);
      return;
    }
    if (!this.hasPoint(block)) return;
    if (kind === KIND.if && this.#openElse.get(place) === 0) this.#elseRank.set(block, this.#rank());
    this.#endRank.set(block, this.#rank());
  }
}
