import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACCESS_BYTES, NAMES } from "./opcodes.ts";
import { MISSES_MAX, type PageBits } from "./page-tables.ts";
import { ACCESSES, accessModule, fillPattern } from "../testing/access-module.ts";
import { Fault, PagedMemory } from "../testing/paged-memory.ts";
import { differenceWhenPaged, randomSteps } from "../testing/random-accesses.ts";
import { type PlacedProgram, programOf } from "../testing/program-sandbox.ts";
import { type CallOutcome, buildModule, rawModule } from "../testing/sandbox.ts";

const SIZE = 2 * 65_536;
const SIZES: readonly PageBits[] = [12, 16];

/** As `call`, with a fault that nobody answers as what it is unrewritten. */
function callOrFault(placed: PlacedProgram, name: string, ...values: number[]): CallOutcome {
  try {
    return placed.call(name, ...values);
  } catch (thrown) {
    if (thrown instanceof Fault) return { stopped: "memory" };
    throw thrown;
  }
}

const unique = (values: readonly number[]): number[] => [
  ...new Set(values.filter((v) => v >= 0 && v < 2 ** 32)),
];

const addresses = (n: number, page: number): number[] =>
  unique([
    0,
    1,
    2,
    3,
    5,
    8,
    16,
    ...[page, 3 * page, SIZE].flatMap((end) => [-n - 1, -n, 1 - n, -1, 0, 1].map((by) => end + by)),
    ...[2 ** 31, 2 ** 32 - page, 2 ** 32].flatMap((end) => [-n - 1, -n, 1 - n, -1, 0].map((by) => end + by)),
  ]);

const offsets = (n: number, page: number): number[] =>
  unique([
    0,
    1,
    7,
    page / 16 - 1,
    page / 16,
    page / 16 + 1,
    page - n,
    page - 1,
    page,
    65_535,
    SIZE - n,
    2 ** 31,
    2 ** 32 - 1,
  ]);

describe.each(SIZES)(
  "with pages of 2^%d bytes, every access at every edge does what it does unrewritten",
  (bits) => {
    const page = 2 ** bits;
    test.each(ACCESSES.map((code) => [NAMES[code] ?? "", code] as const))("%s", (_name, code) => {
      const n = ACCESS_BYTES[code] ?? 0;
      const known = offsets(n, page);
      const bytes = accessModule(code, known, SIZE / 65_536);
      const raw = rawModule(bytes);
      const memory = new PagedMemory(bits, { pages: SIZE / page });
      const placed = memory.place(programOf(bytes, bits));
      fillPattern(raw.segment);
      memory.fill(raw.segment);
      const wrong: string[] = [];
      for (const offset of known)
        for (const address of addresses(n, page)) {
          const expected = JSON.stringify(raw.call(String(offset), address), text);
          const got = JSON.stringify(callOrFault(placed, String(offset), address), text);
          if (got !== expected) wrong.push(`${address} + ${offset}: ${got}, not ${expected}`);
        }
      expect(wrong).toEqual([]);
      expect(Buffer.compare(memory.contents(), raw.segment)).toBe(0);
      expect(memory.isConfined()).toBe(true);
    });
  },
);

const text = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

const storeAndLoad = buildModule((m) => {
  m.export("memory", "memory", m.memory({ minimum: 2 }));
  const store = m.function(["i32", "i64"], []);
  store.get(0).get(1).memory("i64.store");
  m.export("store", "function", store.index);
  const load = m.function(["i32"], ["i64"]);
  load.get(0).memory("i64.load");
  m.export("load", "function", load.index);
  const far = m.function(["i32"], ["i64"]);
  far.get(0).memory("i64.load", 2 ** 32 - 1);
  m.export("far", "function", far.index);
  const lanes = m.function(["i32"], ["i64"]);
  lanes.get(0).v128(new Uint8Array(16)).op("v128.load16_lane").code.bytes([0, 0, 7]);
  lanes.op("i64x2.extract_lane").code.u8(1);
  m.export("lane7", "function", lanes.index);
  for (const lane of [0, 5]) {
    const put = m.function(["i32"], []);
    put
      .get(0)
      .v128(Array.from({ length: 16 }, (_, i) => i))
      .op("v128.store16_lane")
      .code.bytes([0, 0, lane]);
    m.export(`put${lane}`, "function", put.index);
  }
});

