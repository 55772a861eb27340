/** A directory of the host as the source of a site: regular files inside it, and nothing outside. */
import {
  closeSync,
  fstatSync,
  opendirSync,
  readSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from "node:fs";
import { join } from "node:path";
import type { ListingProblem, SiteSource, SourceFile } from "../disk/site-source.ts";
import { SourceError, isInside, openInside, versionOf } from "./open-inside.ts";

export { SourceError } from "./open-inside.ts";

/** A source that holds a descriptor while a file is being read. */
export interface DirectorySource extends SiteSource {
  /** Device, inode and real place of the directory, as of the last `list`. */
  readonly identity: string;
  look(path: string): SourceFile;
  /** Lets go of the file that was read last. */
  close(): void;
}

/** Where the directory is at the moment. */
interface Root {
  readonly real: string;
  readonly identity: string;
}

/**
 * Opens `directory`; throws a `SourceError` that says why it cannot be served.
 *
 * Each `list` finds out anew where the directory is, so that a link may be turned to another one.
 * What `excluded` names is never listed, whatever other names it has: the server's own files.
 */
export function openDirectory(directory: string, excluded: readonly string[] = []): DirectorySource {
  let root = rootOf(directory);
  let path = "";
  let descriptor = -1;
  const close = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
    path = "";
  };
  const open = (wanted: string): number => {
    if (descriptor >= 0 && wanted === path) return descriptor;
    close();
    descriptor = openInside(root.real, wanted);
    path = wanted;
    return descriptor;
  };
  const read = (wanted: string, offset: number, into: Uint8Array): number => {
    if (offset === 0) close();
    const got = readSync(open(wanted), into, 0, into.length, offset);
    if (got < into.length) close();
    return got;
  };
  const list = (): Iterable<SourceFile | ListingProblem> => {
    close();
    root = rootOf(directory);
    return walk({ root: root.real, excluded: identitiesOf(excluded) }, "", [root.real]);
  };
  const look = (wanted: string): SourceFile => sourceFile(wanted, fstatSync(open(wanted), { bigint: true }));
  return {
    list,
    read,
    look,
    close,
    get identity(): string {
      return root.identity;
    },
  };
}

function rootOf(directory: string): Root {
  let real;
  let status;
  try {
    real = realpathSync(directory);
    status = statSync(real, { bigint: true });
  } catch {
    throw new SourceError(`no such directory: ${directory}`);
  }
  if (status.isDirectory()) return { real, identity: `${identityOf(status)}:${real}` };
  throw new SourceError(`not a directory: ${directory}`);
}

const identityOf = (status: BigIntStats): string => `${status.dev}:${status.ino}`;

function identitiesOf(paths: readonly string[]): ReadonlySet<string> {
  const identities = new Set<string>();
  for (const path of paths) {
    const status = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (status !== undefined) identities.add(identityOf(status));
  }
  return identities;
}

const sourceFile = (path: string, status: BigIntStats): SourceFile => ({
  path,
  size: Number(status.size),
  modified: Number(status.mtimeMs),
  version: versionOf(status, Date.now()),
});

interface Walk {
  readonly root: string;
  readonly excluded: ReadonlySet<string>;
}

/** Every regular file below `root/prefix` whose real place is inside `root`, depth first; `above` ends cycles. */
function* walk(
  walked: Walk,
  prefix: string,
  above: readonly string[],
): Generator<SourceFile | ListingProblem> {
  for (const entry of entriesOf(walked.root, prefix)) {
    if (typeof entry !== "string") {
      yield entry;
      continue;
    }
    if (isHidden(entry)) continue;
    const path = below(prefix, entry);
    const found = lookBelow(walked, path);
    if (found === undefined) continue;
    if (!("real" in found)) yield found;
    else if (!above.includes(found.real)) yield* walk(walked, path, [...above, found.real]);
  }
}

const below = (prefix: string, name: string): string => (prefix === "" ? name : `${prefix}/${name}`);

/** Names that begin with a dot are not published, but for the one that RFC 8615 reserves. */
const isHidden = (name: string): boolean => name.startsWith(".") && name !== ".well-known";

/** The names in a directory, and what keeps some from being read; throws when the root itself cannot be. */
function* entriesOf(root: string, prefix: string): Generator<string | ListingProblem> {
  let handle;
  try {
    handle = opendirSync(join(root, prefix), { encoding: "buffer" as BufferEncoding });
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync())
      yield nameOf(entry.name as unknown as Uint8Array, prefix);
  } catch (error) {
    if (prefix === "") throw error;
    if (!isGone(error)) yield { path: prefix, reason: "Unreadable" };
  } finally {
    handle?.closeSync();
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A name that is not UTF-8 cannot be asked for. */
function nameOf(bytes: Uint8Array, prefix: string): string | ListingProblem {
  try {
    return utf8.decode(bytes);
  } catch {
    return { path: below(prefix, new TextDecoder().decode(bytes)), reason: "BadName" };
  }
}

const GONE: readonly unknown[] = ["ENOENT", "ENOTDIR", "ELOOP"];

/** True when an error means that there is nothing; any other may pass. */
const isGone = (error: unknown): boolean => GONE.includes((error as NodeJS.ErrnoException | null)?.code);

/** What is at `path`; `undefined` for what is gone, is special, lies outside or is the server's own. */
function lookBelow(
  { root, excluded }: Walk,
  path: string,
): SourceFile | ListingProblem | { readonly real: string } | undefined {
  try {
    const real = realpathSync(join(root, path));
    if (!isInside(root, real)) return undefined;
    const status = statSync(real, { bigint: true });
    if (status.isDirectory()) return { real };
    return status.isFile() && !excluded.has(identityOf(status)) ? sourceFile(path, status) : undefined;
  } catch (error) {
    return isGone(error) ? undefined : { path, reason: "Unreadable" };
  }
}
