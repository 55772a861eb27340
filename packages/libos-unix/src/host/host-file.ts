/** Files, links and devices of a host's tree. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lutimesSync,
  openSync,
  readSync,
  readlinkSync,
  writeSync,
} from "node:fs";
import type { BigIntStats } from "node:fs";
import { refuse } from "../errno.ts";
import type { Outcome } from "../errno.ts";
import type {
  FileNode,
  FileStat,
  OpenFile,
  Refused,
  RegularFile,
  SymbolicLink,
} from "../filesystem/file-system.ts";
import { decodePath } from "../filesystem/resolve.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { FileType } from "../wasi/layout.ts";
import { attempt } from "./host-errno.ts";
import { fileTypeOf, identityOf, isSame, look } from "./host-stat.ts";
import type { HostIdentity } from "./host-stat.ts";
import type { HostTimes } from "./host-times.ts";
import type { HostPlace, HostTree } from "./host-tree.ts";

/** Bytes that are moved by one call at most; a longer one moves fewer than asked. */
export const HOST_TRANSFER_BYTES = 16_777_216;

const BIGINT = { bigint: true } as const;
const CLOSED = -1;

const isPlace = (position: number): boolean => Number.isSafeInteger(position) && position >= 0;

/** A name in a directory, and the thing it led to when it was looked up. */
export class HostName {
  readonly tree: HostTree;
  readonly #parent: HostPlace;
  readonly #name: string;
  readonly identity: HostIdentity;

  constructor(tree: HostTree, parent: HostPlace, name: string, identity: HostIdentity) {
    this.tree = tree;
    this.#parent = parent;
    this.#name = name;
    this.identity = identity;
  }

  /** The host's name of it. */
  locate(): string | Refused {
    return this.tree.locateName(this.#parent, this.#name);
  }

  /** What the host says of it; `noent` when the name leads to another thing by now. */
  look(): BigIntStats | Refused {
    const place = this.locate();
    if (typeof place === "number") return place;
    const stats = look(place);
    if (typeof stats === "number") return stats;
    return isSame(stats, this.identity) ? stats : refuse("noent");
  }

  /** The host's name of it, if that still leads there. */
  confirm(): string | Refused {
    const stats = this.look();
    return typeof stats === "number" ? stats : this.locate();
  }

  stat(): FileStat | Refused {
    const stats = this.look();
    return typeof stats === "number" ? stats : this.tree.times.statOf(stats);
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    if (this.tree.readOnly) return refuse("rofs");
    const stats = this.look();
    if (typeof stats === "number") return stats;
    const place = this.locate();
    if (typeof place === "number") return place;
    return this.tree.times.set(stats, accessed, modified, {
      set: (atime, mtime) => lutimesSync(place, atime, mtime),
      look: () => look(place),
    });
  }
}

/** A thing that has names and times and nothing else to a program: a link, a device, a pipe. */
export class HostThing implements FileNode {
  readonly fileType: FileType;
  readonly at: HostName;

  constructor(at: HostName, fileType: FileType) {
    this.at = at;
    this.fileType = fileType;
  }

  stat(): FileStat | Refused {
    return this.at.stat();
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    return this.at.setTimes(accessed, modified);
  }
}

/** A symbolic link of the host; the host never follows it. */
export class HostLink implements SymbolicLink {
  readonly fileType: typeof FILE_TYPE.symbolicLink = FILE_TYPE.symbolicLink;
  readonly at: HostName;

  constructor(at: HostName) {
    this.at = at;
  }

  stat(): FileStat | Refused {
    return this.at.stat();
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    return this.at.setTimes(accessed, modified);
  }

  target(): string | Refused {
    const place = this.at.locate();
    if (typeof place === "number") return place;
    const target = attempt(() => readlinkSync(place, "buffer"));
    return typeof target === "number" ? target : decodePath(target);
  }
}

/** A regular file of the host. While it is open, what is asked of it is asked of the file, not of the name. */
export class HostFile implements RegularFile {
  readonly fileType: typeof FILE_TYPE.regularFile = FILE_TYPE.regularFile;
  readonly at: HostName;
  readonly #openings: Set<HostOpenFile> = new Set();

  constructor(at: HostName) {
    this.at = at;
  }

  stat(): FileStat | Refused {
    const [opening] = this.#openings;
    if (opening !== undefined) return opening.stat();
    return this.at.stat();
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    const [opening] = this.#openings;
    if (opening === undefined || this.at.tree.readOnly) return this.at.setTimes(accessed, modified);
    return opening.setTimes(accessed, modified);
  }

