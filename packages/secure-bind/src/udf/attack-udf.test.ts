/** Programs that want more than their block, or for longer than is good for others. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileUdf } from "./compile.ts";
import { makeExtentList, readExtents } from "./extents.ts";
import { interpretUdf } from "./interpret.ts";
import { UDF_STEPS } from "./limits.ts";
import { type UdfOutcome, type UdfRun, isUdfFault, makeUdfRun } from "./run.ts";
import {
  type Udf,
  type UdfStatement,
  acl,
  answer,
  argument,
  binary,
  emit,
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
import { isRefusal } from "../refusal.ts";
import { arbitraryUdf, arbitraryUdfInput } from "../testing/arbitrary-udf.ts";
import { compiledOver, interpretOver, mustVerifyUdf } from "../testing/udf-runs.ts";

/** One program in both forms over one memory. */
function runs(program: Udf, memory: WebAssembly.Memory): readonly ((run: UdfRun) => UdfOutcome)[] {
  const verified = mustVerifyUdf(program);
  const bytes = new Uint8Array(memory.buffer);
  return [(run) => interpretUdf(verified, bytes, run), compileUdf(verified).over(memory)];
}

const place = (length: number): UdfRun => Object.assign(makeUdfRun(makeExtentList(16)), { at: 4096, length });

test("[X2] program reading clock/args rejected for owns; infinite loop rejected/faulted; OOB load faults only caller", () => {
  // Nothing can be named but the block: not by an argument, nor by a word for a clock, nor from other bytes.
  const clocks = ["clock", "time", "now", "cycles", "random", "call", "global", "import", "memory"];
  for (const kind of clocks) {
    const expression = { kind, index: 0, of: "block", at: { kind: "constant", value: 0 } } as never;
    for (const statement of [emit(expression, 1, 1), { kind } as unknown as UdfStatement])
      expect(verifyUdf(owns(1, statement))).toEqual({ rule: "BadKind", term: 0 });
  }
  for (const expression of [argument(0), loadProposed(4, 0), length("proposed")]) {
    expect(verifyUdf(owns(1, emit(1, 1, expression)))).toEqual({ rule: "Forbidden", term: 0 });
    expect(verifyUdf(owns(1, ifElse(0, [set(0, expression)])))).toEqual({ rule: "Forbidden", term: 1 });
    expect(isRefusal(verifyUdf(acl(1, set(0, expression), answer(1))))).toBe(false);
  }

  // A loop for ever: refused when the text says how long it is, else a fault at the last step; what it emitted is gone.
  const turns = repeat(0, 0xffff, 0xffff, [repeat(0, 0xffff, 0xffff, [])]);
  expect(verifyUdf(owns(1, turns))).toEqual({ rule: "TooManySteps", term: -1 });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const endless = owns(1, emit(7, 1, 1), whileLoop(1, [set(0, binary("add", local(0), 1))]));
  for (const program of runs(endless, memory)) {
    const run = place(8);
    const outcome = program(run);
    expect(isUdfFault(outcome) && outcome.reason).toBe("OutOfSteps");
    expect(run.steps).toBeLessThanOrEqual(UDF_STEPS);
    expect([...run.extents.words].some((word) => word !== 0)).toBe(false);
  }

  // A load outside its block is that program's fault: the value of its run, and of no other.
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(9);
  const outside = owns(1, emit(1, 1, 1), emit(load(1, load(1, 0)), 1, 1));
  const honest = owns(1, emit(load(1, 0), 1, 1));
  const honestRuns = runs(honest, memory);
  for (const [i, program] of runs(outside, memory).entries()) {
    const run = place(8);
    const outcome = program(run);
    expect(isUdfFault(outcome) && outcome.reason).toBe("OutOfBounds");
    expect(run.extents.count).toBe(0);
    expect(honestRuns[i]?.(run)).toBe(1);
    expect(readExtents(run.extents)).toEqual([{ start: 9, count: 1, type: 1 }]);
    expect(bytes.every((byte) => byte === 9)).toBe(true);
  }
});

