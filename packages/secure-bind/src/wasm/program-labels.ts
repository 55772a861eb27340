/**
 * Blocks, branches and points of a program's function: what is open, and where branches go.
 *
 * A block with points in it is opened by its dispatcher; where it was nothing is
 * written, and what it leaves goes through locals. One without is copied.
 */
import type { ByteWriter } from "./byte-writer.ts";
import { writeOne } from "./charges.ts";
import type { FuelRegions } from "./fuel-regions.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { demandWithin, type ModuleLimits } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import { KIND } from "./opcodes.ts";
import type { OperandWriter } from "./operand-writer.ts";
import type { FunctionType } from "./parsed-module.ts";
import { ProgramBranches } from "./program-branches.ts";
import { ProgramControl } from "./program-control.ts";
import { goOn, openUnlikely, pushState, writeConstant } from "./program-frame.ts";
import { PROGRAM_GLOBALS, PROGRAM_STATE } from "./runtime.ts";
import { SLOT } from "./scratch-locals.ts";
import type { SuspensionPlan, Way } from "./suspension-plan.ts";
import { ValueCarriers } from "./value-carriers.ts";

const NO_RESULT = 0x40;
/** Labels of a function that can be suspended: its own, `$unwind`, `$whole`. */
const UNWIND = 1;
const WHOLE = 2;
const FRAME_LABELS = 3;

const BLOCK = INSTRUCTIONS.block;
const BR = INSTRUCTIONS.br;
const BR_IF = INSTRUCTIONS.br_if;
const ELSE = INSTRUCTIONS.else;
const END = INSTRUCTIONS.end;
const LOOP = INSTRUCTIONS.loop;
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];

/** What the labels of a module are written with. */
export interface LabelContext {
  readonly limits: ModuleLimits;
  readonly plan: SuspensionPlan;
  readonly writer: OperandWriter;
  readonly regions: FuelRegions;
}

/** Labels of one function after another. */
export class ProgramLabels {
  readonly #context: LabelContext;
  readonly #writer: OperandWriter;
  readonly #code: ByteWriter;
  readonly #plan: SuspensionPlan;
  readonly #control: ProgramControl;
  readonly #carriers: ValueCarriers;
  readonly #branches: ProgramBranches;
  /** The dispatcher's first label, and how many it opened. */
  #first = 0;
  #labels = 0;
  /** Points, blocks and dispatchers so far. */
  #points = 0;
  #blocks = 0;
  #dispatchers = 0;
  #suspends = false;
  /** The local with the number of the point. */
  point = 0;
  /** 0, or in code that is not reached one more than the blocks that were opened there. */
  #dead = 0;
  constructor(context: LabelContext) {
    this.#context = context;
    this.#writer = context.writer;
    this.#code = context.writer.code;
    this.#plan = context.plan;
    this.#control = new ProgramControl(context.limits.nesting + 2);
    this.#carriers = new ValueCarriers(context.writer);
    this.#branches = new ProgramBranches(context.writer, this.#control, context.regions, context.limits);
  }

  /** A new function that leaves `results`; with a plan if it can be suspended. */
  begin(results: readonly number[], suspends: boolean): void {
    this.#suspends = suspends;
    this.#points = 0;
    this.#blocks = 1;
    this.#dispatchers = 1;
    this.#dead = 0;
    this.#branches.tableMoves = 0;
    this.#branches.count = 0;
    this.#control.innermost = -1;
    this.#control.depth = 0;
    const place = this.#control.open(KIND.block, { parameters: [], results }, 0, 0);
    this.#control.labels[place] = suspends ? WHOLE : 0;
    this.#first = FRAME_LABELS;
    this.#labels = suspends ? this.#plan.labels(0) : 0;
    this.#control.labelsOpen = suspends ? FRAME_LABELS + this.#labels : 1;
  }

  /** Whether the code that is read now is reached. */
  get isReached(): boolean {
    return this.#dead === 0;
  }

  /** Whether the function's last `end` has not come yet. */
  get isOpen(): boolean {
    return this.#control.depth > 0;
  }

