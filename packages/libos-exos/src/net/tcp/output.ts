// Heads up! Read RFC 9293 section 3.8 before editing this file.
/** What a connection may send now, and the sending of it. */
import { ACK, FIN, PSH, SYN } from "../wire/tcp-wire.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import type { Emitted } from "./emit.ts";
import { acceptableSequence, draftFrom, emit, receiveRoom } from "./emit.ts";
import { armGiveUp, enterTimeWait } from "./lifecycle.ts";
import { reportBytes, writeReport, writeSyn } from "./outgoing-options.ts";
import {
  findRescue,
  findRetransmission,
  inFlight,
  isRecoveringBySelection,
  stepOverReported,
} from "./selective.ts";
import { advance, distance, isBefore, latest } from "./sequence.ts";
import { owesFin } from "./state.ts";
import { TIMER } from "./timers.ts";

/** How it ended: nothing left to do, the burst used up, or held up below. */
export type Outcome = "idle" | "more" | "full" | "unresolved";

/** IPv4 and TCP headers without options, bytes: a maximum segment size does not reckon with options (RFC 6691). */
export const HEADERS_BYTES = 40;

const NOTHING = -1;

type Step = Emitted | "nothing";

/** Sends what `block` may send now: at most a burst, and the acknowledgment that is due. */
export function output(core: TcpCore, block: ControlBlock): Outcome {
  switch (block.state) {
    case "CLOSED":
    case "LISTEN":
      return "idle";
    case "TIME-WAIT":
      return block.isDraining ? "idle" : outputLast(core, block);
    case "SYN-SENT":
    case "SYN-RECEIVED":
      return outputHandshake(core, block);
    default:
      return block.isDraining ? "idle" : outputData(core, block);
  }
}

function outputHandshake(core: TcpCore, block: ControlBlock): Outcome {
  if (block.sendNext === block.initialSend) {
    const result = sendSyn(core, block);
    return result === "sent" ? "idle" : result;
  }
  return block.acknowledgeNow ? outputAcknowledgment(core, block) : "idle";
}

function sendSyn(core: TcpCore, block: ControlBlock): Emitted {
  const isAnswer = block.state === "SYN-RECEIVED";
  const draft = draftFrom(core, block, block.initialSend, isAnswer ? SYN | ACK : SYN);
  const segmentBytes = Math.min(core.output.mtu(block.remoteAddress) - HEADERS_BYTES, 0xffff);
  draft.optionBytes = writeSyn(core, block, segmentBytes);
  draft.window = Math.min(core.memory.bytes, 0xffff);
  if (isAnswer) block.receiveEdge = advance(block.receiveNext, draft.window);
  const result = emit(core);
  if (result !== "sent") return result;
  block.sendNext = advance(block.initialSend, 1);
  recordSent(core, block, block.initialSend, block.sendNext);
  return "sent";
}

function outputData(core: TcpCore, block: ControlBlock): Outcome {
  restartAfterIdle(core, block);
  let result = retransmitFirst(core, block);
  for (let left = core.limits.burstSegments; result === "sent" && left > 0 && core.budget > 0; left--) {
    const step = isRecoveringBySelection(block) ? sendInRecovery(core, block) : sendNew(core, block);
    if (step === "nothing") return finishOutput(core, block);
    result = step;
  }
  return result === "sent" ? "more" : result;
}

function sendNew(core: TcpCore, block: ControlBlock): Step {
  stepOverReported(block);
  const length = plan(core, block);
  return length === NOTHING ? "nothing" : sendNext(core, block, length);
}

// NextSeg of RFC 6675: what is lost, then what is new, then what may be lost, then the tail.
function sendInRecovery(core: TcpCore, block: ControlBlock): Step {
  if (block.congestion.allowance - inFlight(core, block) < block.segmentBytes) return "nothing";
  if (findRetransmission(block, true)) return retransmitHole(core, block);
  const step = sendNew(core, block);
  if (step !== "nothing") return step;
  if (findRetransmission(block, false)) return retransmitHole(core, block);
  return findRescue(block) ? rescue(core, block) : "nothing";
}

