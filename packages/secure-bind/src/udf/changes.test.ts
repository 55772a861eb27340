import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChangeList } from "./changes.ts";
import { UDF_CHANGES, UDF_CHANGE_BYTES } from "./limits.ts";

const change = (at: number, ...bytes: readonly number[]): { at: number; bytes: Uint8Array } => ({
  at,
  bytes: Uint8Array.from(bytes),
});

/** What a block of zeros becomes. */
function written(list: ChangeList, length: number): number[] {
  const block = new Uint8Array(length);
  list.write(block);
  return [...block];
}

test("changes are written in their order, as they were when they were read", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.uint8Array({ maxLength: 12 })), { maxLength: 6 }),
      fc.nat(32),
      (changes, length) => {
        const alien = changes.map(([at, bytes]) => ({ at, bytes: bytes.slice() }));
        const list = new ChangeList();
        expect(list.read(alien)).toBe(true);
        for (const { bytes } of alien) bytes.fill(0xee);
        alien.length = 0;
        const fits = changes.every(([at, bytes]) => at + bytes.length <= length);
        expect(list.fits(length)).toBe(fits);
        if (!fits) return;
        const expected = new Uint8Array(length);
        for (const [at, bytes] of changes) expected.set(bytes, at);
        expect(written(list, length)).toEqual([...expected]);
      },
    ),
  );
});

describe("a list", () => {
  const all = { at: 0, bytes: new Uint8Array(UDF_CHANGE_BYTES) };

  test("takes as many changes and bytes as the limits say, and no more", () => {
    const list = new ChangeList();
    const many = Array.from({ length: UDF_CHANGES }, () => change(0, 1));
    expect(list.read(many)).toBe(true);
    expect(list.read([...many, change(0)])).toBe(false);
    expect(list.read([all])).toBe(true);
    expect(list.fits(UDF_CHANGE_BYTES)).toBe(true);
    expect(list.fits(UDF_CHANGE_BYTES - 1)).toBe(false);
    expect(list.read([all, change(0)])).toBe(true);
    expect(list.read([all, change(0, 1)])).toBe(false);
  });

  test("that was refused is empty, whatever of it had been read", () => {
    const list = new ChangeList();
    expect(list.read([change(0, 7)])).toBe(true);
    expect(list.read([change(1, 8), undefined])).toBe(false);
    expect(written(list, 2)).toEqual([0, 0]);
    expect(list.fits(0)).toBe(true);
  });

  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  const thrower = {
    get at(): number {
      throw new Error("hostile");
    },
  };
  test.each([
    ["nothing", undefined],
    ["null", null],
    ["a record", { length: 1, 0: change(0, 1) }],
    ["a list without an end", new Proxy([], { get: () => Infinity })],
    ["a list of a strange length", new Proxy([], { get: () => -1 })],
    ["a list nobody can read", proxy],
    ["a hole", [change(0, 1)].concat(new Array(1), change(0, 1))],
    ["a number", [3]],
    ["null in it", [null]],
    ["a change without a place", [{ bytes: new Uint8Array(1) }]],
    ["a place before the block", [change(-1, 1)]],
    ["half a place", [change(0.5, 1)]],
    ["no number", [change(Number.NaN, 1)]],
    ["a place beyond all words", [change(2 ** 32, 1)]],
    ["a large integer", [{ ...change(0, 1), at: 0n }]],
    ["a change without bytes", [{ at: 0 }]],
    ["bytes in a list", [{ at: 0, bytes: [1, 2] }]],
    ["bytes in a record", [{ at: 0, bytes: { length: 1, 0: 1 } }]],
    ["bytes in a proxy", [{ at: 0, bytes: new Proxy(new Uint8Array(1), {}) }]],
    ["what only calls itself bytes", [{ at: 0, bytes: { [Symbol.toStringTag]: "Uint8Array", length: 1 } }]],
    ["words", [{ at: 0, bytes: new Uint16Array(1) }]],
    ["a getter that throws", [thrower]],
  ])("refuses %s", (_what, alien) => {
    expect(new ChangeList().read(alien)).toBe(false);
  });

  test("believes no length that bytes say of themselves, and runs no code of theirs", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    for (const name of ["length", "byteLength", "buffer", Symbol.iterator, Symbol.toStringTag, "subarray"])
      Object.defineProperty(bytes, name, {
        get() {
          throw new Error("asked");
        },
      });
    const list = new ChangeList();
    expect(list.read([{ at: 1, bytes }])).toBe(true);
    expect(list.fits(3)).toBe(false);
    expect(written(list, 4)).toEqual([0, 1, 2, 3]);
  });

  test("reads every property once", () => {
    const seen: string[] = [];
    const spied = <T extends object>(target: T, name: string): T =>
      new Proxy(target, {
        get: (from, key) => {
          seen.push(`${name}.${String(key)}`);
          return Reflect.get(from, key);
        },
      });
    const list = new ChangeList();
    expect(list.read(spied([spied(change(0, 1), "a"), spied(change(1, 2), "b")], "list"))).toBe(true);
    expect(seen).toEqual(["list.length", "list.0", "a.at", "a.bytes", "list.1", "b.at", "b.bytes"]);
    expect(written(list, 2)).toEqual([1, 2]);
  });
});
