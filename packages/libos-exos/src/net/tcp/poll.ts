/** The turn of TCP in the event loop: timers, then whoever has something to send. */
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { expire } from "./expire.ts";
import { armGiveUp, stopWaiting } from "./lifecycle.ts";
import { output } from "./output.ts";
import { feedStarving } from "./starving.ts";
import { TIMER } from "./timers.ts";

/** Tombstones removed in one poll. */
const EXPIRE_LIMIT = 64;

/** Serves timers that are due and sends at most `pollSegments` segments. */
export function poll(core: TcpCore): void {
  core.now = core.clock.now();
  core.isTurning = false;
  core.budget = core.limits.pollSegments;
  core.fullUntil = 0;
  reuseDead(core);
  core.tombstones.expire(core.now, EXPIRE_LIMIT);
  expireDue(core);
  feedStarving(core);
  flush(core);
}

/** When the next poll is needed: now if somebody has something to send. */
export function wakeAt(core: TcpCore): number {
  const timer = core.timers.earliest();
  if (core.hasFreed && core.starving.size > 0) return Math.min(timer, core.clock.now());
  return core.ready.count === 0 ? timer : Math.min(timer, Math.max(core.clock.now(), core.fullUntil));
}

function reuseDead(core: TcpCore): void {
  for (let slot = core.dead.pop(); slot !== undefined; slot = core.dead.pop()) core.connections.release(slot);
}

function expireDue(core: TcpCore): void {
  for (let slot = core.timers.due(core.now); slot >= 0; slot = core.timers.due(core.now)) {
    const block = core.blocks[slot];
    if (block === undefined) core.timers.cancelAll(slot);
    else expire(core, block);
  }
}

function flush(core: TcpCore): void {
  for (let turns = core.ready.count; turns > 0 && core.budget > 0; turns--) {
    const block = core.blocks[core.ready.take()];
    if (block === undefined) continue;
    block.isReady = false;
    if (!serve(core, block)) return;
  }
}

// False when the interface has no room.
function serve(core: TcpCore, block: ControlBlock): boolean {
  stopWaiting(core, block);
  const { budget } = core;
  switch (output(core, block)) {
    case "full":
      // Whoever could send nothing is the next: else those whose turns find no room would never send.
      if (core.budget === budget) core.ready.putBack(block);
      else core.ready.add(block);
      core.fullUntil = core.now + core.durations.full;
      return false;
    case "unresolved":
      wait(core, block);
      return true;
    case "more":
      core.ready.add(block);
      return true;
    default:
      return true;
  }
}

function wait(core: TcpCore, block: ControlBlock): void {
  block.isWaiting = true;
  core.waiting += 1;
  core.timers.arm(block.slot, TIMER.retry, core.now + core.durations.unresolved);
  armGiveUp(core, block);
}
