/** What generated code calls, and how often. */
import { expect, test } from "vitest";
import { emitProgram } from "./emit.ts";
import { UDF_ARGUMENTS, UDF_STEPS } from "./limits.ts";
import { type Udf, binary, emit, load, local, owns, repeat, set, size } from "./term.ts";
import { ModuleBuilder } from "../wasm/module-builder.ts";

/** The extents that `program` hands over from a block of these bytes, one call each; and its fault. */
function calls(program: Udf, ...block: readonly number[]): { extents: number[][]; fault: number } {
  const builder = new ModuleBuilder();
  emitProgram(program, builder, false);
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set(block);
  const extents: number[][] = [];
  let fault = -1;
  const imports = {
    memory,
    emit: (...words: number[]) => (extents.push(words.map((word) => word >>> 0)), 0),
    end: (reason: number) => (fault = reason),
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.build()), { udf: imports });
  const run = exports["run"] as (...words: readonly number[]) => number;
  run(0, block.length, 0, 0, UDF_STEPS, ...new Array<number>(UDF_ARGUMENTS).fill(0));
  return { extents, fault };
}

test("an extent of no blocks is not handed over: its call would cost more than its steps", () => {
  expect(calls(owns(1, repeat(0, 9, 9, [emit(local(0), 0, 1)])))).toEqual({ extents: [], fault: 0 });
  const mixed = owns(1, repeat(0, 4, 4, [emit(local(0), load(1, local(0)), binary("add", local(0), 5))]));
  expect(calls(mixed, 0, 3, 0, 200)).toEqual({
    extents: [
      [1, 3, 6],
      [3, 200, 8],
    ],
    fault: 0,
  });
});

test("a local that there is not makes no code", () => {
  const none = { ...size(0), body: [set(0, 1)] };
  expect(() => emitProgram(none, new ModuleBuilder(), false)).toThrow(RangeError);
});
