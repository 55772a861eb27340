/** Initial sequence numbers: a 4 microsecond clock and a secret function of the connection (RFC 6528). */
import { blake2s } from "@noble/hashes/blake2.js";

/** Bytes of the secret. */
export const SECRET_BYTES = 32;
const TICKS_PER_SECOND = 250_000;

/** Chooses the initial sequence number of a connection at `now`, in cycles. */
export type InitialSequence = (tuple: Tuple, now: number) => number;

/** The four numbers that name a connection. */
export interface Tuple {
  readonly localAddress: number;
  readonly remoteAddress: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/** ISN = M + F(connection, secret), F being keyed BLAKE2s. Allocates: once a connection. */
export function makeInitialSequence(hertz: number, secret: Uint8Array): InitialSequence {
  const input = new Uint8Array(12);
  const view = new DataView(input.buffer);
  return (tuple, now) => {
    view.setUint32(0, tuple.localAddress);
    view.setUint32(4, tuple.remoteAddress);
    view.setUint16(8, tuple.localPort);
    view.setUint16(10, tuple.remotePort);
    const hash = blake2s(input, { key: secret, dkLen: 4 });
    const offset = new DataView(hash.buffer, hash.byteOffset).getUint32(0);
    const clock = Math.floor((now / hertz) * TICKS_PER_SECOND) % 0x1_0000_0000;
    return (clock + offset) >>> 0;
  };
}

/** A secret from a source of random 32-bit words. */
export function makeSecret(randomWord: () => number): Uint8Array {
  const secret = new Uint8Array(SECRET_BYTES);
  const view = new DataView(secret.buffer);
  for (let at = 0; at < SECRET_BYTES; at += 4) view.setUint32(at, randomWord() >>> 0);
  return secret;
}
