// Heads up! Read RFC 4987 section 3.6 before editing this file.
/**
 * SYN cookies: when there is no room for one more half-open connection, the SYN,ACK itself remembers it.
 *
 * Its sequence number is a secret function of the connection, the peer's number
 * and the time; its low bits say which segment size was agreed on. The peer's
 * ACK brings it back, and only then is there a connection. What else was agreed on
 * is in the low bits of our timestamp, which the ACK echoes; a peer without
 * timestamps gets neither scaling nor selective acknowledgments. If its ACK is
 * lost, and what it says next too, nobody here knows that it waits.
 */
import { TUPLE_BYTES, writeTuple, type Tuple } from "./initial-sequence.ts";
import type { SegmentOptions } from "./options.ts";
import { WINDOW_SCALE_MAX } from "./options.ts";
import { SecretHash } from "./secret-hash.ts";

/** Seconds after which the secret function changes; a cookie is good for so long, and at most for twice as long. */
export const COOKIE_SECONDS = 32;
/** Segment sizes that a cookie can say, bytes: the largest that is no larger than the peer's is taken. */
const SEGMENT_SIZES = [88, 256, 536, 1024, 1220, 1360, 1440, 1460] as const;
const SIZE_BITS = 0b111;

/** Low bits of a timestamp that say what was agreed on: the peer's window scale, 31 for none, and a bit for SACK. */
const SCALE_BITS = 0b01_1111;
const NO_SCALE = 0b1_1111;
const SELECTIVE_BIT = 0b10_0000;
const AGREED_BITS = 0b11_1111;

/** What the secret function is of: the connection, the peer's number, and the time. */
const SEQUENCE_AT: number = TUPLE_BYTES,
  TIME_AT: number = TUPLE_BYTES + 4,
  NAME_BYTES: number = TUPLE_BYTES + 8;

/** The cookies of one endpoint. */
export class SynCookies {
  readonly #period: number;
  readonly #secret: SecretHash;
  #sentAt = -Infinity;

  /** Cookies on a clock of `hertz`. */
  constructor(hertz: number, secret: Uint8Array) {
    this.#period = COOKIE_SECONDS * hertz;
    this.#secret = new SecretHash(secret, NAME_BYTES, 4);
  }

  /** The number of a SYN,ACK to a peer whose SYN has `sequence` and names `segmentBytes`. O(1). */
  make(tuple: Tuple, sequence: number, segmentBytes: number, now: number): number {
    this.#sentAt = now;
    const larger = SEGMENT_SIZES.findIndex((size) => size > segmentBytes);
    const index = larger < 0 ? SEGMENT_SIZES.length - 1 : Math.max(0, larger - 1);
    return this.#hash(tuple, sequence, Math.floor(now / this.#period)) | index;
  }

  /** The segment size that was agreed on in `cookie`, 0 if it is none of ours or too old. O(1). */
  check(tuple: Tuple, sequence: number, cookie: number, now: number): number {
    if (now - this.#sentAt > 2 * this.#period) return 0;
    const time = Math.floor(now / this.#period);
    const wanted = cookie & ~SIZE_BITS;
    if (wanted !== this.#hash(tuple, sequence, time) && wanted !== this.#hash(tuple, sequence, time - 1))
      return 0;
    return SEGMENT_SIZES[cookie & SIZE_BITS] ?? 0;
  }

  #hash(tuple: Tuple, sequence: number, time: number): number {
    const { name } = this.#secret;
    writeTuple(name, tuple);
    name.setUint32(SEQUENCE_AT, sequence);
    name.setUint32(TIME_AT, time);
    return this.#secret.digest().getInt32(0) & ~SIZE_BITS;
  }
}

/** A timestamp no later than `timestamp` that says what `offered` and we agree on. */
export function writeAgreed(timestamp: number, offered: SegmentOptions): number {
  const scale = offered.windowScale < 0 ? NO_SCALE : offered.windowScale;
  const agreed = scale | (offered.isSelectivePermitted ? SELECTIVE_BIT : 0);
  const written = (timestamp & ~AGREED_BITS) | agreed;
  return (written - (agreed > (timestamp & AGREED_BITS) ? AGREED_BITS + 1 : 0)) | 0;
}

/** Sets in `options` what `echo` says that was agreed on. */
export function readAgreed(options: SegmentOptions, echo: number): void {
  const scale = echo & SCALE_BITS;
  options.windowScale = scale > WINDOW_SCALE_MAX ? -1 : scale;
  options.isSelectivePermitted = (echo & SELECTIVE_BIT) !== 0;
}
