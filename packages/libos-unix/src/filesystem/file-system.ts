/**
 * File systems, behind one small interface: things that names lead to.
 *
 * Whoever resolves paths (resolve.ts) goes from directory to directory by single
 * names, so that a file system never sees a path, and none can lead out of it.
 * A call gives what was asked for, or a refusal: a negative error number.
 */
import type { Outcome } from "../errno.ts";
import type { FileType } from "../wasi/layout.ts";

/** A refusal, as an `Outcome` below 0. */
export type Refused = number;

/** What there is to know of a thing; times are nanoseconds since 1970. */
export interface FileStat {
  readonly device: bigint;
  readonly serial: bigint;
  readonly fileType: FileType;
  readonly links: bigint;
  readonly size: bigint;
  readonly accessed: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** A thing in a file system. Several names may lead to it. */
export interface FileNode {
  readonly fileType: FileType;
  stat(): FileStat | Refused;
  /** Sets times; what is `undefined` stays. */
  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome;
}

/** A regular file. */
export interface RegularFile extends FileNode {
  /** Opens it; every opening is closed once. */
  open(access: { readonly read: boolean; readonly write: boolean }): OpenFile | Refused;
}

/** An opened file. Positions and lengths are bytes. Nothing waits. */
export interface OpenFile {
  /** Moves at most `length` bytes from `position` to `into[at…]`; how many, 0 at the end. */
  read(position: number, into: Uint8Array, at: number, length: number): Outcome;
  /** Writes `length` bytes of `from[at…]` at `position`, with zeros before it if the file is shorter; how many. */
  write(position: number, from: Uint8Array, at: number, length: number): Outcome;
  size(): Outcome;
  /** Cuts the file, or appends zeros. */
  resize(size: number): Outcome;
  /** Waits until it is on its medium. */
  sync(dataOnly: boolean): Outcome;
  close(): void;
}

/** A symbolic link. */
export interface SymbolicLink extends FileNode {
  /** What it says; nobody has looked whether that exists. */
  target(): string | Refused;
}

/** One entry of a directory; `cookie` is where a listing goes on behind it, never 0, stable while the directory is not changed. */
export interface DirectoryEntry {
  readonly name: string;
  readonly serial: bigint;
  readonly fileType: FileType;
  readonly cookie: bigint;
}

/**
 * A directory. A name is one component: not empty, no `/`, no U+0000, neither `.` nor `..`; at most 255 bytes of UTF-8.
 *
 * Refusals are POSIX's: `noent`, `exist`, `notdir`, `isdir`, `notempty`, `loop`, `nospc`, `xdev`, `acces`, `rofs`, `nametoolong`, …
 */
export interface Directory extends FileNode {
  /** What `name` leads to; a symbolic link is not followed. */
  lookup(name: string): FileNode | Refused;
  /** Entries behind `cookie` (0: from the first), at most `limit`; `.` and `..` are not among them. */
  list(cookie: bigint, limit: number): readonly DirectoryEntry[] | Refused;
  createFile(name: string): RegularFile | Refused;
  createDirectory(name: string): Directory | Refused;
  createLink(name: string, target: string): SymbolicLink | Refused;
  /** A further name for `node`, which is of the same file system. */
  link(name: string, node: FileNode): Outcome;
  /** Removes a name that leads to no directory. */
  unlink(name: string): Outcome;
  /** Removes an empty directory. */
  removeDirectory(name: string): Outcome;
  /** Moves a name to another directory of the same file system, in one step; replaces as POSIX `rename` does. */
  rename(name: string, to: Directory, toName: string): Outcome;
}
