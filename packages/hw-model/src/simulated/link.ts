/**
 * One direction of a wire: transmit ring, the medium, receive ring.
 *
 * A frame lies in one slot from `queue` until `take`: it is copied in and copied
 * out, and nothing in between. Times are nanoseconds since the machines were
 * switched on, as doubles, so that ends with different clocks agree.
 */
import { FAULT, makeFaultPlan, type FaultPlan, type FaultRates } from "../middleware/fault-plan.ts";
import type { PhysicalGather } from "../nic.ts";
import { NO_SLOT, makeFrameSlots, type FrameSlots } from "./frame-slots.ts";
import { makeTimedRing, type TimedRing } from "./timed-ring.ts";

/** What one direction is made of. */
export interface LinkHardware {
  readonly bitsPerSecond: number;
  readonly delaySeconds: number;
  /** How late a reordered frame may come at most. */
  readonly reorderSeconds: number;
  /** Bytes on the medium around each frame. */
  readonly overheadBytes: number;
  readonly frameBytes: number;
  readonly transmitSlots: number;
  readonly receiveSlots: number;
  /** Frames on the medium at once. */
  readonly flightSlots: number;
  /** True refuses frames for which the receive ring may have no place. */
  readonly flowControl: boolean;
  readonly faults: FaultRates;
  readonly seed: number;
}

/** Running totals of one direction: `sent + duplicated = delivered + lost + dropped + frames still inside`. */
export interface LinkCounters {
  /** Frames that left the transmit ring for the medium. */
  sent: number;
  /** Frames handed to the receiver. */
  delivered: number;
  /** Frames that vanished on the medium. */
  lost: number;
  /** Additional copies made on the medium. */
  duplicated: number;
  /** Frames with a flipped bit. */
  corrupted: number;
  /** Frames held back so that later ones may overtake them. */
  reordered: number;
  /** Frames that found the receive ring full. */
  dropped: number;
}

/** One direction; `now` is in nanoseconds throughout. */
export interface Link {
  readonly counters: LinkCounters;
  /** Copies a frame into the transmit ring; false when the ring is full. O(bytes). */
  queue(now: number, memory: Uint8Array, gather: PhysicalGather): boolean;
  /** Frames that `queue` would take now. O(arrived). */
  room(now: number): number;
  /** Puts what is queued on the medium; returns how many frames are on their way because of it. O(queued). */
  flush(now: number): number;
  /** Copies the oldest arrived frame to `memory[at…]`; returns its length, 0 when there is none. O(bytes + arrived). */
  take(now: number, memory: Uint8Array, at: number): number;
  /** When the oldest frame arrives or arrived; `Infinity` when none is on its way. O(1). */
  nextArrival(): number;
  /** Frames on the medium or in the receive ring. O(1). */
  inside(): number;
}

/** Everything a direction holds. */
interface LinkState {
  readonly hardware: LinkHardware;
  readonly plan: FaultPlan;
  readonly slots: FrameSlots;
  /** Queued, waiting for the doorbell; times unused. */
  readonly pending: TimedRing;
  /** Frames being sent; times are when each has left its place in the transmit ring. */
  readonly sending: TimedRing;
  readonly flight: TimedRing;
  readonly arrived: TimedRing;
  readonly counters: LinkCounters;
  /** When the medium is free again. */
  idleAt: number;
}

const NANOSECONDS = 1e9;

const makeState = (hardware: LinkHardware): LinkState => ({
  hardware,
  plan: makeFaultPlan(hardware.faults, hardware.seed),
  slots: makeFrameSlots(
    hardware.transmitSlots + hardware.receiveSlots + hardware.flightSlots,
    hardware.frameBytes,
  ),
  pending: makeTimedRing(hardware.transmitSlots),
  sending: makeTimedRing(hardware.transmitSlots),
  flight: makeTimedRing(hardware.transmitSlots + hardware.receiveSlots + hardware.flightSlots),
  arrived: makeTimedRing(hardware.receiveSlots),
  counters: { sent: 0, delivered: 0, lost: 0, duplicated: 0, corrupted: 0, reordered: 0, dropped: 0 },
  idleAt: 0,
});

/** Frames on the medium or in the receive ring. */
const inside = (link: LinkState): number => link.arrived.size() + link.flight.size();

/** Moves what has arrived by `now` into the receive ring, or drops it there. */
const admit = (link: LinkState, now: number): void => {
  while (link.flight.firstTime() <= now) {
    const time = link.flight.firstTime();
    const slot = link.flight.shift();
    if (link.arrived.size() < link.hardware.receiveSlots) link.arrived.insert(slot, time);
    else {
      link.counters.dropped++;
      link.slots.release(slot);
    }
  }
};