describe("a program cannot", () => {
  test("see a byte beside its block: whatever is there, it says the same in as many steps", () => {
    fc.assert(
      fc.property(
        arbitraryUdf(),
        arbitraryUdfInput(),
        fc.integer({ min: 0, max: 255 }),
        (alien, input, other) => {
          const program = mustVerifyUdf(alien);
          const { at, length: bytes, proposedAt, proposedLength } = input;
          const isSeen = (i: number): boolean =>
            (i >= at && i < at + bytes) ||
            (program.kind === "acl" && i >= proposedAt && i < proposedAt + proposedLength);
          const memory = input.memory.map((byte, i) => (isSeen(i) ? byte : other));
          const [here, there] = [interpretOver(program, input), interpretOver(program, { ...input, memory })];
          expect({ ...there, memory: [] }).toEqual({ ...here, memory: [] });
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("see where its block is", () => {
    fc.assert(
      fc.property(
        arbitraryUdf(),
        arbitraryUdfInput(),
        fc.integer({ min: 0, max: 200 }),
        (alien, input, by) => {
          const program = mustVerifyUdf(alien);
          const memory = new Uint8Array(input.memory.length + by);
          memory.set(input.memory, by);
          const moved = { ...input, memory, at: input.at + by, proposedAt: input.proposedAt + by };
          const [here, there] = [interpretOver(program, input), interpretOver(program, moved)];
          expect({ ...there, memory: [] }).toEqual({ ...here, memory: [] });
        },
      ),
      { numRuns: 500 },
    );
  });

  test("say one thing and then another: what ran in between makes no difference", () => {
    fc.assert(
      fc.property(
        arbitraryUdf(),
        arbitraryUdf(),
        arbitraryUdfInput(),
        arbitraryUdfInput(),
        (one, two, first, second) => {
          const program = mustVerifyUdf(one);
          const compiled = compiledOver(program);
          const other = compiledOver(mustVerifyUdf(two));
          const before = compiled(first);
          other(first);
          compiled(second);
          other(second);
          expect(compiled(first)).toEqual(before);
          expect(interpretOver(program, first)).toEqual(before);
          expect(compiledOver(mustVerifyUdf(one))(first)).toEqual(before);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("see what its caller said, unless it is an acl", () => {
    fc.assert(
      fc.property(arbitraryUdf(), arbitraryUdfInput(), (alien, input) => {
        if (alien.kind === "acl") return;
        const program = mustVerifyUdf(alien);
        const deaf = interpretOver(program, { ...input, arguments: [], proposedAt: 0, proposedLength: 0 });
        expect(deaf).toEqual(interpretOver(program, input));
      }),
      { numRuns: 500 },
    );
  });

  test("keep the machine busy: the dearest that is allowed ends soon, deep inside as well", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const loops = (levels: number): UdfStatement => whileLoop(1, levels === 0 ? [] : [loops(levels - 1)]);
    const counted = (levels: number): UdfStatement =>
      repeat(0, 0xffff_ffff, 2, levels === 0 ? [] : [counted(levels - 1)]);
    for (const body of [loops(30), counted(14)])
      for (const program of runs(size(1, body, answer(1)), memory)) {
        const run = place(8);
        program(run);
        expect(run.steps).toBeLessThanOrEqual(UDF_STEPS);
      }
  });

  test("fill a list that its caller has made smaller", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const greedy = owns(1, repeat(0, 4097, 4097, [emit(local(0), 1, 1)]));
    for (const program of runs(greedy, memory))
      for (const room of [0, 1, 4096]) {
        const run = makeUdfRun(makeExtentList(room));
        const outcome = program(run);
        expect(isUdfFault(outcome) && outcome.reason).toBe("TooManyExtents");
      }
  });
});
