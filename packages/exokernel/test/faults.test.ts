/** Faults: what an environment does wrong is delivered to it, with who is to blame. */
import { describe, expect, test } from "vitest";
import {
  FAULT_CAUSES,
  KERNEL,
  RESOURCE_KINDS,
  capSlot,
  cycles,
  frame,
  must,
  rowOf,
  type Gate,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, type Rig } from "../src/testing/index.ts";
import { makeTrace } from "../src/trace.ts";
import { eventsOf, isAlive, once, place } from "./transfer-rig.ts";

const own = capSlot(0);

type Heard = readonly [cause: number, reason: unknown, blame: number];

/** An environment with the frames 4 to 7, a window on them, and one thing to do in its first slice. */
function careless(
  rig: Rig,
  act: (gate: Gate, window: Window) => unknown,
): { gate: Gate; window: Window; heard: Heard[] } {
  const heard: Heard[] = [];
  const held: { window?: Window } = {};
  const gate = place(
    rig,
    [1, 1],
    (mine) => ({
      ...once(() => void act(mine, held.window as Window))(mine),
      fault: (...fault) => void heard.push(fault),
    }),
    [0],
  );
  must(gate.framesAlloc(frame(4), 4, own));
  const window = must(gate.windowBind(frame(4), 4, true, own));
  held.window = window;
  return { gate, window, heard };
}

describe("causes", () => {
  const thrown = new Error("mine");
  const CASES: Record<string, [cause: number, act: (gate: Gate, window: Window) => unknown]> = {
    "a throw": [
      FAULT_CAUSES.thrown,
      () => {
        throw thrown;
      },
    ],
    "a throw of nothing": [
      FAULT_CAUSES.thrown,
      () => {
        throw undefined;
      },
    ],
    "a stack that has no end": [
      FAULT_CAUSES.thrown,
      () => {
        const down = (): number => down() + 1;
        return down();
      },
    ],
    "a read past a window": [FAULT_CAUSES.window, (_, window) => window.getU32(window.length)],
    "a copy past a window": [
      FAULT_CAUSES.window,
      (_, window) => window.copy(0, window, window.length - 1, 2),
    ],
    "a touch of a window that it broke itself": [
      FAULT_CAUSES.window,
      (gate, window) => {
        must(gate.windowUnbind(window));
        return window.getU8(0);
      },
    ],
    "a touch of frames that it gave back": [
      FAULT_CAUSES.window,
      (gate, window) => {
        must(gate.framesFree(frame(4), 4, own));
        return window.setU8(0, 1);
      },
    ],
  };

  test.each(Object.entries(CASES))("%s is delivered with its cause, and is its own", (_, [cause, act]) => {
    const trace = makeTrace(64);
    const faulted: unknown[] = [];
    const rig = makeRig(64, { trace, faulted: (id, reason) => void faulted.push([id, reason]) });
    const { gate, heard } = careless(rig, act);
    rig.run(3);
    expect(heard).toHaveLength(1);
    const [heardCause, reason, blame] = heard[0] as Heard;
    expect([heardCause, blame]).toEqual([cause, gate.self]);
    expect(faulted).toEqual([[gate.self, reason]]);
    expect(eventsOf(trace, "fault")).toEqual([["fault", gate.self, cause]]);
    expect(rig.root.environments.faults(rowOf(gate.self))).toBe(1);
    expect(isAlive(rig, gate)).toBe(true);
    checkTables(rig.root);
  });

  test("a promise from any upcall is a fault of it", () => {
    const later = (async () => {
      throw new Error("later");
    }) as never;
    const entries: Partial<Upcalls>[] = [
      { sliceBegin: later },
      { sliceEnd: later },
      { transfer: later },
      { transferAsync: later },
      { transferReply: later },
      { revoke: later },
    ];
    for (const entry of entries) {
      const rig = makeRig(64);
      const causes: number[] = [];
      const gate = place(rig, [1, 1], () => ({ ...entry, fault: (cause) => void causes.push(cause) }), [0]);
      const keeper = place(rig, [1, 2], () => ({ transfer: () => undefined }));
      if (entry.transfer !== undefined) rig.root.transfer(gate.self, 0, 0, 0, 0);
      else if (entry.transferAsync !== undefined) must(rig.root.transferAsync(gate.self, 0, 0, 0, 0));
      else if (entry.transferReply !== undefined) {
        must(gate.transfer(keeper.self, 0, 0, 0, 0));
        must(keeper.transferReply(gate.self, 0, 0, 0, 0));
      } else if (entry.revoke !== undefined)
        must(rig.root.revocationAsk(gate.self, RESOURCE_KINDS.slice, 1, own));
      rig.run(1);
      expect(causes, Object.keys(entry)[0]).toEqual([FAULT_CAUSES.upcall]);
    }
  });
});

