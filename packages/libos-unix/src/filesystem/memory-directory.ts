/** Directories in memory. */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import { EntryList } from "./entry-list.ts";
import type { Directory, DirectoryEntry, FileNode, FileStat, Refused } from "./file-system.ts";
import { MemoryFile, MemoryLink } from "./memory-file.ts";
import { MemoryIdentity } from "./memory-identity.ts";
import type { MemorySystem } from "./memory-identity.ts";
import { byteLength, checkName, checkTarget } from "./name.ts";

/** Anything a name leads to here. */
type MemoryNode = MemoryFile | MemoryLink | MemoryDirectory;

/**
 * A directory in memory.
 *
 * **Holds** `parent` leads to the root as long as the directory has a name; one that
 * was removed is empty and stays so.
 */
export class MemoryDirectory implements Directory {
  readonly fileType: typeof FILE_TYPE.directory = FILE_TYPE.directory;
  readonly identity: MemoryIdentity;
  readonly #entries: EntryList<MemoryNode> = new EntryList();
  #parent: MemoryDirectory | undefined;
  #directories = 0;

  constructor(system: MemorySystem, parent: MemoryDirectory | undefined) {
    this.identity = new MemoryIdentity(system, () => {});
    this.#parent = parent;
  }

  stat(): FileStat {
    const links = this.#removed ? 0 : 2 + this.#directories;
    return this.identity.stat(this.fileType, links, 0);
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    return this.identity.setTimes(accessed, modified);
  }

  lookup(name: string): FileNode | Refused {
    return this.#find(name);
  }

  list(cookie: bigint, limit: number): readonly DirectoryEntry[] {
    this.identity.markRead();
    return this.#entries.after(Number(cookie), limit).map((entry) => ({
      name: entry.name,
      serial: entry.value.identity.serial,
      fileType: entry.value.fileType,
      cookie: BigInt(entry.cookie),
    }));
  }

  createFile(name: string): MemoryFile | Refused {
    return this.#create(name, () => new MemoryFile(this.identity.system));
  }

  createDirectory(name: string): MemoryDirectory | Refused {
    const made = this.#create(name, () => new MemoryDirectory(this.identity.system, this));
    if (typeof made !== "number") this.#directories++;
    return made;
  }

  createLink(name: string, target: string): MemoryLink | Refused {
    const fine = checkTarget(target);
    if (fine < 0) return fine;
    const { system } = this.identity;
    const bytes = byteLength(target);
    if (!system.budget.takeBytes(bytes)) return this.#whyNotNew(name) || refuse("nospc");
    const made = this.#create(name, () => new MemoryLink(system, target));
    if (typeof made === "number") system.budget.giveBytes(bytes);
    return made;
  }

  link(name: string, node: FileNode): Outcome {
    if (node instanceof MemoryDirectory) return refuse("perm");
    if (!this.#has(node)) return refuse("xdev");
    const counted = this.#whyNotNew(name) || node.identity.addName();
    if (counted < 0) return counted;
    this.#add(name, node);
    return 0;
  }

  unlink(name: string): Outcome {
    const node = this.#find(name);
    if (typeof node === "number") return node;
    if (node instanceof MemoryDirectory) return refuse("isdir");
    this.#entries.delete(name);
    this.identity.markModified();
    node.identity.dropName();
    return 0;
  }

  removeDirectory(name: string): Outcome {
    const node = this.#find(name);
    if (typeof node === "number") return node;
    if (!(node instanceof MemoryDirectory)) return refuse("notdir");
    if (node.#entries.size > 0) return refuse("notempty");
    this.#entries.delete(name);
    this.#directories--;
    this.identity.markModified();
    node.#end();
    return 0;
  }

  rename(name: string, to: Directory, toName: string): Outcome {
    const node = this.#find(name);
    const fine = checkName(toName);
    if (typeof node === "number") return node;
    if (fine < 0) return fine;
    if (!(to instanceof MemoryDirectory) || to.identity.system !== this.identity.system)
      return refuse("xdev");
    if (to.#removed) return refuse("noent");
    const replaced = to.#entries.get(toName);
    const may = mayReplace(node, to, replaced);
    if (may < 0 || node === replaced) return may;
    this.#move(name, node, to, toName);
    return 0;
  }

  /** True when `other` is this directory or below it. O(depth). */
  contains(other: MemoryDirectory): boolean {
    let at: MemoryDirectory | undefined = other;
    while (at !== undefined && at !== this) at = at.#parent;
    return at === this;
  }

  /** True when nothing is in it. */
  get empty(): boolean {
    return this.#entries.size === 0;
  }

  get #removed(): boolean {
    return this.identity.names === 0;
  }

  #find(name: string): MemoryNode | Refused {
    const fine = checkName(name);
    return fine < 0 ? fine : (this.#entries.get(name) ?? refuse("noent"));
  }

  /** 0 when `name` may be added here. */
  #whyNotNew(name: string): Outcome {
    const fine = checkName(name);
    if (fine < 0) return fine;
    if (this.#removed) return refuse("noent");
    return this.#entries.get(name) === undefined ? 0 : refuse("exist");
  }

  /** True when `node` is a file or link of this file system. */
  #has(node: FileNode): node is MemoryFile | MemoryLink {
    const ours = node instanceof MemoryFile || node instanceof MemoryLink;
    return ours && node.identity.system === this.identity.system;
  }

  #create<T extends MemoryNode>(name: string, make: () => T): T | Refused {
    const fine = this.#whyNotNew(name);
    if (fine < 0) return fine;
    const node = make();
    const counted = node.identity.addFirstName();
    if (counted < 0) return counted;
    this.#add(name, node);
    return node;
  }

  #add(name: string, node: MemoryNode): void {
    this.#entries.set(name, node);
    this.identity.markModified();
  }

  /** Moves what may be moved; a name that is replaced keeps its place in listings. */
  #move(name: string, node: MemoryNode, to: MemoryDirectory, toName: string): void {
    const replaced = to.#entries.get(toName);
    this.#entries.delete(name);
    this.identity.markModified();
    to.#add(toName, node);
    node.identity.markChanged();
    if (node instanceof MemoryDirectory) {
      node.#parent = to;
      this.#directories--;
      if (replaced === undefined) to.#directories++;
    }
    if (replaced instanceof MemoryDirectory) replaced.#end();
    else replaced?.identity.dropName();
  }

  #end(): void {
    this.identity.dropName();
    this.#parent = undefined;
  }
}

/** 0 when `node` may be moved into `to`, in the place of `replaced`. */
function mayReplace(node: MemoryNode, to: MemoryDirectory, replaced: MemoryNode | undefined): Outcome {
  const moves = node instanceof MemoryDirectory;
  if (moves && node.contains(to)) return refuse("inval");
  if (replaced === undefined || replaced === node) return 0;
  if (!(replaced instanceof MemoryDirectory)) return moves ? refuse("notdir") : 0;
  if (!moves) return refuse("isdir");
  return replaced.empty ? 0 : refuse("notempty");
}
