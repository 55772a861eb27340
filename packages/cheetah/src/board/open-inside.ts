/** Opens a file of a directory so that nothing outside of the directory can be read, whoever moves links meanwhile. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from "node:fs";
import { join, sep } from "node:path";

/** Thrown when there is nothing to serve, or nothing that may be served. */
export class SourceError extends Error {
  override readonly name: string = "SourceError";
}

/** What opening asks of the host. */
export interface OpeningHost {
  /** Opens a file for reading; its last component is not followed if it is a link. */
  open(real: string): number;
  /** Where the open file is, links followed; `real` is where it was asked for. Throws when that cannot be told. */
  placeOf(descriptor: number, real: string): string;
}

/** True when `real` is `root` or lies below it; both without links. */
export const isInside = (root: string, real: string): boolean =>
  real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);

const open = (real: string): number =>
  openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

/** Linux knows the place of a descriptor. */
const placeOfDescriptor = (descriptor: number): string => readlinkSync(`/proc/self/fd/${descriptor}`);

/** Elsewhere: the place that the name leads to now, provided that the very same file is there. */
export function placeOfName(descriptor: number, real: string): string {
  const place = realpathSync(real);
  const there = statSync(place, { bigint: true });
  const here = fstatSync(descriptor, { bigint: true });
  if (there.dev === here.dev && there.ino === here.ino) return place;
  throw new SourceError(`moved while it was opened: ${real}`);
}

/** This host. */
export const OPENING_HOST: OpeningHost = {
  open,
  placeOf: process.platform === "linux" ? placeOfDescriptor : placeOfName,
};

/**
 * Opens the regular file `path` of `root`, a directory without links in its name.
 *
 * The name is checked first, and what was opened once more: a directory on the way may have become a link
 * between the two. Throws a `SourceError` for what lies outside or is no regular file, and what the host throws.
 */
export function openInside(root: string, path: string, host: OpeningHost = OPENING_HOST): number {
  const real = realpathSync(join(root, path));
  if (!isInside(root, real)) throw new SourceError(`outside the directory: ${path}`);
  const descriptor = host.open(real);
  try {
    if (!fstatSync(descriptor).isFile()) throw new SourceError(`not a regular file: ${path}`);
    if (isInside(root, host.placeOf(descriptor, real))) return descriptor;
    throw new SourceError(`outside the directory: ${path}`);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Milliseconds within which a host may give two changes of a file the same time. */
const SAME_TIME_MILLISECONDS = 50;
const FACTOR = 0x9e37_79b9_7f4a_7c15n;

/**
 * A number below 2^53 for one state of one file: its device, inode and times, to the nanosecond.
 *
 * A file changed just before `now` (milliseconds since 1970) has another number than it will have soon:
 * it may change once more without a trace, so that it is to be looked at again.
 */
export function versionOf(status: BigIntStats, now: number): number {
  const isFresh = Math.abs(now - Number(status.ctimeMs)) < SAME_TIME_MILLISECONDS;
  let mixed = isFresh ? 1n : 2n;
  for (const word of [status.dev, status.ino, status.ctimeNs, status.mtimeNs]) {
    mixed = BigInt.asUintN(64, (mixed ^ word) * FACTOR);
    mixed ^= mixed >> 29n;
  }
  return Number(mixed >> 11n);
}
