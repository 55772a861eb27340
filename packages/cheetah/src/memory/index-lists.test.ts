import fc from "fast-check";
import { expect, test } from "vitest";
import { IndexLists } from "./index-lists.ts";

const ROWS = 6;
const LISTS = 3;
const contents = (lists: IndexLists, list: number): number[] => {
  const rows: number[] = [];
  for (let row = lists.first(list); row >= 0; row = lists.after(row)) rows.push(row);
  return rows;
};

test("lists behave like arrays that share their rows", () => {
  const operation = fc.tuple(
    fc.constantFrom("add", "addFirst", "remove", "take"),
    fc.nat(LISTS - 1),
    fc.nat(ROWS - 1),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const lists = new IndexLists(ROWS, LISTS);
      const model: number[][] = Array.from({ length: LISTS }, () => []);
      for (const [name, list, row] of operations) {
        if (name === "take") {
          expect(lists.take(list)).toBe(model[list]!.shift() ?? -1);
          continue;
        }
        for (const rows of model) if (rows.includes(row)) rows.splice(rows.indexOf(row), 1);
        if (name === "add") model[list]!.push(row);
        if (name === "addFirst") model[list]!.unshift(row);
        lists[name === "remove" ? "remove" : name](
          ...((name === "remove" ? [row] : [list, row]) as [number, number]),
        );
        expect(lists.listOf(row)).toBe(name === "remove" ? -1 : list);
      }
      for (let list = 0; list < LISTS; list++) {
        expect(contents(lists, list)).toEqual(model[list]);
        expect(lists.count(list)).toBe(model[list]!.length);
      }
    }),
  );
});
