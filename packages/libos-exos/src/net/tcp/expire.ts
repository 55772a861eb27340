// Heads up! Read RFC 9293 section 3.10.8 and RFC 6298 section 5 before editing this file.
/** What happens when a timer of a connection expires. */
import { SYN_STATES } from "./state.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { emitReset } from "./emit.ts";
import { keepaliveIdle, lose, stopWaiting } from "./lifecycle.ts";
import { armRetransmit, sendKeepalive, sendProbe } from "./output.ts";
import { distance } from "./sequence.ts";
import type { TimerKind } from "./timers.ts";
import { TIMER } from "./timers.ts";

/** Probes follow one another at least so much faster than the idle time before the first. */
const PAUSES_IN_IDLE = 6;

/** Serves every timer of `block` that is due. O(1). */
export function expire(core: TcpCore, block: ControlBlock): void {
  const { slot } = block;
  if (take(core, slot, TIMER.giveUp)) giveUp(core, block);
  if (take(core, slot, TIMER.retransmit)) expireRetransmit(core, block);
  if (take(core, slot, TIMER.keepalive)) expireKeepalive(core, block);
  if (take(core, slot, TIMER.acknowledge)) {
    block.acknowledgeNow = true;
    core.ready.add(block);
  }
  if (take(core, slot, TIMER.retry)) {
    stopWaiting(core, block);
    core.ready.add(block);
  }
}

function take(core: TcpCore, slot: number, kind: TimerKind): boolean {
  if (core.timers.deadline(slot, kind) > core.now) return false;
  core.timers.cancel(slot, kind);
  return true;
}

function giveUp(core: TcpCore, block: ControlBlock): void {
  if (block.state === "SYN-RECEIVED" && block.listener !== undefined) core.counters.halfOpenExpired += 1;
  lose(core, block, "timeout");
}

function expireRetransmit(core: TcpCore, block: ControlBlock): void {
  if (block.isPersisting) {
    if (isClosedTooLong(core, block)) {
      emitReset(core, block);
      lose(core, block, "timeout");
    } else sendProbe(core, block);
    return;
  }
  core.counters.retransmissionTimeouts += 1;
  block.isTiming = false;
  block.isRetransmitDue = false;
  if (SYN_STATES.includes(block.state)) block.isSynLost = true;
  else if (block.sendWindow > 0) {
    const flight = distance(block.sendUnacknowledged, block.sendNext);
    const again = block.timeout.backoffs > 0 && block.timedOutSequence === block.sendUnacknowledged;
    block.timedOutSequence = block.sendUnacknowledged;
    // The peer may have thrown away what it had: it is believed once (RFC 2018 section 8, RFC 6675 section 5.1).
    if (again) block.scoreboard.clear();
    block.congestion.timedOut(block.sendHighest, flight, again);
  }
  block.timeout.backOff();
  block.sendNext = block.sendUnacknowledged;
  block.retransmittedTo = block.sendUnacknowledged;
  core.ready.add(block);
}

const isClosedTooLong = (core: TcpCore, block: ControlBlock): boolean =>
  core.durations.closedWindow > 0 && core.now - block.persistingSince >= core.durations.closedWindow;

function expireKeepalive(core: TcpCore, block: ControlBlock): void {
  const idle = keepaliveIdle(core, block);
  if (idle === 0) return;
  if (block.heardAt + idle > core.now && block.probes === 0) {
    core.timers.arm(block.slot, TIMER.keepalive, block.heardAt + idle);
    return;
  }
  if (block.probes >= core.limits.keepaliveProbes) {
    emitReset(core, block);
    lose(core, block, "timeout");
    return;
  }
  block.probes += 1;
  sendKeepalive(core, block);
  core.timers.arm(
    block.slot,
    TIMER.keepalive,
    core.now + Math.min(core.durations.keepaliveInterval, idle / PAUSES_IN_IDLE),
  );
}

/** Makes the retransmission timer run exactly if something is in flight. */
export function rearmRetransmit(core: TcpCore, block: ControlBlock): void {
  if (block.sendUnacknowledged === block.sendHighest) core.timers.cancel(block.slot, TIMER.retransmit);
  else armRetransmit(core, block);
}