  /** Passes over code that is not reached, up to where it is again. */
  skip(kind: number): void {
    this.#writer.pass();
    if (kind === KIND.block || kind === KIND.loop || kind === KIND.if) this.#dead += 1;
    else if (kind === KIND.end) {
      this.#dead -= 1;
      if (this.#dead === 0) this.#close(false);
    } else if (kind === KIND.else && this.#dead === 1) {
      this.#dead = 0;
      this.#else(false);
    }
  }

  /** In front of a trap: what was used is noted. */
  trap(): void {
    this.#writer.replace();
    if (this.#control.innermost >= 0) this.#context.regions.store(this.#code);
  }

  /** From here on nothing is reached until a block ends. */
  leave(): void {
    this.#dead = 1;
    this.#writer.pass();
  }

  /** Labels from what is written now to `$unwind`, `inside` so many more. */
  unwind(inside = 0): number {
    return this.#control.labelsOpen + inside - 1 - UNWIND;
  }

  /** Opens the block that was read. */
  open(kind: number, type: FunctionType): void {
    const { reader, operands } = this.#writer;
    const place = this.#control.depth;
    demandWithin(place, this.#context.limits, "nesting", reader.start);
    const block = this.#blocks++;
    const isMoved = this.#suspends && this.#plan.hasPoint(block);
    if (kind === KIND.loop) this.#openLoop(type, block);
    else if (isMoved) this.#openMoved(kind, type, block);
    else {
      this.#writer.take((kind === KIND.if ? 1 : 0) + type.parameters.length);
      this.#enter(kind, type, block);
      this.#control.labels[place] = this.#control.labelsOpen++;
      operands.pushAll(type.parameters);
    }
  }

  /** Notes a block that was opened; below its parameters, which were taken, are the operands that it cannot reach. */
  #enter(kind: number, type: FunctionType, block: number): number {
    const { operands } = this.#writer;
    const place = this.#control.open(kind, type, operands.height, this.#context.regions.current);
    this.#control.blocks[place] = block;
    this.#control.lowers[place] = operands.base;
    this.#control.reals[place] = operands.real;
    operands.base = operands.height;
    return place;
  }

  /** The label of the dispatcher's block with this rank. */
  #labelOf(rank: number): number {
    return this.#first + this.#labels - 1 - rank;
  }

  #openMoved(kind: number, type: FunctionType, block: number): void {
    const writer = this.#writer;
    if (kind === KIND.if) writer.take(1);
    this.#spillUnder(kind === KIND.if);
    if (kind === KIND.if) {
      this.#code.u8(INSTRUCTIONS["i32.eqz"]);
      writeOne(this.#code, BR_IF, this.#control.depthOf(this.#labelOf(this.#plan.elseRank(block))));
    }
    writer.pass();
    const { operands } = writer;
    const { length } = type.parameters;
    if (operands.height - length < operands.base) refuse("Invalid", writer.reader.start, "operands");
    operands.height -= length;
    const place = this.#enter(kind, type, block);
    this.#control.isMoved[place] = 1;
    this.#control.labels[place] = this.#labelOf(this.#plan.endRank(block));
    this.#restore(type.parameters);
  }

  /** Operands of these types, which wait in their locals. */
  #restore(types: readonly number[]): void {
    const { operands } = this.#writer;
    for (const type of types) operands.push(type);
    operands.real = 0;
  }

