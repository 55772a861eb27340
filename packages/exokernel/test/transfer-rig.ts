/** Environments for tests of transfers, and what a trace says of them. */
import { NEVER, rowOf, type Gate, type Upcalls } from "../src/abi/index.ts";
import { type Rig } from "../src/testing/index.ts";
import { TRACE_EVENTS, type Trace } from "../src/trace.ts";

const NOTHING = { sliceBegin: (): void => {} };

/** Puts an environment with these entries on the machine. */
export const place = (
  rig: Rig,
  name: readonly number[],
  upcalls: (gate: Gate) => Partial<Upcalls>,
  slices: readonly number[] = [],
): Gate => rig.environment(name, { slices, upcalls: (gate) => ({ ...NOTHING, ...upcalls(gate) }) });

/** Not to be run before something happens. */
export const sleep = (gate: Gate): void => {
  gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
};

/** Does one thing in the first slice, then sleeps. */
export const once =
  (act: (gate: Gate) => void) =>
  (gate: Gate): Pick<Upcalls, "sliceBegin"> => {
    let isDone = false;
    return {
      sliceBegin: () => {
        if (!isDone) {
          isDone = true;
          act(gate);
        }
        sleep(gate);
      },
    };
  };

/** Makes null calls until `time`. */
export const spinUntil = (gate: Gate, time: number): void => {
  while (gate.clock.now() < time) gate.nullCall();
};

/** True while the environment of `gate` is alive. */
export const isAlive = (rig: Rig, gate: Gate): boolean =>
  rig.root.environments.id(rowOf(gate.self)) === gate.self;

/** One event of a trace. */
export type Event = readonly [name: string, a: number, b: number];

const EVENT_NAMES = new Map(Object.entries(TRACE_EVENTS).map(([name, number]) => [number as number, name]));

/** What a trace holds, those with one of `names` if any are given. */
export function eventsOf(trace: Trace, ...names: readonly (keyof typeof TRACE_EVENTS)[]): Event[] {
  const events: Event[] = [];
  trace.read((_, event, a, b) => {
    const name = EVENT_NAMES.get(event) ?? "";
    if (names.length === 0 || names.includes(name as never)) events.push([name, a, b]);
  });
  return events;
}
