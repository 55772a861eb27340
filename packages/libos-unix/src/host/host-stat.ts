/** What the host says of a thing, in the numbers of preview 1. */
import { constants, lstatSync, statfsSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { refuse } from "../errno.ts";
import type { FileStat, Refused } from "../filesystem/file-system.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { FileType } from "../wasi/layout.ts";
import { attempt } from "./host-errno.ts";

const WITH_BIGINT = { bigint: true, throwIfNoEntry: false } as const;

/** The kind of a thing of the host; pipes and what has no number are `unknown`. */
export function fileTypeOf(stats: BigIntStats): FileType {
  if (stats.isFile()) return FILE_TYPE.regularFile;
  if (stats.isDirectory()) return FILE_TYPE.directory;
  if (stats.isSymbolicLink()) return FILE_TYPE.symbolicLink;
  if (stats.isCharacterDevice()) return FILE_TYPE.characterDevice;
  if (stats.isBlockDevice()) return FILE_TYPE.blockDevice;
  return stats.isSocket() ? FILE_TYPE.streamSocket : FILE_TYPE.unknown;
}

/** The record of preview 1. */
export const fileStatOf = (stats: BigIntStats): FileStat => ({
  device: BigInt.asUintN(64, stats.dev),
  serial: BigInt.asUintN(64, stats.ino),
  fileType: fileTypeOf(stats),
  links: stats.nlink,
  size: stats.size,
  accessed: stats.atimeNs,
  modified: stats.mtimeNs,
  changed: stats.ctimeNs,
});

/**
 * Which thing it is, of all the host has at one time.
 *
 * The host gives the number of a thing that is gone to a new one, often at once: that
 * one is taken for it if it is of the same kind.
 */
export interface HostIdentity {
  readonly device: bigint;
  readonly serial: bigint;
  /** The host's bits for the kind. */
  readonly kind: bigint;
}

/** A text for each identity, but for the kind. */
export const keyOf = ({ device, serial }: HostIdentity): string => `${device}:${serial}`;

const KIND = BigInt(constants.S_IFMT);

/** Which thing `stats` is of. */
export const identityOf = (stats: BigIntStats): HostIdentity => ({
  device: stats.dev,
  serial: stats.ino,
  kind: stats.mode & KIND,
});

/** True when `stats` is of the thing `identity`. */
export const isSame = (stats: BigIntStats, { device, serial, kind }: HostIdentity): boolean =>
  stats.ino === serial && stats.dev === device && (stats.mode & KIND) === kind;

/** Linux's number of the file system of its processes, as of /proc. */
const PROCESSES = 0x9fa0;

/**
 * True when what `place` leads to is of the file system of the host's processes.
 *
 * The memory, the descriptors and the variables of whoever runs a program are in there.
 */
export const isOfProcesses = (place: string): boolean => attempt(() => statfsSync(place).type) === PROCESSES;

/** What the host says of `place`, a link itself and not what it leads to. */
export const look = (place: string): BigIntStats | Refused =>
  attempt(() => lstatSync(place, WITH_BIGINT) ?? refuse("noent"));
