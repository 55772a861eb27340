import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  PIPE_MEMORY_BYTES,
  type PlacedRun,
  arbitraryPipe,
  arbitraryRun,
  mustVerifyPipe,
} from "../testing/arbitrary-pipe.ts";
import { runBoth } from "../testing/pipe-runs.ts";
import { type CompiledPipe, buildPipe, makePipe } from "./compile.ts";
import { NO_SUM, interpretPipe } from "./interpret.ts";
import { type Pipe, byteSwap, internetChecksum, xorWord } from "./term.ts";
import { PIPE_STAGES } from "./verify.ts";

const PAGE = 65_536;
const memory = new WebAssembly.Memory({ initial: 1 });
const bytes = new Uint8Array(memory.buffer);

const compile = (pipe: Pipe, over: WebAssembly.Memory = memory): CompiledPipe =>
  makePipe(mustVerifyPipe(pipe), over);

const sumsOf = (pipe: Pipe, { sum }: CompiledPipe): number[] => pipe.map((_, stage) => sum(stage));

/** Both ways do the same over what memory holds now. */
function agree(pipe: Pipe, compiled: CompiledPipe, run: PlacedRun): void {
  const difference = runBoth(pipe, compiled, bytes.subarray(0, PIPE_MEMORY_BYTES), run);
  if (difference !== undefined) expect.fail(difference);
}

const content = (): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ minLength: 64, maxLength: 257 }),
    fc.constantFrom(0, 0xff, 0x80).map((byte) => new Uint8Array(64).fill(byte)),
  );

/** Fills memory with `seed` over and over. */
function fill(seed: Uint8Array): void {
  for (let at = 0; at < PIPE_MEMORY_BYTES; at += seed.length) bytes.set(seed, at);
}

