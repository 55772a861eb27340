import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MESSAGE_BASE } from "./segment.ts";
import { buildModule, rawModule, sandbox } from "../testing/sandbox.ts";

const PAGE = 65_536;
const PAGES = 6;
const SIZE = PAGE * PAGES;
const PASSIVE = Uint8Array.from({ length: 150_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

const bulkModule = (pages = PAGES): Uint8Array =>
  buildModule((m) => {
    m.export("memory", "memory", m.memory({ minimum: pages }));
    m.data(PASSIVE);
    m.data(Uint8Array.of(1, 2, 3), 0);
    const three = ["i32", "i32", "i32"] as const;
    const operands = (name: string): ReturnType<typeof m.function> => {
      const f = m.function(three, []);
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
  });

const fill = (bytes: Uint8Array): void => {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 167 + (i >> 8) * 13 + 1) & 0xff;
};

const pair = (): { raw: ReturnType<typeof rawModule>; confined: ReturnType<typeof sandbox> } => {
  const bytes = bulkModule();
  const both = { raw: rawModule(bytes), confined: sandbox(bytes) };
  fill(both.raw.segment);
  fill(both.confined.segment);
  return both;
};

/** Numbers around every edge of the memory, of a chunk and of 32 bits. */
const edgy = (): fc.Arbitrary<number> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        0,
        1,
        5,
        63,
        64,
        65,
        SIZE - 1,
        SIZE,
        SIZE + 1,
        2 ** 31,
        2 ** 32 - 1,
        2 ** 32 - SIZE,
      ),
    },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        PAGE - 1,
        PAGE,
        PAGE + 1,
        2 * PAGE,
        2 * PAGE + 7,
        PASSIVE.length,
        PASSIVE.length - PAGE,
      ),
    },
    { weight: 3, arbitrary: fc.nat(SIZE) },
    { weight: 1, arbitrary: fc.nat(2 ** 32 - 1) },
  );

