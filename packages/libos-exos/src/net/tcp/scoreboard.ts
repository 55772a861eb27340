// Heads up! Read RFC 6675 section 4 and RFC 2018 section 8 before editing this file.
/** What the peer says it has of the bytes after the first that it lacks. */
import { advance, distance, earliest, isAfter, isBefore, latest } from "./sequence.ts";

/** Segments that were sent later and have arrived, after which one that has not is lost (DupThresh). */
const LATER_SEGMENTS = 3;

/**
 * The scoreboard of one connection: runs of selectively acknowledged bytes.
 *
 * Runs ascend, are disjoint, and none touches another. Their number is bounded:
 * what would need one more is not noted, which is safe, because whatever is not
 * noted counts as missing. Never allocates after it is made; every operation is
 * O(runs).
 */
export class Scoreboard {
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #count = 0;
  #bytes = 0;
  /** What `findHole` found. */
  holeStart = 0;
  holeEnd = 0;

  constructor(runs: number) {
    this.#starts = new Int32Array(runs);
    this.#ends = new Int32Array(runs);
  }

  /** Runs noted. */
  get count(): number {
    return this.#count;
  }

  /** Bytes in them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** After the last byte of the last run; `otherwise` without one. */
  highest(otherwise: number): number {
    return this.#count === 0 ? otherwise : this.#end(this.#count - 1);
  }

  /** Forgets everything. */
  clear(): void {
    this.#count = 0;
    this.#bytes = 0;
  }

  /** Notes the bytes from `start` to `end`, later than every acknowledged one. Returns how many were news, -1 if there was no room. */
  add(start: number, end: number): number {
    let first = 0;
    while (first < this.#count && isBefore(this.#end(first), start)) first += 1;
    let after = first;
    let from = start;
    let to = end;
    let known = 0;
    for (; after < this.#count && !isAfter(this.#start(after), end); after++) {
      from = earliest(from, this.#start(after));
      to = latest(to, this.#end(after));
      known += distance(this.#start(after), this.#end(after));
    }
    if (after === first && this.#count === this.#starts.length) return -1;
    this.#move(first + 1, after);
    this.#starts[first] = from;
    this.#ends[first] = to;
    const news = distance(from, to) - known;
    this.#bytes += news;
    return news;
  }

  /**
   * Everything before `unacknowledged` is acknowledged.
   *
   * False when the peer acknowledges up to or into a run, but not all of it: it
   * has thrown away what it had (RFC 2018 section 8). Nothing it said counts then.
   */
  acknowledge(unacknowledged: number): boolean {
    let past = 0;
    for (; past < this.#count && !isAfter(this.#end(past), unacknowledged); past++)
      this.#bytes -= distance(this.#start(past), this.#end(past));
    if (past > 0) this.#move(0, past);
    if (this.#count === 0 || isAfter(this.#start(0), unacknowledged)) return true;
    this.clear();
    return false;
  }

  /** IsLost of the first byte that the peer lacks. O(1). */
  isFirstLost(segmentBytes: number): boolean {
    return isLost(this.#count, this.#bytes, segmentBytes);
  }

  /**
   * SetPipe: bytes that are still in the network, of those from `unacknowledged`
   * to `highest`, `retransmitted` being the end of what was sent again.
   */
  pipe(unacknowledged: number, highest: number, retransmitted: number, segmentBytes: number): number {
    let bytes = 0;
    let from = unacknowledged;
    let above = this.#bytes;
    for (let run = 0; run <= this.#count; run++) {
      const to = run < this.#count ? this.#start(run) : highest;
      if (!isLost(this.#count - run, above, segmentBytes)) bytes += distance(from, to);
      if (isAfter(retransmitted, from)) bytes += distance(from, earliest(to, retransmitted));
      if (run === this.#count) break;
      above -= distance(to, this.#end(run));
      from = this.#end(run);
    }
    return bytes;
  }

  /**
   * Finds the first bytes from `from` on that the peer lacks though it has later ones, and
   * leaves them in `holeStart` and `holeEnd`. With `lostOnly` they must be lost as well.
   */
  findHole(from: number, lostOnly: boolean, segmentBytes: number): boolean {
    let start = from;
    let above = this.#bytes;
    for (let run = 0; run < this.#count; run++) {
      if (isBefore(start, this.#start(run))) {
        this.holeStart = start;
        this.holeEnd = this.#start(run);
        return !lostOnly || isLost(this.#count - run, above, segmentBytes);
      }
      above -= distance(this.#start(run), this.#end(run));
      start = latest(start, this.#end(run));
    }
    return false;
  }

  /** Leaves the last bytes before `highest` that the peer lacks, at most `bytes` of them, in `holeStart` and `holeEnd`. */
  findTail(unacknowledged: number, highest: number, bytes: number): void {
    let run = this.#count - 1;
    this.holeEnd = highest;
    if (run >= 0 && this.#end(run) === highest) {
      this.holeEnd = this.#start(run);
      run -= 1;
    }
    const from = run < 0 ? unacknowledged : this.#end(run);
    this.holeStart = distance(from, this.holeEnd) > bytes ? advance(this.holeEnd, -bytes) : from;
  }

  /** Bytes noted before `sequence`. */
  bytesBefore(sequence: number): number {
    let bytes = 0;
    for (let run = 0; run < this.#count && isBefore(this.#start(run), sequence); run++)
      bytes += distance(this.#start(run), earliest(this.#end(run), sequence));
    return bytes;
  }

  /** The first byte from `sequence` on that is not noted. */
  skip(sequence: number): number {
    for (let run = 0; run < this.#count && !isAfter(this.#start(run), sequence); run++)
      if (isBefore(sequence, this.#end(run))) return this.#end(run);
    return sequence;
  }

  /** Where the first run after `sequence` begins; `otherwise` without one. */
  nextStart(sequence: number, otherwise: number): number {
    for (let run = 0; run < this.#count; run++)
      if (isAfter(this.#start(run), sequence)) return this.#start(run);
    return otherwise;
  }

  #start(run: number): number {
    return this.#starts[run] ?? 0;
  }

  #end(run: number): number {
    return this.#ends[run] ?? 0;
  }

  // The runs from `from` on lie from `to` on now.
  #move(to: number, from: number): void {
    if (to === from) return;
    this.#starts.copyWithin(to, from, this.#count);
    this.#ends.copyWithin(to, from, this.#count);
    this.#count += to - from;
  }
}

const isLost = (runsAbove: number, bytesAbove: number, segmentBytes: number): boolean =>
  runsAbove >= LATER_SEGMENTS || bytesAbove > (LATER_SEGMENTS - 1) * segmentBytes;
