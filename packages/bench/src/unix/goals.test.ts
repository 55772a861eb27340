import { expect, test } from "vitest";
import { CALL_NAMES } from "./calls-module.ts";
import { isMissed, judge, type Judged } from "./goals.ts";

const GOOD: Readonly<Record<string, number | undefined>> = {
  "mean segment": 1.25,
  "mean paged": 1.6,
  "speed segment": 100,
  "speed paged": 30,
  ...Object.fromEntries(
    CALL_NAMES.flatMap((call) => [`${call} segment`, `${call} paged`].map((key) => [key, 3])),
  ),
};

function judgedBy(change: Readonly<Record<string, number | undefined>>): Judged {
  const of = { ...GOOD, ...change };
  return {
    mean: (way) => of[`mean ${way}`],
    faster: (call, mode) => of[`${call} ${mode}`],
    speed: (mode) => of[`speed ${mode}`],
  };
}

const missed = (change: Readonly<Record<string, number | undefined>>): readonly string[] =>
  judge(judgedBy(change))
    .filter(({ reached }) => reached === false)
    .map(({ what }) => what);

test("goals are reached at their bound, and not past it", () => {
  expect(judge(judgedBy({})).map(({ reached }) => reached)).toEqual(Array.from({ length: 12 }, () => true));
  expect(missed({ "mean segment": 1.41 })).toHaveLength(2);
  expect(missed({ "mean paged": 1.91 })).toHaveLength(2);
  expect(missed({ "fd_write segment": 2.99 })).toEqual(["fd_write in segment >= 3x faster than node:wasi"]);
  expect(missed({ "open, stat, close paged": 2.99 })).toHaveLength(1);
  expect(missed({ "speed segment": 99.9 })).toEqual(["rewriting for segment >= 100 MB/s"]);
  expect(missed({ "speed paged": 29.9 })).toHaveLength(1);
});

test("a stretch goal that is missed is said, and breaks nothing", () => {
  const goals = judge(judgedBy({ "mean segment": 1.4, "mean paged": 1.9 }));
  expect(goals.filter(({ reached }) => reached === false).map(({ isStretch }) => isStretch)).toEqual([
    true,
    true,
  ]);
  expect(isMissed(goals)).toBe(false);
  expect(isMissed(judge(judgedBy({ "mean paged": 1.91 })))).toBe(true);
});

test("what was not measured is not judged", () => {
  const goals = judge({ mean: () => undefined, faster: () => undefined, speed: () => undefined });
  expect(goals.every(({ reached }) => reached === undefined)).toBe(true);
  expect(isMissed(goals)).toBe(false);
});
