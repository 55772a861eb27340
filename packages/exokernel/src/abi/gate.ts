/** The gate: everything that an environment can ask of the kernel. */
import type { Capability, Filter } from "@exolith/secure-bind";
import type {
  CapSlot,
  Cycles,
  EnvId,
  ExtentId,
  FilterId,
  FrameNumber,
  RingId,
  SliceIndex,
  StreamId,
  TransmitId,
} from "./ids.ts";
import type { Sys } from "./errors.ts";
import type {
  CapabilityReaders,
  ClockReaders,
  DiskReaders,
  EnvironmentReaders,
  ExtentReaders,
  FilterReaders,
  FrameReaders,
  NicReaders,
  RingReaders,
  SliceReaders,
  StreamReaders,
  TransmitReaders,
} from "./tables.ts";
import type { Program } from "./upcalls.ts";
import type { Gather, Window } from "./window.ts";

/** One disk transfer; the record may be reused once the call returns. */
export interface Transfer {
  /** Block within the extent, counted from 0. */
  readonly block: number;
  /** Whole blocks, at least 1. */
  readonly count: number;
  /** The memory, and the byte offset in it: a multiple of `FRAME_BYTES`. */
  readonly window: Window;
  readonly at: number;
  /** Byte offset in `window` or `statusWindow` of the completion word. */
  readonly statusWindow: Window;
  readonly statusAt: number;
}

/** Values of a transfer's completion word, big-endian 32 bits. */
export const TRANSFER_STATUS = { pending: 0, done: 1, failed: 2 } as const;

/** The calls of the kernel. Every method already is one environment's; `slot` names the capability relied on. */
export interface GateCalls {
  /** Does nothing: the price of a crossing. */
  nullCall(): undefined;

  /**
   * Puts a capability that `slot`'s dominates into a free slot of the caller's.
   *
   * **Needs** `duplicate` in `slot`'s capability.
   */
  capabilityForge(slot: CapSlot, wanted: Capability): Sys<CapSlot, "BadSlot" | "BadCapability" | "BadName">;
  /** Empties `slot`. What was bound with it stays bound. */
  capabilityDestroy(slot: CapSlot): Sys<undefined, "BadSlot">;
  /**
   * Puts a capability that `offered`'s dominates into a free slot of `environment`'s list; returns that slot.
   *
   * **Needs** `duplicate` in `offered`'s capability, and `write` over the environment's guard in `slot`.
   */
  capabilityGrant(
    environment: EnvId,
    wanted: Capability,
    offered: CapSlot,
    slot: CapSlot,
  ): Sys<CapSlot, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability">;

  /**
   * Creates an environment that runs `program`, guarded by `slot`'s capability and holding a copy of it in its slot 0.
   *
   * **Needs** `allocate` in `slot`'s capability.
   */
  environmentCreate(
    program: Program,
    slot: CapSlot,
  ): Sys<EnvId, "BadSlot" | "BadCapability" | "BadProgram" | "Full">;
  /** Ends an environment and frees exactly what it holds. **Needs** `write` over its guard. */
  environmentDestroy(
    environment: EnvId,
    slot: CapSlot,
  ): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability">;

  /** Claims a named position of the slice vector; `slot`'s capability guards it. */
  sliceAlloc(index: SliceIndex, slot: CapSlot): Sys<SliceIndex, "BadSlice" | "Busy" | "BadSlot">;
  /** Gives a position back. **Needs** `write` over its guard. */
  sliceFree(index: SliceIndex, slot: CapSlot): Sys<undefined, "BadSlice" | "BadSlot" | "BadCapability">;
  /** When this upcall returns, the rest of the slice goes to `environment`, or to the scheduler when it is absent. */
  yieldTo(environment: EnvId | undefined): Sys<undefined, "BadEnvironment">;
  /**
   * Not to be run until its event count differs from `seen`, or until `until`.
   *
   * Evaluated only when the scheduler looks. An event between the reading of
   * `seen` and this call is not lost: the environment stays runnable.
   */
  sleep(seen: number, until: Cycles): undefined;
  /** Adds one to an environment's event count. **Needs** dominance over its guard. */
  wake(environment: EnvId, slot: CapSlot): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability">;

