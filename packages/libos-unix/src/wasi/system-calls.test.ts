import { describe, expect, test } from "vitest";
import { toNanoseconds, toWords } from "./clock.ts";
import { SIGNALS } from "./layout.ts";
import { ProgramExit } from "./stop.ts";
import { FILL_BYTES } from "./system-calls.ts";
import { mayGoOn } from "./waiting.ts";
import { callCounts, makeWasi } from "./wasi.ts";
import fc from "fast-check";
import { OUTSIDE, REALTIME, RIG_BYTES, makeWasiRig } from "../testing/wasi-rig.ts";

const stopOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe("arguments and variables", () => {
  const given = { args: ["prog", "", "ä b"], env: { HOME: "/", EMPTY: "", EQUAL: "a=b" } };

  test.each([
    ["args", ["prog", "", "ä b"]],
    ["environ", ["HOME=/", "EMPTY=", "EQUAL=a=b"]],
  ])("%s are told as C has them", (kind, expected) => {
    const rig = makeWasiRig(given);
    const sizes = rig.room(8);
    expect(rig.call(`${kind}_sizes_get`, sizes, sizes + 4)).toBe("success");
    const all = new TextEncoder().encode(expected.map((each) => `${each}\0`).join(""));
    expect([rig.u32(sizes), rig.u32(sizes + 4)]).toEqual([expected.length, all.length]);
    const [list, bytes] = [rig.room(4 * expected.length + 4), rig.room(all.length + 4)];
    expect(rig.call(`${kind}_get`, list, bytes)).toBe("success");
    expect(rig.memory.bytes.subarray(bytes, bytes + all.length)).toEqual(all);
    expect(rig.u32(list + 4 * expected.length)).toBe(0xaaaaaaaa);
    expect(rig.memory.getU8(bytes + all.length)).toBe(0xaa);
    for (const [index, each] of expected.entries()) {
      const at = rig.u32(list + 4 * index);
      const length = new TextEncoder().encode(each).length;
      expect(rig.text(at, length + 1)).toBe(`${each}\0`);
    }
  });

  test("nothing is written when one of the places is outside", () => {
    const rig = makeWasiRig(given);
    for (const name of ["args_sizes_get", "environ_sizes_get", "args_get", "environ_get"]) {
      const at = rig.room(64);
      expect(rig.call(name, at, RIG_BYTES - 2)).toBe("fault");
      expect(rig.call(name, OUTSIDE, at)).toBe("fault");
      expect(rig.u32(at)).toBe(0xaaaaaaaa);
    }
  });

  test("what C programs could not read is refused at once", () => {
    const { memory, table } = makeWasiRig();
    const { clocks, random } = { clocks: {} as never, random: () => undefined };
    const make = (more: object) => () =>
      makeWasi({ memory: () => memory, clocks, random, descriptors: table, ...more });
    expect(make({ args: ["a\0b"] })).toThrow(RangeError);
    expect(make({ env: { "A=B": "" } })).toThrow(RangeError);
    expect(make({ env: { "": "x" } })).toThrow(RangeError);
    expect(make({ env: { A: "\0" } })).toThrow(RangeError);
  });
});

describe("clocks", () => {
  test("times are 64 bits of nanoseconds", () => {
    const rig = makeWasiRig();
    const at = rig.room(8);
    const read = (id: number) => [rig.call("clock_time_get", id, 0n, at), rig.u64(at)];
    expect(read(0)).toEqual(["success", REALTIME]);
    expect(read(1)).toEqual(["success", 5_000_000_000n]);
    expect(read(2)).toEqual(["success", 7000n]);
    expect(read(3)).toEqual(["success", 7000n]);
    expect(rig.call("clock_res_get", 1, at)).toBe("success");
    expect(rig.u64(at)).toBe(1000n);
  });

  test("other clocks are refused, and places outside", () => {
    const rig = makeWasiRig();
    const at = rig.room(8);
    for (const id of [4, -1, 2 ** 31 - 1]) {
      expect(rig.call("clock_time_get", id, 0n, at)).toBe("inval");
      expect(rig.call("clock_res_get", id, at)).toBe("inval");
    }
    expect(rig.call("clock_time_get", 0, 0n, RIG_BYTES - 4)).toBe("fault");
    expect(rig.call("clock_res_get", 0, RIG_BYTES - 4)).toBe("fault");
    expect(rig.u64(at)).toBe(0xaaaaaaaaaaaaaaaan);
  });

  test("seconds and nanoseconds become two words exactly", () => {
    const seconds = fc.integer({ min: 0, max: 2 ** 34 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999_999 }), (whole, nanoseconds) => {
        const words = { high: 0, low: 0 };
        toWords({ seconds: whole, nanoseconds }, words);
        const exact = BigInt.asUintN(64, BigInt(whole) * 1_000_000_000n + BigInt(nanoseconds));
        expect((BigInt(words.high) << 32n) | BigInt(words.low)).toBe(exact);
        if (whole < 2 ** 22) expect(toNanoseconds({ seconds: whole, nanoseconds })).toBe(Number(exact));
      }),
    );
  });
});

