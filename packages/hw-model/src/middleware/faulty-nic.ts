/** An interface that receives badly: frames lost, doubled, swapped or damaged. */
import { copyBytes } from "../simulated/frame-slots.ts";
import type { Nic, NicArrival } from "../nic.ts";
import type { Cycles } from "../units.ts";
import { FAULT, makeFaultPlan, type FaultPlan, type FaultRates } from "./fault-plan.ts";

/** Frames looked at in one `receive` before it gives up for now. */
const LOST_IN_A_ROW = 64;

/** One frame kept back: to be given again, or given after the next one. */
interface Kept {
  readonly bytes: Uint8Array;
  /** Bytes kept, 0 when there is none. */
  length: number;
  /** About the frame given last: nothing is known of one that was kept or damaged. */
  readonly arrival: NicArrival;
}

const keep = (kept: Kept, memory: Uint8Array, at: number, length: number): void => {
  copyBytes(memory, at, kept.bytes, 0, length);
  kept.length = length;
};

const give = (kept: Kept, memory: Uint8Array, at: number): number => {
  const { length } = kept;
  copyBytes(kept.bytes, 0, memory, at, length);
  kept.length = 0;
  kept.arrival.checksumGood = false;
  return length;
};

/**
 * `nic` with faults on what it receives; to have them both ways, wrap both ends.
 *
 * A reordered frame changes places with the next one that is there, so nothing
 * is kept back when the line falls silent. The counters stay those of `nic`.
 */
export function faultyNic(nic: Nic, faults: FaultRates, seed: number): Nic {
  const plan = makeFaultPlan(faults, seed);
  const kept: Kept = {
    bytes: new Uint8Array(nic.hardware.frameBytes),
    length: 0,
    arrival: { checksumGood: false },
  };
  return {
    hardware: nic.hardware,
    counters: nic.counters,
    arrival: kept.arrival,
    receive: (now, memory, at) =>
      kept.length > 0 ? give(kept, memory, at) : receive(nic, plan, kept, { now, memory, at }),
    transmit: (clock, memory, gather) => nic.transmit(clock, memory, gather),
    flush: (now) => nic.flush(now),
    wakeAt: (now) => (kept.length > 0 ? now : nic.wakeAt(now)),
  };
}

interface Room {
  readonly now: Cycles;
  readonly memory: Uint8Array;
  readonly at: number;
}

const receive = (nic: Nic, plan: FaultPlan, kept: Kept, room: Room): number => {
  for (let i = 0; i < LOST_IN_A_ROW; i++) {
    const length = nic.receive(room.now, room.memory, room.at);
    if (length === 0) return 0;
    const faults = plan.next();
    if ((faults & FAULT.lost) === 0) return harm(nic, plan, kept, room, { length, faults });
  }
  return 0;
};

interface Harmed {
  readonly length: number;
  readonly faults: number;
}

const harm = (nic: Nic, plan: FaultPlan, kept: Kept, room: Room, { length, faults }: Harmed): number => {
  const { arrival } = kept;
  arrival.checksumGood = nic.arrival.checksumGood && (faults & FAULT.corrupted) === 0;
  if ((faults & FAULT.corrupted) !== 0) plan.flip(room.memory, room.at, length);
  if ((faults & (FAULT.duplicated | FAULT.reordered)) === 0) return length;
  keep(kept, room.memory, room.at, length);
  if ((faults & FAULT.duplicated) !== 0) return length;
  const overtaker = nic.receive(room.now, room.memory, room.at);
  if (overtaker === 0) return give(kept, room.memory, room.at);
  arrival.checksumGood = nic.arrival.checksumGood;
  return overtaker;
};
