// Heads up! Read RFC 7323 sections 3 to 5 before editing this file.
/** The timestamps of a connection: what its segments say, which of the peer's are too old, how long a round trip took. */
import { acknowledgeAtOnce } from "./output.ts";
import { challenge } from "./challenge.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import type { Segment } from "./segment.ts";
import { sequenceLength } from "./segment.ts";
import { isAfter, isBefore } from "./sequence.ts";
import { ticks } from "./ticks.ts";

/** PAWS: false for a segment from before one that was accepted, which is answered, and for one without timestamps, which is not. */
export function passesTimestamps(core: TcpCore, block: ControlBlock, segment: Segment): boolean {
  const { options } = segment;
  if (!options.hasTimestamps) {
    core.counters.timestampsMissing += 1;
    return false;
  }
  if (!isBefore(options.timestamp, block.timestampRecent) || isAged(core, block)) return true;
  core.counters.timestampsOld += 1;
  if (sequenceLength(segment) > 0) acknowledgeAtOnce(core, block);
  else challenge(core, block);
  return false;
}

// Half the space of the peer's clock may have passed: its last timestamp says nothing any more (section 5.5).
const isAged = (core: TcpCore, block: ControlBlock): boolean =>
  core.now - block.timestampRecentAt > core.durations.timestampLife;

/** The timestamp that the next acknowledgment echoes: of an acceptable segment that begins where the last one left off or before. */
export function noteTimestamp(core: TcpCore, block: ControlBlock, segment: Segment): void {
  if (isAfter(segment.sequence, block.acknowledgedTo)) return;
  takeTimestamp(core, block, segment.options.timestamp);
}

/** `timestamp` is the peer's latest. */
export function takeTimestamp(core: TcpCore, block: ControlBlock, timestamp: number): void {
  block.timestampRecent = timestamp;
  block.timestampRecentAt = core.now;
}

/**
 * A round trip by the echoed timestamp. It counts in ticks, so it is taken only
 * where the exact clock may not be (Karn's rule), and only from the echo of what
 * was sent again last: an older one is of a segment that came long ago and whose
 * acknowledgments were lost, so that each timeout would make the next one longer.
 * An echo of what was never sent is ignored.
 */
export function measureEcho(core: TcpCore, block: ControlBlock, segment: Segment): void {
  const elapsed = (ticks(core, block.timestampOffset) - segment.options.timestampEcho) | 0;
  if (elapsed < 0 || elapsed > (core.now - block.resentAt) * core.ticksPerCycle + 1) return;
  core.counters.echoesMeasured += 1;
  block.timeout.measured(Math.max(elapsed, 1) / core.ticksPerCycle);
}
