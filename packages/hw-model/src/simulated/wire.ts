/** A point-to-point wire between two machines, and a loopback. */
import type { FaultRates } from "../middleware/fault-plan.ts";
import type { Nic, NicHardware } from "../nic.ts";
import { SUPER_SEGMENT_BYTES } from "../offload/segment-cutter.ts";
import { makeLink, type Link, type LinkCounters } from "./link.ts";
import { makeNic } from "./nic.ts";
import { deriveSeed } from "./random.ts";

/** How one direction carries frames. */
export interface WireDirection {
  /** Bits a second; default `Infinity`. */
  readonly bitsPerSecond?: number;
  /** Seconds from the end of sending to arrival; default 0. */
  readonly delaySeconds?: number;
  /** Default: none. */
  readonly faults?: FaultRates;
  /** Seconds by which a reordered frame comes late at most; default 0.001. */
  readonly reorderSeconds?: number;
  /**
   * True makes `transmit` refuse, as on a full ring, while the receiver's ring could overflow.
   *
   * Stands for the PAUSE frames of IEEE 802.3 annex 31B; default false.
   */
  readonly flowControl?: boolean;
}

/** The machine at one end. */
export interface WireEnd {
  /** Cycles a second of its clock; default 1e9 (a clock in nanoseconds). */
  readonly hertz?: number;
  /** Six octets; default 02:00:00:00:00:01 and …:02 (locally administered, IEEE 802 section 8.4). */
  readonly address?: readonly number[];
  /** Default 512. */
  readonly receiveSlots?: number;
  /** Default 512. */
  readonly transmitSlots?: number;
  /** True for an interface that computes and checks checksums and cuts super-segments; default false. */
  readonly offloads?: boolean;
}

/** A wire; everything but `ends` and `from` holds for both directions. */
export interface WireOptions extends WireDirection {
  readonly ends?: readonly [WireEnd, WireEnd];
  /** What one direction does differently, by the end that sends. */
  readonly from?: readonly [WireDirection, WireDirection];
  /** Seed of every fault; default 1. */
  readonly seed?: number;
  /** Longest frame, Ethernet header included; default 1514. */
  readonly frameBytes?: number;
  /** Bytes on the medium around a frame; default 24: preamble 8, FCS 4, gap 12 (IEEE 802.3 clauses 3 and 4). */
  readonly overheadBytes?: number;
  /** Frames on the medium at once in one direction, before `transmit` refuses; default 4096. */
  readonly flightSlots?: number;
  /**
   * Called when frames have been put on the wire, with the end they go to.
   *
   * It is a wake-up only: note it and return; do not run the other machine.
   */
  readonly arrived?: (end: 0 | 1) => void;
}

/** A wire and the interfaces at its ends. */
export interface Wire {
  readonly nics: readonly [Nic, Nic];
  /** Totals of each direction, by the end that sends. */
  readonly counters: readonly [Readonly<LinkCounters>, Readonly<LinkCounters>];
  /** Frames on the medium or in a receive ring. O(1). */
  inside(): number;
}

const SLOTS = 512;

const nicHardware = (options: WireOptions, end: 0 | 1): NicHardware => {
  const { address, receiveSlots, transmitSlots, offloads = false } = options.ends?.[end] ?? {};
  return {
    address: address ?? [2, 0, 0, 0, 0, end + 1],
    frameBytes: options.frameBytes ?? 1514,
    receiveSlots: receiveSlots ?? SLOTS,
    transmitSlots: transmitSlots ?? SLOTS,
    bitsPerSecond: options.from?.[end].bitsPerSecond ?? options.bitsPerSecond ?? Infinity,
    transmitChecksum: offloads,
    segmentationBytes: offloads ? SUPER_SEGMENT_BYTES : 0,
  };
};

const link = (options: WireOptions, sender: 0 | 1, receiver: 0 | 1): Link => {
  const own = options.from?.[sender] ?? {};
  const { frameBytes, transmitSlots, bitsPerSecond } = nicHardware(options, sender);
  return makeLink({
    bitsPerSecond,
    frameBytes,
    transmitSlots,
    receiveSlots: nicHardware(options, receiver).receiveSlots,
    delaySeconds: own.delaySeconds ?? options.delaySeconds ?? 0,
    reorderSeconds: own.reorderSeconds ?? options.reorderSeconds ?? 0.001,
    overheadBytes: options.overheadBytes ?? 24,
    flightSlots: options.flightSlots ?? 4096,
    flowControl: own.flowControl ?? options.flowControl ?? false,
    faults: own.faults ?? options.faults ?? {},
    seed: deriveSeed(options.seed ?? 1, `link ${sender}`),
  });
};

const nicAt = (options: WireOptions, end: 0 | 1, outgoing: Link, incoming: Link): Nic => {
  const other = end === 0 ? 1 : 0;
  return makeNic({
    hardware: nicHardware(options, end),
    hertz: options.ends?.[end].hertz ?? 1e9,
    outgoing,
    incoming,
    sent: () => options.arrived?.(outgoing === incoming ? end : other),
  });
};

/**
 * A wire between two interfaces.
 *
 * It knows no time but the `now` of each call, which it converts by the rate of
 * the end that calls; so it joins simulated machines and host machines alike.
 */
export function makeWire(options: WireOptions = {}): Wire {
  const there = link(options, 0, 1);
  const back = link(options, 1, 0);
  return {
    nics: [nicAt(options, 0, there, back), nicAt(options, 1, back, there)],
    counters: [there.counters, back.counters],
    inside: () => there.inside() + back.inside(),
  };
}

/** An interface whose own frames come back to it; only the first end of `options` counts. */
export function makeLoopback(options: WireOptions = {}): Nic {
  const around = link(options, 0, 0);
  return nicAt(options, 0, around, around);
}
