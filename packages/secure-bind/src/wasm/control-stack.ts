/** The blocks that are open at a place in a function, with what the walk must know of each. */

/** One block, loop, if or function after another, as columns; nothing is allocated once it has grown. */
export class ControlStack {
  /** How many are open, the function itself included. */
  depth = 0;
  /** `KIND` of each. */
  readonly kinds: Uint8Array;
  /** Operands below those that the block takes. */
  readonly heights: Int32Array;
  /** How many it takes, and how many it leaves. */
  readonly parameters: Int32Array;
  readonly results: Int32Array;
  /** The region that was paying when it was opened. */
  readonly regions: Int32Array;
  /** Instructions on the longest way to where it was opened, and to a branch out of it. */
  readonly entryPaths: Int32Array;
  readonly exitPaths: Int32Array;
  /** 1 when a table of labels branches to it. */
  readonly isCase: Uint8Array;
  /** Where the last table of labels stands that branches to it. */
  readonly tables: Int32Array;

  constructor(most: number) {
    this.kinds = new Uint8Array(most);
    this.heights = new Int32Array(most);
    this.parameters = new Int32Array(most);
    this.results = new Int32Array(most);
    this.regions = new Int32Array(most);
    this.entryPaths = new Int32Array(most);
    this.exitPaths = new Int32Array(most);
    this.isCase = new Uint8Array(most);
    this.tables = new Int32Array(most);
  }

  /** Opens one; its types are written to the columns of place `depth - 1` by whoever calls. */
  open(kind: number, height: number, region: number, path: number): number {
    const place = this.depth++;
    this.kinds[place] = kind;
    this.heights[place] = height;
    this.regions[place] = region;
    this.entryPaths[place] = path;
    this.exitPaths[place] = 0;
    this.isCase[place] = 0;
    this.tables[place] = 0;
    return place;
  }

  /** Notes that a branch, `path` instructions from the start, leaves the block with this label. */
  exit(label: number, path: number): number {
    const place = this.depth - 1 - label;
    if (path > (this.exitPaths[place] ?? 0)) this.exitPaths[place] = path;
    return place;
  }
}
