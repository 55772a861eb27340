/** Scenes: so many endpoints, their filters, and a trace. */
import { isRefusal, verifyFilter, type Filter, type Verified } from "@exolith/secure-bind";
import { filterOf, makeEndpoints, type Endpoint } from "./endpoint.ts";
import { makeTrace, type Trace } from "./trace.ts";

/** What every matcher of one row is given. The tag of a filter is its index, and its endpoint's. */
export interface Scene {
  readonly endpoints: readonly Endpoint[];
  readonly filters: readonly Verified<Filter>[];
  readonly trace: Trace;
}

/** The verified filter of `endpoint`. */
export function verifiedFilterOf(endpoint: Endpoint): Verified<Filter> {
  const filter = verifyFilter(filterOf(endpoint));
  if (isRefusal(filter)) throw new Error(`filter refused: ${filter.rule} at term ${filter.term}`);
  return filter;
}

/** The scene of `count` filters and `packets` frames; the same for the same seed. */
export function makeScene(count: number, packets: number, seed: number): Scene {
  const endpoints = makeEndpoints(count, seed);
  return {
    endpoints,
    filters: endpoints.map(verifiedFilterOf),
    trace: makeTrace(endpoints, packets, seed + 1),
  };
}
