/** Protected control transfer: at once, when the upcall returns, and replies that come later. */
import { DEC5000_125 } from "@exolith/hw-model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FAULT_CAUSES,
  TRANSFER_DEPTH,
  TRANSFER_KINDS,
  TRANSFER_WORDS,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type EnvId,
  type Gate,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import { makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import { makeTrace } from "../src/trace.ts";
import { eventsOf, isAlive, once, place, spinUntil } from "./transfer-rig.ts";

const own = capSlot(0);
type Numbers = readonly [number, number, number, number];

/** Numbers that something on the way would spoil if it could. */
const POISON: readonly Numbers[] = [
  [Number.NaN, -0, 0, 5e-324],
  [Number.MAX_VALUE, -Infinity, Infinity, Number.MIN_SAFE_INTEGER],
  [2 ** 31, -(2 ** 31), 2 ** 32 - 1, 0.1],
  [2 ** 53 + 2, -1, 1e-310, Number.NaN],
];

describe("registers", () => {
  test("[I1] transfers are atomic and leave registers alone: what the caller gave arrives, on the caller's slice, with nobody in between", () => {
    const trace = makeTrace(4096);
    const rig = makeRig(64, { trace, quantumSeconds: 1e-5 });
    const arrived: unknown[] = [];
    const slices: unknown[] = [];
    const note = (gate: Gate): void => {
      slices.push([gate.slices.ends(), gate.slices.current()]);
    };
    const server = place(rig, [1, 1], (gate) => ({
      transfer: (caller, a, b, c, d) => {
        note(gate);
        arrived.push([caller, a, b, c, d]);
        return d;
      },
      transferAsync: (caller, a, b, c, d) => {
        note(gate);
        arrived.push([caller, a, b, c, d]);
      },
    }));
    const sent: unknown[] = [];
    const replies: unknown[] = [];
    const row = rowOf(server.self);
    const client = place(
      rig,
      [1, 2],
      (gate) => {
        let turn = 0;
        return {
          sliceBegin: () => {
            const [a, b, c, d] = POISON[turn % POISON.length] as Numbers;
            const isLate = turn >= 2 * POISON.length;
            const isSynchronous = turn++ % (2 * POISON.length) < POISON.length;
            if (isLate) spinUntil(gate, gate.slices.ends() - 1);
            slices.push([gate.slices.ends(), gate.slices.current()]);
            sent.push([gate.self, a, b, c, d]);
            if (isSynchronous) replies.push([d, gate.transfer(server.self, a, b, c, d)]);
            else {
              must(gate.transferAsync(server.self, a, b, c, d));
              if (isLate) spinUntil(gate, gate.slices.ends() + gate.slices.quantum() / 2);
            }
          },
        };
      },
      [7],
    );
    place(rig, [1, 3], () => ({}), [8, 9]);
    rig.run(POISON.length * 4 * 3);

    expect(arrived.length).toBe(POISON.length * 4);
    expect(arrived).toEqual(sent);
    expect(replies.length).toBe(POISON.length * 2);
    for (const [given, got] of replies as number[][]) expect(Object.is(given, got)).toBe(true);
    // The callee runs on the slice of the caller, and on none of its own.
    for (let i = 0; i < slices.length; i += 2) expect(slices[i + 1]).toEqual(slices[i]);
    expect(rig.root.environments.slicesBegun(row)).toBe(0);
    // From the initiation on, up to the arrival, nothing else happens, also when the slice is over by then.
    const events = eventsOf(trace);
    const begins = events.flatMap(([event, a], i) =>
      event === "sliceBegin" && a === client.self ? [i] : [],
    );
    expect(begins.length).toBe(POISON.length * 4);
    for (const at of begins)
      expect(events.slice(at + 1, at + 3)).toEqual([
        ["control", client.self, server.self],
        ["sliceEnd", client.self, 7],
      ]);
  });

  test("any four numbers arrive and come back as they are", () => {
    const rig = makeRig(64);
    const kept: number[] = [];
    const server = place(rig, [1, 1], () => ({
      transfer: (_, ...registers) => {
        kept.splice(0, 4, ...registers);
        return registers[3];
      },
      transferAsync: (_, ...registers) => void kept.splice(0, 4, ...registers),
    }));
    const client = rig.environment([1, 2]);
    const any = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, -0, 2 ** 31));
    fc.assert(
      fc.property(any, any, any, any, (a, b, c, d) => {
        expect(Object.is(client.transfer(server.self, a, b, c, d), d)).toBe(true);
        expect(kept).toEqual([a, b, c, d]);
        must(client.transferAsync(server.self, d, c, b, a));
        expect(kept).toEqual([d, c, b, a]);
      }),
    );
  });

  test("what is no number does not cross, in any register", () => {
    const rig = makeRig(64);
    let entered = 0;
    const server = place(rig, [1, 1], () => ({
      transfer: () => (entered += 1),
      transferAsync: () => void (entered += 1),
    }));
    const client = rig.environment([1, 2]);
    const objects = [undefined, null, {}, "1", true, 1n, { valueOf: () => 1 }, Symbol("1")] as never[];
    for (const bad of objects)
      for (let at = 0; at < 4; at++) {
        const registers = [1, 2, 3, 4].map((n, i) => (i === at ? bad : n)) as unknown as Numbers;
        expect(outcome(client.transfer(server.self, ...registers))).toBe("BadRange");
        expect(outcome(client.transferAsync(server.self, ...registers))).toBe("BadRange");
      }
    expect(entered).toBe(0);
  });
});

