/**
 * Published tables: kernel state that every environment reads without a call.
 *
 * Readers are frozen functions; there is no way to write through them. Rows
 * are named by index (`rowOf(id)` for resources with generations). Reading a row
 * that does not exist gives 0. The kernel writes every column.
 */
import type { Cycles, EnvId, FrameNumber } from "./ids.ts";

/**
 * One row per frame of RAM.
 *
 * Written by the frame, window, ring, extent, guard, predicate, handler, translation and program calls, and repossession.
 */
export interface FrameReaders {
  /** Frames of RAM. */
  readonly count: number;
  /** Frames that nobody holds. */
  free(): number;
  /** Environment that holds the frame, 0 when it is free. */
  owner(frame: number): EnvId;
  /** Windows, rings and transfers bound to the frame. */
  bindings(frame: number): number;
  /** Rings, disk transfers, guards, predicates, handlers and programs among them: the frame cannot be freed while any is left. */
  pins(frame: number): number;
  /** 1 when the frame is in its owner's set that is never repossessed. */
  guaranteed(frame: number): number;
  /** Pages of address spaces that have a translation to the frame. */
  translations(frame: number): number;
}

/**
 * One row per environment.
 *
 * Written by the scheduler, every call and upcall, and devices that have something for it.
 */
export interface EnvironmentReaders {
  readonly count: number;
  /** 0 free, 1 alive. */
  state(row: number): number;
  /** The full id of the environment in this row. */
  id(row: number): EnvId;
  /** Environment that created it. */
  parent(row: number): EnvId;
  /** 1 when it would run in a slice of its own or of a directed yield: alive, not asleep, and not kept. */
  runnable(row: number): number;
  /** Event count: grows with every packet, message, completion, stream change, reply, request to give back, loss and wake-up for it. */
  events(row: number): number;
  /** Slices begun since it was created; one more than were ended while it runs. */
  slicesBegun(row: number): number;
  /** Slices ended since it was created. */
  slicesEnded(row: number): number;
  /** Cycles it has run, with the synchronous transfers that it made but for those that their callees paid. */
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
  /** Cycles that its handlers used and that no slice has paid for yet. */
  handlerCycles(row: number): number;
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
  /** Pages of its address space that have a translation. */
  translations(row: number): number;
}

/**
 * One row per position of the slice vector.
 *
 * Written by the slice calls, the scheduler, and repossession.
 */
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
  /**
   * First frame of the software translation buffer (STLB), 0 on a machine whose tables are walked; read like the system frame.
   *
   * It has 4096 places of two big-endian words: the page in the upper 20 bits over the row of its environment,
   * from 1 on, or 0; and its entry, with the frame in the upper 20 bits. Page `p` of row `r` has place `(p ^ r << 6) % 4096`.
   */
  readonly translations: FrameNumber;
}

/**
 * Byte offsets of the words in the system frame, big-endian 32 bits each.
 *
 * The kernel alone writes them.
 */
export const SYSTEM_WORDS = {
  /** `ABI_VERSION`. Written at boot. */
  abiVersion: 0,
  /** `TABLE_VERSION`. Written at boot. */
  tableVersion: 4,
  /** Quanta of time since boot, modulo 2^32: the tick. Written before every slice. */
  ticks: 8,
  /** Frames that nobody holds. Written before every slice. */
  freeFrames: 12,
  /** The position of the slice vector that ran last. Written before every slice. */
  slice: 16,
  /** Environments alive. Written before every slice. */
  environments: 20,
  /** Frames that no filter wanted, over all network interfaces, modulo 2^32. Written before every slice. */
  unclaimed: 24,
  /** Event counts, one word per row of the environment table, from here on. Written as events happen. */
  events: 1024,
} as const;

/**
 * Guards of resources: who may use them, and who answers for them. Kinds are `RESOURCE_KINDS`.
 *
 * Written by whatever call allocates the resource, and by `guardSet` and `guardExtend`.
 */
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
  /** Frame with more entries, -1 for none. */
  list(kind: number, id: number): number;
  /** Records of 8 bytes in that frame. */
  records(kind: number, id: number): number;
}

