import { expect, test } from "vitest";
import { printTable } from "./table.ts";

test("columns are aligned, numbers to the right", () => {
  expect(
    printTable(
      ["server", "rate"],
      [
        ["cheetah", "12"],
        ["node", "1234"],
      ],
    ),
  ).toBe(["| server  | rate |", "|---------|-----:|", "| cheetah |   12 |", "| node    | 1234 |"].join("\n"));
});
