/** Transfers that do not end at once: callers that are kept, replies, and asynchronous ones. */
import { DEC5000_125 } from "@exolith/hw-model";
import { describe, expect, test } from "vitest";
import {
  TRANSFER_DEPTH,
  capSlot,
  cycles,
  must,
  rowOf,
  sliceIndex,
  type EnvId,
  type Gate,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, type Rig } from "../src/testing/index.ts";
import { makeTrace } from "../src/trace.ts";
import { eventsOf, isAlive, once, place, sleep, spinUntil } from "./transfer-rig.ts";

const own = capSlot(0);

test("[I2] a synchronous transfer gives the caller's slices to the callee until it replies; an asynchronous one ends with the slice", () => {
  const trace = makeTrace(4096);
  const rig = makeRig(64, { trace });
  const { environments } = rig.root;
  const heard: unknown[] = [];
  let reply = false;
  const clients: EnvId[] = [];
  const server = place(
    rig,
    [1, 1],
    (gate) => ({
      sliceBegin: () => {
        if (reply) must(gate.transferReply(clients[0] as EnvId, 5, -0, Number.NaN, 8));
        reply = false;
      },
      transfer: () => undefined,
      transferAsync: () => void heard.push(["arrived", gate.slices.current(), gate.slices.ends()]),
    }),
    [32],
  );
  let turn = 0;
  const client = place(
    rig,
    [1, 2],
    (gate) => ({
      sliceBegin: () => {
        turn += 1;
        if (turn === 1) heard.push(gate.transfer(server.self, 1, 2, 3, 4));
        else if (turn === 2) must(gate.transferAsync(server.self, 1, 2, 3, 4));
      },
      sliceEnd: () => void heard.push("end"),
      transferReply: (from, ...registers) => void heard.push([from, ...registers]),
    }),
    [0, 64, 100],
  );
  clients.push(client.self);
  const row = rowOf(client.self);
  const slicesOf = (steps: number): [number, number][] => {
    const before = eventsOf(trace, "sliceBegin").length;
    rig.run(steps);
    return eventsOf(trace, "sliceBegin")
      .slice(before)
      .map(([, environment, position]) => [environment, position]);
  };
  // The client asks at position 0; what is left of that slice and all its others are the server's.
  expect(slicesOf(1)).toEqual([
    [client.self, 0],
    [server.self, 0],
  ]);
  expect(heard.splice(0)).toEqual([undefined]);
  for (let round = 0; round < 5; round++) {
    expect(slicesOf(4).toSorted((a, b) => a[1] - b[1])).toEqual(
      [0, 32, 64, 100].map((position) => [server.self, position]),
    );
    expect(environments.keptBy(row)).toBe(server.self);
    expect(environments.runnable(row)).toBe(0);
    expect(rig.root.slices.owner(64)).toBe(client.self);
  }
  expect(heard).toEqual([]);
  // The reply arrives as it was given, and the slices are the client's again, the second of them for a transfer.
  reply = true;
  expect(slicesOf(1)).toEqual([[server.self, 32]]);
  expect(heard.splice(0)).toEqual([[server.self, 5, -0, Number.NaN, 8]]);
  expect(environments.keptBy(row)).toBe(0);
  expect(environments.runnable(row)).toBe(1);
  expect(slicesOf(1)).toEqual([[client.self, 64]]);
  expect(heard.splice(0)).toEqual([["arrived", 64, expect.any(Number)], "end"]);
  expect(environments.keptBy(row)).toBe(0);
  // At the end of that slice it is over: the next is the client's.
  expect(slicesOf(4)).toEqual([
    [client.self, 100],
    [client.self, 0],
    [server.self, 32],
    [client.self, 64],
  ]);
  checkTables(rig.root);
});

