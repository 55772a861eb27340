/** A directory of the host as the source of a site: regular files inside it, and nothing outside. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  opendirSync,
  readSync,
  realpathSync,
  statSync,
  type Dirent,
} from "node:fs";
import { join, sep } from "node:path";
import type { SiteSource, SourceFile } from "../disk/site-source.ts";

/** A source that holds a descriptor while a file is being read. */
export interface DirectorySource extends SiteSource {
  /** Lets go of the file that was read last. */
  close(): void;
}

/** Thrown when there is nothing to serve. */
export class SourceError extends Error {
  override readonly name: string = "SourceError";
}

/** Opens `directory`; throws a `SourceError` that says why it cannot be served. */
export function openDirectory(directory: string): DirectorySource {
  const root = rootOf(directory);
  let path = "";
  let descriptor = -1;
  const close = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
    path = "";
  };
  const open = (wanted: string): void => {
    close();
    descriptor = openInside(root, wanted);
    path = wanted;
  };
  const read = (wanted: string, offset: number, into: Uint8Array): number => {
    if (descriptor < 0 || wanted !== path) open(wanted);
    const got = readSync(descriptor, into, 0, into.length, offset);
    if (got < into.length) close();
    return got;
  };
  return { list: () => walk(root, "", [root]), read, close };
}

function rootOf(directory: string): string {
  try {
    const root = realpathSync(directory);
    if (statSync(root).isDirectory()) return root;
  } catch {
    throw new SourceError(`no such directory: ${directory}`);
  }
  throw new SourceError(`not a directory: ${directory}`);
}

/** Opens a file whose real place, links followed, is inside `root`. */
function openInside(root: string, path: string): number {
  const real = realpathSync(join(root, path));
  if (!isInside(root, real)) throw new SourceError(`outside the directory: ${path}`);
  const descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new SourceError(`not a regular file: ${path}`);
}

const isInside = (root: string, real: string): boolean =>
  real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);

/** Every regular file below `root/prefix` whose real place is inside `root`, depth first; `above` ends cycles. */
function* walk(root: string, prefix: string, above: readonly string[]): Generator<SourceFile> {
  for (const entry of entriesOf(join(root, prefix))) {
    if (isHidden(entry.name)) continue;
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    const found = look(root, path);
    if (found === undefined) continue;
    if (!found.isDirectory) yield { path, size: found.size, modified: found.modified };
    else if (!above.includes(found.real)) yield* walk(root, path, [...above, found.real]);
  }
}

/** Names that begin with a dot are not published, but for the one that RFC 8615 reserves. */
const isHidden = (name: string): boolean => name.startsWith(".") && name !== ".well-known";

function* entriesOf(directory: string): Generator<Dirent> {
  let handle;
  try {
    handle = opendirSync(directory);
  } catch {
    return;
  }
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) yield entry;
  } finally {
    handle.closeSync();
  }
}

interface Found {
  readonly real: string;
  readonly isDirectory: boolean;
  readonly size: number;
  readonly modified: number;
}

/** What is at `path`; `undefined` for what is gone, is special, or lies outside. */
function look(root: string, path: string): Found | undefined {
  try {
    const real = realpathSync(join(root, path));
    const is = statSync(real);
    const isDirectory = is.isDirectory();
    if (!isInside(root, real) || (!isDirectory && !is.isFile())) return undefined;
    return { real, isDirectory, size: is.size, modified: Math.floor(is.mtimeMs) };
  } catch {
    return undefined;
  }
}
