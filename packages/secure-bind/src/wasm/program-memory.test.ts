import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mayGrow } from "./growable-segment.ts";
import { MODULE_LIMITS } from "./module-limits.ts";
import { ACCESS_BYTES, NAMES } from "./opcodes.ts";
import { MISSES_MAX, type PageBits } from "./page-tables.ts";
import { readModule } from "./read-module.ts";
import { BYTES_PER_FUEL_BITS } from "./runtime-functions.ts";
import { ACCESSES, accessModule, fillPattern } from "../testing/access-module.ts";
import { Fault, PagedMemory } from "../testing/paged-memory.ts";
import { type PlacedProgram, type TestMode, placeProgram, programOf } from "../testing/program-sandbox.ts";
import { type CallOutcome, buildModule, rawModule } from "../testing/sandbox.ts";

const PAGE = 65_536;
const PAGES = 3;
const SIZE = PAGES * PAGE;
const BASE = 2 * PAGE + 4_096;
const MODES: readonly TestMode[] = ["segment", 12, 16];
const PAGED: readonly PageBits[] = [12, 16];
const PASSIVE = Uint8Array.from({ length: 90_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

const bulkModule = (maximum?: number): Uint8Array =>
  buildModule((m) => {
    const limits = maximum === undefined ? { minimum: PAGES } : { minimum: PAGES, maximum };
    m.export("memory", "memory", m.memory(limits));
    m.data(PASSIVE);
    m.data(Uint8Array.of(1, 2, 3), 4_094);
    m.data(new Uint8Array(0), SIZE);
    m.data(PASSIVE.subarray(0, 9_000), SIZE - 9_000);
    const operands = (name: string): ReturnType<typeof m.function> => {
      const f = m.function(["i32", "i32", "i32"], []);
      m.export(name, "function", f.index);
      return f.get(0).get(1).get(2);
    };
    operands("fill").op("memory.fill", 0);
    operands("copy").op("memory.copy", 0, 0);
    operands("init").op("memory.init", 0, 0);
    operands("initPlaced").op("memory.init", 1, 0);
    const drop = m.function([], []);
    drop.op("data.drop", 0);
    m.export("drop", "function", drop.index);
    const size = m.function([], ["i32"]);
    size.op("memory.size", 0);
    m.export("size", "function", size.index);
    const grow = m.function(["i32"], ["i32"]);
    grow.get(0).op("memory.grow", 0);
    m.export("grow", "function", grow.index);
    const load = m.function(["i32"], ["i32"]);
    load.get(0).memory("i32.load8_u");
    m.export("load", "function", load.index);
    const past = m.function(["i32"], ["i32"]);
    past.get(0).memory("i32.load8_u", SIZE);
    m.export("past", "function", past.index);
  });

interface Placed {
  readonly placed: PlacedProgram;
  call(name: string, ...values: number[]): CallOutcome;
  contents(): Uint8Array;
  fill(from: Uint8Array): void;
  isConfined(): boolean;
}

const asOutcome =
  (placed: PlacedProgram): Placed["call"] =>
  (name, ...values) => {
    try {
      return placed.call(name, ...values);
    } catch (thrown) {
      if (thrown instanceof Fault) return { stopped: "memory" };
      throw thrown;
    }
  };

/** A program of `bytes` with room to grow to twice its pages. */
function place(bytes: Uint8Array, mode: TestMode, grow = (_pages: number): number => 0): Placed {
  const program = programOf(bytes, mode, 2 * PAGES);
  if (mode !== "segment") {
    const memory = new PagedMemory(mode, { pages: (2 * SIZE) / 2 ** mode, resident: 5 });
    const placed = memory.place(program, grow);
    return {
      placed,
      call: asOutcome(placed),
      contents: () => memory.contents().subarray(0, SIZE),
      fill: (from) => memory.fill(from),
      isConfined: () => memory.isConfined(),
    };
  }
  const memory = new WebAssembly.Memory({ initial: 4 + 2 * PAGES });
  const all = new Uint8Array(memory.buffer);
  const segment = all.subarray(BASE, BASE + 2 * SIZE);
  const isUntouched = (from: number, to: number): boolean =>
    all.subarray(from, to).every((byte) => byte === 0);
  const placed = placeProgram(program, memory, BASE, { grow });
  return {
    placed,
    call: asOutcome(placed),
    contents: () => segment.subarray(0, SIZE),
    fill: (from) => segment.set(from),
    isConfined: () => isUntouched(0, BASE) && isUntouched(BASE + 2 * SIZE, all.length),
  };
}

/** Numbers around every edge of memory, of pages and of 32 bits. */
const edgy = (): fc.Arbitrary<number> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(0, 1, 5, 4_095, 4_096, 4_097, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 7),
    },
    { weight: 2, arbitrary: fc.constantFrom(SIZE - 1, SIZE, SIZE + 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32 - SIZE) },
    { weight: 2, arbitrary: fc.constantFrom(PASSIVE.length, PASSIVE.length - PAGE, PASSIVE.length - 4_096) },
    { weight: 4, arbitrary: fc.nat(SIZE) },
  );