/** A free slot; when a receiver that never asks has filled the pool, what has arrived for it is dropped first. */
const claim = (link: LinkState, now: number): number => {
  const slot = link.slots.claim();
  if (slot !== NO_SLOT) return slot;
  admit(link, now);
  return link.slots.claim();
};

/** Places that are free: in the transmit ring, in the pool, and with flow control at the receiver. */
const room = (link: LinkState, now: number): number => {
  const { sending, pending, hardware, slots } = link;
  const all = hardware.transmitSlots + hardware.receiveSlots + hardware.flightSlots;
  while (sending.firstTime() <= now) sending.shift();
  if (all - slots.taken() < hardware.transmitSlots) admit(link, now);
  const places = hardware.transmitSlots - sending.size() - pending.size();
  const pool = all - slots.taken();
  const receiver = hardware.flowControl ? hardware.receiveSlots - pending.size() - inside(link) : Infinity;
  return Math.max(0, Math.min(places, pool, receiver));
};

const queue = (link: LinkState, now: number, memory: Uint8Array, gather: PhysicalGather): boolean => {
  const { sending, pending, hardware } = link;
  if (gather.length < 1 || gather.length > hardware.frameBytes)
    throw new RangeError(`a frame of ${gather.length} bytes does not fit this interface`);
  while (sending.firstTime() <= now) sending.shift();
  if (sending.size() + pending.size() >= hardware.transmitSlots) return false;
  if (hardware.flowControl && pending.size() + inside(link) >= hardware.receiveSlots) return false;
  const slot = claim(link, now);
  if (slot === NO_SLOT) return false;
  link.slots.gather(slot, memory, gather);
  pending.insert(slot, 0);
  return true;
};

const launch = (link: LinkState, slot: number, time: number, faults: number): void => {
  if ((faults & FAULT.corrupted) !== 0) {
    link.counters.corrupted++;
    link.plan.flip(link.slots.bytes(slot), link.slots.start(slot), link.slots.length(slot));
  }
  if ((faults & FAULT.reordered) !== 0) link.counters.reordered++;
  const late = (faults & FAULT.reordered) === 0 ? 0 : (link.plan.below(1024) + 1) / 1024;
  link.flight.insert(slot, time + late * link.hardware.reorderSeconds * NANOSECONDS);
};

const launchAgain = (link: LinkState, slot: number, time: number): void => {
  const copy = link.slots.claim();
  if (copy === NO_SLOT) return;
  link.slots.duplicate(slot, copy);
  link.counters.duplicated++;
  link.flight.insert(copy, time);
};

/** Puts one frame on the medium, from `start` on; returns how many copies of it will arrive. */
const send = (link: LinkState, slot: number, start: number): number => {
  const { hardware, counters, slots } = link;
  const bits = (slots.length(slot) + hardware.overheadBytes) * 8;
  link.idleAt = start + (bits / hardware.bitsPerSecond) * NANOSECONDS;
  link.sending.insert(slot, link.idleAt);
  counters.sent++;
  const faults = link.plan.next();
  if ((faults & FAULT.lost) !== 0) {
    counters.lost++;
    slots.release(slot);
    return 0;
  }
  const arrival = link.idleAt + hardware.delaySeconds * NANOSECONDS;
  if ((faults & FAULT.duplicated) !== 0) launchAgain(link, slot, arrival);
  launch(link, slot, arrival, faults);
  return 1;
};

const flush = (link: LinkState, now: number): number => {
  let coming = 0;
  while (link.pending.size() > 0) coming += send(link, link.pending.shift(), Math.max(now, link.idleAt));
  return coming;
};

const take = (link: LinkState, now: number, memory: Uint8Array, at: number): number => {
  admit(link, now);
  const slot = link.arrived.shift();
  if (slot < 0) return 0;
  link.counters.delivered++;
  link.slots.release(slot);
  return link.slots.scatter(slot, memory, at);
};

/** A direction with nothing on it. */
export function makeLink(hardware: LinkHardware): Link {
  const link = makeState(hardware);
  return {
    counters: link.counters,
    queue: (now, memory, gather) => queue(link, now, memory, gather),
    room: (now) => room(link, now),
    flush: (now) => flush(link, now),
    take: (now, memory, at) => take(link, now, memory, at),
    nextArrival: () => Math.min(link.arrived.firstTime(), link.flight.firstTime()),
    inside: () => inside(link),
  };
}
