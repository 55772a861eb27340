// Heads up! Read RFC 9293 section 3.10.7.3 before editing this file.
/** A segment for a connection that has sent a SYN. */
import { ACK, RST, SYN } from "../wire/tcp-wire.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { acceptSyn, establish } from "./establish.ts";
import { close, enter } from "./lifecycle.ts";
import { replyReset } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { has } from "./segment.ts";

/** SYN,ACK opens the connection; SYN alone is a simultaneous open; a RST that acknowledges our SYN refuses it. */
export function arriveSynSent(core: TcpCore, block: ControlBlock, segment: Segment): void {
  const hasAck = has(segment, ACK);
  // Only the SYN is out: exactly one acknowledgment makes sense.
  if (hasAck && segment.acknowledgment !== block.sendHighest) {
    replyReset(core, segment);
    return;
  }
  if (has(segment, RST)) {
    if (!hasAck || block.sendHighest === block.initialSend) return;
    core.counters.resetsReceived += 1;
    close(core, block, "refused");
    return;
  }
  if (!has(segment, SYN) || (hasAck && block.sendHighest === block.initialSend)) return;
  acceptSyn(core, block, segment);
  if (hasAck) {
    block.acknowledgeNow = true;
    establish(core, block);
    return;
  }
  enter(block, "SYN-RECEIVED");
  block.sendNext = block.initialSend;
  core.ready.add(block);
}