describe("a caller that is kept", () => {
  interface Kept {
    readonly rig: Rig;
    readonly server: Gate;
    readonly client: Gate;
    readonly replies: number[][];
  }

  /** A client with slices that transferred itself away to a server without any; both let others end them. */
  function kept(hasEntry = true): Kept {
    const rig = makeRig(64);
    const replies: number[][] = [];
    const server = place(rig, [1, 1], () => ({ transfer: () => undefined }));
    const client = place(
      rig,
      [1, 2],
      (gate) => ({
        ...once(() => void gate.transfer(server.self, 1, 2, 3, 4))(gate),
        ...(hasEntry ? { transferReply: (...all) => void replies.push(all) } : {}),
      }),
      [0],
    );
    rig.run(1);
    expect(client.environments.keptBy(rowOf(client.self))).toBe(server.self);
    return { rig, server, client, replies };
  }

  test("gets the reply once, and only from whoever keeps it", () => {
    const { rig, server, client, replies } = kept();
    const stranger = place(rig, [1, 3], () => ({}));
    for (const gate of [stranger, client, rig.root])
      expect(outcome(gate.transferReply(client.self, 1, 2, 3, 4))).toBe("BadEnvironment");
    for (const bad of [undefined, {}, "1"] as never[])
      expect(outcome(server.transferReply(client.self, 1, 2, 3, bad))).toBe("BadRange");
    expect(replies).toEqual([]);
    expect(outcome(server.transferReply(client.self, 1, 2, 3, 4))).toBe("ok");
    expect(outcome(server.transferReply(client.self, 1, 2, 3, 4))).toBe("BadEnvironment");
    expect(replies).toEqual([[server.self, 1, 2, 3, 4]]);
  });

  test("without an entry for the reply just goes on, although it slept", () => {
    const { rig, server, client } = kept(false);
    const row = rowOf(client.self);
    const before = client.environments.slicesBegun(row);
    must(server.transferReply(client.self, 1, 2, 3, 4));
    expect(client.environments.runnable(row)).toBe(1);
    rig.run(3);
    expect(client.environments.slicesBegun(row)).toBe(before + 1);
  });

  test("goes on without a reply when the callee ends: its event count grows, and it sees that nobody keeps it", () => {
    const { rig, server, client, replies } = kept();
    const row = rowOf(client.self);
    const events = client.environments.events(row);
    must(rig.root.environmentDestroy(server.self, own));
    expect(client.environments.keptBy(row)).toBe(0);
    expect(client.environments.events(row)).toBe(events + 1);
    rig.run(3);
    expect(client.environments.slicesBegun(row)).toBe(2);
    expect(client.environments.faults(row)).toBe(0);
    expect(replies).toEqual([]);
  });

  test("may end: its keeper cannot reply any more and loses the slices", () => {
    const { rig, server, client } = kept();
    const before = server.environments.slicesBegun(rowOf(server.self));
    must(rig.root.environmentDestroy(client.self, own));
    expect(outcome(server.transferReply(client.self, 1, 2, 3, 4))).toBe("BadEnvironment");
    rig.run(3);
    expect(server.environments.slicesBegun(rowOf(server.self))).toBe(before);
    expect(rig.root.slices.owner(0)).toBe(0);
    checkTables(rig.root);
  });

  test("cannot be entered, yielded to, or make another transfer; one that it initiated still arrives", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const server = place(rig, [1, 1], () => ({ transfer: () => undefined }));
    const other = place(rig, [1, 3], () => ({
      transfer: () => 1,
      transferAsync: () => void heard.push("arrived"),
    }));
    const client = place(
      rig,
      [1, 2],
      (gate) => ({
        ...once(() => {
          must(gate.transferAsync(other.self, 0, 0, 0, 0));
          must(gate.transfer(server.self, 0, 0, 0, 0));
          heard.push(outcome(gate.transfer(other.self, 0, 0, 0, 0)));
          heard.push(outcome(gate.transfer(server.self, 0, 0, 0, 0)));
          heard.push(outcome(server.transferReply(gate.self, 0, 0, 0, 0)));
        })(gate),
        transfer: () => 1,
        transferAsync: () => void heard.push("entered"),
        sliceEnd: () => void heard.push("ran"),
      }),
      [0],
    );
    rig.run(1);
    expect(heard.splice(0)).toEqual(["Blocked", "Blocked", "BadEnvironment", "arrived"]);
    expect(outcome(other.transfer(client.self, 0, 0, 0, 0))).toBe("Blocked");
    expect(outcome(other.transferAsync(client.self, 0, 0, 0, 0))).toBe("Blocked");
    const yielder = place(rig, [1, 4], (gate) => once(() => must(gate.yieldTo(client.self)))(gate), [9]);
    rig.run(5);
    expect(heard).toEqual([]);
    expect(rig.root.environments.slicesBegun(rowOf(yielder.self))).toBe(1);
    expect(rig.root.environments.slicesBegun(rowOf(client.self))).toBe(1);
  });

  test("of a callee that is kept itself: the last one has the slices of all, and each replies to its own", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const gates: Gate[] = [];
    const name = (id: number): string => `${gates.findIndex((gate) => gate.self === id)}`;
    const last = place(
      rig,
      [1, 1],
      (gate) => ({
        sliceBegin: () => {
          heard.push(`last at ${gate.slices.current()}`);
          if (heard.length === 3) must(gate.transferReply((gates[1] as Gate).self, 1, 0, 0, 0));
        },
        transfer: () => undefined,
      }),
      [8],
    );
    const middle = place(
      rig,
      [1, 2],
      (gate) => ({
        transfer: () => {
          must(gate.transfer(last.self, 0, 0, 0, 0));
          return undefined;
        },
        transferReply: (from, value) => {
          heard.push(`middle from ${name(from)}`);
          must(gate.transferReply((gates[2] as Gate).self, value + 1, 0, 0, 0));
        },
      }),
      [4],
    );
    const first = place(
      rig,
      [1, 3],
      (gate) => ({
        ...once(() => void gate.transfer(middle.self, 0, 0, 0, 0))(gate),
        transferReply: (from, value) => void heard.push(`first from ${name(from)}: ${value}`),
      }),
      [0],
    );
    gates.push(last, middle, first);
    rig.run(1);
    expect(rig.root.environments.keptBy(rowOf(first.self))).toBe(middle.self);
    expect(rig.root.environments.keptBy(rowOf(middle.self))).toBe(last.self);
    rig.run(2);
    expect(heard).toEqual(["last at 0", "last at 4", "last at 8", "middle from 0", "first from 1: 2"]);
    for (const gate of gates) expect(rig.root.environments.keptBy(rowOf(gate.self))).toBe(0);
  });

  test("of a keeper that sleeps: the slices are nobody's, and the machine is idle", () => {
    const rig = makeRig(64);
    const server = place(rig, [1, 1], (gate) => ({
      sliceBegin: () => sleep(gate),
      transfer: () => undefined,
    }));
    place(
      rig,
      [1, 2],
      once((gate) => void gate.transfer(server.self, 0, 0, 0, 0)),
      [0],
    );
    rig.run(10);
    expect(rig.kernel.step()).toBe(false);
    expect(rig.kernel.wakeAt()).toBe(Infinity);
    must(rig.root.wake(server.self, own));
    expect(rig.kernel.wakeAt()).toBe(rig.machine.clock.now());
    expect(rig.kernel.step()).toBe(true);
  });

  test("of a keeper without slices of its own lets it run", () => {
    const { rig, server } = kept();
    const before = server.environments.slicesBegun(rowOf(server.self));
    rig.run(2);
    expect(server.environments.slicesBegun(rowOf(server.self))).toBe(before + 2);
  });
});

