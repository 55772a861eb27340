/** Programs: loaded, entered, suspended and stopped; what they cost, and whose time it is. */
import { DEC5000_125 } from "@exolith/hw-model";
import { makeHostMachine } from "@exolith/hw-model/host";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { EXIT, FAULT_CAUSES, frame, must, rowOf, virtualPage, type ProgramHandle } from "../src/abi/index.ts";
import { boot } from "../src/index.ts";
import { tableLines } from "../src/inspection/table-text.ts";
import { checkTables, outcome, placeEnvironment } from "../src/testing/index.ts";
import {
  host,
  loadPaged,
  loadSegment,
  makeOwner,
  moduleOf,
  own,
  programRig,
  requestOf,
} from "./program-rig.ts";

const add = moduleOf((code) => code.get(0).get(1).op("i32.add"), {
  parameters: ["i32", "i32"],
});

test("a program is entered, runs in its owner's slice, and gives its result", () => {
  const owner = makeOwner(programRig(), 1);
  for (const program of [loadSegment(owner, add), loadPaged(owner, add)]) {
    expect(owner.do(() => program.enter("main", 20, 22))).toBe(EXIT.returned);
    expect(program.result()).toBe(42);
    expect(program.cause()).toBe(0);
    expect(program.exports.map(({ name }) => name)).toEqual(["main"]);
    must(owner.gate.programEnd(program.id));
  }
  checkTables(owner.gate);
});

const endless = moduleOf((code) => code.open("loop").op("br", 0).end().i32(1));

test("a program that never ends is suspended at the end of every slice, to the instruction", () => {
  const rig = programRig({}, { profile: DEC5000_125 });
  const owner = makeOwner(rig, 1);
  const program = loadSegment(owner, endless);
  const over: number[] = [];
  const run = (act: () => unknown): void => {
    owner.do(() => {
      const ends = owner.gate.slices.ends();
      expect(act()).toBe(EXIT.suspended);
      over.push(rig.machine.clock.now() - ends);
    });
  };
  run(() => program.enter("main"));
  for (let i = 0; i < 5; i++) run(() => program.run());
  expect(program.isSuspended()).toBe(true);
  for (const cycles of over) expect(Math.abs(cycles)).toBeLessThan(100);
  expect(owner.gate.environments.excess(owner.row)).toBe(0);
  expect(owner.gate.programs.suspensions(rowOf(program.id))).toBe(6);
});

test("what a program uses is charged once: fuel is cycles, and its owner's", () => {
  const rig = programRig({}, { profile: DEC5000_125 });
  const owner = makeOwner(rig, 1);
  const count = moduleOf(
    (code) => code.open("loop").get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end().i32(7),
    { parameters: ["i32"] },
  );
  const program = loadSegment(owner, count);
  const row = rowOf(program.id);
  const spent = (turns: number): [number, number] => {
    const fuel = owner.gate.programs.fuel(row);
    return owner.do(() => {
      const before = rig.machine.clock.now();
      expect(program.enter("main", turns)).toBe(EXIT.returned);
      return [rig.machine.clock.now() - before, owner.gate.programs.fuel(row) - fuel];
    });
  };
  for (const turns of [1, 1000, 30_000]) {
    const [cycles, fuel] = spent(turns);
    expect(cycles).toBe(fuel);
    expect(fuel).toBeGreaterThanOrEqual(turns);
    expect(fuel).toBeLessThan(20 * turns + 20);
  }
});

