/** The seam between a transport protocol and IPv4 below it. */
import type { Gather, Window } from "@exolith/exokernel/abi";

/**
 * One outgoing IPv4 packet at a time.
 *
 * The transport writes its header into `header` at `transportAt`, adds the
 * payload's pieces to `payload`, and calls `send`. Nothing is kept: on return
 * the packet has been copied by the interface, or was not sent.
 */
export interface SegmentOutput {
  /** Scratch memory for one packet's headers. */
  readonly header: Window;
  /** Offset in `header` of the transport header. */
  readonly transportAt: number;
  /** Longest transport header there is room for, bytes. */
  readonly transportBytes: number;
  /** The pieces after the transport header; cleared by `send`. */
  readonly payload: PayloadPieces;
  /** What the interface does by itself; absent where there is nothing of the kind. */
  readonly offload?: Offload;
  /** Largest IPv4 packet on the link to `destination`, bytes. */
  mtu(destination: number): number;
  /** The neighbour that packets to `destination` go to, whose link address `resolved` tells of; absent where nobody tells. */
  nextHop?(destination: number): number;
  /** The local address that packets to `destination` leave from. */
  sourceFor(destination: number): number;
  /**
   * Sends `transportLength` header bytes and the payload pieces as IPv4 `protocol`.
   *
   * `sent`: on its way. `unresolved`: the next hop's link address is being asked
   * for; `resolved` of the transport is called when it is known. `full`: the
   * interface has no room; try again in the next slice. `unreachable`: no route,
   * or nobody answered.
   */
  send(source: number, destination: number, protocol: number, transportLength: number): SendResult;
}

/** What a network interface takes off its transports. */
export interface Offload {
  /** True if it computes the checksums that `payload.offload` leaves to it. */
  readonly transmitChecksum: boolean;
  /** Longest super-segment that it cuts, as an IPv4 packet in bytes; 0 when it cuts none. `send` takes one that long. */
  readonly segmentationBytes: number;
  /** True while a packet is delivered whose transport checksum is known to be right. */
  readonly checksumGood: boolean;
}

/** What became of a packet. */
export type SendResult = "sent" | "unresolved" | "full" | "unreachable";

/** The payload pieces of one packet. */
export interface PayloadPieces {
  readonly count: number;
  /** Bytes in all. */
  readonly length: number;
  clear(): void;
  add(window: Window, at: number, length: number): void;
  /** Leaves the checksum of the packet, or its cutting into payloads of `segmentBytes`, to the interface; until `clear`. There if `SegmentOutput.offload` is. */
  offload?(checksum: boolean, segmentBytes: number): void;
}

/** Keeps a `Gather`'s shape in the type: a gather list is a list of payload pieces. */
export type GatherIsPayload = Gather extends PayloadPieces ? true : never;

/** What a transport protocol offers to the layer below. */
export interface Transport {
  /** One packet for it: `length` transport bytes at `at`, in place, valid until this returns. */
  input(source: number, destination: number, window: Window, at: number, length: number): void;
  /** Packets may follow that arrived together: until `poll` their time is that of this call. */
  arriving?(): void;
  /** The link address of `nextHop`'s packets is known now; what was `unresolved` can be sent. */
  resolved(nextHop: number): void;
  /** The interface has room again, or time has passed: send what is due. */
  poll(): void;
  /** When `poll` is next needed, in cycles; `Infinity` when no timer runs. */
  wakeAt(): number;
}
