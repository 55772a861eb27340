/** Every frame that a server works in, claimed when it is made. */
import { FRAME_BYTES, failed } from "@exolith/exokernel/abi";
import type { Gate, KernelError, Window } from "@exolith/exokernel/abi";
import { makeFramePool } from "@exolith/libos-exos";
import type { FramePool } from "@exolith/libos-exos";
import { CHUNK_BLOCKS, type ChunkFrames } from "./cache/chunk-cache.ts";
import { STATUS_BYTES } from "./disk/block-store.ts";
import { STAGING_BLOCKS } from "./disk/staging.ts";
import type { CheetahOptions } from "./options.ts";
import { DEFAULT_FRAMES } from "./options.ts";

/** Windows over the server's frames. */
export interface ServerMemory {
  /** One a chunk of the cache, and one a staging slot. */
  readonly chunks: readonly Window[];
  /** Where a chunk's frames go when they are asked back. */
  readonly chunkFrames: ChunkFrames;
  readonly staging: readonly Window[];
  /** Response heads, completion words, the access log's buffer. */
  readonly heads: Window;
  readonly status: Window;
  readonly log: Window;
}

/** Claims them all, or says why not. */
export function claimMemory(gate: Gate, options: CheetahOptions): ServerMemory | KernelError {
  const pool = makeFramePool(gate, options.slot);
  const chunkCount = Math.max(1, Math.floor((options.cacheFrames ?? DEFAULT_FRAMES.cache) / CHUNK_BLOCKS));
  const stagingCount = Math.max(
    1,
    Math.floor((options.stagingFrames ?? DEFAULT_FRAMES.staging) / STAGING_BLOCKS),
  );
  const chunks = claimMany(pool, chunkCount, CHUNK_BLOCKS);
  const staging = claimMany(pool, stagingCount, STAGING_BLOCKS);
  const heads = pool.run(options.headFrames ?? DEFAULT_FRAMES.head);
  const status = pool.run(Math.ceil(((chunkCount + stagingCount) * STATUS_BYTES) / FRAME_BYTES));
  const log = pool.run(options.logFrames ?? DEFAULT_FRAMES.log);
  if (failed(chunks)) return chunks;
  if (failed(staging)) return staging;
  if (failed(heads)) return heads;
  if (failed(status)) return status;
  return failed(log) ? log : { chunks, chunkFrames: chunkFramesOf(gate, pool), staging, heads, status, log };
}

/** Frames that must be free above the kernel's reserve before a chunk is claimed again: four chunks. */
const SPARE_FRAMES = 4 * CHUNK_BLOCKS;

/** A chunk is given back whole, and claimed again only while frames are plenty, so that it is not asked for at once. */
const chunkFramesOf = (gate: Gate, pool: FramePool): ChunkFrames => ({
  claim: () => {
    if (gate.frames.free() < gate.revocations.reserve() + SPARE_FRAMES) return undefined;
    const window = pool.run(CHUNK_BLOCKS);
    return failed(window) ? undefined : window;
  },
  release: (window) => pool.release(window),
});

function claimMany(pool: FramePool, count: number, frames: number): readonly Window[] | KernelError {
  const windows: Window[] = [];
  for (let i = 0; i < count; i++) {
    const window = pool.run(frames);
    if (failed(window)) return window;
    windows.push(window);
  }
  return windows;
}
