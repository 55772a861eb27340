import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryPipe, mustVerifyPipe } from "../testing/arbitrary-pipe.ts";
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import type { Mnemonic } from "../wasm/instructions.ts";
import { makeModuleBuilder } from "../wasm/module-builder.ts";
import { makePipe } from "./compile.ts";
import { emitRun } from "./emit.ts";
import { planPipe } from "./plan.ts";
import { type Pipe, byteSwap, internetChecksum, pipeUnit, xorWord } from "./term.ts";

/** What a run did, counted while it ran. */
interface Cost {
  /** Bytes loaded and stored. */
  bytes: number;
  /** Loads and stores; of a bulk copy, one of each for every 16 bytes. */
  accesses: number;
  /**
   * Accesses, arithmetic and branches: what a simple processor takes a cycle for.
   *
   * Constants and the moves between locals and the stack only say where operands
   * are; compiled code has them in registers.
   */
  operations: number;
}

const COUNTERS: readonly (keyof Cost)[] = ["bytes", "accesses", "operations"];
const VECTOR = 16;

/** Bytes that a load or store touches, by its name; 0 of any other instruction. */
function touched(mnemonic: Mnemonic): number {
  const access = /\.(?:load|store)(\d*)/.exec(mnemonic);
  if (access === null) return 0;
  return access[1] === "" ? VECTOR : Number(access[1]) / 8;
}

const isFree = (mnemonic: Mnemonic): boolean => /^(?:local\.|block|loop|else|end)/.test(mnemonic);

/** From here on everything written to `f` counts itself when it runs; globals 0, 1 and 2 are the counters. */
function count(f: FunctionBuilder): void {
  const op = f.op.bind(f);
  const scratch = f.local("i32");
  const add = (counter: keyof Cost, amount: () => void): void => {
    const global = COUNTERS.indexOf(counter);
    op("global.get", global);
    amount();
    op("i32.add");
    op("global.set", global);
  };
  const constant = (value: number) => (): void => void f.i32(value);
  const copied = (): void => {
    op("local.tee", scratch);
    add("bytes", () => void (op("local.get", scratch), constant(2)(), op("i32.mul")));
    for (const counter of ["accesses", "operations"] as const)
      add(counter, () => {
        op("local.get", scratch);
        constant(VECTOR - 1)();
        op("i32.add");
        constant(4)();
        op("i32.shr_u");
        constant(2)();
        op("i32.mul");
      });
  };
  f.op = (mnemonic, ...immediates) => {
    if (mnemonic === "memory.copy") copied();
    if (!isFree(mnemonic)) add("operations", constant(1));
    const width = touched(mnemonic);
    if (width > 0) {
      add("bytes", constant(width));
      add("accesses", constant(1));
    }
    return op(mnemonic, ...immediates);
  };
}

interface CountingPipe {
  run(destination: number, source: number, length: number): number;
  cost(): Cost;
}

/** A pipe from the compiler's own emitter whose code counts itself. */
function makeCountingPipe(pipe: Pipe, memory: WebAssembly.Memory): CountingPipe {
  const module = makeModuleBuilder();
  module.importMemory("pipe", "memory", { minimum: 0 });
  for (const counter of COUNTERS)
    module.export(counter, "global", module.global({ type: "i32", mutable: true }));
  const f = module.function(["i32", "i32", "i32"], ["i32"]);
  count(f);
  emitRun(f, planPipe(pipe), pipeUnit(pipe), () => module.global({ type: "i32", mutable: true }));
  module.export("run", "function", f.index);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { pipe: { memory } });
  const exports = instance.exports as unknown as CountingPipe & Record<keyof Cost, WebAssembly.Global>;
  return {
    run(destination, source, length) {
      for (const counter of COUNTERS) exports[counter].value = 0;
      return exports.run(destination, source, length);
    },
    cost: () => ({
      bytes: Number(exports.bytes.value),
      accesses: Number(exports.accesses.value),
      operations: Number(exports.operations.value),
    }),
  };
}

