/** What is compared: matchers, which tell for whom a frame is. */
import { specificity, type Filter, type Verified } from "@exolith/secure-bind";

/** The tag of the longest filter that accepts the frame of `length` bytes at `at` in `memory`, or -1. */
export type Classify = (memory: Uint8Array, at: number, length: number) => number;

/** No filter accepts the frame. */
export const NO_MATCH = -1;

/** Makes a matcher of filters; the tag of each is its index. */
export type MakeMatcher = (filters: readonly Verified<Filter>[]) => Classify;

/** A filter and what a matcher answers for it. */
export interface Tagged {
  readonly filter: Verified<Filter>;
  readonly tag: number;
}

/** The longest filters first, the older of two that are equally long: so the first that matches is the longest. */
export const byLength = (filters: readonly Verified<Filter>[]): readonly Tagged[] =>
  filters
    .map((filter, tag) => ({ filter, tag, length: specificity(filter) }))
    .toSorted((a, b) => b.length - a.length || a.tag - b.tag);

/** Stands between a matcher and its programs, for whoever wants to see what is read of them. */
export type WatchProgram = (program: Int32Array) => Int32Array;
