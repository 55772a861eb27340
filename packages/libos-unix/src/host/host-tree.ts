/**
 * Where the directories of a host's tree are: the names of the host they are reached by.
 *
 * On a system with `/proc/self/fd` a directory is reached through its descriptor, and
 * from there by one name; nobody can slip another directory in between. The last
 * descriptors used stay open; a directory without one is reached from the nearest
 * above it that has one, each step without following a link, and taken only if it
 * is the very directory that was looked up.
 *
 * Elsewhere the text of the path is used, after each directory on it was compared.
 * Between that and the use other software of the host that may write to the
 * tree can replace one of them by a link, and an operation can then end outside.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { refuse } from "../errno.ts";
import type { Outcome } from "../errno.ts";
import { EntryList } from "../filesystem/entry-list.ts";
import type { Refused } from "../filesystem/file-system.ts";
import { attempt } from "./host-errno.ts";
import { identityOf, isSame, keyOf, look } from "./host-stat.ts";
import type { HostIdentity } from "./host-stat.ts";
import { HostTimes } from "./host-times.ts";

/** Descriptors of directories that one host directory keeps open, unless told otherwise; the one longest unused is closed. */
export const HOST_DIRECTORIES_OPEN = 64;

/** Directories between one without a descriptor and the nearest above with one; `nametoolong` beyond. */
export const HOST_DEPTH = 4096;

/** Linux's `O_PATH`: a descriptor to go on from, which reads and writes nothing. Node.js does not name it. */
const PATH_ONLY = 0x20_0000;

const BIGINT = { bigint: true } as const;
const NONE = -1;

/** The flags to reach a directory without following a link. */
export const REACH_DIRECTORY: number = PATH_ONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The name by which the host leads to what a descriptor is open on. */
export const throughDescriptor = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

/** A directory of the tree: one object for each, however often it is looked up. */
export class HostPlace {
  readonly identity: HostIdentity;
  /** Undefined for the root. */
  parent: HostPlace | undefined;
  name: string;
  descriptor: number = NONE;
  removed = false;
  #names: EntryList<true> | undefined;

  constructor(identity: HostIdentity, parent: HostPlace | undefined, name: string) {
    this.identity = identity;
    this.parent = parent;
    this.name = name;
  }

  /** Its names in the order they were first seen, for its listings. */
  get names(): EntryList<true> {
    return (this.#names ??= new EntryList());
  }
}

/** What a directory is refused with when something else has its name. */
const OTHERS: readonly Refused[] = [refuse("notdir"), refuse("loop")];

/** Opens the directory `name`, if it is `identity`; `noent` when it is anything else. */
function openSame(name: string, identity: HostIdentity): number | Refused {
  const descriptor = attempt(() => openSync(name, REACH_DIRECTORY));
  if (descriptor < 0) return OTHERS.includes(descriptor) ? refuse("noent") : descriptor;
  if (isSame(fstatSync(descriptor, BIGINT), identity)) return descriptor;
  closeSync(descriptor);
  return refuse("noent");
}

/** The directories from the nearest above `place` that `ends`, to `place`. */
function chainTo(place: HostPlace, ends: (at: HostPlace) => boolean): HostPlace[] | Refused {
  const chain: HostPlace[] = [];
  let at = place;
  while (!ends(at)) {
    if (at.removed || at.parent === undefined) return refuse("noent");
    if (chain.length >= HOST_DEPTH) return refuse("nametoolong");
    chain.push(at);
    at = at.parent;
  }
  chain.push(at);
  return chain.toReversed();
}

/** The directories of one tree. */
export class HostTree {
  readonly root: HostPlace;
  readonly readOnly: boolean;
  /** True when directories are reached through descriptors. */
  readonly anchored: boolean;
  readonly times: HostTimes = new HostTimes();
  readonly #rootText: string;
  readonly #directoriesOpen: number;
  /** Directories with a descriptor besides the root, the one longest unused first. */
  readonly #open: Set<HostPlace> = new Set();
  readonly #known: Map<string, WeakRef<HostPlace>> = new Map();
  #sweepAt = 256;
  #closed = false;

  /** `descriptor` is one of the root, or below 0 to go by `rootText`. */
  constructor(
    rootText: string,
    root: BigIntStats,
    descriptor: number,
    options: { readonly readOnly: boolean; readonly directoriesOpen: number },
  ) {
    this.#rootText = rootText;
    this.root = new HostPlace(identityOf(root), undefined, "");
    this.root.descriptor = descriptor;
    this.anchored = descriptor >= 0;
    this.readOnly = options.readOnly;
    this.#directoriesOpen = Math.max(2, options.directoriesOpen);
  }

