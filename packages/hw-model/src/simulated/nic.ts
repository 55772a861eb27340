/** A simulated network interface: one end of a wire, on one machine's clock. */
import type { Nic, NicCounters, NicHardware } from "../nic.ts";
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

const makeTransmit =
  (wiring: NicWiring, counters: NicCounters, toNanoseconds: (now: Cycles) => number): Nic["transmit"] =>
  (now, memory, gather) => {
    if (!wiring.outgoing.queue(toNanoseconds(now), memory, gather)) {
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
  return {
    hardware,
    counters,
    receive: (now, memory, at) => {
      const length = incoming.take(toNanoseconds(now) + slack, memory, at);
      if (length > 0) {
        counters.received++;
        counters.receivedBytes += length;
      }
      return length;
    },
    transmit: makeTransmit(wiring, counters, toNanoseconds),
    flush: (now) => {
      if (outgoing.flush(toNanoseconds(now)) > 0) sent?.();
    },
    wakeAt: () => {
      const arrival = incoming.nextArrival();
      return arrival === Infinity ? NEVER : dueCycles(arrival);
    },
  };
}
