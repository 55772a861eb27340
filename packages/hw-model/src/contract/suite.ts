/** The frame of a contract suite: named cases, and deviations declared from them. */
import { describe, expect, test } from "vitest";

/** A case that a device is known not to meet, and why. */
export interface Deviation {
  /** Why the device cannot meet the cases. */
  readonly reason: string;
  /** Names of the cases it does not meet. */
  readonly cases: readonly string[];
}

/** One case of a contract. */
export type ContractCase<Harness> = readonly [
  name: string,
  check: (harness: Harness) => void | Promise<void>,
];

/** What every harness can do: let time pass, and be taken down. */
export interface Settling {
  /**
   * Lets a little time pass: a simulated machine advances its clock by at
   * least a microsecond, a host one waits a few milliseconds for its devices.
   */
  settle(): void | Promise<void>;
  /** Gives back what the device holds, after each case. */
  dispose?(): void | Promise<void>;
}

/** A maker of one fresh device and its surroundings. */
export type MakeHarness<Harness> = () => Harness | Promise<Harness>;

/** Names of `deviations` that no case of `cases` has. */
export const unknownDeviations = (cases: readonly string[], deviations: readonly Deviation[]): string[] =>
  deviations.flatMap((deviation) => deviation.cases).filter((name) => !cases.includes(name));

/** Runs `cases`, each on a fresh harness; skips what `deviations` names and fails if one names no case. */
export function contractSuite<Harness extends Settling>(
  name: string,
  make: MakeHarness<Harness>,
  cases: readonly ContractCase<Harness>[],
  deviations: readonly Deviation[],
): void {
  describe(name, () => {
    test("every declared deviation names a case", () => {
      expect(
        unknownDeviations(
          cases.map(([title]) => title),
          deviations,
        ),
      ).toEqual([]);
    });
    for (const [title, check] of cases) {
      const deviation = deviations.find((one) => one.cases.includes(title));
      if (deviation !== undefined) test.skip(`${title} (deviates: ${deviation.reason})`, () => {});
      else test(title, () => runCase(make, check));
    }
  });
}

/** Rounds that `eventually` waits. */
const SETTLE_ROUNDS = 500;

/** Settles until `done` answers true; false when it never did. */
export async function eventually(harness: Settling, done: () => boolean): Promise<boolean> {
  for (let round = 0; round < SETTLE_ROUNDS; round++) {
    if (done()) return true;
    // oxlint-disable-next-line no-await-in-loop -- each round depends on the one before
    await harness.settle();
  }
  return done();
}

async function runCase<Harness extends Settling>(
  make: MakeHarness<Harness>,
  check: ContractCase<Harness>[1],
): Promise<void> {
  const harness = await make();
  try {
    await check(harness);
  } finally {
    await harness.dispose?.();
  }
}