  /** Descriptors of directories that are open now. */
  get descriptors(): number {
    return this.#open.size + (this.root.descriptor >= 0 ? 1 : 0);
  }

  /** The host's name of the directory `place`; valid until two others were asked for. */
  locate(place: HostPlace): string | Refused {
    if (this.#closed) return refuse("badf");
    if (!this.anchored) return this.#spell(place);
    const descriptor = this.#reach(place);
    return descriptor < 0 ? descriptor : throughDescriptor(descriptor);
  }

  /** The host's name of `name` in `place`. */
  locateName(place: HostPlace, name: string): string | Refused {
    const directory = this.locate(place);
    return typeof directory === "number" ? directory : `${directory}/${name}`;
  }

  /** The one object for the directory that `name` in `parent` was found to be. */
  placeOf(parent: HostPlace, name: string, stats: BigIntStats): HostPlace {
    const identity = identityOf(stats);
    if (isSame(stats, this.root.identity)) return this.root;
    const known = this.#known.get(keyOf(identity))?.deref();
    if (known !== undefined) {
      known.parent = parent;
      known.name = name;
      return known;
    }
    const place = new HostPlace(identity, parent, name);
    this.#known.set(keyOf(identity), new WeakRef(place));
    if (this.#known.size > this.#sweepAt) this.#sweep();
    return place;
  }

  /** The directory `stats` is of was removed. */
  forget(stats: BigIntStats): void {
    const key = keyOf(identityOf(stats));
    const place = this.#known.get(key)?.deref();
    if (place !== undefined) place.removed = true;
    this.#known.delete(key);
  }

  /** Closes every descriptor; whatever is asked afterwards is refused with `badf`. */
  close(): void {
    this.#closed = true;
    for (const place of [this.root, ...this.#open]) shut(place);
    this.#open.clear();
  }

  /** A descriptor of `place`. */
  #reach(place: HostPlace): number | Refused {
    if (place === this.root) return place.descriptor;
    if (place.descriptor >= 0) {
      this.#open.delete(place);
      this.#open.add(place);
      return place.descriptor;
    }
    const descriptor = descend(place);
    if (descriptor < 0) return descriptor;
    place.descriptor = descriptor;
    this.#open.add(place);
    if (this.#open.size > this.#directoriesOpen) this.#evict();
    return descriptor;
  }

  #evict(): void {
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    this.#open.delete(oldest);
    shut(oldest);
  }

  /** The text of the path to `place`, after comparing every directory on it. */
  #spell(place: HostPlace): string | Refused {
    const chain = chainTo(place, (at) => at === this.root);
    if (typeof chain === "number") return chain;
    let text = this.#rootText;
    for (const at of chain) {
      if (at !== this.root) text = `${text}/${at.name}`;
      const compared = compare(text, at.identity);
      if (compared < 0) return compared;
    }
    return text;
  }

  /** Forgets directories that nobody holds. O(known), once per doubling. */
  #sweep(): void {
    for (const [key, held] of this.#known) if (held.deref() === undefined) this.#known.delete(key);
    this.#sweepAt = Math.max(256, 2 * this.#known.size);
  }
}

/** 0 when `text` still names the thing `identity`. */
function compare(text: string, identity: HostIdentity): Outcome {
  const stats = look(text);
  if (typeof stats === "number") return stats;
  return isSame(stats, identity) ? 0 : refuse("noent");
}

function shut(place: HostPlace): void {
  if (place.descriptor >= 0) closeSync(place.descriptor);
  place.descriptor = NONE;
}

/** Opens `place` from the nearest above it that is open, one directory after the other. */
function descend(place: HostPlace): number | Refused {
  const chain = chainTo(place, (at) => at.descriptor >= 0);
  if (typeof chain === "number") return chain;
  let here = NONE;
  for (const at of chain) {
    if (here === NONE && at.descriptor >= 0) {
      here = at.descriptor;
      continue;
    }
    const next = openSame(`${throughDescriptor(here)}/${at.name}`, at.identity);
    if (at.parent?.descriptor !== here) closeSync(here);
    if (next < 0) return next;
    here = next;
  }
  return here;
}