describe("deaths in the middle of a transfer", () => {
  const WHO = ["caller", "callee", "both"] as const;

  test.each(WHO)("the callee ends %s", (who) => {
    const rig = makeRig(64);
    const heard: unknown[] = [];
    const server = place(rig, [1, 1], (gate) => ({
      transfer: (caller) => {
        const mine = must(gate.capabilityForge(own, { name: [1, 1], rights: 0 }));
        expect(outcome(gate.environmentDestroy(caller as EnvId, mine))).toBe("BadCapability");
        if (who !== "callee") must(gate.environmentDestroy(caller as EnvId, capSlot(1)));
        if (who !== "caller") must(gate.environmentDestroy(gate.self, own));
        return 7;
      },
    }));
    rig.grant(server, { name: [1, 2], rights: 7 });
    const client: Gate = place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => {
          const reply = gate.transfer(server.self, 0, 0, 0, 0);
          heard.push(typeof reply === "number" ? reply : outcome(reply));
          try {
            gate.nullCall();
            heard.push("alive");
          } catch {
            heard.push("dead");
          }
          if (heard.at(-1) === "alive") sleep(gate);
        },
        sliceEnd: () => void heard.push("end"),
      }),
      [0],
    );
    rig.run(2);
    const expected = {
      caller: [7, "dead"],
      callee: ["Faulted", "alive", "end"],
      both: ["Faulted", "dead"],
    }[who];
    expect(heard).toEqual(expected);
    expect(isAlive(rig, client)).toBe(who === "callee");
    expect(isAlive(rig, server)).toBe(who === "caller");
    if (who !== "callee") expect(rig.root.slices.owner(0)).toBe(0);
    checkTables(rig.root);
  });

  test("a callee that ends its caller keeps nobody, and one that ended keeps nobody either", () => {
    const rig = makeRig(64);
    const server = place(rig, [1, 1], (gate) => ({
      transfer: (caller, isMine) => {
        must(gate.environmentDestroy((isMine === 1 ? gate.self : caller) as EnvId, capSlot(1)));
        return undefined;
      },
    }));
    rig.grant(server, { name: [1], rights: 7 });
    const first = rig.environment([1, 2]);
    expect(first.transfer(server.self, 0, 0, 0, 0)).toBe(undefined);
    expect(isAlive(rig, first)).toBe(false);
    const second = rig.environment([1, 3]);
    expect(outcome(second.transfer(server.self, 1, 0, 0, 0))).toBe("Faulted");
    expect(second.environments.keptBy(rowOf(second.self))).toBe(0);
    checkTables(rig.root);
  });
});

