import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ImportProgress } from "../disk/import-progress.ts";
import type { SkippedFile } from "../disk/site-source.ts";
import { makeFollowUp } from "./follow-up.ts";
import { printable } from "./printable.ts";

const ended = (skippedFiles: SkippedFile[], error?: ImportProgress["error"]): ImportProgress => ({
  phase: "idle",
  files: 0,
  bytes: 0,
  filesDone: 0,
  bytesDone: 0,
  skipped: skippedFiles.length,
  skippedFiles,
  error,
  rounds: 1,
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what an import found wrong is said once while it stays, and again when it comes back", () => {
  const lines: string[] = [];
  const follow = makeFollowUp(
    (line) => lines.push(line),
    () => {},
  );
  const bad = ended([{ path: "a\u001b[31m\n.txt", reason: "NoSpace" }], "SourceFailed");
  follow.imported(bad);
  follow.imported(bad);
  const once = [
    "not served: a\\u{1b}[31m\\u{a}.txt (NoSpace)",
    "not imported: the directory cannot be read (SourceFailed)",
  ];
  expect(lines).toEqual(once);
  follow.imported(ended([]));
  follow.imported(bad);
  expect(lines).toEqual([...once, ...once]);
  follow.close();
});

test("an import that may succeed later is tried again, less and less often; one that is well is not", () => {
  const again = vi.fn();
  const follow = makeFollowUp(() => {}, again);
  const unread = ended([{ path: "a", reason: "Unreadable" }]);
  follow.imported(unread);
  vi.advanceTimersByTime(1000);
  expect(again).toHaveBeenCalledTimes(1);
  follow.imported(unread);
  vi.advanceTimersByTime(1999);
  expect(again).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(again).toHaveBeenCalledTimes(2);
  follow.imported(ended([{ path: "a", reason: "BadName" }]));
  vi.advanceTimersByTime(100_000);
  expect(again).toHaveBeenCalledTimes(2);
});

test("a name keeps what can be printed", () => {
  expect(printable("größer\t\u2028\u202e.txt")).toBe("größer\\u{9}\\u{2028}\\u{202e}.txt");
});
