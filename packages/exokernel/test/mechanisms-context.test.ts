/** Mechanisms of the processor's time that programs take part in: their contexts, and the slices that they overrun. */
import { DEC5000_125, FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import {
  EXIT,
  SAVE_AREA as KERNEL_AREA,
  frame,
  must,
  rowOf,
  virtualPage,
  type Exit,
  type ProgramHandle,
} from "../src/abi/index.ts";
import { checkTables } from "../src/testing/index.ts";
import { makeTrace, type Trace } from "../src/trace.ts";
import {
  CONTEXT_FRAMES,
  OWNER_FRAMES,
  host,
  loadPaged,
  loadSegment,
  makeOwner,
  moduleOf,
  own,
  programRig,
  type Owner,
} from "./program-rig.ts";
import { eventsOf, isAlive, spinUntil } from "./transfer-rig.ts";

/** Registers that a program may have; its locals stand for them. */
const REGISTERS = 31;
const LIVE = 4;
const TURNS = 5;
/** Where in its memory a program saves its own context. */
const SAVE_AREA = 1024;

/** Computes in all its registers for a few turns, between taking back `saved` of them and saving them again. */
const savesItself = (saved: number): Uint8Array =>
  moduleOf((code) => {
    const registers = Array.from({ length: REGISTERS }, () => code.local("i32"));
    for (const [i, register] of registers.slice(0, saved).entries())
      code
        .i32(SAVE_AREA)
        .memory("i32.load", i * 4, 2)
        .set(register);
    const turn = code.local("i32");
    code.i32(TURNS).set(turn).open("loop");
    for (const register of registers) code.get(register).i32(1).op("i32.add").set(register);
    code.get(turn).i32(1).op("i32.sub").tee(turn).op("br_if", 0).end();
    for (const [i, register] of registers.slice(0, saved).entries())
      code
        .i32(SAVE_AREA)
        .get(register)
        .memory("i32.store", i * 4, 2);
    code.i32(0);
  });

/** Computes for ever in `count` locals, each of which it needs; it never says that it may be interrupted. */
const isInterrupted = (count: number): Uint8Array =>
  moduleOf((code) => {
    const locals = Array.from({ length: count }, () => code.local("i32"));
    for (const [i, local] of locals.entries()) code.i32(0x1000 + i).set(local);
    code.open("loop");
    for (const local of locals) code.get(local).i32(0x1_0000).op("i32.add").set(local);
    code.op("br", 0).end().i32(0);
  });

interface Slices {
  /** Cycles of a slice, and between one slice and the next. */
  readonly cycles: number;
  readonly between: number;
  /** What is in all frames of the owner when its last slice is over. */
  readonly frames: Uint8Array;
  /** Bytes that were different when the slices began from what they were at the ends before. */
  readonly changed: number;
  readonly program: ProgramHandle;
  readonly owner: Owner;
}

const SLICES = 8;

/** Gives a program so many slices, in each of which `act` lets it run. */
function runSlices(module: Uint8Array, act: (program: ProgramHandle) => Exit): Slices {
  const trace = makeTrace(4096);
  const rig = programRig({ trace, quantumSeconds: 1e-4 }, { profile: DEC5000_125 });
  const { bytes } = rig.machine.memory;
  let before: Uint8Array | undefined;
  let changed = 0;
  const owner = makeOwner(rig, 1, {
    sliceEnd: () => {
      before = framesOf();
    },
  });
  const framesOf = (): Uint8Array =>
    bytes.slice(owner.first * FRAME_BYTES, (owner.first + OWNER_FRAMES) * FRAME_BYTES);
  const program = loadSegment(owner, module);
  const exits: Exit[] = [];
  const { environments } = owner.gate;
  owner.idle = () => {
    const now = framesOf();
    changed += before?.reduce((sum, byte, i) => sum + (byte === now[i] ? 0 : 1), 0) ?? 0;
    exits.push(act(program));
  };
  const used = environments.cyclesUsed(owner.row);
  for (let i = 0; i < SLICES; i++) expect(rig.kernel.step()).toBe(true);
  expect(exits).not.toContain(EXIT.stopped);
  return {
    cycles: (environments.cyclesUsed(owner.row) - used) / SLICES,
    between: betweenSlices(trace),
    frames: framesOf(),
    changed,
    program,
    owner,
  };
}

/** Mean cycles from the end of one slice to the beginning of the next, over the last of a trace. */
function betweenSlices(trace: Trace): number {
  const ends: number[] = [];
  const begins: number[] = [];
  trace.read((time, event) => void (event === 1 ? begins : event === 2 ? ends : []).push(time));
  const gaps = begins.slice(1).map((begin, i) => begin - (ends[i] ?? 0));
  return gaps.slice(-SLICES + 1).reduce((sum, gap) => sum + gap, 0) / (SLICES - 1);
}

/** How many bytes are not zero in some frames of an owner, counted from its first. */
const written = ({ frames }: Slices, from: number, count: number): number =>
  frames.subarray(from * FRAME_BYTES, (from + count) * FRAME_BYTES).filter((byte) => byte !== 0).length;

test("[C3] a program saves its own context: to save what is live costs fewer cycles than to save everything, and the kernel saves nothing", () => {
  const enter = (program: ProgramHandle): Exit => program.enter("main");
  const [nothing, live, everything] = [0, LIVE, REGISTERS].map((n) => runSlices(savesItself(n), enter)) as [
    Slices,
    Slices,
    Slices,
  ];
  expect(live.cycles).toBeLessThan(everything.cycles);
  // A register more costs the same, whichever it is: the difference is the program's own instructions.
  const each = (everything.cycles - live.cycles) / (REGISTERS - LIVE);
  expect(each).toBeGreaterThanOrEqual(2);
  expect((live.cycles - nothing.cycles) / LIVE).toBeCloseTo(each, 6);
  // The kernel's part is the same, and leaves no byte: there is what the program saved, and nothing in its context.
  expect([live.between, everything.between]).toEqual([nothing.between, nothing.between]);
  expect([nothing.changed, live.changed, everything.changed]).toEqual([0, 0, 0]);
  expect([nothing, live, everything].map((one) => written(one, 0, OWNER_FRAMES))).toEqual([
    0,
    LIVE,
    REGISTERS,
  ]);
  expect(live.owner.window.getU32LE(CONTEXT_FRAMES * FRAME_BYTES + SAVE_AREA)).toBe(SLICES * TURNS);
});

test("of a program that is interrupted its own code saves its locals, in its own context, and the kernel nothing", () => {
  const goOn = (program: ProgramHandle): Exit =>
    program.isSuspended() ? program.run() : program.enter("main");
  const few = runSlices(isInterrupted(2), goOn);
  const many = runSlices(isInterrupted(REGISTERS), goOn);
  for (const [one, count] of [
    [few, 2],
    [many, REGISTERS],
  ] as const) {
    const used = one.program.contextUsed();
    expect(one.changed).toBe(0);
    expect(written(one, CONTEXT_FRAMES, OWNER_FRAMES - CONTEXT_FRAMES)).toBe(0);
    // A head, and the locals as they are: all have been added to equally often, give or take the turn it was left in.
    expect(used).toBeGreaterThanOrEqual(count * 4);
    expect(used).toBeLessThan(count * 4 + 64);
    const words = Array.from({ length: used / 4 }, (_, i) =>
      one.owner.window.getU32LE(KERNEL_AREA.bytes + i * 4),
    );
    for (let i = 0; i < count; i++)
      expect(words.some((word) => (word & 0xffff) === 0x1000 + i && word >= 0x1_0000)).toBe(true);
  }
  expect(many.between).toBe(few.between);
  expect(few.program.contextUsed()).toBeLessThan(many.program.contextUsed());
});

const QUANTUM = 30_000;
const STORM = 1;
const SLOW = 2;
/** The page on which nothing is bound when a storm begins. */
const FIRST_PAGE = 1;

/** Stalls one way: by a call that comes late, or by faults that take long, one for each of `count` pages. */
const staller = (slow: number): Uint8Array =>
  moduleOf(
    (code) => {
      code.get(0).i32(SLOW).op("i32.eq").open("if");
      code.get(1).op("call", slow).op("drop").end();
      code.get(0).i32(STORM).op("i32.eq").open("if").open("loop");
      code.get(1).i32(12).op("i32.shl").memory("i32.load").op("drop");
      code.get(1).i32(1).op("i32.sub").tee(1).op("br_if", 0).end().end().i32(0);
    },
    {
      imports: [{ name: "slow", parameters: ["i32"], results: ["i32"] }],
      parameters: ["i32", "i32"],
      pages: 4,
    },
  );

const endless = moduleOf((code) => code.open("loop").op("br", 0).end().i32(1));
/** Fills, copies and fills its whole memory, for ever: each takes longer than a slice. */
const filling = moduleOf((code) => {
  code.open("loop").i32(0).i32(7).i32(65_536).op("memory.fill", 0);
  code.i32(0).i32(1).i32(65_535).op("memory.copy", 0, 0).op("br", 0).end().i32(1);
});

/** A program that never ends in a slice, and goes on in the next. */
function goesOn(owner: Owner, module: Uint8Array): ProgramHandle {
  const program = loadSegment(owner, module);
  owner.idle = () => {
    const exit = program.isSuspended() ? program.run() : program.enter("main");
    expect(exit).toBe(EXIT.suspended);
  };
  return program;
}

test("[C4] programs that stall, in a call or in a storm of faults, lose exactly as many later slices, at the threshold life and slices; those that do not, whatever they run, are never penalised", () => {
  const trace = makeTrace(8192);
  const threshold = 6;
  const rig = programRig({ trace, quantumSeconds: 1e-5, excessTicksMax: threshold });
  const [bad, good, filler] = [1, 2, 3].map((n) => makeOwner(rig, n)) as [Owner, Owner, Owner];
  const late = (ticks: number): number => {
    if (ticks > 0) spinUntil(bad.gate, bad.gate.slices.ends() + ticks * QUANTUM);
    return 0;
  };
  const slow = host("slow", late, ["i32"]);
  const program = loadPaged(bad, staller(0), [slow]);
  let faults = 0;
  bad.onFault = (_, address) => {
    faults += 1;
    late(faults);
    return (
      bad.gate.tlbWrite(virtualPage(address >>> 12), frame(bad.first + 20), 1, RIGHTS.none, own) === undefined
    );
  };
  const others = [goesOn(good, endless), goesOn(filler, filling)];
  const stalls: readonly (readonly [how: number, ticks: number])[] = [
    [SLOW, 0],
    [SLOW, 1],
    [STORM, 1],
    [SLOW, 5],
    [STORM, 4],
    [SLOW, 0],
    [STORM, 5],
    [STORM, threshold],
  ];
  const done: number[] = [];
  bad.idle = () => {
    const [how, ticks] = stalls[done.length] as (typeof stalls)[number];
    done.push(ticks);
    faults = 0;
    must(bad.gate.tlbRemove(virtualPage(FIRST_PAGE), 8));
    expect(program.enter("main", how, ticks)).toBe(EXIT.returned);
  };
  const begun = eventsOf(trace, "sliceBegin").filter(([, who]) => who === bad.gate.self).length;
  const owed: number[] = [];
  for (let i = 0; i < 400 && isAlive(rig, bad.gate); i++) {
    const before = done.length;
    rig.kernel.step();
    if (done.length > before && isAlive(rig, bad.gate))
      owed.push(rig.root.environments.excess(rowOf(bad.gate.self)));
  }
  const ticks = stalls.map(([, each]) => each);
  expect(done).toEqual(ticks);
  expect(owed).toEqual(ticks.slice(0, -1));
  const turns = eventsOf(trace, "sliceBegin", "forfeit").filter(([, who]) => who === bad.gate.self);
  expect(turns.map(([name]) => name).slice(begun)).toEqual([
    ...ticks.slice(0, -1).flatMap((each) => ["sliceBegin", ...Array<string>(each).fill("forfeit")]),
    "sliceBegin",
  ]);
  // At the threshold it is destroyed: its slice, its program and its frames are free.
  expect(rig.root.slices.owner(1)).toBe(0);
  expect(rig.root.programs.owner(rowOf(program.id))).toBe(0);
  expect(rig.root.frames.owner(bad.first)).toBe(0);
  // The others were interrupted in every one of their slices, in the middle of what they did, and pay for nothing.
  for (const [i, owner] of [good, filler].entries()) {
    const { environments, programs } = rig.root;
    expect([environments.excess(owner.row), environments.forfeited(owner.row)]).toEqual([0, 0]);
    expect(programs.suspensions(rowOf((others[i] as ProgramHandle).id))).toBeGreaterThan(done.length);
    expect(isAlive(rig, owner.gate)).toBe(true);
  }
  checkTables(rig.root);
});
