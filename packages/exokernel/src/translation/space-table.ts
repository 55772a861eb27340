/**
 * Address spaces: one for an environment at most, in the machine's arena.
 *
 * What programs look at are the tables in the arena, which hold what is in the machine's
 * translation buffer. The page table is the kernel's: for every page its entry, and its place in the
 * list of all pages that have the same frame:
 *
 *     entries   per page   the entry of its page table (see page-entry.ts)
 *     next      per page   link to another page with this frame, 0 at the end
 *     previous  per page   the way back, 0 at the beginning
 *     used      per group  1 when a page of the group has been bound or marked since it was zero
 *
 * A link is the row of the environment and the page in it, counted from 1. Small and
 * large pages have lists of their own, which begin in `small` by frame and in
 * `large` by run of 16 frames.
 *
 * Holds: a translation is in the tables only if its page is bound and was accessed, and in
 * that for writing only if it is writable and dirty; arena that no space has is zero; `frames.translations` counts the pages of all
 * spaces that reach a frame.
 */
import {
  ENTRY_BYTES,
  FRAME_BYTES,
  spaceBytes,
  tableBytes,
  tableEntries,
  type PageBits,
} from "@exolith/hw-model";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { ENVIRONMENTS } from "../abi/limits.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { ENTRY, entryOf, frameIn, has } from "./page-entry.ts";
import { isCached, show } from "./software-buffer.ts";

/** One address space. */
export interface Space {
  /** Row of the environment whose it is. */
  readonly row: number;
  readonly bits: PageBits;
  /** Physical address of its tables. */
  readonly base: number;
  readonly entries: Uint32Array;
  readonly next: Uint32Array;
  readonly previous: Uint32Array;
  readonly used: Uint8Array;
  /** Pages that are bound. */
  count: number;
  /** Programs that run in it. */
  programs: number;
  /** Accesses that missed, and those that the page table answered. */
  misses: number;
  refills: number;
}

/** What the kernel has for the pages of one; where none has it, `entries` and `used` are zero. */
type PageLists = Pick<Space, "entries" | "next" | "previous" | "used">;

/** Every address space, and where the lists of pages begin. */
export interface Spaces {
  /** By row of the environment. */
  readonly rows: (Space | undefined)[];
  readonly small: Uint32Array;
  readonly large: Uint32Array;
  /** Of address spaces that ended, for the next ones: no more than the arena had room for at once. */
  readonly spare: Readonly<Record<PageBits, PageLists[]>>;
}

/** Pages of one group, which is cleared as one: 4 KiB of each table. */
const GROUP_PAGES = FRAME_BYTES / ENTRY_BYTES;
/** Bits of the page in a link. */
const LINK_BITS = 20;
/** Frames of a large page. */
const LARGE_FRAMES = 16;

/** No address spaces on a machine of `frames` frames. */
export const makeSpaces = (frames: number): Spaces => ({
  rows: new Array<Space | undefined>(ENVIRONMENTS).fill(undefined),
  small: new Uint32Array(frames),
  large: new Uint32Array(Math.ceil(frames / LARGE_FRAMES)),
  spare: { 12: [], 16: [] },
});

function makeLists(bits: PageBits): PageLists {
  const pages = tableEntries(bits);
  return {
    entries: new Uint32Array(pages),
    next: new Uint32Array(pages),
    previous: new Uint32Array(pages),
    used: new Uint8Array(pages / GROUP_PAGES),
  };
}

/** Bytes of the lists for one page. */
const LIST_BYTES = 12;

/** Frames of one page. */
export const pageFrames = ({ bits }: Space): number => 2 ** bits / FRAME_BYTES;

const UNUSED = { count: 0, programs: 0, misses: 0, refills: 0 };