describe("bulk operations do what they do unrewritten", () => {
  test("whatever their operands, memory and outcome are the same", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.constantFrom("fill", "copy", "copy", "init", "initPlaced"), edgy(), edgy(), edgy()),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        (operations) => {
          const { raw, confined } = pair();
          for (const [name, ...operands] of operations)
            expect(confined.call(name, ...operands), `${name} ${operands.join()}`).toEqual(
              raw.call(name, ...operands),
            );
          expect(Buffer.compare(confined.segment, raw.segment)).toBe(0);
          expect(confined.isConfined()).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each([
    ["forwards by less than a chunk", 100, 0, 3 * PAGE + 5],
    ["backwards by less than a chunk", 0, 100, 3 * PAGE + 5],
    ["forwards by a byte", 1, 0, 5 * PAGE],
    ["backwards by a byte", 0, 1, 5 * PAGE],
    ["forwards by a chunk", PAGE, 0, 2 * PAGE],
    ["backwards by more than a chunk", 0, PAGE + 1, 4 * PAGE],
    ["onto itself", 17, 17, 2 * PAGE + 1],
    ["of exactly a chunk", 2 * PAGE, 0, PAGE],
  ])("overlapping copies %s", (_name, to, from, count) => {
    const { raw, confined } = pair();
    expect(confined.call("copy", to, from, count)).toEqual({ value: undefined });
    raw.call("copy", to, from, count);
    expect(Buffer.compare(confined.segment, raw.segment)).toBe(0);
  });

  test("a range that is not wholly inside writes nothing at all", () => {
    const { confined } = pair();
    const before = confined.segment.slice();
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
      expect(confined.call(name, ...operands)).toEqual({ stopped: "memory" });
    expect(Buffer.compare(confined.segment, before)).toBe(0);
  });

  test("a segment that was dropped, or placed, has no bytes", () => {
    const { confined } = pair();
    expect(confined.call("initPlaced", 0, 0, 0)).toEqual({ value: undefined });
    expect(confined.call("initPlaced", 0, 0, 1)).toEqual({ stopped: "memory" });
    expect(confined.call("init", 0, 0, 4)).toEqual({ value: undefined });
    expect([...confined.segment.subarray(0, 4)]).toEqual([...PASSIVE.subarray(0, 4)]);
    confined.call("drop");
    expect(confined.call("init", 0, 0, 1)).toEqual({ stopped: "memory" });
    expect(confined.call("init", 0, 0, 0)).toEqual({ value: undefined });
  });

  test("the memory never grows, and says so", () => {
    const { call } = sandbox(bulkModule());
    expect(call("size")).toEqual({ value: PAGES });
    expect(call("grow", 0)).toEqual({ value: PAGES });
    expect(call("grow", 1)).toEqual({ value: -1 });
    expect(call("grow", -1)).toEqual({ value: -1 });
    expect(call("size")).toEqual({ value: PAGES });
  });
});

describe("bulk operations pay by their length", () => {
  test.each(["fill", "copy", "init"])("%s costs a unit for 16 bytes", (name) => {
    const { call, module } = sandbox(bulkModule(), { fuel: 20_000 });
    call(name, 0, 0, 0);
    const nothing = 20_000 - module.fuel();
    expect(nothing).toBeLessThan(64);
    call(name, PAGE, 0, 2 * PAGE);
    expect(20_000 - module.fuel() - nothing).toBeGreaterThanOrEqual((2 * PAGE) / 16);
  });

  test("what is not paid for is not done", () => {
    const { call, segment } = sandbox(bulkModule(), { fuel: 1_000 });
    expect(call("fill", 0, 9, 2 * PAGE)).toEqual({ stopped: "fuel" });
    expect(segment.includes(9)).toBe(false);
    expect(call("copy", PAGE, 0, 2 * PAGE)).toEqual({ stopped: "fuel" });
    expect(call("init", PAGE, 0, 2 * PAGE)).toEqual({ stopped: "fuel" });
  });
});

describe("copies from a message", () => {
  const message = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + 3) & 0xff);

  test("bring its bytes, and no others", () => {
    const { call, segment, isConfined } = sandbox(bulkModule(), { message });
    expect(call("copy", 10, MESSAGE_BASE + 5, 90_000)).toEqual({ value: undefined });
    expect(Buffer.compare(segment.subarray(10, 90_010), message.subarray(5, 90_005))).toBe(0);
    expect(call("copy", 0, MESSAGE_BASE, 5)).toEqual({ value: undefined });
    expect([...segment.subarray(0, 5)]).toEqual([...message.subarray(0, 5)]);
    expect(call("copy", 0, MESSAGE_BASE + message.length, 0)).toEqual({ value: undefined });
    for (const [from, count] of [
      [0, message.length + 1],
      [message.length, 1],
      [message.length + 1, 0],
      [-1, 2],
      [1, 2 ** 32 - 1],
      [2 ** 31, 1],
    ] as const)
      expect(call("copy", 0, MESSAGE_BASE + from, count)).toEqual({ stopped: "memory" });
    expect(isConfined()).toBe(true);
  });

  test("never go to it", () => {
    const { call, isConfined } = sandbox(bulkModule(), { message });
    expect(call("copy", MESSAGE_BASE, 0, 1)).toEqual({ stopped: "memory" });
    expect(call("copy", MESSAGE_BASE, 0, 0)).toEqual({ stopped: "memory" });
    expect(call("fill", MESSAGE_BASE, 0, 1)).toEqual({ stopped: "memory" });
    expect(call("init", MESSAGE_BASE, 0, 1)).toEqual({ stopped: "memory" });
    expect(isConfined()).toBe(true);
  });
});

