/** Excess time: what an overrun of a slice costs, and whom. */
import { describe, expect, test } from "vitest";
import {
  EXCESS_TICKS_MAX,
  capSlot,
  cycles,
  must,
  rowOf,
  type EnvId,
  type Gate,
  type Upcalls,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, type Rig } from "../src/testing/index.ts";
import { makeTrace } from "../src/trace.ts";
import { eventsOf, isAlive, place, sleep, spinUntil } from "./transfer-rig.ts";

const own = capSlot(0);
const quantumSeconds = 1e-5;
const QUANTUM = 30_000;

const excessOf = ({ root }: Rig, { self }: Gate): number => root.environments.excess(rowOf(self));
const forfeitedOf = ({ root }: Rig, { self }: Gate): number => root.environments.forfeited(rowOf(self));
const slicesOf = ({ root }: Rig, { self }: Gate): number => root.environments.slicesBegun(rowOf(self));

/** Uses the slice to its end, as the interval timer shows it. */
const spin = (gate: Gate): void => spinUntil(gate, gate.slices.ends());

test("[C4] who stalls at the end of its slice for k ticks loses exactly k later slices, at the threshold its life and its slices; who does not is never penalised", () => {
  const trace = makeTrace(4096);
  const threshold = 6;
  const rig = makeRig(64, { trace, quantumSeconds, excessTicksMax: threshold });
  const stalls = [0, 1, 5, 2, 0, 3];
  const done: number[] = [];
  const staller = place(
    rig,
    [1, 1],
    (gate) => ({
      sliceBegin: () => spin(gate),
      sliceEnd: () => {
        const ticks = stalls[done.length] ?? threshold;
        done.push(ticks);
        if (ticks > 0) spinUntil(gate, gate.slices.ends() + ticks * QUANTUM);
      },
    }),
    [0],
  );
  const good = place(rig, [1, 2], (gate) => ({ sliceBegin: () => spin(gate) }), [64, 100]);
  const owed: number[] = [];
  for (let i = 0; i < 200 && isAlive(rig, staller); i++) {
    const before = done.length;
    rig.run(1);
    if (done.length > before && isAlive(rig, staller)) owed.push(excessOf(rig, staller));
  }
  // Of each later turn of its position one is forfeited for every tick, and no more.
  expect(owed).toEqual(stalls);
  const turns = eventsOf(trace, "sliceBegin", "forfeit")
    .filter(([, environment]) => environment === staller.self)
    .map(([name]) => name);
  expect(turns).toEqual([
    ...stalls.flatMap((ticks) => ["sliceBegin", ...Array<string>(ticks).fill("forfeit")]),
    "sliceBegin",
  ]);
  // Between two turns of that position the other environment has its two, whoever had or lost the first.
  const goodTurns = eventsOf(trace, "sliceBegin").filter(
    ([, environment]) => environment === good.self,
  ).length;
  expect(Math.abs(goodTurns - 2 * turns.length)).toBeLessThanOrEqual(2);
  // At the threshold it is destroyed, and its slice is free.
  expect(done).toEqual([...stalls, threshold]);
  expect(rig.root.slices.owner(0)).toBe(0);
  expect(eventsOf(trace, "excess").map(([, who, ticks]) => [who, ticks])).toEqual(
    [...stalls.filter((ticks) => ticks > 0), threshold].map((ticks) => [staller.self, ticks]),
  );
  expect([excessOf(rig, good), forfeitedOf(rig, good)]).toEqual([0, 0]);
  expect(isAlive(rig, good)).toBe(true);
  checkTables(rig.root);
});

