// Heads up! Read RFC 9293 section 3.10.7.4 (fifth check), RFC 5681 and RFC 6582 before editing this file.
/** The acknowledgment and the window of a segment for a synchronized connection. */
import { FIN } from "../wire/tcp-wire.ts";
import { challenge } from "./challenge.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { finishTiming, setSendWindow } from "./establish.ts";
import { rearmRetransmit } from "./expire.ts";
import { armKeepalive, conclude, enter, enterTimeWait, restartGiveUp } from "./lifecycle.ts";
import { sendAcknowledgment } from "./output.ts";
import type { Segment } from "./segment.ts";
import { has } from "./segment.ts";
import { advanceScoreboard, beginRecovery, noteBlocks } from "./selective.ts";
import { advance, distance, isAfter, isBefore, latest } from "./sequence.ts";
import { TIMER } from "./timers.ts";
import { measureEcho } from "./timestamps.ts";

/** True if the rest of the segment is to be worked on: the connection still is, and the ACK made sense. */
export function arriveAcknowledgment(core: TcpCore, block: ControlBlock, segment: Segment): boolean {
  const { acknowledgment } = segment;
  if (isAfter(acknowledgment, block.sendHighest)) {
    challenge(core, block);
    return false;
  }
  if (isBefore(acknowledgment, block.sendUnacknowledged)) {
    const oldest = advance(block.sendUnacknowledged, -block.largestWindow);
    if (!isBefore(acknowledgment, oldest)) return true;
    challenge(core, block);
    return false;
  }
  if (block.isPersisting) restartGiveUp(core, block);
  const window = segment.window * (1 << block.sendScale);
  if (acknowledgment === block.sendUnacknowledged) {
    if (block.isSelective) arriveBlocks(core, block, segment);
    else arriveDuplicate(core, block, segment, window);
  }
  updateSendWindow(core, block, segment, window);
  if (acknowledgment === block.sendUnacknowledged) return true;
  return arriveProgress(core, block, segment);
}

// RFC 5681 section 2: no text, nothing new in it, and something is in flight.
function arriveDuplicate(core: TcpCore, block: ControlBlock, segment: Segment, window: number): void {
  if (segment.textLength > 0 || has(segment, FIN) || window !== block.sendWindow) return;
  if (block.sendHighest === block.sendUnacknowledged || block.isPersisting) return;
  const flight = distance(block.sendUnacknowledged, block.sendNext);
  if (block.congestion.duplicated(block.sendUnacknowledged, block.sendHighest, flight, false))
    beginRecovery(core, block);
  core.ready.add(block);
}

// RFC 6675 section 2: a duplicate is what brings news of later bytes, whatever else it carries.
function arriveBlocks(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (segment.options.blockCount === 0 || block.isPersisting) return;
  if (noteBlocks(core, block, segment) === 0) return;
  suspectLoss(core, block);
  core.ready.add(block);
}

function suspectLoss(core: TcpCore, block: ControlBlock): void {
  const { congestion, sendUnacknowledged, sendHighest } = block;
  const flight = distance(sendUnacknowledged, sendHighest);
  const isLost = block.scoreboard.isFirstLost(block.segmentBytes);
  if (congestion.duplicated(sendUnacknowledged, sendHighest, flight, isLost)) beginRecovery(core, block);
}

function updateSendWindow(core: TcpCore, block: ControlBlock, segment: Segment, window: number): void {
  const { sequence, acknowledgment } = segment;
  if (isAfter(block.windowSequence, sequence)) return;
  if (block.windowSequence === sequence && isAfter(block.windowAcknowledgment, acknowledgment)) return;
  if (window > block.sendWindow) core.ready.add(block);
  setSendWindow(block, window, segment);
}

function arriveProgress(core: TcpCore, block: ControlBlock, segment: Segment): boolean {
  const { acknowledgment } = segment;
  const bytes = distance(block.sendUnacknowledged, acknowledgment);
  const flight = distance(block.sendUnacknowledged, block.sendNext);
  const text = Math.min(bytes, block.queue.length);
  block.sendUnacknowledged = acknowledgment;
  block.sendNext = latest(block.sendNext, acknowledgment);
  measure(core, block, segment);
  recover(core, block, bytes, flight);
  if (block.isSelective) arriveSelective(core, block, segment);
  core.ready.add(block);
  const { connection, handler } = block;
  block.queue.acknowledge(text);
  if (block.state !== "CLOSED" && text > 0 && connection !== undefined) handler?.acknowledged(connection);
  watchProgress(core, block);
  return block.state !== "CLOSED" && (bytes === text || arriveFinAcknowledged(core, block));
}

// One round trip a flight by the exact clock; by the echo while nothing may be timed.
function measure(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (!block.isTiming) {
    if (block.isTimestamping) measureEcho(core, block, segment);
  } else if (!isBefore(segment.acknowledgment, block.timedSequence)) finishTiming(core, block);
}

// A lost ACK may have been the duplicate that counted: its successor tells as much.
function arriveSelective(core: TcpCore, block: ControlBlock, segment: Segment): void {
  const { congestion, scoreboard } = block;
  block.retransmittedTo = latest(block.retransmittedTo, block.sendUnacknowledged);
  if (scoreboard.count === 0 && segment.options.blockCount === 0) return;
  advanceScoreboard(core, block);
  noteBlocks(core, block, segment);
  if (!congestion.isRecovering && scoreboard.isFirstLost(block.segmentBytes)) suspectLoss(core, block);
}

// Congestion control and the retransmission timer.
function recover(core: TcpCore, block: ControlBlock, bytes: number, flight: number): void {
  if (block.isPersisting) {
    block.isPersisting = false;
    block.timeout.restart();
  }
  const outcome = block.congestion.acknowledged(bytes, block.sendUnacknowledged, flight);
  if (outcome !== "advance") block.isRetransmitDue = true;
  if (outcome !== "laterPartial" || block.sendUnacknowledged === block.sendHighest)
    rearmRetransmit(core, block);
}

function watchProgress(core: TcpCore, block: ControlBlock): void {
  if (block.state === "CLOSED") return;
  if (block.queue.length === 0 && block.sendUnacknowledged === block.sendHighest)
    core.timers.cancel(block.slot, TIMER.giveUp);
  else restartGiveUp(core, block);
}

// True if the connection is still there for the rest of the segment.
function arriveFinAcknowledged(core: TcpCore, block: ControlBlock): boolean {
  switch (block.state) {
    case "FIN-WAIT-1":
      enter(block, "FIN-WAIT-2");
      armKeepalive(core, block);
      return true;
    case "CLOSING":
      // The peer's FIN may have come in the same poll: a tombstone has nothing pending.
      if (block.acknowledgeNow && sendAcknowledgment(core, block) === "full") enter(block, "TIME-WAIT");
      else enterTimeWait(core, block);
      return false;
    case "LAST-ACK":
      conclude(core, block);
      return false;
    default:
      return true;
  }
}
