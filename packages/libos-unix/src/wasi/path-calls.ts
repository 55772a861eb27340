/** Calls on names: `path_*`, but for `path_open`. */
import { type WasiContext, requireInside } from "./context.ts";
import { areTimeFlags, setTimes, tellStat } from "./file-stat.ts";
import { FILE_TYPE, rights } from "./layout.ts";
import { areLookupFlags, directoryOf, errnoFrom, follows, inTheWay, readText, resolve } from "./path.ts";
import { ERRNO, errnoOf } from "../errno.ts";
import type { Resolved } from "../filesystem/resolve.ts";
import { isDirectory, isLink } from "../filesystem/resolve.ts";

const CREATE_DIRECTORY = rights("path_create_directory");
const GET_STAT = rights("path_filestat_get");
const SET_TIMES = rights("path_filestat_set_times");
const LINK_SOURCE = rights("path_link_source");
const LINK_TARGET = rights("path_link_target");
const READLINK = rights("path_readlink");
const REMOVE_DIRECTORY = rights("path_remove_directory");
const RENAME_SOURCE = rights("path_rename_source");
const RENAME_TARGET = rights("path_rename_target");
const SYMLINK = rights("path_symlink");
const UNLINK = rights("path_unlink_file");

const encoder = new TextEncoder();

/** The name by which a resolved path calls the start of the walk, or a directory that it went back to. */
const isSelf = (place: Resolved): boolean => place.name === ".";

/** `path_create_directory`. */
export const pathCreateDirectory =
  (context: WasiContext) =>
  (fd: number, path: number, length: number): number => {
    const open = directoryOf(context, fd, CREATE_DIRECTORY);
    if (typeof open === "number") return open;
    const place = resolve(context, open.thing.node, path, length, "name");
    if (typeof place === "number") return errnoOf(place);
    return place.node === undefined ? errnoFrom(place.parent.createDirectory(place.name)) : ERRNO.exist;
  };

/** `path_filestat_get`. */
export const pathFilestatGet =
  (context: WasiContext) =>
  (fd: number, lookup: number, path: number, length: number, result: number): number => {
    const open = directoryOf(context, fd, GET_STAT);
    if (typeof open === "number") return open;
    if (!areLookupFlags(lookup)) return ERRNO.inval;
    const place = resolve(context, open.thing.node, path, length, follows(lookup));
    if (typeof place === "number") return errnoOf(place);
    return place.node === undefined ? ERRNO.noent : tellStat(context, place.node, result >>> 0);
  };

/** Arguments of `path_filestat_set_times`: descriptor, look-up, path and length, two times, flags. */
type SetTimesArguments = readonly [number, number, number, number, bigint, bigint, number];

/** `path_filestat_set_times`. */
export const pathFilestatSetTimes =
  (context: WasiContext) =>
  (...given: SetTimesArguments): number => {
    const open = directoryOf(context, given[0], SET_TIMES);
    if (typeof open === "number") return open;
    if (!areLookupFlags(given[1]) || !areTimeFlags(given[6] >>> 0)) return ERRNO.inval;
    const place = resolve(context, open.thing.node, given[2], given[3], follows(given[1]));
    if (typeof place === "number") return errnoOf(place);
    if (place.node === undefined) return ERRNO.noent;
    return setTimes(context, place.node, { accessed: given[4], modified: given[5] }, given[6]);
  };

/** Arguments of `path_link`: descriptor, look-up, path and length; descriptor, path and length of the new name. */
type LinkArguments = readonly [number, number, number, number, number, number, number];

/** `path_link`: a further name; directories have one only. */
export const pathLink =
  (context: WasiContext) =>
  (...given: LinkArguments): number => {
    const from = directoryOf(context, given[0], LINK_SOURCE);
    if (typeof from === "number") return from;
    const to = directoryOf(context, given[4], LINK_TARGET);
    if (typeof to === "number") return to;
    if (!areLookupFlags(given[1])) return ERRNO.inval;
    const old = resolve(context, from.thing.node, given[2], given[3], follows(given[1]));
    if (typeof old === "number") return errnoOf(old);
    const place = resolve(context, to.thing.node, given[5], given[6], "name");
    if (typeof place === "number") return errnoOf(place);
    if (old.node === undefined) return ERRNO.noent;
    const obstacle = inTheWay(place);
    if (obstacle !== ERRNO.success) return obstacle;
    return isDirectory(old.node) ? ERRNO.perm : errnoOf(place.parent.link(place.name, old.node));
  };

