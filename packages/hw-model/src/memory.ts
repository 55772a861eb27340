/** Physical memory: RAM in page frames, and the kernel's arena above it. */

/** A `WebAssembly.Memory`, as far as the interface needs to know it. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/**
 * One flat `WebAssembly.Memory`.
 *
 * RAM comes first, frame 0 at address 0; the arena for the kernel's own
 * translation tables lies above it. The memory never grows, so the views below
 * stay valid for the life of the machine. They are the kernel's: nothing that
 * an environment can reach may hold one.
 */
export interface PhysicalMemory {
  /** Frames of RAM. */
  readonly frames: number;
  /** Bytes of the kernel's arena above RAM. */
  readonly arenaBytes: number;
  /** RAM and arena as bytes. */
  readonly bytes: Uint8Array;
  /** RAM and arena as a `DataView`. */
  readonly view: DataView;
  /**
   * The ones'-complement sum (RFC 1071) of `length` bytes from `at`: big-endian, folded to 16 bits, not inverted.
   *
   * The caller checks the range. O(length), 16 bytes a step.
   */
  checksum(at: number, length: number): number;
  /** Copies `length` bytes at `from` to `to`, which may overlap. The caller checks the ranges. O(length), allocates nothing. */
  copy(to: number, from: number, length: number): void;
  /** The memory itself, for code that is compiled to WebAssembly. */
  readonly wasm: WasmMemory;
}

/** Frames of RAM a machine has unless it is told otherwise: 64 MiB. */
export const DEFAULT_FRAMES = 16_384;
