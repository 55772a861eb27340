/**
 * The software translation buffer (STLB): where the kernel looks before it asks (SOSP'95 section 5.4).
 *
 * On machines whose translation buffer is filled by the kernel, it fills it from here and asks
 * for what is not here: direct-mapped, so that a page takes the place of another, which stays bound
 * and is asked for at its next miss. It lies in frames that everybody may read. Each of its 4096 places is two big-endian words, the first 0 in an empty one:
 *
 *     page (20 bits) | row of the environment, from 1 on (12 bits)
 *     the page's entry
 */
import { FRAME_BYTES, type Machine } from "@exolith/hw-model";
import type { Kernel } from "../kernel.ts";
import type { Space } from "./space-table.ts";

const PLACES = 4096;
const PLACE_BYTES = 8;
const ROW_BITS = 12;
/** Spreads the pages of different environments. */
const ROW_SPREAD = 6;

/** Frames that it takes on a machine. */
export const softwareBufferFrames = ({ translation }: Machine): number =>
  translation.hardware.refill === "software" ? (PLACES * PLACE_BYTES) / FRAME_BYTES : 0;

const tagOf = ({ row }: Space, page: number): number => ((page << ROW_BITS) | (row + 1)) >>> 0;

const placeOf = ({ softwareBuffer }: Kernel, { row }: Space, page: number): number =>
  softwareBuffer * FRAME_BYTES + ((page ^ (row << ROW_SPREAD)) % PLACES) * PLACE_BYTES;

/** True when the kernel finds a page that is bound: everywhere, or in its place of the buffer. O(1). */
export const isCached = (kernel: Kernel, space: Space, page: number): boolean =>
  kernel.softwareBuffer === 0 ||
  kernel.machine.memory.view.getUint32(placeOf(kernel, space, page)) === tagOf(space, page);

/** Puts the entry of a page that is bound in its place, whoever had that; 0 takes it out if it is there. O(1). */
export function show(kernel: Kernel, space: Space, page: number, entry: number): void {
  if (kernel.softwareBuffer === 0 || (entry === 0 && !isCached(kernel, space, page))) return;
  const { view } = kernel.machine.memory;
  const at = placeOf(kernel, space, page);
  view.setUint32(at, entry === 0 ? 0 : tagOf(space, page));
  view.setUint32(at + 4, entry);
}
