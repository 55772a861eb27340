/** Connections that had to drop bytes in order for want of receive memory, and their way back. */
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import type { ReceiveMemory } from "./receive-memory.ts";

/** Control blocks looked at for a buffer that can be taken away. */
const SEARCHED = 256;

/** `memory`, telling `freed` of every buffer that comes back. */
export const watchMemory = (memory: ReceiveMemory, freed: () => void): ReceiveMemory => ({
  bytes: memory.bytes,
  allocate: () => memory.allocate(),
  release: (slot) => {
    memory.release(slot);
    freed();
  },
});

/**
 * `block` tells its peer that the window is closed, so that the peer probes it instead of giving it up. What was
 * promised before is still received, if the application takes it at once.
 */
export function starve(core: TcpCore, block: ControlBlock): void {
  if (block.isStarving) return;
  block.isStarving = true;
  core.starving.add(block);
}

/** There is memory again, or the application wants bytes: the peer hears of the window. */
export function relieve(core: TcpCore, block: ControlBlock): void {
  if (!block.isStarving) return;
  forgetStarving(core, block);
  block.acknowledgeNow = true;
  core.ready.add(block);
}

/** `block` needs no memory any more. */
export function forgetStarving(core: TcpCore, block: ControlBlock): void {
  if (!block.isStarving) return;
  block.isStarving = false;
  core.starving.delete(block);
}

/** Gives buffers that came back to those that have waited longest. O(buffers that came back). */
export function feedStarving(core: TcpCore): void {
  if (!core.hasFreed) return;
  core.hasFreed = false;
  for (const block of core.starving) {
    if (!block.buffer.reserve()) return;
    relieve(core, block);
  }
}

/**
 * Takes the buffer of a connection that keeps nothing in order in it: what came early there is not acknowledged,
 * and its peer sends it again. False when none was found. O(connections), at most `SEARCHED`.
 */
export function evictEarly(core: TcpCore): boolean {
  const { blocks } = core;
  for (let left = Math.min(SEARCHED, blocks.length); left > 0; left--) {
    core.evictFrom = (core.evictFrom + 1) % blocks.length;
    if (blocks[core.evictFrom]?.buffer.forgetEarly() === true) {
      core.counters.earlyEvicted += 1;
      return true;
    }
  }
  return false;
}
