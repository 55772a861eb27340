/** The shape of SOSP'95's tables in simulated cycles: figures that do not depend on the host. */
import { DEC5000_125, PROFILES, makeSimulatedMachine, type CostProfile } from "@exolith/hw-model";
import { GETPID, makeMonolith, type StageCount } from "./monolithic-model.ts";
import { LONG_NULL_CALL, WORLD_FRAMES, makeWorld, operations, type Operation } from "./world.ts";

/** Cycles of one operation on each profile, by the profile's name. */
export type Cycles = Readonly<Record<string, number>>;

/** Times that an operation is done to see what one takes: a multiple of the environments, and more than fractions matter. */
const TIMES = 96;

/** Cycles that each operation takes on a simulated machine with `profile`, by its name. */
function cyclesOn(profile: CostProfile): ReadonlyMap<string, number> {
  const machine = makeSimulatedMachine({ profile, frames: WORLD_FRAMES });
  const measure = ({ name, run }: Operation): [string, number] => {
    run(TIMES);
    const before = machine.clock.now();
    run(TIMES);
    return [name, (machine.clock.now() - before) / TIMES];
  };
  return new Map(operations(makeWorld(machine)).map(measure));
}

/** Cycles of every operation on every profile, by the operation's name. */
export function simulatedCycles(): ReadonlyMap<string, Cycles> {
  const found = new Map<string, Record<string, number>>();
  for (const profile of PROFILES)
    for (const [operation, cycles] of cyclesOn(profile))
      found.set(operation, { ...found.get(operation), [profile.name]: cycles });
  return found;
}

/** What S1 and S3 compare, in cycles of the DECstation. */
export interface Shape {
  readonly shortCall: number;
  readonly longCall: number;
  /** One way: half of a round trip, as the paper measures it. */
  readonly transfer: number;
  readonly monolithic: number;
  /** What the monolithic call is made of. */
  readonly stages: readonly StageCount[];
}

/** Measures it. */
export function measureShape(): Shape {
  const cycles = cyclesOn(DEC5000_125);
  const of = (name: string): number => cycles.get(name) ?? Number.NaN;
  const machine = makeSimulatedMachine({ profile: DEC5000_125, frames: 16 });
  const monolith = makeMonolith(machine);
  monolith.call(GETPID);
  const before = machine.clock.now();
  monolith.call(GETPID);
  return {
    shortCall: of("null call"),
    longCall: of(LONG_NULL_CALL),
    transfer: of("transfer round trip") / 2,
    monolithic: machine.clock.now() - before,
    stages: monolith.stages(),
  };
}

/** Of a monolithic call, a call of ours takes at most this part (reference S1: Ultrix against Aegis, 6.9 to 9.6 times). */
const MONOLITHIC_RATIO = 6;

/** Something that must be so. */
export interface Invariant {
  readonly id: string;
  readonly what: string;
  readonly holds: boolean;
}

/** The invariants, and whether they hold. */
export const checkShape = ({ shortCall, longCall, transfer, monolithic }: Shape): readonly Invariant[] => [
  { id: "S1", what: "null call < null call with a stack", holds: shortCall < longCall },
  {
    id: "S1",
    what: `null call with a stack <= 1/${MONOLITHIC_RATIO} of a monolithic call`,
    holds: longCall * MONOLITHIC_RATIO <= monolithic,
  },
  { id: "S3", what: "control transfer, one way <= null call with a stack", holds: transfer <= longCall },
];
