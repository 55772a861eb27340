// Heads up! Read RFC 9293 section 3.10.7.2 before editing this file.
/** A segment for a listening port. */
import { ACK, RST, SYN } from "../wire/tcp-wire.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { acceptSyn } from "./establish.ts";
import type { InitialNumbers } from "./initial-sequence.ts";
import { close, enter, openBlock } from "./lifecycle.ts";
import type { Listener } from "./listener.ts";
import { joinHalfOpen } from "./listener.ts";
import { replyReset } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { has } from "./segment.ts";
import { advance, isAfter } from "./sequence.ts";
import { TIMER } from "./timers.ts";

/** How far past an old connection's numbers its successor begins when the clock has not got there. */
const REOPEN_GAP = 0x1_0000;

/** A SYN makes a half-open connection; SYN,ACK is sent in the next poll. Text on a SYN is left to be sent again. */
export function arriveListen(core: TcpCore, listener: Listener, segment: Segment): void {
  if (has(segment, RST)) return;
  if (has(segment, ACK)) replyReset(core, segment);
  else if (has(segment, SYN)) open(core, listener, segment, core.chooseInitial(segment, core.now));
}

/** The same for a connection that was in TIME-WAIT and whose numbers ended at `sendNext` (RFC 1122 section 4.2.2.13). */
export function reopen(core: TcpCore, listener: Listener, segment: Segment, sendNext: number): void {
  const initial = core.chooseInitial(segment, core.now);
  if (!isAfter(initial.sequence, sendNext)) initial.sequence = advance(sendNext, REOPEN_GAP);
  core.counters.timeWaitReopened += 1;
  open(core, listener, segment, initial);
}

function open(core: TcpCore, listener: Listener, segment: Segment, initial: InitialNumbers): void {
  const block = listener.halfOpen < listener.backlog ? openBlock(core, segment, initial) : undefined;
  if (block !== undefined) {
    begin(core, listener, segment, block);
    return;
  }
  const oldest = displaceable(core, listener);
  if (oldest === undefined) {
    core.counters.synIgnored += 1;
    return;
  }
  core.counters.halfOpenDropped += 1;
  close(core, oldest, "timeout");
  const next = openBlock(core, segment, initial);
  if (next !== undefined) begin(core, listener, segment, next);
}

/**
 * The half-open connection that makes room. Only one that an honest peer would have confirmed by now, and only if
 * there is a slot for the newcomer, because a slot is reused only after a poll: otherwise the newcomer's next SYN
 * may find room.
 */
function displaceable(core: TcpCore, listener: Listener): ControlBlock | undefined {
  const { oldest } = listener;
  if (oldest === undefined || listener.halfOpen < listener.backlog || core.connections.free === 0)
    return undefined;
  return core.now - oldest.openedAt > core.bounds.initial ? oldest : undefined;
}

function begin(core: TcpCore, listener: Listener, segment: Segment, block: ControlBlock): void {
  enter(block, "LISTEN");
  enter(block, "SYN-RECEIVED");
  joinHalfOpen(listener, block);
  acceptSyn(core, block, segment);
  core.counters.passiveOpens += 1;
  core.timers.arm(block.slot, TIMER.giveUp, core.now + core.durations.halfOpen);
  core.ready.add(block);
}
