/** A file system in memory: nothing of it is anywhere else, and it is gone with the last use of it. */
import type { Directory } from "./file-system.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import type { MemorySystem } from "./memory-identity.ts";

/** Bytes of files and of what links say in one memory file system, unless told otherwise; `nospc` beyond. */
export const MEMORY_BYTES = 268_435_456;

/** Names in one memory file system, unless told otherwise; `nospc` beyond. */
export const MEMORY_NODES = 65_536;

/** How a memory file system is made. */
export interface MemoryFileSystemOptions {
  /** Nanoseconds since 1970; asked for whenever a time is noted. */
  readonly now: () => bigint;
  /**
   * Bytes its files and what its links say may take; `MEMORY_BYTES` unless given.
   *
   * A file takes the blocks that were written, each in full once it is half full. It is
   * never longer than all of them, whatever of it was written: `fbig` beyond.
   */
  readonly maximumBytes?: number;
  /** Names there may be, and things without one that are open; `MEMORY_NODES` unless given. */
  readonly maximumNodes?: number;
  /** The device that is told of it: two file systems with one are taken for the same; 1 unless given. */
  readonly device?: bigint;
}

/** A file system in memory. */
export interface MemoryFileSystem {
  readonly root: Directory;
  /** Bytes in use. */
  readonly bytes: number;
  /** Names in use, the root's included, and things without one that are open. */
  readonly nodes: number;
}

/**
 * Makes an empty file system in memory.
 *
 * Its names, counted with the root, and its bytes are limited; a name is not
 * charged for its length, which `NAME_BYTES` bounds.
 * The root is not refused, whatever `maximumNodes` says.
 */
export function makeMemoryFileSystem(options: MemoryFileSystemOptions): MemoryFileSystem {
  const { now, maximumBytes = MEMORY_BYTES, maximumNodes = MEMORY_NODES, device = 1n } = options;
  const budget = new MemoryBudget(maximumBytes, Math.max(1, maximumNodes));
  const system: MemorySystem = { device, budget, now, serial: 0n };
  const root = new MemoryDirectory(system, undefined);
  root.identity.addFirstName();
  return Object.freeze({
    root,
    get bytes(): number {
      return budget.bytes;
    },
    get nodes(): number {
      return budget.nodes;
    },
  });
}
