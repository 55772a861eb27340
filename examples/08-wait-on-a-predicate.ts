/**
 * 08: wait on a predicate.
 *
 * An environment that waits gives the kernel a sum of products over words of
 * memory: its own, shared ones, or the kernel's. It is looked at only when the
 * scheduler comes to one of its slices; the tag says which product came true.
 */
import {
  NEVER,
  SYSTEM_WORDS,
  WELL_KNOWN_SLOT,
  capSlot,
  cycles,
  frame,
  must,
  rowOf,
  sliceIndex,
  type Gate,
  type Predicate,
  type Program,
  type Window,
} from "@exolith/exokernel/abi";
import { RIGHTS } from "@exolith/secure-bind";
import { makeSingle, milliseconds } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const QUANTUM_SECONDS = 0.0005;
const PERIOD_SECONDS = 0.001;
const ITEMS = 5;

/** The frame that the two share: how many items were made, and how many taken. */
const QUEUE = frame(7);
const MADE = 0;
const TAKEN = 4;

/** What the consumer waits for, by tag. */
const ITEM = 1;
const LATE = 2;
const PATIENCE_TICKS = 10;

const log = (gate: Gate, text: string): void =>
  console.log(`${milliseconds(gate.clock.now()).padStart(12)}  ${text}`);

/** An item more than were taken, or no item until `deadline`. */
const itemOrLate = (queue: Window, system: Window, deadline: number): Predicate => [
  { tag: ITEM, terms: [{ window: queue, at: MADE, comparison: "greater", value: queue.getU32(TAKEN) }] },
  {
    tag: LATE,
    terms: [{ window: system, at: SYSTEM_WORDS.ticks, comparison: "greaterOrEqual", value: deadline }],
  },
];

const consumer: Program = (gate) => {
  must(gate.sliceAlloc(sliceIndex(10), own));
  must(gate.framesAlloc(QUEUE, 1, own));
  const queue = must(gate.windowBind(QUEUE, 1, true, own));
  const system = must(gate.windowBind(gate.system.frame, 1, false, WELL_KNOWN_SLOT));
  const row = rowOf(gate.self);
  return {
    sliceBegin: () => {
      const tag = gate.environments.tag(row);
      if (tag === LATE) {
        log(gate, "consumer: nothing came for 10 ticks, gives up");
        gate.sleep(gate.environments.events(row), NEVER);
        return;
      }
      for (let taken = queue.getU32(TAKEN); taken < queue.getU32(MADE); taken++) {
        queue.setU32(TAKEN, taken + 1);
        log(gate, `consumer: takes item ${taken + 1}, tag ${tag}`);
      }
      const deadline = system.getU32(SYSTEM_WORDS.ticks) + PATIENCE_TICKS;
      must(gate.predicateWait(itemOrLate(queue, system, deadline)));
    },
  };
};

/** Writes to the queue and wakes nobody: the consumer's predicate sees to that. */
const producer: Program = (gate) => {
  must(gate.sliceAlloc(sliceIndex(20), own));
  const toQueue = capSlot(1);
  let queue: Window | undefined;
  return {
    sliceBegin: () => {
      queue ??= must(gate.windowBind(QUEUE, 1, true, toQueue));
      const made = queue.getU32(MADE) + 1;
      log(gate, `producer: makes item ${made}`);
      queue.setU32(MADE, made);
      const until = made < ITEMS ? cycles(gate.clock.now() + gate.clock.hertz * PERIOD_SECONDS) : NEVER;
      gate.sleep(gate.environments.events(rowOf(gate.self)), until);
    },
  };
};

const options = readOptions();
const { add, run, finish, kernel } = makeSingle(options, QUANTUM_SECONDS);
const consumerId = add({ name: [1, 1], grants: [], program: consumer });
const mayWrite = { name: [1, 1], rights: RIGHTS.write };
const producerId = add({ name: [1, 2], grants: [mayWrite], program: producer });
run();

const { environments, frames } = kernel.root;
for (const [name, id] of [
  ["consumer", consumerId],
  ["producer", producerId],
] as const)
  console.log(
    `${name}: ${environments.slicesBegun(rowOf(id))} slices, ${environments.events(rowOf(id))} events`,
  );
console.log(`frame ${QUEUE} is pinned by ${frames.pins(QUEUE)} predicates`);
finish();
