/** Branches of a program's function, to blocks that were moved and to others. */
import type { ByteWriter } from "./byte-writer.ts";
import { writeOne } from "./charges.ts";
import type { FuelRegions } from "./fuel-regions.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { demandWithin, type ModuleLimits } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import { KIND } from "./opcodes.ts";
import type { OperandWriter } from "./operand-writer.ts";
import type { FunctionType } from "./parsed-module.ts";
import type { ProgramControl } from "./program-control.ts";
import { writeConstant } from "./program-frame.ts";
import { SLOT } from "./scratch-locals.ts";
import { ValueCarriers } from "./value-carriers.ts";

const BR = INSTRUCTIONS.br;
const BR_IF = INSTRUCTIONS.br_if;
const BR_TABLE = INSTRUCTIONS.br_table;
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];

/** Writes branches; whoever calls knows what is reached behind them. */
export class ProgramBranches {
  readonly #writer: OperandWriter;
  readonly #code: ByteWriter;
  readonly #control: ProgramControl;
  readonly #regions: FuelRegions;
  readonly #carriers: ValueCarriers;
  /** Values that branches through tables carry, as often as they are looked at: see moves.ts. */
  tableMoves = 0;

  /** Branches of the function, those of tables one by one. */
  count = 0;
  readonly #limits: ModuleLimits;

  constructor(writer: OperandWriter, control: ProgramControl, regions: FuelRegions, limits: ModuleLimits) {
    this.#limits = limits;
    this.#writer = writer;
    this.#code = writer.code;
    this.#control = control;
    this.#regions = regions;
    this.#carriers = new ValueCarriers(writer);
  }

  /** The block that a branch with this label goes to. */
  #target(label: number): number {
    const place = this.#control.depth - 1 - label;
    this.count += 1;
    demandWithin(this.count, this.#limits, "branches", this.#writer.reader.start);
    return place >= 0 ? place : refuse("Invalid", this.#writer.reader.start, "label");
  }

  #label(place: number): number {
    return this.#control.branchTo(place);
  }

  /** The values that branches to the block at `place` carry. */
  #carried(place: number): readonly number[] {
    const type = this.#control.types[place] as FunctionType;
    return this.#control.kinds[place] === KIND.loop ? type.parameters : type.results;
  }

  /** In front of a branch to the block at `place`, if that leaves a loop which counts fuel in a local. */
  #leaveInnermost(place: number): void {
    if (place < this.#control.innermost) this.#regions.store(this.#code);
  }

  /** `br`. */
  branch(label: number): void {
    const place = this.#target(label);
    const types = this.#carried(place);
    this.#writer.ensure(types.length);
    this.#writer.replace();
    if (this.#control.isMoved[place] === 1) this.#carriers.carry(place, types);
    this.#leaveInnermost(place);
    writeOne(this.#code, BR, this.#label(place));
  }

  /** `br_if`. */
  branchIf(label: number): void {
    const writer = this.#writer;
    const place = this.#target(label);
    const types = this.#carried(place);
    writer.ensure(types.length + 1);
    writer.operands.pop(1, writer.reader.start);
    writer.replace();
    if (types.length > 0 && this.#control.isMoved[place] === 1) {
      const condition = writer.scratch.local(SLOT.i32);
      writeOne(this.#code, LOCAL_SET, condition);
      this.#carriers.carry(place, types);
      this.#carriers.load(place, types);
      writeOne(this.#code, LOCAL_GET, condition);
    }
    this.#leaveInnermost(place);
    writeOne(this.#code, BR_IF, this.#label(place));
  }

  /** `br_table`. */
  branchTable(): void {
    const writer = this.#writer;
    const { reader } = writer;
    const { at, first: count } = reader;
    reader.at = reader.second;
    const targets: number[] = [];
    for (let i = 0; i <= count; i++) targets.push(this.#markCase(this.#target(reader.u32())));
    reader.at = at;
    const types = this.#carried(targets[count] ?? 0);
    writer.ensure(types.length + 1);
    writer.replace();
    this.#leaveInnermost(targets.reduce((least, place) => Math.min(least, place)));
    if (types.length > 0 && targets.some((place) => this.#control.isMoved[place] === 1))
      this.#branchOneByOne(targets, types);
    else {
      this.#code.u8(BR_TABLE);
      this.#code.u32(count);
      for (const place of targets) this.#code.u32(this.#label(place));
    }
  }

  /** What follows a block that a table branches out of is a region of its own. */
  #markCase(place: number): number {
    const control = this.#control;
    const { start } = this.#writer.reader;
    if (place > 0 && control.kinds[place] !== KIND.loop) control.isCase[place] = 1;
    this.tableMoves += control.tables[place] === start ? 1 : this.#writer.operands.height;
    control.tables[place] = start;
    return place;
  }

  /** A table of labels of which some take values through locals. */
  #branchOneByOne(targets: readonly number[], types: readonly number[]): void {
    const code = this.#code;
    const index = this.#writer.scratch.local(SLOT.i32);
    const here = this.#control.depth;
    writeOne(code, LOCAL_SET, index);
    this.#carriers.carry(here, types);
    for (const [i, place] of targets.entries()) {
      this.#carriers.load(here, types);
      if (this.#control.isMoved[place] === 1) this.#carriers.carry(place, types);
      if (i === targets.length - 1) {
        writeOne(code, BR, this.#label(place));
        return;
      }
      writeOne(code, LOCAL_GET, index);
      writeConstant(code, i);
      code.u8(INSTRUCTIONS["i32.eq"]);
      writeOne(code, BR_IF, this.#label(place));
      if (this.#control.isMoved[place] === 0) for (const _ of types) code.u8(INSTRUCTIONS.drop);
    }
  }
}
