/** Calls on a descriptor that move no data: `fd_fdstat_*`, `fd_filestat_*`, `fd_prestat_*`, `fd_seek`, … */
import { type WasiContext, setNumber, toSize } from "./context.ts";
import { areTimeFlags, setTimes, statOfStream, tellStat, writeStat } from "./file-stat.ts";
import {
  ADVICE,
  FDSTAT,
  FDSTAT_BYTES,
  PRESTAT,
  PRESTAT_BYTES,
  type RightSet,
  includesRights,
  rights,
} from "./layout.ts";
import type { Descriptor, FileThing } from "../descriptor/descriptor.ts";
import { areFlags, fileTypeOf } from "../descriptor/descriptor.ts";
import { ERRNO, errnoOf } from "../errno.ts";

/** An open regular file. */
type OpenRegular = Descriptor & { readonly thing: FileThing };

const ADVISE = rights("fd_advise");
const ALLOCATE = rights("fd_allocate");
const DATASYNC = rights("fd_datasync");
const SYNC = rights("fd_sync");
const SEEK = rights("fd_seek");
const TELL = rights("fd_tell");
const SET_FLAGS = rights("fd_fdstat_set_flags");
const GET_STAT = rights("fd_filestat_get");
const SET_SIZE = rights("fd_filestat_set_size");
const SET_TIMES = rights("fd_filestat_set_times");

const ALL_RIGHTS = 2 ** 30 - 1;

/** A set of rights as a program gives it; -1 when it has bits that mean nothing, which nobody can hold. */
export function toRights(value: bigint): number {
  const set = Number(value);
  return set >= 0 && set <= ALL_RIGHTS ? set : -1;
}

const isRegular = (open: Descriptor): open is OpenRegular => open.thing.kind === "file";

/** The open file behind `fd` with `needed`, or an error number: `stream` is what it is for a stream. */
function regular(context: WasiContext, fd: number, needed: RightSet, stream: number): OpenRegular | number {
  const open = context.table.get(fd >>> 0);
  if (open === undefined) return ERRNO.badf;
  if (!isRegular(open)) return open.thing.kind === "directory" ? ERRNO.isdir : stream;
  return includesRights(open.rights, needed) ? open : ERRNO.notcapable;
}

/** `fd_advise`: looks at what is advised, and does nothing about it. */
export const fdAdvise =
  (context: WasiContext) =>
  (fd: number, offset: bigint, length: bigint, advice: number): number => {
    const open = regular(context, fd, ADVISE, ERRNO.spipe);
    if (typeof open === "number") return open;
    const end = BigInt.asUintN(64, offset) + BigInt.asUintN(64, length);
    return advice >>> 0 >= ADVICE.length || end !== BigInt.asUintN(64, end) ? ERRNO.inval : ERRNO.success;
  };

/** `fd_allocate`: makes a file at least as long as the range; nothing is put aside for it. */
export const fdAllocate =
  (context: WasiContext) =>
  (fd: number, offset: bigint, length: bigint): number => {
    const open = regular(context, fd, ALLOCATE, ERRNO.spipe);
    if (typeof open === "number") return open;
    const from = toSize(offset);
    const count = toSize(length);
    if (from < 0 || count <= 0) return ERRNO.inval;
    if (from + count > Number.MAX_SAFE_INTEGER) return ERRNO.fbig;
    const size = open.thing.file.size();
    if (size < 0) return errnoOf(size);
    return size >= from + count ? ERRNO.success : errnoOf(open.thing.file.resize(from + count));
  };

/** `fd_close`. */
export const fdClose =
  (context: WasiContext) =>
  (fd: number): number =>
    errnoOf(context.table.close(fd >>> 0));

/** `fd_sync` and `fd_datasync`; a directory has nothing that is not where it belongs. */
const synchronise =
  (needed: RightSet, dataOnly: boolean) =>
  (context: WasiContext) =>
  (fd: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    if (open.thing.kind === "stream") return ERRNO.inval;
    if (!includesRights(open.rights, needed)) return ERRNO.notcapable;
    return open.thing.kind === "file" ? errnoOf(open.thing.file.sync(dataOnly)) : ERRNO.success;
  };

/** `fd_datasync`. */
export const fdDatasync: ReturnType<typeof synchronise> = synchronise(DATASYNC, true);
/** `fd_sync`. */
export const fdSync: ReturnType<typeof synchronise> = synchronise(SYNC, false);

/** `fd_fdstat_get`. */
export const fdFdstatGet =
  (context: WasiContext) =>
  (fd: number, result: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    const memory = context.memory();
    const at = result >>> 0;
    memory.demand(at, FDSTAT_BYTES, true);
    memory.setU16LE(at + FDSTAT.fileType, fileTypeOf(open.thing));
    memory.setU16LE(at + FDSTAT.flags, open.flags);
    memory.setU32LE(at + FDSTAT.flags + 2, 0);
    setNumber(memory, at + FDSTAT.rightsBase, open.rights);
    setNumber(memory, at + FDSTAT.rightsInheriting, open.inheriting);
    return ERRNO.success;
  };

/** `fd_fdstat_set_flags`. */
export const fdFdstatSetFlags =
  (context: WasiContext) =>
  (fd: number, flags: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    if (!includesRights(open.rights, SET_FLAGS)) return ERRNO.notcapable;
    if (!areFlags(flags >>> 0)) return ERRNO.inval;
    open.flags = flags;
    return ERRNO.success;
  };

