import { describe, expect, test } from "vitest";
import { EVENT_BYTES, PREVIEW_1, UNSTABLE } from "./layout.ts";
import { SUBSCRIPTIONS } from "./poll.ts";
import { mayGoOn } from "./waiting.ts";
import { Descriptor } from "../descriptor/descriptor.ts";
import { refuse } from "../errno.ts";
import { OUTSIDE, REALTIME, RIG_BYTES, ROOT, type WasiRig, makeWasiRig } from "../testing/wasi-rig.ts";

type Question =
  | { readonly clock: number; readonly timeout: bigint; readonly flags?: number }
  | { readonly read: number }
  | { readonly write: number };

const DIALECTS = [PREVIEW_1, UNSTABLE] as const;

/** Writes subscriptions; the arguments of the poll. */
function ask(
  rig: WasiRig,
  dialect: typeof PREVIEW_1,
  questions: readonly Question[],
): [number, number, number, number] {
  const layout = dialect.subscription;
  const input = rig.room(questions.length * layout.bytes);
  for (const [index, question] of questions.entries()) {
    const at = input + index * layout.bytes;
    const u64 = (to: number, value: bigint) => {
      rig.memory.setU32LE(to, Number(BigInt.asUintN(32, value)));
      rig.memory.setU32LE(to + 4, Number(BigInt.asUintN(32, value >> 32n)));
    };
    u64(at, 0x1_0000_0000n * BigInt(index + 1) + 7n);
    rig.memory.setU8(at + layout.type, "clock" in question ? 0 : "read" in question ? 1 : 2);
    if ("clock" in question) {
      rig.memory.setU32LE(at + layout.clock, question.clock);
      u64(at + layout.timeout, question.timeout);
      rig.memory.setU16LE(at + layout.flags, question.flags ?? 0);
    } else rig.memory.setU32LE(at + layout.descriptor, "read" in question ? question.read : question.write);
  }
  return [input, rig.room(questions.length * EVENT_BYTES), questions.length, rig.room(4)];
}

/** What a poll answered: of each event the question's number, error, type, bytes and flags. */
function answers(rig: WasiRig, [, output, , result]: readonly number[]): (readonly number[])[] {
  return Array.from({ length: rig.u32(result ?? 0) }, (_, index) => {
    const at = (output ?? 0) + index * EVENT_BYTES;
    expect(rig.u32(at)).toBe(7);
    const [who, error, type] = [rig.u32(at + 4) - 1, rig.memory.getU16LE(at + 8), rig.memory.getU8(at + 10)];
    return [who, error, type, Number(rig.u64(at + 16)), rig.memory.getU16LE(at + 24)];
  });
}

