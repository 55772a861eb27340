/** `path_open`: the one call that makes descriptors. */
import type { WasiContext } from "./context.ts";
import { toRights } from "./descriptor-calls.ts";
import { DESCRIPTOR_FLAGS, FILE_TYPE, OPEN_FLAGS, type RightSet, rights } from "./layout.ts";
import { type OpenDirectory, areLookupFlags, directoryOf, follows, resolve } from "./path.ts";
import { Descriptor, type OpenThing, areFlags } from "../descriptor/descriptor.ts";
import { ERRNO, type Outcome, errnoOf, refuse } from "../errno.ts";
import type { FileNode, RegularFile } from "../filesystem/file-system.ts";
import { type Resolved, isDirectory, isLink } from "../filesystem/resolve.ts";

const OPEN = rights("path_open");
const CREATE_FILE = rights("path_create_file");
const SET_SIZE = rights("path_filestat_set_size");
const DATASYNC = rights("fd_datasync");
const SYNC = rights("fd_sync");
const READ = rights("fd_read");
const WRITE = rights("fd_write");
/** Rights whose use changes what is in a file. */
const CHANGES = rights("fd_write", "fd_allocate", "fd_filestat_set_size");

const { create, directory, exclusive, truncate } = OPEN_FLAGS;
/** What is opened must be new: a link in its place is in the way, wherever it leads. */
const FRESH = create | exclusive;
const EVERY_OPEN_FLAG = create | directory | exclusive | truncate;

/** How something is to be opened. */
interface Wish {
  readonly open: number;
  readonly flags: number;
  readonly base: RightSet;
  readonly inheriting: RightSet;
}

const isFile = (node: FileNode): node is RegularFile => node.fileType === FILE_TYPE.regularFile;

/** An error number if the flags make no sense. */
function checkFlags(lookup: number, wish: Wish): number {
  const known = areLookupFlags(lookup) && (wish.open & ~EVERY_OPEN_FLAG) === 0 && areFlags(wish.flags);
  const both = create | directory;
  return known && (wish.open & both) !== both ? ERRNO.success : ERRNO.inval;
}

/** An error number if the directory does not allow what is wished. */
function checkRights(from: OpenDirectory, wish: Wish): number {
  let needed = 0;
  if ((wish.open & create) !== 0) needed |= CREATE_FILE;
  if ((wish.open & truncate) !== 0) needed |= SET_SIZE;
  let passed = wish.base | wish.inheriting;
  if ((wish.flags & DESCRIPTOR_FLAGS.dataSync) !== 0) passed |= DATASYNC;
  if ((wish.flags & (DESCRIPTOR_FLAGS.sync | DESCRIPTOR_FLAGS.readSync)) !== 0) passed |= SYNC;
  const known = wish.base >= 0 && wish.inheriting >= 0;
  const allowed = (from.rights & needed) === needed && (from.inheriting & passed) === passed;
  return known && allowed ? ERRNO.success : ERRNO.notcapable;
}

/** Opens a regular file, and empties it if that is wished. */
function openFile(node: RegularFile, wish: Wish): OpenThing | Outcome {
  const empties = (wish.open & truncate) !== 0;
  const write = empties || (wish.base & CHANGES) !== 0;
  const file = node.open({ read: !write || (wish.base & READ) !== 0, write });
  if (typeof file === "number") return file;
  const emptied = empties ? file.resize(0) : 0;
  if (emptied >= 0) return { kind: "file", node, file };
  file.close();
  return emptied;
}

/** Opens what is there. */
function openNode(node: FileNode, wish: Wish): OpenThing | Outcome {
  if ((wish.open & FRESH) === FRESH) return refuse("exist");
  if (isLink(node)) return refuse("loop");
  if (isDirectory(node)) {
    const changes = (wish.open & (create | truncate)) !== 0 || (wish.base & WRITE) !== 0;
    return changes ? refuse("isdir") : { kind: "directory", node, preopen: undefined };
  }
  if ((wish.open & directory) !== 0) return refuse("notdir");
  return isFile(node) ? openFile(node, wish) : refuse("notsup");
}

/** Opens what a path leads to, making the file if that is wished. */
function openPlace(place: Resolved, wish: Wish): OpenThing | Outcome {
  if (place.node !== undefined) return openNode(place.node, wish);
  if ((wish.open & create) === 0) return refuse("noent");
  if (place.mustBeDirectory) return refuse("isdir");
  const made = place.parent.createFile(place.name);
  return typeof made === "number" ? made : openFile(made, wish);
}

/** Arguments: descriptor, look-up, path and length, `oflags`, two sets of rights, `fdflags`, result. */
type OpenArguments = readonly [number, number, number, number, number, bigint, bigint, number, number];

/**
 * `path_open`.
 *
 * The rights of what is opened are those wished for, without those that mean
 * nothing for it: one can ask for all before knowing whether it is a file.
 */
export const pathOpen =
  (context: WasiContext) =>
  (...given: OpenArguments): number => {
    const from = directoryOf(context, given[0], OPEN);
    if (typeof from === "number") return from;
    const base = toRights(given[5]);
    const inheriting = toRights(given[6]);
    const wish = { open: given[4] >>> 0, flags: given[7] >>> 0, base, inheriting };
    const wrong = checkFlags(given[1], wish) || checkRights(from, wish);
    if (wrong !== ERRNO.success) return wrong;
    const memory = context.memory();
    memory.demand(given[8] >>> 0, 4, true);
    if (context.table.next() === undefined) return ERRNO.mfile;
    const follow = follows(given[1]) && (wish.open & FRESH) !== FRESH;
    const place = resolve(context, from.thing.node, given[2], given[3], follow);
    if (typeof place === "number") return errnoOf(place);
    const thing = openPlace(place, wish);
    if (typeof thing === "number") return errnoOf(thing);
    const number = context.table.open(new Descriptor(thing, { base, inheriting }, wish.flags));
    memory.setU32LE(given[8] >>> 0, number);
    return ERRNO.success;
  };
