/** Environments with programs: their frames, their slices, and modules written instruction by instruction. */
import { spaceBytes, type SimulatedMachineOptions } from "@exolith/hw-model";
import { makeModuleBuilder, type FunctionBuilder, type HostFunction } from "@exolith/secure-bind";
import {
  CALLS,
  FRAME_BYTES,
  GATE_MODULE,
  capSlot,
  frame,
  must,
  rowOf,
  type CapSlot,
  type FaultCause,
  type Gate,
  type GateCalls,
  type ProgramHandle,
  type ProgramImport,
  type ProgramRequest,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import type { BootOptions } from "../src/index.ts";
import { makeRig, type Rig } from "../src/testing/index.ts";

/** The slot of everybody's own capability. */
export const own: CapSlot = capSlot(0);

/** Frames of a page of memory in WebAssembly, and of a program's context. */
export const PAGE_FRAMES = 16;
export const CONTEXT_FRAMES = 16;

/** A machine with room for some address spaces. */
export const programRig = (options: BootOptions = {}, parts: SimulatedMachineOptions = {}): Rig =>
  makeRig(
    1024,
    { reserveFrames: 0, ...options },
    { arenaBytes: 3 * spaceBytes(12) + 4 * spaceBytes(16), ...parts },
  );

/** An environment that does what it is told in its slices, and sees to memory faults. */
export interface Owner {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly row: number;
  /** First of its frames; the first sixteen are for contexts. */
  readonly first: number;
  /** All of its frames. */
  readonly window: Window;
  /** Does something in its next slice; what came of that. */
  do<T>(act: () => T): T;
  /** What it does at a memory fault; nothing at first. */
  onFault: (cause: FaultCause, address: number) => boolean | undefined;
  /** What it does in slices in which it was told nothing. */
  idle: () => void;
}

/** Frames of an owner. */
export const OWNER_FRAMES = 128;

/** Owner number `n`, from 1 on, with a position of the slice vector. */
export function makeOwner(rig: Rig, n: number, more: Partial<Upcalls> = {}): Owner {
  let task: (() => void) | undefined;
  const upcalls = (): Upcalls => ({
    sliceBegin: () => {
      const now = task ?? made.idle;
      task = undefined;
      now();
    },
    memoryFault: (cause, address) => made.onFault(cause, address),
    ...more,
  });
  const gate = rig.environment([1, n], { slices: [n], upcalls });
  const first = n * OWNER_FRAMES;
  must(gate.framesAlloc(frame(first), OWNER_FRAMES, own));
  const act = <T>(what: () => T): T => {
    const came: { result?: T; reason?: unknown } = {};
    task = () => {
      try {
        came.result = what();
      } catch (reason) {
        came.reason = reason ?? new Error("threw nothing");
      }
    };
    for (let i = 0; i < 1000 && task !== undefined; i++) rig.kernel.step();
    if (came.reason !== undefined) throw came.reason;
    return came.result as T;
  };
  const made: Owner = {
    rig,
    gate,
    row: rowOf(gate.self),
    first,
    window: must(gate.windowBind(frame(first), OWNER_FRAMES, true, own)),
    do: act,
    onFault: () => undefined,
    idle: () => {},
  };
  return made;
}

/** Numbers of the functions that a module imports. */
export type Imports = Readonly<Record<string, number>>;

/** A module to be. */
export interface ModuleParts {
  readonly imports?: readonly Omit<HostFunction, "module">[];
  /** Kernel calls that it imports. */
  readonly calls?: readonly (keyof GateCalls)[];
  readonly pages?: number;
  readonly maximum?: number;
  readonly data?: Uint8Array;
  readonly parameters?: HostFunction["parameters"];
  readonly results?: HostFunction["results"];
  readonly start?: (code: FunctionBuilder, imports: Imports) => void;
}

const typesIn = (half = ""): HostFunction["parameters"] =>
  half.split(" ").filter(Boolean) as unknown as HostFunction["parameters"];

/** A module that exports `body` as `main`: nothing in and an i32 out, unless `parts` says otherwise. */
export function moduleOf(
  body: (code: FunctionBuilder, imports: Imports) => void,
  parts: ModuleParts = {},
): Uint8Array<ArrayBuffer> {
  const builder = makeModuleBuilder();
  const numbers: Record<string, number> = {};
  for (const { name, parameters, results } of parts.imports ?? [])
    numbers[name] = builder.importFunction("os", name, builder.type(parameters, results));
  for (const name of parts.calls ?? []) {
    const [parameters, results] = CALLS[name].wasm.split("->").map(typesIn) as [
      HostFunction["parameters"],
      HostFunction["parameters"],
    ];
    numbers[name] = builder.importFunction(GATE_MODULE, name, builder.type(parameters, results));
  }
  const main = builder.function(parts.parameters ?? [], parts.results ?? ["i32"]);
  body(main, numbers);
  builder.export("main", "function", main.index);
  builder.memory({
    minimum: parts.pages ?? 1,
    ...(parts.maximum === undefined ? {} : { maximum: parts.maximum }),
  });
  if (parts.data !== undefined) builder.data(parts.data, 0);
  if (parts.start !== undefined) {
    const start = builder.function([]);
    parts.start(start, numbers);
    builder.start(start.index);
  }
  return builder.build();
}

/** A function that a module imports from its owner. */
export const host = (
  name: string,
  call: (...values: never[]) => unknown,
  parameters: HostFunction["parameters"] = [],
  results: HostFunction["results"] = ["i32"],
): ProgramImport => ({ module: "os", name, parameters, results, call });

/** A request for a program in an owner's frames, changed. */
export const requestOf = (
  { first }: Owner,
  module: Uint8Array,
  change: Partial<ProgramRequest> = {},
): ProgramRequest => ({
  module,
  mode: "segment",
  imports: [],
  context: frame(first),
  contextFrames: CONTEXT_FRAMES,
  segment: frame(first + CONTEXT_FRAMES),
  segmentFrames: PAGE_FRAMES,
  ...change,
});

/** Loads a program that runs in a segment, and initialises it. */
export function loadSegment(
  owner: Owner,
  module: Uint8Array,
  imports: readonly ProgramImport[] = [],
  change: Partial<ProgramRequest> = {},
): ProgramHandle {
  const program = must(owner.gate.programLoad(requestOf(owner, module, { imports, ...change }), own));
  owner.do(() => program.initialise());
  return program;
}

/** Loads a program into the owner's address space, which is made if there is none. */
export function loadPaged(
  owner: Owner,
  module: Uint8Array,
  imports: readonly ProgramImport[] = [],
  change: Partial<ProgramRequest> = {},
): ProgramHandle {
  if (owner.gate.translation.pageBytes() === 0) must(owner.gate.translationCreate(FRAME_BYTES));
  const request = requestOf(owner, module, {
    mode: "paged",
    segment: undefined,
    segmentFrames: undefined,
    imports,
  });
  const program = must(owner.gate.programLoad({ ...request, ...change }, own));
  owner.do(() => program.initialise());
  return program;
}
