/** A kernel with several different environments on it, and what is measured of it. */
import { boot, createEnvironment, type Exokernel } from "@exolith/exokernel";
import {
  capSlot,
  frame,
  must,
  sliceIndex,
  type Batch,
  type EnvId,
  type Gate,
  type Program,
  type Upcalls,
  type Window,
} from "@exolith/exokernel/abi";
import type { Machine } from "@exolith/hw-model";

const own = capSlot(0);

/** Frames under each environment's window, and what it holds in all: one more, for tokens. */
const WINDOW_FRAMES = 16;
const HELD_FRAMES: number = WINDOW_FRAMES + 1;
/** Frames of a machine that this fits into. */
export const WORLD_FRAMES = 512;

/** Something that is done over and over. */
export interface Operation {
  readonly name: string;
  /** It takes about so many times what a null call takes: so many fewer of it do in a round. 1 unless given. */
  readonly weight?: number;
  /** Does it `times` times. */
  run(times: number): void;
}

/** What the compiler must not think away. */
export const sink: { value: number } = { value: 0 };

/** Programs that differ, so that no call site of the kernel sees a single one. */
const PROGRAMS: readonly ((gate: Gate) => Upcalls)[] = [
  () => ({ sliceBegin: () => {}, transfer: (_, a, b) => a + b }),
  (gate) => ({ sliceBegin: () => void (sink.value += gate.self), transfer: (caller, a) => caller + a }),
  () => {
    const served = new Int32Array(1);
    return { sliceBegin: () => {}, transfer: (_, a, _b, c) => (a ^ c) + (served[0] = (served[0] ?? 0) ^ 1) };
  },
  () => ({ sliceBegin: () => {}, sliceEnd: () => {}, transfer: (_, _a, _b, _c, d) => d }),
  (gate) => ({ sliceBegin: () => {}, transfer: (caller) => (caller === gate.self ? 0 : 1) }),
  () => ({ sliceBegin: () => {}, transfer: (_, a, b, c, d) => Math.max(a, b, c, d), fault: () => {} }),
];

/** A kernel, its environments and their windows. */
export interface World {
  readonly kernel: Exokernel;
  readonly gates: readonly Gate[];
  readonly ids: readonly EnvId[];
  readonly windows: readonly Window[];
  /** One frame for each environment, which nothing but tokens is written to. */
  readonly pages: readonly Window[];
}

/** Boots a kernel on `machine`: six environments, each with a window; the first two have a time slice. */
export function makeWorld(machine: Machine): World {
  const kernel = boot(machine, { reserveFrames: 0 });
  const gates: Gate[] = [];
  for (const [i, start] of PROGRAMS.entries()) {
    const program: Program = (gate) => {
      gates.push(gate);
      if (i < 2) must(gate.sliceAlloc(sliceIndex(i * 64), own));
      must(gate.framesAlloc(frame(i * HELD_FRAMES), HELD_FRAMES, own));
      return start(gate);
    };
    must(createEnvironment(kernel.root, { name: [1, i + 1], grants: [], program }));
  }
  const bind = (at: number, count: number): Window[] =>
    gates.map((gate, i) => must(gate.windowBind(frame(i * HELD_FRAMES + at), count, true, own)));
  const ids = gates.map((gate) => gate.self);
  return { kernel, gates, ids, windows: bind(0, WINDOW_FRAMES), pages: bind(WINDOW_FRAMES, 1) };
}

/** Calls `act` with one environment after the other, `times` times. */
const inTurn =
  <T>(of: readonly T[], act: (one: T, other: number) => void): Operation["run"] =>
  (times) => {
    let at = 0;
    for (let i = 0; i < times; i++) {
      act(of[at] as T, at);
      at = at + 1 === of.length ? 0 : at + 1;
    }
  };

/** A call by the long way that does nothing: a batch without calls is refused at once. */
export const LONG_NULL_CALL = "null call with a stack (empty batch)";

/** Crossings: nothing done, by the short way, by the long way, and eight at once. */
export function crossings({ gates }: World): readonly Operation[] {
  const empty = gates.map((gate) => gate.batch());
  const eight = gates.map((gate) => {
    const batch = gate.batch();
    for (let i = 0; i < 8; i++) batch.add("nullCall");
    return batch;
  });
  return [
    {
      name: "null call",
      run: (times) => {
        const { length } = gates;
        for (let i = 0, at = 0; i < times; i++, at = at + 1 === length ? 0 : at + 1) gates[at]?.nullCall();
      },
    },
    {
      name: LONG_NULL_CALL,
      weight: 4,
      run: inTurn(gates, (gate, i) => void gate.batchRun(empty[i] as Batch)),
    },
    {
      name: "batch of 8 null calls",
      weight: 10,
      run: inTurn(gates, (gate, i) => void gate.batchRun(eight[i] as Batch)),
    },
    {
      name: "8 null calls",
      weight: 10,
      run: inTurn(gates, (gate) => {
        for (let i = 0; i < 8; i++) gate.nullCall();
      }),
    },
  ];
}

/** Control there and back, and from slice to slice. */
export const switches = ({ kernel, gates, ids }: World): readonly Operation[] => [
  {
    name: "transfer round trip",
    weight: 4,
    run: (times) => {
      const { length } = gates;
      let sum = 0;
      for (let i = 0, at = 0; i < times; i++) {
        const next = at + 1 === length ? 0 : at + 1;
        sum += gates[at]?.transfer(ids[next] as EnvId, i, at, 3, 4) as number;
        at = next;
      }
      sink.value += sum;
    },
  },
  {
    name: "slice switch",
    weight: 20,
    run: (times) => {
      for (let i = 0; i < times; i++) kernel.step();
    },
  },
];

/** Resources: a frame claimed and given back, a capability sealed, a token unsealed and what it gave dropped. */
export function resources({ gates, pages }: World): readonly Operation[] {
  const spare = frame(PROGRAMS.length * HELD_FRAMES);
  const sealed = gates.map((gate, i) => must(gate.capabilitySeal(own, pages[i] as Window, 64)));
  return [
    {
      name: "frame alloc + free",
      weight: 20,
      run: inTurn(gates, (gate, i) => {
        gate.framesAlloc(frame(spare + i), 1, own);
        gate.framesFree(frame(spare + i), 1, own);
      }),
    },
    {
      name: "seal",
      weight: 200,
      run: inTurn(gates, (gate, i) => void gate.capabilitySeal(own, pages[i] as Window, 0)),
    },
    {
      name: "unseal + drop",
      weight: 200,
      run: inTurn(gates, (gate, i) => {
        const slot = gate.capabilityUnseal(pages[i] as Window, 64, sealed[i] as number);
        gate.capabilityDestroy(must(slot));
      }),
    },
  ];
}

/** Every operation on the kernel of `world`. */
export const operations = (world: World): readonly Operation[] => [
  ...crossings(world),
  ...switches(world),
  ...resources(world),
];
