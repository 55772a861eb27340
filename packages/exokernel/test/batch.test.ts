/** Batches: several calls in one crossing. */
import { DEC5000_125 } from "@exolith/hw-model";
import { describe, expect, test } from "vitest";
import {
  BATCH_CALLS,
  CALLS,
  NEVER,
  capSlot,
  frame,
  must,
  rowOf,
  sliceIndex,
  type Batch,
  type BatchedCall,
  type EnvId,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState } from "../src/testing/index.ts";
import { TRACE_EVENTS, makeTrace } from "../src/trace.ts";
import { place } from "./transfer-rig.ts";

const own = capSlot(0);

test("[K14] a batch makes its calls in one crossing; one that is refused is told by its index, and each is done wholly or not at all", () => {
  const trace = makeTrace(256);
  const rig = makeRig(64, { trace }, { profile: DEC5000_125 });
  const gate = rig.environment([1, 1]);
  const other = rig.environment([1, 2]);
  must(other.framesAlloc(frame(12), 1, own));
  const row = rowOf(gate.self);
  const calls = (): number => gate.environments.calls(row);
  const cyclesOf = (act: () => void): number => {
    const before = rig.machine.clock.now();
    act();
    return rig.machine.clock.now() - before;
  };
  // Ten calls cost one crossing by the long way, where alone each costs one of its own.
  const nulls = gate.batch();
  for (let i = 0; i < 10; i++) nulls.add("nullCall");
  const before = calls();
  const together = cyclesOf(() => expect(gate.batchRun(nulls)).toBe(10));
  expect(calls() - before).toBe(11);
  expect(gate.environments.callsOf(row, CALLS.batchRun.number)).toBe(1);
  expect(gate.environments.callsOf(row, CALLS.nullCall.number)).toBe(10);
  const alone = cyclesOf(() => {
    for (let i = 0; i < 10; i++) gate.nullCall();
  });
  const crossing = cyclesOf(() => void gate.nullCall());
  const stack = cyclesOf(() => rig.machine.meter.charge("gateStack", 1));
  expect(together).toBeLessThan(alone);
  expect(together - crossing - stack).toBeLessThan(alone / 2);

  // Calls that work, one that does not, and one that is not reached.
  const batch = gate.batch();
  batch.add("framesAlloc", frame(4), 2, own);
  batch.add("windowBind", frame(4), 2, true, own);
  batch.add("sliceAlloc", sliceIndex(9), own);
  batch.add("framesAlloc", frame(10), 4, own);
  batch.add("framesAlloc", frame(20), 1, own);
  expect(batch.count).toBe(5);
  expect(gate.batchRun(batch)).toBe(3);
  expect(batch.result(0)).toBe(4);
  const window = batch.result(1) as Window;
  expect(window.length).toBe(8192);
  expect(batch.result(2)).toBe(9);
  expect(outcome(batch.result(3))).toBe("Busy");
  expect(batch.result(4)).toBe(undefined);
  // What was done stays; of the refused one nothing was: not the frames before the one that was taken.
  const owners = [4, 5, 10, 11, 12, 13, 20].map((f) => rig.root.frames.owner(f));
  expect(owners).toEqual([gate.self, gate.self, 0, 0, other.self, 0, 0]);
  expect(rig.root.slices.owner(9)).toBe(gate.self);
  // It can be run again: what is taken now is the first.
  expect(gate.batchRun(batch)).toBe(0);
  expect(outcome(batch.result(0))).toBe("Busy");
  expect(batch.result(1)).toBe(undefined);
  checkTables(rig.root);
});

test("every call of a batch is traced as one that came with it", () => {
  const trace = makeTrace(64, { calls: true });
  const gate = makeRig(64, { trace }).environment([1, 1]);
  const batch = gate.batch();
  batch.add("nullCall");
  batch.add("sleep", 0, NEVER);
  gate.batchRun(batch);
  const made: (readonly [number, number])[] = [];
  trace.read((_, event, a, b) => {
    if (event === TRACE_EVENTS.call && a === gate.self) made.push([b & 0xff, b >> 8]);
  });
  expect(made).toEqual([
    [CALLS.batchRun.number, 2],
    [CALLS.nullCall.number, 3],
    [CALLS.sleep.number, 3],
  ]);
});