describe("the bounds", () => {
  /** One slice that ends so long after its beginning; the ticks it cost. */
  const ticksAfter = (length: number): number => {
    const rig = makeRig(64, { quantumSeconds });
    const gate = place(
      rig,
      [1, 1],
      (mine) => ({
        sliceBegin: () => {
          sleep(mine);
          rig.machine.clock.advance(cycles(mine.slices.ends() - QUANTUM + length));
        },
      }),
      [0],
    );
    rig.run(1);
    return excessOf(rig, gate);
  };

  test("returning at the end, or within the quantum after it, costs nothing; each quantum after that a tick", () => {
    const lengths = [1, QUANTUM - 1, QUANTUM, QUANTUM + 1, 2 * QUANTUM - 1, 2 * QUANTUM, 3 * QUANTUM - 1];
    expect(lengths.map(ticksAfter)).toEqual([0, 0, 0, 0, 0, 1, 1]);
    expect(ticksAfter(11 * QUANTUM)).toBe(10);
  });

  test("without another choice of the board's, the threshold is EXCESS_TICKS_MAX; with Infinity there is none", () => {
    const survives = (ticks: number, excessTicksMax?: number): boolean => {
      const rig = makeRig(64, {
        quantumSeconds,
        ...(excessTicksMax === undefined ? {} : { excessTicksMax }),
      });
      const gate = place(
        rig,
        [1, 1],
        (mine) => ({
          sliceBegin: () => rig.machine.clock.advance(cycles(mine.slices.ends() + ticks * QUANTUM)),
        }),
        [0],
      );
      rig.run(1);
      return isAlive(rig, gate);
    };
    expect(survives(EXCESS_TICKS_MAX - 1)).toBe(true);
    expect(survives(EXCESS_TICKS_MAX)).toBe(false);
    expect(survives(100 * EXCESS_TICKS_MAX, Infinity)).toBe(true);
    expect(survives(1, 1)).toBe(false);
    expect(survives(0, 1)).toBe(true);
  });

  test("ticks of several slices add up to the threshold, but for those that are paid", () => {
    const rig = makeRig(64, { quantumSeconds, excessTicksMax: 4 });
    const other = place(rig, [1, 2], (gate) => ({ sliceBegin: () => void gate.yieldTo(ids[0]) }), [1, 2]);
    const ids: EnvId[] = [];
    const staller = place(
      rig,
      [1, 1],
      (gate) => ({
        sliceBegin: () => rig.machine.clock.advance(cycles(gate.slices.ends() + QUANTUM)),
      }),
      [0],
    );
    ids.push(staller.self);
    const owed: number[] = [];
    for (let i = 0; i < 5; i++) {
      rig.run(1);
      owed.push(isAlive(rig, staller) ? excessOf(rig, staller) : -1);
    }
    // Its own slice costs one; two that it is given cost one each; its own turn pays one; then two more.
    expect(owed).toEqual([1, 2, 3, 3, -1]);
    expect(excessOf(rig, other)).toBe(0);
  });

  test("one that is alone and owes slices does not stop the machine", () => {
    const rig = makeRig(64, { quantumSeconds });
    let stalls = 1;
    const gate = place(
      rig,
      [1, 1],
      (mine) => ({
        sliceBegin: () => {
          if (stalls-- > 0) rig.machine.clock.advance(cycles(mine.slices.ends() + 3 * QUANTUM));
        },
      }),
      [9],
    );
    rig.run(1);
    expect(excessOf(rig, gate)).toBe(3);
    for (let left = 2; left >= 0; left--) {
      expect(rig.kernel.wakeAt()).toBe(rig.machine.clock.now());
      expect(rig.kernel.step()).toBe(true);
      expect([excessOf(rig, gate), slicesOf(rig, gate)]).toEqual([left, 1]);
    }
    expect(rig.kernel.step()).toBe(true);
    expect([slicesOf(rig, gate), forfeitedOf(rig, gate)]).toEqual([2, 3]);
  });

  test("a slice that it would not have used does not count as forfeited", () => {
    const rig = makeRig(64, { quantumSeconds });
    const gate = place(
      rig,
      [1, 1],
      (mine) => ({
        sliceBegin: () => {
          if (slicesOf(rig, mine) === 1) rig.machine.clock.advance(cycles(mine.slices.ends() + 2 * QUANTUM));
          sleep(mine);
        },
      }),
      [0],
    );
    place(rig, [1, 2], () => ({}), [5]);
    rig.run(10);
    expect([excessOf(rig, gate), forfeitedOf(rig, gate)]).toEqual([2, 0]);
    must(rig.root.wake(gate.self, own));
    rig.run(6);
    expect([excessOf(rig, gate), forfeitedOf(rig, gate), slicesOf(rig, gate)]).toEqual([0, 2, 2]);
  });
});

