/** What hostile callers and callees may try with transfers. */
import { makeSimulatedMachine } from "@exolith/hw-model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FAULT_CAUSES,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type EnvId,
  type Gate,
  type Upcalls,
} from "../src/abi/index.ts";
import type { Kernel } from "../src/kernel.ts";
import { load } from "../src/load.ts";
import { step } from "../src/step.ts";
import { checkTables, makeRig, outcome, placeEnvironment } from "../src/testing/index.ts";
import { isAlive, once, place } from "./transfer-rig.ts";

const own = capSlot(0);

test("a caller at the end of its stack cannot make the callee run out of it", () => {
  const rig = makeRig(64);
  let served = 0;
  let refused = 0;
  const kept: EnvId[] = [];
  const server = place(rig, [1, 1], (gate) => ({
    transfer: () => {
      must(gate.framesAlloc(frame(8), 8, own));
      must(gate.windowBind(frame(8), 8, true, own));
      must(gate.framesFree(frame(8), 8, own));
      served += 1;
      return 1;
    },
    transferAsync: (caller) => {
      must(gate.framesAlloc(frame(20), 1, own));
      must(gate.framesFree(frame(20), 1, own));
      kept.push(caller);
    },
  }));
  const down = (gate: Gate): void => {
    try {
      down(gate);
    } catch {
      // The end: from here on, back.
    }
    if (served > 50) return;
    try {
      must(gate.transfer(server.self, 0, 0, 0, 0));
      must(gate.transferAsync(server.self, 0, 0, 0, 0));
    } catch (reason) {
      refused += 1;
      expect(reason === undefined || reason instanceof Error).toBe(true);
    }
  };
  place(rig, [1, 2], once(down), [0]);
  rig.run(2);
  expect(served).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(0);
  expect(rig.root.environments.faults(rowOf(server.self))).toBe(0);
  expect(isAlive(rig, server)).toBe(true);
  checkTables(rig.root);
});

test("a reply from the end of the stack is refused, or the caller that gets it has stack to run on", () => {
  const rig = makeRig(64);
  let replied = 0;
  const server = place(rig, [1, 1], () => ({ transfer: () => undefined }));
  const client = place(rig, [1, 2], (gate) => ({
    transferReply: () => {
      must(gate.framesAlloc(frame(8), 8, own));
      must(gate.framesFree(frame(8), 8, own));
      replied += 1;
    },
  }));
  must(client.transfer(server.self, 0, 0, 0, 0));
  const down = (): void => {
    try {
      down();
    } catch {
      // The end.
    }
    try {
      if (replied === 0) server.transferReply(client.self, 0, 0, 0, 0);
    } catch {
      // No stack: try again further up.
    }
  };
  down();
  expect(replied).toBe(1);
  expect(rig.root.environments.faults(rowOf(client.self))).toBe(0);
});

/** Goes to the end of the stack, and back with an attempt in each frame, until it has been done often enough. */
function everywhere(attempt: () => void, isEnough: () => boolean): void {
  const down = (): void => {
    try {
      down();
    } catch {
      // The end: from here on, back.
    }
    if (isEnough()) return;
    try {
      attempt();
    } catch {
      // No stack: try again further up.
    }
  };
  down();
}

