/**
 * 08: wait for an event.
 *
 * Every environment has an event count, which grows with each packet,
 * completion or wake-up for it. It reads the count, looks whether there is
 * work, and sleeps until the count differs: an event in between is not lost.
 */
import {
  NEVER,
  capSlot,
  cycles,
  must,
  rowOf,
  sliceIndex,
  type Capability,
  type Gate,
  type Program,
} from "@exolith/exokernel/abi";
import { RIGHTS } from "@exolith/secure-bind";
import { makeSingle, milliseconds } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const ITEMS = 5;
const PERIOD_SECONDS = 0.001;

/** What the two share; in earnest it would be a frame that both have bound. */
const queue: number[] = [];
const log = (gate: Gate, text: string): void =>
  console.log(`${milliseconds(gate.clock.now()).padStart(12)}  ${text}`);

const consumer: Program = (gate) => {
  must(gate.sliceAlloc(sliceIndex(10), own));
  const row = rowOf(gate.self);
  return {
    sliceBegin: () => {
      const seen = gate.environments.events(row);
      for (let item = queue.shift(); item !== undefined; item = queue.shift())
        log(gate, `consumer: takes item ${item}, event count ${seen}`);
      gate.sleep(seen, NEVER);
    },
  };
};

const producer =
  (consumerId: number): Program =>
  (gate) => {
    must(gate.sliceAlloc(sliceIndex(20), own));
    const toConsumer = capSlot(1);
    let made = 0;
    return {
      sliceBegin: () => {
        made += 1;
        log(gate, `producer: makes item ${made}`);
        queue.push(made);
        must(gate.wake(consumerId as never, toConsumer));
        const until = made < ITEMS ? cycles(gate.clock.now() + gate.clock.hertz * PERIOD_SECONDS) : NEVER;
        gate.sleep(gate.environments.events(rowOf(gate.self)), until);
      },
    };
  };

const options = readOptions();
const { add, run, finish, kernel } = makeSingle(options);
const consumerId = add({ name: [1, 1], grants: [], program: consumer });
/** To wake somebody, one must dominate the guard of it; no right is needed. */
const mayWake: Capability = { name: [1, 1], rights: RIGHTS.none };
const producerId = add({ name: [1, 2], grants: [mayWake], program: producer(consumerId) });
run();

const { environments } = kernel.root;
for (const [name, id] of [
  ["consumer", consumerId],
  ["producer", producerId],
] as const)
  console.log(
    `${name}: ${environments.slicesBegun(rowOf(id))} slices, ${environments.events(rowOf(id))} events`,
  );
finish();
