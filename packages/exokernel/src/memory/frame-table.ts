/**
 * The frame table: who holds each page frame, and what is bound to it.
 *
 *     column     unit          written by
 *     owner      EnvId         alloc, free; 0 is free, KERNEL an orphan's or the kernel's own
 *     lastOwner  EnvId         alloc; whose bytes the frame still contains, 0 for zeros,
 *                              NOBODY_ALIVE once that environment is dead
 *     bindings   windows       bind, unbind
 *     pins       rings, disk   bind and unbind, transfer begin and end, guardExtend,
 *                transfers,    predicateWait
 *                guards and
 *                predicates
 *     orphan     0 or 1        the owner died, or lost the frame, while something pinned it
 *     guaranteed 0 or 1        framesGuarantee, free: never repossessed
 *     regions    regions       regionCreate, regionDestroy
 *     translations pages       tlbWrite, tlbRemove, translationDestroy
 *     guards     guard         alloc, guardSet, guardExtend
 */
import { KERNEL } from "../abi/ids.ts";
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
  readonly translations: Uint32Array;
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
  translations: new Uint32Array(count),
  guards: new Array<Guard | undefined>(count).fill(undefined),
  free: count,
  hint: 0,
});

/** Throws unless the table's invariants hold; for tests, never while the kernel works. */
export function checkFrameTable(table: FrameTable): void {
  let free = 0;
  for (let f = 0; f < table.count; f++) {
    if (table.owner[f] === 0) {
      checkFree(table, f);
      free += 1;
    } else checkHeld(table, f);
  }
  if (free !== table.free) throw new Error(`free count ${table.free}, found ${free}`);
}

function expectThat(holds: boolean, f: number, what: string): void {
  if (!holds) throw new Error(`frame ${f}: ${what}`);
}

/** Nothing is left on a frame that is free. */
function checkFree(table: FrameTable, f: number): void {
  const { bindings, pins, orphan, guaranteed, regions, translations, guards } = table;
  expectThat(bindings[f] === 0 && pins[f] === 0, f, "free but bound");
  expectThat(regions[f] === 0 && translations[f] === 0, f, "free with regions or translations");
  expectThat(orphan[f] === 0 && guaranteed[f] === 0, f, "free but an orphan or guaranteed");
  expectThat(guards[f] === undefined, f, "free with a guard");
}

/** A frame that is held has a guard and its owner's bytes; an orphan waits for its last pin to go, and is of no other use. */
function checkHeld(table: FrameTable, f: number): void {
  const { owner, lastOwner, bindings, pins, orphan, guaranteed, regions, translations, guards } = table;
  const guard = guards[f];
  expectThat(guard !== undefined, f, "held without a guard");
  expectThat(
    guard === undefined || guard.list < 0 || (pins[guard.list] ?? 0) > 0,
    f,
    "its list is not pinned",
  );
  const isOwners = lastOwner[f] === owner[f];
  if (orphan[f] === 0) return expectThat(isOwners, f, "another's bytes");
  expectThat(owner[f] === KERNEL, f, "an orphan that is somebody's");
  expectThat((pins[f] ?? 0) > 0, f, "an orphan that nothing pins");
  const isUsed = bindings[f] !== 0 || regions[f] !== 0 || translations[f] !== 0 || guaranteed[f] !== 0;
  expectThat(!isUsed, f, "an orphan that is used");
}