/** `fd_fdstat_set_rights`: rights only shrink. */
export const fdFdstatSetRights =
  (context: WasiContext) =>
  (fd: number, base: bigint, inheriting: bigint): number => {
    if (context.table.get(fd >>> 0) === undefined) return ERRNO.badf;
    const kept = toRights(base);
    const passed = toRights(inheriting);
    if (kept < 0 || passed < 0) return ERRNO.notcapable;
    return errnoOf(context.table.narrow(fd >>> 0, kept, passed));
  };

/** `fd_filestat_get`. */
export const fdFilestatGet =
  (context: WasiContext) =>
  (fd: number, result: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    if (!includesRights(open.rights, GET_STAT)) return ERRNO.notcapable;
    if (open.thing.kind !== "stream") return tellStat(context, open.thing.node, result >>> 0);
    context.memory().demand(result >>> 0, context.dialect.fileStat.bytes, true);
    writeStat(context, result >>> 0, statOfStream(context, open.thing.stream));
    return ERRNO.success;
  };

/** `fd_filestat_set_size`. */
export const fdFilestatSetSize =
  (context: WasiContext) =>
  (fd: number, size: bigint): number => {
    const open = regular(context, fd, SET_SIZE, ERRNO.inval);
    if (typeof open === "number") return open;
    const to = toSize(size);
    if (to >= 0) return errnoOf(open.thing.file.resize(to));
    return size < 0n ? ERRNO.inval : ERRNO.fbig;
  };

/** `fd_filestat_set_times`. */
export const fdFilestatSetTimes =
  (context: WasiContext) =>
  (fd: number, accessed: bigint, modified: bigint, flags: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    if (open.thing.kind === "stream" || !includesRights(open.rights, SET_TIMES)) return ERRNO.notcapable;
    if (!areTimeFlags(flags >>> 0)) return ERRNO.inval;
    return setTimes(context, open.thing.node, { accessed, modified }, flags);
  };

/** The name of a directory that was there from the start; C libraries look for them until `badf`. */
function preopenOf(context: WasiContext, fd: number): Uint8Array | undefined {
  const open = context.table.get(fd >>> 0);
  return open?.thing.kind === "directory" ? open.thing.preopen : undefined;
}

/** `fd_prestat_get`. */
export const fdPrestatGet =
  (context: WasiContext) =>
  (fd: number, result: number): number => {
    const name = preopenOf(context, fd);
    if (name === undefined) return ERRNO.badf;
    const memory = context.memory();
    memory.demand(result >>> 0, PRESTAT_BYTES, true);
    memory.setU32LE((result >>> 0) + PRESTAT.type, 0);
    memory.setU32LE((result >>> 0) + PRESTAT.nameLength, name.length);
    return ERRNO.success;
  };

/** `fd_prestat_dir_name`: the name without an end. */
export const fdPrestatDirName =
  (context: WasiContext) =>
  (fd: number, buffer: number, length: number): number => {
    const name = preopenOf(context, fd);
    if (name === undefined) return ERRNO.badf;
    if (length >>> 0 < name.length) return ERRNO.nametoolong;
    if (name.length > 0) context.memory().write(buffer >>> 0, name, 0, name.length);
    return ERRNO.success;
  };

/** `fd_renumber`. */
export const fdRenumber =
  (context: WasiContext) =>
  (from: number, to: number): number =>
    errnoOf(context.table.renumber(from >>> 0, to >>> 0));

/** Where a move by `offset` leads, or a negative error number. */
function destination(context: WasiContext, open: OpenRegular, offset: bigint, whence: number): number {
  const { set, current, end } = context.dialect.whence;
  const by = Number(offset);
  let from = 0;
  if (whence === current) from = open.position;
  else if (whence === end) from = open.thing.file.size();
  else if (whence !== set) return -ERRNO.inval;
  if (from < 0) return from;
  return Number.isSafeInteger(by) && from + by >= 0 && Number.isSafeInteger(from + by)
    ? from + by
    : -ERRNO.inval;
}

/** `fd_seek`; a move by nothing is as good as `fd_tell`. */
export const fdSeek =
  (context: WasiContext) =>
  (fd: number, offset: bigint, whence: number, result: number): number => {
    const open = regular(context, fd, 0, ERRNO.spipe);
    if (typeof open === "number") return open;
    const asks = offset === 0n && whence === context.dialect.whence.current;
    if ((open.rights & (asks ? SEEK | TELL : SEEK)) === 0) return ERRNO.notcapable;
    const memory = context.memory();
    memory.demand(result >>> 0, 8, true);
    const position = destination(context, open, offset, whence);
    if (position < 0) return errnoOf(position);
    open.position = position;
    setNumber(memory, result >>> 0, position);
    return ERRNO.success;
  };

/** `fd_tell`. */
export const fdTell =
  (context: WasiContext) =>
  (fd: number, result: number): number => {
    const open = regular(context, fd, 0, ERRNO.spipe);
    if (typeof open === "number") return open;
    if ((open.rights & (SEEK | TELL)) === 0) return ERRNO.notcapable;
    const memory = context.memory();
    memory.demand(result >>> 0, 8, true);
    setNumber(memory, result >>> 0, open.position);
    return ERRNO.success;
  };
