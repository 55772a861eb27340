/**
 * Published tables: kernel state that every environment reads without a call.
 *
 * Readers are frozen functions; there is no way to write through them. Rows
 * are named by index (`rowOf(id)` for resources with generations). Reading a row
 * that does not exist gives 0. The kernel writes every column.
 */
import type { Cycles, EnvId, FrameNumber } from "./ids.ts";

/** One row per frame of RAM. */
export interface FrameReaders {
  /** Frames of RAM. */
  readonly count: number;
  /** Frames that nobody holds. */
  free(): number;
  /** Environment that holds the frame, 0 when it is free. */
  owner(frame: number): EnvId;
  /** Windows, rings and transfers bound to the frame. */
  bindings(frame: number): number;
  /** Rings, disk transfers, guards and predicates among them: the frame cannot be freed while any is left. */
  pins(frame: number): number;
  /** 1 when the frame is in its owner's set that is never repossessed. */
  guaranteed(frame: number): number;
}

/** One row per environment. */
export interface EnvironmentReaders {
  readonly count: number;
  /** 0 free, 1 alive. */
  state(row: number): number;
  /** The full id of the environment in this row. */
  id(row: number): EnvId;
  /** Environment that created it. */
  parent(row: number): EnvId;
  /** 1 when the scheduler would run it in its next slice: alive, has slices, and not asleep. */
  runnable(row: number): number;
  /** Event count: grows with every packet, completion, stream change and wake-up for it. */
  events(row: number): number;
  /** Slices begun, and ended, since it was created; they differ by one while it runs. */
  slicesBegun(row: number): number;
  slicesEnded(row: number): number;
  /** Cycles it has run. */
  cyclesUsed(row: number): number;
  /** Frames it holds. */
  frames(row: number): number;
  /** Kernel calls it has made. */
  calls(row: number): number;
  /** Kernel calls of one number among them. */
  callsOf(row: number, call: number): number;
  /** Faults delivered to it. */
  faults(row: number): number;
  /** Slices it still forfeits for ticks that came after the end of its slices. */
  excess(row: number): number;
  /** Slices it has forfeited. */
  forfeited(row: number): number;
  /** Tag of the predicate that woke it last, 0 before the first. */
  tag(row: number): number;
  /** `TRANSFER_KINDS` that it accepts. */
  allows(row: number): number;
  /** The environment that keeps it since a transfer and has its slices, 0 for none. */
  keptBy(row: number): EnvId;
  /** Its address-space id while the processor has one for it, else -1; taken away without notice. */
  asid(row: number): number;
  /** Its regions. */
  regions(row: number): number;
}

/** One row per position of the slice vector. */
export interface SliceReaders {
  readonly count: number;
  /** Environment that holds the position, 0 when free. */
  owner(index: number): EnvId;
  /** The position that is running or ran last. */
  current(): number;
  /** Length of a slice in cycles. */
  quantum(): number;
  /** When the interval timer ends the running slice, in cycles; `Infinity` when none runs. */
  ends(): number;
}

/** The system frame: words that anybody may bind a window on, and predicates may watch. */
export interface SystemReaders {
  /** The frame; the capability in `WELL_KNOWN_SLOT` reaches it for reading. `SYSTEM_WORDS` says what is where. */
  readonly frame: FrameNumber;
}

/**
 * Byte offsets of the words in the system frame, big-endian 32 bits each.
 *
 * The kernel writes them between slices; `events` as they happen.
 */
export const SYSTEM_WORDS = {
  abiVersion: 0,
  tableVersion: 4,
  /** Quanta of time since boot, modulo 2^32: the tick. */
  ticks: 8,
  /** Frames that nobody holds. */
  freeFrames: 12,
  /** The position of the slice vector that is running or ran last. */
  slice: 16,
  /** Environments alive. */
  environments: 20,
  /** Frames that no filter wanted, over all network interfaces. */
  unclaimed: 24,
  /** Event counts, one word per row of the environment table, from here on. */
  events: 1024,
} as const;

/** Guards of resources: who may use them, and who answers for them. Kinds are `RESOURCE_KINDS`. */
export interface GuardReaders {
  /** Entries in use that the kernel keeps itself; 0 for no such resource. */
  entries(kind: number, id: number): number;
  /**
   * Name in an entry with dots, such as `1.115.5`; empty for the root and for an empty entry.
   *
   * Entry 0 says who allocated the resource: its name is at or below that of the capability relied on.
   */
  name(kind: number, id: number, entry: number): string;
  /** Rights bits in an entry, -1 when it is empty. */
  rights(kind: number, id: number, entry: number): number;
  /** Frame with more entries, -1 for none, and how many records it holds. */
  list(kind: number, id: number): number;
  records(kind: number, id: number): number;
}

