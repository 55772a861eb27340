import { GATHER_PIECES } from "@exolith/exokernel/abi";
import { makeGather, makeWindow } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { PAYLOAD_PIECES, PieceList } from "./piece-list.ts";

test("pieces keep their order behind a header", () => {
  const window = makeWindow(100);
  const pieces = new PieceList();
  pieces.add(window, 10, 20);
  pieces.add(window, 40, 5);
  const gather = makeGather();
  gather.add(window, 0, 8);
  pieces.appendTo(gather);
  expect([gather.count, gather.length]).toEqual([3, 33]);
  expect([pieces.count, pieces.length]).toEqual([2, 25]);
  pieces.clear();
  expect([pieces.count, pieces.length]).toEqual([0, 0]);
});

test("a full list and one header fill a gather list exactly", () => {
  const window = makeWindow(100);
  const pieces = new PieceList();
  for (let piece = 0; piece < PAYLOAD_PIECES; piece++) pieces.add(window, piece, 1);
  expect(() => pieces.add(window, 0, 1)).toThrow(RangeError);
  const gather = makeGather();
  gather.add(window, 0, 14);
  pieces.appendTo(gather);
  expect(gather.count).toBe(GATHER_PIECES);
});