  /** Claims `count` named frames from `first`; all or none. `slot`'s capability guards them. They never show what another environment left in them. */
  framesAlloc(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<FrameNumber, "BadFrame" | "BadRange" | "Busy" | "BadSlot">;
  /** Claims any free frame; which one is the kernel's choice. */
  frameAllocAny(slot: CapSlot): Sys<FrameNumber, "Full" | "BadSlot">;
  /** Gives frames back, all or none; every window on them dies. **Needs** `write` over each guard. */
  framesFree(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability">;
  /** Changes the guard of a frame. **Needs** `duplicate` over the guard it has. */
  frameGuard(
    number: FrameNumber,
    guard: Capability,
    slot: CapSlot,
  ): Sys<undefined, "BadFrame" | "BadName" | "BadSlot" | "BadCapability">;
  /**
   * Binds a window over `count` frames from `first`, for writing if `writable`.
   *
   * **Needs** dominance over each frame's guard, with `write` if `writable`.
   */
  windowBind(
    first: FrameNumber,
    count: number,
    writable: boolean,
    slot: CapSlot,
  ): Sys<Window, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full">;
  /** Breaks the binding; the window is dead. */
  windowUnbind(window: Window): Sys<undefined, "BadWindow">;

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

  /** Binds `count` blocks from `first` of `disk` to `guard`'s capability. **Needs** `allocate` over the disk's name. */
  extentAlloc(
    disk: number,
    first: number,
    count: number,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<ExtentId, "NoDevice" | "BadRange" | "Busy" | "BadSlot" | "BadCapability" | "Full">;
  /** Gives the blocks back. **Needs** `write` over the extent's guard. */
  extentFree(
    extent: ExtentId,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "Busy" | "BadSlot" | "BadCapability">;
  /** Queues a read of blocks into memory. **Needs** dominance over the extent's guard. */
  extentRead(
    extent: ExtentId,
    transfer: Transfer,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full">;
  /** Queues a write of blocks from memory. **Needs** `write` over the extent's guard. */
  extentWrite(
    extent: ExtentId,
    transfer: Transfer,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full">;

  /** Takes the next stream that was opened from outside; `Empty` when none waits. **Needs** dominance over the device's name. */
  streamAccept(
    device: number,
    slot: CapSlot,
  ): Sys<StreamId, "NoDevice" | "Empty" | "Full" | "BadSlot" | "BadCapability">;
  /** The next of the caller's streams whose state changed; `Empty` when none did. A use of a binding. */
  streamNext(): Sys<StreamId, "Empty">;
  /** Moves at most `length` bytes into memory; returns how many, 0 when none wait. The owner only. */
  streamRead(
    stream: StreamId,
    window: Window,
    at: number,
    length: number,
  ): Sys<number, "BadStream" | "BadWindow" | "BadRange">;
  /** Takes at most `length` bytes from memory; returns how many, 0 when there is no room. The owner only. */
  streamWrite(
    stream: StreamId,
    window: Window,
    at: number,
    length: number,
  ): Sys<number, "BadStream" | "BadWindow" | "BadRange">;
  /** Ends one direction of a stream, or closes or resets all of it. The owner only. */
  streamControl(
    stream: StreamId,
    operation: "end" | "close" | "reset",
  ): Sys<undefined, "BadStream" | "BadRange">;

  /** Writes to the console; returns how many bytes were taken. **Needs** `write` over the console's name. */
  consoleWrite(
    window: Window,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<number, "BadWindow" | "BadRange" | "BadSlot" | "BadCapability">;
  /** Fills memory with random bytes. */
  randomFill(window: Window, at: number, length: number): Sys<undefined, "BadWindow" | "BadRange">;
}

/** What an environment holds: the calls, and the published tables. Frozen. */
export interface Gate extends GateCalls {
  readonly self: EnvId;
  /** Versions of the kernel behind this gate; a library operating system compares them with those it was written for. */
  readonly abiVersion: number;
  readonly tableVersion: number;
  /** An empty gather list. */
  gather(): Gather;
  readonly clock: ClockReaders;
  readonly capabilities: CapabilityReaders;
  readonly environments: EnvironmentReaders;
  readonly slices: SliceReaders;
  readonly frames: FrameReaders;
  readonly rings: RingReaders;
  readonly filters: FilterReaders;
  readonly transmits: TransmitReaders;
  readonly extents: ExtentReaders;
  readonly streams: StreamReaders;
  readonly nics: NicReaders;
  readonly disks: DiskReaders;
}