describe("a callee that makes calls which may enter others, near the end of its caller's stack", () => {
  const WAYS = ["transfer", "transferAsync", "transferReply", "a batch of them"] as const;

  test.each(WAYS)("entered by %s, makes a batch and hears TooDeep, never a throw", (way) => {
    const rig = makeRig(64);
    let served = 0;
    const heard = new Set<string>();
    const helper = place(rig, [1, 3], () => ({
      transfer: (_, a) => (a === 1 ? undefined : 1),
      transferAsync: () => {},
    }));
    const kept = place(rig, [1, 4], () => ({ transferReply: () => {} }));
    const act = (gate: Gate): number => {
      const batch = gate.batch();
      batch.add("nullCall");
      must(gate.batchRun(batch));
      const entering = gate.batch();
      entering.add("transferReply", kept.self, 1, 2, 3, 4);
      if (gate.batchRun(entering) === 0) heard.add(`batch: ${outcome(entering.result(0))}`);
      heard.add(outcome(gate.transfer(helper.self, 0, 0, 0, 0)));
      heard.add(`async: ${outcome(gate.transferAsync(helper.self, 0, 0, 0, 0))}`);
      heard.add(`reply: ${outcome(gate.transferReply(kept.self, 0, 0, 0, 0))}`);
      served += 1;
      return 1;
    };
    const server = place(rig, [1, 1], (gate) => ({
      transfer: (_, a) => {
        if (a === 0) return act(gate);
        return undefined;
      },
      transferAsync: () => void act(gate),
      transferReply: () => void act(gate),
    }));
    const keeper = place(rig, [1, 5], () => ({ transfer: () => undefined }));
    const attacker = rig.environment([1, 2]);
    const replying = keeper.batch();
    replying.add("transferReply", server.self, 0, 0, 0, 0);
    const attempts = {
      transfer: () => attacker.transfer(server.self, 0, 0, 0, 0),
      transferAsync: () => attacker.transferAsync(server.self, 0, 0, 0, 0),
      transferReply: () => keeper.transferReply(server.self, 0, 0, 0, 0),
      "a batch of them": () => keeper.batchRun(replying),
    };
    const isKept = (gate: Gate): boolean => rig.root.environments.keptBy(rowOf(gate.self)) !== 0;
    // Where there is room it is all compiled, and refused for other reasons.
    must(kept.transfer(server.self, 1, 0, 0, 0));
    if (way === "transferReply" || way === "a batch of them") must(server.transfer(keeper.self, 0, 0, 0, 0));
    const wanted = 60;
    everywhere(
      () => {
        attempts[way]();
        if (isKept(server) || (way !== "transferReply" && way !== "a batch of them")) return;
        must(server.transfer(keeper.self, 0, 0, 0, 0));
      },
      () => served >= wanted || !isAlive(rig, server),
    );
    expect(served).toBe(wanted);
    expect(rig.root.environments.faults(rowOf(server.self))).toBe(0);
    expect([isAlive(rig, server), isAlive(rig, helper), isAlive(rig, kept)]).toEqual([true, true, true]);
    expect([...heard]).toEqual(expect.arrayContaining(["TooDeep", "async: TooDeep"]));
    checkTables(rig.root);
  });

  test("a batch is made whole or refused before its first call, also when it enters somebody", () => {
    const rig = makeRig(64);
    const entered: number[] = [];
    const server = place(rig, [1, 1], (gate) => ({
      transferAsync: (_, a) => {
        must(gate.framesAlloc(frame(8), 1, own));
        must(gate.framesFree(frame(8), 1, own));
        entered.push(a);
      },
    }));
    const client = rig.environment([1, 2]);
    const batch = client.batch();
    batch.add("framesAlloc", frame(20), 1, own);
    batch.add("transferAsync", server.self, 5, 0, 0, 0);
    batch.add("framesFree", frame(20), 1, own);
    let owner = 0;
    everywhere(
      () => {
        try {
          must(client.batchRun(batch));
        } finally {
          owner = Math.max(owner, rig.root.frames.owner(20));
        }
      },
      () => entered.length > 0,
    );
    expect([entered, owner]).toEqual([[5], 0]);
    expect(rig.root.environments.faults(rowOf(server.self))).toBe(0);
  });
});

/** What a callee may throw, or give as a reply, that looks back at whoever looks at it. */
const TRAPS: Record<string, () => unknown> = {
  nothing: () => undefined,
  "something that cannot be looked at": () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("looked at");
        },
        getPrototypeOf: () => {
          throw new Error("looked at");
        },
      },
    ),
  "no promise, but with its prototype": () => Object.create(Promise.prototype),
  "a proxy of a promise": () => new Proxy(Promise.resolve(1), {}),
  "a promise of another class": () => new (class extends Promise<number> {})(() => {}),
  "a function": () => () => 1,
};

test.each(Object.entries(TRAPS))(
  "a callee that throws or returns %s has a fault, and nobody else",
  (what, make) => {
    const rig = makeRig(64);
    const causes: number[] = [];
    let isThrown = true;
    const server = place(rig, [1, 1], () => ({
      transfer: () => {
        const value = make();
        if (isThrown) throw value;
        return value as never;
      },
      fault: (cause) => void causes.push(cause),
    }));
    const client = rig.environment([1, 2]);
    expect(outcome(client.transfer(server.self, 0, 0, 0, 0))).toBe("Faulted");
    expect(causes.splice(0)).toEqual([FAULT_CAUSES.thrown]);
    isThrown = false;
    if (what === "nothing") return;
    expect(outcome(client.transfer(server.self, 0, 0, 0, 0))).toBe("Faulted");
    expect(causes).toHaveLength(1);
    expect(rig.root.environments.faults(rowOf(client.self))).toBe(0);
  },
);

test("an entry for faults that returns a promise ends its environment, and what becomes of the promise troubles nobody", async () => {
  const rig = makeRig(64);
  const server = place(rig, [1, 1], () => ({
    transfer: () => {
      throw new Error("no");
    },
    fault: (async () => {
      throw new Error("later");
    }) as never,
  }));
  const client = rig.environment([1, 2]);
  expect(outcome(client.transfer(server.self, 0, 0, 0, 0))).toBe("Faulted");
  expect(isAlive(rig, server)).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 5));
});

test("a gate in other hands is still its owner's: who runs, and who may be entered, is as it should be", () => {
  const rig = makeRig(64);
  const heard: unknown[] = [];
  const victim = place(rig, [1, 1], () => ({ transfer: (caller) => caller }));
  const lender = rig.environment([1, 2]);
  const thief = place(
    rig,
    [1, 3],
    (gate) => ({
      ...once(() => {
        heard.push(lender.transfer(victim.self, 0, 0, 0, 0), gate.transfer(victim.self, 0, 0, 0, 0));
        heard.push(outcome(lender.transfer(gate.self, 0, 0, 0, 0)));
      })(gate),
      transfer: () => 1,
    }),
    [0],
  );
  rig.run(2);
  expect(heard).toEqual([lender.self, thief.self, "Blocked"]);
  expect(outcome(lender.transfer(thief.self, 0, 0, 0, 0))).toBe("ok");
});

