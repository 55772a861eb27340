/**
 * Published tables: kernel state that every environment reads without a call.
 *
 * Readers are frozen functions; there is no way to write through them. Rows
 * are named by index (`rowOf(id)` for resources with generations). Reading a row
 * that does not exist gives 0. The kernel writes every column.
 */
import type { Cycles, EnvId } from "./ids.ts";

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
  /** Rings and transfers among them: the frame cannot be freed while any is left. */
  pins(frame: number): number;
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
  /** Faults delivered to it. */
  faults(row: number): number;
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
