/** Programs on the simulated machine: every run of a seed is the same, to the cycle. */
import { boot, createEnvironment, makeTrace } from "@exolith/exokernel";
import { capSlot, must, type EnvId, type Program } from "@exolith/exokernel/abi";
import { makeSimulatedMachine, runSimulated, spaceBytes } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { preopenDescriptor, streamDescriptor } from "../src/descriptor/descriptor.ts";
import { makePipe, openBytes, openSink } from "../src/descriptor/pipe.ts";
import type { Stream } from "../src/descriptor/stream.ts";
import { DescriptorTable } from "../src/descriptor/table.ts";
import type { FileTree } from "../src/filesystem/tree.ts";
import type { ProgramOutcome } from "../src/program/program-outcome.ts";
import { unixProgram, type UnixOptions, type UnixProgram } from "../src/program/unix-program.ts";
import { moduleOf } from "./hand-made.ts";
import { program } from "./programs.ts";
import { memoryDirectory } from "./run-here.ts";

/** A program of a simulated run. */
interface Placed extends Pick<UnixOptions, "module" | "mode" | "args" | "limits"> {
  readonly stdin?: Stream;
  readonly stdout?: Stream;
  readonly files?: FileTree;
}

interface Ran {
  readonly outcomes: readonly (ProgramOutcome | undefined)[];
  readonly programs: readonly UnixProgram[];
  readonly output: string;
  /** Simulated seconds. */
  readonly seconds: number;
  /** All that the kernel noted. */
  readonly hash: number;
  readonly events: number;
}

const ARENA = Math.ceil(spaceBytes(12) / 65_536) * 65_536;

/** Runs programs on a machine of their own until all have ended, or `seconds` are over. */
function simulate(seed: number, placed: readonly Placed[], seconds: number = Infinity): Ran {
  const frames = placed.reduce((sum, { limits }) => sum + (limits?.frames ?? 0), 64);
  const machine = makeSimulatedMachine({ seed, frames, arenaBytes: (placed.length + 1) * ARENA });
  const trace = makeTrace(1 << 16, { calls: true });
  const kernel = boot(machine, { quantumSeconds: 0.001, reserveFrames: 0, excessTicksMax: Infinity, trace });
  let output = "";
  const print = openSink((bytes) => (output += new TextDecoder().decode(bytes)));
  let left = placed.length;
  const programs = placed.map(({ stdin, stdout, files, ...rest }) => {
    const descriptors = new DescriptorTable();
    for (const stream of [stdin ?? openBytes(new Uint8Array(0)), stdout ?? print, print])
      descriptors.open(streamDescriptor(stream));
    descriptors.open(preopenDescriptor(memoryDirectory(files ?? {}), "/"));
    const random = (into: Uint8Array): void => machine.random.fill(into, 0, into.length);
    return unixProgram({ ...rest, descriptors, random }, () => (left -= 1));
  });
  const start = (code: Program, index: number): EnvId =>
    must(createEnvironment(kernel.root, { name: [1, index + 1], grants: [], program: code }));
  const environments = programs.map((unix, index) => start(unix.program, index));
  const step = (): boolean => {
    const ran = kernel.step();
    for (const [index, unix] of programs.entries())
      if (unix.isReady()) kernel.root.wake(environments[index] as EnvId, capSlot(0));
    return ran;
  };
  const steppable = { step, wakeAt: () => kernel.wakeAt() };
  runSimulated([{ clock: machine.clock, steppable }], { seconds, until: () => left === 0 });
  let hash = 0;
  let events = 0;
  trace.read((...event) => {
    events += 1;
    for (const value of event) hash = (Math.imul(hash, 31) + Math.round(value)) | 0;
  });
  return {
    outcomes: programs.map((unix) => unix.outcome()),
    programs,
    output,
    seconds: machine.clock.now() / machine.clock.hertz,
    hash,
    events,
  };
}

const LOOP = moduleOf('(memory (export "memory") 1) (func (export "_start") (loop $again (br $again)))');
/** Turns over memory. */
const BUSY = moduleOf(`(memory (export "memory") 2) (func (export "_start") (local $at i32)
  (loop $again
    (i32.store (i32.and (local.get $at) (i32.const 0xfffc)) (i32.add (i32.load (i32.const 8)) (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (br $again)))`);

const limits = { frames: 400 };

test.each(["segment", "paged"] as const)(
  "a tight loop shares the processor 1:1 with another program (%s)",
  (mode) => {
    const { programs } = simulate(
      1,
      [
        { module: LOOP, mode, limits },
        { module: BUSY, mode, limits },
      ],
      0.2,
    );
    const [loop, busy] = programs.map((unix) => unix.ledger());
    expect(loop?.milliseconds).toBeGreaterThan(50);
    const ratio = (loop?.milliseconds ?? 0) / (busy?.milliseconds ?? 1);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
  },
);

test("24 programs share the processor evenly, to the slice", () => {
  const placed = Array.from({ length: 24 }, (): Placed => ({ module: LOOP, mode: "segment", limits }));
  const { programs } = simulate(1, placed, 0.5);
  const slices = programs.map((unix) => unix.ledger().slices);
  expect(Math.min(...slices)).toBeGreaterThan(10);
  expect(Math.max(...slices) - Math.min(...slices)).toBeLessThanOrEqual(2);
});

const cat = await program("cat");
const writer = await program("arguments");
const files = await program("files");

test.skipIf(files.bytes === undefined).each(["segment", "paged"] as const)(
  "the same seed gives the same trace, output and time (%s)",
  (mode) => {
    const pair = (seed: number): Ran => {
      const pipe = makePipe(256);
      const options = { mode, limits: { frames: 1200 } } as const;
      const list = Array.from({ length: 40 }, (_, at) => `argument ${at}`);
      return simulate(seed, [
        { ...options, module: writer.bytes as Uint8Array, args: ["arguments", ...list], stdout: pipe.writer },
        { ...options, module: cat.bytes as Uint8Array, args: ["cat"], stdin: pipe.reader },
        { ...options, module: files.bytes as Uint8Array, args: ["files", "/"] },
      ]);
    };
    const [first, second] = [pair(7), pair(7)];
    expect(first.outcomes).toEqual(Array.from({ length: 3 }, () => ({ kind: "exited", code: 0 })));
    expect(first.output).toContain("argument 39");
    const told = ({ outcomes, output, seconds, hash, events }: Ran): unknown => ({
      outcomes,
      output,
      seconds,
      hash,
      events,
    });
    expect(told(second)).toEqual(told(first));
    expect(first.events).toBeGreaterThan(20);
  },
);

test("a limit of time is kept to the slice", () => {
  const { outcomes, programs } = simulate(1, [
    { module: LOOP, mode: "segment", limits: { frames: 400, milliseconds: 20 } },
  ]);
  expect(outcomes).toEqual([{ kind: "limited", limit: "milliseconds" }]);
  expect(programs[0]?.ledger().milliseconds).toBeGreaterThan(20);
  expect(programs[0]?.ledger().milliseconds).toBeLessThan(21.5);
});
