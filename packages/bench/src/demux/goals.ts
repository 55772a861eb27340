/** What telling packets apart is to cost, judged by the medians of one run. */
import type { Goal } from "../kernel/goals.ts";
import { short } from "../statistics.ts";
import { MATCHER, type MatcherName } from "./matchers.ts";

/** Bounds that are to be kept. */
const FLAT = 1.5;
const PACKET_NS = 50;
const MPF_RATIO = 10;
const ONE_BY_ONE_RATIO = 10;
const PATHFINDER_RATIO = 5;
const LIBPCAP_RATIO = 100;
const INSERT_MS = 1;

/** Numbers of filters that goals are about. */
const FEW = 10;
const MANY = 1000;
/** The greatest of them. */
export const MOST = 10_000;

/** The median nanoseconds for a packet, or `undefined` where that was not measured. */
export type MedianOf = (matcher: MatcherName, filters: number) => number | undefined;

const NOT_MEASURED = { measured: "not measured", reached: undefined };

function atLeast(of: MedianOf, matcher: MatcherName, filters: number, ratio: number): Goal {
  const what = `compiled ${ratio === 1 ? "faster than" : `>= ${ratio}x faster than`} ${matcher} at ${filters}`;
  const [ours, theirs] = [of(MATCHER.compiled, filters), of(matcher, filters)];
  if (ours === undefined || theirs === undefined) return { what, ...NOT_MEASURED };
  const measured = `${short(ours)} ns against ${short(theirs)} ns: ${(theirs / ours).toFixed(1)}x`;
  return { what, measured, reached: ratio === 1 ? ours < theirs : theirs / ours >= ratio };
}

/** The dearest number of filters from ten on, against ten. */
function flatGoal(of: MedianOf, counts: readonly number[]): Goal {
  const what = `compiled flat within ${FLAT}x from ${FEW} to ${MOST}`;
  const few = of(MATCHER.compiled, FEW);
  const most = of(MATCHER.compiled, MOST);
  if (few === undefined || most === undefined) return { what, ...NOT_MEASURED };
  const all = counts.filter((count) => count >= FEW).map((count) => of(MATCHER.compiled, count) ?? Infinity);
  const [least, greatest] = [Math.min(...all), Math.max(...all)];
  const measured = `${short(least)} to ${short(greatest)} ns: ${(greatest / least).toFixed(2)}x`;
  return { what, measured, reached: greatest / least <= FLAT };
}

function packetGoal(of: MedianOf, counts: readonly number[]): Goal {
  const what = `compiled < ${PACKET_NS} ns a packet, up to ${MOST}`;
  if (of(MATCHER.compiled, MOST) === undefined) return { what, ...NOT_MEASURED };
  const greatest = Math.max(...counts.map((count) => of(MATCHER.compiled, count) ?? Infinity));
  return { what, measured: `${short(greatest)} ns`, reached: greatest < PACKET_NS };
}

/** Judges a run; `insertNs` is what one more filter takes beside the most. */
export function judge(
  of: MedianOf,
  counts: readonly number[],
  insertNs: number | undefined,
): readonly Goal[] {
  const insert = `insertion beside ${MOST}, checked against theft, < ${INSERT_MS} ms`;
  return [
    flatGoal(of, counts),
    packetGoal(of, counts),
    atLeast(of, MATCHER.mpf, FEW, MPF_RATIO),
    atLeast(of, MATCHER.linear, FEW, ONE_BY_ONE_RATIO),
    atLeast(of, MATCHER.pathfinder, FEW, PATHFINDER_RATIO),
    atLeast(of, MATCHER.libpcap, FEW, 1),
    atLeast(of, MATCHER.libpcap, MANY, LIBPCAP_RATIO),
    insertNs === undefined
      ? { what: insert, ...NOT_MEASURED }
      : {
          what: insert,
          measured: `${(insertNs / 1e6).toFixed(3)} ms`,
          reached: insertNs / 1e6 < INSERT_MS,
        },
  ];
}
