/** Which source a disk was filled from, in 64 bits. */
import { ContentHash } from "./checksum.ts";

/** Two halves of 32 bits; zeros for a source that says nothing of itself. */
export interface SourceIdentity {
  readonly identityHigh: number;
  readonly identityLow: number;
}

/** The bits for what a source says of itself. O(length). */
export function identityOf(text: string | undefined): SourceIdentity {
  if (text === undefined) return { identityHigh: 0, identityLow: 0 };
  const bytes = new TextEncoder().encode(text);
  const hash = new ContentHash();
  hash.add(bytes, bytes.length);
  return { identityHigh: hash.high, identityLow: hash.low };
}

/** True when both mean the same source. */
export const isSameSource = (a: SourceIdentity, b: SourceIdentity): boolean =>
  a.identityHigh === b.identityHigh && a.identityLow === b.identityLow;
