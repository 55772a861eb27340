/** What Cheetah does that others do not: each can be switched off, and the difference is what it is worth. */

import type { Techniques } from "@exolith/cheetah";

/** A technique with a switch. */
export interface Technique {
  readonly key: keyof Techniques;
  readonly name: string;
  /** Words on Cheetah's command line that switch it off. */
  readonly off: readonly string[];
}

/** Every technique that has a switch: one line each. */
export const TECHNIQUES: readonly Technique[] = [
  { key: "packetMerging", name: "packet merging", off: ["--no-packet-merging"] },
  { key: "precomputedChecksums", name: "precomputed checksums", off: ["--no-precomputed-checksums"] },
  { key: "preformattedHeads", name: "preformatted heads", off: ["--no-preformatted-heads"] },
  { key: "rememberedRequests", name: "remembered requests", off: ["--no-remembered-requests"] },
  { key: "offloads", name: "offloads", off: ["--no-offloads"] },
  { key: "grouping", name: "grouping", off: ["--no-grouping"] },
];
