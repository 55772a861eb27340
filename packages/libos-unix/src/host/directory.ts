/** A directory of the host as a file system that leads nowhere else. */
import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from "node:fs";
import { refuse } from "../errno.ts";
import type { Directory, Refused } from "../filesystem/file-system.ts";
import { HostDirectory } from "./host-directory.ts";
import { attempt } from "./host-errno.ts";
import { identityOf, isOfProcesses, isSame } from "./host-stat.ts";
import type { HostIdentity } from "./host-stat.ts";
import { HOST_DIRECTORIES_OPEN, HostTree, REACH_DIRECTORY, throughDescriptor } from "./host-tree.ts";

/** How a host directory is opened. */
export interface HostDirectoryOptions {
  /** True to refuse every change with `rofs`; false unless given. */
  readonly readOnly?: boolean;
  /** Descriptors of directories kept open, from 2; `HOST_DIRECTORIES_OPEN` unless given. */
  readonly directoriesOpen?: number;
  /** False to go by the text of paths also where descriptors lead on; true unless given. */
  readonly anchored?: boolean;
}

/** An opened host directory. */
export interface HostFileSystem {
  readonly root: Directory;
  /** True when directories are reached through descriptors: no other software of the host can lead out. */
  readonly anchored: boolean;
  /** Descriptors of directories that are open now; files are counted by who opens them. */
  readonly descriptors: number;
  /** Gives the directories' descriptors back; its nodes are refused with `badf` afterwards. Opened files stay open. */
  close(): void;
}

const BIGINT = { bigint: true } as const;

/** True when the host leads from a descriptor to what it is open on. */
function leadsOn(descriptor: number, identity: HostIdentity): boolean {
  const stats = attempt(() => lstatSync(`${throughDescriptor(descriptor)}/.`, BIGINT));
  return typeof stats !== "number" && isSame(stats, identity);
}

/** A descriptor of `path` that leads on, or -1 when the host has none such. */
function anchor(path: string, identity: HostIdentity): number {
  const descriptor = attempt(() => openSync(path, REACH_DIRECTORY));
  if (descriptor < 0) return -1;
  const same = isSame(fstatSync(descriptor, BIGINT), identity);
  if (same && leadsOn(descriptor, identity)) return descriptor;
  closeSync(descriptor);
  return -1;
}

/**
 * Opens the host's directory `path`; links on the way to it are followed, none below it.
 *
 * What is in it is reached by single names, so that neither `..` nor a link leads
 * out. What other software of the host can do meanwhile:
 *
 * - With `anchored` (Linux with `/proc`) every operation is on the very directory
 *   that was looked up, wherever it is by now. One that is moved out of the tree stays
 *   reachable for who holds it, while its descriptor is kept open.
 * - Else the directories of a path are compared before each operation. Who can
 *   write to the tree and replaces one by a link between that and the operation can
 *   make it end outside; a file that was opened is compared once more and not used. Do not
 *   let two parties that distrust each other share such a directory.
 * - A name that leads to another thing since it was looked up is refused with `noent`; one
 *   to which the host gave the number of a thing that is gone is not told from it.
 * - A mount, or a hard link to a file elsewhere, that the host has in the tree is in the tree;
 *   but for Linux's /proc, which is listed and refused with `acces`: this process's own
 *   memory and descriptors are in there.
 *
 * Names that are not UTF-8 are not listed and cannot be reached. Pipes, sockets and
 * devices can be looked at and removed, and not opened. The host takes times as doubles; what
 * that loses, about 0.3 microseconds, is remembered for `TIMES_REMEMBERED` things and not
 * seen by programs.
 *
 * **Fails** with the host's refusal of `path`; `notdir` when it is no directory; `acces` when it is
 * of /proc; `notsup` where links
 * cannot be left unfollowed (Windows).
 */
export function openHostDirectory(
  path: string,
  options: HostDirectoryOptions = {},
): HostFileSystem | Refused {
  if (constants.O_NOFOLLOW === undefined || constants.O_DIRECTORY === undefined) return refuse("notsup");
  const text = attempt(() => realpathSync(path));
  if (typeof text === "number") return text;
  const stats = attempt(() => lstatSync(text, BIGINT));
  if (typeof stats === "number") return stats;
  if (!stats.isDirectory()) return refuse("notdir");
  if (isOfProcesses(text)) return refuse("acces");
  const { readOnly = false, directoriesOpen = HOST_DIRECTORIES_OPEN, anchored = true } = options;
  const descriptor = anchored ? anchor(text, identityOf(stats)) : -1;
  const tree = new HostTree(text, stats, descriptor, { readOnly, directoriesOpen });
  return Object.freeze({
    root: new HostDirectory(tree, tree.root),
    anchored: tree.anchored,
    get descriptors(): number {
      return tree.descriptors;
    },
    close: (): void => tree.close(),
  });
}
