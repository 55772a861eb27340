// Heads up! Read RFC 6675 sections 4 and 5 before editing this file.
/** What a sender makes of selective acknowledgments: what is in flight, and what is lost. */
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import type { Segment } from "./segment.ts";
import { advance, distance, isAfter, isBefore, latest } from "./sequence.ts";

/** Takes the blocks of an acceptable acknowledgment over. Returns how many bytes were news. O(blocks x runs). */
export function noteBlocks(core: TcpCore, block: ControlBlock, segment: Segment): number {
  const { blockCount, blockStarts, blockEnds } = segment.options;
  let news = 0;
  for (let index = 0; index < blockCount; index++)
    news += noteBlock(core, block, blockStarts[index] ?? 0, blockEnds[index] ?? 0);
  return news;
}

// A block of what was acknowledged, or a second time of what is noted, reports a duplicate and is no news.
function noteBlock(core: TcpCore, block: ControlBlock, start: number, end: number): number {
  if (!isBefore(start, end) || isAfter(end, block.sendHighest)) {
    core.counters.blocksRefused += 1;
    return 0;
  }
  if (!isAfter(start, block.sendUnacknowledged)) return 0;
  const news = block.scoreboard.add(start, end);
  if (news < 0) core.counters.blocksDropped += 1;
  return Math.max(news, 0);
}

/** The peer acknowledged more. If it takes back what it had, the first segment that it lacks goes again. */
export function advanceScoreboard(core: TcpCore, block: ControlBlock): void {
  if (block.scoreboard.acknowledge(block.sendUnacknowledged)) return;
  core.counters.reneged += 1;
  block.retransmittedTo = block.sendUnacknowledged;
  block.isRetransmitDue = true;
}

/** Recovery begins: the first segment that the peer lacks goes again. */
export function beginRecovery(core: TcpCore, block: ControlBlock): void {
  core.counters.fastRetransmissions += 1;
  block.isRetransmitDue = true;
  block.retransmittedTo = block.sendUnacknowledged;
  block.rescuedTo = advance(block.sendUnacknowledged, block.segmentBytes);
  if (block.isSelective) block.sendNext = block.sendHighest;
}

/** True while retransmissions are chosen from the scoreboard. */
export const isRecoveringBySelection = (block: ControlBlock): boolean =>
  block.isSelective && block.congestion.isRecovering;

/**
 * Bytes that count against the congestion window. After a timeout, while what was
 * sent is sent again, those from the first on that the peer has not reported;
 * otherwise the pipe of RFC 6675, which is all that is unacknowledged as long as
 * nothing was reported.
 */
export function inFlight(core: TcpCore, block: ControlBlock): number {
  const { scoreboard, sendUnacknowledged, sendNext } = block;
  const offset = distance(sendUnacknowledged, sendNext);
  if (!block.isSelective) return offset;
  const { isRecovering } = block.congestion;
  if (!isRecovering && scoreboard.count === 0) return offset;
  if (sendNext !== block.sendHighest) return offset - scoreboard.bytesBefore(sendNext);
  if (!isRecovering && !core.limits.limitedTransmit) return offset;
  return scoreboard.pipe(sendUnacknowledged, sendNext, block.retransmittedTo, block.segmentBytes);
}

/** NextSeg, rules 1 and 3: finds what is to be sent again, lost for sure or not, in the scoreboard's hole. */
export const findRetransmission = (block: ControlBlock, lostOnly: boolean): boolean =>
  block.scoreboard.findHole(
    latest(block.retransmittedTo, block.sendUnacknowledged),
    lostOnly,
    block.segmentBytes,
  );

/** NextSeg, rule 4: finds the last bytes, once after each acknowledgment that got past the last rescue. */
export function findRescue(block: ControlBlock): boolean {
  if (!isAfter(block.sendUnacknowledged, block.rescuedTo) || block.sendUnacknowledged === block.sendHighest)
    return false;
  const hasFin = isFinLast(block);
  block.scoreboard.findTail(
    block.sendUnacknowledged,
    block.sendHighest,
    block.segmentBytes + (hasFin ? 1 : 0),
  );
  return true;
}

// FIN is the last that was sent and not reported: it rides on a full segment.
const isFinLast = (block: ControlBlock): boolean =>
  distance(block.sendUnacknowledged, block.sendHighest) > block.queue.length &&
  block.scoreboard.highest(block.sendUnacknowledged) !== block.sendHighest;

/** While what was sent is sent again after a timeout: steps over what the peer has. */
export function stepOverReported(block: ControlBlock): void {
  if (block.scoreboard.count > 0 && block.sendNext !== block.sendHighest)
    block.sendNext = block.scoreboard.skip(block.sendNext);
}
