import fc from "fast-check";
import { expect, test } from "vitest";
import { makeTimedRing } from "./timed-ring.ts";

test("the ring gives items by time, and by age where times are equal", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(-1)), { maxLength: 200 }),
      (commands) => {
        const ring = makeTimedRing(200);
        let model: { item: number; time: number }[] = [];
        commands.forEach((time, item) => {
          if (time < 0) {
            const first = model.shift();
            expect(ring.shift()).toBe(first?.item ?? -1);
          } else {
            ring.insert(item, time);
            model = [...model, { item, time }].toSorted((a, b) => a.time - b.time || a.item - b.item);
          }
          expect(ring.size()).toBe(model.length);
          expect(ring.firstTime()).toBe(model[0]?.time ?? Infinity);
        });
      },
    ),
  );
});
