/** What Cheetah does that others do not: each can be switched off, and the difference is what it is worth. */

/** A technique with a switch. */
export interface Technique {
  readonly name: string;
  /** Words on Cheetah's command line that switch it off. */
  readonly off: readonly string[];
}

/** Every technique that has a switch: one line each. */
export const TECHNIQUES: readonly Technique[] = [
  { name: "packet merging", off: ["--no-packet-merging"] },
  { name: "precomputed checksums", off: ["--no-precomputed-checksums"] },
  { name: "preformatted heads", off: ["--no-preformatted-heads"] },
  { name: "remembered requests", off: ["--no-remembered-requests"] },
  { name: "offloads", off: ["--no-offloads"] },
  { name: "grouping", off: ["--no-grouping"] },
];
