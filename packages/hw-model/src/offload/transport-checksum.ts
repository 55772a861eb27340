/** Transport checksums of whole frames. */
import { PROTOCOL, pseudoSum, readHeaders, setWord, type FrameHeaders } from "./frame-headers.ts";
import { foldSum, sumBytes, type SummedMemory } from "./internet-sum.ts";

/** The checksum that a sum gives; a datagram's that is 0 has another form, as 0 says that there is none (RFC 768). */
export const checksumOf = (sum: number, protocol: number): number => {
  const inverted = ~foldSum(sum) & 0xffff;
  return inverted === 0 && protocol === PROTOCOL.datagrams ? 0xffff : inverted;
};

/** Computes and writes the transport's checksum of the frame at 0 of `memory` that `headers` was read from. O(bytes). */
export const completeChecksum = ({ bytes, sum }: SummedMemory, headers: FrameHeaders): void => {
  const { protocol, transportAt, checksumAt, endAt } = headers;
  setWord(bytes, checksumAt, 0);
  const length = endAt - transportAt;
  const total = pseudoSum(bytes, 0, protocol, length) + sum(transportAt, length);
  setWord(bytes, checksumAt, checksumOf(total, protocol));
};

/** True if the frame at `bytes[at…]` has a transport checksum, and a right one. O(length). */
export const isChecksumGood = (
  bytes: Uint8Array,
  at: number,
  length: number,
  headers: FrameHeaders,
): boolean => {
  if (!readHeaders(bytes, at, length, headers)) return false;
  const { transportAt, endAt, protocol } = headers;
  const transport = foldSum(sumBytes(bytes, at + transportAt, endAt - transportAt));
  return foldSum(pseudoSum(bytes, at, protocol, endAt - transportAt) + transport) === 0xffff;
};