describe("the other side of a synchronous transfer", () => {
  const pair = (upcalls: (gate: Gate) => Partial<Upcalls>): { rig: Rig; server: Gate; client: Gate } => {
    const rig = makeRig(64);
    const server = place(rig, [1, 1], upcalls);
    return { rig, server, client: rig.environment([1, 2]) };
  };

  test("the callee runs while its entry does, with an address space of its own; then the caller again", () => {
    const { rig, server, client } = pair((gate) => ({
      transfer: () => gate.environments.asid(rowOf(gate.self)),
    }));
    expect(client.transfer(server.self, 0, 0, 0, 0)).toBeGreaterThanOrEqual(0);
    expect(rig.root.environments.callsOf(rowOf(client.self), 0x2a)).toBe(1);
  });

  const BAD_REPLIES: Record<string, () => unknown> = {
    "a text": () => "7",
    "an object": () => ({}),
    "nothing, as null": () => null,
    "a big integer": () => 7n,
    "a promise": () => Promise.resolve(7),
    "a promise that is broken": () => Promise.reject(new Error("later")),
  };

  test.each(Object.entries(BAD_REPLIES))("a reply that is %s is the callee's fault", (_, reply) => {
    const causes: unknown[] = [];
    const { server, client, rig } = pair(() => ({
      transfer: reply as never,
      fault: (cause, __, blame) => void causes.push([cause, blame]),
    }));
    expect(outcome(client.transfer(server.self, 0, 0, 0, 0))).toBe("Faulted");
    expect(causes).toEqual([[FAULT_CAUSES.upcall, server.self]]);
    expect(rig.root.environments.faults(rowOf(server.self))).toBe(1);
    expect(rig.root.environments.faults(rowOf(client.self))).toBe(0);
    expect(outcome(client.transfer(client.self, 0, 0, 0, 0))).toBe("NoEntry");
  });

  test("a callee that throws has the fault, its caller hears of it and goes on", () => {
    const causes: number[] = [];
    const { server, client } = pair(() => ({
      transfer: (_, a) => {
        if (a > 0) throw new Error("no");
        return 5;
      },
      fault: (cause) => void causes.push(cause),
    }));
    expect(outcome(client.transfer(server.self, 1, 0, 0, 0))).toBe("Faulted");
    expect(causes).toEqual([FAULT_CAUSES.thrown]);
    expect(client.transfer(server.self, 0, 0, 0, 0)).toBe(5);
  });

  test("without an entry for faults the callee ends, and nobody else", () => {
    const { rig, server, client } = pair(() => ({
      transfer: () => {
        throw new Error("no");
      },
    }));
    expect(outcome(client.transfer(server.self, 1, 0, 0, 0))).toBe("Faulted");
    expect(isAlive(rig, server)).toBe(false);
    expect(outcome(client.transfer(server.self, 1, 0, 0, 0))).toBe("BadEnvironment");
    expect(client.nullCall()).toBe(undefined);
  });

  test("who has no entry, or no code at all, cannot be entered", () => {
    const { rig, client } = pair(() => ({}));
    const mute = rig.environment([1, 3]);
    const page = must(client.framesAlloc(frame(4), 1, own));
    const window = must(client.windowBind(page, 1, true, own));
    for (const target of [mute.self, rig.root.self]) {
      expect(outcome(client.transfer(target, 0, 0, 0, 0))).toBe("NoEntry");
      expect(outcome(client.transferAsync(target, 0, 0, 0, 0))).toBe("NoEntry");
      expect(outcome(client.transferWords(target, window, 0, 1, 0))).toBe("NoEntry");
    }
    for (const target of [0, 12_345, -1, Number.NaN, undefined, "1", {}] as never[]) {
      expect(outcome(client.transfer(target, 0, 0, 0, 0))).toBe("BadEnvironment");
      expect(outcome(client.transferAsync(target, 0, 0, 0, 0))).toBe("BadEnvironment");
      expect(outcome(client.transferWords(target, window, 0, 1, 0))).toBe("BadEnvironment");
      expect(outcome(client.transferReply(target, 0, 0, 0, 0))).toBe("BadEnvironment");
    }
  });

  test("a round trip costs one transfer each way, a caller that is kept none back, one that is refused a call", () => {
    const rig = makeRig(64, {}, { profile: DEC5000_125 });
    const server = place(rig, [1, 1], () => ({
      transfer: (_, a) => (a === 0 ? undefined : a),
      fault: () => {},
    }));
    const client = rig.environment([1, 2]);
    const cyclesOf = (act: () => void): number => {
      const before = rig.machine.clock.now();
      for (let i = 0; i < 64; i++) act();
      return (rig.machine.clock.now() - before) / 64;
    };
    const transfer = cyclesOf(() => rig.machine.meter.charge("transfer", 1));
    const call = cyclesOf(() => void client.nullCall());
    expect(cyclesOf(() => void client.transfer(server.self, 1, 2, 3, 4))).toBe(2 * transfer);
    expect(cyclesOf(() => void client.transfer(client.self, 1, 2, 3, 4))).toBe(call);
    const before = rig.machine.clock.now();
    expect(client.transfer(server.self, 0, 0, 0, 0)).toBe(undefined);
    expect(rig.machine.clock.now() - before).toBe(transfer);
  });
});

