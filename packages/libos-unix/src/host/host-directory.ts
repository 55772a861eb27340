/** Directories of a host's tree. */
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { refuse } from "../errno.ts";
import type { Outcome } from "../errno.ts";
import type { ListedEntry } from "../filesystem/entry-list.ts";
import type {
  Directory,
  DirectoryEntry,
  FileNode,
  FileStat,
  Refused,
  RegularFile,
  SymbolicLink,
} from "../filesystem/file-system.ts";
import { checkName, checkTarget } from "../filesystem/name.ts";
import { decodePath } from "../filesystem/resolve.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import { attempt } from "./host-errno.ts";
import { HostFile, HostLink, HostName, HostThing, hostNode } from "./host-file.ts";
import { fileTypeOf, identityOf, isOfProcesses, look } from "./host-stat.ts";
import type { HostPlace, HostTree } from "./host-tree.ts";

const CREATE: number = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
/** What the host's mask of permissions leaves of these is given to what is created. */
const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o777;

/** Does `act`, which gives nothing. */
const perform = (act: () => void): Outcome =>
  attempt(() => {
    act();
    return 0;
  });

/** A directory of the host. */
export class HostDirectory implements Directory {
  readonly fileType: typeof FILE_TYPE.directory = FILE_TYPE.directory;
  readonly #tree: HostTree;
  readonly #place: HostPlace;

  constructor(tree: HostTree, place: HostPlace) {
    this.#tree = tree;
    this.#place = place;
  }

  stat(): FileStat | Refused {
    const stats = this.#look();
    return typeof stats === "number" ? stats : this.#tree.times.statOf(stats);
  }