test("a tight loop shares the processor 1:1 with another environment", () => {
  const rig = programRig({ quantumSeconds: 5e-4 });
  const owners = [1, 2].map((n) => makeOwner(rig, n));
  const programs = owners.map((owner) => loadSegment(owner, endless));
  for (const [i, owner] of owners.entries()) {
    const program = programs[i] as ProgramHandle;
    owner.idle = () => void (program.isSuspended() ? program.run() : program.enter("main"));
  }
  const used = (): number[] => owners.map(({ gate, row }) => gate.environments.cyclesUsed(row));
  const before = used();
  for (let i = 0; i < 200; i++) rig.kernel.step();
  const [a = 0, b = 0] = used().map((cycles, i) => cycles - (before[i] ?? 0));
  expect(a).toBeGreaterThan(90 * rig.root.slices.quantum());
  expect(Math.abs(a - b) / a).toBeLessThan(0.001);
  for (const { gate, row } of owners) expect(gate.environments.excess(row)).toBe(0);
});

test("[V3] a program's call through a vector of its library runs with no kernel entries", () => {
  const rig = programRig();
  const owner = makeOwner(rig, 1);
  const vector = host("int80", (a: number) => a + 1, ["i32"]);
  const program = loadSegment(
    owner,
    moduleOf((code, { int80 = 0 }) => code.i32(41).op("call", int80), { imports: [vector] }),
    [vector],
  );
  const before = owner.gate.environments.calls(owner.row);
  owner.do(() => program.enter("main"));
  expect(program.result()).toBe(42);
  expect(owner.gate.environments.calls(owner.row)).toBe(before);
  expect(owner.gate.programs.hostCalls(rowOf(program.id))).toBe(1);
  expect(owner.gate.programs.gateCalls(rowOf(program.id))).toBe(0);
});

const load = moduleOf((code) => code.get(0).memory("i32.load"), { parameters: ["i32"], pages: 4 });
const store = moduleOf((code) => code.get(0).get(1).memory("i32.store").i32(0), {
  parameters: ["i32", "i32"],
  pages: 4,
});

test("[V2] a fault and the return from it make no kernel calls but those of its handler, and the access is tried again", () => {
  const owner = makeOwner(programRig(), 1);
  const program = loadPaged(owner, load);
  const { gate, first, window } = owner;
  window.setU32LE(20 * 4096 + 8, 77);
  const seen: number[][] = [];
  owner.onFault = (cause, address) => {
    seen.push([cause, address]);
    must(gate.tlbWrite(virtualPage(address >>> 12), frame(first + 20), 1, RIGHTS.none, own));
    return true;
  };
  const calls = gate.environments.calls(owner.row);
  expect(owner.do(() => program.enter("main", 0x2008))).toBe(EXIT.returned);
  expect(program.result()).toBe(77);
  expect(seen).toEqual([[FAULT_CAUSES.translation, 0x2008]]);
  expect(gate.environments.calls(owner.row) - calls).toBe(1);
  owner.onFault = () => {
    throw new Error("not again");
  };
  expect(owner.do(() => program.enter("main", 0x2008))).toBe(EXIT.returned);
  expect(gate.environments.calls(owner.row) - calls).toBe(1);
  expect(gate.environments.faults(owner.row)).toBe(0);
});

test("a store to a page for reading is a protection fault, which its library answers or not", () => {
  const owner = makeOwner(programRig(), 1);
  const { gate, first, window } = owner;
  const program = loadPaged(owner, store);
  must(gate.tlbWrite(virtualPage(1), frame(first + 20), 1, RIGHTS.write, own));
  must(gate.tlbProtect(virtualPage(1), 1, RIGHTS.none));
  const seen: number[][] = [];
  owner.onFault = (cause, address) => {
    seen.push([cause, address]);
    return gate.tlbProtect(virtualPage(1), 1, RIGHTS.write) === undefined;
  };
  expect(owner.do(() => program.enter("main", 0x1010, 5))).toBe(EXIT.returned);
  expect(window.getU32LE(20 * 4096 + 0x10)).toBe(5);
  expect(seen).toEqual([[FAULT_CAUSES.protection, 0x1010]]);
  must(gate.tlbProtect(virtualPage(1), 1, RIGHTS.none));
  owner.onFault = () => undefined;
  expect(owner.do(() => program.enter("main", 0x1014, 6))).toBe(EXIT.stopped);
  expect([program.cause(), program.address()]).toEqual([FAULT_CAUSES.protection, 0x1014]);
  expect(window.getU32LE(20 * 4096 + 0x14)).toBe(0);
});