describe("tables", () => {
  const tables = (): Uint8Array =>
    buildModule((m) => {
      m.export("memory", "memory", m.memory({ minimum: 1 }));
      const table = m.table({ minimum: 100, maximum: 100_000 });
      const one = m.function([], ["i32"]).i32(41);
      const two = m.function([], ["i32"]).i32(42);
      m.elements(3, [one.index, two.index]);
      const type = m.type([], ["i32"]);
      const call = m.function(["i32"], ["i32"]);
      call.get(0).op("call_indirect", type, table);
      m.export("call", "function", call.index);
      const grow = m.function(["i32"], ["i32"]);
      grow.op("ref.null").code.u8(0x70);
      grow.get(0).op("table.grow", table);
      m.export("grow", "function", grow.index);
      const size = m.function([], ["i32"]).op("table.size", table);
      m.export("size", "function", size.index);
      const fill = m.function(["i32", "i32"], []);
      fill.get(0).op("ref.func", two.index).get(1).op("table.fill", table);
      m.export("fill", "function", fill.index);
      const copy = m.function(["i32", "i32", "i32"], []);
      copy.get(0).get(1).get(2).op("table.copy", table, table);
      m.export("copy", "function", copy.index);
    });

  test("do what they do unrewritten", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.tuple(fc.constant("call"), fc.constantFrom(0, 3, 4, 5, 99, 100, 120)),
            fc.tuple(fc.constant("grow"), fc.constantFrom(0, 1, 30, 70_000)),
            fc.tuple(fc.constant("size")),
            fc.tuple(
              fc.constant("fill"),
              fc.constantFrom(0, 50, 99, 101),
              fc.constantFrom(0, 1, 2, 60, 2 ** 32 - 1),
            ),
            fc.tuple(
              fc.constant("copy"),
              fc.constantFrom(0, 5, 99),
              fc.constantFrom(0, 3, 4),
              fc.constantFrom(0, 1, 2, 97, 98),
            ),
          ),
          { maxLength: 12 },
        ),
        (calls) => {
          const bytes = tables();
          const raw = rawModule(bytes);
          const confined = sandbox(bytes);
          for (const [name, ...operands] of calls as [string, ...number[]][]) {
            // The limit of 65,536 elements stands where the module's own is higher.
            if (name === "grow" && operands[0] === 70_000)
              expect(confined.call(name, 70_000)).toEqual({ value: -1 });
            else expect(confined.call(name, ...operands)).toEqual(raw.call(name, ...operands));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("pay by their length", () => {
    const fuel = 16 * 50_000;
    const { call, module } = sandbox(tables(), { fuel });
    const used = (): number => fuel - module.fuel();
    expect(call("grow", 40_000)).toEqual({ value: 100 });
    expect(used()).toBeGreaterThanOrEqual(16 * 40_000);
    expect(call("grow", 50_000)).toEqual({ stopped: "fuel" });
    expect(call("fill", 0, 40_100)).toEqual({ value: undefined });
    expect(used()).toBeGreaterThanOrEqual(16 * 40_100);
    expect(call("copy", 0, 0, 40_100)).toEqual({ value: undefined });
    expect(used()).toBeGreaterThanOrEqual(16 * 40_100);
    expect(call("size")).toEqual({ value: 40_100 });
  });

  test("pay when there is nothing to do: to ask the engine is work", () => {
    const { call, module } = sandbox(tables(), { fuel: 5_000 });
    for (const [name, least, ...operands] of [
      ["fill", 16, 0, 0],
      ["copy", 16, 0, 0, 0],
      ["grow", 1_024, 0],
      ["grow", 1_024, 2 ** 32 - 1],
    ] as const) {
      call(name, ...operands);
      expect(5_000 - module.fuel(), name).toBeGreaterThanOrEqual(least);
    }
  });

  test("grow to what is allowed for all of them together, by what they declare and by turns", () => {
    const bytes = buildModule((m) => {
      m.memory({ minimum: 1 });
      const limits = [{ minimum: 10 }, { minimum: 20, maximum: 20 }, { minimum: 0, maximum: 45 }];
      for (const limit of [...limits, { minimum: 5, maximum: 8 }]) {
        const grow = m.function(["i32"], ["i32"]);
        const table = m.table(limit);
        grow.op("ref.null").code.u8(0x70);
        grow.get(0).op("table.grow", table);
        m.export(`grow${table}`, "function", grow.index);
      }
    });
    const most = (limit: number, table: number): number => {
      const { call } = sandbox(bytes, { options: { limits: { tableElements: limit } } });
      let grown = 0;
      while ((call(`grow${table}`, 1) as { value: number }).value !== -1) grown += 1;
      return grown;
    };
    const all = (limit: number): number[] => [0, 1, 2, 3].map((table) => most(limit, table));
    expect(all(35)).toEqual([0, 0, 0, 0]);
    expect(all(35 + 7)).toEqual([2, 0, 2, 2]);
    expect(all(35 + 30)).toEqual([10, 0, 10, 3]);
    expect(all(35 + 300)).toEqual([100, 0, 45, 3]);
  });

  test("a range that the table does not have is a trap, however much it would cost", () => {
    const { call } = sandbox(tables(), { fuel: 20_000 });
    expect(call("fill", 0, 2 ** 32 - 1)).toEqual({ stopped: "trap" });
    expect(call("copy", 0, 0, 2 ** 32 - 1)).toEqual({ stopped: "trap" });
    expect(call("grow", -1)).toEqual({ value: -1 });
  });
});
