/** Names of kernel resources. Ids carry a generation: a stale one never names a live thing. */
import type { Unit } from "@exolith/hw-model";

export type { BlockNumber, Cycles, FrameNumber, Unit } from "@exolith/hw-model";
export { BLOCK_BYTES, FRAME_BYTES, NEVER, STREAM_STATE, block, cycles, frame } from "@exolith/hw-model";

/** An environment. Index in the low 16 bits, generation above. */
export type EnvId = Unit<number, "EnvId">;
/** A slot in the caller's own capability list; an allegation until the kernel looks it up. */
export type CapSlot = Unit<number, "CapSlot">;
/** A position in the vector of time slices. */
export type SliceIndex = Unit<number, "SliceIndex">;
/** A packet ring. Index in the low 16 bits, generation above. */
export type RingId = Unit<number, "RingId">;
/** A packet filter. Index in the low 16 bits, generation above. */
export type FilterId = Unit<number, "FilterId">;
/** A handler. Index in the low 16 bits, generation above. */
export type HandlerId = Unit<number, "HandlerId">;
/** A transmit binding. Index in the low 16 bits, generation above. */
export type TransmitId = Unit<number, "TransmitId">;
/** A run of disk blocks bound to a guard. Index in the low 16 bits, generation above. */
export type ExtentId = Unit<number, "ExtentId">;
/** A stream of a stream device. Index in the low 16 bits, generation above. */
export type StreamId = Unit<number, "StreamId">;

/** A software region. Index in the low 16 bits, generation above. */
export type RegionId = Unit<number, "RegionId">;
/** A message ring. Index in the low 16 bits, generation above. */
export type MessageRingId = Unit<number, "MessageRingId">;

/** The kernel's own id, for the frames it keeps for itself; it never names an environment. */
export const KERNEL: EnvId = 0x1_0000 as EnvId;

/** A program. Index in the low 16 bits, generation above. */
export type ProgramId = Unit<number, "ProgramId">;
/** A page of the caller's address space, counted from 0. */
export type VirtualPage = Unit<number, "VirtualPage">;

/** Names `n` as a page of an address space. */
export const virtualPage = (n: number): VirtualPage => n as VirtualPage;
/** Names `n` as a capability slot. */
export const capSlot = (n: number): CapSlot => n as CapSlot;
/** Names `n` as a slice position. */
export const sliceIndex = (n: number): SliceIndex => n as SliceIndex;
/** The table row that an id names. */
export const rowOf = (id: number): number => id & 0xffff;
