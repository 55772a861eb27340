import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, fragments, interpretFilter, shift, skip } from "@exolith/secure-bind";
import { arbitraryFilter, arbitraryFrame } from "@exolith/secure-bind/testing";
import { OPERATION, SCRATCH_WORDS, makeProgramWriter, programOf, runProgram } from "./accumulator.ts";

const FRAME = Uint8Array.from([0x45, 0x01, 0x82, 0x03, 0x04, 0x05]);
const scratch = new Int32Array(SCRATCH_WORDS);
const run = (program: readonly number[], frame: Uint8Array = FRAME): number =>
  runProgram(Int32Array.from(program), scratch, frame, 0, frame.length);

/** What the field at `at` is to the machine. */
function loaded(operation: number, at: number, frame?: Uint8Array): number {
  const answer = run([operation, 0, 0, at, OPERATION.store, 0, 0, 0, OPERATION.answer, 0, 0, 7], frame);
  return answer === 7 ? (scratch[0] ?? 0) : answer;
}

describe("the machine", () => {
  test("loads fields in network byte order", () => {
    expect(loaded(OPERATION.load1, 2)).toBe(0x82);
    expect(loaded(OPERATION.load2, 2)).toBe(0x8203);
    expect(loaded(OPERATION.load4, 2)).toBe(0x82030405 | 0);
  });

  test.each([
    ["load1", 5],
    ["load2", 4],
    ["load4", 2],
    ["header", 5],
  ] as const)("ends when %s looks behind the frame", (name, last) => {
    const program = (at: number): number[] => [OPERATION[name], 0, 0, at, OPERATION.answer, 0, 0, 7];
    expect(run(program(last))).toBe(7);
    expect(run(program(last + 1))).toBe(-1);
    expect(run(program(0), new Uint8Array(0))).toBe(-1);
  });

  test("moves by the length of an IPv4 header, and by any field", () => {
    const header = [OPERATION.header, 0, 0, 0];
    const behind = [OPERATION.load1, 0, 0, 0, OPERATION.store, 0, 0, 0, OPERATION.answer, 0, 0, 7];
    const frame = new Uint8Array(40).fill(9, 20).fill(0x45, 0, 1);
    expect(run([...header, ...behind], frame)).toBe(7);
    expect(scratch[0]).toBe(9);
    const advance = [OPERATION.load1, 0, 0, 1, OPERATION.advance, 0, 0, 2];
    expect(run([...advance, ...behind])).toBe(7);
    expect(scratch[0]).toBe(4);
    const far = [OPERATION.load4, 0, 0, 2, OPERATION.advance, 0, 0, 8];
    expect(run([...far, ...behind])).toBe(-1);
  });

  test("goes on by one distance or the other", () => {
    const answers = [OPERATION.answer, 0, 0, 1, OPERATION.answer, 0, 0, 2];
    const masked = [OPERATION.load1, 0, 0, 1, OPERATION.and, 0, 0, 3];
    const program = (value: number): number[] => [...masked, OPERATION.jump, 0, 4, value, ...answers];
    expect(run(program(1))).toBe(1);
    expect(run(program(5))).toBe(2);
  });
});

describe("programOf", () => {
  test("is as short as libpcap's: a load and a jump for each field, one instruction for the header's length", () => {
    const program = programOf([equal(12, 2, 0x0800), shift(14, 1, 0x0f, 2), skip(2), equal(14, 2, 80)], 5);
    const instructions = [
      [OPERATION.load2, 0, 0, 12],
      [OPERATION.jump, 0, 16, 0x0800],
      [OPERATION.header, 0, 0, 14],
      [OPERATION.load2, 0, 0, 16],
      [OPERATION.jump, 0, 4, 80],
      [OPERATION.answer, 0, 0, 5],
      [OPERATION.answer, 0, 0, -1],
    ];
    expect([...program]).toEqual(instructions.flat());
  });

  test("decides as interpretFilter does", () => {
    let accepted = 0;
    fc.assert(
      fc.property(arbitraryFilter(), arbitraryFrame(), (filter, { memory, at, length }) => {
        const expected = interpretFilter(filter, memory, at, length);
        expect(runProgram(programOf(filter, 3), scratch, memory, at, length)).toBe(expected ? 3 : -1);
        accepted += Number(expected);
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(250);
  });

  test("knows a second shift from the first, and full words from masked ones", () => {
    const frame = Uint8Array.from([0x41, 0, 0, 0, 0x41, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]);
    const filter = [shift(0, 1, 0x0f, 2), shift(0, 1, 0x0f, 2), equal(0, 4, 0xfffffffe)];
    expect(runProgram(programOf(filter, 1), scratch, frame, 0, 12)).toBe(1);
    const masked = [skip(8), equal(0, 4, 0xfffffffc, 0xfffffffc)];
    expect(runProgram(programOf(masked, 1), scratch, frame, 0, 12)).toBe(1);
    expect(runProgram(programOf(masked, 1), scratch, frame, 0, 11)).toBe(-1);
  });

  test("has nothing that remembers fragments", () => {
    const field = { at: 0, width: 1, mask: 1 } as const;
    expect(() => programOf([fragments(field, field, [])], 0)).toThrow("no instruction remembers anything");
  });
});

test("keys are stored in the order in which they are asked for", () => {
  const writer = makeProgramWriter();
  writer.key({ at: 1, width: 1, mask: 0xff }, 0);
  writer.key({ at: 2, width: 2, mask: 0xff00 }, 1);
  expect(runProgram(writer.end(0), scratch, FRAME, 0, FRAME.length)).toBe(0);
  expect([scratch[0], scratch[1]]).toEqual([1, 0x8200]);
});
