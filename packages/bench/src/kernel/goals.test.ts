import { expect, test } from "vitest";
import { figure } from "../statistics.ts";
import { judge } from "./goals.ts";

const ACCESSES = [{ what: "read u8", window: "w", view: "v" }];
const GOOD: Readonly<Record<string, number>> = {
  "null call": 15,
  "transfer round trip": 100,
  "getppid in C": 89,
  "getppid as process.ppid": 120,
  "getppid through koffi": 110,
  "pipe round trip in C": 2000,
  "postMessage round trip": 7500,
  w: 1.3,
  v: 1,
};

const judged = (change: Readonly<Record<string, number | undefined>>): (boolean | undefined)[] => {
  const values = Object.entries({ ...GOOD, ...change }).filter(([, value]) => value !== undefined);
  const figures = new Map(values.map(([name, value]) => [name, figure([value as number])]));
  return judge(figures, ACCESSES).map(({ reached }) => reached);
};

test("goals are reached at their bound, and not past it", () => {
  expect(judged({})).toEqual([true, true, true, true, true, true, true]);
  expect(judged({ "null call": 15.1 })[0]).toBe(false);
  expect(judged({ "getppid in C": 14 })[1]).toBe(false);
  expect(judged({ "getppid through koffi": 14 })[2]).toBe(false);
  expect(judged({ w: 1.31 })[3]).toBe(false);
  expect(judged({ "transfer round trip": 101 })[4]).toBe(false);
  expect(judged({ "pipe round trip in C": 1999 })[5]).toBe(false);
  expect(judged({ "postMessage round trip": 7499 })[6]).toBe(false);
});

test("a goal whose peer is missing is not judged; a pipe of Node's own stands in for one in C", () => {
  const missing = judged({ "getppid in C": undefined, "pipe round trip in C": undefined });
  expect(missing).toEqual([true, undefined, true, true, true, undefined, true]);
  const other = { "pipe round trip in C": undefined, "pipe round trip in Node": 2000 };
  expect(judged(other)[5]).toBe(true);
});
