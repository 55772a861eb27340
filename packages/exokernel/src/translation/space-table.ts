/**
 * Address spaces: one for an environment at most, in the machine's arena.
 *
 * What programs look at are the tables in the arena. Beside them the kernel has, for
 * every page, what it was bound for, and its place in the list of all pages that
 * have the same frame:
 *
 *     bound     per page   0 nothing, 1 for reading, 2 for writing as well
 *     next      per page   link to another page with this frame, 0 at the end
 *     previous  per page   the way back, 0 at the beginning
 *     used      per group  1 when a page of the group has been bound since it was zero
 *
 * A link is the row of the environment and the page in it, counted from 1. Small and
 * large pages have lists of their own, which begin in `small` by frame and in
 * `large` by run of 16 frames.
 *
 * Holds: an entry is in the table for writing only if the same is in that for
 * reading; arena that no space has is zero; `frames.translations` counts the pages of all
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

/** One address space. */
export interface Space {
  /** Row of the environment whose it is. */
  readonly row: number;
  readonly bits: PageBits;
  /** Physical address of its tables. */
  readonly base: number;
  readonly bound: Uint8Array;
  readonly next: Uint32Array;
  readonly previous: Uint32Array;
  readonly used: Uint8Array;
  /** Pages that are bound. */
  count: number;
  /** Programs that run in it. */
  programs: number;
}

/** What the kernel has for the pages of one; where none has it, `bound` and `used` are zero. */
type PageLists = Pick<Space, "bound" | "next" | "previous" | "used">;

/** Every address space, and where the lists of pages begin. */
export interface Spaces {
  /** By row of the environment. */
  readonly rows: (Space | undefined)[];
  readonly small: Uint32Array;
  readonly large: Uint32Array;
  /** Of address spaces that ended, for the next ones: no more than the arena had room for at once. */
  readonly spare: Readonly<Record<PageBits, PageLists[]>>;
}

/** What a page is bound for. */
export const BOUND = { nothing: 0, reading: 1, writing: 2 } as const;

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
    bound: new Uint8Array(pages),
    next: new Uint32Array(pages),
    previous: new Uint32Array(pages),
    used: new Uint8Array(pages / GROUP_PAGES),
  };
}

/** Bytes of the lists for one page. */
const LIST_BYTES = 9;

/** Frames of one page. */
export const pageFrames = ({ bits }: Space): number => 2 ** bits / FRAME_BYTES;

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
  kernel.spaces.rows[caller.row] = { ...lists, row: caller.row, bits, base, count: 0, programs: 0 };
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
  const { base, bits, bound, next, previous, used } = space;
  meter.charge("word", used.length);
  for (let group = 0; group < used.length; group++) {
    if (used[group] === 0) continue;
    const first = group * GROUP_PAGES;
    for (let page = first; page < first + GROUP_PAGES; page++) unbindPage(kernel, space, page);
    meter.charge("touchByte", 2 * FRAME_BYTES);
    used[group] = 0;
  }
  memory.bytes.fill(0, base + 2 * tableBytes(bits), base + spaceBytes(bits));
  kernel.spaces.rows[row] = undefined;
  kernel.spaces.spare[bits].push({ bound, next, previous, used });
}

/** The first frame of a page that is bound; 0 for one that is not. O(1). */
export const frameOf = ({ machine: { memory } }: Kernel, { base }: Space, page: number): number =>
  memory.view.getUint32(base + page * ENTRY_BYTES, true) / FRAME_BYTES;

/** True when an access to a page goes through. O(1). */
export const isTranslated = (kernel: Kernel, space: Space, page: number, isWritten: boolean): boolean =>
  kernel.machine.memory.view.getUint32(entryAt(space, page, isWritten), true) !== 0;

const entryAt = ({ base, bits }: Space, page: number, isWritten: boolean): number =>
  base + (isWritten ? tableBytes(bits) : 0) + page * ENTRY_BYTES;

/** Lets a page that is bound be written, or not. O(1). */
export function setWritable(kernel: Kernel, space: Space, page: number, isWritable: boolean): void {
  const { view } = kernel.machine.memory;
  const entry = isWritable ? view.getUint32(entryAt(space, page, false), true) : 0;
  view.setUint32(entryAt(space, page, true), entry, true);
}

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
  space.used[Math.floor(page / GROUP_PAGES)] = 1;
  space.bound[page] = isWritable ? BOUND.writing : BOUND.reading;
  kernel.machine.memory.view.setUint32(entryAt(space, page, false), frame * FRAME_BYTES, true);
  setWritable(kernel, space, page, isWritable);
  count(kernel, space, frame, 1);
}

/** Unbinds a page, if it is bound. O(1). */
export function unbindPage(kernel: Kernel, space: Space, page: number): void {
  if (space.bound[page] === BOUND.nothing) return;
  const frame = frameOf(kernel, space, page);
  const next = space.next[page] ?? 0;
  const previous = space.previous[page] ?? 0;
  const before = spaceIn(kernel, previous);
  const after = spaceIn(kernel, next);
  if (before === undefined) beginning(kernel, space)[indexOf(space, frame)] = next;
  else before.next[pageIn(previous)] = next;
  if (after !== undefined) after.previous[pageIn(next)] = previous;
  space.bound[page] = BOUND.nothing;
  const { view } = kernel.machine.memory;
  view.setUint32(entryAt(space, page, false), 0, true);
  view.setUint32(entryAt(space, page, true), 0, true);
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

/** Words that a page takes to bind and to unbind: two entries and its links, twice. */
export const LINK_WORDS = 12;