describe("what is no batch", () => {
  test("is refused: another's, an empty one, a copy, anything else", () => {
    const rig = makeRig(64);
    const gate = rig.environment([1, 1]);
    const other = rig.environment([1, 2]);
    const mine = gate.batch();
    const foreign = other.batch();
    foreign.add("nullCall");
    const state = tableState(rig.root);
    expect(outcome(gate.batchRun(mine))).toBe("BadBatch");
    mine.add("nullCall");
    const strange = [
      foreign,
      new Proxy(mine, {}),
      Object.create(mine),
      {},
      undefined,
      null,
      [],
      "nullCall",
      1,
    ];
    for (const bad of strange as Batch[]) expect(outcome(gate.batchRun(bad))).toBe("BadBatch");
    expect(tableState(rig.root)).toBe(state);
    expect(gate.batchRun(mine)).toBe(1);
    mine.clear();
    expect([mine.count, mine.result(0)]).toEqual([0, undefined]);
    expect(outcome(gate.batchRun(mine))).toBe("BadBatch");
  });

  test("is full after BATCH_CALLS, and holds no call that would nest, nor one that is none", () => {
    const batch = makeRig(64).environment([1, 1]).batch();
    for (const bad of [
      "batchRun",
      "transfer",
      "transferWords",
      "gather",
      "toString",
      "__proto__",
      7,
      undefined,
    ])
      expect(() => batch.add(bad as BatchedCall as "nullCall")).toThrow(RangeError);
    for (let i = 0; i < BATCH_CALLS; i++) batch.add("nullCall");
    expect(() => batch.add("nullCall")).toThrow(RangeError);
    expect(batch.count).toBe(BATCH_CALLS);
    for (const index of ["map", "length", -1, 1.5, BATCH_CALLS, {}] as number[])
      expect(batch.result(index)).toBe(undefined);
  });
});

describe("a batch that is being run", () => {
  test("cannot be run again, changed or emptied by those that its calls enter", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const gates: Gate[] = [];
    const trying = (act: () => unknown): void => {
      try {
        heard.push(outcome(act()));
      } catch (reason) {
        heard.push((reason as Error).message);
      }
    };
    const client = place(rig, [1, 2], () => ({
      transferReply: () => {
        const server = gates[0] as Gate;
        trying(() => server.batchRun(batch));
        trying(() => batch.clear());
        trying(() => batch.add("nullCall"));
      },
    }));
    const server = place(rig, [1, 1], () => ({ transfer: () => undefined }));
    gates.push(server);
    must(client.transfer(server.self, 0, 0, 0, 0));
    const batch: Batch = server.batch();
    batch.add("transferReply", client.self, 1, 2, 3, 4);
    batch.add("nullCall");
    expect(server.batchRun(batch)).toBe(2);
    expect(heard).toEqual(["BadBatch", "the batch is being run", "the batch is being run"]);
    batch.clear();
    expect(batch.count).toBe(0);
  });

  test("ends with its environment, and says how far it came", () => {
    const rig = makeRig(64);
    const gate = rig.environment([1, 1]);
    const batch = gate.batch();
    batch.add("framesAlloc", frame(4), 1, own);
    batch.add("environmentDestroy", gate.self, own);
    batch.add("framesAlloc", frame(5), 1, own);
    expect(gate.batchRun(batch)).toBe(2);
    expect([rig.root.frames.owner(4), rig.root.frames.owner(5)]).toEqual([0, 0]);
    expect(() => gate.batchRun(batch)).toThrow("dead");
    checkTables(rig.root);
  });

  test("lets what a getter of an argument throws out to its owner, and can be run again", () => {
    const rig = makeRig(64);
    const gate = rig.environment([1, 1]);
    const batch = gate.batch();
    const trap = {
      get name(): never {
        throw new Error("trapped");
      },
      rights: 0,
    };
    batch.add("framesAlloc", frame(4), 1, own);
    batch.add("capabilityForge", own, trap as never);
    const run = (): unknown => {
      try {
        return gate.batchRun(batch);
      } catch (reason) {
        return (reason as Error).message;
      }
    };
    expect([1, "trapped"]).toContain(run());
    expect(rig.root.frames.owner(4)).toBe(gate.self);
    expect(run()).toBe(0);
    checkTables(rig.root);
  });

  test("initiates a transfer that arrives when the upcall returns", () => {
    const rig = makeRig(64);
    const heard: string[] = [];
    const server = place(rig, [1, 1], () => ({ transferAsync: () => void heard.push("arrived") }));
    place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => {
          const batch = gate.batch();
          batch.add("transferAsync", server.self as EnvId, 0, 0, 0, 0);
          batch.add("sleep", gate.environments.events(rowOf(gate.self)), NEVER);
          heard.push(String(gate.batchRun(batch)));
        },
      }),
      [0],
    );
    rig.run(3);
    expect(heard).toEqual(["2", "arrived"]);
  });
});
