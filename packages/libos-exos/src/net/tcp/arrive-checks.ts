// Heads up! Read RFC 9293 section 3.10.7.4 and RFC 5961 before editing this file.
/** What a segment must pass before a synchronized connection believes it. */
import { ACK, FIN, RST, SYN } from "../wire/tcp-wire.ts";
import { challenge } from "./challenge.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { lose } from "./lifecycle.ts";
import { noteDuplicate } from "./outgoing-options.ts";
import { acknowledgeAtOnce } from "./output.ts";
import type { Segment } from "./segment.ts";
import { has, sequenceLength } from "./segment.ts";
import { advance, distance, isAfter, isBefore } from "./sequence.ts";
import { noteTimestamp, passesTimestamps } from "./timestamps.ts";

/** True if the segment, trimmed to the receive window, may be worked on; otherwise it was answered. */
export function passesChecks(core: TcpCore, block: ControlBlock, segment: Segment): boolean {
  if (has(segment, RST)) {
    arriveReset(core, block, segment);
    return false;
  }
  if (has(segment, SYN)) {
    challenge(core, block);
    return false;
  }
  if (block.isTimestamping && !passesTimestamps(core, block, segment)) return false;
  if (!isAcceptable(block, segment)) {
    refuse(core, block, segment);
    return false;
  }
  if (block.isTimestamping) noteTimestamp(core, block, segment);
  trim(core, block, segment);
  return has(segment, ACK);
}

function refuse(core: TcpCore, block: ControlBlock, segment: Segment): void {
  core.counters.unacceptable += 1;
  if (sequenceLength(segment) === 0) {
    challenge(core, block);
    return;
  }
  if (isBefore(segment.sequence, block.receiveNext))
    noteDuplicate(core, block, segment.sequence, segment.textLength);
  acknowledgeAtOnce(core, block);
}

// RFC 5961 section 3: only the exact number resets; another one in the window is asked to say it again. Nothing cuts TIME-WAIT short (RFC 1337).
function arriveReset(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (block.state === "TIME-WAIT") return;
  if (segment.sequence === block.receiveNext) {
    core.counters.resetsReceived += 1;
    lose(core, block, block.state === "SYN-RECEIVED" ? "refused" : "reset");
  } else if (isInWindow(block, segment.sequence)) challenge(core, block);
}

const isInWindow = (block: ControlBlock, sequence: number): boolean =>
  distance(block.receiveNext, sequence) < distance(block.receiveNext, block.receiveEdge);

/**
 * RFC 9293 table 6, with two additions of deployed stacks: an ACK may stand right
 * after the window, where it is when the window is full, and text that a closed
 * window keeps out does not make its ACK worthless.
 */
function isAcceptable(block: ControlBlock, segment: Segment): boolean {
  const { sequence } = segment;
  const length = sequenceLength(segment);
  if (sequence === block.receiveNext || isInWindow(block, sequence)) return true;
  if (length === 0) return sequence === block.receiveEdge;
  const last = advance(sequence, length - 1);
  return isInWindow(block, last) || spansWindow(block, sequence, last);
}

const spansWindow = (block: ControlBlock, first: number, last: number): boolean =>
  block.receiveEdge !== block.receiveNext &&
  isBefore(first, block.receiveNext) &&
  !isBefore(last, block.receiveEdge);

/** Cuts off what was received before, and what is beyond the window with its FIN. Either is answered. */
function trim(core: TcpCore, block: ControlBlock, segment: Segment): void {
  const length = sequenceLength(segment);
  trimFront(core, block, segment);
  trimBack(block, segment);
  if (sequenceLength(segment) === length) return;
  block.acknowledgeNow = true;
  core.ready.add(block);
}

function trimFront(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (!isBefore(segment.sequence, block.receiveNext)) return;
  const old = Math.min(distance(segment.sequence, block.receiveNext), segment.textLength);
  noteDuplicate(core, block, segment.sequence, old);
  segment.sequence = advance(segment.sequence, old);
  segment.textAt += old;
  segment.textLength -= old;
}

function trimBack(block: ControlBlock, segment: Segment): void {
  const end = advance(segment.sequence, sequenceLength(segment));
  if (sequenceLength(segment) === 0 || !isAfter(end, block.receiveEdge)) return;
  const excess = distance(block.receiveEdge, end);
  segment.textLength = Math.max(0, segment.textLength - (has(segment, FIN) ? excess - 1 : excess));
  segment.flags &= ~FIN;
}
