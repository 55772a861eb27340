/** Every matcher that is compared, by name. */
import { makeDemultiplexer, type Demultiplexer } from "@exolith/secure-bind";
import { makeLinear } from "./linear.ts";
import type { MakeMatcher } from "./matcher.ts";
import { makeMpf } from "./mpf.ts";
import { makePathfinder } from "./pathfinder.ts";

/** Names of the matchers. */
export const MATCHER = {
  compiled: "compiled",
  interpreted: "interpreted",
  mpf: "MPF-style",
  pathfinder: "PATHFINDER-style",
  linear: "one by one",
  libpcap: "libpcap in C",
} as const;

/** The name of a matcher. */
export type MatcherName = (typeof MATCHER)[keyof typeof MATCHER];

/** More than any scene has, and than any frame of one costs. */
const LIMITS = { filters: 65_536, steps: 65_536 };

/** An empty demultiplexer that is large enough; `codeFields` 0 keeps it from making code. */
export const makeLargeDemultiplexer = (limits: { readonly codeFields?: number } = {}): Demultiplexer =>
  makeDemultiplexer({ ...LIMITS, ...limits });

function fill(demultiplexer: Demultiplexer, ...[filters]: Parameters<MakeMatcher>): Demultiplexer {
  for (const [tag, filter] of filters.entries()) {
    const index = demultiplexer.insert(filter, tag);
    if (typeof index === "string") throw new Error(`filter ${tag}: ${index}`);
  }
  return demultiplexer;
}

/** A matcher and its name. */
export interface NamedMatcher {
  readonly name: MatcherName;
  readonly make: MakeMatcher;
  /** Its time grows with the number of filters: fewer packets do in a round. */
  readonly isLinear?: boolean;
}

/** Those in this program. */
export const MATCHERS: readonly NamedMatcher[] = [
  { name: MATCHER.compiled, make: (filters) => fill(makeLargeDemultiplexer(), filters).classify },
  {
    name: MATCHER.interpreted,
    make: (filters) => fill(makeLargeDemultiplexer({ codeFields: 0 }), filters).classify,
  },
  { name: MATCHER.mpf, make: makeMpf },
  { name: MATCHER.pathfinder, make: makePathfinder },
  { name: MATCHER.linear, make: makeLinear, isLinear: true },
];