/** One row per software region. */
export interface RegionReaders {
  readonly count: number;
  owner(row: number): EnvId;
  /** The full id of the region in this row. */
  id(row: number): number;
  frame(row: number): number;
  /** Byte offset in the frame, and bytes. */
  at(row: number): number;
  length(row: number): number;
}

/** One row per message ring. */
export interface MessageRingReaders {
  readonly count: number;
  owner(row: number): EnvId;
  /** The full id of the ring in this row. */
  id(row: number): number;
  slots(row: number): number;
  /** The slot that the kernel fills next. */
  next(row: number): number;
  delivered(row: number): number;
  /** Messages refused because the next slot was not the kernel's. */
  refused(row: number): number;
}

/** One row per display. */
export interface DisplayReaders {
  readonly count: number;
  /** Pixels. */
  width(display: number): number;
  height(display: number): number;
  /** Pixels of one side of a tile. */
  tile(display: number): number;
  /** Owner tag of a tile, 0 for nobody. Tiles are counted row by row. */
  owner(display: number, tile: number): EnvId;
  /** Writes that the hardware ignored. */
  ignored(display: number): number;
}

/** The DMA engine. */
export interface DmaReaders {
  /** Copies in flight. */
  pending(): number;
  done(): number;
  cancelled(): number;
}

/** Revocations: what each environment is being asked for, by `RESOURCE_KINDS`, and counters. */
export interface RevocationReaders {
  /** Resources of `kind` still to be given back, 0 for none. */
  wanted(row: number, kind: number): number;
  /** When they are taken by force, cycles. */
  deadline(row: number, kind: number): number;
  /** Requests delivered, requests answered in time, and aborts. */
  asked(): number;
  answered(): number;
  aborted(): number;
  /** Frames that the kernel wants to be free. */
  reserve(): number;
}

/** The reader's own repossession vector: what was taken from it by force, oldest first. */
export interface RepossessionReaders {
  /** Entries. */
  count(): number;
  /** Entries that did not fit. */
  lost(): number;
  kind(index: number): number;
  /** Frame number, slice index, or the id that the resource had. */
  what(index: number): number;
  /** Extent and block in it where a frame's contents are, or -1 when they were not saved. */
  extent(index: number): number;
  block(index: number): number;
  /** `TRANSFER_STATUS` of the saving: the contents are there once it is `done`. */
  status(index: number): number;
}

/** One row per packet ring. */
export interface RingReaders {
  readonly count: number;
  owner(row: number): EnvId;
  slots(row: number): number;
  /** The slot that the kernel fills next. */
  next(row: number): number;
  /** Frames delivered, and frames dropped because the next slot was not the kernel's. */
  delivered(row: number): number;
  dropped(row: number): number;
}

/** One row per packet filter. */
export interface FilterReaders {
  readonly count: number;
  owner(row: number): EnvId;
  /** Id of the ring that it feeds. */
  ring(row: number): number;
  matched(row: number): number;
  /** Frames that no filter wanted, by network interface. */
  unclaimed(nic: number): number;
  /** Different comparisons and shifts that all filters of a network interface make together. */
  atoms(nic: number): number;
}

/** One row per transmit binding. */
export interface TransmitReaders {
  readonly count: number;
  /** Environment that made it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** Environment that may transmit through it. */
  user(row: number): EnvId;
  /** The full id of the binding in this row. */
  id(row: number): number;
  /** Network interface it is bound to. */
  nic(row: number): number;
  sent(row: number): number;
  /** Frames refused as forged. */
  refused(row: number): number;
}

/** One row per extent. */
export interface ExtentReaders {
  readonly count: number;
  owner(row: number): EnvId;
  disk(row: number): number;
  first(row: number): number;
  blocks(row: number): number;
  /** Transfers in flight. */
  transfers(row: number): number;
}

/** One row per stream. */
export interface StreamReaders {
  readonly count: number;
  owner(row: number): EnvId;
  /** `STREAM_STATE` bits. */
  state(row: number): number;
}

/** One row per network interface. */
export interface NicReaders {
  readonly count: number;
  /** Octet `index` of its address. */
  address(nic: number, index: number): number;
  /** Longest frame in bytes, Ethernet header included. */
  frameBytes(nic: number): number;
  received(nic: number): number;
  transmitted(nic: number): number;
  receiveDropped(nic: number): number;
}

/** One row per disk. */
export interface DiskReaders {
  readonly count: number;
  blocks(disk: number): number;
  armPosition(disk: number): number;
}

/** One row per slot of the reader's own capability list. */
export interface CapabilityReaders {
  readonly count: number;
  /** Rights bits, -1 when the slot is empty. */
  rights(slot: number): number;
  /** The name with dots, such as `1.115.5`; empty for the root and for an empty slot. */
  name(slot: number): string;
}

/** Time, without a call. */
export interface ClockReaders {
  readonly hertz: number;
  now(): Cycles;
  /** Milliseconds since 1970. */
  wallclock(): number;
}
