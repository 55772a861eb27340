/** Schedulers as application code: slices of their own, given on by directed yield, without privilege. */
import { readFileSync } from "node:fs";
import { NEVER, cycles, must, rowOf, capSlot, type Gate } from "@exolith/exokernel/abi";
import { makeRig, type Rig } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import {
  makeEarliestDeadline,
  makeRoundRobin,
  makeStride,
  readiness,
  scheduleSlices,
  type EarliestDeadline,
  type Policy,
} from "../src/index.ts";
import { makeWorkers, type Worker } from "./spinning.ts";

const own = capSlot(0);
const QUANTUM_SECONDS = 0.0002;
const QUANTUM = 600_000;

/** An environment that owns `slices` and gives them to whom the policy that `make` makes says. */
function placeScheduler<P extends Policy>(
  rig: Rig,
  name: readonly number[],
  slices: readonly number[],
  make: (gate: Gate) => P,
): { gate: Gate; policy: P } {
  let policy: P | undefined;
  const gate = rig.environment(name, {
    slices,
    upcalls: (mine) => scheduleSlices(mine, (policy = make(mine))),
  });
  return { gate, policy: policy as P };
}

const strideOf =
  (workers: readonly Worker[], tickets: readonly number[]) =>
  (gate: Gate): ReturnType<typeof makeStride> => {
    const policy = makeStride(readiness(gate));
    for (const [i, { gate: worker }] of workers.entries()) policy.join(worker.self, tickets[i] ?? 1);
    return policy;
  };

