/** Calls of another system's interface that a library answers in the program's own environment, and what they cost. */
import { boot, createEnvironment } from "@exolith/exokernel";
import {
  EXIT,
  SYSTEM_WORDS,
  WELL_KNOWN_SLOT,
  capSlot,
  cycles as cyclesFrom,
  frame,
  must,
  rowOf,
  virtualPage,
  type Gate,
  type ProgramHandle,
  type ProgramImport,
  type Window,
} from "@exolith/exokernel/abi";
import { makeRig, type Rig } from "@exolith/exokernel/testing";
import {
  FRAME_BYTES,
  PROFILES,
  cyclesOf,
  makeSimulatedMachine,
  runSimulated,
  spaceBytes,
  type CostProfile,
} from "@exolith/hw-model";
import { DescriptorTable, unixProgram, type ProgramLedger } from "@exolith/libos-unix";
import { RIGHTS, makeModuleBuilder } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { GETPID, makeMonolith } from "../src/kernel/monolithic-model.ts";

const own = capSlot(0);
const WASI = "wasi_snapshot_preview1";
/** Calls that ask for what the library knows, as `getpid` does, with the types of their parameters. */
const ASKING = { clock_time_get: ["i32", "i64", "i32"], args_sizes_get: ["i32", "i32"] } as const;
type Asking = keyof typeof ASKING;
const MONOTONIC = 1;
/** Where the program wants its answers. */
const TIME = 1024;
const SIZES = 1032;

/** A program as a compiler for WASI makes it: it makes one call so many times, and stops when that fails. */
function asks(name: Asking, times: number): Uint8Array<ArrayBuffer> {
  const m = makeModuleBuilder();
  const call = m.importFunction(WASI, name, m.type(ASKING[name], ["i32"]));
  m.export("memory", "memory", m.memory({ minimum: 1 }));
  const f = m.function([]);
  const left = f.local("i32");
  f.i32(times).set(left).open("loop");
  if (name === "clock_time_get") f.i32(MONOTONIC).i64(0n).i32(TIME);
  else f.i32(SIZES).i32(SIZES + 4);
  f.op("call", call).open("if").op("unreachable").end();
  f.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end();
  m.export("_start", "function", f.index);
  return m.build();
}

/** What such a program uses on a board's kernel, linked to the UNIX personality. */
function runLinked(module: Uint8Array): ProgramLedger {
  const machine = makeSimulatedMachine({ frames: 512 });
  const kernel = boot(machine, { reserveFrames: 0 });
  const unix = unixProgram(
    {
      module,
      mode: "segment",
      args: ["program", "argument"],
      descriptors: new DescriptorTable(),
      limits: { frames: 256 },
      random: (into) => void into.fill(1),
    },
    () => undefined,
  );
  must(createEnvironment(kernel.root, { name: [1, 1], grants: [], program: unix.program }));
  const steppable = [{ clock: machine.clock, steppable: kernel }];
  runSimulated(steppable, { until: () => unix.outcome() !== undefined });
  expect(unix.outcome()).toEqual({ kind: "exited", code: 0 });
  return unix.ledger();
}

const PAGE_BITS = 12;
const SPACE_PAGES = 48;
/** Pages of the address space in which the library that is itself a program keeps what it knows. */
const LIBRARY_PAGE = 32;
const SYSTEM_PAGE = 40;
const NANOSECONDS_OF_TICK = 10_000_000n;
const ARGUMENTS = [2, 17] as const;
const INVALID = 28;

/** The kernel's word of ticks, which is big-endian. */
const TICKS_AT = SYSTEM_PAGE * FRAME_BYTES + SYSTEM_WORDS.ticks;

