/** Transport checksums of whole frames. */
import { PROTOCOL, pseudoSum, setWord, type FrameHeaders } from "./frame-headers.ts";
import { foldSum, type InternetSum } from "./internet-sum.ts";

/** Writes the checksum of a datagram of which 0 says that there is none (RFC 768) as its other form. */
export const checksumWord = (sum: number, protocol: number): number => {
  const inverted = ~foldSum(sum) & 0xffff;
  return inverted === 0 && protocol === PROTOCOL.datagrams ? 0xffff : inverted;
};

/** Computes and writes the transport's checksum of the frame at `bytes[at…]` that `headers` was read from. O(bytes). */
export const completeChecksum = (
  bytes: Uint8Array,
  at: number,
  { protocol, transportAt, checksumAt, endAt }: FrameHeaders,
  sum: InternetSum,
): void => {
  const length = endAt - transportAt;
  setWord(bytes, at + checksumAt, 0);
  const total = pseudoSum(bytes, at, protocol, length) + foldSum(sum(bytes, at + transportAt, length));
  setWord(bytes, at + checksumAt, checksumWord(total, protocol));
};