  /** Puts all operands into their locals; a condition above them, which is no operand any more, stays on the machine's stack. */
  #spillUnder(hasCondition: boolean): void {
    const writer = this.#writer;
    writer.copy();
    if (!hasCondition || writer.operands.real === 0) {
      writer.spill();
      return;
    }
    const condition = writer.scratch.local(SLOT.i32);
    writeOne(this.#code, LOCAL_SET, condition);
    writer.spill();
    writeOne(this.#code, LOCAL_GET, condition);
  }

  /**
   * Opens a loop, which is a point and a dispatcher.
   *
   * Its head pays for a turn. With fuel left that is all; else it asks for more,
   * or goes where the program was.
   */
  #openLoop(type: FunctionType, block: number): void {
    const writer = this.#writer;
    const { operands } = writer;
    const { length } = type.parameters;
    writer.spill();
    writer.pass();
    if (operands.height - length < operands.base) refuse("Invalid", writer.reader.start, "operands");
    const place = this.#control.depth;
    this.#carriers.carryFromLocals(place, type.parameters);
    const point = this.#endWay();
    if (this.#plan.labels(this.#dispatchers) === 0) this.#enterInnermost(place);
    this.#code.bytes([LOOP, NO_RESULT]);
    operands.height -= length;
    this.#enter(KIND.loop, type, block);
    this.#control.isMoved[place] = 1;
    this.#control.labels[place] = this.#control.labelsOpen++;
    this.#control.outerFirst[place] = this.#first;
    this.#control.outerLabels[place] = this.#labels;
    this.#openDispatcher(point);
    this.#carriers.push(place, type.parameters);
  }

  #openDispatcher(point: number): void {
    const code = this.#code;
    const dispatcher = this.#dispatchers++;
    this.#labels = this.#plan.labels(dispatcher);
    this.#first = this.#control.labelsOpen;
    for (let i = 0; i <= this.#labels; i++) code.bytes([BLOCK, NO_RESULT]);
    this.#control.labelsOpen += this.#labels + 1;
    this.#context.regions.openChecked(code, this.#writer.scratch.local(SLOT.address));
    writeConstant(code, 0);
    code.u8(INSTRUCTIONS["i32.ge_s"]);
    code.hint(code.length, true);
    writeOne(code, BR_IF, 0);
    if (this.#control.innermost >= 0) this.#askInnermost(point);
    else this.#goOn(dispatcher, point);
    code.u8(END);
    this.#control.labelsOpen -= 1;
  }

  /** At the head of a loop without fuel: back to where the program was, or out of all calls to ask for more. */
  #goOn(dispatcher: number, point: number): void {
    const code = this.#code;
    this.#openRewinding();
    writeOne(code, LOCAL_GET, this.point);
    writeConstant(code, point);
    code.u8(INSTRUCTIONS["i32.gt_u"]);
    openUnlikely(code);
    this.#control.labelsOpen += 2;
    this.dispatch(code, dispatcher);
    this.#control.labelsOpen -= 2;
    code.bytes([INSTRUCTIONS.unreachable, END]);
    goOn(code);
    this.#elseUnwind(point);
  }

  #openRewinding(): void {
    pushState(this.#code, PROGRAM_STATE.rewinding);
    this.#code.bytes([INSTRUCTIONS.if, NO_RESULT]);
  }

  #elseUnwind(point: number): void {
    this.#code.u8(ELSE);
    this.unwindTo(point, 1);
    this.#code.u8(END);
  }