describe("who pays", () => {
  /** Overruns the slice that is running by so many ticks. */
  const overrun = (rig: Rig, gate: Gate, ticks: number): void => {
    const end = Math.max(gate.slices.ends(), rig.machine.clock.now());
    rig.machine.clock.advance(cycles(end + ticks * QUANTUM));
  };

  interface World {
    readonly rig: Rig;
    readonly server: Gate;
    readonly client: Gate;
  }

  const world = (
    ofServer: (rig: Rig, gate: Gate) => Partial<Upcalls>,
    ofClient: (rig: Rig, gate: Gate, server: EnvId) => Partial<Upcalls>,
  ): World => {
    const rig = makeRig(64, { quantumSeconds, excessTicksMax: 50 });
    const server = place(rig, [1, 1], (gate) => ofServer(rig, gate), [64]);
    const client = place(rig, [1, 2], (gate) => ofClient(rig, gate, server.self), [0]);
    return { rig, server, client };
  };

  test("of a slice that was yielded, whoever overran it, not whoever gave it", () => {
    const { rig, server, client } = world(
      (r, gate) => ({
        sliceBegin: () => {
          overrun(r, gate, 2);
          sleep(gate);
        },
      }),
      (_, gate, target) => ({
        sliceBegin: () => {
          must(gate.yieldTo(target));
          sleep(gate);
        },
      }),
    );
    rig.run(1);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([0, 2]);
    const used = (gate: Gate): number => rig.root.environments.cyclesUsed(rowOf(gate.self));
    expect(used(server)).toBeGreaterThan(2 * QUANTUM);
    expect(used(client)).toBeLessThan(QUANTUM);
  });

  test("of an asynchronous transfer the callee, but not for what its caller overran before", () => {
    const { rig, server, client } = world(
      (r, gate) => ({ sliceBegin: () => sleep(gate), transferAsync: () => overrun(r, gate, 3) }),
      (r, gate, target) => ({
        sliceBegin: () => {
          must(gate.transferAsync(target, 0, 0, 0, 0));
          overrun(r, gate, 2);
          sleep(gate);
        },
      }),
    );
    rig.run(1);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([2, 3]);
  });

  test("of a reply whoever gets it, and in the slices of one that is kept its keeper", () => {
    const { rig, server, client }: World = world(
      (r, gate) => ({
        sliceBegin: () => {
          if (slicesOf(r, gate) === 1) overrun(r, gate, 1);
          else if (slicesOf(r, gate) === 2) must(gate.transferReply(client.self, 0, 0, 0, 0));
          else sleep(gate);
        },
        transfer: () => undefined,
      }),
      (r, gate, target) => ({
        sliceBegin: () => void gate.transfer(target, 0, 0, 0, 0),
        transferReply: () => {
          overrun(r, gate, 2);
          sleep(gate);
        },
      }),
    );
    rig.run(1);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([0, 1]);
    rig.run(2);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([2, 0]);
  });

  test("of a synchronous transfer the caller, the first time; from then on the callee that stalls", () => {
    const stalls = [2, 0, 3, 0];
    const { rig, server, client } = world(
      (r, gate) => ({
        sliceBegin: () => sleep(gate),
        transfer: () => {
          const ticks = stalls.shift() ?? 0;
          if (ticks > 0) overrun(r, gate, ticks);
          return 1;
        },
      }),
      (_, gate, target) => ({ sliceBegin: () => void gate.transfer(target, 0, 0, 0, 0) }),
    );
    rig.run(1);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([2, 0]);
    while (slicesOf(rig, client) < 3) rig.run(1);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([0, 3]);
    // Callees are watched for 64 slices after an overrun of the caller's own, and no longer.
    while (slicesOf(rig, client) < 66) rig.run(1);
    stalls.push(1, 1);
    rig.run(1);
    expect([slicesOf(rig, client), excessOf(rig, client), excessOf(rig, server)]).toEqual([67, 1, 3]);
  });

  test("a callee that stalls too long is ended, with the reply that it gave; its caller lives", () => {
    const replies: unknown[] = [];
    const { rig, server, client } = world(
      (r, gate) => ({
        sliceBegin: () => sleep(gate),
        transfer: (_, ticks) => {
          if (ticks > 0) overrun(r, gate, ticks);
          return 7;
        },
      }),
      (r, gate, target) => ({
        sliceBegin: () => {
          const reply = gate.transfer(target, [1, 50][slicesOf(r, gate) - 1] ?? 0, 0, 0, 0);
          replies.push(typeof reply === "number" ? reply : outcome(reply));
          if (replies.length === 3) sleep(gate);
        },
      }),
    );
    rig.run(8);
    expect(replies).toEqual([7, 7, "BadEnvironment"]);
    expect([isAlive(rig, client), isAlive(rig, server)]).toEqual([true, false]);
    expect([forfeitedOf(rig, client), excessOf(rig, client)]).toEqual([1, 0]);
  });

  test("a caller that is watched and overruns by itself pays for itself, not its callee", () => {
    const { rig, server, client } = world(
      (_, gate) => ({ sliceBegin: () => sleep(gate), transfer: () => 1 }),
      (r, gate, target) => ({
        sliceBegin: () => {
          overrun(r, gate, 1);
          must(gate.transfer(target, 0, 0, 0, 0));
          r.machine.clock.advance(cycles(r.machine.clock.now() + QUANTUM));
          must(gate.transfer(target, 0, 0, 0, 0));
        },
      }),
    );
    while (slicesOf(rig, client) < 2) rig.run(1);
    expect([excessOf(rig, client) + forfeitedOf(rig, client), excessOf(rig, server)]).toEqual([4, 0]);
    expect(rig.root.environments.cyclesUsed(rowOf(server.self))).toBeGreaterThan(0);
  });
});