  setTimes(accessed: bigint | undefined, modified: bigint | undefined): Outcome {
    if (this.#tree.readOnly) return refuse("rofs");
    const stats = this.#look();
    if (typeof stats === "number") return stats;
    const place = this.#tree.locateName(this.#place, ".");
    if (typeof place === "number") return place;
    return this.#tree.times.set(stats, accessed, modified, {
      set: (atime, mtime) => lutimesSync(place, atime, mtime),
      look: () => look(place),
    });
  }

  lookup(name: string): FileNode | Refused {
    const place = this.#locate(name);
    if (typeof place === "number") return place;
    const stats = look(place);
    if (typeof stats === "number") return stats;
    // Only a mount leads to another file system, and a link is no mount.
    const isElsewhere = stats.dev !== this.#place.identity.device && !stats.isSymbolicLink();
    if (isElsewhere && isOfProcesses(place)) return refuse("acces");
    if (!stats.isDirectory()) return hostNode(this.#tree, this.#place, name, stats);
    return new HostDirectory(this.#tree, this.#tree.placeOf(this.#place, name, stats));
  }

  list(cookie: bigint, limit: number): readonly DirectoryEntry[] | Refused {
    const place = this.#tree.locate(this.#place);
    if (typeof place === "number") return place;
    const { names } = this.#place;
    if (cookie === 0n || names.size === 0) {
      const read = this.#readNames(place);
      if (read < 0) return read;
    }
    const found: DirectoryEntry[] = [];
    for (let behind = Number(cookie); found.length < limit;) {
      const entries = names.after(behind, limit - found.length);
      const end = entries.at(-1);
      if (end === undefined) break;
      behind = end.cookie;
      for (const entry of entries) describe(place, entry, found);
    }
    return found;
  }

  createFile(name: string): RegularFile | Refused {
    const place = this.#locateToChange(name);
    if (typeof place === "number") return place;
    return attempt(() => {
      const descriptor = openSync(place, CREATE, FILE_MODE);
      try {
        const identity = identityOf(fstatSync(descriptor, { bigint: true }));
        return new HostFile(new HostName(this.#tree, this.#place, name, identity));
      } finally {
        closeSync(descriptor);
      }
    });
  }

  createDirectory(name: string): Directory | Refused {
    const place = this.#locateToChange(name);
    if (typeof place === "number") return place;
    const made = perform(() => mkdirSync(place, DIRECTORY_MODE));
    if (made < 0) return made;
    const found = this.lookup(name);
    return typeof found === "number" || found instanceof HostDirectory ? found : refuse("noent");
  }

  createLink(name: string, target: string): SymbolicLink | Refused {
    const fine = checkTarget(target);
    if (fine < 0) return fine;
    const place = this.#locateToChange(name);
    if (typeof place === "number") return place;
    const made = perform(() => symlinkSync(target, place));
    if (made < 0) return made;
    const found = this.lookup(name);
    return typeof found === "number" || found instanceof HostLink ? found : refuse("noent");
  }

  link(name: string, node: FileNode): Outcome {
    if (node instanceof HostDirectory || node instanceof HostThing) return refuse("perm");
    if (!(node instanceof HostFile || node instanceof HostLink) || node.at.tree !== this.#tree)
      return refuse("xdev");
    // Only on Linux is it certain that the host's `link` does not follow a link.
    if (node instanceof HostLink && !this.#tree.anchored) return refuse("notsup");
    const to = this.#locateToChange(name);
    if (typeof to === "number") return to;
    const from = node.at.confirm();
    if (typeof from === "number") return from;
    return perform(() => linkSync(from, to));
  }

  unlink(name: string): Outcome {
    const place = this.#locateToChange(name);
    if (typeof place === "number") return place;
    const stats = look(place);
    if (typeof stats === "number") return stats;
    if (stats.isDirectory()) return refuse("isdir");
    return perform(() => unlinkSync(place));
  }

  removeDirectory(name: string): Outcome {
    const place = this.#locateToChange(name);
    if (typeof place === "number") return place;
    const stats = look(place);
    if (typeof stats === "number") return stats;
    const removed = perform(() => rmdirSync(place));
    if (removed === refuse("exist")) return refuse("notempty");
    if (removed === 0) this.#tree.forget(stats);
    return removed;
  }

  rename(name: string, to: Directory, toName: string): Outcome {
    if (!(to instanceof HostDirectory) || to.#tree !== this.#tree) return refuse("xdev");
    const from = this.#locateToChange(name);
    const target = to.#locateToChange(toName);
    if (typeof from === "number") return from;
    if (typeof target === "number") return target;
    const replaced = look(target);
    const moved = perform(() => renameSync(from, target));
    if (moved < 0) return moved === refuse("exist") ? refuse("notempty") : moved;
    const after = look(target);
    if (typeof after === "number") return 0;
    if (typeof replaced !== "number" && replaced.isDirectory() && replaced.ino !== after.ino)
      this.#tree.forget(replaced);
    if (after.isDirectory()) this.#tree.placeOf(to.#place, toName, after);
    return 0;
  }

  /** What the host says of this directory. */
  #look(): ReturnType<typeof look> {
    const place = this.#tree.locateName(this.#place, ".");
    return typeof place === "number" ? place : look(place);
  }

  /** The host's name of `name`. */
  #locate(name: string): string | Refused {
    const fine = checkName(name);
    return fine < 0 ? fine : this.#tree.locateName(this.#place, name);
  }

  /** The host's name of `name`, which is to change. */
  #locateToChange(name: string): string | Refused {
    const fine = checkName(name);
    if (fine < 0) return fine;
    return this.#tree.readOnly ? refuse("rofs") : this.#tree.locateName(this.#place, name);
  }

  /** Takes note of the names there are now. O(entries). */
  #readNames(place: string): Outcome {
    const read = attempt(() => readdirSync(place, "buffer"));
    if (typeof read === "number") return read;
    const now = new Set<string>();
    for (const bytes of read) {
      const name = decodePath(bytes);
      if (typeof name === "string") now.add(name);
    }
    const { names } = this.#place;
    names.keep(now);
    for (const name of now) names.set(name, true);
    return 0;
  }
}

/** Adds what `entry` is to `found`, if it is still there. */
function describe(place: string, { name, cookie }: ListedEntry<true>, found: DirectoryEntry[]): void {
  const stats = look(`${place}/${name}`);
  if (typeof stats === "number") return;
  const serial = BigInt.asUintN(64, stats.ino);
  found.push({ name, serial, fileType: fileTypeOf(stats), cookie: BigInt(cookie) });
}
