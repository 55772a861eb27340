/** Regular files and symbolic links in memory. */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import { BlockList } from "./block-list.ts";
import type { FileStat, OpenFile, Refused, RegularFile, SymbolicLink } from "./file-system.ts";
import { MemoryIdentity } from "./memory-identity.ts";
import type { MemorySystem } from "./memory-identity.ts";
import { byteLength } from "./name.ts";

/** Which way bytes may go. */
interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

const isPlace = (position: number): boolean => Number.isSafeInteger(position) && position >= 0;

/** A regular file in memory. */
export class MemoryFile implements RegularFile {
  readonly fileType: typeof FILE_TYPE.regularFile = FILE_TYPE.regularFile;
  readonly identity: MemoryIdentity;
  readonly #content: BlockList;

  constructor(system: MemorySystem) {
    this.#content = new BlockList(system.budget);
    this.identity = new MemoryIdentity(system, () => this.#content.resize(0));
  }

  stat(): FileStat {
    return this.identity.stat(this.fileType, this.identity.names, this.#content.size);
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    return this.identity.setTimes(accessed, modified);
  }

  open(access: Access): OpenFile | Refused {
    const held = this.identity.hold();
    return held < 0 ? held : new MemoryOpenFile(this.identity, this.#content, access);
  }
}

/** An opened file in memory; it lives on when its last name is gone. */
class MemoryOpenFile implements OpenFile {
  readonly #identity: MemoryIdentity;
  readonly #content: BlockList;
  readonly #reads: boolean;
  readonly #writes: boolean;
  #open = true;

  constructor(identity: MemoryIdentity, content: BlockList, access: Access) {
    this.#identity = identity;
    this.#content = content;
    this.#reads = access.read;
    this.#writes = access.write;
  }

  read(position: number, into: Uint8Array, at: number, length: number): Outcome {
    if (!this.#open || !this.#reads) return refuse("badf");
    if (!isPlace(position)) return refuse("inval");
    this.#identity.markRead();
    return this.#content.read(position, into, at, length);
  }

  write(position: number, from: Uint8Array, at: number, length: number): Outcome {
    if (!this.#open || !this.#writes) return refuse("badf");
    if (!isPlace(position)) return refuse("inval");
    if (length === 0) return 0;
    if (!isPlace(position + length)) return refuse("fbig");
    const written = this.#content.write(position, from, at, length);
    if (written > 0) this.#identity.markModified();
    return written;
  }

  size(): Outcome {
    return this.#open ? this.#content.size : refuse("badf");
  }

  resize(size: number): Outcome {
    if (!this.#open) return refuse("badf");
    if (!this.#writes || !isPlace(size)) return refuse("inval");
    const resized = this.#content.resize(size);
    if (resized === 0) this.#identity.markModified();
    return resized;
  }

  sync(): Outcome {
    return this.#open ? 0 : refuse("badf");
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#identity.release();
  }
}

/** A symbolic link in memory; what it says is charged to the budget's bytes. */
export class MemoryLink implements SymbolicLink {
  readonly fileType: typeof FILE_TYPE.symbolicLink = FILE_TYPE.symbolicLink;
  readonly identity: MemoryIdentity;
  readonly #target: string;
  readonly #bytes: number;

  /** The caller has taken the bytes of `target` from the budget. */
  constructor(system: MemorySystem, target: string) {
    this.#target = target;
    this.#bytes = byteLength(target);
    this.identity = new MemoryIdentity(system, () => system.budget.giveBytes(this.#bytes));
  }

  stat(): FileStat {
    return this.identity.stat(this.fileType, this.identity.names, this.#bytes);
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    return this.identity.setTimes(accessed, modified);
  }

  target(): string {
    this.identity.markRead();
    return this.#target;
  }
}
