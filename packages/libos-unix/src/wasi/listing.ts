/** `fd_readdir`: the entries of a directory, as far as they fit. */
import { type SharedState, type WasiContext, requireInside } from "./context.ts";
import { DIRENT, DIRENT_BYTES, FILE_TYPE, type FileType, includesRights, rights } from "./layout.ts";
import { ERRNO, errnoOf } from "../errno.ts";
import type { Directory } from "../filesystem/file-system.ts";
import type { ProgramMemory } from "../memory/program-memory.ts";

const READDIR = rights("fd_readdir");

/** Entries that are asked of a file system at a time. */
const BATCH = 64;

/** Where a program goes on behind `.`, and behind `..`; the directory's own places follow. */
const BEHIND_SELF = 1n;
const BEHIND_PARENT = 2n;

/** One entry, as it is written. */
interface Entry {
  readonly next: bigint;
  readonly serial: bigint;
  readonly fileType: FileType;
  readonly name: string;
}

const encoder = new TextEncoder();

/** The buffer that is being filled. */
interface Filling {
  readonly memory: ProgramMemory;
  readonly at: number;
  readonly length: number;
  used: number;
}

/** Writes an entry, cut off where the buffer ends; whether there is room for more. */
function writeEntry({ staging }: SharedState, filling: Filling, entry: Entry): boolean {
  const { written } = encoder.encodeInto(entry.name, staging.subarray(DIRENT_BYTES));
  const view = new DataView(staging.buffer, staging.byteOffset, DIRENT_BYTES);
  view.setBigUint64(DIRENT.next, entry.next, true);
  view.setBigUint64(DIRENT.serial, entry.serial, true);
  view.setUint32(DIRENT.nameLength, written, true);
  view.setUint32(DIRENT.fileType, entry.fileType, true);
  const length = Math.min(DIRENT_BYTES + written, filling.length - filling.used);
  if (length > 0) filling.memory.write(filling.at + filling.used, staging, 0, length);
  filling.used += length;
  return filling.used < filling.length;
}

/** Writes `.` and `..` if the listing has not passed them; whether there is room for more, or an error number below 0. */
function writeDots(shared: SharedState, filling: Filling, node: Directory, cookie: bigint): boolean | number {
  const fileType = FILE_TYPE.directory;
  if (cookie < BEHIND_SELF) {
    const stat = node.stat();
    if (typeof stat === "number") return stat;
    const self = { next: BEHIND_SELF, serial: stat.serial, fileType, name: "." };
    if (!writeEntry(shared, filling, self)) return false;
  }
  // Which directory this one is in is not known here, and may change: 0 says so.
  const parent = { next: BEHIND_PARENT, serial: 0n, fileType, name: ".." };
  return cookie >= BEHIND_PARENT || writeEntry(shared, filling, parent);
}

/** Writes the directory's own entries behind `from`; 0 or less than that, a refusal. */
function writeOwn(shared: SharedState, filling: Filling, node: Directory, from: bigint): number {
  for (let cookie = from; ;) {
    const entries = node.list(cookie, BATCH);
    if (typeof entries === "number") return entries;
    if (entries.length === 0) return 0;
    for (const entry of entries) {
      const { serial, fileType, name } = entry;
      const room = writeEntry(shared, filling, {
        next: entry.cookie + BEHIND_PARENT,
        serial,
        fileType,
        name,
      });
      if (!room) return 0;
      cookie = entry.cookie;
    }
  }
}

/**
 * `fd_readdir`: fills a buffer with entries from a place in the listing.
 *
 * What does not fit is cut off: a full buffer says that there is more.
 */
export const fdReaddir =
  (context: WasiContext) =>
  (fd: number, buffer: number, length: number, cookie: bigint, result: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    if (open.thing.kind !== "directory") return ERRNO.notdir;
    if (!includesRights(open.rights, READDIR)) return ERRNO.notcapable;
    const memory = context.memory();
    const filling = { memory, at: buffer >>> 0, length: length >>> 0, used: 0 };
    requireInside(memory, filling.at, filling.length);
    memory.demand(result >>> 0, 4, true);
    const from = BigInt.asUintN(64, cookie);
    const { node } = open.thing;
    const room = writeDots(context.shared, filling, node, from);
    if (typeof room === "number") return errnoOf(room);
    const own = from > BEHIND_PARENT ? from - BEHIND_PARENT : 0n;
    const listed = room ? writeOwn(context.shared, filling, node, own) : 0;
    if (listed < 0) return errnoOf(listed);
    memory.setU32LE(result >>> 0, filling.used);
    return ERRNO.success;
  };