const CAUSES: readonly (readonly [keyof typeof FAULT_CAUSES, Parameters<typeof moduleOf>[0]])[] = [
  ["division", (code) => code.i32(1).i32(0).op("i32.div_s")],
  [
    "division",
    (code) =>
      code
        .i32(-(2 ** 31))
        .i32(-1)
        .op("i32.div_s"),
  ],
  ["division", (code) => code.i32(1).i32(0).op("i32.rem_u")],
  ["unreachable", (code) => code.op("unreachable")],
  ["trap", (code) => code.f64(1e300).op("i32.trunc_f64_s")],
  ["stack", (code) => code.op("call", 0)],
  ["access", (code) => code.i32(65_536).memory("i32.load")],
  ["access", (code) => code.i32(-1).memory("i32.load")],
];

test.each(CAUSES)("a program that is stopped by itself says why: %s", (name, body) => {
  const owner = makeOwner(programRig(), 1);
  for (const load of [loadSegment, loadPaged]) {
    const program = load(owner, moduleOf(body));
    expect(owner.do(() => program.enter("main"))).toBe(EXIT.stopped);
    expect(program.cause()).toBe(FAULT_CAUSES[name]);
    expect(program.thrown()).toBe(undefined);
    expect(() => owner.do(() => program.enter("main"))).toThrow("over");
    must(owner.gate.programEnd(program.id));
  }
  expect(owner.gate.environments.faults(owner.row)).toBe(0);
});

test("what a function of its library throws stops a program, and comes out of it", () => {
  const owner = makeOwner(programRig(), 1);
  const bomb = new Error("no");
  const fail = host("fail", () => {
    throw bomb;
  });
  const module = moduleOf((code, { fail: f = 0 }) => code.op("call", f), { imports: [fail] });
  const program = loadSegment(owner, module, [fail]);
  expect(owner.do(() => program.enter("main"))).toBe(EXIT.stopped);
  expect([program.cause(), program.thrown()]).toEqual([FAULT_CAUSES.thrown, bomb]);
  expect(owner.gate.environments.state(owner.row)).toBe(1);
});

test("a function that has to wait suspends the program, and is called again when it goes on", () => {
  const owner = makeOwner(programRig(), 1);
  let ready = false;
  const asked: number[] = [];
  const wait = host(
    "wait",
    (a: number, b: bigint) => {
      asked.push(a, Number(b));
      if (!ready) program.suspend();
      return 9n;
    },
    ["i32", "i64"],
    ["i64"],
  );
  const module = moduleOf((code, { wait: w = 0 }) => code.i32(3).i64(4n).op("call", w).op("i32.wrap_i64"), {
    imports: [wait],
  });
  const program: ProgramHandle = loadSegment(owner, module, [wait]);
  expect(owner.do(() => program.enter("main"))).toBe(EXIT.suspended);
  expect(program.contextUsed()).toBeGreaterThan(0);
  expect(owner.do(() => program.run())).toBe(EXIT.suspended);
  ready = true;
  expect(owner.do(() => program.run())).toBe(EXIT.returned);
  expect(program.result()).toBe(9);
  expect(asked).toEqual([3, 4, 3, 4, 3, 4]);
  expect(program.contextUsed()).toBe(0);
});

test("a program that calls for long is suspended instead of called, when its slice is over", () => {
  const rig = programRig();
  const owner = makeOwner(rig, 1);
  const quantum = rig.root.slices.quantum();
  let called = 0;
  const slow = host("slow", () => {
    called += 1;
    rig.machine.clock.spend(quantum * 0.4);
    return called;
  });
  const module = moduleOf(
    (code, { slow: s = 0 }) =>
      code.open("loop").op("call", s).i32(6).op("i32.ne").op("br_if", 0).end().i32(0),
    { imports: [slow] },
  );
  const program = loadSegment(owner, module, [slow]);
  expect(owner.do(() => program.enter("main"))).toBe(EXIT.suspended);
  expect(called).toBe(3);
  expect(owner.do(() => program.run())).toBe(EXIT.returned);
  expect(called).toBe(6);
});