describe("who lets whom in", () => {
  test("[I3] a callee that does not accept a transfer is not entered: Blocked, and its caller goes on", () => {
    const rig = makeRig(64);
    let entered = 0;
    const server = place(rig, [1, 1], () => ({
      transfer: () => (entered += 1),
      transferWords: () => (entered += 1),
      transferAsync: () => void (entered += 1),
    }));
    const page = must(server.framesAlloc(frame(4), 1, own));
    must(server.transferBuffer(must(server.windowBind(page, 1, true, own)), 0));
    let slices = 0;
    const heard: string[][] = [];
    const client = place(
      rig,
      [1, 2],
      (gate) => {
        must(gate.framesAlloc(frame(5), 1, own));
        const window = must(gate.windowBind(frame(5), 1, true, own));
        return {
          sliceBegin: () => {
            slices += 1;
            heard.push([
              outcome(gate.transfer(server.self, 1, 2, 3, 4)),
              outcome(gate.transferWords(server.self, window, 0, 4, 1)),
              outcome(gate.transferAsync(server.self, 1, 2, 3, 4)),
            ]);
          },
        };
      },
      [3],
    );
    const kinds: [number, string[]][] = [
      [TRANSFER_KINDS.none, ["Blocked", "Blocked", "Blocked"]],
      [TRANSFER_KINDS.asynchronous, ["Blocked", "Blocked", "ok"]],
      [TRANSFER_KINDS.synchronous, ["ok", "ok", "Blocked"]],
      [TRANSFER_KINDS.all, ["ok", "ok", "ok"]],
    ];
    const { environments } = rig.root;
    expect(environments.allows(rowOf(server.self))).toBe(TRANSFER_KINDS.all);
    for (const [kind, expected] of kinds) {
      must(server.transferAllow(kind));
      expect(environments.allows(rowOf(server.self))).toBe(kind);
      const state = tableState(rig.root);
      entered = 0;
      rig.run(1);
      expect(heard.pop()).toEqual(expected);
      expect(entered).toBe(expected.filter((each) => each === "ok").length);
      expect(tableState(rig.root)).toBe(state);
    }
    expect(slices).toBe(4);
    expect([environments.faults(rowOf(client.self)), environments.runnable(rowOf(client.self))]).toEqual([
      0, 1,
    ]);
  });

  test("a set of kinds that is none is refused and changes nothing", () => {
    const rig = makeRig(64);
    const gate = rig.environment([1, 1]);
    must(gate.transferAllow(TRANSFER_KINDS.synchronous));
    for (const bad of [4, -1, 1.5, Number.NaN, "1", undefined, {}] as never[])
      expect(outcome(gate.transferAllow(bad))).toBe("BadRange");
    expect(gate.environments.allows(rowOf(gate.self))).toBe(TRANSFER_KINDS.synchronous);
  });

  test("nobody is entered while it runs: not by itself, not by whom it called", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const ids: EnvId[] = [];
    const tryAll = (gate: Gate): void => {
      for (const id of ids) {
        heard.push(outcome(gate.transfer(id, 0, 0, 0, 0)));
        heard.push(outcome(gate.transferAsync(id, 0, 0, 0, 0)));
      }
    };
    const last = place(rig, [1, 3], (gate) => ({
      transfer: () => (tryAll(gate), 3),
      transferAsync: () => {},
    }));
    const middle = place(rig, [1, 2], (gate) => ({
      transfer: () => gate.transfer(last.self, 0, 0, 0, 0) as number,
      transferAsync: () => {},
    }));
    const first = place(
      rig,
      [1, 1],
      (gate) => ({
        ...once(() => heard.push(String(gate.transfer(middle.self, 0, 0, 0, 0))))(gate),
        transfer: () => 1,
        transferAsync: () => {},
      }),
      [0],
    );
    ids.push(first.self, middle.self, last.self);
    rig.run(2);
    expect(heard).toEqual([...Array<string>(6).fill("Blocked"), "3"]);
  });

  test("nobody enters itself, although it does not run", () => {
    const gate = place(makeRig(64), [1, 1], () => ({ transfer: () => 1, transferAsync: () => {} }));
    expect(outcome(gate.transfer(gate.self, 0, 0, 0, 0))).toBe("Blocked");
    expect(outcome(gate.transferAsync(gate.self, 0, 0, 0, 0))).toBe("Blocked");
  });

  test("transfers nest so deep and no deeper; the innermost one is told, all others go on", () => {
    const rig = makeRig(64);
    const chain: Gate[] = [];
    const heard: string[] = [];
    for (let i = 0; i <= TRANSFER_DEPTH; i++)
      chain.push(
        place(rig, [1, i + 1], (gate) => ({
          transfer: (_, depth) => {
            const next = chain[depth + 1];
            const reply = next === undefined ? 0 : gate.transfer(next.self, depth + 1, 0, 0, 0);
            if (!failed(reply)) return (reply as number) + 1;
            heard.push(outcome(reply), outcome(gate.transferAsync((next as Gate).self, 0, 0, 0, 0)));
            return 1;
          },
          transferAsync: () => {},
        })),
      );
    const client = rig.environment([2]);
    expect(client.transfer((chain[0] as Gate).self, 0, 0, 0, 0)).toBe(TRANSFER_DEPTH);
    expect(heard).toEqual(["TooDeep", "TooDeep"]);
    expect(client.transfer((chain.at(-1) as Gate).self, TRANSFER_DEPTH, 0, 0, 0)).toBe(1);
  });
});