describe("an asynchronous transfer", () => {
  test("arrives when the upcall returns, whatever kind it is, and once in each", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const server = place(rig, [1, 1], () => ({
      transferAsync: (_, a) => void heard.push(`arrived ${a}`),
    }));
    const initiate = (gate: Gate, a: number): void => {
      must(gate.transferAsync(server.self, a, 0, 0, 0));
      heard.push(`${a}: ${outcome(gate.transferAsync(server.self, a, 0, 0, 0))}`);
    };
    const client = place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => {
          sleep(gate);
          initiate(gate, 1);
        },
        sliceEnd: () => {
          initiate(gate, 2);
          throw new Error("on purpose");
        },
        fault: () => void heard.push(`fault: ${outcome(gate.transferAsync(server.self, 3, 0, 0, 0))}`),
        transfer: () => {
          initiate(gate, 4);
          return 1;
        },
        transferReply: () => initiate(gate, 5),
      }),
      [0],
    );
    rig.run(3);
    expect(heard.splice(0)).toEqual(["1: Busy", "arrived 1", "2: Busy", "fault: Busy", "arrived 2"]);
    const other = place(rig, [1, 3], () => ({ transfer: () => undefined }));
    expect(other.transfer(client.self, 0, 0, 0, 0)).toBe(1);
    expect(heard.splice(0)).toEqual(["4: Busy", "arrived 4"]);
    expect(client.transfer(other.self, 0, 0, 0, 0)).toBe(undefined);
    must(other.transferReply(client.self, 0, 0, 0, 0));
    expect(heard.splice(0)).toEqual(["5: Busy", "arrived 5"]);
  });

  test("arrives when a request to give something back has been answered", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const server = place(rig, [1, 1], () => ({ transferAsync: () => void heard.push("arrived") }));
    const client = place(rig, [1, 2], (gate) => ({
      revoke: () => {
        must(gate.sliceFree(sliceIndex(5), own));
        must(gate.transferAsync(server.self, 0, 0, 0, 0));
        heard.push("asked");
      },
    }));
    must(client.sliceAlloc(sliceIndex(5), own));
    must(rig.root.revocationAsk(client.self, 2, 1, own));
    rig.run(2);
    expect(heard).toEqual(["asked", "arrived"]);
  });

  test("of one that is in no upcall arrives at once, also of the boot environment", () => {
    const rig = makeRig(64);
    const heard: number[] = [];
    const server = place(rig, [1, 1], () => ({ transferAsync: (caller) => void heard.push(caller) }));
    const client = rig.environment([1, 2]);
    must(rig.root.transferAsync(server.self, 0, 0, 0, 0));
    must(client.transferAsync(server.self, 0, 0, 0, 0));
    expect(heard).toEqual([rig.root.self, client.self]);
  });

  test("arrives although the initiator is dead by then; not when the callee is", () => {
    const rig = makeRig(64);
    const heard: number[] = [];
    const server = place(rig, [1, 1], () => ({ transferAsync: (caller) => void heard.push(caller) }));
    const doomed = place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => {
          must(gate.transferAsync(server.self, 0, 0, 0, 0));
          must(gate.environmentDestroy(gate.self, own));
        },
      }),
      [0],
    );
    rig.run(1);
    expect(heard).toEqual([doomed.self]);
    const killer = place(
      rig,
      [1, 3],
      (gate) => ({
        ...once(() => {
          must(gate.transferAsync(server.self, 0, 0, 0, 0));
          must(gate.environmentDestroy(server.self, capSlot(1)));
        })(gate),
      }),
      [1],
    );
    rig.grant(killer, { name: [1, 1], rights: 7 });
    rig.run(2);
    expect(isAlive(rig, server)).toBe(false);
    expect(isAlive(rig, killer)).toBe(true);
    expect(heard).toEqual([doomed.self]);
    checkTables(rig.root);
  });

  test("gives the rest of the slice: whom the callee yields to has it then", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const ends: number[] = [];
    const third = place(rig, [1, 3], (gate) => ({
      sliceBegin: () => {
        heard.push("third");
        ends.push(gate.slices.ends());
      },
    }));
    const server = place(rig, [1, 1], (gate) => ({
      transferAsync: (_, isYielding) => {
        heard.push("server");
        ends.push(gate.slices.ends());
        if (isYielding === 1) must(gate.yieldTo(third.self));
      },
    }));
    const lost = place(rig, [1, 4], () => ({ sliceBegin: () => void heard.push("lost") }));
    let turn = 0;
    place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => {
          ends.push(gate.slices.ends());
          must(gate.yieldTo(lost.self));
          must(gate.transferAsync(server.self, turn++, 0, 0, 0));
        },
      }),
      [0],
    );
    rig.run(1);
    expect(heard.splice(0)).toEqual(["server"]);
    rig.run(1);
    expect(heard).toEqual(["server", "third"]);
    expect(new Set(ends).size).toBe(2);
  });

  test("a chain of them is as long as transfers nest, then the next is refused", () => {
    const rig = makeRig(64);
    const heard: number[] = [];
    const refusals: string[] = [];
    const pair: Gate[] = [];
    for (let i = 0; i < 2; i++)
      pair.push(
        place(rig, [1, i + 1], (gate) => ({
          transferAsync: (_, a) => {
            heard.push(a);
            const result = gate.transferAsync((pair[1 - i] as Gate).self, a + 1, 0, 0, 0);
            if (result !== undefined) refusals.push(outcome(result));
          },
        })),
      );
    // Each runs while the other's upcall has returned, so that only the depth ends it.
    must(rig.root.transferAsync((pair[0] as Gate).self, 0, 0, 0, 0));
    expect(heard).toEqual([...Array(TRANSFER_DEPTH).keys()]);
    expect(refusals).toEqual(["TooDeep"]);
  });

  test("arrives before anybody else, however late it is", () => {
    const rig = makeRig(64, { quantumSeconds: 1e-5 });
    const heard: string[] = [];
    const server = place(rig, [1, 1], (gate) => ({
      transferAsync: () => void heard.push(gate.clock.now() > gate.slices.ends() ? "late" : "in time"),
    }));
    place(
      rig,
      [1, 2],
      once((gate) => {
        must(gate.transferAsync(server.self, 0, 0, 0, 0));
        spinUntil(gate, gate.slices.ends() + 1);
      }),
      [0],
    );
    place(rig, [1, 3], () => ({ sliceBegin: () => void heard.push("bystander") }), [1]);
    rig.run(2);
    expect(heard).toEqual(["late", "bystander"]);
  });
});

