/** The calls of preview 1: one row each, with their parameters as WebAssembly has them. */
import type { WasiContext } from "./context.ts";
import {
  fdAdvise,
  fdAllocate,
  fdClose,
  fdDatasync,
  fdFdstatGet,
  fdFdstatSetFlags,
  fdFdstatSetRights,
  fdFilestatGet,
  fdFilestatSetSize,
  fdFilestatSetTimes,
  fdPrestatDirName,
  fdPrestatGet,
  fdRenumber,
  fdSeek,
  fdSync,
  fdTell,
} from "./descriptor-calls.ts";
import { type Dialect, PREVIEW_1, UNSTABLE } from "./layout.ts";
import { fdReaddir } from "./listing.ts";
import {
  pathCreateDirectory,
  pathFilestatGet,
  pathFilestatSetTimes,
  pathLink,
  pathReadlink,
  pathRemoveDirectory,
  pathRename,
  pathSymlink,
  pathUnlinkFile,
} from "./path-calls.ts";
import { pathOpen } from "./path-open.ts";
import { pollOneoff } from "./poll.ts";
import {
  argsGet,
  argsSizesGet,
  clockResGet,
  clockTimeGet,
  environGet,
  environSizesGet,
  onSocket,
  procExit,
  procRaise,
  randomGet,
  schedYield,
} from "./system-calls.ts";
import { fdPread, fdPwrite, fdRead, fdWrite } from "./transfer.ts";

/** A call, given its arguments; an error number or `WAIT`. */
export type WasiCall = (...values: never[]) => number;

/** One call. */
export interface CallRow {
  readonly name: string;
  /** `i` for each parameter of 32 bits, `l` for each of 64. */
  readonly parameters: string;
  readonly make: (context: WasiContext) => WasiCall;
}

const row = (name: string, parameters: string, make: CallRow["make"]): CallRow =>
  Object.freeze({ name, parameters, make });

/** Every call of preview 1; a call's number is its place here. */
export const CALLS: readonly CallRow[] = Object.freeze([
  row("args_get", "ii", argsGet),
  row("args_sizes_get", "ii", argsSizesGet),
  row("environ_get", "ii", environGet),
  row("environ_sizes_get", "ii", environSizesGet),
  row("clock_res_get", "ii", clockResGet),
  row("clock_time_get", "ili", clockTimeGet),
  row("fd_advise", "illi", fdAdvise),
  row("fd_allocate", "ill", fdAllocate),
  row("fd_close", "i", fdClose),
  row("fd_datasync", "i", fdDatasync),
  row("fd_fdstat_get", "ii", fdFdstatGet),
  row("fd_fdstat_set_flags", "ii", fdFdstatSetFlags),
  row("fd_fdstat_set_rights", "ill", fdFdstatSetRights),
  row("fd_filestat_get", "ii", fdFilestatGet),
  row("fd_filestat_set_size", "il", fdFilestatSetSize),
  row("fd_filestat_set_times", "illi", fdFilestatSetTimes),
  row("fd_pread", "iiili", fdPread),
  row("fd_prestat_get", "ii", fdPrestatGet),
  row("fd_prestat_dir_name", "iii", fdPrestatDirName),
  row("fd_pwrite", "iiili", fdPwrite),
  row("fd_read", "iiii", fdRead),
  row("fd_readdir", "iiili", fdReaddir),
  row("fd_renumber", "ii", fdRenumber),
  row("fd_seek", "ilii", fdSeek),
  row("fd_sync", "i", fdSync),
  row("fd_tell", "ii", fdTell),
  row("fd_write", "iiii", fdWrite),
  row("path_create_directory", "iii", pathCreateDirectory),
  row("path_filestat_get", "iiiii", pathFilestatGet),
  row("path_filestat_set_times", "iiiilli", pathFilestatSetTimes),
  row("path_link", "iiiiiii", pathLink),
  row("path_open", "iiiiillii", pathOpen),
  row("path_readlink", "iiiiii", pathReadlink),
  row("path_remove_directory", "iii", pathRemoveDirectory),
  row("path_rename", "iiiiii", pathRename),
  row("path_symlink", "iiiii", pathSymlink),
  row("path_unlink_file", "iii", pathUnlinkFile),
  row("poll_oneoff", "iiii", pollOneoff),
  row("proc_exit", "i", procExit),
  row("proc_raise", "i", procRaise),
  row("random_get", "ii", randomGet),
  row("sched_yield", "", schedYield),
  row("sock_accept", "iii", onSocket),
  row("sock_recv", "iiiiii", onSocket),
  row("sock_send", "iiiii", onSocket),
  row("sock_shutdown", "ii", onSocket),
]);

/** A function that programs may import, as its rewriter is told of it. */
export interface WasiSignature {
  readonly module: string;
  readonly name: string;
  readonly parameters: readonly ("i32" | "i64")[];
  readonly results: readonly "i32"[];
}

/** What comes with a later preview only. */
const LATER: readonly string[] = ["sock_accept"];

/** The calls that programs find in a dialect. */
export const callsOf = (dialect: Dialect): readonly CallRow[] =>
  dialect === UNSTABLE ? CALLS.filter(({ name }) => !LATER.includes(name)) : CALLS;

const signature = (module: string, { name, parameters }: CallRow): WasiSignature => ({
  module,
  name,
  parameters: [...parameters].map((letter) => (letter === "l" ? "i64" : "i32")),
  results: name === "proc_exit" ? [] : ["i32"],
});

/** All functions of both dialects. */
export const SIGNATURES: readonly WasiSignature[] = [PREVIEW_1, UNSTABLE].flatMap((dialect) =>
  callsOf(dialect).map((each) => signature(dialect.module, each)),
);