/** Arguments of `path_readlink`: descriptor, path and length, buffer and length, result. */
type ReadLinkArguments = readonly [number, number, number, number, number, number];

/** `path_readlink`: what a link says, cut off where the buffer ends. */
export const pathReadlink =
  (context: WasiContext) =>
  (...given: ReadLinkArguments): number => {
    const open = directoryOf(context, given[0], READLINK);
    if (typeof open === "number") return open;
    const place = resolve(context, open.thing.node, given[1], given[2], false);
    if (typeof place === "number") return errnoOf(place);
    if (place.node === undefined) return ERRNO.noent;
    if (!isLink(place.node)) return ERRNO.inval;
    const target = place.node.target();
    if (typeof target === "number") return errnoOf(target);
    const bytes = encoder.encode(target);
    const memory = context.memory();
    requireInside(memory, given[3] >>> 0, given[4] >>> 0);
    memory.demand(given[5] >>> 0, 4, true);
    const count = Math.min(bytes.length, given[4] >>> 0);
    if (count > 0) memory.write(given[3] >>> 0, bytes, 0, count);
    memory.setU32LE(given[5] >>> 0, count);
    return ERRNO.success;
  };

/** `path_remove_directory`. */
export const pathRemoveDirectory =
  (context: WasiContext) =>
  (fd: number, path: number, length: number): number => {
    const open = directoryOf(context, fd, REMOVE_DIRECTORY);
    if (typeof open === "number") return open;
    const place = resolve(context, open.thing.node, path, length, "name");
    if (typeof place === "number") return errnoOf(place);
    if (isSelf(place)) return ERRNO.inval;
    if (place.node === undefined) return ERRNO.noent;
    return isDirectory(place.node) ? errnoOf(place.parent.removeDirectory(place.name)) : ERRNO.notdir;
  };

/** Arguments of `path_rename`: descriptor, path and length; the same of the new name. */
type RenameArguments = readonly [number, number, number, number, number, number];

/** Whether what is moved, and what it replaces, are directories where a slash says so. */
const slashesFit = (from: Resolved, to: Resolved): boolean =>
  from.node?.fileType === FILE_TYPE.directory || !(from.mustBeDirectory || to.mustBeDirectory);

/** `path_rename`. */
export const pathRename =
  (context: WasiContext) =>
  (...given: RenameArguments): number => {
    const source = directoryOf(context, given[0], RENAME_SOURCE);
    if (typeof source === "number") return source;
    const target = directoryOf(context, given[3], RENAME_TARGET);
    if (typeof target === "number") return target;
    const from = resolve(context, source.thing.node, given[1], given[2], "name");
    if (typeof from === "number") return errnoOf(from);
    const to = resolve(context, target.thing.node, given[4], given[5], "name");
    if (typeof to === "number") return errnoOf(to);
    if (isSelf(from) || isSelf(to)) return ERRNO.inval;
    if (from.node === undefined) return ERRNO.noent;
    if (!slashesFit(from, to)) return ERRNO.notdir;
    return errnoOf(from.parent.rename(from.name, to.parent, to.name));
  };

/** `path_symlink`: a link that leads to no absolute place, since nothing could follow it. */
export const pathSymlink =
  (context: WasiContext) =>
  (target: number, targetLength: number, fd: number, path: number, length: number): number => {
    const open = directoryOf(context, fd, SYMLINK);
    if (typeof open === "number") return open;
    const says = readText(context, target, targetLength);
    if (typeof says === "number") return errnoOf(says);
    const place = resolve(context, open.thing.node, path, length, "name");
    if (typeof place === "number") return errnoOf(place);
    if (says.startsWith("/")) return ERRNO.notcapable;
    const obstacle = inTheWay(place);
    return obstacle === ERRNO.success ? errnoFrom(place.parent.createLink(place.name, says)) : obstacle;
  };

/** `path_unlink_file`. */
export const pathUnlinkFile =
  (context: WasiContext) =>
  (fd: number, path: number, length: number): number => {
    const open = directoryOf(context, fd, UNLINK);
    if (typeof open === "number") return open;
    const place = resolve(context, open.thing.node, path, length, "name");
    if (typeof place === "number") return errnoOf(place);
    if (place.node === undefined) return ERRNO.noent;
    if (isDirectory(place.node)) return ERRNO.isdir;
    return place.mustBeDirectory ? ERRNO.notdir : errnoOf(place.parent.unlink(place.name));
  };