/**
 * One row per software region.
 *
 * Written by `regionCreate`, `regionDestroy`, and whatever frees the frame.
 */
export interface RegionReaders {
  readonly count: number;
  /** Environment that made it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** The full id of the region in this row. */
  id(row: number): number;
  /** Frame that it lies in. */
  frame(row: number): number;
  /** Byte offset in the frame. */
  at(row: number): number;
  /** Bytes. */
  length(row: number): number;
}

/**
 * One row per message ring.
 *
 * Written by the message ring calls.
 */
export interface MessageRingReaders {
  readonly count: number;
  /** Environment that made it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** The full id of the ring in this row. */
  id(row: number): number;
  /** Messages it has room for. */
  slots(row: number): number;
  /** The slot that the kernel fills next. */
  next(row: number): number;
  /** Messages delivered. */
  delivered(row: number): number;
  /** Messages refused because the next slot was not the kernel's. */
  refused(row: number): number;
}

/**
 * One row per display.
 *
 * Written by `tilesTag`, and by the display itself.
 */
export interface DisplayReaders {
  readonly count: number;
  /** Pixels from left to right. */
  width(display: number): number;
  /** Pixels from top to bottom. */
  height(display: number): number;
  /** Pixels of one side of a tile. */
  tile(display: number): number;
  /** Owner tag of a tile, 0 for nobody. Tiles are counted row by row. */
  owner(display: number, tile: number): EnvId;
  /** Writes that the hardware ignored. */
  ignored(display: number): number;
}

/**
 * The DMA engine.
 *
 * Written by `dmaCopy`, the engine, and whatever frees a frame.
 */
export interface DmaReaders {
  /** Copies in flight. */
  pending(): number;
  /** Copies completed since boot. */
  done(): number;
  /** Copies cancelled since boot, because a frame of theirs was freed. */
  cancelled(): number;
}

/**
 * Revocations: what each environment is being asked for, by `RESOURCE_KINDS`, and counters.
 *
 * Written by `revocationAsk`, the calls that give back, and the abort protocol.
 */
export interface RevocationReaders {
  /** Resources of `kind` still to be given back, 0 for none. */
  wanted(row: number, kind: number): number;
  /** When they are taken by force, cycles; `NEVER` without a request, or while it is not delivered yet. */
  deadline(row: number, kind: number): number;
  /** Requests delivered. */
  asked(): number;
  /** Requests answered before their deadline. */
  answered(): number;
  /** Requests that ended by force. */
  aborted(): number;
  /** Frames that the kernel wants to be free. */
  reserve(): number;
}

/**
 * The reader's own repossession vector: what was taken from it by force, oldest first.
 *
 * Written by the abort protocol, the disk, and `repossessionsClear`.
 */
export interface RepossessionReaders {
  /** Entries. */
  count(): number;
  /** Entries that did not fit. */
  lost(): number;
  /** Kind of the resource: `RESOURCE_KINDS`. */
  kind(index: number): number;
  /** Frame number, slice index, or the id that the resource had. */
  what(index: number): number;
  /** Extent where a frame's contents are, or -1 when they were not saved. */
  extent(index: number): number;
  /** Block in that extent, or -1. */
  block(index: number): number;
  /** `TRANSFER_STATUS` of the saving: the contents are there once it is `done`. */
  status(index: number): number;
}

/**
 * One row per packet ring.
 *
 * Written by `ringBind`, `ringUnbind`, and arriving frames.
 */
export interface RingReaders {
  readonly count: number;
  /** Environment that made it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** Frames it has room for. */
  slots(row: number): number;
  /** The slot that the kernel fills next. */
  next(row: number): number;
  /** Frames delivered. */
  delivered(row: number): number;
  /** Frames dropped because the next slot was not the kernel's, or too small. */
  dropped(row: number): number;
}

/**
 * One row per packet filter.
 *
 * Written by `filterInsert`, `filterRemove`, and arriving frames.
 */
