/** The file that holds a disk: opened, sized, and removed when it is temporary. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BLOCK_BYTES } from "../units.ts";
import { HostError, hostCode, hostError } from "./host-error.ts";

/** Blocks in 16 TiB, the most an image may have. */
const MOST_BLOCKS = 2 ** 32;

/** Which file, and how big the disk on it is. */
export type ImageFileOptions =
  | {
      /** A file, made if it does not exist, or a block device of the host. */
      readonly path: string;
      /** Blocks of the disk; needed for a new file and for a block device, else what the file holds. */
      readonly blocks?: number;
    }
  | {
      /** A file with no name that is gone when the disk is closed or the host process ends. */
      readonly temporary: true;
      readonly blocks: number;
    };

/** An open image. */
export interface ImageFile {
  readonly descriptor: number;
  readonly blocks: number;
  /** Writes what the host still holds back, closes, and removes what is temporary; throws a `HostError`. */
  close(): void;
}

/** Runs `work`; an error of the host is named after `what`. */
const attempt = <T>(what: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw error instanceof HostError ? error : hostError(what, error);
  }
};

const checkBlocks = (blocks: number | undefined): void => {
  if (blocks === undefined) return;
  if (Number.isInteger(blocks) && blocks >= 1 && blocks <= MOST_BLOCKS) return;
  throw new HostError("BadArgument", `a disk has 1 to ${MOST_BLOCKS} blocks, not ${blocks}`);
};

/** Makes a regular file at least `blocks` long, sparse; returns the disk's size in blocks. */
const size = (descriptor: number, blocks: number | undefined, what: string): number => {
  const status = fstatSync(descriptor);
  const held = Math.floor(status.size / BLOCK_BYTES);
  const wanted = blocks ?? held;
  if (wanted === 0) throw new HostError("BadArgument", `cannot ${what}: say how many blocks it has`);
  if (status.isFile() && wanted > held) ftruncateSync(descriptor, wanted * BLOCK_BYTES);
  return wanted;
};

/** The disk's size, or the descriptor closed and the error passed on. */
const sizeOrClose = (descriptor: number, blocks: number | undefined, what: string): number => {
  try {
    return size(descriptor, blocks, what);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
};

/** Has the host store what it holds back; what cannot be stored (EINVAL) needs no storing. */
const store = (descriptor: number): void => {
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if (hostCode(error) !== "EINVAL") throw error;
  }
};

const closeStored = (descriptor: number, path: string): void => {
  try {
    attempt(`store the disk image ${path}`, () => store(descriptor));
  } finally {
    closeSync(descriptor);
  }
};

const openNamed = (path: string, blocks: number | undefined): ImageFile => {
  const what = `open the disk image ${path}`;
  return attempt(what, () => {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const close = (): void => closeStored(descriptor, path);
    return { descriptor, blocks: sizeOrClose(descriptor, blocks, what), close };
  });
};

/** Removes the directory of an open temporary image; false where a host refuses that for open files. */
const unlinked = (directory: string): boolean => {
  try {
    rmSync(directory, { recursive: true });
    return true;
  } catch {
    return false;
  }
};

const openTemporary = (blocks: number): ImageFile => {
  const what = `make a temporary disk image in ${tmpdir()}`;
  return attempt(what, () => {
    const path = join(mkdtempSync(join(tmpdir(), "exolith-")), "disk.image");
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    const gone = unlinked(dirname(path));
    const close = (): void => {
      closeSync(descriptor);
      if (!gone) unlinked(dirname(path));
    };
    return { descriptor, blocks: sizeOrClose(descriptor, blocks, what), close };
  });
};

/**
 * Opens the file that holds a disk.
 *
 * An image that exists keeps its contents; it grows to `blocks` but never
 * shrinks. Blocks that were never written read as zeros and take no room.
 * Throws a `HostError`: `NoSuchFile`, `NotPermitted`, `NoSpace`, `BadArgument`.
 */
export const openImageFile = (options: ImageFileOptions): ImageFile => {
  checkBlocks(options.blocks);
  return "path" in options ? openNamed(options.path, options.blocks) : openTemporary(options.blocks);
};
