/** How code that has to do with memory is rewritten: what all ways to reach memory have in common. */
import type { ByteWriter } from "./byte-writer.ts";
import type { InstructionReader } from "./instruction-reader.ts";
import type { ScratchLocals } from "./scratch-locals.ts";

/** The numbers of the functions that stand for bulk operations; each is added when it is first asked for. */
export interface BulkFunctions {
  /** `(to, value, count)`: `memory.fill`. */
  fill(): number;
  /** `(to, from, count)`: `memory.copy`. */
  copy(): number;
  /** `(to, from, count)`: `memory.init` of data segment `index`. */
  init(index: number): number;
}

/** Writes what stands for an instruction that has to do with memory. */
export interface MemoryModel {
  /** The functions that stand for its bulk operations. */
  readonly functions: BulkFunctions;
  /** Moves of the engine's compiler for a load and a store, for each local and operand. */
  readonly loadMoves: number;
  readonly storeMoves: number;
  /**
   * The access that `instruction` is, its operands on the stack as they were.
   *
   * **Holds** nothing is written to memory before it is known that all of it may be.
   */
  access(instruction: InstructionReader, to: ByteWriter, scratch: ScratchLocals): void;
  /** `memory.size`: leaves the number of pages. */
  size(to: ByteWriter): void;
  /** `memory.grow`: takes pages, leaves how many there were, or -1. */
  grow(to: ByteWriter, scratch: ScratchLocals): void;
}
