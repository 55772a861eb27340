import fc from "fast-check";
import { expect, test } from "vitest";
import { makeByteQueue } from "./byte-queue.ts";

const operation = fc.oneof(
  fc.record({ push: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ read: fc.nat({ max: 60 }) }),
);

test("whatever the chunks and the reads, bytes leave in the order they came", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const queue = makeByteQueue();
      const model: number[] = [];
      for (const one of operations) {
        if ("push" in one) {
          queue.push(Buffer.from(one.push));
          model.push(...one.push);
          continue;
        }
        const memory = new Uint8Array(64);
        const moved = queue.read(memory, 2, one.read);
        expect([...memory.subarray(2, 2 + moved)]).toEqual(model.splice(0, one.read));
        expect(memory.subarray(2 + moved).every((byte) => byte === 0)).toBe(true);
        expect(queue.length()).toBe(model.length);
      }
    }),
  );
});

test("a queue that is read a little and filled a little for ever keeps only what waits", () => {
  const queue = makeByteQueue();
  const memory = new Uint8Array(10);
  queue.push(Buffer.alloc(5));
  for (let i = 0; i < 1000; i++) {
    queue.push(Buffer.alloc(10, i & 0xff));
    expect(queue.read(memory, 0, 10)).toBe(10);
  }
  expect(queue.length()).toBe(5);
  expect(queue.read(memory, 0, 10)).toBe(5);
  expect([...memory.subarray(0, 5)]).toEqual([231, 231, 231, 231, 231]);
});
