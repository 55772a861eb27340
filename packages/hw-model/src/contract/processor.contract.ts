/** What every processor keeps. */
import { expect } from "vitest";
import type { Clock } from "../clock.ts";
import { FUEL_GRANT, type Processor } from "../processor.ts";
import { NEVER, after, cycles } from "../units.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A processor under test, and the clock of its machine. */
export interface ProcessorHarness extends Settling {
  readonly processor: Processor;
  readonly clock: Clock;
}

/** Questions after which every processor has looked at its clock. */
const QUESTIONS = 100;

const asksOften = ({ processor, clock }: ProcessorHarness, deadline = clock.now()): boolean =>
  Array.from({ length: QUESTIONS }, () => processor.interrupts(deadline)).includes(true);

const grantsUpToDeadline = ({ processor, clock }: ProcessorHarness): void => {
  const late = after(clock.now(), 1000 * clock.hertz);
  for (const deadline of [late, NEVER]) {
    const fuel = processor.grant(deadline);
    expect(Number.isInteger(fuel)).toBe(true);
    expect(fuel).toBeGreaterThan(0);
    expect(fuel).toBeLessThanOrEqual(FUEL_GRANT);
    expect(asksOften({ processor, clock } as ProcessorHarness, deadline)).toBe(false);
  }
};

const grantsNothingAfterIt = ({ processor, clock }: ProcessorHarness): void => {
  for (const deadline of [cycles(0), clock.now()]) {
    expect(processor.grant(deadline)).toBe(0);
  }
};

const interruptsWhoAsks = ({ processor, clock }: ProcessorHarness): void =>
  expect(asksOften({ processor, clock } as ProcessorHarness)).toBe(true);

const endsGrants = async (harness: ProcessorHarness): Promise<void> => {
  const { processor, clock } = harness;
  const deadline = after(clock.now(), clock.hertz / 1000);
  const isOver = (): boolean => processor.grant(deadline) === 0;
  expect(await eventually(harness, isOver)).toBe(true);
  expect(clock.now()).toBeGreaterThanOrEqual(deadline - clock.hertz / 1_000_000);
  expect(asksOften(harness, deadline)).toBe(clock.now() >= deadline);
};

const CASES: readonly ContractCase<ProcessorHarness>[] = [
  ["grants fuel up to a deadline", grantsUpToDeadline],
  ["grants nothing once it has come", grantsNothingAfterIt],
  ["interrupts whoever asks often enough", interruptsWhoAsks],
  ["ends what runs on", endsGrants],
];

/** Checks that the processors that `make` makes keep the contract of `Processor`. */
export function processorContract(
  name: string,
  make: MakeHarness<ProcessorHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