describe("blame", () => {
  test("for a dead window it has who freed the frames under it", () => {
    const rig = makeRig(64);
    const { gate, heard } = careless(rig, (_, window) => window.getU32(0));
    const vandal = place(
      rig,
      [1, 2],
      (mine) => once(() => must(mine.framesFree(frame(5), 1, capSlot(1))))(mine),
      [100],
    );
    rig.grant(vandal, { name: [1, 1], rights: 7 });
    // The vandal's turn comes first.
    must(gate.sliceFree(0 as never, own));
    must(gate.sliceAlloc(101 as never, own));
    rig.run(2);
    expect(heard.map(([cause, , blame]) => [cause, blame])).toEqual([[FAULT_CAUSES.window, vandal.self]]);
    expect(rig.root.environments.faults(rowOf(vandal.self))).toBe(0);
  });

  test("it has who ended another that had the frames", () => {
    const rig = makeRig(64);
    const lender = place(rig, [2], () => ({}));
    must(lender.framesAlloc(frame(9), 1, own));
    const windows: Window[] = [];
    const heard: Heard[] = [];
    const borrower = place(
      rig,
      [1, 1],
      (gate) => ({
        ...once(() => (windows[0] as Window).getU8(0))(gate),
        fault: (...fault) => void heard.push(fault),
      }),
      [5],
    );
    const key = rig.grant(borrower, { name: [2], rights: 7 });
    windows.push(must(borrower.windowBind(frame(9), 1, true, key)));
    const killer = place(
      rig,
      [1, 2],
      (gate) => once(() => must(gate.environmentDestroy(lender.self, capSlot(1))))(gate),
      [4],
    );
    rig.grant(killer, { name: [2], rights: 7 });
    rig.run(2);
    expect(heard.map(([cause, , blame]) => [cause, blame])).toEqual([[FAULT_CAUSES.window, killer.self]]);
  });

  test("it has the kernel for what was taken by force", () => {
    const rig = makeRig(64, { revocationSeconds: 1e-6 });
    const { gate, window, heard } = careless(rig, (_, mine) => mine.getU32(0));
    must(rig.root.revocationAsk(gate.self, RESOURCE_KINDS.frame, 4, own));
    must(gate.sliceFree(0 as never, own));
    rig.run(1);
    rig.machine.clock.advance(cycles(rig.machine.clock.now() + 1_000_000));
    rig.run(2);
    expect(window.length).toBe(0);
    must(gate.sliceAlloc(1 as never, own));
    rig.run(2);
    expect(heard.map(([cause, , blame]) => [cause, blame])).toEqual([[FAULT_CAUSES.window, KERNEL]]);
  });

  test("it stays with a window's breaker over a fault of another kind, and is spent with the one that it is for", () => {
    const rig = makeRig(64);
    let turn = 0;
    const heard: Heard[] = [];
    const windows: Window[] = [];
    const gate = place(
      rig,
      [1, 1],
      () => ({
        sliceBegin: () => {
          turn += 1;
          if (turn === 1) throw new Error("mine");
          if (turn === 2) (windows[0] as Window).getU8(0);
          if (turn === 3) (windows[1] as Window).getU8(99_999);
        },
        fault: (...fault) => void heard.push(fault),
      }),
      [1],
    );
    must(gate.framesAlloc(frame(4), 2, own));
    for (const at of [4, 5]) windows.push(must(gate.windowBind(frame(at), 1, true, own)));
    const vandal = place(
      rig,
      [1, 2],
      (mine) => once(() => must(mine.framesFree(frame(4), 1, capSlot(1))))(mine),
      [0],
    );
    rig.grant(vandal, { name: [1, 1], rights: 7 });
    rig.run(4);
    expect(heard.map(([cause, , blame]) => [cause, blame])).toEqual([
      [FAULT_CAUSES.thrown, gate.self],
      [FAULT_CAUSES.window, vandal.self],
      [FAULT_CAUSES.window, gate.self],
    ]);
  });
});

describe("a fault in the middle of a transfer", () => {
  test("by a touch of the caller's dead window is the callee's, delivered before the caller goes on", () => {
    const rig = makeRig(64);
    const order: string[] = [];
    const windows: Window[] = [];
    const server = place(rig, [1, 1], () => ({
      transfer: () => (windows[0] as Window).getU8(0),
      fault: (cause, _, blame) =>
        void order.push(`fault ${cause} by ${blame === client.self ? "client" : "?"}`),
    }));
    must(server.framesAlloc(frame(4), 1, own));
    windows.push(must(server.windowBind(frame(4), 1, true, own)));
    const client: Gate = place(
      rig,
      [1, 2],
      once((gate) => {
        must(gate.framesFree(frame(4), 1, capSlot(1)));
        order.push(outcome(gate.transfer(server.self, 0, 0, 0, 0)));
      }),
      [0],
    );
    rig.grant(client, { name: [1, 1], rights: 7 });
    rig.run(1);
    expect(order).toEqual([`fault ${FAULT_CAUSES.window} by client`, "Faulted"]);
  });

  test("may end callee and caller both, if the entry for it does that", () => {
    const rig = makeRig(64);
    const server = place(rig, [1, 1], (gate) => ({
      transfer: () => {
        throw new Error("no");
      },
      fault: () => {
        must(gate.environmentDestroy(client.self, capSlot(1)));
        throw new Error("again");
      },
    }));
    rig.grant(server, { name: [1, 2], rights: 7 });
    const client: Gate = place(
      rig,
      [1, 2],
      (gate) => ({
        sliceBegin: () => void gate.transfer(server.self, 0, 0, 0, 0),
      }),
      [0],
    );
    rig.run(2);
    expect([isAlive(rig, server), isAlive(rig, client)]).toEqual([false, false]);
    checkTables(rig.root);
  });
});