  /** In a loop without points fuel is counted in a local. */
  #enterInnermost(place: number): void {
    this.#control.innermost = place;
    this.#context.regions.enter(this.#code, this.#writer.scratch.local(SLOT.fuel));
  }

  #askInnermost(point: number): void {
    const { regions } = this.#context;
    this.#openRewinding();
    goOn(this.#code);
    regions.load(this.#code);
    this.#code.u8(ELSE);
    regions.store(this.#code);
    this.unwindTo(point, 1);
    this.#code.u8(END);
  }

  /** Back to the function's beginning, with all labels of its dispatcher and `inside` more: to write its entry. */
  rewind(inside: number): void {
    this.#first = FRAME_LABELS;
    this.#labels = this.#plan.labels(0);
    this.#control.labelsOpen = FRAME_LABELS + this.#labels + inside;
  }

  /** Writes the branches of a dispatcher to its points: by halves, as many as there may be of them. */
  dispatch(to: ByteWriter, dispatcher: number): void {
    const ways = this.#plan.ways(dispatcher);
    if (ways.length > 0) this.#dispatchAmong(to, ways, 0, ways.length - 1);
  }

  #dispatchAmong(to: ByteWriter, ways: readonly Way[], from: number, last: number): void {
    if (from === last) {
      writeOne(to, BR, this.#control.depthOf(this.#labelOf(ways[from]?.rank ?? 0)));
      return;
    }
    const middle = (from + last) >> 1;
    writeOne(to, LOCAL_GET, this.point);
    writeConstant(to, ways[middle]?.last ?? 0);
    to.bytes([INSTRUCTIONS["i32.le_u"], INSTRUCTIONS.if, NO_RESULT]);
    this.#control.labelsOpen += 1;
    this.#dispatchAmong(to, ways, from, middle);
    to.u8(ELSE);
    this.#dispatchAmong(to, ways, middle + 1, last);
    to.u8(END);
    this.#control.labelsOpen -= 1;
  }

  /** Leaves all calls, from `inside` so many blocks, to come back at `point`. */
  unwindTo(point: number, inside: number): void {
    writeConstant(this.#code, point);
    writeOne(this.#code, LOCAL_SET, this.point);
    writeOne(this.#code, BR, this.unwind(inside));
  }

  /** Ends the block that leads to the next point; its number. All operands wait in their locals. */
  #endWay(): number {
    this.#code.u8(END);
    this.#control.labelsOpen -= 1;
    return ++this.#points;
  }

  /** Where the program comes back to for the next point: its number. In front of the instruction that was read. */
  beginPoint(): number {
    this.#writer.spill();
    return this.#endWay();
  }

  /** Behind a call that may have been suspended: if so, this function is left as well, to go on at `point`. */
  unwindFrom(point: number): void {
    writeOne(this.#code, INSTRUCTIONS["global.get"], PROGRAM_GLOBALS.state);
    openUnlikely(this.#code);
    this.unwindTo(point, 1);
    this.#code.u8(END);
  }

  /** Branches: `br_if`, and those behind which nothing is reached: `br`, `return`, `br_table`. */
  branchIf(label: number): void {
    this.#branches.branchIf(label);
  }

  branch(label: number = this.#control.depth - 1): void {
    this.#branches.branch(label);
    this.leave();
  }

  branchTable(): void {
    this.#branches.branchTable();
    this.leave();
  }

  /** Values that branches through tables carry, as often as they are looked at. */
  get tableMoves(): number {
    return this.#branches.tableMoves;
  }

  /** Ends the first half of an `if`. */
  else(): void {
    this.#else(true);
  }

  #else(isReached: boolean): void {
    const writer = this.#writer;
    const control = this.#control;
    const { operands } = writer;
    const place = control.depth - 1;
    const type = control.types[place] as FunctionType;
    if (control.kinds[place] !== KIND.if || control.isElse[place] === 1)
      refuse("Malformed", writer.reader.start, "else");
    control.isElse[place] = 1;
    if (isReached) writer.ensure(type.results.length);
    writer.replace();
    operands.height = operands.base;
    operands.real = control.reals[place] ?? 0;
    if (control.isMoved[place] === 1) {
      if (isReached) this.#leaveMoved(place, type.results);
      this.#endLabel();
      this.#restore(type.parameters);
    } else {
      this.#code.u8(ELSE);
      operands.pushAll(type.parameters);
    }
    this.#context.regions.resume(control.regions[place] ?? 0);
  }

  /** Branches to the end of a block that was moved, with its results. */
  #leaveMoved(place: number, results: readonly number[]): void {
    this.#carriers.carry(place, results);
    writeOne(this.#code, BR, this.#control.branchTo(place));
  }

  #endLabel(): void {
    this.#code.u8(END);
    this.#control.labelsOpen -= 1;
  }

  /** Ends the block that is open; of the function only what it leaves is put in place. */
  close(): void {
    this.#close(true);
  }

  #close(isReached: boolean): void {
    const writer = this.#writer;
    const control = this.#control;
    const { operands } = writer;
    const { regions } = this.#context;
    const place = control.depth - 1;
    const type = control.types[place] as FunctionType;
    if (isReached) writer.ensure(type.results.length);
    writer.replace();
    control.depth = place;
    if (place === 0) return;
    this.#writeEnd(place, type, isReached);
    operands.height = operands.base;
    operands.base = control.lowers[place] ?? 0;
    operands.real = control.reals[place] ?? 0;
    regions.resume(control.regions[place] ?? 0);
    if (control.isCase[place] === 1) regions.open(this.#code);
    if (control.isMoved[place] === 1) this.#carriers.push(place, type.results);
    else operands.pushAll(type.results);
  }

  #writeEnd(place: number, type: FunctionType, isReached: boolean): void {
    const control = this.#control;
    const isMoved = control.isMoved[place] === 1;
    if (!isMoved) {
      this.#endLabel();
      return;
    }
    if (control.kinds[place] === KIND.loop) {
      if (isReached) this.#carriers.carry(place, type.results);
      this.#endLabel();
      this.#closeInnermost(place);
      this.#first = control.outerFirst[place] ?? 0;
      this.#labels = control.outerLabels[place] ?? 0;
      return;
    }
    if (control.kinds[place] === KIND.if && control.isElse[place] === 0) {
      if (isReached) this.#leaveMoved(place, type.results);
      this.#endLabel();
      this.#passThrough(place, type.parameters);
    } else if (isReached) this.#carriers.carry(place, type.results);
    this.#endLabel();
  }

  #closeInnermost(place: number): void {
    if (this.#control.innermost !== place) return;
    const { regions } = this.#context;
    regions.store(this.#code);
    regions.leave();
    this.#control.innermost = -1;
  }

  /** An `if` without `else` leaves what it was given. */
  #passThrough(place: number, parameters: readonly number[]): void {
    const { operands } = this.#writer;
    operands.height = operands.base;
    this.#restore(parameters);
    this.#carriers.carryFromLocals(place, parameters);
  }
}
