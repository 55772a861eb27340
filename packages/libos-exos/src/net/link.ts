/** The link layer: Ethernet frames through transmit bindings, which state who we are. */
import type { Gate, Gather, TransmitId, Window } from "@exolith/exokernel/abi";
import { failed } from "@exolith/exokernel/abi";
import { hardwareHigh, hardwareLow, nicAddress } from "./address.ts";
import { publishCounters } from "./counters.ts";
import type { PieceList } from "./piece-list.ts";
import { ETHERNET_BYTES, ETHER_TYPE, setDestination, setEtherType, setSource } from "./wire/ethernet-wire.ts";

/** What became of a frame: queued, no room for now, or not allowed to leave. */
export type LinkResult = "sent" | "full" | "refused";

/** Kinds of frames, each sent through a transmit binding of its own. */
export const FRAME_KIND = { arp: 0, ipv4: 1 } as const;
/** A value of `FRAME_KIND`. */
export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

/** What the link counts. */
export interface LinkCounters {
  /** Frames and bytes queued. */
  sent: number;
  sentBytes: number;
  /** Refused: the interface's ring was full. */
  full: number;
  /** Refused: no transmit binding of ours allows such a frame. */
  forged: number;
  /** Not sent: we have no transmit binding, or it was removed. */
  unbound: number;
  /** Refused: a piece was outside a window, or its window was dead. */
  malformed: number;
}

/**
 * Sends Ethernet frames from one network interface.
 *
 * **Bindings.** The transmit bindings are found, not passed: they are the rows
 * of the published table that name this environment and this interface. A
 * board binds the ARP filter first and the IPv4 filter second; each kind of
 * frame starts with its own in row order. If the kernel finds the frame forged
 * there, the others are tried, and the one that lets it pass is kept. Without a
 * binding nothing is sent, everything is counted, and the table is read again
 * at most once in `RESCAN_SECONDS`: a binding made later is found.
 */
export interface Link {
  readonly nic: number;
  /** Our own address, both halves. */
  readonly high: number;
  readonly low: number;
  /** Largest packet inside a frame, bytes. */
  readonly packetBytes: number;
  /** True if the interface computes checksums that are left to it. */
  readonly transmitChecksum: boolean;
  /** Largest packet that the interface cuts into segments, bytes; 0 when it cuts none. */
  readonly segmentationBytes: number;
  readonly counters: Readonly<LinkCounters>;
  /** Writes the fields of an Ethernet header that never change: our address and the type. */
  prepare(kind: FrameKind, header: Window, at: number): void;
  /** Names the destination of the next frame from `header`. */
  address(header: Window, at: number, high: number, low: number): void;
  /**
   * Sends `length` header bytes at `at`, Ethernet header included, and then the pieces.
   *
   * Everything has been copied when this returns. Never throws. O(pieces).
   */
  send(
    kind: FrameKind,
    header: Window,
    at: number,
    length: number,
    pieces: PieceList | undefined,
  ): LinkResult;
}

/** Seconds between two searches of the transmit table. */
export const RESCAN_SECONDS = 1;
/** Transmit bindings of ours that are looked at. */
const BINDINGS_MAX = 8;
const KIND_TYPES = [ETHER_TYPE.arp, ETHER_TYPE.ipv4] as const;

/** The link on network interface `nic`. Binds nothing and makes no call. */
export const makeLink = (gate: Gate, nic: number): Link => new EthernetLink(gate, nic);

/** The transmit bindings that let the caller send on `nic`, in row order. Reads only. */
export function findTransmitBindings(gate: Pick<Gate, "self" | "transmits">, nic: number): TransmitId[] {
  const { transmits, self } = gate;
  const found: TransmitId[] = [];
  for (let row = 0; row < transmits.count && found.length < BINDINGS_MAX; row++)
    if (transmits.user(row) === self && transmits.nic(row) === nic)
      found.push(transmits.id(row) as TransmitId);
  return found;
}

