import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryPipe } from "../testing/arbitrary-pipe.ts";
import { interpretPipe } from "./interpret.ts";
import { type PipeStep, planPipe } from "./plan.ts";
import { byteSwap, internetChecksum, pipeUnit, xorWord } from "./term.ts";

/** What a step is said to do, byte by byte. */
function takeStep(step: PipeStep, bytes: Uint8Array): Uint8Array {
  if (step.kind === "sum") return bytes;
  return bytes.map((_, i) => (bytes[i ^ step.turn] ?? 0) ^ (step.mask >>> (8 * (i % 4))));
}

describe("a plan", () => {
  test("has one step for all changes between two checksums, and one for checksums without a change between", () => {
    const pipe = [
      internetChecksum(),
      internetChecksum(),
      byteSwap(2),
      xorWord(1),
      byteSwap(4),
      internetChecksum(),
    ];
    expect(planPipe(pipe)).toEqual([
      { kind: "sum", stages: [0, 1] },
      { kind: "map", turn: 2, mask: 0x0000_0001 },
      { kind: "sum", stages: [5] },
    ]);
  });

  test.each([
    [[]],
    [[byteSwap(4), byteSwap(4)]],
    [[xorWord(7), xorWord(7)]],
    [[xorWord(0)]],
    [[byteSwap(2), xorWord(0x0102_0304), byteSwap(2), xorWord(0x0201_0403)]],
  ])("of what does nothing in the end has no step: %j", (pipe) => {
    expect(planPipe(pipe)).toEqual([]);
  });

  test("keeps one sum for two checksums whose changes between cancel", () => {
    const pipe = [internetChecksum(), byteSwap(8), byteSwap(8), internetChecksum()];
    expect(planPipe(pipe)).toEqual([{ kind: "sum", stages: [0, 3] }]);
  });

  test("never has two steps of one kind in a row, nor one that changes nothing", () => {
    fc.assert(
      fc.property(arbitraryPipe(), (pipe) => {
        const steps = planPipe(pipe);
        for (const [i, step] of steps.entries()) {
          expect(step.kind).not.toBe(steps[i - 1]?.kind);
          if (step.kind === "map") expect(step.turn !== 0 || step.mask !== 0).toBe(true);
        }
      }),
    );
  });

  test("changes bytes as the pipe does, and sums where it sums", () => {
    fc.assert(
      fc.property(arbitraryPipe(), fc.uint8Array({ minLength: 48, maxLength: 48 }), (pipe, content) => {
        const memory = content.slice();
        const sums = interpretPipe(pipe, memory, 0, 0, memory.length) ?? [];
        expect(memory.length % pipeUnit(pipe)).toBe(0);
        let bytes: Uint8Array = content;
        for (const step of planPipe(pipe)) {
          bytes = takeStep(step, bytes);
          if (step.kind !== "sum") continue;
          const sum = interpretPipe([internetChecksum()], bytes.slice(), 0, 0, bytes.length)?.[0];
          for (const stage of step.stages) expect(sums[stage]).toBe(sum);
        }
        expect(bytes).toEqual(memory);
      }),
    );
  });
});