describe("whose ticks they are", () => {
  /** A server that answers after so many null calls, and what a client does to it in each of its slices. */
  const world = (
    act: (gate: Gate, server: Gate, turn: number) => void,
    ofServer: (gate: Gate) => Partial<Upcalls>,
    excessTicksMax = 50,
  ): { rig: Rig; server: Gate; client: Gate } => {
    const rig = makeRig(64, { quantumSeconds, excessTicksMax });
    const server = place(rig, [1, 1], ofServer);
    let turn = 0;
    const client = place(rig, [1, 2], (gate) => ({ sliceBegin: () => act(gate, server, (turn += 1)) }), [0]);
    return { rig, server, client };
  };
  const total = (rig: Rig, gate: Gate): number => excessOf(rig, gate) + forfeitedOf(rig, gate);

  test("a server that answers at once has none of a caller that lets it cross every tick", () => {
    const { rig, server, client } = world(
      (gate, { self }, turn) => {
        const end = gate.slices.ends();
        if (turn === 1) spinUntil(gate, end + QUANTUM);
        for (let k = 1; turn === 2 && k <= 40; k++) {
          spinUntil(gate, end + k * QUANTUM - 60);
          must(gate.transfer(self, 0, 0, 0, 0));
        }
        if (turn === 2) sleep(gate);
      },
      () => ({ transfer: () => 1 }),
    );
    while (slicesOf(rig, client) < 2) rig.run(1);
    expect([total(rig, server), isAlive(rig, server)]).toEqual([0, true]);
    expect(total(rig, client)).toBeGreaterThanOrEqual(40);
  });

  test("a server whose answers take a tenth of a quantum has none, however many are asked for too late", () => {
    const { rig, server, client } = world(
      (gate, { self }, turn) => {
        const end = gate.slices.ends();
        if (turn === 1) spinUntil(gate, end + QUANTUM);
        while (turn === 2 && gate.clock.now() < end + 20 * QUANTUM) must(gate.transfer(self, 0, 0, 0, 0));
        if (turn === 2) sleep(gate);
      },
      (gate) => ({
        transfer: () => {
          spinUntil(gate, gate.clock.now() + QUANTUM / 10);
          return 1;
        },
      }),
    );
    while (slicesOf(rig, client) < 2) rig.run(1);
    expect(total(rig, server)).toBe(0);
    expect(total(rig, client)).toBeGreaterThanOrEqual(20);
  });

  test("nor has one that is entered by an asynchronous transfer just before a tick", () => {
    const { rig, server, client } = world(
      (gate, { self }, turn) => {
        must(gate.transferAsync(self, 0, 0, 0, 0));
        spinUntil(gate, gate.slices.ends() + QUANTUM - 100);
        if (turn === 30) sleep(gate);
      },
      (gate) => ({ transferAsync: () => spinUntil(gate, gate.clock.now() + 600) }),
    );
    while (slicesOf(rig, client) < 20) rig.run(1);
    expect(total(rig, server)).toBe(0);
    expect(total(rig, client)).toBeGreaterThanOrEqual(15);
  });

  test("nor has a client that is replied to just before a tick", () => {
    const rig = makeRig(64, { quantumSeconds, excessTicksMax: 1000 });
    const keeper = place(rig, [1, 1], (gate) => ({
      sliceBegin: () => {
        spinUntil(gate, gate.slices.ends() + QUANTUM - 500);
        must(gate.transferReply(client.self, 0, 0, 0, 0));
      },
      transfer: () => undefined,
    }));
    const client: Gate = place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => void gate.transfer(keeper.self, 0, 0, 0, 0),
        transferReply: () => {
          for (let i = 0; i < 64; i++) gate.nullCall();
        },
      }),
      [0],
    );
    rig.run(60);
    expect(total(rig, client)).toBe(0);
    expect(total(rig, keeper)).toBeGreaterThanOrEqual(15);
  });

  test("a chain of those that stay within a quantum each is paid for by whoever began it", () => {
    const rig = makeRig(64, { quantumSeconds });
    const gates: Gate[] = [];
    const links = 8;
    for (let i = 0; i < links; i++)
      gates.push(
        place(rig, [1, 1, i], (gate) => ({
          transferAsync: (_, at) => {
            const next = gates[at + 1];
            if (next !== undefined) must(gate.transferAsync(next.self, at + 1, 0, 0, 0));
            rig.machine.clock.advance(
              cycles(Math.max(gate.clock.now(), gate.slices.ends()) + QUANTUM - 1000),
            );
          },
        })),
      );
    const first = place(
      rig,
      [1, 2],
      (gate) => ({ sliceBegin: () => void gate.transferAsync((gates[0] as Gate).self, 0, 0, 0, 0) }),
      [0],
    );
    rig.run(1);
    const owed = [first, ...gates].reduce((sum, gate) => sum + excessOf(rig, gate), 0);
    // No time is lost between them, but for less than a quantum in the end.
    expect(owed).toBe(Math.floor((links * (QUANTUM - 1000)) / QUANTUM));
    expect(excessOf(rig, first)).toBeLessThanOrEqual(1);
  });

  test("one call of a callee that stalls does not end its caller, which is watched from then on", () => {
    const stall = (gate: Gate, ticks: number): number => {
      spinUntil(gate, gate.clock.now() + ticks * QUANTUM);
      return 1;
    };
    const { rig, server, client } = world(
      (gate, { self }, turn) => void gate.transfer(self, turn === 1 ? 80 : 70, 0, 0, 0),
      (gate) => ({ transfer: (_, ticks) => stall(gate, ticks) }),
    );
    rig.run(1);
    expect([isAlive(rig, client), isAlive(rig, server)]).toEqual([true, true]);
    expect(excessOf(rig, client)).toBe(49);
    while (slicesOf(rig, client) < 2) rig.run(1);
    expect([isAlive(rig, client), isAlive(rig, server)]).toEqual([true, false]);
    expect([excessOf(rig, client), forfeitedOf(rig, client)]).toEqual([0, 49]);
  });

  test("nor does it end one that makes the call in another's slice, and that one is watched too", () => {
    const { rig, server, client } = world(
      (gate, { self }, turn) => {
        if (turn <= 2) must(gate.transferAsync(self, 0, 0, 0, 0));
        else sleep(gate);
      },
      (gate) => ({ transferAsync: () => void gate.transfer(callee.self, 0, 0, 0, 0) }),
    );
    const callee: Gate = place(rig, [1, 3], (gate) => ({
      transfer: () => {
        spinUntil(gate, gate.clock.now() + 60 * QUANTUM);
        return 1;
      },
    }));
    rig.run(1);
    expect([isAlive(rig, client), isAlive(rig, server), isAlive(rig, callee)]).toEqual([true, true, true]);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([0, 49]);
    rig.run(1);
    expect([isAlive(rig, client), isAlive(rig, server), isAlive(rig, callee)]).toEqual([true, true, false]);
    expect([excessOf(rig, client), excessOf(rig, server)]).toEqual([0, 49]);
  });
});
