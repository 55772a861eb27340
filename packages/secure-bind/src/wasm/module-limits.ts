/** How large a module may be: all of it bounds work or memory of the host. */
import { refuse } from "./module-refusal.ts";

/** The limits of the rewriter. */
export interface ModuleLimits {
  /** Bytes of the module. */
  readonly bytes: number;
  /** Function types. */
  readonly types: number;
  /** Parameters of a function type, and likewise results. */
  readonly parameters: number;
  /** Imports. */
  readonly imports: number;
  /** Functions of its own. */
  readonly functions: number;
  /** Locals of a function, parameters included. */
  readonly locals: number;
  /** Locals of all functions together, parameters included. */
  readonly allLocals: number;
  /** Bytes of a function's code, its locals included. */
  readonly bodyBytes: number;
  /** Blocks, loops and ifs inside one another. */
  readonly nesting: number;
  /** Estimated bytes of a function's frame on the stack. */
  readonly frameBytes: number;
  /** Globals. */
  readonly globals: number;
  /** Tables. */
  readonly tables: number;
  /** Elements of all tables together, however they grow. */
  readonly tableElements: number;
  /** Elements in all element segments together. */
  readonly elements: number;
  /** Exports. */
  readonly exports: number;
  /** Bytes of one name. */
  readonly nameBytes: number;
  /** Pages of 64 KiB of the memory, which never grows. */
  readonly memoryPages: number;
  /** Data segments. */
  readonly dataSegments: number;
  /** Bytes in all data segments together. */
  readonly dataBytes: number;
  /** Bytes of all function bodies together once they are rewritten. */
  readonly rewrittenBytes: number;
  /** Points of a function at which a program can be suspended: an engine's memory grows with their square. */
  readonly points: number;
  /** Branches of a function, those of tables one by one: an engine counts those to one label in 16 bits. */
  readonly branches: number;
  /** Values that the engine's compiler looks at for a function, as often as it does: see moves.ts. */
  readonly moves: number;
  /** The same of all functions together. */
  readonly allMoves: number;
}

/** What is allowed unless the caller says otherwise: programs of some ten megabytes fit. */
export const MODULE_LIMITS: ModuleLimits = Object.freeze({
  bytes: 32 << 20,
  types: 16_384,
  parameters: 255,
  imports: 1_024,
  functions: 65_536,
  locals: 4_096,
  allLocals: 1 << 20,
  bodyBytes: 1 << 20,
  nesting: 2_048,
  frameBytes: 131_072,
  globals: 4_096,
  tables: 16,
  tableElements: 65_536,
  elements: 65_536,
  exports: 4_096,
  nameBytes: 1_024,
  memoryPages: 16_384,
  dataSegments: 4_096,
  dataBytes: 16 << 20,
  rewrittenBytes: 128 << 20,
  points: 4_096,
  branches: 32_768,
  moves: 1 << 23,
  allMoves: 1 << 26,
});

/** Refuses what is more than the limit called `name`; a limit that is no number allows nothing. */
export function demandWithin(
  count: number,
  limits: ModuleLimits,
  name: keyof ModuleLimits,
  at: number,
): void {
  if (!(count <= limits[name])) refuse("TooLarge", at, name);
}