describe.each(SIZES)("with pages of 2^%d bytes", (bits) => {
  const page = 2 ** bits;
  const pages = SIZE / page;
  const PATTERN = 0x1122_3344_5566_7788n;

  test("a page is asked for once, by the address that is accessed, and never again", () => {
    const asked: [number, number][] = [];
    const memory = new PagedMemory(bits, { pages });
    const program = programOf(storeAndLoad, bits);
    const miss = memory.miss.bind(memory);
    memory.miss = (address, writes) => {
      asked.push([address, writes]);
      miss(address, writes);
    };
    const placed = memory.place(program);
    placed.call("load", 100);
    placed.call("load", 8);
    placed.call("store", 24, 1n);
    placed.call("store", 32, 1n);
    placed.call("load", page - 4);
    placed.call("store", page - 4, 1n);
    expect(asked).toEqual([
      [100, 0],
      [24, 1],
      [page, 0],
      [page, 1],
    ]);
  });

  test("an access to two pages that takes one away for the other gets both in the end", () => {
    const memory = new PagedMemory(bits, { pages, resident: 2 });
    const placed = memory.place(programOf(storeAndLoad, bits));
    for (const first of [0, 0, 0]) placed.call("load", first);
    placed.call("store", page - 3, PATTERN);
    placed.call("load", page + 100);
    placed.call("load", 0);
    expect(placed.call("load", page - 3)).toEqual({ value: PATTERN });
    expect(memory.contents().slice(page - 3, page + 5)).toEqual(
      Uint8Array.of(0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11),
    );
  });

  test("one that never gets both is stopped, and wrote nothing", () => {
    const memory = new PagedMemory(bits, { pages, resident: 1 });
    const placed = memory.place(programOf(storeAndLoad, bits));
    expect(placed.call("store", page - 3, PATTERN)).toEqual({ stopped: "memory" });
    expect(memory.misses).toBeLessThanOrEqual(MISSES_MAX + 1);
    expect(placed.call("load", page - 3)).toEqual({ stopped: "memory" });
    expect(memory.contents().every((byte) => byte === 0)).toBe(true);
  });

  test("a miss that is answered with nothing at all stops it", () => {
    const memory = new PagedMemory(bits, { pages });
    let misses = 0;
    memory.miss = () => void misses++;
    const placed = memory.place(programOf(storeAndLoad, bits));
    expect(placed.call("load", 5)).toEqual({ stopped: "memory" });
    expect(misses).toBe(MISSES_MAX);
  });

  test.each([
    ["second", 1],
    ["first", 0],
  ])("a store to two pages whose %s may only be read writes to neither", (_which, denied) => {
    const memory = new PagedMemory(bits, { pages, isEager: true, readOnly: new Set([denied]) });
    const placed = memory.place(programOf(storeAndLoad, bits));
    expect(placed.call("load", page - 3)).toEqual({ value: 0n });
    expect(() => placed.call("store", page - 3, PATTERN)).toThrow(
      expect.objectContaining({ address: denied === 0 ? page - 3 : page, writes: 1 }),
    );
    expect(memory.contents().every((byte) => byte === 0)).toBe(true);
  });

  test("an address that wraps is not one", () => {
    // Both the last and the first page are there: a sum that wrapped would be read.
    const memory = new PagedMemory(bits, { pages: 4, isEager: true });
    memory.alias(2 ** (32 - bits) - 1, 0);
    const placed = memory.place(programOf(storeAndLoad, bits));
    expect(placed.call("far", 9)).toEqual({ stopped: "memory" });
    expect(placed.call("far", 0)).toEqual({ stopped: "memory" });
    expect(placed.call("load", 2 ** 32 - 7)).toEqual({ stopped: "memory" });
    expect(placed.call("store", 2 ** 32 - 1, 5n)).toEqual({ stopped: "memory" });
    expect(placed.call("load", 2 ** 32 - 8)).toEqual({ value: 0n });
    expect(memory.misses).toBe(0);
  });

  test("each lane has a function of its own for two pages", () => {
    const memory = new PagedMemory(bits, { pages });
    const placed = memory.place(programOf(storeAndLoad, bits));
    placed.call("put0", page - 1);
    const contents = memory.contents();
    expect(contents.slice(page - 1, page + 1)).toEqual(Uint8Array.of(0, 1));
    expect(placed.call("lane7", page - 1)).toEqual({ value: 0x0100_0000_0000_0000n });
    placed.call("put5", page - 1);
    expect(memory.contents().slice(page - 1, page + 1)).toEqual(Uint8Array.of(10, 11));
  });

  test("random accesses under paging do what they do without", () => {
    fc.assert(
      fc.property(randomSteps(30), fc.constantFrom(undefined, 2, 3, 7), (steps, resident) => {
        expect(differenceWhenPaged(steps, bits, resident)).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });
});