describe.each(DIALECTS)("$module", (dialect) => {
  const start = (files = {}) => makeWasiRig({ files, module: dialect.module });
  const poll = (rig: WasiRig, given: readonly number[]) => rig.call("poll_oneoff", ...given);

  test("a span counts from the first attempt", () => {
    const rig = start();
    const given = ask(rig, dialect, [
      { clock: 1, timeout: 1000n },
      { clock: 0, timeout: 500n },
    ]);
    expect(poll(rig, given)).toBe("wait");
    expect(rig.wasi.waiting.until).toBe(5_000_000_500);
    rig.time.monotonic += 400;
    expect(poll(rig, given)).toBe("wait");
    expect(rig.wasi.waiting.until).toBe(5_000_000_500);
    expect([mayGoOn(rig.wasi.waiting, 5_000_000_499), mayGoOn(rig.wasi.waiting, 5_000_000_500)]).toEqual([
      false,
      true,
    ]);
    rig.time.monotonic += 100;
    expect(poll(rig, given)).toBe("success");
    expect(answers(rig, given)).toEqual([[1, 0, 0, 0, 0]]);
    expect(poll(rig, given)).toBe("wait");
    expect(rig.wasi.waiting.until).toBe(5_000_001_000);
  });

  test("points of both clocks, past and to come", () => {
    const rig = start();
    const wait = (clock: number, timeout: bigint) => {
      const given = ask(rig, dialect, [{ clock, timeout, flags: 1 }]);
      const answer = poll(rig, given);
      return answer === "wait" ? rig.wasi.waiting.until - rig.time.monotonic : answers(rig, given);
    };
    const now = [[0, 0, 0, 0, 0]];
    expect([wait(1, 1n), wait(1, 5_000_000_000n), wait(1, 5_000_000_001n)]).toEqual([now, now, 1]);
    expect([wait(0, 1n), wait(0, REALTIME), wait(0, REALTIME + 3n)]).toEqual([now, now, 3]);
    expect(wait(1, 2n ** 64n - 1n)).toBeGreaterThan(2 ** 63);
  });

  test("no time at all is ready at once, with whatever else is", () => {
    const rig = start({ f: "12345" });
    const fd = rig.open("f", ["fd_read", "fd_write", "poll_fd_readwrite"]);
    rig.streams[0].writer.write(new Uint8Array(3), 0, 3);
    const given = ask(rig, dialect, [
      { clock: 1, timeout: 0n },
      { read: 0 },
      { write: 1 },
      { read: fd },
      { write: fd },
    ]);
    expect(poll(rig, given)).toBe("success");
    expect(answers(rig, given)).toEqual([
      [0, 0, 0, 0, 0],
      [1, 0, 1, 3, 0],
      [2, 0, 2, 65_536, 0],
      [3, 0, 1, 5, 0],
      [4, 0, 2, 65_536, 0],
    ]);
  });

  test("streams are waited for, without a time too", () => {
    const rig = start();
    const given = ask(rig, dialect, [{ read: 0 }]);
    expect(poll(rig, given)).toBe("wait");
    expect([rig.wasi.waiting.until, mayGoOn(rig.wasi.waiting, 1e300)]).toEqual([
      Number.POSITIVE_INFINITY,
      false,
    ]);
    rig.streams[0].writer.write(new Uint8Array(2), 0, 2);
    expect(mayGoOn(rig.wasi.waiting, 0)).toBe(true);
    expect(poll(rig, given)).toBe("success");
    expect(answers(rig, given)).toEqual([[0, 0, 1, 2, 0]]);
  });

  test("ends that are gone are told", () => {
    const rig = start();
    rig.streams[0].writer.close();
    rig.streams[1].reader.close();
    const given = ask(rig, dialect, [{ read: 0 }, { write: 1 }, { clock: 1, timeout: 9n }]);
    expect(poll(rig, given)).toBe("success");
    expect(answers(rig, given)).toEqual([
      [0, 0, 1, 0, 1],
      [1, 64, 2, 0, 1],
    ]);
  });

  test("what cannot be waited for is an event with its error", () => {
    const rig = start({ f: "" });
    const weak = rig.open("f", ["fd_read"]);
    const { thing } = rig.descriptor(rig.open("f", []));
    if (thing.kind !== "file") throw new Error("not a file");
    const file = {
      read: () => 0,
      write: () => 0,
      size: () => refuse("stale"),
      resize: () => 0,
      sync: () => 0,
      close: () => undefined,
    };
    const broken = rig.table.open(new Descriptor({ ...thing, file }));
    const given = ask(rig, dialect, [
      { read: 99 },
      { write: 0xffffffff },
      { read: 1 },
      { write: 0 },
      { read: ROOT },
      { read: weak },
      { read: broken },
      { clock: 2, timeout: 1n },
      { clock: 9, timeout: 1n },
      { clock: 1, timeout: 1n, flags: 2 },
    ]);
    expect(poll(rig, given)).toBe("success");
    const errors = answers(rig, given).map(([, error]) => error);
    expect(errors).toEqual([8, 8, 76, 76, 76, 76, 72, 58, 28, 28]);
  });

  test("nothing is asked, too much, or what is unknown", () => {
    const rig = start();
    const given = ask(rig, dialect, [{ read: 0 }]);
    const [input, output, , result] = given;
    expect([
      poll(rig, [input, output, 0, result]),
      poll(rig, [input, output, SUBSCRIPTIONS + 1, result]),
    ]).toEqual(["inval", "inval"]);
    expect(poll(rig, [input, output, -1, result])).toBe("inval");
    rig.memory.setU8(input + dialect.subscription.type, 3);
    expect(poll(rig, given)).toBe("inval");
  });

  test("places outside, with nothing written", () => {
    const rig = start();
    const given = ask(rig, dialect, [{ clock: 1, timeout: 0n }]);
    const [input, output, count, result] = given;
    expect(poll(rig, [RIG_BYTES - 8, output, count, result])).toBe("fault");
    expect(poll(rig, [input, RIG_BYTES - EVENT_BYTES + 1, count, result])).toBe("fault");
    expect(poll(rig, [input, output, count, OUTSIDE])).toBe("fault");
    expect([rig.u64(output), rig.u32(result)]).toEqual([0xaaaaaaaaaaaaaaaan, 0xaaaaaaaa]);
  });

  test("answers may lie on the questions", () => {
    const rig = start();
    const questions = Array.from({ length: 4 }, () => ({ clock: 1, timeout: 0n }));
    const [input, , count, result] = ask(rig, dialect, questions);
    expect(poll(rig, [input, input, count, result])).toBe("success");
    expect(answers(rig, [input, input, count, result]).map(([who]) => who)).toEqual([0, 1, 2, 3]);
  });

  test("a different poll begins anew, and one that failed leaves nothing", () => {
    const rig = start();
    const first = ask(rig, dialect, [{ clock: 1, timeout: 100n }]);
    const second = ask(rig, dialect, [{ clock: 1, timeout: 100n }]);
    expect(poll(rig, first)).toBe("wait");
    rig.time.monotonic += 50;
    expect([poll(rig, second), rig.wasi.waiting.until]).toEqual(["wait", 5_000_000_150]);
    expect([poll(rig, first), rig.wasi.waiting.until]).toEqual(["wait", 5_000_000_150]);
  });
});
