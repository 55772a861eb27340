// Heads up! Read RFC 9293 section 3.10.7.4 (seventh and eighth check) before editing this file.
/** The text and the FIN of a segment for a synchronized connection. */
import type { Window } from "@exolith/exokernel/abi";
import { FIN } from "../wire/tcp-wire.ts";
import { offerUnread } from "./connection.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { enter, enterTimeWait } from "./lifecycle.ts";
import { noteDuplicate } from "./outgoing-options.ts";
import { acknowledgeAtOnce, sendAcknowledgment } from "./output.ts";
import type { Segment } from "./segment.ts";
import { has } from "./segment.ts";
import { advance, distance, isAfter } from "./sequence.ts";
import { evictEarly, relieve, starve } from "./starving.ts";
import { mayReceive } from "./state.ts";

/** Text to the application or into the buffer; then the FIN, if its turn has come. */
export function arriveText(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (!mayReceive(block.state)) return;
  if (has(segment, FIN)) {
    block.hasFin = true;
    block.finSequence = advance(segment.sequence, segment.textLength);
  }
  const { packet } = segment;
  if (segment.textLength > 0 && packet !== undefined) {
    if (segment.sequence === block.receiveNext) arriveInOrder(core, block, packet, segment);
    else arriveEarly(core, block, packet, segment);
  } else if (has(segment, FIN) && segment.sequence !== block.receiveNext) acknowledgeAtOnce(core, block);
  if (mayReceive(block.state) && block.hasFin && block.finSequence === block.receiveNext)
    arriveFin(core, block);
}

// A duplicate ACK for each segment after a gap, at once: the sender counts them (RFC 5681 section 4.2).
function arriveEarly(core: TcpCore, block: ControlBlock, packet: Window, segment: Segment): void {
  core.counters.outOfOrder += 1;
  const offset = distance(block.receiveNext, segment.sequence);
  noteKept(core, block, segment, offset);
  if (!block.buffer.store(offset, packet, segment.textAt, segment.textLength))
    core.counters.receiveDropped += 1;
  if (block.isStarving) acknowledgeSoon(core, block);
  else acknowledgeAtOnce(core, block);
}

// Early bytes that came early before (RFC 2883 section 4).
function noteKept(core: TcpCore, block: ControlBlock, segment: Segment, offset: number): void {
  const { buffer } = block;
  const run = buffer.runWith(offset, segment.textLength);
  if (run < 0) return;
  const from = Math.max(buffer.next + offset, buffer.runStart(run));
  const to = Math.min(buffer.next + offset + segment.textLength, buffer.runStop(run));
  noteDuplicate(core, block, advance(block.receiveNext, from - buffer.next), to - from);
}

// Once a poll: there is no gap to hurry for, only memory to wait for.
function acknowledgeSoon(core: TcpCore, block: ControlBlock): void {
  block.acknowledgeNow = true;
  core.ready.add(block);
}

function arriveInOrder(core: TcpCore, block: ControlBlock, packet: Window, segment: Segment): void {
  const { buffer } = block;
  block.largestText = Math.max(block.largestText, segment.textLength);
  const { hasRuns, next: before } = buffer;
  const isFirst = buffer.unread === 0;
  if (isFirst) {
    const taken = offerInPlace(block, packet, segment);
    if (block.state === "CLOSED") return;
    if (taken > 0) buffer.skip(taken);
  }
  const isWhole = keepRest(core, block, segment, buffer.next - before);
  if (isWhole) relieve(core, block);
  const gained = buffer.next - before;
  block.receiveNext = advance(block.receiveNext, gained);
  noteReceived(core, block, gained, hasRuns || !isWhole);
  // What was offered in place is offered again only if more has joined it.
  if (gained > (isFirst ? segment.textLength : 0)) offerUnread(core, block);
}

function offerInPlace(block: ControlBlock, packet: Window, segment: Segment): number {
  block.isOffering = true;
  const taken = block.take(packet, segment.textAt, segment.textLength);
  if (block.state === "CLOSED") return 0;
  block.isOffering = false;
  return Math.max(0, Math.min(taken, segment.textLength));
}

// In order, so dearer than what came early anywhere. Without memory only what the application took is acknowledged; the peer sends the rest again.
function keepRest(core: TcpCore, block: ControlBlock, segment: Segment, from: number): boolean {
  const { packet, textAt, textLength } = segment;
  if (from >= textLength || packet === undefined) return true;
  const at = textAt + from;
  if (block.buffer.store(0, packet, at, textLength - from)) return true;
  if (evictEarly(core) && block.buffer.store(0, packet, at, textLength - from)) return true;
  core.counters.receiveDropped += 1;
  starve(core, block);
  return false;
}

// The peer's segments may be shorter than ours, by its options or the path; tiny ones are no full segments.
const fullSegment = (core: TcpCore, block: ControlBlock): number =>
  Math.min(block.segmentBytes, Math.max(block.largestText, core.limits.minimumSegmentBytes));

// Every second full segment is acknowledged at the end of the poll, a lone one a little later (RFC 9293 section 3.8.6.3).
function noteReceived(core: TcpCore, block: ControlBlock, bytes: number, isUrgent: boolean): void {
  block.bytesToAcknowledge += bytes;
  block.acknowledgeLater = true;
  const isDue = isUrgent || core.durations.delayedAcknowledgment === 0;
  if (isDue || block.bytesToAcknowledge >= 2 * fullSegment(core, block)) block.acknowledgeNow = true;
  core.ready.add(block);
}

function arriveFin(core: TcpCore, block: ControlBlock): void {
  block.receiveNext = advance(block.receiveNext, 1);
  if (isAfter(block.receiveNext, block.receiveEdge)) block.receiveEdge = block.receiveNext;
  block.acknowledgeNow = true;
  core.ready.add(block);
  let isOwed = false;
  if (block.state === "ESTABLISHED") enter(block, "CLOSE-WAIT");
  else if (block.state === "FIN-WAIT-1") enter(block, "CLOSING");
  else {
    enter(block, "TIME-WAIT");
    isOwed = sendAcknowledgment(core, block) === "full";
  }
  const { connection, handler } = block;
  if (connection !== undefined) handler?.ended(connection);
  // A tombstone sends nothing by itself, and the peer would wait for its timer.
  if (block.state === "TIME-WAIT" && !isOwed) enterTimeWait(core, block);
}
