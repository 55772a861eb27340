/** The end of a handshake. */
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { makeConnection } from "./connection.ts";
import { HEADERS_BYTES } from "./output.ts";
import { armKeepalive, enter } from "./lifecycle.ts";
import { leaveHalfOpen } from "./listener.ts";
import type { SegmentOptions } from "./options.ts";
import { TIMESTAMPS_BYTES } from "./options.ts";
import type { Segment } from "./segment.ts";
import { advance, latest } from "./sequence.ts";
import { TIMER } from "./timers.ts";
import { takeTimestamp } from "./timestamps.ts";

/** Takes over what the peer's SYN says. */
export function acceptSyn(core: TcpCore, block: ControlBlock, segment: Segment): void {
  const { options } = segment;
  block.initialReceive = segment.sequence;
  block.receiveNext = advance(segment.sequence, 1);
  block.acknowledgedTo = block.receiveNext;
  block.receiveEdge = advance(block.receiveNext, Math.min(core.memory.bytes, 0xffff));
  acceptOptions(core, block, options);
  setSendWindow(block, segment.window, segment);
  block.sendEdge = advance(block.initialSend, 1 + segment.window);
}

/** What a SYN of the peer offers and we want is agreed on; the offer of an active open asked for no more. */
export function acceptOptions(core: TcpCore, block: ControlBlock, options: SegmentOptions): void {
  const { limits } = core;
  block.isScaling = limits.windowScaling && options.windowScale >= 0;
  block.sendScale = block.isScaling ? options.windowScale : 0;
  block.receiveScale = block.isScaling ? core.receiveScale : 0;
  block.isSelective = limits.selectiveAcknowledgments && options.isSelectivePermitted;
  block.isTimestamping = limits.timestamps && options.hasTimestamps;
  block.segmentBytes = segmentBytes(core, block, options.maximumSegmentSize);
  if (block.isTimestamping) {
    block.segmentBytes -= TIMESTAMPS_BYTES;
    takeTimestamp(core, block, options.timestamp);
  }
}

function segmentBytes(core: TcpCore, block: ControlBlock, named: number): number {
  const { limits, output } = core;
  const own = output.mtu(block.remoteAddress) - HEADERS_BYTES;
  const peer = named === 0 ? limits.defaultSegmentBytes : Math.max(named, limits.minimumSegmentBytes);
  return Math.min(own, peer);
}

/** SND.WND is `window` bytes, as `segment` said. */
export function setSendWindow(block: ControlBlock, window: number, segment: Segment): void {
  block.sendWindow = window;
  block.sendEdge = latest(block.sendEdge, advance(segment.acknowledgment, window));
  block.largestWindow = Math.max(block.largestWindow, window);
  block.windowSequence = segment.sequence;
  block.windowAcknowledgment = segment.acknowledgment;
}

/** Our SYN is acknowledged: ESTABLISHED, and the application hears of it. */
export function establish(core: TcpCore, block: ControlBlock): void {
  const { listener } = block;
  if (block.state === "SYN-RECEIVED") leaveHalfOpen(block);
  enter(block, "ESTABLISHED");
  block.sendUnacknowledged = advance(block.initialSend, 1);
  block.sendNext = block.sendUnacknowledged;
  block.retransmittedTo = block.sendUnacknowledged;
  block.rescuedTo = block.sendUnacknowledged;
  finishTiming(core, block);
  core.timers.cancel(block.slot, TIMER.retransmit);
  core.timers.cancel(block.slot, TIMER.giveUp);
  if (block.isSynLost) block.timeout.handshakeLost();
  block.congestion.opened(block.segmentBytes, block.isSynLost, block.sendUnacknowledged, block.isSelective);
  core.counters.established += 1;
  if (block.isTimestamping) core.counters.withTimestamps += 1;
  if (block.isSelective) core.counters.withSelective += 1;
  core.ready.add(block);
  block.heardAt = core.now;
  armKeepalive(core, block);
  if (block.isFinishing) enter(block, "FIN-WAIT-1");
  if (listener !== undefined) {
    block.connection = makeConnection(core, block);
    block.handler = listener.makeHandler(block.connection);
  }
  if (block.connection !== undefined) block.handler?.opened(block.connection);
}

/** The segment that was being timed is acknowledged. */
export function finishTiming(core: TcpCore, block: ControlBlock): void {
  if (!block.isTiming) return;
  block.isTiming = false;
  block.timeout.measured(core.now - block.timedAt);
}
