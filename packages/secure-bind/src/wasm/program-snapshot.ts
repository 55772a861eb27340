/** What a program holds besides its memory, taken at one place and given to another. */
import type { ProgramSnapshot, RewrittenProgram } from "./program.ts";
import { RESERVED_PREFIX } from "./runtime.ts";

/** Values of numbers, as a program takes them. */
export type Values = readonly (number | bigint)[];

/** What is kept of a program. */
export interface SnapshotParts {
  readonly program: RewrittenProgram;
  readonly pages: number;
  /** Values of the globals that may change, in their order. */
  readonly globals: Values;
  /** Its saved calls; empty when it is not in the middle of something of its own. */
  readonly context: Uint8Array;
  readonly isSuspended: boolean;
  /** The name of what was entered last, and with which values. */
  readonly entered: string;
  readonly values: Values;
  readonly zeros: Values;
}

/** The name under which the global with this number is exported. */
export const globalName = (index: number): string => `${RESERVED_PREFIX}global:${index}`;

const parts = new WeakMap<ProgramSnapshot, SnapshotParts>();

/** The private parts of a snapshot. **Fails** throws a `RangeError` for what `makeSnapshot` did not make. */
export function snapshotParts(snapshot: ProgramSnapshot): SnapshotParts {
  const known = parts.get(snapshot);
  if (known === undefined) throw new RangeError("no snapshot of a program");
  return known;
}

/** A snapshot, of which only numbers can be seen. */
export function makeSnapshot(kept: SnapshotParts): ProgramSnapshot {
  const { program, pages, context } = kept;
  const snapshot: ProgramSnapshot = Object.freeze({ program, pages, contextBytes: context.length });
  parts.set(snapshot, kept);
  return snapshot;
}
