/** The blocks that are open at a place in a program's function. */
import type { FunctionType } from "./parsed-module.ts";

/** One block after another, as columns; nothing is allocated once it has grown. */
export class ProgramControl {
  /** How many are open, the function itself included. */
  depth = 0;
  /** Labels that are open in what is written. */
  labelsOpen = 0;
  /** The loop that is open without points in it, or -1. */
  innermost = -1;
  /** `KIND` of each. */
  readonly kinds: Uint8Array;
  /** What it takes and leaves. */
  readonly types: FunctionType[];
  /** Operands below those that it takes. */
  readonly bases: Int32Array;
  /** Its number in the plan. */
  readonly blocks: Int32Array;
  /** Where its label is among those that are open in what is written: 0 is the function's own. */
  readonly labels: Int32Array;
  /** 1 when it was opened by a dispatcher, so that nothing of it is written where it was. */
  readonly isMoved: Uint8Array;
  /** 1 behind its `else`. */
  readonly isElse: Uint8Array;
  /** The region that was paying when it was opened. */
  readonly regions: Int32Array;
  /** 1 when a table of labels branches to it. */
  readonly isCase: Uint8Array;
  /** Where the last table of labels stands that branches to it. */
  readonly tables: Int32Array;
  /** The base of operands around it, and how many operands below its own were on the machine's stack. */
  readonly lowers: Int32Array;
  readonly reals: Int32Array;
  /** For a loop: the first label of the dispatcher around it and how many it has, to go back to. */
  readonly outerFirst: Int32Array;
  readonly outerLabels: Int32Array;

  constructor(most: number) {
    this.kinds = new Uint8Array(most);
    this.types = new Array<FunctionType>(most);
    this.bases = new Int32Array(most);
    this.blocks = new Int32Array(most);
    this.labels = new Int32Array(most);
    this.isMoved = new Uint8Array(most);
    this.isElse = new Uint8Array(most);
    this.regions = new Int32Array(most);
    this.isCase = new Uint8Array(most);
    this.tables = new Int32Array(most);
    this.lowers = new Int32Array(most);
    this.reals = new Int32Array(most);
    this.outerFirst = new Int32Array(most);
    this.outerLabels = new Int32Array(most);
  }

  /** Opens one; its label and where it came from are for whoever calls. */
  open(kind: number, type: FunctionType, base: number, region: number): number {
    const place = this.depth++;
    this.kinds[place] = kind;
    this.types[place] = type;
    this.bases[place] = base;
    this.regions[place] = region;
    this.isMoved[place] = 0;
    this.isElse[place] = 0;
    this.isCase[place] = 0;
    this.tables[place] = 0;
    return place;
  }

  /** How a branch to a label is written. */
  depthOf(label: number): number {
    return this.labelsOpen - 1 - label;
  }

  /** How a branch to the block at `place` is written. */
  branchTo(place: number): number {
    return this.depthOf(this.labels[place] ?? 0);
  }
}