describe("the end", () => {
  test("proc_exit does not come back, and says the code", () => {
    const rig = makeWasiRig();
    for (const [code, said] of [
      [0, 0],
      [3, 3],
      [-1, 2 ** 32 - 1],
    ] as const) {
      const stop = stopOf(() => rig.call("proc_exit", code));
      expect(stop).toBeInstanceOf(ProgramExit);
      expect(stop).toMatchObject({ code: said, signal: undefined });
    }
  });

  test("proc_raise ends the program with most signals", () => {
    const rig = makeWasiRig();
    for (const [number, name] of SIGNALS.entries()) {
      const came = stopOf(() => rig.call("proc_raise", number));
      if (["none", "chld", "cont", "urg", "winch"].includes(name)) expect(came).toBe("success");
      else if (["stop", "tstp", "ttin", "ttou"].includes(name)) expect(came).toBe("notsup");
      else expect(came).toMatchObject({ code: 128 + number, signal: number });
    }
    expect(SIGNALS).toHaveLength(31);
    expect([rig.call("proc_raise", 31), rig.call("proc_raise", -1)]).toEqual(["inval", "inval"]);
  });
});

describe("giving way", () => {
  test("sched_yield waits once, and not for long", () => {
    const rig = makeWasiRig();
    for (let round = 0; round < 2; round++) {
      expect(rig.call("sched_yield")).toBe("wait");
      expect(mayGoOn(rig.wasi.waiting, 0)).toBe(true);
      expect(rig.call("sched_yield")).toBe("success");
    }
    expect(callCounts(rig.wasi.ledger)).toEqual({ sched_yield: 2 });
  });

  test("random_get fills exactly what was asked", () => {
    const rig = makeWasiRig();
    const at = rig.room(70_001);
    expect(rig.call("random_get", at, 70_000)).toBe("success");
    expect(rig.memory.bytes.subarray(at, at + 70_000).every((byte) => byte === 0x5a)).toBe(true);
    expect([rig.memory.getU8(at - 1) === 0x5a, rig.memory.getU8(at + 70_000)]).toEqual([false, 0xaa]);
    expect(rig.call("random_get", RIG_BYTES - 4, 5)).toBe("fault");
    expect(rig.call("random_get", at, -1)).toBe("fault");
    expect(rig.memory.getU8(RIG_BYTES - 4)).toBe(0);
    expect(rig.call("random_get", OUTSIDE, 0)).toBe("success");
  });

  test("a long random_get gives way, goes on, and a different one begins anew", () => {
    const rig = makeWasiRig();
    const length = RIG_BYTES - 100;
    expect(length).toBeLessThanOrEqual(FILL_BYTES);
    expect(rig.call("random_get", 100, length)).toBe("success");
    const large = { ...rig.memory, length: 3 * FILL_BYTES, write: () => undefined };
    const filled: number[] = [];
    const wasi = makeWasi({
      memory: () => large,
      clocks: {} as never,
      random: ({ length: bytes }) => void filled.push(bytes),
      descriptors: rig.table,
    });
    const call = wasi.functions["wasi_snapshot_preview1"]?.["random_get"] as (
      at: number,
      n: number,
    ) => number;
    expect([call(0, 2 * FILL_BYTES + 1), call(0, 2 * FILL_BYTES + 1)]).toEqual([-1, -1]);
    expect(mayGoOn(wasi.waiting, 0)).toBe(true);
    expect(call(0, 2 * FILL_BYTES + 1)).toBe(0);
    expect(filled.reduce((sum, each) => sum + each)).toBe(2 * FILL_BYTES + 1);
    expect([call(0, FILL_BYTES + 1), call(8, FILL_BYTES + 1), call(8, FILL_BYTES + 1)]).toEqual([-1, -1, 0]);
  });
});

test("calls on sockets find none", () => {
  const rig = makeWasiRig({ files: { f: "" } });
  const at = rig.room(16);
  for (const fd of [0, 1, 3, rig.open("f", ["fd_read"])]) {
    expect(rig.call("sock_accept", fd, 0, at)).toBe("notsock");
    expect(rig.call("sock_recv", fd, at, 1, 0, at, at)).toBe("notsock");
    expect(rig.call("sock_send", fd, at, 1, 0, at)).toBe("notsock");
    expect(rig.call("sock_shutdown", fd, 3)).toBe("notsock");
  }
  for (const fd of [99, -1]) {
    expect(rig.call("sock_accept", fd, 0, at)).toBe("badf");
    expect(rig.call("sock_recv", fd, at, 1, 0, at, at)).toBe("badf");
    expect(rig.call("sock_send", fd, at, 1, 0, at)).toBe("badf");
    expect(rig.call("sock_shutdown", fd, 3)).toBe("badf");
  }
});
