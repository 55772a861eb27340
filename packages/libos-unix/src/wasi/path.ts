/** Paths as programs give them: bytes in their memory, below an open directory. */
import type { WasiContext } from "./context.ts";
import { LOOKUP_FLAGS, type RightSet, includesRights } from "./layout.ts";
import type { Descriptor, DirectoryThing } from "../descriptor/descriptor.ts";
import { ERRNO, type Outcome, errnoOf, refuse } from "../errno.ts";
import type { Directory } from "../filesystem/file-system.ts";
import { PATH_BYTES } from "../filesystem/name.ts";
import { type LastName, type Resolved, decodePath, resolvePath } from "../filesystem/resolve.ts";

/** An open directory. */
export type OpenDirectory = Descriptor & { readonly thing: DirectoryThing };

const isDirectory = (open: Descriptor): open is OpenDirectory => open.thing.kind === "directory";

/** The directory behind `fd` with `needed`, or an error number. */
export function directoryOf(context: WasiContext, fd: number, needed: RightSet): OpenDirectory | number {
  const open = context.table.get(fd >>> 0);
  if (open === undefined) return ERRNO.badf;
  if (!isDirectory(open)) return ERRNO.notdir;
  return includesRights(open.rights, needed) ? open : ERRNO.notcapable;
}

/** Bytes up to which a path of ASCII is read without a decoder, which takes longer to start. */
const SHORT = 48;

/** The first `length` bytes as text, if they are ASCII; undefined otherwise. */
function ascii(bytes: Uint8Array, length: number): string | undefined {
  let text = "";
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The text at `at`, or a refusal: `nametoolong`, `ilseq`. Throws `MemoryFault`. */
export function readText(context: WasiContext, at: number, length: number): string | Outcome {
  const bytes = length >>> 0;
  const memory = context.memory();
  if (bytes > PATH_BYTES) {
    memory.demand(at >>> 0, bytes, false);
    return refuse("nametoolong");
  }
  const { staging } = context.shared;
  if (bytes > 0) memory.read(at >>> 0, staging, 0, bytes);
  const short = bytes <= SHORT ? ascii(staging, bytes) : undefined;
  return short ?? decodePath(staging.subarray(0, bytes));
}

/** Where the path at `at` leads from `start`, or a refusal. */
export function resolve(
  context: WasiContext,
  start: Directory,
  at: number,
  length: number,
  last: LastName,
): Resolved | Outcome {
  const path = readText(context, at, length);
  return typeof path === "number" ? path : resolvePath(start, path, last);
}

/** Whether `flags` are known flags of a look-up. */
export const areLookupFlags = (flags: number): boolean => (flags & ~LOOKUP_FLAGS.symlinkFollow) === 0;

/** Whether `flags` want the last link followed. */
export const follows = (flags: number): boolean => (flags & LOOKUP_FLAGS.symlinkFollow) !== 0;

/** The error number for a name that is to be new, as POSIX has it; 0 when nothing is in the way. */
export function inTheWay(place: Resolved): number {
  if (place.node !== undefined) return ERRNO.exist;
  return place.mustBeDirectory ? ERRNO.noent : ERRNO.success;
}

/** The error number of whatever a file system gives: a thing, or a refusal. */
export const errnoFrom = (given: object | Outcome): number =>
  typeof given === "number" ? errnoOf(given) : ERRNO.success;
