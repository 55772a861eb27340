/** What must be true of a soak, and a table of what happened in it. */
import { expect } from "vitest";
import type { Sample } from "./soak-messages.ts";
import type { SoakOptions, SoakReport } from "./soak.ts";
import { median } from "./waiting.ts";

/** Least of everything that must have happened in 10 seconds. A busy machine does several times as much. */
const LEAST: Readonly<Record<string, number>> = {
  right: 100,
  absent: 2,
  keptConnections: 2,
  passing: 20,
  brokenOff: 10,
  slowlyRead: 3,
  large: 0.5,
  reloads: 2,
  filesChanged: 8,
  // Imports that nobody asked for: the server noticed a change.
  importsNoticed: 1,
  bursts: 1,
  asked: 5,
  chunksGivenBack: 10,
  cacheMisses: 10,
  framesLost: 10,
  framesDoubled: 10,
  framesOvertaking: 10,
  retransmissions: 10,
  timeWaits: 10,
};

const MEBIBYTE = 2 ** 20;
/** Bytes by which memory may grow from the second quarter to the last: what the engine and its allocator keep of hot code and freed pages settles below. */
const MOST = { heap: 1 * MEBIBYTE, external: 4 * MEBIBYTE, resident: 24 * MEBIBYTE };

const countsOf = ({
  before,
  after,
  samples,
  reloads,
  changed,
  tally,
}: SoakReport): Record<string, number> => {
  const done = Object.entries(after.done).map(([name, count]) => [name, count - (before.done[name] ?? 0)]);
  const counts = { ...tally.counts, ...(Object.fromEntries(done) as Record<string, number>) };
  return {
    ...counts,
    reloads,
    filesChanged: changed,
    importsNoticed: (counts["imports"] ?? 0) - reloads,
    timeWaits: Math.max(...samples.map(({ held }) => held["timeWaits"] ?? 0)),
  };
};

const print = (rows: readonly (readonly [string, number | string])[]): void => {
  for (const [name, value] of rows) console.log(`  ${name.padEnd(20)}${String(value).padStart(14)}`);
};

type Memory = keyof typeof MOST;

/** The median of each quarter. */
function quarters(samples: readonly Sample[], of: Memory): readonly number[] {
  const edges = [0, 1, 2, 3, 4].map((quarter) => Math.floor((quarter * samples.length) / 4));
  return [0, 1, 2, 3].map((quarter) =>
    median(samples.slice(edges[quarter], edges[quarter + 1]).map((sample) => sample[of])),
  );
}

const kibibytes = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;

/** Prints what happened, and fails unless all of it did, nothing was wrong, and nothing is left of it. */
export function expectSound(report: SoakReport, options: SoakOptions): void {
  const { before, after, samples, tally, code } = report;
  const counts = countsOf(report);
  console.log(`in ${report.seconds} s`);
  print(Object.entries(counts));
  const names = Object.keys(MOST) as Memory[];
  const memory = names.map((name) => ({ name, medians: quarters(samples, name) }));
  const shown = memory.map(({ name, medians }) => [name, medians.map(kibibytes).join(" → ")] as const);
  print(shown);

  expect(tally.wrong).toEqual([]);
  expect(after.complaints).toEqual([]);
  expect(after.done["aborted"]).toBe(0);
  expect(after.done["stalls"]).toBe(0);
  const tens = report.seconds / 10;
  const tooFew = Object.entries(LEAST).filter(([name, least]) => (counts[name] ?? 0) < least * tens);
  expect(tooFew.map(([name, least]) => `${name}: ${counts[name]}, not ${least * tens}`)).toEqual([]);

  const heldOf = ({ held }: Sample): Readonly<Record<string, number>> =>
    options.quietSeconds === 0 ? { ...held, timeWaits: 0 } : held;
  expect(heldOf(after)).toEqual(heldOf(before));
  expect(after.held).toMatchObject({ connections: 0, open: 0, timers: 0, chunksHeld: 0 });
  if (options.quietSeconds > 0) expect(after.held["timeWaits"]).toBe(0);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  const grown = memory.filter(
    ({ name, medians: [, early = 0, , late = 0] }) => !(late - early <= MOST[name]),
  );
  expect(grown.map(({ name }) => shown.find(([of]) => of === name))).toEqual([]);
  expect(code).toBe(0);
}