function retransmitHole(core: TcpCore, block: ControlBlock): Step {
  const { holeStart, holeEnd } = block.scoreboard;
  const step = retransmit(core, block, holeStart, holeEnd);
  if (step === "sent") core.counters.selectiveRetransmissions += 1;
  return step;
}

// The end of what was sent again stays where it is (RFC 6675 section 4, rule 4).
function rescue(core: TcpCore, block: ControlBlock): Step {
  const { retransmittedTo } = block;
  const { holeStart, holeEnd } = block.scoreboard;
  const step = retransmit(core, block, holeStart, holeEnd);
  block.retransmittedTo = retransmittedTo;
  if (step !== "sent") return step;
  block.rescuedTo = block.sendHighest;
  core.counters.rescues += 1;
  return "sent";
}

// RFC 5681 section 4.1.
function restartAfterIdle(core: TcpCore, block: ControlBlock): void {
  if (!core.limits.restartAfterIdle) return;
  if (block.sendUnacknowledged !== block.sendHighest || block.queue.length === 0) return;
  if (core.now - block.sentAt > block.timeout.cycles) block.congestion.idled();
}

function finishOutput(core: TcpCore, block: ControlBlock): Outcome {
  armPersist(core, block);
  if (block.acknowledgeNow) return outputAcknowledgment(core, block);
  if (block.acknowledgeLater && core.timers.deadline(block.slot, TIMER.acknowledge) === Infinity)
    core.timers.arm(block.slot, TIMER.acknowledge, core.now + core.durations.delayedAcknowledgment);
  return "idle";
}

function outputAcknowledgment(core: TcpCore, block: ControlBlock): Outcome {
  const result = sendAcknowledgment(core, block);
  return result === "sent" ? "idle" : result;
}

/** The acknowledgment of the peer's FIN, for which there was no room; then the wait begins. */
function outputLast(core: TcpCore, block: ControlBlock): Outcome {
  if (sendAcknowledgment(core, block) === "full") return "full";
  enterTimeWait(core, block);
  return "idle";
}

/** Sends an ACK without text. */
export function sendAcknowledgment(core: TcpCore, block: ControlBlock): Emitted {
  const draft = draftFrom(core, block, acceptableSequence(block), ACK);
  draft.optionBytes = writeReport(core, block);
  const result = emit(core);
  if (result === "sent") acknowledged(core, block);
  return result;
}

/** Sends an ACK at once, or as soon as it can leave. */
export function acknowledgeAtOnce(core: TcpCore, block: ControlBlock): void {
  if (sendAcknowledgment(core, block) === "sent") return;
  block.acknowledgeNow = true;
  core.ready.add(block);
}

/**
 * The bytes of the next segment from `sendNext`, or of several at once: 0 is a FIN alone, -1 nothing.
 *
 * A full segment always goes; a short one if it is the last (and Nagle does not
 * object), if it is half the largest window the peer ever had, or if it was sent
 * before (RFC 9293 section 3.8.6.2.1).
 */
function plan(core: TcpCore, block: ControlBlock): number {
  const offset = distance(block.sendUnacknowledged, block.sendNext);
  const rest = block.queue.length - offset;
  if (rest < 0 || (rest === 0 && !owesFin(block.state))) return NOTHING;
  const usable = Math.min(block.congestion.allowance - inFlight(core, block), block.sendWindow - offset);
  if (usable <= 0) return NOTHING;
  if (rest === 0) return 0;
  const full = fullText(block);
  const most = rest <= full ? full : largestText(core, block, full);
  const wanted = Math.min(rest, most, usable, textToReported(block));
  const short = wanted < full ? wanted : wanted % full;
  if (short === 0 || mayGo(core, block, wanted, wanted === rest))
    return block.queue.span(offset, wanted, core.limits.segmentPieces);
  return wanted < full ? NOTHING : block.queue.span(offset, wanted - short, core.limits.segmentPieces);
}