describe("an asynchronous transfer to one that is kept by now", () => {
  test("arrives all the same; it can make no synchronous transfer, and is kept on", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const keeper = place(rig, [1, 1], () => ({ transfer: () => undefined }));
    const kept: Gate = place(rig, [1, 2], (gate) => ({
      transfer: () => {
        heard.push(String(gate.transfer(keeper.self, 0, 0, 0, 0)));
        return 1;
      },
      transferAsync: () => void heard.push(`arrived: ${outcome(gate.transfer(keeper.self, 0, 0, 0, 0))}`),
    }));
    place(
      rig,
      [1, 3],
      once((gate) => {
        must(gate.transferAsync(kept.self, 0, 0, 0, 0));
        must(gate.transfer(kept.self, 0, 0, 0, 0));
        heard.push(outcome(gate.transfer(kept.self, 0, 0, 0, 0)));
      }),
      [0],
    );
    rig.run(1);
    expect(heard).toEqual(["undefined", "Blocked", "arrived: Blocked"]);
    expect(rig.root.environments.keptBy(rowOf(kept.self))).toBe(keeper.self);
    checkTables(rig.root);
  });
});

describe("what one that does not come back costs", () => {
  test("one transfer one way, besides the call that makes it: it is no upcall", () => {
    const rig = makeRig(64, {}, { profile: DEC5000_125 });
    const cyclesOf = (act: () => unknown): number => {
      const before = rig.machine.clock.now();
      act();
      return rig.machine.clock.now() - before;
    };
    const server = place(rig, [1, 1], () => ({ transfer: () => undefined, transferAsync: () => {} }));
    const client = place(rig, [1, 2], () => ({ transferReply: () => {} }));
    const { meter } = rig.machine;
    const way = cyclesOf(() => meter.charge("transfer", 1));
    const call = cyclesOf(() => client.nullCall());
    const stack = cyclesOf(() => meter.charge("gateStack", 1));
    expect(cyclesOf(() => must(client.transferAsync(server.self, 0, 0, 0, 0)))).toBe(call + way);
    expect(cyclesOf(() => must(client.transfer(server.self, 0, 0, 0, 0)))).toBe(way);
    expect(cyclesOf(() => must(server.transferReply(client.self, 0, 0, 0, 0)))).toBe(call + stack + way);
  });

  test("in a request to give something back it is billed once, to whom it enters", () => {
    const rig = makeRig(64);
    const { environments } = rig.root;
    const server = place(rig, [1, 1], () => ({
      transferAsync: () => rig.machine.clock.advance(cycles(rig.machine.clock.now() + 70_000)),
    }));
    const client = place(rig, [1, 2], (gate) => ({
      revoke: () => {
        must(gate.sliceFree(sliceIndex(5), own));
        must(gate.transferAsync(server.self, 0, 0, 0, 0));
      },
    }));
    must(client.sliceAlloc(sliceIndex(5), own));
    must(rig.root.revocationAsk(client.self, 2, 1, own));
    rig.run(1);
    expect(environments.cyclesUsed(rowOf(server.self))).toBeGreaterThanOrEqual(70_000);
    expect(environments.cyclesUsed(rowOf(server.self))).toBeLessThan(72_000);
    expect(environments.cyclesUsed(rowOf(client.self))).toBeLessThan(2000);
  });
});

