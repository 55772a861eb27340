// Heads up! Read RFC 9293 section 3.10.7.4, RFC 1122 section 4.2.2.13 and RFC 1337 before editing this file.
/** A segment for a connection in TIME-WAIT. */
import { ACK, FIN, RST, SYN, TCP_HEADER_BYTES } from "../wire/tcp-wire.ts";
import { reopen } from "./arrive-listen.ts";
import type { TcpCore } from "./core.ts";
import { emit } from "./emit.ts";
import { writeTimestamps } from "./options.ts";
import { draftReply } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { has, sequenceLength } from "./segment.ts";
import { isAfter, isBefore } from "./sequence.ts";
import { ticks } from "./ticks.ts";
import type { TimeWaitTable } from "./time-wait.ts";

/**
 * A new SYN past the old numbers, or timestamps, reopens the connection if somebody listens.
 * Whatever else takes sequence space, or is out of place, gets an ACK. A reset is
 * ignored: it must not cut the wait short (RFC 1337).
 */
export function arriveTimeWait(core: TcpCore, row: number, segment: Segment): void {
  const { tombstones } = core;
  if (has(segment, RST)) return;
  const receiveNext = tombstones.receiveNext(row);
  const sendNext = tombstones.sendNext(row);
  const listener = core.listeners.get(segment.localPort);
  if (has(segment, SYN) && !has(segment, ACK) && listener !== undefined && isNew(tombstones, row, segment)) {
    tombstones.remove(row);
    reopen(core, listener, segment, sendNext);
    return;
  }
  if (has(segment, FIN)) tombstones.restart(row, core.now);
  if (sequenceLength(segment) > 0 || segment.sequence !== receiveNext) acknowledge(core, row, segment);
}

// By its timestamp if it has one, otherwise by its number (RFC 6191 section 2).
function isNew(tombstones: TimeWaitTable, row: number, segment: Segment): boolean {
  const { options } = segment;
  const isLater = !isBefore(segment.sequence, tombstones.receiveNext(row));
  if (!tombstones.isTimestamping(row) || !options.hasTimestamps) return isLater;
  const recent = tombstones.timestampRecent(row);
  return isAfter(options.timestamp, recent) || (options.timestamp === recent && isLater);
}

function acknowledge(core: TcpCore, row: number, segment: Segment): void {
  const { tombstones, output } = core;
  const draft = draftReply(core, segment, tombstones.sendNext(row), tombstones.receiveNext(row), ACK);
  if (tombstones.isTimestamping(row))
    draft.optionBytes = writeTimestamps(
      output.header,
      output.transportAt + TCP_HEADER_BYTES,
      ticks(core, tombstones.timestampOffset(row)),
      tombstones.timestampRecent(row),
    );
  emit(core);
}
