/**
 * The frame table: who holds each page frame, and what is bound to it.
 *
 *     column     unit          written by
 *     owner      EnvId         alloc, free; 0 is free
 *     lastOwner  EnvId         alloc; whose bytes the frame still contains, 0 for zeros,
 *                              NOBODY_ALIVE once that environment is dead
 *     bindings   windows       bind, unbind
 *     pins       rings, disk   bind and unbind, transfer begin and end, guardExtend,
 *                transfers,    predicateWait
 *                guards and
 *                predicates
 *     orphan     0 or 1        the owner died while a device used the frame
 *     guaranteed 0 or 1        framesGuarantee, free: never repossessed
 *     regions    regions       regionCreate, regionDestroy
 *     guards     guard         alloc, guardSet, guardExtend
 */
import type { Guard } from "../capability/guard.ts";

/** Columns of the frame table, one entry per frame. */
export interface FrameTable {
  readonly count: number;
  readonly owner: Uint32Array;
  readonly lastOwner: Uint32Array;
  readonly bindings: Uint32Array;
  readonly pins: Uint32Array;
  readonly orphan: Uint8Array;
  readonly guaranteed: Uint8Array;
  readonly regions: Uint16Array;
  readonly guards: (Guard | undefined)[];
  /** Frames whose owner is 0. */
  free: number;
  /** Where the search for any free frame goes on. */
  hint: number;
}

/** Last owner of a frame whose bytes are a dead environment's: no id, so whoever comes next gets zeros. */
export const NOBODY_ALIVE = 0xffff_ffff;

/** A table of `count` free frames, all zero. */
export const makeFrameTable = (count: number): FrameTable => ({
  count,
  owner: new Uint32Array(count),
  lastOwner: new Uint32Array(count),
  bindings: new Uint32Array(count),
  pins: new Uint32Array(count),
  orphan: new Uint8Array(count),
  guaranteed: new Uint8Array(count),
  regions: new Uint16Array(count),
  guards: new Array<Guard | undefined>(count).fill(undefined),
  free: count,
  hint: 0,
});

/** Throws unless the table's invariants hold; for tests, never while the kernel works. */
export function checkFrameTable(table: FrameTable): void {
  let free = 0;
  for (let f = 0; f < table.count; f++) {
    const isFree = table.owner[f] === 0;
    if (isFree) free += 1;
    if (isFree && (table.bindings[f] || table.pins[f])) throw new Error(`free frame ${f} is bound`);
    if (isFree !== (table.guards[f] === undefined)) throw new Error(`frame ${f}: guard and owner disagree`);
  }
  if (free !== table.free) throw new Error(`free count ${table.free}, found ${free}`);
}
