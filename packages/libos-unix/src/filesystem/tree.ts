/** Whole trees: filling a directory from a record, and reading one back. */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { Directory, FileNode, Refused, RegularFile } from "./file-system.ts";
import { isDirectory } from "./resolve.ts";

/** Files by their paths; a path that ends in `/` is a directory, whatever it has. */
export type FileTree = Readonly<Record<string, Uint8Array | string>>;

/** Bytes that `readTree` reads at most unless told otherwise. */
export const TREE_BYTES = 268_435_456;

const ABSENT: Outcome = refuse("noent");
const PAGE = 256;

const encoder: TextEncoder = new TextEncoder();

const isFile = (node: FileNode): node is RegularFile => node.fileType === FILE_TYPE.regularFile;

/** The directory `name`, made if there is nothing. */
function openDirectory(parent: Directory, name: string): Directory | Refused {
  const found = parent.lookup(name);
  if (found === ABSENT) return parent.createDirectory(name);
  if (typeof found === "number") return found;
  return isDirectory(found) ? found : refuse("notdir");
}

/** The file `name`, made if there is nothing. */
function openFile(parent: Directory, name: string): RegularFile | Refused {
  const found = parent.lookup(name);
  if (found === ABSENT) return parent.createFile(name);
  if (typeof found === "number") return found;
  if (isFile(found)) return found;
  return refuse(isDirectory(found) ? "isdir" : "exist");
}

/** Makes `bytes` all there is in `file`. */
function writeWhole(file: RegularFile, bytes: Uint8Array): Outcome {
  const opened = file.open({ read: false, write: true });
  if (typeof opened === "number") return opened;
  let outcome = opened.resize(0);
  for (let done = 0; outcome >= 0 && done < bytes.length; done += outcome)
    outcome = opened.write(done, bytes, done, bytes.length - done) || refuse("io");
  opened.close();
  return Math.min(outcome, 0);
}

/** All there is in `file`; `nomem` when that is more than `most` bytes. */
function readWhole(file: RegularFile, most: number): Uint8Array | Refused {
  const opened = file.open({ read: true, write: false });
  if (typeof opened === "number") return opened;
  const size = opened.size();
  let outcome = size > most ? refuse("nomem") : size;
  const bytes = new Uint8Array(Math.max(outcome, 0));
  let done = 0;
  while (outcome > 0 && done < bytes.length) {
    outcome = opened.read(done, bytes, done, bytes.length - done);
    done += Math.max(outcome, 0);
  }
  opened.close();
  return outcome < 0 ? outcome : bytes.subarray(0, done);
}

function writeOne(root: Directory, path: string, bytes: Uint8Array): Outcome {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const last = path.endsWith("/") ? undefined : names.pop();
  let here: Directory | Refused = root;
  for (const name of names) {
    here = openDirectory(here, name);
    if (typeof here === "number") return here;
  }
  if (last === undefined) return 0;
  const file = openFile(here, last);
  return typeof file === "number" ? file : writeWhole(file, bytes);
}

/**
 * Writes `files` below `root`; directories are made as needed, files that are there are replaced.
 *
 * **Fails** with what the file system refuses, after the files before; `notdir` or
 * `exist` when something else, such as a link, is in the way; `inval` for `..`.
 */
export function writeTree(root: Directory, files: FileTree): Outcome {
  for (const [path, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    const written = writeOne(root, path, bytes);
    if (written < 0) return written;
  }
  return 0;
}

/** What was read of a tree, and what is left to do. */
interface Reading {
  readonly found: Map<string, Uint8Array>;
  readonly rest: [string, Directory][];
  /** Bytes that may still be read. */
  bytesLeft: number;
}

/** Everything in `directory`: files go to `found`, directories to `rest`. */
function readOne(directory: Directory, above: string, reading: Reading): Outcome {
  const { found, rest } = reading;
  for (let cookie = 0n; ;) {
    const entries = directory.list(cookie, PAGE);
    if (typeof entries === "number") return entries;
    const end = entries.at(-1);
    if (end === undefined) return 0;
    cookie = end.cookie;
    for (const { name } of entries) {
      const node = directory.lookup(name);
      if (typeof node === "number") return node;
      if (isDirectory(node)) rest.push([`${above}${name}/`, node]);
      if (!isFile(node)) continue;
      const bytes = readWhole(node, reading.bytesLeft);
      if (typeof bytes === "number") return bytes;
      reading.bytesLeft -= bytes.length;
      found.set(above + name, bytes);
    }
  }
}

/**
 * Reads every regular file below `root`, by its path; a directory with neither files nor directories is `path/` without bytes.
 *
 * Links and devices are left out.
 *
 * **Fails** `nomem` when the files have more than `maximumBytes`, counting what was never
 * written in them; and with what the file system refuses.
 *
 * **Cost** O(entries + bytes), all of it in memory.
 */
export function readTree(
  root: Directory,
  maximumBytes: number = TREE_BYTES,
): Map<string, Uint8Array> | Refused {
  const found = new Map<string, Uint8Array>();
  const rest: [string, Directory][] = [["", root]];
  const reading = { found, rest, bytesLeft: maximumBytes };
  for (;;) {
    const next = rest.pop();
    if (next === undefined) return found;
    const [above, directory] = next;
    const before = found.size + rest.length;
    const outcome = readOne(directory, above, reading);
    if (outcome < 0) return outcome;
    if (above !== "" && found.size + rest.length === before) found.set(above, new Uint8Array(0));
  }
}
