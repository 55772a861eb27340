// Heads up! Read RFC 7323 section 3, RFC 2018 section 4 and RFC 2883 before editing this file.
/** The options of outgoing segments: written where the header is made, word by word. */
import { TCP_HEADER_BYTES } from "../wire/tcp-wire.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import {
  BLOCKS_MAX,
  blocksBytes,
  writeBlock,
  writeBlocksHead,
  writeSynOptions,
  writeTimestamps,
} from "./options.ts";
import { advance } from "./sequence.ts";
import { ticks } from "./ticks.ts";

/** Writes the options of `block`'s SYN; returns their bytes. */
export function writeSyn(core: TcpCore, block: ControlBlock, segmentBytes: number): number {
  const { synOptions: options } = core;
  const { header, transportAt } = core.output;
  options.maximumSegmentSize = segmentBytes;
  options.windowScale = block.isScaling ? core.receiveScale : -1;
  options.isSelectivePermitted = block.isSelective;
  options.hasTimestamps = block.isTimestamping;
  options.timestamp = ticks(core, block.timestampOffset);
  options.timestampEcho = block.timestampRecent;
  return writeSynOptions(header, transportAt + TCP_HEADER_BYTES, options);
}

/** Writes the timestamps of `block`'s segments, if they have any; returns their bytes. */
export function writeClock(core: TcpCore, block: ControlBlock): number {
  if (!block.isTimestamping) return 0;
  const { header, transportAt } = core.output;
  return writeTimestamps(
    header,
    transportAt + TCP_HEADER_BYTES,
    ticks(core, block.timestampOffset),
    block.timestampRecent,
  );
}

const hasReport = (block: ControlBlock): boolean =>
  block.isSelective && (block.buffer.hasRuns || block.duplicateStart !== block.duplicateEnd);

/** Blocks that `block`'s next segment reports, when there is something to report. */
function blockCount(block: ControlBlock): number {
  const duplicates = block.duplicateStart === block.duplicateEnd ? 0 : 1;
  const most = block.isTimestamping ? BLOCKS_MAX - 1 : BLOCKS_MAX;
  return Math.min(duplicates + block.buffer.runs, most);
}

/** Bytes that they take away from the text of that segment. */
export const reportBytes = (block: ControlBlock): number =>
  hasReport(block) ? blocksBytes(blockCount(block)) : 0;

/** Writes what came early after the options that are there: a duplicate first, then the runs, the most recent first. Returns the bytes of all options. */
export function writeReport(core: TcpCore, block: ControlBlock): number {
  const { draft, output } = core;
  if (!hasReport(block)) return draft.optionBytes;
  const count = blockCount(block);
  const at = output.transportAt + TCP_HEADER_BYTES + draft.optionBytes;
  writeBlocksHead(output.header, at, count);
  let written = 0;
  if (block.duplicateStart !== block.duplicateEnd) {
    writeBlock(output.header, at, 0, block.duplicateStart, block.duplicateEnd);
    core.counters.duplicatesReported += 1;
    written = 1;
  }
  const { buffer } = block;
  const first = advance(block.initialReceive, 1);
  buffer.beginReport();
  for (; written < count; written++) {
    const run = buffer.nextReported();
    writeBlock(
      output.header,
      at,
      written,
      advance(first, buffer.runStart(run)),
      advance(first, buffer.runStop(run)),
    );
  }
  return draft.optionBytes + blocksBytes(count);
}

/** The peer sent bytes that we had: it is told with the next segment, once (RFC 2883). */
export function noteDuplicate(core: TcpCore, block: ControlBlock, start: number, bytes: number): void {
  if (!block.isSelective || !core.limits.duplicateReports || bytes <= 0) return;
  block.duplicateStart = start;
  block.duplicateEnd = advance(start, bytes);
}
