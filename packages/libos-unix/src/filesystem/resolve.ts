/**
 * Paths: from a directory by names to a thing, and never out of that directory.
 *
 * Symbolic links are read and followed here, so that no file system follows one.
 * `..` goes back along the directories that were walked, not to whatever a
 * directory's parent is by now: a directory that somebody moves meanwhile leads
 * nowhere else.
 */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { Directory, FileNode, Refused, SymbolicLink } from "./file-system.ts";
import { NAME_BYTES, PATH_BYTES, checkText, exceeds } from "./name.ts";

/** Symbolic links that are followed for one path; one more is refused with `loop`. */
export const LINKS_FOLLOWED = 40;

/** Components that are walked for one path, those of followed links included; `loop` beyond. */
export const COMPONENTS_WALKED: number = PATH_BYTES / 2;

/**
 * What becomes of the last name: true, a link is followed; false, only before a slash.
 *
 * `"name"` is for who makes, moves or removes the name: what has it is found, be it a
 * link or a file before a slash. The slash is told, and the caller looks whether it fits.
 */
export type LastName = boolean | "name";

/** Where a path leads. */
export interface Resolved {
  /** The directory that has the last name, or would have it. */
  readonly parent: Directory;
  /** The last name; `.` when the path names `parent` itself, and then `node` is `parent`. */
  readonly name: string;
  /** What the name leads to; `undefined` when there is no such name. */
  readonly node: FileNode | undefined;
  /** The path ends in a slash: what is, or is created, there can only be a directory. */
  readonly mustBeDirectory: boolean;
}

/** Absolute, or above the start. Preview 1 has a number of its own for it. */
const OUTSIDE: Outcome = refuse("notcapable");

const SLASH = 0x2f;
const ABSENT: Outcome = refuse("noent");

const decoder: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a path given as bytes, or `ilseq` when they are not UTF-8, `nametoolong` beyond `PATH_BYTES`. O(length). */
export function decodePath(bytes: Uint8Array): string | Refused {
  if (bytes.length > PATH_BYTES) return refuse("nametoolong");
  try {
    return decoder.decode(bytes);
  } catch {
    return refuse("ilseq");
  }
}

/** True when `node` is a directory. */
export const isDirectory = (node: FileNode): node is Directory => node.fileType === FILE_TYPE.directory;

/** True when `node` is a symbolic link. */
export const isLink = (node: FileNode): node is SymbolicLink => node.fileType === FILE_TYPE.symbolicLink;

/** A walk: the directories from the start to here, and the text that is left. */
interface Walk {
  readonly above: Directory[];
  here: Directory;
  text: string;
  at: number;
  links: number;
  components: number;
}

/** 0 when `text` can be walked from a directory. */
function checkPath(text: string): Outcome {
  if (text === "") return ABSENT;
  if (exceeds(text, PATH_BYTES)) return refuse("nametoolong");
  if (text.charCodeAt(0) === SLASH) return OUTSIDE;
  return checkText(text);
}

/** The position behind the slashes at `at`. */
function afterSlashes(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) === SLASH) next++;
  return next;
}

/** Goes on with what `link` says, before what is left. */
function follow(walk: Walk, link: SymbolicLink, end: number): Outcome {
  if (++walk.links > LINKS_FOLLOWED) return refuse("loop");
  const target = link.target();
  if (typeof target === "number") return target;
  const fine = checkPath(target);
  if (fine < 0) return fine;
  walk.text = target + walk.text.slice(end);
  walk.at = 0;
  return 0;
}

/** Goes one directory back. */
function climb(walk: Walk): Outcome {
  const above = walk.above.pop();
  if (above === undefined) return OUTSIDE;
  walk.here = above;
  return 0;
}

/** Goes into `node`, or on with what it says if it is a link; `end` is behind its name. */
function enter(walk: Walk, node: FileNode | Refused, end: number): Outcome {
  if (typeof node === "number") return node;
  if (isLink(node)) return follow(walk, node, end);
  if (!isDirectory(node)) return refuse("notdir");
  walk.above.push(walk.here);
  walk.here = node;
  walk.at = end;
  return 0;
}

/**
 * Where the last name leads; `undefined` when that was a link and the walk goes on.
 */
function finish(walk: Walk, name: string, end: number, last: LastName): Resolved | Refused | undefined {
  const parent = walk.here;
  const mustBeDirectory = end < walk.text.length;
  const node = parent.lookup(name);
  if (node === ABSENT) return { parent, name, node: undefined, mustBeDirectory };
  if (typeof node === "number") return node;
  if (last === "name") return { parent, name, node, mustBeDirectory };
  if (isLink(node) && (last || mustBeDirectory)) {
    const followed = follow(walk, node, end);
    return followed < 0 ? followed : undefined;
  }
  if (mustBeDirectory && !isDirectory(node)) return refuse("notdir");
  return { parent, name, node, mustBeDirectory };
}

/** One component: a result when it is the last, a refusal, or `undefined` to go on. */
function step(walk: Walk, lastName: LastName): Resolved | Refused | undefined {
  if (++walk.components > COMPONENTS_WALKED) return refuse("loop");
  const { text } = walk;
  const slash = text.indexOf("/", walk.at);
  const end = slash < 0 ? text.length : slash;
  const name = text.slice(walk.at, end);
  if (exceeds(name, NAME_BYTES)) return refuse("nametoolong");
  const next = afterSlashes(text, end);
  const last = next === text.length;
  if (name !== "." && name !== "..") {
    if (last) return finish(walk, name, end, lastName);
    const entered = enter(walk, walk.here.lookup(name), end);
    return entered < 0 ? entered : undefined;
  }
  const moved = name === ".." ? climb(walk) : 0;
  if (moved < 0) return moved;
  walk.at = next;
  return last
    ? { parent: walk.here, name: ".", node: walk.here, mustBeDirectory: end < text.length }
    : undefined;
}

/**
 * Where `path` leads from `start`.
 *
 * A symbolic link in the middle is followed always, at the end as `last` says.
 * A name that is missing at the end is no refusal.
 *
 * **Fails** `notcapable` when the path, or a link on it, is absolute or goes above
 * `start`; `loop` beyond `LINKS_FOLLOWED` links or `COMPONENTS_WALKED`; `noent` when it is empty or a
 * directory on it is missing; `notdir` when something else is in a directory's
 * place; `nametoolong` beyond `PATH_BYTES` or `NAME_BYTES`; `ilseq` when it has U+0000 or no
 * form in UTF-8; and what the file system refuses.
 *
 * **Cost** a look-up for each component: at most `COMPONENTS_WALKED`.
 */
export function resolvePath(start: Directory, path: string, last: LastName): Resolved | Refused {
  const fine = checkPath(path);
  if (fine < 0) return fine;
  const walk: Walk = { above: [], here: start, text: path, at: 0, links: 0, components: 0 };
  for (;;) {
    walk.at = afterSlashes(walk.text, walk.at);
    const done = step(walk, last);
    if (done !== undefined) return done;
  }
}
