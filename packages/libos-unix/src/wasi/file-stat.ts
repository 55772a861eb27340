/** What is told of a file, and setting its times. */
import { toBig } from "./clock.ts";
import { type WasiContext, setBig } from "./context.ts";
import { type FileType, TIME_FLAGS } from "./layout.ts";
import type { Stream } from "../descriptor/stream.ts";
import { ERRNO, errnoOf } from "../errno.ts";
import type { FileNode, FileStat } from "../filesystem/file-system.ts";

/**
 * What is told of a stream: device 0, and a serial number for each that the program has.
 *
 * They are counted from 1 as the program asks for them.
 */
export function statOfStream(context: WasiContext, stream: Stream): FileStat {
  const { shared } = context;
  const serial = shared.streams.get(stream) ?? ++shared.streamsTold;
  shared.streams.set(stream, serial);
  return streamStat(stream.fileType, BigInt(serial));
}

const streamStat = (fileType: FileType, serial: bigint): FileStat => ({
  device: 0n,
  serial,
  fileType,
  links: 1n,
  size: 0n,
  accessed: 0n,
  modified: 0n,
  changed: 0n,
});

/** Writes a `filestat` record. **Needs** the whole record to have been demanded. */
export function writeStat(context: WasiContext, at: number, stat: FileStat): void {
  const layout = context.dialect.fileStat;
  const scratch = context.shared.big;
  const memory = context.memory();
  setBig(memory, at + layout.device, stat.device, scratch);
  setBig(memory, at + layout.serial, stat.serial, scratch);
  memory.setU32LE(at + layout.fileType, stat.fileType);
  if (layout.linksBytes === 4) memory.setU32LE(at + layout.links, Number(stat.links) >>> 0);
  else {
    memory.setU32LE(at + layout.fileType + 4, 0);
    setBig(memory, at + layout.links, stat.links, scratch);
  }
  setBig(memory, at + layout.size, stat.size, scratch);
  setBig(memory, at + layout.accessed, stat.accessed, scratch);
  setBig(memory, at + layout.modified, stat.modified, scratch);
  setBig(memory, at + layout.changed, stat.changed, scratch);
}

/** Writes the `filestat` of a node to where there is room for it; an error number. */
export function tellStat(context: WasiContext, node: FileNode, at: number): number {
  context.memory().demand(at, context.dialect.fileStat.bytes, true);
  const stat = node.stat();
  if (typeof stat === "number") return errnoOf(stat);
  writeStat(context, at, stat);
  return ERRNO.success;
}

const { accessed, accessedNow, modified, modifiedNow } = TIME_FLAGS;
const BOTH_ACCESSED = accessed | accessedNow;
const BOTH_MODIFIED = modified | modifiedNow;

/** Whether `flags` are known and ask for each time at most once. */
export const areTimeFlags = (flags: number): boolean =>
  (flags & ~(BOTH_ACCESSED | BOTH_MODIFIED)) === 0 &&
  (flags & BOTH_ACCESSED) !== BOTH_ACCESSED &&
  (flags & BOTH_MODIFIED) !== BOTH_MODIFIED;

/** Times that are asked for. */
export interface Times {
  readonly accessed: bigint;
  readonly modified: bigint;
}

/** Sets times as `flags` say; an error number. */
export function setTimes(context: WasiContext, node: FileNode, times: Times, flags: number): number {
  if ((flags & (BOTH_ACCESSED | BOTH_MODIFIED)) === 0) return ERRNO.success;
  const { reading } = context.shared;
  context.clocks.realtime.read(reading);
  const choose = (given: boolean, now: boolean, value: bigint): bigint | undefined => {
    if (given) return BigInt.asUintN(64, value);
    return now ? toBig(reading) : undefined;
  };
  const toAccessed = choose((flags & accessed) !== 0, (flags & accessedNow) !== 0, times.accessed);
  const toModified = choose((flags & modified) !== 0, (flags & modifiedNow) !== 0, times.modified);
  return errnoOf(node.setTimes(toAccessed, toModified));
}