/** Makes the caller's address space. Charged as if its lists had to be cleared, so that nobody sees what others had. O(environments), or O(pages). */
export function translationCreate(
  kernel: Kernel,
  caller: Environment,
  pageBytes: unknown,
): Sys<undefined, "BadRange" | "Busy" | "Full"> {
  const bits = pageBytes === 4096 ? 12 : pageBytes === 65_536 ? 16 : undefined;
  if (bits === undefined) return ERRORS.BadRange;
  if (kernel.spaces.rows[caller.row] !== undefined) return ERRORS.Busy;
  const base = findRoom(kernel, spaceBytes(bits));
  if (base < 0) return ERRORS.Full;
  kernel.machine.meter.charge("touchByte", tableEntries(bits) * LIST_BYTES);
  const lists = kernel.spaces.spare[bits].pop() ?? makeLists(bits);
  kernel.spaces.rows[caller.row] = { ...lists, ...UNUSED, row: caller.row, bits, base };
  return undefined;
}

/** The lowest address in the arena where `bytes` bytes are free, or -1. O(spaces). */
function findRoom({ machine: { memory }, spaces }: Kernel, bytes: number): number {
  const taken = spaces.rows.filter((space) => space !== undefined).toSorted((a, b) => a.base - b.base);
  let at = memory.frames * FRAME_BYTES;
  for (const { base, bits } of taken) {
    if (base - at >= bytes) break;
    at = base + spaceBytes(bits);
  }
  return at + bytes <= memory.bytes.length ? at : -1;
}

/** Ends the caller's address space. */
export function translationDestroy(
  kernel: Kernel,
  caller: Environment,
): Sys<undefined, "BadTranslation" | "Busy"> {
  const space = kernel.spaces.rows[caller.row];
  if (space === undefined) return ERRORS.BadTranslation;
  if (space.programs > 0) return ERRORS.Busy;
  releaseSpace(kernel, caller);
  return undefined;
}

/**
 * Ends the address space of an environment, if it has one, and clears what was used of it.
 *
 * To unbind was paid for by who bound. O(groups + pages of the groups used).
 */
export function releaseSpace(kernel: Kernel, { row }: Environment): void {
  const space = kernel.spaces.rows[row];
  if (space === undefined) return;
  const { meter, memory } = kernel.machine;
  const { base, bits, entries, next, previous, used } = space;
  meter.charge("word", used.length);
  for (let group = 0; group < used.length; group++) {
    if (used[group] === 0) continue;
    const first = group * GROUP_PAGES;
    for (let page = first; page < first + GROUP_PAGES; page++) unbindPage(kernel, space, page);
    entries.fill(0, first, first + GROUP_PAGES);
    meter.charge("touchByte", 2 * FRAME_BYTES);
    used[group] = 0;
  }
  memory.bytes.fill(0, base + 2 * tableBytes(bits), base + spaceBytes(bits));
  kernel.spaces.rows[row] = undefined;
  kernel.spaces.spare[bits].push({ entries, next, previous, used });
}

/** True for a page that is bound. O(1). */
export const isBound = ({ entries }: Space, page: number): boolean => has(entries[page] ?? 0, ENTRY.present);

/** True for a page that is bound and that the kernel finds at a miss. O(1). */
export const isFound = (kernel: Kernel, space: Space, page: number): boolean =>
  isBound(space, page) && isCached(kernel, space, page);

/** Changes the entry of a page, wherever it is kept; what the translation buffer has of it is out. O(1). */
export function setEntry(kernel: Kernel, space: Space, page: number, entry: number): void {
  const wasBound = isBound(space, page);
  space.entries[page] = entry;
  space.used[Math.floor(page / GROUP_PAGES)] = 1;
  if (!wasBound && !has(entry, ENTRY.present)) return;
  kernel.machine.translation.invalidate(space, page);
  show(kernel, space, page, has(entry, ENTRY.present) ? entry : 0);
}

/**
 * Answers a miss from the page table; false for an access that it does not allow. O(1).
 *
 * Sets the bits that say that a page was accessed and, when it is written, that it is dirty. A page that
 * is not dirty is entered for reading: so the first write is seen.
 */