describe("words besides", () => {
  interface Words {
    readonly rig: Rig;
    readonly server: Gate;
    readonly client: Gate;
    readonly buffer: Window;
    readonly source: Window;
    readonly entered: number[][];
  }

  function words(reply: (a: number, count: number) => number | undefined = (a, count) => a + count): Words {
    const rig = makeRig(64);
    const entered: number[][] = [];
    const server = place(rig, [1, 1], () => ({
      transferWords: (caller, a, count) => {
        entered.push([caller, a, count]);
        return reply(a, count);
      },
    }));
    const client = rig.environment([1, 2]);
    const bind = (gate: Gate, at: number): Window => {
      must(gate.framesAlloc(frame(at), 1, own));
      return must(gate.windowBind(frame(at), 1, true, own));
    };
    const buffer = bind(server, 4);
    const source = bind(client, 6);
    for (let i = 0; i < 1024; i++) source.setU32(i * 4, 0xabcd_0000 + i);
    must(server.transferBuffer(buffer, 128));
    return { rig, server, client, buffer, source, entered };
  }

  const contents = (window: Window): number[] =>
    Array.from({ length: window.length / 4 }, (_, i) => window.getU32(i * 4));

  test("[I4] up to 16 words arrive in the callee's buffer; 17 are refused, a bad window too, and the callee is untouched", () => {
    const { rig, client, server, buffer, source, entered } = words();
    const before = contents(buffer);
    expect(before.every((word) => word === 0)).toBe(true);
    const page = must(server.framesAlloc(frame(9), 1, own));
    const foreign = must(server.windowBind(page, 1, true, own));
    const dead = must(client.windowBind(frame(6), 1, false, own));
    must(client.windowUnbind(dead));
    const state = tableState(rig.root);
    const refused = (...request: readonly unknown[]): string => {
      const [window, at, count, a] = request as [Window, number, number, number];
      return outcome(client.transferWords(server.self, window, at, count, a));
    };
    for (const count of [17, 0, -1, 1.5, Number.NaN, 2 ** 31, undefined, "4", {}])
      expect(refused(source, 0, count, 0)).toBe("BadRange");
    for (const at of [-4, 1, 2, 4096, 4096 - 63, 4096 - 60, 0.5, undefined, "0"])
      expect(refused(source, at, 16, 0)).toBe("BadRange");
    for (const a of [undefined, "0", null, {}]) expect(refused(source, 0, 4, a)).toBe("BadRange");
    for (const bad of [dead, foreign, buffer, undefined, {}, new Proxy(source, {})])
      expect(refused(bad, 0, 4, 0)).toBe("BadWindow");
    expect(entered).toEqual([]);
    expect(contents(buffer)).toEqual(before);
    expect(tableState(rig.root)).toBe(state);

    expect(client.transferWords(server.self, source, 4096 - 64, TRANSFER_WORDS, 7)).toBe(7 + 16);
    expect(entered).toEqual([[client.self, 7, 16]]);
    const copied = contents(source).slice(-16);
    expect(contents(buffer)).toEqual([...before.slice(0, 32), ...copied, ...before.slice(48)]);
    expect(client.transferWords(server.self, source, 8, 1, -0)).toBe(1);
    expect(contents(buffer).slice(32, 34)).toEqual([0xabcd_0002, copied[1]]);
  });

  test("a buffer is a live place of the callee's own that may be written, or there is none", () => {
    const { client, server, buffer, source } = words();
    const send = (): string => outcome(client.transferWords(server.self, source, 0, 4, 0));
    const readable = must(server.windowBind(frame(4), 1, false, own));
    for (const bad of [readable, source, undefined, {}] as Window[])
      expect(outcome(server.transferBuffer(bad, 0))).toBe("BadWindow");
    for (const at of [-4, 2, 4096 - 60, 4096, 0.5, undefined] as number[])
      expect(outcome(server.transferBuffer(buffer, at))).toBe("BadRange");
    expect(send()).toBe("ok");
    must(server.transferBuffer(buffer, 4096 - 64));
    expect(send()).toBe("ok");
    expect(buffer.getU32(4096 - 64)).toBe(0xabcd_0000);
    must(server.windowUnbind(buffer));
    expect(send()).toBe("NoEntry");
  });

  test("a frame that the callee gives back is not written by words for it any more", () => {
    const { client, server, source } = words();
    must(server.framesFree(frame(4), 1, own));
    must(client.framesAlloc(frame(4), 1, own));
    const mine = must(client.windowBind(frame(4), 1, true, own));
    expect(outcome(client.transferWords(server.self, source, 0, 16, 0))).toBe("NoEntry");
    expect(contents(mine).every((word) => word === 0)).toBe(true);
  });

  test("the callee may keep the caller, throw, or give what is no number, as with registers", () => {
    const { client, server, source } = words((a) => {
      if (a === 1) throw new Error("no");
      return a === 2 ? ("x" as never) : undefined;
    });
    expect(client.transferWords(server.self, source, 0, 1, 0)).toBe(undefined);
    expect(server.environments.keptBy(rowOf(client.self))).toBe(server.self);
    expect(outcome(client.transferWords(server.self, source, 0, 1, 0))).toBe("Blocked");
    must(server.transferReply(client.self, 0, 0, 0, 0));
    expect(outcome(client.transferWords(server.self, source, 0, 1, 1))).toBe("Faulted");
    expect(outcome(client.transferWords(server.self, source, 0, 1, 1))).toBe("BadEnvironment");
    const other = words(() => "x" as never);
    expect(outcome(other.client.transferWords(other.server.self, other.source, 0, 1, 2))).toBe("Faulted");
  });
});
