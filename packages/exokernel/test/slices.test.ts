import { MODERN_3GHZ } from "@exolith/hw-model";
import { describe, expect, test } from "vitest";
import {
  FAULT_CAUSES,
  FRAME_BYTES,
  NEVER,
  capSlot,
  cycles,
  must,
  rowOf,
  sliceIndex,
  type Cycles,
  type EnvId,
  type Gate,
  frame,
  type Window,
} from "../src/abi/index.ts";
import { makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import { TRACE_EVENTS, makeTrace } from "../src/trace.ts";

const own = capSlot(0);

/** Entry points that use up every slice: until the moment for which the interval timer is armed. */
const spin = (gate: Gate): { sliceBegin: () => void } => ({
  sliceBegin: () => {
    while (gate.clock.now() < gate.slices.ends()) gate.nullCall();
  },
});

/** Which environment ran in each slice, and when it began and ended. */
interface Slice {
  readonly environment: number;
  readonly position: number;
  readonly begin: number;
  readonly end: number;
}

function slicesOf(trace: ReturnType<typeof makeTrace>): Slice[] {
  const slices: Slice[] = [];
  let begun = 0;
  trace.read((time, event, environment, position) => {
    if (event === TRACE_EVENTS.sliceBegin) begun = time;
    if (event === TRACE_EVENTS.sliceEnd) slices.push({ environment, position, begin: begun, end: time });
  });
  return slices;
}

test("[C1] slices at 0, 32, 64, 96 wait 32 quanta at most; 0 to 3 in a row are one switch a cycle", () => {
  const spread = (): Slice[] => {
    const trace = makeTrace(4096);
    const rig = makeRig(256, { trace, quantumSeconds: 0.0001 });
    rig.environment([1, 1], { slices: [0, 32, 64, 96], upcalls: spin });
    rig.environment([1, 2], { slices: [...Array(128).keys()].filter((i) => i % 32 !== 0), upcalls: spin });
    rig.run(128 * 3);
    return slicesOf(trace);
  };
  const first = spread();
  const mine = first.filter((slice) => slice.position % 32 === 0);
  const quantum = 300_000;
  expect(mine.length).toBeGreaterThanOrEqual(12);
  for (let i = 1; i < mine.length; i++)
    expect((mine[i]?.begin ?? 0) - (mine[i - 1]?.begin ?? 0)).toBeLessThan(32.5 * quantum);
  const trace = makeTrace(4096);
  const rig = makeRig(256, { trace, quantumSeconds: 0.0001 });
  const row = rig.environment([1, 1], { slices: [0, 1, 2, 3], upcalls: spin }).self;
  rig.environment([1, 2], { slices: [4, 5, 6, 7], upcalls: spin });
  rig.run(8 * 5);
  const order = slicesOf(trace).map((slice) => slice.environment === row);
  const arrivals = order.filter((isMine, i) => isMine && order[i - 1] !== true).length;
  expect(arrivals).toBe(5);
});

test("[C2] slices begun are slices ended, and one more while the environment runs; both entries are called", () => {
  const rig = makeRig();
  const seen: string[] = [];
  const gate = rig.environment([1, 1], {
    slices: [3],
    upcalls: (own) => ({
      sliceBegin: () => {
        const row = own.self & 0xffff;
        seen.push(`begin ${own.environments.slicesBegun(row) - own.environments.slicesEnded(row)}`);
      },
      sliceEnd: () => {
        seen.push("end");
      },
    }),
  });
  rig.run(3);
  const row = gate.self & 0xffff;
  expect(seen).toEqual(["begin 1", "end", "begin 1", "end", "begin 1", "end"]);
  expect(gate.environments.slicesBegun(row)).toBe(3);
  expect(gate.environments.slicesEnded(row)).toBe(3);
});

test("[H5] changing the quantum moves slice boundaries by exactly as much; the trace has begin and end in pairs", () => {
  const gateCall = MODERN_3GHZ.cycles.gateCall;
  const check = (quantum: number, quantumSeconds?: number): void => {
    const trace = makeTrace(256);
    const rig = makeRig(64, { trace, ...(quantumSeconds === undefined ? {} : { quantumSeconds }) });
    const deadlines: number[] = [];
    rig.environment([1, 1], {
      slices: [0],
      upcalls: (gate) => ({
        sliceBegin: () => {
          deadlines.push(gate.slices.ends());
          spin(gate).sliceBegin();
        },
      }),
    });
    rig.run(8);
    const slices = slicesOf(trace);
    const events: number[] = [];
    trace.read((_, event) => void events.push(event));
    expect(events.filter((event) => event === TRACE_EVENTS.sliceBegin)).toHaveLength(8);
    expect(slices).toHaveLength(8);
    for (const [i, slice] of slices.entries()) {
      expect((deadlines[i] ?? 0) - slice.begin).toBe(quantum);
      expect(slice.end - slice.begin - quantum).toBeGreaterThanOrEqual(0);
      expect(slice.end - slice.begin - quantum).toBeLessThanOrEqual(Math.ceil(gateCall));
    }
    expect(rig.root.slices.ends()).toBe(Infinity);
  };
  check(3_000_000, 0.001);
  check(12_000_000, 0.004);
  check(46_875_000);
});

test("[H6] the cycle counter is monotone and, like the wall clock, read without a call", () => {
  const rig = makeRig();
  const gate = rig.environment([1, 1]);
  const calls = gate.environments.calls(gate.self & 0xffff);
  let last = gate.clock.now();
  for (let i = 0; i < 1000; i++) {
    rig.machine.meter.charge("copyByte", 7);
    const now = gate.clock.now();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  expect(last).toBeGreaterThan(0);
  expect(gate.clock.wallclock()).toBeGreaterThan(1.7e12);
  expect(gate.environments.calls(gate.self & 0xffff)).toBe(calls);
});

describe("yield, sleep and wake", () => {
  const recorder = (log: string[], name: string, gate: Gate, next?: () => EnvId | undefined) => ({
    sliceBegin: () => {
      log.push(name);
      const target = next?.();
      gate.sleep(gate.environments.events(gate.self & 0xffff), NEVER);
      if (target !== undefined) gate.yieldTo(target);
    },
  });

  test("[C5] a directed yield gives the rest of the slice to its target; without a target the scheduler goes on; sleep and wake", () => {
    const log: string[] = [];
    const trace = makeTrace(64);
    const rig = makeRig(256, { trace });
    const ends: number[] = [];
    const noting = (upcalls: { sliceBegin: () => void }, gate: Gate): { sliceBegin: () => void } => ({
      sliceBegin: () => {
        ends.push(gate.slices.ends());
        upcalls.sliceBegin();
      },
    });
    const c = rig.environment([1, 3], {
      slices: [9],
      upcalls: (gate) => noting(recorder(log, "c", gate), gate),
    });
    rig.environment([1, 2], { slices: [5], upcalls: (gate) => recorder(log, "b", gate) });
    rig.environment([1, 1], {
      slices: [0],
      upcalls: (gate) =>
        noting(
          recorder(log, "a", gate, () => c.self),
          gate,
        ),
    });
    rig.kernel.step();
    expect(log).toEqual(["a", "c"]);
    const slices = slicesOf(trace);
    expect(slices[1]?.position).toBe(0);
    expect(ends).toEqual([(slices[0]?.begin ?? 0) + rig.root.slices.quantum(), ends[0]]);
    rig.run(10);
    expect(log).toEqual(["a", "c", "b"]);
    must(rig.root.wake(c.self, own));
    rig.run(10);
    expect(log).toEqual(["a", "c", "b", "c"]);
    expect(rig.kernel.step()).toBe(false);
    const lost = rig.environment([1, 4], {
      slices: [1],
      upcalls: (gate) => ({
        sliceBegin: () => {
          log.push("lost");
          gate.sleep(gate.environments.events(gate.self & 0xffff), NEVER);
          must(gate.yieldTo(c.self));
          log.push(outcome(gate.yieldTo(12_345 as EnvId)));
        },
      }),
    });
    must(rig.root.wake(lost.self, own));
    log.length = 0;
    rig.run(10);
    expect(log).toEqual(["lost", "BadEnvironment"]);
  });

  test("an event between looking and sleeping is not lost", () => {
    const log: string[] = [];
    const rig = makeRig();
    rig.environment([1, 1], {
      slices: [0],
      upcalls: (gate) => ({
        sliceBegin: () => {
          const seen = gate.environments.events(gate.self & 0xffff);
          log.push(`seen ${seen}`);
          if (seen === 0) must(gate.wake(gate.self, own));
          gate.sleep(seen, NEVER);
        },
      }),
    });
    rig.run(10);
    expect(log).toEqual(["seen 0", "seen 1"]);
  });

  test("a sleeper is run again when its time has come, not before", () => {
    const times: number[] = [];
    const rig = makeRig();
    rig.environment([1, 1], {
      slices: [0],
      upcalls: (gate) => ({
        sliceBegin: () => {
          times.push(gate.clock.now());
          gate.sleep(gate.environments.events(gate.self & 0xffff), cycles(1_000_000 * times.length));
        },
      }),
    });
    rig.run(10);
    expect(times).toHaveLength(1);
    expect(rig.kernel.wakeAt()).toBe(1_000_000);
    rig.machine.clock.advance(cycles(999_999));
    expect(rig.kernel.step()).toBe(false);
    rig.machine.clock.advance(cycles(1_000_000));
    expect(rig.kernel.step()).toBe(true);
    expect(times).toHaveLength(2);
  });

  test("two that yield to each other for ever still let the kernel step end", () => {
    const rig = makeRig();
    const ids: EnvId[] = [];
    const upcalls = (other: number) => (gate: Gate) => ({
      sliceBegin: () => {
        const target = ids[other];
        if (target !== undefined) gate.yieldTo(target);
      },
    });
    ids.push(rig.environment([1, 1], { slices: [0], upcalls: upcalls(1) }).self);
    ids.push(rig.environment([1, 2], { slices: [1], upcalls: upcalls(0) }).self);
    expect(rig.kernel.step()).toBe(true);
  });
});

test("a library counts free frames and names the next runnable environment without a call", () => {
  const rig = makeRig();
  const sleeper = rig.environment([1, 1], { slices: [3] });
  const next = rig.environment([1, 2], { slices: [9], upcalls: spin });
  rig.environment([1, 3]);
  rig.run(2);
  const { root } = rig;
  const calls = root.environments.calls(root.self & 0xffff);
  let free = 0;
  for (let f = 0; f < root.frames.count; f++) if (root.frames.owner(f) === 0) free += 1;
  expect(free).toBe(root.frames.free());
  const named: number[] = [];
  for (let i = 1; i <= root.slices.count; i++) {
    const id = root.slices.owner((root.slices.current() + i) % root.slices.count);
    if (id !== 0 && root.environments.runnable(id & 0xffff) === 1) named.push(id);
  }
  expect(named[0]).toBe(next.self);
  expect(named).not.toContain(sleeper.self);
  expect(root.environments.calls(root.self & 0xffff)).toBe(calls);
});

describe("positions of the vector", () => {
  const claimed = (): { rig: Rig; gate: Gate } => {
    const rig = makeRig();
    return { rig, gate: rig.environment([1, 1], { slices: [7] }) };
  };

  test("a position is claimed once, and freed only with authority over it", () => {
    const { rig, gate } = claimed();
    const other = rig.environment([1, 2]);
    expect(outcome(other.sliceAlloc(sliceIndex(7), own))).toBe("Busy");
    expect(outcome(other.sliceFree(sliceIndex(7), own))).toBe("BadCapability");
    expect(outcome(other.sliceFree(sliceIndex(8), own))).toBe("BadSlice");
    for (const bad of [-1, 128, 0.5, undefined] as never[]) {
      expect(outcome(gate.sliceAlloc(bad, own))).toBe("BadSlice");
      expect(outcome(gate.sliceFree(bad, own))).toBe("BadSlice");
    }
    expect(outcome(gate.sliceFree(sliceIndex(7), own))).toBe("ok");
    expect(gate.slices.owner(7)).toBe(0);
    expect(outcome(other.sliceAlloc(sliceIndex(7), own))).toBe("ok");
  });
});

describe("what somebody waits for", () => {
  /** Cycles from one slice of the only runner to the next, when a waiter with so many terms has so many slices. */
  const betweenSlices = (slices: number): number[] => {
    const rig = makeRig(64);
    const begun: number[] = [];
    rig.environment([1, 1], {
      slices: [0],
      upcalls: (gate) => ({
        sliceBegin: () => void begun.push(gate.clock.now()),
      }),
    });
    const waiter = rig.environment([1, 2], { slices: Array.from({ length: slices }, (_, i) => i + 1) });
    must(waiter.framesAlloc(frame(8), 1, own));
    const window = must(waiter.windowBind(frame(8), 1, true, own));
    const term = { window, at: 0, comparison: "equal", value: 1 } as const;
    must(waiter.predicateWait([{ tag: 1, terms: Array.from({ length: 256 }, () => term) }]));
    rig.run(4);
    expect(waiter.environments.slicesBegun(rowOf(waiter.self))).toBe(0);
    return begun.slice(1).map((at, i) => at - (begun[i] as number));
  };

  test("is looked at once a scan, however many slices the waiter has", () => {
    // The clock shows whole cycles.
    const all = [...betweenSlices(100), ...betweenSlices(1)];
    expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(2);
  });

  test("is looked at once also by a waiter that pays for excess time with one slice after the other", () => {
    const looks = (slices: number): number => {
      const rig = makeRig(64, { quantumSeconds: 1e-5 });
      const windows: Window[] = [];
      const waiter: Gate = rig.environment([1, 2], {
        slices: Array.from({ length: slices }, (_, i) => i),
        upcalls: (gate) => ({
          sliceBegin: () => {
            rig.machine.clock.advance((gate.slices.ends() + 40 * gate.slices.quantum()) as Cycles);
            const term = { window: windows[0] as Window, at: 0, comparison: "equal", value: 0 } as const;
            must(gate.predicateWait([{ tag: 1, terms: Array.from({ length: 256 }, () => term) }]));
          },
        }),
      });
      must(waiter.framesAlloc(frame(8), 1, own));
      windows.push(must(waiter.windowBind(frame(8), 1, true, own)));
      rig.run(1);
      const before = rig.machine.clock.now();
      rig.run(1);
      expect(rig.root.environments.forfeited(rowOf(waiter.self))).toBe(slices);
      return rig.machine.clock.now() - before;
    };
    expect(Math.abs(looks(20) - looks(1))).toBeLessThanOrEqual(2);
  });

  test("and is seen in the next scan once it has come", () => {
    const rig = makeRig(64);
    const begun: string[] = [];
    const waiter = rig.environment([1, 2], {
      slices: [1, 2],
      upcalls: () => ({ sliceBegin: () => void begun.push("waiter") }),
    });
    must(waiter.framesAlloc(frame(8), 1, own));
    const window = must(waiter.windowBind(frame(8), 1, true, own));
    rig.environment([1, 1], {
      slices: [0],
      upcalls: () => ({
        sliceBegin: () => {
          begun.push("runner");
          if (begun.length === 2) window.setU32(0, 1);
        },
      }),
    });
    must(waiter.predicateWait([{ tag: 1, terms: [{ window, at: 0, comparison: "equal", value: 1 }] }]));
    rig.run(3);
    expect(begun).toEqual(["runner", "runner", "waiter"]);
  });
});

describe("faults", () => {
  test("a throw is delivered to the environment that threw, and the others go on", () => {
    const heard: unknown[] = [];
    let ran = 0;
    const rig = makeRig();
    const bad = rig.environment([1, 1], {
      slices: [0],
      upcalls: () => ({
        sliceBegin: () => {
          throw new Error("broken");
        },
        fault: (cause, reason) => heard.push([cause, (reason as Error).message]),
      }),
    });
    rig.environment([1, 2], { slices: [1], upcalls: () => ({ sliceBegin: () => (ran += 1) }) });
    rig.run(4);
    expect(heard).toEqual([
      [1, "broken"],
      [1, "broken"],
    ]);
    expect(ran).toBe(2);
    expect(bad.environments.faults(bad.self & 0xffff)).toBe(2);
  });

  /** RAM without the frame where the kernel publishes what goes on, such as the slice that is run. */
  const memoryOfOthers = ({ machine, root }: Rig): Uint8Array => {
    const memory = machine.memory.bytes.slice();
    const system = root.system.frame * FRAME_BYTES;
    return memory.fill(0, system, system + FRAME_BYTES);
  };

  /** What no environment may do: reach past its gate, its tables, its windows. */
  const privileged: Record<string, (gate: Gate, readable: Window) => unknown> = {
    "become somebody else": (gate) => ((gate as { self: number }).self = 0),
    "replace a call": (gate) => ((gate as { framesFree: unknown }).framesFree = () => undefined),
    "write a published table": (gate) => Object.assign(gate.frames, { owner: () => 7 }),
    "write through a window that is not for writing": (_, readable) => readable.setU32(0, 0xbad),
    "read past its frames": (_, readable) => readable.getU32(readable.length),
    "copy past its frames": (_, readable) => readable.read(0, new Uint8Array(8192), 0, 8192),
    "call with something that is no window": (_, readable) => readable.equals(0, {} as Window, 0, 1),
  };

  test("[H1] a privileged operation raises a fault that is delivered to the environment, and tables and memory are as they were", () => {
    for (const [name, attempt] of Object.entries(privileged)) {
      const rig = makeRig();
      const causes: number[] = [];
      const bound: Window[] = [];
      const gate = rig.environment([1, 1], {
        slices: [0],
        upcalls: (mine) => ({
          sliceBegin: () => void attempt(mine, bound[0] as Window),
          fault: (cause) => void causes.push(cause),
        }),
      });
      must(gate.framesAlloc(frame(8), 1, own));
      bound.push(must(gate.windowBind(frame(8), 1, false, own)));
      const before = tableState(rig.root);
      const memory = memoryOfOthers(rig);
      rig.run(1);
      expect(causes, name).toHaveLength(1);
      expect(tableState(rig.root), name).toBe(before);
      expect(Buffer.compare(memoryOfOthers(rig), memory), name).toBe(0);
    }
  });

  test("an upcall that returns a promise is a fault, and its rejection troubles nobody", async () => {
    const causes: number[] = [];
    const rig = makeRig();
    rig.environment([1, 1], {
      slices: [0],
      upcalls: () => ({
        sliceBegin: async () => {
          throw new Error("later");
        },
        fault: (cause) => void causes.push(cause),
      }),
    });
    const start = (async () => {
      throw new Error("never");
    }) as never;
    rig.run(2);
    expect(causes).toEqual([FAULT_CAUSES.upcall, FAULT_CAUSES.upcall]);
    expect(outcome(rig.root.environmentCreate(start, own))).toBe("BadProgram");
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("a call at the end of the stack is refused before anything has changed", () => {
    const rig = makeRig();
    const victim = rig.environment([1, 1], { slices: [4] });
    must(victim.framesAlloc(frame(8), 8, own));
    must(victim.windowBind(frame(8), 8, true, own));
    const causes: number[] = [];
    let tries = 0;
    const down = (gate: Gate): void => {
      try {
        down(gate);
      } finally {
        tries += 1;
        if (tries < 200) gate.environmentDestroy(gate.self, own);
      }
    };
    const doomed = rig.environment([1, 2], {
      slices: [5],
      upcalls: (gate) => ({ sliceBegin: () => down(gate), fault: (cause) => void causes.push(cause) }),
    });
    must(doomed.framesAlloc(frame(32), 8, own));
    rig.run(1);
    const alive = rig.root.environments.id(doomed.self & 0xffff) === doomed.self;
    expect(rig.root.slices.owner(5)).toBe(alive ? doomed.self : 0);
    expect(rig.root.frames.owner(32)).toBe(alive ? doomed.self : 0);
    if (alive) must(rig.root.environmentDestroy(doomed.self, own));
    expect(rig.root.frames.owner(32)).toBe(0);
    expect(causes.every((cause) => cause === 1)).toBe(true);
  });

  test("without an entry for faults, or with one that throws, the environment is destroyed", () => {
    const rig = makeRig();
    const boom = (): never => {
      throw new Error("boom");
    };
    const first = rig.environment([1, 1], { slices: [0], upcalls: () => ({ sliceBegin: boom }) });
    const second = rig.environment([1, 2], {
      slices: [1],
      upcalls: () => ({ sliceBegin: boom, fault: boom }),
    });
    rig.run(4);
    for (const dead of [first, second]) expect(rig.root.environments.id(dead.self & 0xffff)).toBe(0);
    expect(rig.root.slices.owner(0)).toBe(0);
    expect(() => first.nullCall()).toThrow("dead");
  });

  test("a program that throws while it is started leaves nothing behind", () => {
    const rig = makeRig();
    const free = rig.root.frames.free();
    const program = (gate: Gate): never => {
      must(gate.framesAlloc(0 as never, 3, own));
      must(gate.sliceAlloc(sliceIndex(1), own));
      throw new Error("no");
    };
    expect(outcome(rig.root.environmentCreate(program, own))).toBe("BadProgram");
    expect(outcome(rig.root.environmentCreate((() => ({})) as never, own))).toBe("BadProgram");
    expect(outcome(rig.root.environmentCreate(7 as never, own))).toBe("BadProgram");
    expect(rig.root.frames.free()).toBe(free);
    expect(rig.root.slices.owner(1)).toBe(0);
  });
});