/** The library as a program: all that it does is counted. */
function library(): Uint8Array<ArrayBuffer> {
  const m = makeModuleBuilder();
  m.memory({ minimum: (SPACE_PAGES * FRAME_BYTES) / 65_536 });
  const clock = m.function(ASKING.clock_time_get, ["i32"]);
  const [ticks, swapped] = [clock.local("i32"), clock.local("i32")];
  clock.get(0).i32(3).op("i32.gt_u").open("if").i32(INVALID).op("return").end();
  // The word is read until it was the same twice: then it is whole.
  clock.open("loop").i32(TICKS_AT).memory("i32.load").tee(ticks);
  clock.i32(TICKS_AT).memory("i32.load").op("i32.ne").op("br_if", 0).end();
  clock.get(ticks).i32(8).op("i32.rotl").i32(0x00ff_00ff).op("i32.and");
  clock.get(ticks).i32(8).op("i32.rotr").i32(0xff00_ff00).op("i32.and").op("i32.or").set(swapped);
  clock.get(2).get(swapped).op("i64.extend_i32_u").i64(NANOSECONDS_OF_TICK).op("i64.mul");
  clock.memory("i64.store").i32(0);
  m.export("clock_time_get", "function", clock.index);
  const sizes = m.function(ASKING.args_sizes_get, ["i32"]);
  const [word, at] = [sizes.local("i32"), sizes.local("i32")];
  sizes.open("loop");
  sizes.get(word).open("if", "i32").get(1).op("else").get(0).end();
  sizes
    .get(word)
    .i32(2)
    .op("i32.shl")
    .tee(at)
    .memory("i32.load", LIBRARY_PAGE * FRAME_BYTES);
  sizes.memory("i32.store");
  sizes.get(word).i32(1).op("i32.add").tee(word).i32(2).op("i32.lt_u").op("br_if", 0).end().i32(0);
  m.export("args_sizes_get", "function", sizes.index);
  return m.build();
}

interface Emulated {
  /** Cycles of one call, on both sides of it. */
  readonly cycles: number;
  /** Instructions of the library's side of it. */
  readonly libraryFuel: number;
  /** Kernel calls in all of them. */
  readonly kernelCalls: number;
}

const TIMES = 200;
/** Ticks at which it is called. */
const TICKS = 70_000;

/** Frames of the environment: contexts, memory of the program, what the library knows. */
const FRAMES = 64;
const FRAME_COUNT = 96;
const PROGRAM_FRAME = 100;
const LIBRARY_FRAME = 120;
const inWindow = (f: number): number => (f - FRAMES) * FRAME_BYTES;

/** An environment with an address space, for the library and its programs. */
interface Emulator {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly window: Window;
  /** Does something in the environment's next slice. */
  readonly act: (what: () => void) => void;
}

function placeEmulator(profile: CostProfile): Emulator {
  const rig = makeRig(
    256,
    { reserveFrames: 0, quantumSeconds: 0.01 },
    { profile, arenaBytes: 2 * spaceBytes(PAGE_BITS) },
  );
  const tasks: (() => void)[] = [];
  const gate = rig.environment([1, 1], {
    slices: [0],
    upcalls: () => ({ sliceBegin: () => tasks.pop()?.(), memoryFault: () => undefined }),
  });
  must(gate.framesAlloc(frame(FRAMES), FRAME_COUNT, own));
  must(gate.translationCreate(FRAME_BYTES));
  must(gate.tlbWrite(virtualPage(0), frame(PROGRAM_FRAME), 16, RIGHTS.write, own));
  must(gate.tlbWrite(virtualPage(LIBRARY_PAGE), frame(LIBRARY_FRAME), 1, RIGHTS.write, own));
  must(gate.tlbWrite(virtualPage(SYSTEM_PAGE), gate.system.frame, 1, RIGHTS.none, WELL_KNOWN_SLOT));
  const window = must(gate.windowBind(frame(FRAMES), FRAME_COUNT, true, own));
  for (const [i, size] of ARGUMENTS.entries()) window.setU32LE(inWindow(LIBRARY_FRAME) + i * 4, size);
  // More ticks than fit two bytes.
  rig.machine.clock.advance(cyclesFrom(TICKS * rig.root.slices.quantum()));
  const act = (what: () => void): void => {
    tasks.push(what);
    rig.kernel.step();
    expect([tasks.length, gate.environments.faults(rowOf(gate.self))]).toEqual([0, 0]);
  };
  return { rig, gate, window, act };
}