describe("a compiled pipe does what its interpreter does", () => {
  test("for any pipe, ranges, alignments and bytes", () => {
    const cases = arbitraryPipe().chain((pipe) =>
      fc.record({
        pipe: fc.constant(pipe),
        runs: fc.array(arbitraryRun(pipe), { minLength: 32, maxLength: 32 }),
        seed: content(),
      }),
    );
    fc.assert(
      fc.property(cases, ({ pipe, runs, seed }) => {
        fill(seed);
        const compiled = compile(pipe);
        for (const run of runs) agree(pipe, compiled, run);
      }),
      { numRuns: 500 },
    );
  });

  const pipes: readonly (readonly [string, Pipe])[] = [
    ["a copy", []],
    ["a checksum", [internetChecksum()]],
    ["a checksum, then a swap of 4", [internetChecksum(), byteSwap(4)]],
    ["a swap of 8, then a checksum", [byteSwap(8), internetChecksum()]],
    ["a swap of 2", [byteSwap(2)]],
    [
      "three checksums around xor",
      [internetChecksum(), xorWord(0x1234_5678), internetChecksum(), internetChecksum()],
    ],
  ];

  test.each(pipes)("%s: every length to 200, apart, in place and overlapping both ways", (_name, pipe) => {
    const compiled = compile(pipe);
    fill(Uint8Array.from({ length: 251 }, (_, i) => i * 37));
    for (let length = 0; length <= 200; length++)
      for (const [destination, source] of [
        [2000, 1000],
        [1000, 2003],
        [1000, 1000],
        [1001, 1000],
        [1000, 1001],
        [1016, 1000],
        [1000, 1016],
        [1063, 1000],
        [1000, 1065],
      ] as const)
        agree(pipe, compiled, { destination, source, length });
  });

  test("over more bytes than lanes can sum at once", () => {
    const large = new WebAssembly.Memory({ initial: 48 });
    const all = new Uint8Array(large.buffer);
    const pipe = [internetChecksum(), xorWord(0x00ff_00ff), internetChecksum()];
    const compiled = compile(pipe, large);
    for (const [byte, length] of [
      [0xff, 40 * PAGE],
      [0xff, 16 * PAGE],
      [0xfe, 16 * PAGE + 15],
      [0xff, 32 * PAGE - 1],
      [0xff, 8 * PAGE + 15],
      [0xff, 8 * PAGE],
      [0xff, 16 * PAGE + 64],
    ] as const) {
      all.fill(byte);
      const expected = all.slice();
      const sums = interpretPipe(pipe, expected, 3, 5, length);
      expect(compiled.run(3, 5, length)).toBe(sums?.[0]);
      expect(sumsOf(pipe, compiled)).toEqual(sums);
      expect(Buffer.compare(all, expected)).toBe(0);
    }
  });

  test("when a sum has to be folded more than twice", () => {
    const large = new WebAssembly.Memory({ initial: 5 });
    const all = new Uint8Array(large.buffer);
    all.fill(0xff, 0, 262_150).set([2, 0], 262_150);
    // 131,075 times 0xffff and 0x200: in 64 bits 0x2_0001_fffd + 2, and so on; some folds carry again.
    for (const length of [262_148, 262_150, 262_152]) {
      const compiled = compile([internetChecksum()], large);
      const [sum] = interpretPipe([internetChecksum()], all.slice(), 0, 0, length) ?? [];
      expect(compiled.run(0, 0, length)).toBe(sum);
    }
  });

  test("for numbers that are no addresses: without their fraction, modulo 2^32", () => {
    const pipe = [byteSwap(2), internetChecksum()];
    const compiled = compile(pipe);
    fill(Uint8Array.from({ length: 251 }, (_, i) => i * 37));
    const number = fc.oneof(
      fc.nat(2000),
      fc.tuple(fc.nat(2000), fc.constantFrom(0.5, -0.5, 2 ** 32, -(2 ** 32), 2 ** 40)).map(([a, b]) => a + b),
      fc.constantFrom(-1, -5, Number.NaN, Infinity, 2 ** 32, -0, 0xffff_ffff, 2 ** 31, -(2 ** 31)),
    );
    fc.assert(
      fc.property(number, number, number, (destination, source, length) => {
        const before = bytes.slice(0, PIPE_MEMORY_BYTES);
        const isOutside = (run: () => unknown): boolean => {
          try {
            run();
          } catch (thrown) {
            expect([RangeError, WebAssembly.RuntimeError]).toContain((thrown as Error).constructor);
            return true;
          }
          return false;
        };
        const all = bytes.slice();
        const isTrapped = isOutside(() => interpretPipe(pipe, all, destination, source, length));
        expect(Buffer.compare(bytes.subarray(0, PIPE_MEMORY_BYTES), before)).toBe(0);
        if (isTrapped) {
          expect(Buffer.compare(all, bytes)).toBe(0);
          expect(isOutside(() => compiled.run(destination, source, length))).toBe(true);
          expect(Buffer.compare(all, bytes)).toBe(0);
        } else {
          const difference = runBoth(pipe, compiled, bytes, { destination, source, length });
          if (difference !== undefined) expect.fail(difference);
          expect(Buffer.compare(all, bytes)).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("over a shared memory", () => {
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const view = new Uint8Array(shared.buffer);
    view.set([1, 2, 3, 4]);
    const compiled = compile([byteSwap(4), internetChecksum()], shared);
    expect(compiled.run(100, 0, 4)).toBe(0x0604);
    expect(Array.from(view.slice(100, 104))).toEqual([4, 3, 2, 1]);
  });

  test("over a shared memory and one of its own, for the same stages in either order", () => {
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    for (const pipe of [[byteSwap(8), xorWord(0x7777_0001)], [xorWord(0x7777_0002)]]) {
      const memories = pipe.length === 1 ? [memory, shared, memory] : [shared, memory, shared];
      for (const over of memories) {
        new Uint8Array(over.buffer).set([1, 2, 3, 4, 5, 6, 7, 8]);
        const expected = new Uint8Array(16);
        expected.set([1, 2, 3, 4, 5, 6, 7, 8]);
        interpretPipe(pipe, expected, 8, 0, 8);
        compile(pipe, over).run(8, 0, 8);
        expect(Array.from(new Uint8Array(over.buffer, 0, 16))).toEqual([...expected]);
      }
    }
  });
});

describe("a run that leaves memory traps, and nothing is done", () => {
  const pipes: readonly (readonly [string, Pipe])[] = [
    ["a copy", []],
    ["a checksum", [internetChecksum()]],
    ["a swap", [byteSwap(2)]],
  ];
  test.each(pipes)("%s", (_name, pipe) => {
    const compiled = compile(pipe);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 37) ^ (i >>> 8);
    const before = bytes.slice();
    for (const [destination, source, length] of [
      [PAGE, 0, 2],
      [0, PAGE, 2],
      [PAGE - 100, 0, 102],
      [0, PAGE - 100, 102],
      [PAGE - 64, PAGE - 80, 80],
      [0, 0, PAGE + 2],
      [0, 0, 0xffff_fffe],
      [0xffff_fffe, 0, 4],
      [0, 0xffff_fff0, 32],
      [0xffff_fff0, 0xffff_fff0, 0xffff_fff0],
      [PAGE + 1, 0, 0],
      // A length that is negative as a signed number: both ends would lie inside.
      [100, 200, 0xffff_ff80],
      [200, 100, 0xffff_ff80],
      [100, 200, -128],
    ] as const)
      expect(() => compiled.run(destination, source, length), `${destination} ${source} ${length}`).toThrow(
        WebAssembly.RuntimeError,
      );
    expect(Buffer.compare(bytes, before)).toBe(0);
    expect(() => compiled.run(PAGE - 64, 0, 64)).not.toThrow();
    expect(() => compiled.run(0, PAGE - 64, 64)).not.toThrow();
  });
});

describe("sums", () => {
  test("are zero before any run, and there is none for other numbers", () => {
    const compiled = compile([byteSwap(2), internetChecksum()]);
    expect([compiled.sum(0), compiled.sum(1), compiled.sum(2), compiled.sum(-1)]).toEqual([
      NO_SUM,
      0,
      NO_SUM,
      NO_SUM,
    ]);
  });

  test("are named by numbers as WebAssembly takes them", () => {
    const compiled = compile([internetChecksum(), byteSwap(2)]);
    bytes.set([1, 2, 3, 4]);
    compiled.run(0, 0, 4);
    const first = compiled.sum(0);
    expect([2 ** 32, 0.5, -0.5, Number.NaN, -(2 ** 32)].map((stage) => compiled.sum(stage))).toEqual(
      Array.from({ length: 5 }, () => first),
    );
    expect([1.5, 2 ** 32 - 1, 8].map((stage) => compiled.sum(stage))).toEqual([NO_SUM, NO_SUM, NO_SUM]);
  });

  test("stay as they were when a run is refused, and begin again with the next", () => {
    const compiled = compile([internetChecksum(), byteSwap(4)]);
    bytes.set([1, 2, 3, 4, 0, 0, 0, 0]);
    expect(compiled.run(100, 0, 4)).toBe(0x0406);
    expect(compiled.run(100, 0, 3)).toBe(NO_SUM);
    expect(compiled.sum(0)).toBe(0x0406);
    expect(compiled.run(100, 4, 4)).toBe(0);
    expect(compiled.sum(0)).toBe(0);
  });

  test("of the same pipe made twice are apart", () => {
    const pipe = [internetChecksum()];
    const [mine, theirs] = [compile(pipe), compile(pipe)];
    bytes.set([9, 9]);
    mine.run(0, 0, 2);
    expect([mine.sum(0), theirs.sum(0)]).toEqual([0x0909, 0]);
  });
});

describe("modules", () => {
  test("are compiled once for a list of stages, and made again after many others", () => {
    const compiledModules: unknown[] = [];
    const engine = WebAssembly.Module;
    WebAssembly.Module = new Proxy(engine, {
      construct(target, values: [Uint8Array]) {
        compiledModules.push(values);
        return new target(...values);
      },
    });
    try {
      const mine = [xorWord(0x5eed_0001), internetChecksum()];
      for (let i = 0; i < 3; i++) compile(mine);
      expect(compiledModules).toHaveLength(1);
      for (let word = 0; word < 63; word++) compile([xorWord(0x5eed_1000 + word)]);
      compile(mine);
      expect(compiledModules).toHaveLength(64);
      for (let word = 0; word < 64; word++) compile([xorWord(0x5eed_2000 + word)]);
      compile(mine);
      expect(compiledModules).toHaveLength(64 + 65);
    } finally {
      WebAssembly.Module = engine;
    }
  });

  test("are kept by their last use, not by their first", () => {
    const engine = WebAssembly.Module;
    let count = 0;
    WebAssembly.Module = new Proxy(engine, {
      construct(target, values: [Uint8Array]) {
        count++;
        return new target(...values);
      },
    });
    try {
      const mine = [xorWord(0x5eed_3000)];
      compile(mine);
      for (let word = 1; word < 64; word++) compile([xorWord(0x5eed_3000 + word)]);
      compile(mine);
      expect(count).toBe(64);
      // One more than there is room for: the one used longest ago goes, which is not mine.
      compile([xorWord(0x5eed_4000)]);
      compile(mine);
      expect(count).toBe(65);
      compile([xorWord(0x5eed_3001)]);
      expect(count).toBe(66);
    } finally {
      WebAssembly.Module = engine;
    }
  });

  test("are a few kilobytes for the longest pipe", () => {
    fc.assert(
      fc.property(arbitraryPipe(), (pipe) => {
        expect(buildPipe(mustVerifyPipe(pipe)).build().length).toBeLessThan(6144);
      }),
    );
    const worst = Array.from({ length: PIPE_STAGES }, (_, i) =>
      i % 2 === 0 ? internetChecksum() : xorWord(i),
    );
    expect(buildPipe(mustVerifyPipe(worst)).build().length).toBeLessThan(6144);
  });

  test("an unverified pipe does not type-check", () => {
    const pipe: Pipe = [byteSwap(2)];
    // @ts-expect-error: only a verifier makes what is compiled
    expect(() => makePipe(pipe, memory)).not.toThrow();
  });

  test("a changed copy of a verified pipe, or a view of memory, does not type-check", () => {
    const pipe = mustVerifyPipe([byteSwap(2)]);
    // @ts-expect-error: a copy is no verified pipe
    expect(() => makePipe([...pipe], memory)).not.toThrow();
    // @ts-expect-error: bytes are no memory
    expect(() => makePipe(pipe, bytes)).toThrow(WebAssembly.LinkError);
    // @ts-expect-error: nor is a view
    expect(() => makePipe(pipe, new DataView(memory.buffer))).toThrow(WebAssembly.LinkError);
  });
});