test("memory grows as far as its frames and its library allow", () => {
  const owner = makeOwner(programRig(), 1);
  const grow = moduleOf((code) => code.get(0).op("memory.grow", 0), { parameters: ["i32"], maximum: 10 });
  const asked: number[][] = [];
  const mayGrow = (pages: number, has: number): boolean => asked.push([pages, has]) !== 2;
  const program = loadSegment(owner, grow, [], { segmentFrames: 3 * 16, mayGrow });
  const grown = [1, 1, 1, 1, 9].map((pages) => {
    owner.do(() => program.enter("main", pages));
    return program.result();
  });
  expect(grown).toEqual([1, -1, 2, -1, -1]);
  expect(asked).toEqual([
    [1, 1],
    [1, 2],
    [1, 2],
  ]);
  expect(program.pages()).toBe(3);
});

test("data and the function that runs first are placed and run by initialise", () => {
  const owner = makeOwner(programRig(), 1);
  const module = moduleOf((code) => code.i32(4).memory("i32.load"), {
    data: Uint8Array.from([1, 2, 3]),
    start: (code) => code.i32(4).i32(123).memory("i32.store"),
  });
  const program = must(owner.gate.programLoad(requestOf(owner, module), own));
  expect(() => owner.do(() => program.enter("main"))).toThrow("initialised");
  expect(owner.do(() => program.initialise())).toBe(EXIT.returned);
  expect(owner.do(() => program.enter("main"))).toBe(EXIT.returned);
  expect(program.result()).toBe(123);
  expect(owner.window.getU32(16 * 4096)).toBe(0x01020300);
  expect(outcome(owner.gate.programEnd(program.id))).toBe("ok");
  expect(outcome(owner.gate.programEnd(program.id))).toBe("NoProgram");
});

test("on a host a program that never ends is suspended as well, and what it uses is counted", () => {
  const { root, step } = boot(makeHostMachine({ frames: 64 }), { quantumSeconds: 0.002, reserveFrames: 0 });
  const exits: unknown[] = [];
  const loaded: ProgramHandle[] = [];
  const gate = placeEnvironment(root, [1, 1], {
    slices: [0],
    upcalls: () => ({
      sliceBegin: () => {
        const [program] = loaded;
        if (program === undefined) return;
        if (!program.isSuspended()) program.initialise();
        exits.push(program.isSuspended() ? program.run() : program.enter("main"));
      },
    }),
  });
  must(gate.framesAlloc(frame(8), 40, own));
  const request = {
    module: endless,
    mode: "segment",
    imports: [],
    context: frame(8),
    contextFrames: 16,
  } as const;
  loaded.push(must(gate.programLoad({ ...request, segment: frame(24), segmentFrames: 16 }, own)));
  for (let i = 0; i < 1000 && exits.length < 3; i++) step();
  expect(exits).toEqual([EXIT.suspended, EXIT.suspended, EXIT.suspended]);
  expect(gate.programs.fuel(rowOf(loaded[0]?.id ?? 0))).toBeGreaterThan(1000);
});

test("an inspection of the tables shows what programs have used", () => {
  const owner = makeOwner(programRig(), 1);
  const program = loadSegment(owner, add);
  owner.do(() => program.enter("main", 1, 2));
  const lines = tableLines(owner.gate).join("\n");
  expect(lines).toMatch(
    new RegExp(
      `^Programs\n.*kernel calls  suspensions\n +${rowOf(program.id)} +${owner.row} +\\d+ +0 +0 +0 +0$`,
      "m",
    ),
  );
});
