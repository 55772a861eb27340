import { expect, test } from "vitest";
import { printUdf } from "./print.ts";
import {
  UDF_OPERATORS,
  acl,
  answer,
  argument,
  binary,
  emit,
  fault,
  ifElse,
  length,
  load,
  loadProposed,
  local,
  owns,
  repeat,
  set,
  size,
  whileLoop,
} from "./term.ts";
import { verifyUdf } from "./verify.ts";

test("a program is one statement a line, behind the number that a refusal has", () => {
  const program = owns(
    2,
    ifElse(binary("notEqual", load(4, 0), 0xcff5), [fault()]),
    repeat(1, load(2, 4, "little"), 16, [
      set(0, load(1, binary("add", 8, binary("multiply", local(1), 4)), "little")),
      ifElse(local(0), [emit(local(0), 1, 7)], [set(0, length())]),
    ]),
    whileLoop(binary("less", local(0), 3), []),
  );
  expect(printUdf(program)).toBe(
    [
      "owns, locals: 2",
      "0: if block32[0] != 53237",
      "1:   fault",
      "2: repeat block16le[4] at most 16 with local1",
      "3:   local0 = block8[8 + (local1 * 4)]",
      "4:   if local0",
      "5:     emit local0, 1, 7",
      "-:   else",
      "6:     local0 = block.length",
      "7: while local0 < 3",
    ].join("\n"),
  );
  const bad = { ...program, locals: 0 };
  expect(verifyUdf(bad)).toEqual({ rule: "BadLocal", term: 2 });
});

test("what only an acl has, and an answer", () => {
  expect(printUdf(acl(0, answer(binary("equal", argument(3), loadProposed(4, 8)))))).toBe(
    "acl, locals: 0\n0: answer argument3 == proposed32[8]",
  );
  expect(printUdf(size(0))).toBe("size, locals: 0");
});

test("every operator has a sign of its own", () => {
  const lines = UDF_OPERATORS.map((operator) => printUdf(size(0, answer(binary(operator, 1, 2)))));
  expect(new Set(lines).size).toBe(UDF_OPERATORS.length);
});
