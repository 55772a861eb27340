import { describe, expect, test } from "vitest";
import { isRefusal } from "../refusal.ts";
import { type Pipe, byteSwap, internetChecksum, xorWord } from "./term.ts";
import { PIPE_STAGES, verifyPipe } from "./verify.ts";

const refused: readonly (readonly [string, string, unknown])[] = [
  ["BadKind", "nothing", undefined],
  ["BadKind", "null", null],
  ["BadKind", "a number", 3],
  ["BadKind", "a stage without a kind", {}],
  ["BadKind", "a kind that does not exist", { kind: "encrypt" }],
  ["BadKind", "a kind of every object", { kind: "constructor" }],
  ["BadWidth", "a swap of nothing", { kind: "swap" }],
  ["BadWidth", "a swap of single bytes", { kind: "swap", bytes: 1 }],
  ["BadWidth", "a swap of three", { kind: "swap", bytes: 3 }],
  ["BadWidth", "a swap of sixteen", { kind: "swap", bytes: 16 }],
  ["BadWidth", "a swap in words", { kind: "swap", bytes: "2" }],
  ["BadValue", "no word", { kind: "xor" }],
  ["BadValue", "a negative word", { kind: "xor", word: -1 }],
  ["BadValue", "a word of 33 bits", { kind: "xor", word: 2 ** 32 }],
  ["BadValue", "half a word", { kind: "xor", word: 0.5 }],
  ["BadValue", "negative zero", { kind: "xor", word: -0 }],
  ["BadValue", "not a number", { kind: "xor", word: Number.NaN }],
  ["BadValue", "a large integer", { kind: "xor", word: 1n }],
];

describe("verifyPipe", () => {
  test.each(refused)("says %s to %s, and where", (rule, _what, stage) => {
    expect(verifyPipe([internetChecksum(), stage])).toEqual({ rule, term: 1 });
  });

  test.each([undefined, null, 7, "pipe", {}, { length: 0 }])("says NotAProgram to %j", (value) => {
    expect(verifyPipe(value)).toEqual({ rule: "NotAProgram", term: -1 });
  });

  test("takes eight stages and refuses nine", () => {
    const longest = Array.from({ length: PIPE_STAGES }, () => internetChecksum());
    expect(isRefusal(verifyPipe(longest))).toBe(false);
    expect(verifyPipe([...longest, internetChecksum()])).toEqual({ rule: "TooLong", term: -1 });
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN, "2", undefined])(
    "says TooLong to a proxy of length %j",
    (length) => {
      const liar = new Proxy<unknown[]>([], { get: (_, name) => (name === "length" ? length : undefined) });
      expect(verifyPipe(liar)).toEqual({ rule: "TooLong", term: -1 });
    },
  );

  test("takes every extreme that is allowed", () => {
    const extremes: Pipe = [xorWord(0), xorWord(0xffff_ffff), byteSwap(2), byteSwap(8), internetChecksum()];
    expect(verifyPipe(extremes)).toEqual(extremes);
    expect(verifyPipe([])).toEqual([]);
  });

  test("keeps a frozen copy that its owner cannot change", () => {
    const stage = { kind: "xor" as const, word: 1, more: "x" };
    const mine: unknown[] = [stage];
    const pipe = verifyPipe(mine);
    stage.word = 2;
    mine.push("anything");
    expect(pipe).toEqual([{ kind: "xor", word: 1 }]);
    expect(Object.isFrozen(pipe) && Object.isFrozen((pipe as Pipe)[0])).toBe(true);
  });

  test("reads every property once", () => {
    const reads: string[] = [];
    const spied = <T extends object>(target: T, name: string): T =>
      new Proxy(target, {
        get(from, property, receiver) {
          reads.push(`${name}.${String(property)}`);
          return Reflect.get(from, property, receiver);
        },
      });
    verifyPipe(spied([spied(xorWord(5), "a"), spied(byteSwap(2), "b")], "pipe"));
    expect(reads).toEqual(["pipe.length", "pipe.0", "a.kind", "a.word", "pipe.1", "b.kind", "b.bytes"]);
  });

  test("never throws, whatever is read", () => {
    const trap = {
      get kind(): string {
        throw new Error("mine");
      },
    };
    expect(verifyPipe([trap])).toEqual({ rule: "NotAProgram", term: -1 });
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    expect(verifyPipe(proxy)).toEqual({ rule: "NotAProgram", term: -1 });
  });
});
