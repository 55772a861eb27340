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
