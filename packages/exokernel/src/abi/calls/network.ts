/** Calls on packets: rings, filters, transmission. */
import type { Filter } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, FilterId, FrameNumber, RingId, TransmitId } from "../ids.ts";
import type { Gather } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/** Packets: who receives which, who may send what. */
export interface NetworkCalls {
  /**
   * Makes a packet ring of `count` frames from `first`.
   *
   * Frame `first` holds one big-endian 32-bit ownership word per slot, from
   * offset 0; each other frame holds two slots of `RING_SLOT_BYTES`. Word 0: the
   * kernel may fill the slot. Otherwise: the length of the frame in the slot,
   * and the slot is the owner's until it writes 0 again. Slots are filled in
   * order and around. The frames are pinned. **Needs** `write` over each guard.
   */
  ringBind(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<RingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full">;
  /** Ends a ring; filters that feed it deliver nowhere. The owner only. */
  ringUnbind(ring: RingId): Sys<undefined, "BadRing">;
  /**
   * Sends frames from network interface `nic` that match `filter` to `ring`.
   *
   * `guard`'s capability guards the filter. **Needs** `allocate` over the
   * interface's name in `device`, and `guard`'s to dominate the guard of every
   * filter that is less specific: a narrower filter would take its frames.
   */
  filterInsert(
    nic: number,
    filter: Filter,
    ring: RingId,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<FilterId, "NoDevice" | "BadFilter" | "Overlap" | "BadRing" | "BadSlot" | "BadCapability" | "Full">;
  /** Removes a filter. **Needs** `write` over its guard. */
  filterRemove(filter: FilterId, slot: CapSlot): Sys<undefined, "NoFilter" | "BadSlot" | "BadCapability">;

  /**
   * Lets `user` transmit frames that match `filter` on network interface `nic`.
   *
   * The filter states the sender's addresses; a frame that does not match is
   * refused, so they cannot be forged. `guard`'s capability guards the binding.
   * **Needs** `write` over the interface's name in `device`.
   */
  transmitBind(
    nic: number,
    filter: Filter,
    user: EnvId,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<TransmitId, "NoDevice" | "BadFilter" | "BadEnvironment" | "BadSlot" | "BadCapability" | "Full">;
  /** Ends a transmit binding. **Needs** `write` over its guard. */
  transmitUnbind(
    binding: TransmitId,
    slot: CapSlot,
  ): Sys<undefined, "BadBinding" | "BadSlot" | "BadCapability">;
  /**
   * Queues one frame: the pieces of `gather`, in order. They have been copied on return.
   *
   * A use of a binding: no capability. `Full` means that the ring of the
   * interface is full; try again after a slice.
   */
  transmit(
    binding: TransmitId,
    gather: Gather,
  ): Sys<undefined, "BadBinding" | "BadWindow" | "BadRange" | "Forged" | "Full">;
}

/** Their rows. */
export const NETWORK_CALLS: CallRows<NetworkCalls> = {
  ringBind: {
    number: 0x40,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["first frame", "frames: 2 to `RING_FRAMES_MAX`", "slot with `write` over them"],
    fails: {
      BadFrame: "a frame outside RAM, free, or being taken back",
      BadRange: WHEN.range,
      Pinned: "a ring, transfer, guard or predicate uses a frame of the run",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
      Full: "`RINGS` are bound",
    },
  },
  ringUnbind: {
    number: 0x41,
    wasm: "i32->i32",
    credential: "binding",
    path: "long",
    takes: ["packet ring"],
    fails: { BadRing: "no such ring, or not the caller's" },
  },
  filterInsert: {
    number: 0x42,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [
      "network interface, by index",
      "terms of the filter",
      "ring of the caller",
      "slot with `allocate` over the interface",
      "slot that will guard the filter",
    ],
    fails: {
      NoDevice: "no such interface",
      BadFilter: "the filter does not pass the verifier",
      Overlap: "the same filter is there",
      BadRing: "no such ring, or not the caller's",
      BadSlot: WHEN.slot,
      BadCapability: "no `allocate` over the interface, or no `write` over a filter that would lose frames",
      Full: "`FILTERS` exist, or the bound on steps of the interface is reached",
    },
  },
  filterRemove: {
    number: 0x43,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["filter", "slot with `write` over it"],
    fails: { NoFilter: "no such filter", BadSlot: WHEN.slot, BadCapability: WHEN.capability },
  },
  transmitBind: {
    number: 0x48,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [
      "network interface, by index",
      "terms that frames must satisfy",
      "who may transmit",
      "slot with `write` over the interface",
      "slot that will guard the binding",
    ],
    fails: {
      NoDevice: "no such interface",
      BadFilter: "the filter does not pass the verifier",
      BadEnvironment: WHEN.environment,
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
      Full: "`TRANSMITS` exist",
    },
  },
  transmitUnbind: {
    number: 0x49,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["transmit binding", "slot with `write` over it"],
    fails: { BadBinding: "no such binding", BadSlot: WHEN.slot, BadCapability: WHEN.capability },
  },
  transmit: {
    number: 0x4a,
    wasm: "i32 i32->i32",
    credential: "binding",
    path: "move",
    takes: ["transmit binding of the caller", "pieces of one frame"],
    fails: {
      BadBinding: "no such binding, or another's",
      BadWindow: "a piece's window is dead or not the caller's",
      BadRange: "a piece outside its window, no gather list, or an empty or too long frame",
      Forged: "the frame does not satisfy the binding's filter",
      Full: "the interface's ring is full for now",
    },
  },
};