describe("replies in the middle of things", () => {
  test("the caller runs at once when it gets its reply, and whoever replied goes on", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const keeper = place(rig, [1, 3], () => ({ transfer: () => undefined }));
    const server = place(rig, [1, 1], (gate) => ({
      transfer: () => undefined,
      ...once(() => {
        must(gate.transferReply(client.self, 1, 0, 0, 0));
        heard.push("replied");
      })(gate),
    }));
    must(server.sliceAlloc(sliceIndex(4), own));
    const client: Gate = place(rig, [1, 2], (gate) => ({
      transferReply: (from) => {
        heard.push(from === server.self ? "client" : "stranger");
        heard.push(
          outcome(gate.transfer(server.self, 0, 0, 0, 0)),
          outcome(gate.transfer(keeper.self, 0, 0, 0, 0)),
        );
      },
    }));
    must(client.transfer(server.self, 0, 0, 0, 0));
    rig.run(1);
    expect(heard).toEqual(["client", "Blocked", "ok", "replied"]);
    expect(client.environments.keptBy(rowOf(client.self))).toBe(keeper.self);
  });

  test("an entry for the reply that throws is the caller's fault, not of whoever replied", () => {
    const rig = makeRig(64);
    const server = place(rig, [1, 1], () => ({ transfer: () => undefined }));
    const client = place(rig, [1, 2], () => ({
      transferReply: () => {
        throw new Error("no");
      },
    }));
    must(client.transfer(server.self, 0, 0, 0, 0));
    expect(outcome(server.transferReply(client.self, 0, 0, 0, 0))).toBe("ok");
    expect(isAlive(rig, client)).toBe(false);
    expect(isAlive(rig, server)).toBe(true);
  });

  test("at the greatest depth a reply is refused, and can be given later", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const chain: Gate[] = [];
    for (let i = 0; i < TRANSFER_DEPTH; i++)
      chain.push(
        place(rig, [1, i + 1], (gate) => ({
          transfer: (_, depth) => {
            const next = chain[depth + 1];
            if (depth < 0) return undefined;
            if (next !== undefined) return gate.transfer(next.self, depth + 1, 0, 0, 0) as number;
            heard.push(outcome(gate.transferReply(client.self, 0, 0, 0, 0)));
            return 0;
          },
        })),
      );
    const client: Gate = place(rig, [2], () => ({ transferReply: () => void heard.push("reply") }));
    const last = chain.at(-1) as Gate;
    must(client.transfer(last.self, -1, 0, 0, 0));
    must(rig.root.transfer((chain[0] as Gate).self, 0, 0, 0, 0));
    expect(heard).toEqual(["TooDeep"]);
    must(last.transferReply(client.self, 0, 0, 0, 0));
    expect(heard).toEqual(["TooDeep", "reply"]);
  });
});
