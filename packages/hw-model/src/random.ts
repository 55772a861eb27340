/** A source of random bytes. */

/** The machine's random device: unpredictable on a host, seeded in simulation. */
export interface RandomDevice {
  /** Fills `length` bytes of `memory` from `at`. O(length). */
  fill(memory: Uint8Array, at: number, length: number): void;
}