  open(access: { readonly read: boolean; readonly write: boolean }): OpenFile | Refused {
    if (access.write && this.at.tree.readOnly) return refuse("rofs");
    const place = this.at.locate();
    if (typeof place === "number") return place;
    const descriptor = openRegular(place, flagsFor(access), this.at);
    if (descriptor < 0) return descriptor;
    const opening = new HostOpenFile(descriptor, access, this.at.tree.times, () =>
      this.#openings.delete(opening),
    );
    this.#openings.add(opening);
    return opening;
  }
}

function flagsFor({ read, write }: { readonly read: boolean; readonly write: boolean }): number {
  if (!write) return constants.O_RDONLY;
  return read ? constants.O_RDWR : constants.O_WRONLY;
}

/**
 * Opens the regular file at `place`, if it is the one that was looked up.
 *
 * Not a link in its place, and without waiting if it is a pipe by now; what was
 * opened is looked at before anything is read or written.
 */
function openRegular(place: string, flags: number, { identity }: HostName): number | Refused {
  return attempt(() => {
    const descriptor = openSync(place, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (isSame(fstatSync(descriptor, BIGINT), identity)) return descriptor;
    closeSync(descriptor);
    return refuse("noent");
  });
}

/** An opened file of the host. */
class HostOpenFile implements OpenFile {
  #descriptor: number;
  readonly #reads: boolean;
  readonly #writes: boolean;
  readonly #times: HostTimes;
  readonly #closed: () => void;

  constructor(
    descriptor: number,
    access: { readonly read: boolean; readonly write: boolean },
    times: HostTimes,
    closed: () => void,
  ) {
    this.#descriptor = descriptor;
    this.#reads = access.read;
    this.#writes = access.write;
    this.#times = times;
    this.#closed = closed;
  }

  stat(): FileStat | Refused {
    return attempt(() => this.#times.statOf(fstatSync(this.#descriptor, BIGINT)));
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    const stats = attempt(() => fstatSync(this.#descriptor, BIGINT));
    if (typeof stats === "number") return stats;
    return this.#times.set(stats, accessed, modified, {
      set: (atime, mtime) => futimesSync(this.#descriptor, atime, mtime),
      look: () => fstatSync(this.#descriptor, BIGINT),
    });
  }

  read(position: number, into: Uint8Array, at: number, length: number): Outcome {
    if (this.#descriptor === CLOSED || !this.#reads) return refuse("badf");
    if (!isPlace(position)) return refuse("inval");
    if (length === 0) return 0;
    const most = Math.min(length, HOST_TRANSFER_BYTES);
    return attempt(() => readSync(this.#descriptor, into, at, most, position));
  }

  write(position: number, from: Uint8Array, at: number, length: number): Outcome {
    if (this.#descriptor === CLOSED || !this.#writes) return refuse("badf");
    if (!isPlace(position)) return refuse("inval");
    if (length === 0) return 0;
    if (!isPlace(position + length)) return refuse("fbig");
    const most = Math.min(length, HOST_TRANSFER_BYTES);
    return attempt(() => writeSync(this.#descriptor, from, at, most, position));
  }

  size(): Outcome {
    if (this.#descriptor === CLOSED) return refuse("badf");
    return attempt(() => fstatSync(this.#descriptor).size);
  }

  resize(size: number): Outcome {
    if (this.#descriptor === CLOSED) return refuse("badf");
    if (!this.#writes || !isPlace(size)) return refuse("inval");
    return attempt(() => {
      ftruncateSync(this.#descriptor, size);
      return 0;
    });
  }

  sync(dataOnly: boolean): Outcome {
    if (this.#descriptor === CLOSED) return refuse("badf");
    return attempt(() => {
      if (dataOnly) fdatasyncSync(this.#descriptor);
      else fsyncSync(this.#descriptor);
      return 0;
    });
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === CLOSED) return;
    this.#descriptor = CLOSED;
    this.#closed();
    attempt(() => closeSync(descriptor));
  }
}

/** The node for what `name` in `parent` was found to be, which is no directory. */
export function hostNode(
  tree: HostTree,
  parent: HostPlace,
  name: string,
  stats: BigIntStats,
): HostFile | HostLink | HostThing {
  const at = new HostName(tree, parent, name, identityOf(stats));
  const fileType = fileTypeOf(stats);
  if (fileType === FILE_TYPE.regularFile) return new HostFile(at);
  return fileType === FILE_TYPE.symbolicLink ? new HostLink(at) : new HostThing(at, fileType);
}