// Of what is new as many full segments as the interface cuts at once.
const largestText = ({ superBytes }: TcpCore, block: ControlBlock, full: number): number =>
  block.sendNext === block.sendHighest ? Math.max(full, superBytes - (superBytes % full)) : full;

// What a report leaves of a segment.
const fullText = (block: ControlBlock): number => block.segmentBytes - reportBytes(block);

// While what was sent is sent again: the bytes before those that the peer has.
function textToReported(block: ControlBlock): number {
  const { scoreboard, sendNext: from, sendHighest } = block;
  if (scoreboard.count === 0 || from === sendHighest) return Infinity;
  return distance(from, scoreboard.nextStart(from, sendHighest));
}

function mayGo(core: TcpCore, block: ControlBlock, length: number, isLast: boolean): boolean {
  if (isBefore(block.sendNext, block.sendHighest)) return true;
  if (isLast && (!core.limits.nagle || block.isFinishing || block.sendNext === block.sendUnacknowledged))
    return true;
  return length * 2 >= block.largestWindow;
}

// FIN rides on the last text if the peer's window has room for it too.
function hasFinAt(block: ControlBlock, end: number): boolean {
  if (!owesFin(block.state)) return false;
  const offset = distance(block.sendUnacknowledged, end);
  return offset === block.queue.length && offset < block.sendWindow;
}

function sendNext(core: TcpCore, block: ControlBlock, length: number): Emitted {
  const from = block.sendNext;
  const end = advance(from, length);
  const hasFin = hasFinAt(block, end);
  const result = sendText(core, block, from, length, hasFin);
  if (result === "sent") block.sendNext = hasFin ? advance(end, 1) : end;
  return result;
}

function sendText(
  core: TcpCore,
  block: ControlBlock,
  from: number,
  length: number,
  hasFin: boolean,
): Emitted {
  const offset = distance(block.sendUnacknowledged, from);
  const isLast = length > 0 && offset + length === block.queue.length;
  const draft = draftFrom(core, block, from, ACK | (isLast ? PSH : 0) | (hasFin ? FIN : 0));
  draft.optionBytes = writeReport(core, block);
  if (length > 0) draft.payloadSum = block.queue.gather(offset, length, core.output.payload, core.pieceSum);
  const full = fullText(block);
  if (length > full) draft.segmentBytes = full;
  const result = emit(core);
  if (result !== "sent") return result;
  acknowledged(core, block);
  recordSent(core, block, from, advance(from, length + (hasFin ? 1 : 0)));
  return "sent";
}

// Fast retransmission, and the one of a partial acknowledgment.
function retransmitFirst(core: TcpCore, block: ControlBlock): Emitted {
  if (!block.isRetransmitDue) return "sent";
  const from = block.sendUnacknowledged;
  if (from === block.sendHighest) {
    block.isRetransmitDue = false;
    return "sent";
  }
  const end = block.isSelective ? block.scoreboard.nextStart(from, block.sendHighest) : block.sendHighest;
  const result = retransmit(core, block, from, end);
  if (result === "sent") block.isRetransmitDue = false;
  return result;
}

// One segment at most, of what was sent before between `from` and `to`.
function retransmit(core: TcpCore, block: ControlBlock, from: number, to: number): Emitted {
  const offset = distance(block.sendUnacknowledged, from);
  const wanted = Math.min(block.queue.length - offset, fullText(block), distance(from, to));
  const length = wanted > 0 ? block.queue.span(offset, wanted, core.limits.segmentPieces) : 0;
  const end = advance(from, length);
  return sendText(core, block, from, length, hasFinAt(block, end) && isBefore(end, to));
}

