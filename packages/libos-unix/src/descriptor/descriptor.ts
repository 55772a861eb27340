/** What a descriptor refers to, and what the program may do with it. */
import type { Stream } from "./stream.ts";
import { STREAM_RIGHTS } from "./stream.ts";
import type { Directory, OpenFile, RegularFile } from "../filesystem/file-system.ts";
import { DESCRIPTOR_FLAGS, FILE_TYPE, type FileType, type RightSet, rights } from "../wasi/layout.ts";

/** All that can be done with a regular file. */
export const FILE_RIGHTS: RightSet = rights(
  "fd_datasync",
  "fd_read",
  "fd_seek",
  "fd_fdstat_set_flags",
  "fd_sync",
  "fd_tell",
  "fd_write",
  "fd_advise",
  "fd_allocate",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "poll_fd_readwrite",
);

/** All that can be done with a directory. */
export const DIRECTORY_RIGHTS: RightSet = rights(
  "fd_datasync",
  "fd_fdstat_set_flags",
  "fd_sync",
  "path_create_directory",
  "path_create_file",
  "path_link_source",
  "path_link_target",
  "path_open",
  "fd_readdir",
  "path_readlink",
  "path_rename_source",
  "path_rename_target",
  "path_filestat_get",
  "path_filestat_set_size",
  "path_filestat_set_times",
  "fd_filestat_get",
  "fd_filestat_set_times",
  "path_symlink",
  "path_remove_directory",
  "path_unlink_file",
  "poll_fd_readwrite",
);

/** All that what is opened below a directory can inherit. */
export const INHERITING_RIGHTS: RightSet = DIRECTORY_RIGHTS | FILE_RIGHTS;

/** A regular file that is open. */
export interface FileThing {
  readonly kind: "file";
  readonly node: RegularFile;
  readonly file: OpenFile;
}

/** A directory that is open; one that was there from the start has a name. */
export interface DirectoryThing {
  readonly kind: "directory";
  readonly node: Directory;
  /** Its name as the program is told it, in UTF-8. */
  readonly preopen: Uint8Array | undefined;
}

/** A stream. */
export interface StreamThing {
  readonly kind: "stream";
  readonly stream: Stream;
}

/** What a descriptor refers to. One thing stands behind at most one descriptor. */
export type OpenThing = FileThing | DirectoryThing | StreamThing;

const EVERY_FLAG = Object.values(DESCRIPTOR_FLAGS).reduce((all, flag) => all | flag, 0);

/** Whether `flags` are all flags that descriptors have. */
export const areFlags = (flags: number): boolean => (flags & ~EVERY_FLAG) === 0;

/** All that can be done with `thing`. */
export function rightsOf(thing: OpenThing): RightSet {
  if (thing.kind === "file") return FILE_RIGHTS;
  return thing.kind === "directory" ? DIRECTORY_RIGHTS : thing.stream.rights & STREAM_RIGHTS;
}

/** What `thing` is, to a program. */
export function fileTypeOf(thing: OpenThing): FileType {
  return thing.kind === "stream" ? thing.stream.fileType : thing.node.fileType;
}

/** What a descriptor allows, unless all that its thing can do. */
export interface DescriptorRights {
  readonly base?: RightSet;
  readonly inheriting?: RightSet;
}

/**
 * An open descriptor: a thing, and what may be done with it.
 *
 * **Holds** `rights` are a subset of what the thing can do, `inheriting` is empty
 * but for directories, and neither ever grows; `position` is a whole number of at least 0.
 */
export class Descriptor {
  readonly thing: OpenThing;
  rights: RightSet;
  inheriting: RightSet;
  /** Of `DESCRIPTOR_FLAGS`. */
  flags: number;
  /** Where the next byte is read or written, of a regular file. */
  position = 0;

  constructor(thing: OpenThing, allowed: DescriptorRights = {}, flags: number = 0) {
    this.thing = thing;
    this.rights = rightsOf(thing) & (allowed.base ?? -1);
    this.inheriting = thing.kind === "directory" ? INHERITING_RIGHTS & (allowed.inheriting ?? -1) : 0;
    this.flags = flags;
  }

  /** Gives back what its thing holds; called once. */
  close(): void {
    if (this.thing.kind === "file") this.thing.file.close();
    if (this.thing.kind === "stream") this.thing.stream.close();
  }
}

/** A descriptor of a stream. */
export const streamDescriptor = (stream: Stream, base?: RightSet): Descriptor =>
  new Descriptor({ kind: "stream", stream }, base === undefined ? {} : { base });

/**
 * A descriptor of a directory that a program has from the start, under `name`.
 *
 * Throws a `RangeError` for a name with U+0000, which C programs could not read.
 */
export function preopenDescriptor(node: Directory, name: string, allowed?: DescriptorRights): Descriptor {
  if (name.includes("\0")) throw new RangeError("the name of a directory has no U+0000");
  return new Descriptor({ kind: "directory", node, preopen: new TextEncoder().encode(name) }, allowed);
}

/** What breaks what a descriptor holds to; empty when nothing does. For tests. */
export function checkDescriptor(descriptor: Descriptor): readonly string[] {
  const { thing } = descriptor;
  const problems: string[] = [];
  if ((descriptor.rights & ~rightsOf(thing)) !== 0) problems.push("rights that its thing has not");
  if ((descriptor.inheriting & ~INHERITING_RIGHTS) !== 0) problems.push("rights that nothing inherits");
  if (thing.kind !== "directory" && descriptor.inheriting !== 0) problems.push("nothing is opened below it");
  if (!areFlags(descriptor.flags)) problems.push("flags that there are not");
  if (!Number.isSafeInteger(descriptor.position) || descriptor.position < 0) problems.push("its position");
  if (thing.kind === "directory" && thing.node.fileType !== FILE_TYPE.directory) problems.push("its type");
  return problems;
}
