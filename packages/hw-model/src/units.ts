/** Branded units: a number that knows what it counts. */

declare const unit: unique symbol;

/** A value of type `T` that carries the name of its unit in the type only. */
export type Unit<T, Name extends string> = T & { readonly [unit]: Name };

/** A physical page frame, counted from 0. Multiply by `FRAME_BYTES` for a byte address. */
export type FrameNumber = Unit<number, "FrameNumber">;

/** A byte address in physical memory, counted from the first byte of frame 0. */
export type PhysicalAddress = Unit<number, "PhysicalAddress">;

/** Ticks of a machine's clock since it was switched on; `Clock.hertz` of them a second. Monotonic. */
export type Cycles = Unit<number, "Cycles">;

/** A disk block of `BLOCK_BYTES` bytes, counted from 0. */
export type BlockNumber = Unit<number, "BlockNumber">;

/** Bytes in a page frame. */
export const FRAME_BYTES = 4096;

/** Bytes in a disk block: eight sectors of 512 bytes. */
export const BLOCK_BYTES = 4096;

/** No event is due: later than every time. */
export const NEVER: Cycles = Infinity as Cycles;

/** Names `n` as a frame; the range is checked where the frame is used. */
export const frame = (n: number): FrameNumber => n as FrameNumber;

/** Names `n` as a block; the range is checked where the block is used. */
export const block = (n: number): BlockNumber => n as BlockNumber;

/** Names `n` as a time on a machine's clock. */
export const cycles = (n: number): Cycles => n as Cycles;

/** The time `delta` cycles after `time`. */
export const after = (time: Cycles, delta: number): Cycles => (time + delta) as Cycles;

/** The address of the first byte of `number`. */
export const frameAddress = (number: FrameNumber): PhysicalAddress =>
  (number * FRAME_BYTES) as PhysicalAddress;
