/** Birth, changes of state and death of a connection. */
import type { CloseReason } from "./application.ts";
import type { ControlBlock } from "./control-block.ts";
import { makeControlBlock, resetControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import type { InitialNumbers, Tuple } from "./initial-sequence.ts";
import { leaveHalfOpen } from "./listener.ts";
import { forgetStarving } from "./starving.ts";
import type { State } from "./state.ts";
import { hasPeerEnded, mayEnter } from "./state.ts";
import { TIMER } from "./timers.ts";
import { portsOf } from "./tuple-table.ts";

/** A fresh control block for `tuple`, which is in no table; `undefined` when all are in use. */
export function openBlock(core: TcpCore, tuple: Tuple, initial: InitialNumbers): ControlBlock | undefined {
  const { localAddress, remoteAddress, localPort, remotePort } = tuple;
  const slot = core.connections.insert(localAddress, remoteAddress, portsOf(localPort, remotePort));
  if (slot < 0) return undefined;
  const block = (core.blocks[slot] ??= makeControlBlock(slot, core));
  resetControlBlock(block);
  block.localAddress = localAddress;
  block.remoteAddress = remoteAddress;
  block.localPort = localPort;
  block.remotePort = remotePort;
  const { sequence } = initial;
  block.initialSend = sequence;
  block.sendUnacknowledged = sequence;
  block.sendNext = sequence;
  block.sendHighest = sequence;
  block.timestampOffset = initial.timestampOffset;
  block.openedAt = core.now;
  block.sentAt = core.now;
  block.resentAt = core.now;
  block.heardAt = core.now;
  return block;
}

/** Changes the state. A change that the RFC does not know is a fault of ours, and thrown. */
export function enter(block: ControlBlock, state: State): void {
  if (!mayEnter(block.state, state)) throw new Error(`no way from ${block.state} to ${state}`);
  block.state = state;
}

/** The connection is gone: nothing of it is left in any table when the application hears of it. */
export function close(core: TcpCore, block: ControlBlock, reason: CloseReason): void {
  if (block.state === "CLOSED") return;
  const { connection, handler } = block;
  if (!block.isDraining) core.connections.unlink(block.slot);
  if (block.state === "SYN-RECEIVED") leaveHalfOpen(block);
  stopWaiting(core, block);
  forgetStarving(core, block);
  core.timers.cancelAll(block.slot);
  enter(block, "CLOSED");
  core.dead.push(block.slot);
  block.buffer.reset();
  block.queue.releaseAll();
  block.connection = undefined;
  block.handler = undefined;
  if (reason === "timeout") core.counters.givenUp += 1;
  if (connection !== undefined) handler?.closed(connection, reason);
}

/**
 * The peer is gone, by a reset or in silence. If it had ended before, every byte of it was acknowledged:
 * the application gets those first, and `reason` then.
 */
export function lose(core: TcpCore, block: ControlBlock, reason: CloseReason): void {
  if (hasPeerEnded(block.state) && !block.isDraining) conclude(core, block, reason);
  else close(core, block, reason);
}

/** Both sides are through. Bytes that the application has not taken keep the control block, but not the name. */
export function conclude(core: TcpCore, block: ControlBlock, reason: CloseReason = "done"): void {
  if (block.buffer.unread === 0) {
    close(core, block, reason);
    return;
  }
  block.isDraining = true;
  block.drainReason = reason;
  core.connections.unlink(block.slot);
  stopWaiting(core, block);
  forgetStarving(core, block);
  core.timers.cancelAll(block.slot);
  restartDrain(core, block);
  block.queue.releaseAll();
}

/** The application took some of what is left: the time without begins anew. */
export const restartDrain = (core: TcpCore, block: ControlBlock): void =>
  core.timers.arm(block.slot, TIMER.giveUp, core.now + core.durations.drain);

/** The wait of 2 MSL passes in a tombstone. */
export function enterTimeWait(core: TcpCore, block: ControlBlock): void {
  if (block.state !== "TIME-WAIT") enter(block, "TIME-WAIT");
  if (core.tombstones.insert(block, block.sendHighest, block.receiveNext, core.now))
    core.counters.timeWaitEvicted += 1;
  conclude(core, block);
}

/** `block` no longer waits for a next hop. */
export function stopWaiting(core: TcpCore, block: ControlBlock): void {
  if (!block.isWaiting) return;
  block.isWaiting = false;
  core.waiting -= 1;
  core.timers.cancel(block.slot, TIMER.retry);
}

/** The time without progress begins now, unless it runs. */
export function armGiveUp(core: TcpCore, block: ControlBlock): void {
  if (core.timers.deadline(block.slot, TIMER.giveUp) === Infinity) restartGiveUp(core, block);
}

/** There was progress: the time without begins anew. */
export const restartGiveUp = (core: TcpCore, block: ControlBlock): void =>
  core.timers.arm(block.slot, TIMER.giveUp, core.now + core.durations.giveUp);

/** Starts or stops the keepalive timer, by the state. */
export function armKeepalive(core: TcpCore, block: ControlBlock): void {
  const idle = keepaliveIdle(core, block);
  if (idle > 0) core.timers.arm(block.slot, TIMER.keepalive, block.heardAt + idle);
  else core.timers.cancel(block.slot, TIMER.keepalive);
}

/** Idle cycles before the first probe; 0 for none. */
export const keepaliveIdle = (core: TcpCore, block: ControlBlock): number =>
  block.state === "FIN-WAIT-2" && core.durations.finWait > 0
    ? core.durations.finWait
    : core.durations.keepalive;