export interface FilterReaders {
  readonly count: number;
  /** Environment that inserted it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** Id of the ring that it feeds. */
  ring(row: number): number;
  /** Frames it matched. */
  matched(row: number): number;
  /** Frames that no filter wanted, by network interface. */
  unclaimed(nic: number): number;
  /** Different comparisons and shifts that all filters of a network interface make together. */
  atoms(nic: number): number;
}

/**
 * One row per handler.
 *
 * Written by `handlerInstall`, `handlerRemove`, and arriving frames.
 */
export interface HandlerReaders {
  readonly count: number;
  /** Environment that installed it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** The full id of the handler in this row. */
  id(row: number): number;
  /** Id of the filter whose frames it sees. */
  filter(row: number): number;
  /** First frame of its memory. */
  first(row: number): number;
  /** Frames of its memory. */
  frames(row: number): number;
  /** Frames that it consumed. */
  consumed(row: number): number;
  /** Frames that it gave up of itself. */
  deferred(row: number): number;
  /** Frames at which it was stopped: fuel, stack, a wild access, a trap. */
  aborted(row: number): number;
  /** Frames that it did not see because its environment owes a slice for earlier runs. */
  skipped(row: number): number;
  /** Messages transmitted. */
  sent(row: number): number;
  /** Messages that were not: forged, too long, without a binding, or the interface was full. */
  refused(row: number): number;
  /** Fuel used by all its runs. */
  fuel(row: number): number;
}

/**
 * One row per transmit binding.
 *
 * Written by `transmitBind`, `transmitUnbind` and `transmit`.
 */
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
  /** Frames queued for transmission. */
  sent(row: number): number;
  /** Frames refused as forged. */
  refused(row: number): number;
}

/**
 * One row per extent.
 *
 * Written by the extent calls and the disk.
 */
export interface ExtentReaders {
  readonly count: number;
  /** Environment that holds it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** Disk, by index. */
  disk(row: number): number;
  /** First block on that disk. */
  first(row: number): number;
  /** Blocks. */
  blocks(row: number): number;
  /** Transfers in flight. */
  transfers(row: number): number;
}

/**
 * One row per stream.
 *
 * Written by the stream calls and the device.
 */
export interface StreamReaders {
  readonly count: number;
  /** Environment that accepted it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** `STREAM_STATE` bits. */
  state(row: number): number;
}

/**
 * One row per network interface.
 *
 * Written by the interface itself.
 */
export interface NicReaders {
  readonly count: number;
  /** Octet `index` of its address. */
  address(nic: number, index: number): number;
  /** Longest frame in bytes, Ethernet header included. */
  frameBytes(nic: number): number;
  /** 1 if it computes the checksums that a gather list leaves to it, else 0. */
  transmitChecksum(nic: number): number;
  /** Longest super-segment that it cuts into frames, in bytes, headers included; 0 when it cuts none. */
  segmentationBytes(nic: number): number;
  /** Frames received. */
  received(nic: number): number;
  /** Frames transmitted. */
  transmitted(nic: number): number;
  /** Frames that arrived while its receive ring was full. */
  receiveDropped(nic: number): number;
}

/**
 * One row per disk.
 *
 * Written by the disk itself.
 */
export interface DiskReaders {
  readonly count: number;
  /** Blocks of `BLOCK_BYTES` bytes. */
  blocks(disk: number): number;
  /** The block over which the arm is. */
  armPosition(disk: number): number;
}

/**
 * One row per slot of the reader's own capability list.
 *
 * Written by the capability calls, its own and those of who grants to it.
 */
export interface CapabilityReaders {
  readonly count: number;
  /** Rights bits, -1 when the slot is empty. */
  rights(slot: number): number;
  /** The name with dots, such as `1.115.5`; empty for the root and for an empty slot. */
  name(slot: number): string;
}

/**
 * Time, without a call.
 *
 * Written by the machine.
 */
export interface ClockReaders {
  /** Cycles in a second. */
  readonly hertz: number;
  /** Cycles since the machine was switched on. */
  now(): Cycles;
  /** Milliseconds since 1970. */
  wallclock(): number;
}
