import { expect, test } from "vitest";
import { makeFrameBuffer } from "./frame-buffer.ts";

test("a size that no display has is refused", () => {
  for (const bad of [0, -1, 1.5, Number.NaN, Infinity, 20_000]) {
    expect(() => makeFrameBuffer({ width: bad, height: 4 })).toThrow(RangeError);
    expect(() => makeFrameBuffer({ width: 4, height: bad })).toThrow(RangeError);
    expect(() => makeFrameBuffer({ width: 4, height: 4, tile: bad })).toThrow(RangeError);
  }
});

test("tiles at the edge of a display that they do not divide are tiles like others", () => {
  const display = makeFrameBuffer({ width: 5, height: 5, tile: 4 });
  display.tag(3, 9);
  expect([display.write(9, 4, 4, 1), display.write(9, 3, 4, 1), display.owner(4)]).toEqual([true, false, 0]);
});