/** What a call costs when program and library are programs of one environment, in one address space. */
function emulate(name: Asking, profile: CostProfile): Emulated {
  const { gate, window, act } = placeEmulator(profile);
  const answers = load(gate, library(), frame(FRAMES), []);
  const link: ProgramImport = {
    module: WASI,
    name,
    parameters: ASKING[name],
    results: ["i32"],
    call: (...values: never[]) => {
      if (answers.enter(name, ...values) !== EXIT.returned) throw new Error("the library did not answer");
      return answers.result();
    },
  };
  const used = (): readonly number[] => [
    gate.clock.now(),
    gate.programs.fuel(rowOf(answers.id)),
    gate.environments.calls(rowOf(gate.self)),
  ];
  act(() => void answers.initialise());
  const [few = [], many = []] = [TIMES, 2 * TIMES].map((times, i) => {
    const program = load(gate, asks(name, times), frame(80 + 8 * i), [link]);
    let spent: readonly number[] = [];
    act(() => {
      program.initialise();
      const before = used();
      expect(program.enter("_start")).toBe(EXIT.returned);
      spent = used().map((now, column) => now - (before[column] ?? 0));
    });
    return spent;
  });
  checkAnswer(name, window);
  const each = (column: number): number => ((many[column] ?? 0) - (few[column] ?? 0)) / TIMES;
  return { cycles: each(0), libraryFuel: each(1), kernelCalls: (few[2] ?? 1) + (many[2] ?? 1) };
}

/** The program was answered what the library knows, and what time it is. */
function checkAnswer(name: Asking, window: Window): void {
  const at = inWindow(PROGRAM_FRAME);
  if (name === "args_sizes_get") {
    expect([0, 4].map((offset) => window.getU32LE(at + SIZES + offset))).toEqual([...ARGUMENTS]);
    return;
  }
  const answer = window.getU32LE(at + TIME) + 2 ** 32 * window.getU32LE(at + TIME + 4);
  expect(answer).toBeGreaterThanOrEqual(TICKS * Number(NANOSECONDS_OF_TICK));
  expect(answer).toBeLessThan((TICKS + 10) * Number(NANOSECONDS_OF_TICK));
}

function load(
  gate: Gate,
  module: Uint8Array,
  context: ReturnType<typeof frame>,
  imports: readonly ProgramImport[],
): ProgramHandle {
  return must(gate.programLoad({ module, mode: "paged", imports, context, contextFrames: 4 }, own));
}

/** What the jump through a vector takes, and the way back, which nobody charges: the link is the engine's. */
const VECTOR = [
  { what: "address loaded, jump through it, return address saved and taken back", instruction: 4, word: 3 },
];

/** Cycles of `getpid` in a monolithic kernel. */
function monolithic(profile: CostProfile): number {
  const machine = makeSimulatedMachine({ profile, frames: 16 });
  const monolith = makeMonolith(machine);
  monolith.call(GETPID);
  const before = machine.clock.now();
  monolith.call(GETPID);
  return machine.clock.now() - before;
}

test("[B1] a call of WASI that asks for what its library knows makes no kernel entry, and on every machine both sides of it are cheaper than getpid of a native kernel", () => {
  for (const name of Object.keys(ASKING) as Asking[]) {
    const [once, often] = [1, 3000].map((times) => runLinked(asks(name, times))) as [
      ProgramLedger,
      ProgramLedger,
    ];
    expect([once.calls[name], often.calls[name]]).toEqual([1, 3000]);
    expect([name, often.kernelCalls - once.kernelCalls]).toEqual([name, 0]);
    for (const profile of PROFILES) {
      const { cycles, libraryFuel, kernelCalls } = emulate(name, profile);
      expect([name, kernelCalls]).toEqual([name, 0]);
      // The library's work is in it: it reads, computes and writes.
      expect(libraryFuel).toBeGreaterThan(15);
      expect(cycles).toBeGreaterThan(libraryFuel * profile.cycles.instruction);
      expect(cycles + cyclesOf(VECTOR, profile.primitives)).toBeLessThan(monolithic(profile));
    }
  }
});