const memory = new WebAssembly.Memory({ initial: 1 });
const bytes = new Uint8Array(memory.buffer);
const SOURCE = 1000;
const TOGETHER = 20_000;
const APART = 40_000;

/** A copy of its own, then each stage in place: sums by stage, and what all of it cost. */
function runSeparately(pipe: Pipe, length: number): { sums: number[]; cost: Cost } {
  const total: Cost = { bytes: 0, accesses: 0, operations: 0 };
  const pass = (stages: Pipe, source: number): number => {
    const counting = makeCountingPipe(stages, memory);
    const sum = counting.run(APART, source, length);
    const cost = counting.cost();
    for (const counter of COUNTERS) total[counter] += cost[counter];
    return sum;
  };
  pass([], SOURCE);
  const sums = pipe.map((stage) => {
    const sum = pass([stage], APART);
    return stage.kind === "checksum" ? sum : -1;
  });
  return { sums, cost: total };
}

/** Runs `pipe` fused, as it is compiled and as it is counted, and apart; compares results, and answers with both costs. */
function compare(pipe: Pipe, content: Uint8Array): { fused: Cost; separate: Cost } {
  const { length } = content;
  bytes.set(content, SOURCE);
  const apart = runSeparately(pipe, length);
  const compiled = makePipe(mustVerifyPipe(pipe), memory);
  compiled.run(TOGETHER, SOURCE, length);
  expect(pipe.map((_, stage) => compiled.sum(stage))).toEqual(apart.sums);
  const result = bytes.slice(TOGETHER, TOGETHER + length);
  expect(result).toEqual(bytes.slice(APART, APART + length));
  const counting = makeCountingPipe(pipe, memory);
  bytes.fill(0, TOGETHER, TOGETHER + length);
  counting.run(TOGETHER, SOURCE, length);
  expect(bytes.slice(TOGETHER, TOGETHER + length)).toEqual(result);
  return { fused: counting.cost(), separate: apart.cost };
}

const wholeUnits = (content: Uint8Array): Uint8Array =>
  content.slice(0, content.length - (content.length % 8));

describe("counting", () => {
  test("counts what runs: a copy touches every byte twice, a checksum in place once", () => {
    for (const length of [1, 15, 16, 64, 100, 1460]) {
      const copy = makeCountingPipe([], memory);
      copy.run(APART, SOURCE, length);
      expect(copy.cost()).toMatchObject({ bytes: 2 * length, accesses: 2 * Math.ceil(length / 16) });
      const sum = makeCountingPipe([internetChecksum()], memory);
      sum.run(SOURCE, SOURCE, length);
      expect(sum.cost().bytes).toBe(length);
      sum.run(APART, SOURCE, length);
      expect(sum.cost().bytes).toBe(2 * length);
    }
  });
});

test("[N10] one pass = result of sequential passes; cycles < 0.7x of separate passes", () => {
  const stages = [internetChecksum(), byteSwap(4)];
  fc.assert(
    fc.property(arbitraryPipe(), fc.uint8Array({ maxLength: 400 }), (pipe, content) => {
      const { fused, separate } = compare(pipe, wholeUnits(content));
      expect(fused.bytes).toBeLessThanOrEqual(separate.bytes);
    }),
    { numRuns: 100 },
  );
  const checked: Pipe[] = [
    stages,
    [byteSwap(2), internetChecksum()],
    [internetChecksum(), xorWord(9), internetChecksum()],
  ];
  for (const pipe of checked)
    for (const length of [64, 1460, 4096, 16_384]) {
      const { fused, separate } = compare(
        pipe,
        new Uint8Array(length).map((_, i) => i * 7),
      );
      for (const counter of COUNTERS)
        expect
          .soft([counter, length, fused[counter] / separate[counter] < 0.7])
          .toEqual([counter, length, true]);
    }
});
