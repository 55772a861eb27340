/**
 * Numbers and record layouts of WASI preview 1, as programs are compiled against them.
 *
 * Source: the interface definition of `wasi_snapshot_preview1`. All records are
 * little-endian; offsets and sizes are bytes.
 */

/** What a descriptor refers to (`filetype`, one byte). */
export const FILE_TYPE = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  datagramSocket: 5,
  streamSocket: 6,
  symbolicLink: 7,
} as const;

/** A value of `FILE_TYPE`. */
export type FileType = (typeof FILE_TYPE)[keyof typeof FILE_TYPE];

/** Flags of an open descriptor (`fdflags`, 16 bits). */
export const DESCRIPTOR_FLAGS = {
  /** Every write goes to the end. */
  append: 1,
  /** Data is on the disk when a write returns. */
  dataSync: 2,
  /** A call that would wait is refused with `again`. */
  nonBlocking: 4,
  /** Reads see what synchronised writes have written. */
  readSync: 8,
  /** Data and its description are on the disk when a write returns. */
  sync: 16,
} as const;

/**
 * Rights of a descriptor (`rights`): the position of each one's bit in 64.
 *
 * Preview 1 uses the lowest 30, so that a set of them fits a number.
 */
export const RIGHT_BITS = {
  fd_datasync: 0,
  fd_read: 1,
  fd_seek: 2,
  fd_fdstat_set_flags: 3,
  fd_sync: 4,
  fd_tell: 5,
  fd_write: 6,
  fd_advise: 7,
  fd_allocate: 8,
  path_create_directory: 9,
  path_create_file: 10,
  path_link_source: 11,
  path_link_target: 12,
  path_open: 13,
  fd_readdir: 14,
  path_readlink: 15,
  path_rename_source: 16,
  path_rename_target: 17,
  path_filestat_get: 18,
  path_filestat_set_size: 19,
  path_filestat_set_times: 20,
  fd_filestat_get: 21,
  fd_filestat_set_size: 22,
  fd_filestat_set_times: 23,
  path_symlink: 24,
  path_remove_directory: 25,
  path_unlink_file: 26,
  poll_fd_readwrite: 27,
  sock_shutdown: 28,
  sock_accept: 29,
} as const;

/** The name of a right. */
export type RightName = keyof typeof RIGHT_BITS;

/** A set of rights, one bit each at its `RIGHT_BITS` position; 0 to 2^30 - 1. */
export type RightSet = number;

/** The set of the rights named. */
export const rights = (...names: readonly RightName[]): RightSet =>
  names.reduce((set, name) => set | (1 << RIGHT_BITS[name]), 0);

/** True when `held` contains all of `wanted`. */
export const includesRights = (held: RightSet, wanted: RightSet): boolean => (held & wanted) === wanted;

/** Bytes of an `fdstat` record. */
export const FDSTAT_BYTES = 24;
/** Offsets in an `fdstat` record: type (1 byte), flags (2), rights and inherited rights (8 each). */
export const FDSTAT = { fileType: 0, flags: 2, rightsBase: 8, rightsInheriting: 16 } as const;

/** Bytes of an `iovec` or `ciovec` record. */
export const IOVEC_BYTES = 8;
/** Offsets in an `iovec` or `ciovec` record: address and length, 4 bytes each. */
export const IOVEC = { address: 0, length: 4 } as const;

/** Flags of a look-up (`lookupflags`, 32 bits). */
export const LOOKUP_FLAGS = {
  /** A symbolic link in the last place is followed. */
  symlinkFollow: 1,
} as const;

/** How `path_open` opens (`oflags`, 16 bits). */
export const OPEN_FLAGS = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;

/** Which times are set, and whether to a value or to now (`fstflags`, 16 bits). */
export const TIME_FLAGS = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const;

/** Advice on how a file will be used (`advice`), by number. */
export const ADVICE: readonly string[] = [
  "normal",
  "sequential",
  "random",
  "willneed",
  "dontneed",
  "noreuse",
];

/** Clocks (`clockid`). */
export const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

/** What one may wait for (`eventtype`, one byte). */
export const EVENT_TYPE = { clock: 0, read: 1, write: 2 } as const;

/** The flag of a subscription to a clock whose time is a point, not a span. */
export const ABSOLUTE_TIME = 1;

/** The flag of an event that says that the other end is gone. */
export const HANGUP = 1;

/** Bytes of an `event` record. */
export const EVENT_BYTES = 32;
/** Offsets in an `event`: of the waiter (8), error (2), type (1), bytes that are there (8), flags (2). */
export const EVENT = { userdata: 0, error: 8, type: 10, bytes: 16, flags: 24 } as const;

/** Bytes of a `dirent` record; the name follows, without an end. */
export const DIRENT_BYTES = 24;
/** Offsets in a `dirent`: where to go on (8), serial number (8), length of the name (4), type (1). */
export const DIRENT = { next: 0, serial: 8, nameLength: 16, fileType: 20 } as const;

/** Bytes of a `prestat` record. */
export const PRESTAT_BYTES = 8;
/** Offsets in a `prestat`: what it is (1, always 0 for a directory), length of its name (4). */
export const PRESTAT = { type: 0, nameLength: 4 } as const;

/** Signals, by number. */
export const SIGNALS: readonly string[] = (
  "none hup int quit ill trap abrt bus fpe kill usr1 segv usr2 pipe alrm term chld cont stop tstp ttin ttou " +
  "urg xcpu xfsz vtalrm prof winch poll pwr sys"
).split(" ");

/** Offsets in a `filestat`; all but the type and, in the older one, the links are 8 bytes. */
export interface FileStatLayout {
  readonly bytes: number;
  readonly device: number;
  readonly serial: number;
  readonly fileType: number;
  readonly links: number;
  readonly linksBytes: 4 | 8;
  readonly size: number;
  readonly accessed: number;
  readonly modified: number;
  readonly changed: number;
}

/** Offsets in a `subscription`: to a clock, or (`descriptor`) to a descriptor. */
export interface SubscriptionLayout {
  readonly bytes: number;
  readonly userdata: number;
  readonly type: number;
  readonly descriptor: number;
  readonly clock: number;
  readonly timeout: number;
  readonly flags: number;
}

/** One of the two interfaces that programs import, by the name of its module. */
export interface Dialect {
  readonly module: string;
  /** The numbers of `whence`. */
  readonly whence: { readonly set: number; readonly current: number; readonly end: number };
  readonly fileStat: FileStatLayout;
  readonly subscription: SubscriptionLayout;
}

/** Preview 1. */
export const PREVIEW_1: Dialect = {
  module: "wasi_snapshot_preview1",
  whence: { set: 0, current: 1, end: 2 },
  fileStat: {
    bytes: 64,
    device: 0,
    serial: 8,
    fileType: 16,
    links: 24,
    linksBytes: 8,
    size: 32,
    accessed: 40,
    modified: 48,
    changed: 56,
  },
  subscription: { bytes: 48, userdata: 0, type: 8, descriptor: 16, clock: 16, timeout: 24, flags: 40 },
};

/** What came before preview 1: other numbers of `whence`, narrower links, and clocks that have a name. */
export const UNSTABLE: Dialect = {
  module: "wasi_unstable",
  whence: { set: 2, current: 0, end: 1 },
  fileStat: {
    bytes: 56,
    device: 0,
    serial: 8,
    fileType: 16,
    links: 20,
    linksBytes: 4,
    size: 24,
    accessed: 32,
    modified: 40,
    changed: 48,
  },
  subscription: { bytes: 56, userdata: 0, type: 8, descriptor: 16, clock: 24, timeout: 32, flags: 48 },
};
