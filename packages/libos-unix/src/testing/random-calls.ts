/** Calls with arguments that nobody would make on purpose: for attacks on what answers them. */
import { CALLS, type CallRow } from "../wasi/calls.ts";
import { RIG_BYTES, type RigArgument, type WasiRig } from "./wasi-rig.ts";

/** Numbers below `bound`, from a seed: xorshift of 32 bits. */
export function makeChance(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

type Chance = (bound: number) => number;

const PATHS = [
  "a",
  "b",
  "d",
  "d/e",
  ".",
  "..",
  "d/..",
  "/",
  "a/",
  "l",
  "l/x",
  "",
  "d/../../a",
  "ä",
  "x".repeat(300),
];
const EDGES = [0, 1, -1, RIG_BYTES - 8, RIG_BYTES - 1, RIG_BYTES, 2 ** 31 - 1, -(2 ** 31)];

/** Descriptors that the attacker has, few enough to be used up. */
export const NUMBERS = 12;

/** Where the strings, the lists and the rest are that arguments point to. */
const TEXTS = 1024;
const LISTS = 16_384;
const SCRATCH = 65_536;

/** Bytes between two strings. */
const TEXT_ROOM = 512;

/** Writes strings and lists of pieces to places that arguments will point to. */
export function seedMemory(rig: WasiRig, chance: Chance): void {
  const encoder = new TextEncoder();
  for (const [index, path] of PATHS.entries())
    rig.memory.bytes.set(encoder.encode(path), TEXTS + index * TEXT_ROOM);
  for (let at = LISTS; at < SCRATCH; at += 8) {
    rig.memory.setU32LE(at, chance(8) === 0 ? (EDGES[chance(EDGES.length)] ?? 0) : SCRATCH + chance(65_536));
    rig.memory.setU32LE(at + 4, chance(16) === 0 ? -1 - chance(9) : chance(300));
  }
}

function number32(chance: Chance): number {
  switch (chance(8)) {
    case 0:
    case 1:
      return chance(9);
    case 2:
      return EDGES[chance(EDGES.length)] ?? 0;
    case 3:
      return LISTS + 8 * chance(6_000);
    case 4:
      return SCRATCH + chance(200_000);
    case 5:
      return chance(40);
    case 6:
      return 1 << chance(32);
    default:
      return chance(2 ** 32) | 0;
  }
}

function number64(chance: Chance): bigint {
  switch (chance(6)) {
    case 0:
      return 0n;
    case 1:
      return BigInt(chance(2 ** 30));
    case 2:
      return 1n << BigInt(chance(64));
    case 3:
      return -BigInt(chance(1000));
    default:
      return BigInt(chance(300));
  }
}

/** The number of something open, of this kind if there is any. */
function openNumber(rig: WasiRig, chance: Chance, kind: string | undefined): number {
  const open = Array.from({ length: NUMBERS }, (_, number) => number).filter(
    (number) => rig.table.get(number) !== undefined,
  );
  const fitting = open.filter((number) => kind === undefined || rig.table.get(number)?.thing.kind === kind);
  const from = fitting.length > 0 ? fitting : open;
  return from[chance(Math.max(1, from.length))] ?? 0;
}

/** What a call is mostly made with. */
function kindFor(name: string, chance: Chance): string | undefined {
  if (name.startsWith("path_") || name === "fd_readdir" || name.startsWith("fd_prestat")) return "directory";
  if (/^fd_(p|seek|tell|allocate|filestat_set|advise|sync|data)/.test(name)) return "file";
  return ["file", "stream", undefined][chance(3)];
}

/** Where descriptors are among the arguments of path calls, besides the first. */
const SECOND: Readonly<Record<string, number>> = {
  path_link: 4,
  path_rename: 3,
  path_symlink: 2,
  fd_renumber: 1,
};

/** Puts the number of something open where the call wants a descriptor. */
function chooseDescriptors(rig: WasiRig, name: string, values: RigArgument[], chance: Chance): void {
  if (!/^(fd|sock|path)_/.test(name)) return;
  const kind = kindFor(name, chance);
  const second = SECOND[name];
  if (name !== "path_symlink") values[0] = openNumber(rig, chance, kind);
  if (second !== undefined) values[second] = openNumber(rig, chance, kind);
}

/** Arguments of one call: mostly sensible ones, so that it gets far. */
function argumentsFor(rig: WasiRig, row: CallRow, chance: Chance): RigArgument[] {
  const { name } = row;
  const values: RigArgument[] = [...row.parameters].map((each) =>
    each === "l" ? number64(chance) : number32(chance),
  );
  // A long one is no more hostile than a short one, but takes its time.
  if (name === "random_get") values[1] = chance(4096);
  if (chance(8) === 0) return values;
  chooseDescriptors(rig, name, values, chance);
  for (const at of PATH_PLACES[name] ?? []) {
    const path = chance(PATHS.length);
    values[at] = TEXTS + path * TEXT_ROOM;
    values[at + 1] = new TextEncoder().encode(PATHS[path]).length;
  }
  if (chance(8) > 0)
    for (const at of RESULT_PLACES[name] ?? []) values[at] = SCRATCH + 200_000 + 8 * chance(999);
  if (/^fd_p?(read|write)$/.test(name)) [values[1], values[2]] = [LISTS + 8 * chance(5_000), chance(3)];
  if (name === "path_open") [values[1], values[4], values[7]] = [chance(2), chance(16), chance(32)];
  if (name === "path_open" && chance(4) > 0) {
    const few = [0n, 2n, 6n, 66n, BigInt(chance(2 ** 28))];
    [values[5], values[6]] = [few[chance(5)] ?? 0n, BigInt(chance(2 ** 28))];
  }
  if (/^path_(filestat|link)/.test(name)) values[1] = chance(2);
  if (name === "poll_oneoff") values[2] = chance(5);
  return values;
}

/** Where paths are among the arguments. */
const PATH_PLACES: Readonly<Record<string, readonly number[]>> = {
  path_create_directory: [1],
  path_filestat_get: [2],
  path_filestat_set_times: [2],
  path_link: [2, 5],
  path_open: [2],
  path_readlink: [1],
  path_remove_directory: [1],
  path_rename: [1, 4],
  path_symlink: [0, 3],
  path_unlink_file: [1],
};

/** Where results go. */
const RESULT_PLACES: Readonly<Record<string, readonly number[]>> = {
  fd_pread: [4],
  fd_pwrite: [4],
  fd_read: [3],
  fd_readdir: [4],
  fd_seek: [3],
  fd_tell: [1],
  fd_write: [3],
  path_filestat_get: [4],
  path_open: [8],
  path_readlink: [5],
  poll_oneoff: [3],
};

/** Calls after which there is less to attack; one in eight of them is made. */
const DESTRUCTIVE = ["fd_close", "fd_renumber", "fd_fdstat_set_rights"];

/** One call: its name and arguments. */
export function randomCall(rig: WasiRig, chance: Chance): readonly [string, readonly RigArgument[]] {
  for (;;) {
    const row = CALLS[chance(CALLS.length)];
    if (row === undefined || (DESTRUCTIVE.includes(row.name) && chance(8) > 0)) continue;
    return [row.name, argumentsFor(rig, row, chance)];
  }
}
