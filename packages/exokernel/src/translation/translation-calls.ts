/** The translation calls: pages bound to frames, their rights, and away again. */
import { tableEntries } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { PAGE_USE } from "../abi/program-tables.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { authoriseFrames } from "../memory/frame-calls.ts";
import { ENTRY, MARKS, has, withMark } from "./page-entry.ts";
import {
  LINK_WORDS,
  bindPage,
  isBound,
  pageFrames,
  setEntry,
  unbindPage,
  type Space,
} from "./space-table.ts";

/** What `tlbWrite` is asked for. */
export interface WriteRequest {
  readonly page: unknown;
  readonly frame: unknown;
  readonly count: unknown;
  readonly rights: unknown;
  readonly slot: unknown;
}

const areRights = (rights: unknown): rights is number => rights === RIGHTS.none || rights === RIGHTS.write;

const arePages = ({ bits }: Space, page: unknown, count: unknown): boolean =>
  isRun(page, count, tableEntries(bits));

/**
 * Binds pages to frames, all or none. O(frames).
 *
 * Who binds a page pays for its end as well: whoever frees a frame, which may be
 * somebody who shares it, is not charged for what others bound. On a host, where time
 * is what it takes, the freeing of a frame is as long as there are pages with it: those
 * of all address spaces in the arena, at most.
 */
export function tlbWrite(
  kernel: Kernel,
  caller: Environment,
  { page, frame, count, rights, slot }: WriteRequest,
): Sys<undefined, "BadTranslation" | "BadRange" | "BadFrame" | "BadSlot" | "BadCapability"> {
  const space = kernel.spaces.rows[caller.row];
  if (space === undefined) return ERRORS.BadTranslation;
  if (!arePages(space, page, count) || !areRights(rights)) return ERRORS.BadRange;
  const each = pageFrames(space);
  if (frame === 0 || !isIndex(frame, kernel.frames.count) || frame % each !== 0) return ERRORS.BadFrame;
  const pages = count as number;
  const run = { first: frame, count: pages * each };
  if (!isRun(run.first, run.count, kernel.frames.count)) return ERRORS.BadRange;
  const refused = authoriseFrames(kernel, caller, { ...run, slot, rights });
  if (refused !== undefined) return refused;
  for (let i = 0; i < pages; i++)
    bindPage(kernel, space, (page as number) + i, frame + i * each, rights === RIGHTS.write);
  kernel.machine.meter.charge("word", pages * LINK_WORDS);
  return undefined;
}

/** The caller's address space, if it has the pages that a call names. */
function spaceWith(
  { spaces }: Kernel,
  caller: Environment,
  page: unknown,
  count: unknown,
): Space | Exclude<Sys<undefined, "BadTranslation" | "BadRange">, undefined> {
  const space = spaces.rows[caller.row];
  if (space === undefined) return ERRORS.BadTranslation;
  return arePages(space, page, count) ? space : ERRORS.BadRange;
}

/** Changes the rights of pages that are bound, all or none. O(count). */
export function tlbProtect(
  kernel: Kernel,
  caller: Environment,
  page: unknown,
  count: unknown,
  rights: unknown,
): Sys<undefined, "BadTranslation" | "BadRange"> {
  const space = spaceWith(kernel, caller, page, count);
  if ("code" in space) return space;
  if (!areRights(rights)) return ERRORS.BadRange;
  const end = (page as number) + (count as number);
  const isWritable = rights === RIGHTS.write;
  for (let p = page as number; isWritable && p < end; p++)
    if (isBound(space, p) && !has(space.entries[p] ?? 0, ENTRY.mayWrite)) return ERRORS.BadTranslation;
  for (let p = page as number; p < end; p++) {
    const entry = space.entries[p] ?? 0;
    const changed = isWritable ? entry | ENTRY.writable : entry & ~ENTRY.writable;
    if (isBound(space, p)) setEntry(kernel, space, p, changed >>> 0);
  }
  kernel.machine.meter.charge("word", count as number);
  return undefined;
}

/** Unbinds pages, where they are bound. O(count). */
export function tlbRemove(
  kernel: Kernel,
  caller: Environment,
  page: unknown,
  count: unknown,
): Sys<undefined, "BadTranslation" | "BadRange"> {
  const space = spaceWith(kernel, caller, page, count);
  if ("code" in space) return space;
  const end = (page as number) + (count as number);
  for (let p = page as number; p < end; p++) unbindPage(kernel, space, p);
  kernel.machine.meter.charge("word", count as number);
  return undefined;
}

/** Gives pages a mark, all or none. O(count). */
export function tlbMark(
  kernel: Kernel,
  caller: Environment,
  page: unknown,
  count: unknown,
  mark: unknown,
): Sys<undefined, "BadTranslation" | "BadRange"> {
  const space = spaceWith(kernel, caller, page, count);
  if ("code" in space) return space;
  if (!isIndex(mark, MARKS.unbound)) return ERRORS.BadRange;
  const end = (page as number) + (count as number);
  for (let p = page as number; mark >= MARKS.bound && p < end; p++)
    if (isBound(space, p)) return ERRORS.BadRange;
  for (let p = page as number; p < end; p++)
    setEntry(kernel, space, p, withMark(space.entries[p] ?? 0, mark));
  kernel.machine.meter.charge("word", count as number);
  return undefined;
}

/** Forgets that pages were accessed, or that they are dirty. O(count). */
export function tlbClear(
  kernel: Kernel,
  caller: Environment,
  page: unknown,
  count: unknown,
  use: unknown,
): Sys<undefined, "BadTranslation" | "BadRange"> {
  const space = spaceWith(kernel, caller, page, count);
  if ("code" in space) return space;
  if (!isIndex(use, USE_END)) return ERRORS.BadRange;
  const end = (page as number) + (count as number);
  const cleared =
    (has(use, PAGE_USE.accessed) ? ENTRY.accessed : 0) | (has(use, PAGE_USE.dirty) ? ENTRY.dirty : 0);
  for (let p = page as number; p < end; p++)
    if (isBound(space, p)) setEntry(kernel, space, p, ((space.entries[p] ?? 0) & ~cleared) >>> 0);
  kernel.machine.meter.charge("word", count as number);
  return undefined;
}

/** Every use, and one more. */
const USE_END = PAGE_USE.accessed + PAGE_USE.dirty + 1;
