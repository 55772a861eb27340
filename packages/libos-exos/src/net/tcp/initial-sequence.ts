/** Where the numbers of a connection begin: clocks, and a secret function of the connection (RFC 6528, RFC 7323 section 7.1). */
import { SecretHash } from "./secret-hash.ts";

/** Bytes of the secret. */
export const SECRET_BYTES = 32;
/** Bytes of a connection's name. */
export const TUPLE_BYTES = 12;
/** Bytes of what is wanted of it. */
const OFFSET_BYTES = 8;
const TICKS_PER_SECOND = 250_000;

/** The numbers that one connection begins with. */
export interface InitialNumbers {
  /** ISS. */
  sequence: number;
  /** What our timestamps say at time 0; the same whenever the connection is opened again, so that they go on from where they were. */
  timestampOffset: number;
}

/** Chooses the numbers of a connection at `now`, in cycles; the record is valid until the next call. */
export type ChooseInitial = (tuple: Tuple, now: number) => InitialNumbers;

/** The four numbers that name a connection. */
export interface Tuple {
  readonly localAddress: number;
  readonly remoteAddress: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/** ISN = M + F(connection, secret), M being a 4 microsecond clock. */
export function makeChooseInitial(hertz: number, secret: Uint8Array): ChooseInitial {
  const initial: InitialNumbers = { sequence: 0, timestampOffset: 0 };
  const hash = new SecretHash(secret, TUPLE_BYTES, OFFSET_BYTES);
  return (tuple, now) => {
    writeTuple(hash.name, tuple);
    const offsets = hash.digest();
    const clock = Math.floor((now / hertz) * TICKS_PER_SECOND) % 0x1_0000_0000;
    initial.sequence = (clock + offsets.getInt32(0)) | 0;
    initial.timestampOffset = offsets.getInt32(4);
    return initial;
  };
}

/** Writes the `TUPLE_BYTES` that name a connection. */
export function writeTuple(view: DataView, tuple: Tuple): void {
  view.setUint32(0, tuple.localAddress);
  view.setUint32(4, tuple.remoteAddress);
  view.setUint16(8, tuple.localPort);
  view.setUint16(10, tuple.remotePort);
}

/** A secret from a source of random 32-bit words. */
export function makeSecret(randomWord: () => number): Uint8Array {
  const secret = new Uint8Array(SECRET_BYTES);
  const view = new DataView(secret.buffer);
  for (let at = 0; at < SECRET_BYTES; at += 4) view.setUint32(at, randomWord() >>> 0);
  return secret;
}