const OPERATIONS = fc.array(
  fc.tuple(fc.constantFrom("fill", "copy", "copy", "init", "initPlaced"), edgy(), edgy(), edgy()),
  { minLength: 1, maxLength: 4 },
);

describe.each(MODES)("%s: bulk operations do what they do unrewritten", (mode) => {
  const bytes = bulkModule();

  test("whatever their operands, memory and outcome are the same", () => {
    fc.assert(
      fc.property(OPERATIONS, (operations) => {
        const raw = rawModule(bytes);
        const { call, contents, fill, isConfined } = place(bytes, mode);
        fillPattern(raw.segment);
        fill(raw.segment);
        for (const [name, ...operands] of operations)
          expect(call(name, ...operands), `${name} ${operands.join()}`).toEqual(raw.call(name, ...operands));
        expect(Buffer.compare(contents(), raw.segment)).toBe(0);
        expect(isConfined()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["forwards by less than a page", 100, 0, 2 * PAGE + 5],
    ["backwards by less than a page", 0, 100, 2 * PAGE + 5],
    ["forwards by a byte", 1, 0, 2 * PAGE],
    ["backwards by a byte", 0, 1, 2 * PAGE],
    ["forwards by a page", 4_096, 0, 2 * PAGE],
    ["backwards by more than a page", 0, PAGE + 1, PAGE],
    ["onto itself", 17, 17, 2 * PAGE + 1],
    ["of a whole page", PAGE, 0, PAGE],
    ["up to the very end", SIZE - PAGE - 9, 3, PAGE + 9],
  ])("overlapping copies %s", (_name, to, from, count) => {
    const raw = rawModule(bytes);
    const { call, contents, fill } = place(bytes, mode);
    fillPattern(raw.segment);
    fill(raw.segment);
    expect(call("copy", to, from, count)).toEqual({ value: undefined });
    raw.call("copy", to, from, count);
    expect(Buffer.compare(contents(), raw.segment)).toBe(0);
  });

  test("a range that is not wholly inside writes nothing at all", () => {
    const { call, contents } = place(bytes, mode);
    for (const [name, ...operands] of [
      ["fill", SIZE - 2 * PAGE, 7, 2 * PAGE + 1],
      ["copy", SIZE - 2 * PAGE, 0, 2 * PAGE + 1],
      ["copy", 0, SIZE - 2 * PAGE, 2 * PAGE + 1],
      ["init", 0, PASSIVE.length - PAGE, PAGE + 1],
      ["init", SIZE - PAGE, 0, PAGE + 1],
      ["fill", SIZE + 1, 0, 0],
      ["copy", 0, SIZE + 1, 0],
      ["fill", 2 ** 32 - 1, 1, 2],
    ] as const)
      expect(call(name, ...operands), name).toEqual({ stopped: "memory" });
    expect(contents().every((byte) => byte === 0)).toBe(true);
  });

  test("data is where it belongs, and is spent then", () => {
    const raw = rawModule(bytes);
    const { placed, call, contents } = place(bytes, mode);
    expect(placed.placeData()).toEqual({ value: undefined });
    expect(Buffer.compare(contents(), raw.segment)).toBe(0);
    expect(call("initPlaced", 0, 0, 1)).toEqual({ stopped: "memory" });
    expect(call("init", 0, 4, 1)).toEqual({ value: undefined });
    call("drop");
    expect(call("init", 0, 4, 1)).toEqual({ stopped: "memory" });
    expect(call("init", 0, 0, 0)).toEqual({ value: undefined });
  });

  test("a unit of fuel pays for sixteen bytes", () => {
    const { placed, call } = place(bytes, mode);
    call("fill", 0, 1, 0);
    const nothing = placed.fuel();
    for (const [name, count] of [
      ["fill", 2 * PAGE],
      ["copy", SIZE],
      ["init", PAGE],
    ] as const) {
      call(name, 0, 0, count);
      expect(nothing - placed.fuel(), name).toBe(count >> BYTES_PER_FUEL_BITS);
    }
  });

  test("memory grows as far as it is allowed to, and is there then", () => {
    const asked: number[] = [];
    const { call } = place(bulkModule(2 * PAGES), mode, (pages) => {
      asked.push(pages);
      return pages === 2 ? -1 : 3;
    });
    expect(call("size")).toEqual({ value: PAGES });
    // When it is paged, what is not memory is simply never there: that is up to who answers misses.
    if (mode === "segment") expect(call("load", SIZE)).toEqual({ stopped: "memory" });
    expect(call("fill", SIZE, 7, 1)).toEqual({ stopped: "memory" });
    expect(call("grow", 0)).toEqual({ value: PAGES });
    expect(call("grow", 2)).toEqual({ value: -1 });
    expect(call("grow", PAGES + 1)).toEqual({ value: -1 });
    expect(call("grow", -1)).toEqual({ value: -1 });
    expect(call("size")).toEqual({ value: PAGES });
    expect(call("grow", 1)).toEqual({ value: PAGES });
    expect(asked).toEqual([2, 1]);
    expect(call("size")).toEqual({ value: PAGES + 1 });
    expect(call("fill", SIZE - 1, 7, PAGE + 1)).toEqual({ value: undefined });
    expect(call("load", SIZE + PAGE - 1)).toEqual({ value: 7 });
    expect(call("past", PAGE - 1)).toEqual({ value: 7 });
    expect(call("fill", SIZE, 7, PAGE + 1)).toEqual({ stopped: "memory" });
  });
});

describe.each(PAGED)("with pages of 2^%d bytes", (bits) => {
  const page = 2 ** bits;

  test("a page that may not be written stops an operation behind what it wrote", () => {
    const memory = new PagedMemory(bits, { pages: 3, readOnly: new Set([2]) });
    const placed = memory.place(programOf(bulkModule(), bits));
    expect(() => placed.call("fill", page - 3, 9, page + 10)).toThrow(
      expect.objectContaining({ address: 2 * page, writes: 1 }),
    );
    const contents = memory.contents();
    expect(contents.findIndex((byte) => byte === 9)).toBe(page - 3);
    expect(contents.findLastIndex((byte) => byte === 9)).toBe(2 * page - 1);
  });

  test("a copy that never has both pages is stopped", () => {
    const memory = new PagedMemory(bits, { pages: 3, resident: 1 });
    const placed = memory.place(programOf(bulkModule(), bits));
    expect(placed.call("copy", page, 0, 10)).toEqual({ stopped: "memory" });
    expect(placed.call("copy", 0, page, 10)).toEqual({ stopped: "memory" });
    expect(memory.misses).toBeLessThanOrEqual(2 * MISSES_MAX);
    expect(placed.call("fill", 0, 1, 3 * page)).toEqual({ value: undefined });
  });
});

describe("a segment that grows: every access at every edge", () => {
  const limit = PAGE + 5 * PAGE;
  const unique = (values: readonly number[]): number[] => [
    ...new Set(values.filter((v) => v >= 0 && v < 2 ** 32)),
  ];
  test.each(ACCESSES.map((code) => [NAMES[code] ?? "", code] as const))("%s", (_name, code) => {
    const n = ACCESS_BYTES[code] ?? 0;
    const edges = (size: number): number[] => [-n - 1, -n, 1 - n, -1, 0, 1].map((by) => size + by);
    const points = unique([0, 1, 3, 7, ...edges(PAGE), ...edges(limit), 2 ** 31, ...edges(2 ** 32)]);
    for (const pages of [1, 6]) {
      // Code that knows of one page, in a memory of one or of six.
      const { placed, memory } = placedSegment(accessModule(code, points), pages);
      const raw = rawModule(accessModule(code, points, pages));
      const segment = new Uint8Array(memory.buffer, BASE, pages * PAGE);
      fillPattern(raw.segment);
      segment.set(raw.segment);
      const wrong: string[] = [];
      for (const offset of points)
        for (const address of points) {
          const expected = raw.call(String(offset), address);
          const got = placed.call(String(offset), address);
          if (!Object.is(Object.values(got)[0], Object.values(expected)[0]))
            wrong.push(`${address} + ${offset}`);
        }
      expect(wrong).toEqual([]);
      expect(Buffer.compare(segment, raw.segment)).toBe(0);
    }
  });
});

function placedSegment(
  bytes: Uint8Array,
  pages: number,
): { placed: PlacedProgram; memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 4 + pages });
  const placed = placeProgram({ ...programOf(bytes, "segment"), pages }, memory, BASE, {});
  return { placed, memory };
}

describe("whether a module may grow is seen from its bytes", () => {
  const read = (
    build: (f: ReturnType<Parameters<Parameters<typeof buildModule>[0]>[0]["function"]>) => void,
  ): boolean =>
    mayGrow(
      readModule(
        buildModule((m) => {
          m.memory({ minimum: 1 });
          build(m.function([], []));
        }),
        { limits: MODULE_LIMITS, offered: new Map() },
      ),
    );

  test("never missed, and mostly right", () => {
    expect(read((f) => f.i32(2).op("memory.grow", 0).op("drop"))).toBe(true);
    expect(read((f) => f.i32(64).i32(2).op("memory.grow").code.bytes([0x80, 0x80, 0x00, 0x1a, 0x1a]))).toBe(
      true,
    );
    expect(read((f) => f.open("block").op("nop").end().i32(64).op("drop"))).toBe(false);
    expect(read((f) => f.op("memory.size", 0).op("drop"))).toBe(false);
  });
});
