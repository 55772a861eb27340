// Heads up! Read RFC 9293 section 3.10.7.4, RFC 1122 section 4.2.2.13 and RFC 1337 before editing this file.
/** A segment for a connection in TIME-WAIT. */
import { ACK, FIN, RST, SYN } from "../wire/tcp-wire.ts";
import { reopen } from "./arrive-listen.ts";
import type { TcpCore } from "./core.ts";
import { reply } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { has, sequenceLength } from "./segment.ts";
import { isBefore } from "./sequence.ts";

/**
 * A new SYN past the old numbers reopens the connection if somebody listens.
 * Whatever else takes sequence space, or is out of place, gets an ACK. A reset is
 * ignored: it must not cut the wait short (RFC 1337).
 */
export function arriveTimeWait(core: TcpCore, row: number, segment: Segment): void {
  const { tombstones } = core;
  if (has(segment, RST)) return;
  const receiveNext = tombstones.receiveNext(row);
  const sendNext = tombstones.sendNext(row);
  const listener = core.listeners.get(segment.localPort);
  if (
    has(segment, SYN) &&
    !has(segment, ACK) &&
    listener !== undefined &&
    !isBefore(segment.sequence, receiveNext)
  ) {
    tombstones.remove(row);
    reopen(core, listener, segment, sendNext);
    return;
  }
  if (has(segment, FIN)) tombstones.restart(row, core.now);
  if (sequenceLength(segment) > 0 || segment.sequence !== receiveNext)
    reply(core, segment, sendNext, receiveNext, ACK);
}
