/** `bench kernel`: what crossings, switches, windows and resources cost, beside what others take for the same. */
import { makeHostMachine } from "@exolith/hw-model/host";
import { describeHost, type HostDescription } from "../host.ts";
import type { Figure } from "../statistics.ts";
import { judge, type AccessNames, type Goal } from "./goals.ts";
import { interleaved, makeHeapMeter, subjectOf, type Subject } from "./measure.ts";
import { callPeers } from "./peers/calls.ts";
import { nativePeers } from "./peers/native.ts";
import { nodePipePeer } from "./peers/node-pipe.ts";
import { joinPeers, type Peers, type Skipped } from "./peers/peer.ts";
import { workerPeers } from "./peers/workers.ts";
import {
  checkShape,
  measureShape,
  simulatedCycles,
  type Cycles,
  type Invariant,
  type Shape,
} from "./shape.ts";
import { windowPairs, type WindowPair } from "./windows.ts";
import { WORLD_FRAMES, makeWorld, operations, type Operation } from "./world.ts";

/** How much. */
export interface KernelBenchOptions {
  /** Rounds that count. */
  readonly rounds: number;
  /** Operations of the cheap kind in a round; dearer ones are done less often. */
  readonly operations: number;
}

/** What is measured of the kernel. */
export interface KernelRow {
  readonly name: string;
  readonly nanoseconds: Figure;
  /** Bytes of heap for one operation. */
  readonly bytes: number;
  /** Simulated cycles for one operation, by profile; absent where nothing is charged, which is for single accesses. */
  readonly cycles?: Cycles;
}

/** What is measured of others. */
export interface PeerRow {
  readonly name: string;
  readonly nanoseconds: Figure;
}

/** A whole run. */
export interface KernelBenchReport {
  readonly host: HostDescription;
  readonly options: KernelBenchOptions;
  readonly rows: readonly KernelRow[];
  readonly peers: readonly PeerRow[];
  readonly skipped: readonly Skipped[];
  readonly shape: Shape;
  readonly invariants: readonly Invariant[];
  readonly goals: readonly Goal[];
}

/** Rounds before those that count: enough for the compilers to be done. */
const WARM_UP = 12;
/** Operations between two looks at the heap, at most: fewer than make a collection likely. */
const HEAP_OPERATIONS = 20_000;

const timesOf = ({ weight }: Operation, most: number): number => Math.ceil(most / (weight ?? 1));

/** The peers of a run: a pipe of Node's own only where there is none in C. */
async function makePeers(times: number): Promise<Peers> {
  const native = nativePeers(times);
  const groups = [callPeers(times), native];
  if (native.subjects.length === 0) groups.push(nodePipePeer(Math.ceil(times / 50)));
  groups.push(await workerPeers(Math.ceil(times / 100)));
  return joinPeers(groups);
}

const accessesOf = (pairs: readonly WindowPair[]): readonly AccessNames[] =>
  pairs.map(({ name, window, view }) => ({ what: name, window: window.name, view: view.name }));

const figureOf = (figures: ReadonlyMap<string, Figure>, name: string): Figure => {
  const found = figures.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
};

/** One run: every operation and every peer in turn, round after round; then the heap, then simulated cycles. */
export async function benchKernel(
  options: KernelBenchOptions,
  say: (line: string) => void,
): Promise<KernelBenchReport> {
  const host = describeHost();
  const world = makeWorld(makeHostMachine({ frames: WORLD_FRAMES }));
  const ours = operations(world);
  const pairs = windowPairs(world.windows);
  const accesses = pairs.flatMap(({ window, view }) => [window, view]);
  const peers = await makePeers(options.operations);
  const subjects: Subject[] = [...ours, ...accesses].map((each) =>
    subjectOf(each, timesOf(each, options.operations)),
  );
  let figures: ReadonlyMap<string, Figure>;
  try {
    const rounds = { counted: options.rounds, warmUp: WARM_UP };
    figures = await interleaved([...subjects, ...peers.subjects], rounds, say);
  } finally {
    await peers.close();
  }
  const heap = makeHeapMeter();
  const cycles = simulatedCycles();
  const rows = [...ours, ...accesses].map((each): KernelRow => {
    const charged = cycles.get(each.name);
    return {
      name: each.name,
      nanoseconds: figureOf(figures, each.name),
      bytes: heap(each.run, timesOf(each, Math.min(options.operations, HEAP_OPERATIONS))),
      ...(charged === undefined ? {} : { cycles: charged }),
    };
  });
  const shape = measureShape();
  return {
    host,
    options,
    rows,
    peers: peers.subjects.map(({ name }) => ({ name, nanoseconds: figureOf(figures, name) })),
    skipped: peers.skipped,
    shape,
    invariants: checkShape(shape),
    goals: judge(figures, accessesOf(pairs)),
  };
}
