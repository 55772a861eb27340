/** A simulated network interface: one end of a wire, on one machine's clock. */
import {
  makePhysicalGather,
  type Nic,
  type NicArrival,
  type NicCounters,
  type NicHardware,
  type PhysicalGather,
} from "../nic.ts";
import { makeFrameHeaders } from "../offload/frame-headers.ts";
import { asksForOffload, makeOffloadEngine } from "../offload/offload-engine.ts";
import { isChecksumGood } from "../offload/transport-checksum.ts";
import { NEVER, type Cycles } from "../units.ts";
import type { Link } from "./link.ts";

/** What an interface is plugged into. */
export interface NicWiring {
  readonly hardware: NicHardware;
  /** Cycles a second of the machine it is in. */
  readonly hertz: number;
  readonly outgoing: Link;
  readonly incoming: Link;
  /** Told, at the end of a `flush`, that frames are on their way to the other end. Must only take note of it. */
  readonly sent?: () => void;
}

/** Parts of a cycle by which an arrival may be rounded down: far above the error of the conversion, far below a cycle. */
const ROUNDING = 1 / 256;

const makeCounters = (incoming: Link): NicCounters => ({
  received: 0,
  receivedBytes: 0,
  transmitted: 0,
  transmittedBytes: 0,
  get receiveDropped(): number {
    return incoming.counters.dropped;
  },
  transmitRefused: 0,
});

type Queue = (nanoseconds: number, memory: Uint8Array, gather: PhysicalGather) => boolean;

/** Queues a frame with what it asks for done: all the frames that it becomes, or none. */
const makeOffloading = ({ outgoing, hardware }: NicWiring): Queue => {
  const engine = makeOffloadEngine(hardware.frameBytes);
  const piece = makePhysicalGather(1);
  piece.count = 1;
  return (nanoseconds, memory, gather) => {
    if (!asksForOffload(gather)) return outgoing.queue(nanoseconds, memory, gather);
    if (gather.length > (gather.segmentBytes > 0 ? hardware.segmentationBytes : hardware.frameBytes))
      throw new RangeError(`a frame of ${gather.length} bytes does not fit this interface`);
    if (engine.take(memory, gather) > outgoing.room(nanoseconds)) return false;
    for (let length = engine.next(); length > 0; length = engine.next()) {
      piece.lengths[0] = piece.length = length;
      outgoing.queue(nanoseconds, engine.frame, piece);
    }
    return true;
  };
};

/** Looks at what arrives, as an interface with offloads does. */
const makeChecking = (arrival: NicArrival): ((memory: Uint8Array, at: number, length: number) => void) => {
  const headers = makeFrameHeaders();
  return (memory, at, length) => void (arrival.checksumGood = isChecksumGood(memory, at, length, headers));
};

const hasOffloads = ({ transmitChecksum, segmentationBytes }: NicHardware): boolean =>
  transmitChecksum || segmentationBytes > 0;

const makeTransmit =
  (queue: Queue, counters: NicCounters, toNanoseconds: (now: Cycles) => number): Nic["transmit"] =>
  (clock, memory, gather) => {
    if (!queue(toNanoseconds(clock.now()), memory, gather)) {
      counters.transmitRefused++;
      return false;
    }
    counters.transmitted++;
    counters.transmittedBytes += gather.length;
    return true;
  };

/** An interface at the ends of two links. A frame longer than `hardware.frameBytes` throws a `RangeError`. */
export function makeNic(wiring: NicWiring): Nic {
  const { hertz, incoming, outgoing, hardware, sent } = wiring;
  const counters = makeCounters(incoming);
  const toNanoseconds = (now: Cycles): number => (now / hertz) * 1e9;
  const dueCycles = (nanoseconds: number): Cycles =>
    Math.max(0, Math.ceil((nanoseconds / 1e9) * hertz - ROUNDING)) as Cycles;
  const slack = (ROUNDING / hertz) * 1e9;
  const arrival: NicArrival = { checksumGood: false };
  const check = hasOffloads(hardware) ? makeChecking(arrival) : undefined;
  const queue: Queue = hasOffloads(hardware) ? makeOffloading(wiring) : outgoing.queue;
  return {
    hardware,
    counters,
    arrival,
    receive: (now, memory, at) => {
      const length = incoming.take(toNanoseconds(now) + slack, memory, at);
      if (length > 0) {
        counters.received++;
        counters.receivedBytes += length;
        check?.(memory, at, length);
      }
      return length;
    },
    transmit: makeTransmit(queue, counters, toNanoseconds),
    flush: (now) => {
      if (outgoing.flush(toNanoseconds(now)) > 0) sent?.();
    },
    wakeAt: () => {
      const due = incoming.nextArrival();
      return due === Infinity ? NEVER : dueCycles(due);
    },
  };
}