export function refill(
  kernel: Kernel,
  space: Space,
  asid: number,
  page: number,
  isWritten: boolean,
): boolean {
  const { meter, translation } = kernel.machine;
  if (kernel.softwareBuffer === 0) meter.charge("word", WALK_WORDS);
  else meter.charge("softwareRefill", 1);
  const entry = space.entries[page] ?? 0;
  if (!isFound(kernel, space, page) || (isWritten && !has(entry, ENTRY.writable))) return false;
  const used = entry | ENTRY.accessed | (isWritten ? ENTRY.dirty : 0);
  space.entries[page] = used;
  show(kernel, space, page, used);
  const isWritable = has(used, ENTRY.writable) && has(used, ENTRY.dirty);
  translation.write(asid, space, page, frameIn(entry) * FRAME_BYTES, isWritable);
  return true;
}

/** Words that a walk of the page table loads: its two levels. */
const WALK_WORDS = 2;

const linkTo = ({ row }: Space, page: number): number => ((row << LINK_BITS) | page) + 1;
const pageIn = (link: number): number => (link - 1) & (2 ** LINK_BITS - 1);
const spaceIn = ({ spaces }: Kernel, link: number): Space | undefined =>
  spaces.rows[(link - 1) >>> LINK_BITS];

/** Where the list of all pages of a space's size with `frame` begins, and at which index. */
const beginning = ({ spaces }: Kernel, { bits }: Space): Uint32Array =>
  bits === 12 ? spaces.small : spaces.large;
const indexOf = ({ bits }: Space, frame: number): number => (bits === 12 ? frame : frame / LARGE_FRAMES);

/** Binds a page to the frame in which it begins, in place of what was there. The caller has checked that it may. O(1). */
export function bindPage(
  kernel: Kernel,
  space: Space,
  page: number,
  frame: number,
  isWritable: boolean,
): void {
  unbindPage(kernel, space, page);
  const list = beginning(kernel, space);
  const index = indexOf(space, frame);
  const link = linkTo(space, page);
  const next = list[index] ?? 0;
  space.next[page] = next;
  space.previous[page] = 0;
  const other = spaceIn(kernel, next);
  if (other !== undefined) other.previous[pageIn(next)] = link;
  list[index] = link;
  setEntry(kernel, space, page, entryOf(frame, isWritable));
  count(kernel, space, frame, 1);
}

/** Unbinds a page, if it is bound. O(1). */
export function unbindPage(kernel: Kernel, space: Space, page: number): void {
  if (!isBound(space, page)) return;
  const frame = frameIn(space.entries[page] ?? 0);
  const next = space.next[page] ?? 0;
  const previous = space.previous[page] ?? 0;
  const before = spaceIn(kernel, previous);
  const after = spaceIn(kernel, next);
  if (before === undefined) beginning(kernel, space)[indexOf(space, frame)] = next;
  else before.next[pageIn(previous)] = next;
  if (after !== undefined) after.previous[pageIn(next)] = previous;
  setEntry(kernel, space, page, 0);
  count(kernel, space, frame, -1);
}

function count({ frames: { translations } }: Kernel, space: Space, first: number, delta: 1 | -1): void {
  space.count += delta;
  for (let f = first; f < first + pageFrames(space); f++) translations[f] = (translations[f] ?? 0) + delta;
}

/** Takes away every translation to a frame from `first` up to `end`, in every space; who wrote them has paid. O(count + translations). */
export function breakTranslationsOn(kernel: Kernel, first: number, end: number): void {
  for (let f = first; f < end; f++) {
    if (kernel.frames.translations[f] === 0) continue;
    breakList(kernel, kernel.spaces.small, f);
    breakList(kernel, kernel.spaces.large, Math.floor(f / LARGE_FRAMES));
  }
}

function breakList(kernel: Kernel, list: Uint32Array, index: number): void {
  for (let link = list[index] ?? 0; link !== 0; link = list[index] ?? 0) {
    const space = spaceIn(kernel, link);
    if (space !== undefined) unbindPage(kernel, space, pageIn(link));
  }
}

/** Words that a page takes to bind and to unbind: its entry, its links and the count, twice. */
export const LINK_WORDS = 12;