// Whatever was sent carried the acknowledgment.
function acknowledged(core: TcpCore, block: ControlBlock): void {
  block.acknowledgeNow = false;
  block.acknowledgeLater = false;
  block.bytesToAcknowledge = 0;
  block.acknowledgedTo = block.receiveNext;
  block.duplicateStart = block.duplicateEnd;
  core.timers.cancel(block.slot, TIMER.acknowledge);
}

// Something with sequence numbers from `from` to `end` is on its way.
function recordSent(core: TcpCore, block: ControlBlock, from: number, end: number): void {
  if (from !== block.sendHighest) {
    core.counters.retransmissions += 1;
    block.isTiming = false;
    block.resentAt = core.now;
    block.retransmittedTo = latest(block.retransmittedTo, end);
  } else if (!block.isTiming) {
    block.isTiming = true;
    block.timedSequence = end;
    block.timedAt = core.now;
  }
  block.sendHighest = latest(block.sendHighest, end);
  block.sentAt = core.now;
  if (block.isPersisting) {
    block.isPersisting = false;
    block.timeout.restart();
    core.timers.cancel(block.slot, TIMER.retransmit);
  }
  if (core.timers.deadline(block.slot, TIMER.retransmit) === Infinity) armRetransmit(core, block);
  armGiveUp(core, block);
}

/** The retransmission timeout begins now. */
export const armRetransmit = (core: TcpCore, block: ControlBlock): void =>
  core.timers.arm(block.slot, TIMER.retransmit, core.now + block.timeout.cycles);

const hasPending = (block: ControlBlock): boolean =>
  block.sendNext === block.sendUnacknowledged && (block.queue.length > 0 || owesFin(block.state));

// Nothing is in flight and nothing may go: only probes find out when the window opens (RFC 9293 section 3.8.6.1).
function armPersist(core: TcpCore, block: ControlBlock): void {
  if (block.isPersisting || !hasPending(block)) return;
  block.isPersisting = true;
  block.persistingSince = core.now;
  armRetransmit(core, block);
  armGiveUp(core, block);
}

/** The persist timer expired: as much as the window takes, or one byte beyond it. */
export function sendProbe(core: TcpCore, block: ControlBlock): void {
  block.timeout.backOff();
  armRetransmit(core, block);
  if (!hasPending(block) || plan(core, block) !== NOTHING) {
    core.ready.add(block);
    return;
  }
  core.counters.probes += 1;
  const window = Math.min(block.sendWindow, fullText(block), block.queue.length);
  if (window > 0) {
    sendNext(core, block, block.queue.span(0, window, core.limits.segmentPieces));
    return;
  }
  emitProbe(core, block);
}

function emitProbe(core: TcpCore, block: ControlBlock): void {
  const from = block.sendUnacknowledged;
  const hasText = block.queue.length > 0;
  const draft = draftFrom(core, block, from, hasText ? ACK : ACK | FIN);
  if (hasText) draft.payloadSum = block.queue.gather(0, 1, core.output.payload, core.pieceSum);
  if (emit(core) !== "sent") return;
  acknowledged(core, block);
  block.isTiming = false;
  block.resentAt = core.now;
  block.sendHighest = latest(block.sendHighest, advance(from, 1));
}

/** Says something old, so that the peer answers (RFC 9293 section 3.8.4). */
export function sendKeepalive(core: TcpCore, block: ControlBlock): void {
  core.counters.probes += 1;
  draftFrom(core, block, advance(block.sendHighest, -1), ACK);
  emit(core);
}

/** After bytes were taken: tells the peer if its window has grown by two segments or half the buffer. */
export function updateWindow(core: TcpCore, block: ControlBlock): void {
  const growth = receiveRoom(block) - distance(block.receiveNext, block.receiveEdge);
  if (growth < Math.min(core.memory.bytes / 2, 2 * block.segmentBytes)) return;
  block.acknowledgeNow = true;
  core.ready.add(block);
}