class EthernetLink implements Link {
  readonly nic: number;
  readonly high: number;
  readonly low: number;
  readonly packetBytes: number;
  readonly transmitChecksum: boolean;
  readonly segmentationBytes: number;
  readonly counters: Readonly<LinkCounters>;
  readonly #gate: Gate;
  readonly #gather: Gather;
  readonly #counts: LinkCounters = { sent: 0, sentBytes: 0, full: 0, forged: 0, unbound: 0, malformed: 0 };
  /** In row order; `undefined` once the kernel said that one is gone. */
  #bindings: (TransmitId | undefined)[] = [];
  readonly #chosen = [0, 0];
  #rescanAt = 0;

  constructor(gate: Gate, nic: number) {
    const own = nicAddress(gate, nic);
    this.#gate = gate;
    this.#gather = gate.gather();
    this.nic = nic;
    this.high = hardwareHigh(own);
    this.low = hardwareLow(own);
    this.packetBytes = gate.nics.frameBytes(nic) - ETHERNET_BYTES;
    this.transmitChecksum = gate.nics.transmitChecksum(nic) !== 0;
    this.segmentationBytes = Math.max(0, gate.nics.segmentationBytes(nic) - ETHERNET_BYTES);
    this.counters = publishCounters(this.#counts);
  }

  prepare(kind: FrameKind, header: Window, at: number): void {
    setSource(header, at, this.high, this.low);
    setEtherType(header, at, KIND_TYPES[kind]);
  }

  address(header: Window, at: number, high: number, low: number): void {
    setDestination(header, at, high, low);
  }

  send(
    kind: FrameKind,
    header: Window,
    at: number,
    length: number,
    pieces: PieceList | undefined,
  ): LinkResult {
    const gather = this.#gather;
    gather.clear();
    gather.add(header, at, length);
    pieces?.appendTo(gather);
    const binding = this.#bindings[this.#chosen[kind] ?? 0];
    if (binding === undefined) return this.#rebind(kind);
    return this.#judge(kind, this.#gate.transmit(binding, gather));
  }

  #judge(kind: FrameKind, refusal: ReturnType<Gate["transmit"]>): LinkResult {
    if (!failed(refusal)) {
      this.#counts.sent += 1;
      this.#counts.sentBytes += this.#gather.length;
      return "sent";
    }
    switch (refusal.name) {
      case "Full":
        this.#counts.full += 1;
        return "full";
      case "Forged":
        return this.#tryOthers(kind);
      case "BadBinding":
        this.#bindings[this.#chosen[kind] ?? 0] = undefined;
        return this.#rebind(kind);
      default:
        this.#counts.malformed += 1;
        return "refused";
    }
  }

  /** Sends what is gathered through a binding that was made since the table was last read. */
  #rebind(kind: FrameKind): LinkResult {
    const binding = this.#rescan() ? this.#bindings[this.#chosen[kind] ?? 0] : undefined;
    if (binding !== undefined) return this.#judge(kind, this.#gate.transmit(binding, this.#gather));
    this.#counts.unbound += 1;
    return "refused";
  }

  /** Reads the table again; false, and nothing read, if it was read a moment ago. */
  #rescan(): boolean {
    const now = this.#gate.clock.now();
    if (now < this.#rescanAt) return false;
    this.#rescanAt = now + RESCAN_SECONDS * this.#gate.clock.hertz;
    this.#bindings = findTransmitBindings(this.#gate, this.nic);
    for (const kind of this.#chosen.keys()) this.#chosen[kind] = Math.min(kind, this.#bindings.length - 1);
    return true;
  }

  /** Looks for a binding that the kernel lets this kind pass through. */
  #tryOthers(kind: FrameKind): LinkResult {
    const chosen = this.#chosen[kind] ?? 0;
    for (let index = 0; index < this.#bindings.length; index++) {
      const binding = this.#bindings[index];
      if (index === chosen || binding === undefined) continue;
      const refusal = this.#gate.transmit(binding, this.#gather);
      if (failed(refusal) && (refusal.name === "Forged" || refusal.name === "BadBinding")) continue;
      this.#chosen[kind] = index;
      return this.#judge(kind, refusal);
    }
    this.#counts.forged += 1;
    this.#rescan();
    return "refused";
  }
}
