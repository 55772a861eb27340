/** Calls on packets: rings, filters, transmission. */
import type { Filter } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, FilterId, FrameNumber, RingId, TransmitId } from "../ids.ts";
import type { Gather } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/** Packets: who receives which, who may send what. */
export interface NetworkCalls {
  /**
   * Makes a packet ring of `count` frames from `first`.
   *
   * Frame `first` holds one big-endian 32-bit ownership word per slot, from
   * offset 0; each other frame holds two slots of `RING_SLOT_BYTES`. Word 0: the
   * kernel may fill the slot. Otherwise: the length of the frame in the slot,
   * below `RING_CHECKSUM_GOOD`, and the slot is the owner's until it writes 0
   * again. That bit is added when the interface knows that the transport's
   * checksum is right. Slots are filled in order and around. The frames are pinned. **Needs** `write` over each guard.
   *
   * @param first first frame
   * @param count frames: 2 to `RING_FRAMES_MAX`
   * @param slot slot with `write` over them
   *
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `Pinned`: a ring, transfer, guard or predicate uses a frame of the run.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `RINGS` are bound.
   */
  ringBind(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<RingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Ends a ring; filters that feed it deliver nowhere. The owner only.
   *
   * @param ring packet ring
   *
   * **Fails** `BadRing`: no such ring, or not the caller's.
   */
  ringUnbind(ring: RingId): Sys<undefined, "BadRing">;
  /**
   * Sends frames from network interface `nic` that match `filter` to `ring`.
   *
   * `guard`'s capability guards the filter. **Needs** `allocate` over the
   * interface's name in `device`, and `guard`'s to dominate the guard of every
   * filter that is less specific: a narrower filter would take its frames.
   *
   * @param nic network interface, by index
   * @param filter terms of the filter
   * @param ring ring of the caller
   * @param device slot with `allocate` over the interface
   * @param guard slot that will guard the filter
   *
   * **Fails** `NoDevice`: no such interface.
   * **Fails** `BadFilter`: the filter does not pass the verifier.
   * **Fails** `Overlap`: the same filter is there.
   * **Fails** `BadRing`: no such ring, or not the caller's.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: no `allocate` over the interface, or no `write` over a filter that would lose frames.
   * **Fails** `Full`: `FILTERS` exist, or with it the filters of the interface would pass a bound: `DEMULTIPLEXER_STEPS` for the worst frame, `DEMULTIPLEXER_ATOMS`, or `DEMULTIPLEXER_SHAPES`; nothing has changed.
   */
  filterInsert(
    nic: number,
    filter: Filter,
    ring: RingId,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<FilterId, "NoDevice" | "BadFilter" | "Overlap" | "BadRing" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Removes a filter. **Needs** `write` over its guard.
   *
   * @param filter filter
   * @param slot slot with `write` over it
   *
   * **Fails** `NoFilter`: no such filter.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  filterRemove(filter: FilterId, slot: CapSlot): Sys<undefined, "NoFilter" | "BadSlot" | "BadCapability">;

  /**
   * Lets `user` transmit frames that match `filter` on network interface `nic`.
   *
   * The filter states the sender's addresses; a frame that does not match is
   * refused, so they cannot be forged. `guard`'s capability guards the binding.
   * **Needs** `write` over the interface's name in `device`.
   *
   * @param nic network interface, by index
   * @param filter terms that frames must satisfy
   * @param user who may transmit
   * @param device slot with `write` over the interface
   * @param guard slot that will guard the binding
   *
   * **Fails** `NoDevice`: no such interface.
   * **Fails** `BadFilter`: the filter does not pass the verifier.
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `TRANSMITS` exist.
   */
  transmitBind(
    nic: number,
    filter: Filter,
    user: EnvId,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<TransmitId, "NoDevice" | "BadFilter" | "BadEnvironment" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Ends a transmit binding. **Needs** `write` over its guard.
   *
   * @param binding transmit binding
   * @param slot slot with `write` over it
   *
   * **Fails** `BadBinding`: no such binding.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  transmitUnbind(
    binding: TransmitId,
    slot: CapSlot,
  ): Sys<undefined, "BadBinding" | "BadSlot" | "BadCapability">;
  /**
   * Queues one frame: the pieces of `gather`, in order. They have been copied on return.
   *
   * A use of a binding: no capability. `Full` means that the ring of the
   * interface is full; try again after a slice.
   *
   * @param binding transmit binding of the caller
   * @param gather pieces of one frame
   *
   * **Fails** `BadBinding`: no such binding, or another's.
   * **Fails** `BadWindow`: a piece's window is dead or not the caller's.
   * **Fails** `BadRange`: a piece outside its window, no gather list, an empty or too long frame, or payloads that are no number of bytes.
   * **Fails** `NoOffload`: the interface cannot do what the gather list leaves to it.
   * **Fails** `Forged`: the frame does not satisfy the binding's filter.
   * **Fails** `Full`: the interface's ring is full for now.
   */
  transmit(
    binding: TransmitId,
    gather: Gather,
  ): Sys<undefined, "BadBinding" | "BadWindow" | "BadRange" | "NoOffload" | "Forged" | "Full">;
}

/** Their rows. */
export const NETWORK_CALLS: CallRows<NetworkCalls> = {
  ringBind: row(0x40, "i32 i32 i32->i64", "slot", "long", [
    "BadFrame",
    "BadRange",
    "Pinned",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  ringUnbind: row(0x41, "i64->i32", "binding", "long", ["BadRing"]),
  filterInsert: row(0x42, "i32 i32 i64 i32 i32->i64", "slot", "long", [
    "NoDevice",
    "BadFilter",
    "Overlap",
    "BadRing",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  filterRemove: row(0x43, "i64 i32->i32", "slot", "long", ["NoFilter", "BadSlot", "BadCapability"]),
  transmitBind: row(0x48, "i32 i32 i32 i32 i32->i64", "slot", "long", [
    "NoDevice",
    "BadFilter",
    "BadEnvironment",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  transmitUnbind: row(0x49, "i64 i32->i32", "slot", "long", ["BadBinding", "BadSlot", "BadCapability"]),
  transmit: row(0x4a, "i64 i32->i32", "binding", "move", [
    "BadBinding",
    "BadWindow",
    "BadRange",
    "NoOffload",
    "Forged",
    "Full",
  ]),
};
