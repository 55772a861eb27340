import { expect, test } from "vitest";
import { HANDLER_PIECES, HANDLER_REPLIES } from "./program.ts";
import { appendPiece, clearReplies, endReply, firstPiece, makeReplyList } from "./reply-list.ts";

test("messages are runs of pieces, in order", () => {
  const list = makeReplyList();
  expect(endReply(list)).toBe(false);
  expect([appendPiece(list, 100, 14), appendPiece(list, 200, 6), endReply(list)]).toEqual([true, true, true]);
  expect([endReply(list), appendPiece(list, 300, 1), endReply(list)]).toEqual([false, true, true]);
  expect([list.count, list.pieces]).toEqual([2, 3]);
  expect([firstPiece(list, 0), list.ends[0], firstPiece(list, 1), list.ends[1]]).toEqual([0, 2, 2, 3]);
  expect([...list.addresses.subarray(0, 3)]).toEqual([100, 200, 300]);
  expect([...list.lengths.subarray(0, 3)]).toEqual([14, 6, 1]);
});

test("there is room for so many pieces and so many messages, and again after it was cleared", () => {
  const list = makeReplyList();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < HANDLER_PIECES; i++) expect(appendPiece(list, i, 1)).toBe(true);
    expect(appendPiece(list, 7, 1)).toBe(false);
    expect([endReply(list), list.ends[0]]).toEqual([true, HANDLER_PIECES]);
    clearReplies(list);
    for (let i = 0; i < HANDLER_REPLIES; i++)
      expect([appendPiece(list, i, 1), endReply(list)]).toEqual([true, true]);
    expect([appendPiece(list, 9, 1), endReply(list), list.count]).toEqual([true, false, HANDLER_REPLIES]);
    clearReplies(list);
    expect([list.count, list.pieces, endReply(list)]).toEqual([0, 0, false]);
  }
});
