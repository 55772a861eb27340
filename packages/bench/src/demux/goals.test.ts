import { expect, test } from "vitest";
import { judge } from "./goals.ts";
import { MATCHER, type MatcherName } from "./matchers.ts";

const COUNTS = [1, 10, 100, 1000, 10_000];
type Figures = Readonly<Record<string, number | undefined>>;
const GOOD: Figures = {
  "compiled 1": 5,
  "compiled 10": 20,
  "compiled 100": 25,
  "compiled 1000": 28,
  "compiled 10000": 30,
  "MPF-style 10": 200,
  "one by one 10": 200,
  "PATHFINDER-style 10": 100,
  "libpcap in C 10": 20.1,
  "libpcap in C 1000": 2800,
};

function judged(change: Figures, insertNs: number | undefined = 999_999): (boolean | undefined)[] {
  const figures = { ...GOOD, ...change };
  const of = (matcher: MatcherName, filters: number): number | undefined => figures[`${matcher} ${filters}`];
  return judge(of, COUNTS, insertNs).map(({ reached }) => reached);
}

test("goals are reached at their bound, and not past it", () => {
  expect(judged({})).toEqual([true, true, true, true, true, true, true, true]);
  expect(judged({ "compiled 10000": 30.1 })[0]).toBe(false);
  expect(judged({ "compiled 100": 31 })[0]).toBe(false);
  expect(judged({ "compiled 100": 19 })[0]).toBe(false);
  expect(judged({ "compiled 1": 50 })[1]).toBe(false);
  expect(judged({ [`${MATCHER.mpf} 10`]: 199 })[2]).toBe(false);
  expect(judged({ [`${MATCHER.linear} 10`]: 199 })[3]).toBe(false);
  expect(judged({ [`${MATCHER.pathfinder} 10`]: 99 })[4]).toBe(false);
  expect(judged({ [`${MATCHER.libpcap} 10`]: 20 })[5]).toBe(false);
  expect(judged({ [`${MATCHER.libpcap} 1000`]: 2799 })[6]).toBe(false);
  expect(judged({}, 1_000_000)[7]).toBe(false);
});

test("a goal is not judged when what it is about was not measured", () => {
  const none = { "libpcap in C 10": undefined, "libpcap in C 1000": undefined };
  expect(judged(none)).toEqual([true, true, true, true, true, undefined, undefined, true]);
  expect(judged({ "compiled 10000": undefined }).slice(0, 2)).toEqual([undefined, undefined]);
  const of = (): undefined => undefined;
  expect(judge(of, [1], undefined).every(({ reached }) => reached === undefined)).toBe(true);
});
