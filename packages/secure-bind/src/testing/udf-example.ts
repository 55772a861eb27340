/**
 * The templates of a small file format, for tests: after C-FFS, with inodes embedded in directories.
 *
 * Blocks of 4,096 bytes, numbers of 32 bits, the lowest byte first; block 0 is nobody's, so a pointer of 0 is none.
 *
 *     superblock   0: magic   4: root directory
 *     directory    0: magic   4: slots in use   8: changed when   12: who may write
 *                  128 * (1 + i): slot i, of 31: 0: kind (0 free, 1 file, 2 directory)
 *                                                16: fifteen blocks   76: a block of more of them
 *     indirect     1,024 blocks
 */
import {
  type Udf,
  type UdfExpression,
  type UdfStatement,
  acl,
  answer,
  argument,
  binary,
  emit,
  fault,
  ifElse,
  load,
  loadProposed,
  local,
  owns,
  repeat,
  set,
  size,
} from "../udf/term.ts";

/** Bytes of a block. */
export const EXAMPLE_BLOCK = 4096;
/** The types of blocks. */
export const EXAMPLE_TYPES = {
  data: 0,
  superblock: 1,
  directory: 2,
  indirect: 3,
  manyDirectories: 4,
} as const;
/** Slots of a directory block. */
export const EXAMPLE_SLOTS = 31;
/** The first word of superblocks and directories. */
export const EXAMPLE_MAGIC = 0xcff5_0001;

const SLOT_BYTES = 128;
const DIRECT = 15;
const DIRECT_AT = 16;
const INDIRECT_AT = 76;
const FILE = 1;
const DIRECTORY = 2;

const word = (at: UdfExpression | number): UdfExpression => load(4, at, "little");
const plus = (left: UdfExpression, right: UdfExpression | number): UdfExpression =>
  binary("add", left, right);
const times = (left: UdfExpression, right: number): UdfExpression => binary("multiply", left, right);

const isNoBlock = ifElse(binary("notEqual", word(0), EXAMPLE_MAGIC), [fault()]);

/** Emits one block of type `type` unless the pointer in local 0 is none. */
const emitPointer = (type: UdfExpression | number): UdfStatement =>
  ifElse(local(0), [emit(local(0), 1, type)]);

/** A superblock owns the root directory. */
export const superblockOwns: Udf<"owns"> = owns(
  1,
  isNoBlock,
  set(0, word(4)),
  emitPointer(EXAMPLE_TYPES.directory),
);

// Locals: 0 a pointer, 1 the slot, 2 where the slot is, 3 its kind, 4 the pointer's number, 5 and 6 its types.
const slotOwns: readonly UdfStatement[] = [
  set(2, times(plus(local(1), 1), SLOT_BYTES)),
  set(3, load(1, local(2))),
  ifElse(binary("greater", local(3), DIRECTORY), [fault()]),
  ifElse(local(3), [
    ifElse(
      binary("equal", local(3), FILE),
      [set(5, EXAMPLE_TYPES.data), set(6, EXAMPLE_TYPES.indirect)],
      [set(5, EXAMPLE_TYPES.directory), set(6, EXAMPLE_TYPES.manyDirectories)],
    ),
    repeat(4, DIRECT, DIRECT, [
      set(0, word(plus(plus(local(2), DIRECT_AT), times(local(4), 4)))),
      emitPointer(local(5)),
    ]),
    set(0, word(plus(local(2), INDIRECT_AT))),
    emitPointer(local(6)),
  ]),
];

/** A directory owns the blocks of all its files; one that has more slots than fit is none. */
export const directoryOwns: Udf<"owns"> = owns(
  7,
  isNoBlock,
  ifElse(binary("greater", word(4), EXAMPLE_SLOTS), [fault()]),
  repeat(1, word(4), EXAMPLE_SLOTS, slotOwns),
);

/** An indirect block owns what it lists; the type is that of a file's data. */
export const indirectOwns: Udf<"owns"> = owns(
  2,
  repeat(1, EXAMPLE_BLOCK / 4, EXAMPLE_BLOCK / 4, [
    set(0, word(times(local(1), 4))),
    emitPointer(EXAMPLE_TYPES.data),
  ]),
);

/** What the arguments of `directoryAcl` say, in this order. */
export const EXAMPLE_ARGUMENTS = { operation: 0, user: 1, now: 2 } as const;
/** The operation that `directoryAcl` allows to everybody. */
export const EXAMPLE_READ = 0;

/** Everybody reads; the user of the block changes it, and says so in its time of change. */
export const directoryAcl: Udf<"acl"> = acl(
  0,
  ifElse(binary("equal", argument(EXAMPLE_ARGUMENTS.operation), EXAMPLE_READ), [answer(1)]),
  answer(
    binary(
      "and",
      binary("equal", argument(EXAMPLE_ARGUMENTS.user), word(12)),
      binary("equal", argument(EXAMPLE_ARGUMENTS.now), loadProposed(4, 8, "little")),
    ),
  ),
);

/** Bytes of a directory that are in use. */
export const directorySize: Udf<"size"> = size(0, isNoBlock, answer(times(plus(word(4), 1), SLOT_BYTES)));

/** One file or directory in a directory block. */
export interface ExampleSlot {
  readonly kind: "file" | "directory";
  readonly direct?: readonly number[];
  readonly indirect?: number;
}

const HEADER = { magic: 0, root: 4, used: 4, changed: 8, user: 12 } as const;

/** A superblock with this root directory. */
export function exampleSuperblock(root: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(EXAMPLE_BLOCK));
  view.setUint32(HEADER.magic, EXAMPLE_MAGIC, true);
  view.setUint32(HEADER.root, root, true);
  return new Uint8Array(view.buffer);
}

/** Where the pointer number `i` of a slot is; 15 is the indirect one. */
export const examplePointerAt = (slot: number, i: number): number =>
  SLOT_BYTES * (slot + 1) + (i < DIRECT ? DIRECT_AT + 4 * i : INDIRECT_AT);

/** A directory block of `user`'s, with these slots. */
export function exampleDirectory(user: number, ...slots: readonly ExampleSlot[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(EXAMPLE_BLOCK));
  view.setUint32(HEADER.magic, EXAMPLE_MAGIC, true);
  view.setUint32(HEADER.used, slots.length, true);
  view.setUint32(HEADER.user, user, true);
  for (const [i, { kind, direct = [], indirect = 0 }] of slots.entries()) {
    view.setUint8(SLOT_BYTES * (i + 1), kind === "file" ? FILE : DIRECTORY);
    for (const [j, block] of direct.entries()) view.setUint32(examplePointerAt(i, j), block, true);
    view.setUint32(examplePointerAt(i, DIRECT), indirect, true);
  }
  return new Uint8Array(view.buffer);
}

/** An indirect block with these pointers. */
export function exampleIndirect(...blocks: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(EXAMPLE_BLOCK));
  for (const [i, block] of blocks.entries()) view.setUint32(4 * i, block, true);
  return new Uint8Array(view.buffer);
}