/** Lines that are neither empty nor a comment. */
const codeLines = (file: string): number =>
  readFileSync(new URL(`../src/schedule/${file}`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => !/^\s*(\/\*|\*|\/\/|$)/.test(line)).length;

const TICKETS = [3, 2, 1];

/** Figure 3 of SOSP'95: iterations of each worker after every tenth quantum. */
const figure = (series: readonly (readonly number[])[]): string =>
  [
    "Figure 3: iterations under an application-level stride scheduler, 3:2:1",
    "quanta        A        B        C",
    ...series.flatMap((row, quanta) =>
      quanta % 10 === 0 ? [[quanta, ...row].map((n, i) => String(n).padStart(i === 0 ? 6 : 9)).join("")] : [],
    ),
  ].join("\n");

test("[C10] 100 quanta: error ≤ 1 quantum/process; prints Fig 3 series", () => {
  const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
  const workers = makeWorkers(rig, 3);
  placeScheduler(rig, [1, 1], [0], strideOf(workers, TICKETS));
  const series: number[][] = [[0, 0, 0]];
  for (let quanta = 1; quanta <= 100; quanta++) {
    expect(rig.kernel.step()).toBe(true);
    series.push(workers.map((worker) => worker.iterations()));
    for (const [i, worker] of workers.entries())
      expect(Math.abs(worker.slices() - (quanta * (TICKETS[i] ?? 0)) / 6)).toBeLessThanOrEqual(1);
  }
  console.log(figure(series));
  const total = (row: readonly number[]): number => row.reduce((sum, n) => sum + n, 0);
  const quantum = total(series[100] ?? []) / 100;
  expect(quantum).toBeGreaterThan(1000);
  for (const [quanta, row] of series.entries())
    for (const [i, iterations] of row.entries())
      expect(Math.abs(iterations - (quanta * quantum * (TICKETS[i] ?? 0)) / 6)).toBeLessThanOrEqual(quantum);
  expect(codeLines("stride.ts") + codeLines("policy.ts")).toBeLessThan(100);
});

/** Three schedulers with a third of the processor each, and what they promised. */
function placeThree(): {
  rig: Rig;
  fair: Worker[];
  shares: Worker[];
  periodic: Worker[];
  deadlines: EarliestDeadline;
} {
  const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
  const workers = makeWorkers(rig, 10);
  const [fair, shares, periodic] = [workers.slice(0, 4), workers.slice(4, 7), workers.slice(7)];
  const every = (first: number): number[] => Array.from({ length: 30 }, (_, i) => first + i * 3);
  placeScheduler(rig, [1, 1], every(0), (gate) => {
    const policy = makeRoundRobin(readiness(gate));
    for (const { gate: worker } of fair) policy.join(worker.self);
    return policy;
  });
  placeScheduler(rig, [1, 2], every(1), strideOf(shares, TICKETS));
  const { policy: deadlines } = placeScheduler(rig, [1, 3], every(2), (gate) => {
    const cyclesUsed = (environment: number): number => gate.environments.cyclesUsed(rowOf(environment));
    const policy = makeEarliestDeadline({ isReady: readiness(gate), cyclesUsed, capacity: 1 / 3 });
    for (const [i, { gate: worker }] of periodic.entries()) {
      const task = { environment: worker.self, ...(PERIODIC[i] as (typeof PERIODIC)[number]) };
      expect(policy.admit(task, gate.clock.now())).toBe(true);
    }
    return policy;
  });
  return { rig, fair, shares, periodic, deadlines };
}

/** A little less than whole slices: three, six and nine of them in ten, twenty and thirty of the scheduler's own. */
const PERIODIC = [
  { period: 30 * QUANTUM, slice: 2.9 * QUANTUM },
  { period: 60 * QUANTUM, slice: 5.9 * QUANTUM },
  { period: 90 * QUANTUM, slice: 8.9 * QUANTUM },
] as const;

test("[C12] round robin, stride and earliest deadline side by side: all three keep their guarantees at once", () => {
  const { rig, fair, shares, periodic, deadlines } = placeThree();
  const used = (worker: Worker): number => rig.root.environments.cyclesUsed(rowOf(worker.gate.self));
  const sum = (workers: readonly Worker[]): number =>
    workers.reduce((all, worker) => all + worker.slices(), 0);
  const atPeriod = periodic.map(() => 0);
  const periods = periodic.map(() => 0);
  while (rig.machine.clock.now() < 1201 * QUANTUM) {
    expect(rig.kernel.step()).toBe(true);
    const turns = fair.map((worker) => worker.slices());
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
    for (const [i, worker] of shares.entries())
      expect(Math.abs(worker.slices() - (sum(shares) * (TICKETS[i] ?? 0)) / 6)).toBeLessThanOrEqual(1);
    for (const [i, worker] of periodic.entries()) {
      const { period, slice } = PERIODIC[i] as (typeof PERIODIC)[number];
      if (rig.machine.clock.now() < ((periods[i] ?? 0) + 1) * period) continue;
      expect(used(worker) - (atPeriod[i] ?? 0)).toBeGreaterThanOrEqual(slice);
      atPeriod[i] = used(worker);
      periods[i] = (periods[i] ?? 0) + 1;
    }
  }
  expect(periods).toEqual([40, 20, 13]);
  expect(periodic.map((worker) => deadlines.missed(worker.gate.self))).toEqual([0, 0, 0]);
  expect(Math.abs(sum(fair) - sum(shares))).toBeLessThanOrEqual(1);
  expect(sum(fair)).toBeGreaterThan(398);
  expect(sum(periodic)).toBeGreaterThanOrEqual(40 * 3 + 20 * 6 + 13 * 9);
});

test("who sleeps gets nothing and takes nothing, and who dies is forgotten", () => {
  const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
  const workers = makeWorkers(rig, 3);
  const [first, second, third] = workers as [Worker, Worker, Worker];
  const { policy } = placeScheduler(rig, [1, 1], [0], strideOf(workers, [1, 1, 1]));
  first.gate.sleep(rig.root.environments.events(rowOf(first.gate.self)), NEVER);
  rig.run(10);
  expect(workers.map((worker) => worker.slices())).toEqual([0, 5, 5]);
  must(rig.root.environmentDestroy(third.gate.self, own));
  rig.run(10);
  expect([first.slices(), second.slices()]).toEqual([0, 15]);
  must(rig.root.wake(first.gate.self, own));
  rig.run(10);
  expect([first.slices(), second.slices()]).toEqual([5, 20]);
  for (const { gate } of [first, second]) must(rig.root.environmentDestroy(gate.self, own));
  rig.run(10);
  expect(policy.members()).toEqual([]);
  expect(rig.kernel.wakeAt()).toBe(NEVER);
});

test("with nobody ready the scheduler sleeps for a quantum at a time, and looks again", () => {
  const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
  const workers = makeWorkers(rig, 1);
  const [worker] = workers as [Worker];
  const { gate } = placeScheduler(rig, [1, 1], [0], strideOf(workers, [1]));
  worker.gate.sleep(0, cycles(3.5 * QUANTUM));
  rig.run(10);
  const { clock } = rig.machine;
  const looks: number[] = [];
  while (worker.slices() === 0) {
    const at = rig.kernel.wakeAt();
    expect(at - clock.now()).toBeLessThanOrEqual(QUANTUM);
    clock.advance(at);
    looks.push(gate.environments.slicesBegun(rowOf(gate.self)));
    rig.kernel.step();
  }
  expect(looks.length).toBe(4);
  expect(clock.now()).toBeGreaterThan(4 * QUANTUM);
  expect(clock.now()).toBeLessThan(6 * QUANTUM);
});
