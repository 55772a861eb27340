// Heads up! Read RFC 9293 section 3.10 before editing this file.
/** SEGMENT ARRIVES: to whom it belongs, and what is done about it. */
import { ACK, RST, SYN } from "../wire/tcp-wire.ts";
import { arriveAcknowledgment } from "./arrive-acknowledgment.ts";
import { passesChecks } from "./arrive-checks.ts";
import { adoptCookie } from "./arrive-cookie.ts";
import { arriveListen } from "./arrive-listen.ts";
import { arriveSynSent } from "./arrive-syn-sent.ts";
import { arriveText } from "./arrive-text.ts";
import { arriveTimeWait } from "./arrive-time-wait.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { acceptOptions, establish, setSendWindow } from "./establish.ts";
import { replyReset } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { has } from "./segment.ts";
import { advance } from "./sequence.ts";
import { portsOf } from "./tuple-table.ts";

/** Finds the connection, the tombstone or the listener of a valid segment. O(1) expected. */
export function arrive(core: TcpCore, segment: Segment): void {
  const ports = portsOf(segment.localPort, segment.remotePort);
  const slot = core.connections.find(segment.localAddress, segment.remoteAddress, ports);
  const block = slot < 0 ? undefined : core.blocks[slot];
  if (block !== undefined) {
    arriveConnection(core, block, segment);
    return;
  }
  const row = core.tombstones.find(segment, core.now);
  if (row >= 0) {
    arriveTimeWait(core, row, segment);
    return;
  }
  const listener = core.listeners.get(segment.localPort);
  if (listener === undefined) {
    replyReset(core, segment);
    return;
  }
  const opened = arriveListen(core, listener, segment);
  if (opened !== undefined) arriveConnection(core, opened, segment);
}

function arriveConnection(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (block.state === "SYN-SENT") arriveSynSent(core, block, segment);
  else if (block.state === "SYN-RECEIVED") arriveSynReceived(core, block, segment);
  else if (passesChecks(core, block, segment)) arriveSynchronized(core, block, segment);
}

function arriveSynchronized(core: TcpCore, block: ControlBlock, segment: Segment): void {
  block.heardAt = core.now;
  block.probes = 0;
  if (arriveAcknowledgment(core, block, segment)) arriveText(core, block, segment);
}

// The peer's SYN again: ours was lost, or, in a simultaneous open, comes with the acknowledgment. One that is sent again may offer less.
function arriveSynReceived(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (has(segment, SYN) && !has(segment, RST) && segment.sequence === block.initialReceive) {
    if (!has(segment, ACK)) {
      acceptOptions(core, block, segment.options);
      block.sendNext = block.initialSend;
      core.ready.add(block);
      return;
    }
    segment.flags &= ~SYN;
    segment.sequence = advance(segment.sequence, 1);
    block.acknowledgeNow = true;
  }
  if (!passesChecks(core, block, segment)) return;
  const isOurs = block.sendHighest !== block.initialSend && segment.acknowledgment === block.sendHighest;
  if (!isOurs && !adoptCookie(core, block, segment)) {
    replyReset(core, segment);
    return;
  }
  setSendWindow(block, segment.window * (1 << block.sendScale), segment);
  establish(core, block);
  if (block.state === "CLOSED") return;
  arriveText(core, block, segment);
}