test("who is being started cannot be entered, and what it starts with has its faults alone", () => {
  const rig = makeRig(64);
  const heard: string[] = [];
  const server = place(rig, [1, 1], (gate) => ({
    transfer: (caller) => {
      heard.push(outcome(gate.transfer(caller as EnvId, 0, 0, 0, 0)));
      return undefined;
    },
    transferAsync: () => void heard.push("arrived"),
  }));
  const made = rig.root.environmentCreate((gate) => {
    must(gate.transferAsync(server.self, 0, 0, 0, 0));
    heard.push(String(gate.transfer(server.self, 0, 0, 0, 0)));
    throw new Error("no");
  }, own);
  expect(outcome(made)).toBe("BadProgram");
  expect(heard).toEqual(["arrived", "NoEntry", "undefined"]);
  checkTables(rig.root);
});

/** What a random environment does when it is entered, or runs. */
interface Move {
  readonly what: number;
  readonly target: number;
}

const ACTORS = 5;
const MOVES = 9;

/** Environments that do at random what can be done with transfers. */
class Crowd {
  readonly gates: Gate[] = [];
  readonly kernel: Kernel;
  readonly root: Gate;
  readonly #moves: Move[];
  #depth = 0;

  constructor(moves: readonly Move[]) {
    this.#moves = [...moves];
    const { kernel, root } = load(makeSimulatedMachine({ frames: 32 }), {
      quantumSeconds: 1e-6,
      excessTicksMax: 20,
    });
    this.kernel = kernel;
    this.root = root;
    for (let i = 0; i < ACTORS; i++)
      this.gates.push(
        placeEnvironment(root, i === 0 ? [1] : [1, i], {
          slices: [i],
          upcalls: (gate) => this.#upcalls(gate),
        }),
      );
  }

  #upcalls(gate: Gate): Upcalls {
    const act = (): number | undefined => this.#act(gate);
    return {
      sliceBegin: () => void act(),
      sliceEnd: () => void act(),
      fault: () => void act(),
      transfer: act,
      transferAsync: () => void act(),
      transferReply: () => void act(),
    };
  }

  #act(gate: Gate): number | undefined {
    this.#depth += 1;
    try {
      for (let left = 3; left > 0; left--) {
        const move = this.#moves.pop();
        if (move === undefined || this.#depth > 40) return 1;
        if (move.what === MOVES - 1) return undefined;
        if (move.what === MOVES - 2) throw new Error("at random");
        this.#make(gate, move);
      }
      return 1;
    } finally {
      this.#depth -= 1;
    }
  }

  #make(gate: Gate, { what, target }: Move): void {
    const { self } = this.gates[target] as Gate;
    const moves: readonly (() => unknown)[] = [
      () => gate.transfer(self, 1, 2, 3, 4),
      () => gate.transfer(self, 1, 2, 3, 4),
      () => gate.transferAsync(self, 1, 2, 3, 4),
      () => gate.transferReply(self, 1, 2, 3, 4),
      () => gate.yieldTo(self),
      () => gate.environmentDestroy(self, own),
      () => {
        for (let i = 0; i < 300; i++) gate.nullCall();
      },
    ];
    const isLethal = what === 5 && target !== 3;
    if (!isLethal) moves[what]?.();
  }
}

function checkTransfers({ kernel }: Crowd): void {
  expect([kernel.transferDepth, kernel.running, kernel.account.payer]).toEqual([0, undefined, undefined]);
  for (const environment of kernel.environments.rows) {
    if (environment === undefined) continue;
    const { transfers } = environment;
    expect([transfers.active, transfers.target]).toEqual([false, undefined]);
    const { keptBy } = transfers;
    if (keptBy !== undefined) expect(keptBy.alive).toBe(true);
    let user = environment;
    for (let i = 0; user.transfers.keptBy !== undefined; i++) {
      expect(i).toBeLessThan(ACTORS);
      user = user.transfers.keptBy;
    }
  }
}

test("after random transfers, deaths, faults and overruns nobody is left in the middle of one", () => {
  const move = fc.record({ what: fc.nat(MOVES - 1), target: fc.nat(ACTORS - 1) });
  let depths = 0;
  fc.assert(
    fc.property(fc.array(move, { minLength: 20, maxLength: 200, size: "max" }), (moves) => {
      const crowd = new Crowd(moves);
      for (let i = 0; i < 40; i++) {
        step(crowd.kernel);
        checkTransfers(crowd);
      }
      checkTables(crowd.root);
      for (const gate of crowd.gates) {
        const row = rowOf(gate.self);
        if (crowd.root.environments.id(row) !== gate.self) continue;
        depths += crowd.root.environments.callsOf(row, 0x2a);
        must(crowd.root.environmentDestroy(gate.self, own));
        checkTransfers(crowd);
      }
      expect(failed(crowd.root.sliceAlloc(0 as never, own))).toBe(false);
    }),
    { numRuns: 200 },
  );
  expect(depths).toBeGreaterThan(1000);
});
