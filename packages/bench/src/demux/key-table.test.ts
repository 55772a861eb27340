import * as fc from "fast-check";
import { expect, test } from "vitest";
import { makeKeyTable } from "./key-table.ts";

test.each([0, 1, 2, 4])("finds what was added, and nothing else, with keys of %i words", (words) => {
  const word = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(-1, 0x7fffffff, -0x80000000));
  const key = fc.array(word, { minLength: words, maxLength: words });
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), fc.array(key, { maxLength: 40 }), (added, asked) => {
      const table = makeKeyTable(added.length, words);
      const model = new Map<string, number>();
      for (const [tag, each] of added.entries()) {
        table.add(each, tag);
        if (!model.has(each.join())) model.set(each.join(), tag);
      }
      for (const each of [...added, ...asked])
        expect(table.find(Int32Array.from([...each, 9, 9]))).toBe(model.get(each.join()) ?? -1);
    }),
    { numRuns: 500 },
  );
});
