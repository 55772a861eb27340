import { describe, expect, test } from "vitest";
import { ACCESS_BYTES, NAMES, SIGNATURES } from "./opcodes.ts";
import { MESSAGE_BASE } from "./segment.ts";
import { ACCESSES as accesses, accessModule, fillPattern as fill } from "../testing/access-module.ts";
import { rawModule, sandbox } from "../testing/sandbox.ts";

const PAGE = 65_536;
const unique = (values: readonly number[]): number[] => [
  ...new Set(values.filter((v) => v >= 0 && v < 2 ** 32)),
];

/** Addresses and offsets around every edge there is for accesses of `n` bytes to `size` bytes. */
const edges = (n: number, size: number): number[] =>
  unique(
    [0, 1, 3, 7, size - n - 1, size - n, size - n + 1, size - 1, size, size + 1].concat([
      2 ** 31 - n,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - size,
      2 ** 32 - n - 1,
      2 ** 32 - n,
      2 ** 32 - 1,
    ]),
  );

describe("every access to memory, at every edge, does what it does unrewritten", () => {
  test.each(accesses.map((code) => [NAMES[code] ?? "", code] as const))("%s", (_name, code) => {
    const points = edges(ACCESS_BYTES[code] ?? 0, PAGE);
    const bytes = accessModule(code, points);
    const raw = rawModule(bytes);
    const confined = sandbox(bytes);
    fill(raw.segment);
    fill(confined.segment);
    for (const offset of points)
      for (const address of points) {
        const expected = raw.call(String(offset), address);
        expect(confined.call(String(offset), address), `${address} + ${offset}`).toEqual(expected);
      }
    expect(Buffer.compare(confined.segment, raw.segment)).toBe(0);
    expect(confined.isConfined()).toBe(true);
  });
});

test("a module without pages has no address", () => {
  for (const code of accesses) {
    const { call, isConfined } = sandbox(accessModule(code, [0, 5], 0));
    expect(call("0", 0)).toEqual({ stopped: "memory" });
    expect(call("5", 2 ** 32 - 5)).toEqual({ stopped: "memory" });
    expect(isConfined()).toBe(true);
  }
});

test("the whole of a large segment is there, and nothing behind it", () => {
  const pages = 40;
  const load = accessModule(0x28, [0, PAGE * pages - 8], pages);
  const { call } = sandbox(load);
  expect(call("0", PAGE * pages - 4)).toEqual({ value: 0 });
  expect(call("0", PAGE * pages - 3)).toEqual({ stopped: "memory" });
  expect(call(String(PAGE * pages - 8), 4)).toEqual({ value: 0 });
  expect(call(String(PAGE * pages - 8), 5)).toEqual({ stopped: "memory" });
});

describe("a message", () => {
  const message = Uint8Array.from({ length: 37 }, (_, i) => 0x80 + i);

  /** What the access at `address + offset` gives where the message is all there is. */
  const expected = (code: number, address: number, offset: number): unknown => {
    const bytes = ACCESS_BYTES[code] ?? 0;
    const at = address + offset - MESSAGE_BASE;
    if (at < 0 || at + bytes > message.length) return { stopped: "memory" };
    const raw = rawModule(accessModule(code, [0]));
    raw.segment.set(message, 0);
    return raw.call("0", at);
  };

  test.each(accesses.map((code) => [NAMES[code] ?? "", code] as const))("%s", (name, code) => {
    const n = ACCESS_BYTES[code] ?? 0;
    const ends = [
      0,
      1,
      20,
      message.length - n - 1,
      message.length - n,
      message.length - n + 1,
      message.length,
    ];
    const addresses = unique([
      ...ends.flatMap((end) => [MESSAGE_BASE + end, end]),
      MESSAGE_BASE - 1,
      MESSAGE_BASE - n,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32 - MESSAGE_BASE,
    ]);
    const offsets = [
      0,
      1,
      9,
      PAGE,
      MESSAGE_BASE - 1,
      MESSAGE_BASE,
      MESSAGE_BASE + 1,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
    ];
    const { call, segment, isConfined } = sandbox(accessModule(code, offsets), { message });
    const raw = rawModule(accessModule(code, offsets));
    fill(segment);
    fill(raw.segment);
    const writes = name.includes("store");
    for (const offset of offsets)
      for (const address of addresses) {
        const inside = address + offset + n <= PAGE;
        const wanted = inside
          ? raw.call(String(offset), address)
          : writes
            ? { stopped: "memory" }
            : expected(code, address, offset);
        expect(call(String(offset), address), `${address} + ${offset}`).toEqual(wanted);
      }
    expect(Buffer.compare(segment, raw.segment)).toBe(0);
    expect(isConfined()).toBe(true);
  });

  test("of no bytes, or of fewer than are read, is not there", () => {
    for (const code of accesses.filter((one) => !NAMES[one]?.includes("store"))) {
      const n = ACCESS_BYTES[code] ?? 0;
      for (const length of [0, n - 1]) {
        const { call } = sandbox(accessModule(code, [0]), { message: new Uint8Array(length) });
        for (const address of [MESSAGE_BASE, MESSAGE_BASE - 1, MESSAGE_BASE + length])
          expect(call("0", address)).toEqual({ stopped: "memory" });
      }
    }
  });
});

test("results name their types", () => {
  for (const code of accesses) {
    const left = (SIGNATURES[code] ?? "").split(":")[1] ?? "";
    expect(left === "" || "iIfdv".includes(left)).toBe(true);
  }
});
