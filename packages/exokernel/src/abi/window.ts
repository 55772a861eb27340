/** Windows: bound runs of frames that an environment touches directly. */

/**
 * A run of physical frames, bound to one environment.
 *
 * Authority was checked when the window was bound; use costs what a `DataView`
 * costs. Offsets are bytes from the first byte of the run; fields are in
 * network byte order (big-endian), `…LE` ones little-endian.
 *
 * **Fails**: an access outside the run, or to a window whose binding is broken,
 * throws a `RangeError`. Not caught, that is a fault of the environment. Writing
 * through a window bound without the right to write throws a `TypeError`.
 */
export interface Window {
  /** Bytes in the run; 0 once the binding is broken. */
  readonly length: number;
  getU8(at: number): number;
  getU16(at: number): number;
  getU32(at: number): number;
  getU32LE(at: number): number;
  setU8(at: number, value: number): void;
  setU16(at: number, value: number): void;
  setU32(at: number, value: number): void;
  setU32LE(at: number, value: number): void;
  /** Copies `length` bytes from `at` into `into[intoAt…]`. O(length). */
  read(at: number, into: Uint8Array, intoAt: number, length: number): void;
  /** Copies `length` bytes of `from[fromAt…]` to `at`. O(length). */
  write(at: number, from: Uint8Array, fromAt: number, length: number): void;
  /** Copies `length` bytes from another window of the same environment. Ranges may overlap. O(length). */
  copy(at: number, from: Window, fromAt: number, length: number): void;
  /** Sets `length` bytes to `value`. O(length). */
  fill(at: number, length: number, value: number): void;
  /** True when `length` bytes at `at` equal those of `other` at `otherAt`. O(length). */
  equals(at: number, other: Window, otherAt: number, length: number): boolean;
  /** The ones'-complement sum (RFC 1071) of `length` bytes, folded to 16 bits and not inverted, added to `sum`. O(length). */
  checksum(at: number, length: number, sum: number): number;
  /** The `length` bytes at `at` as Latin-1 text. O(length), allocates. */
  text(at: number, length: number): string;
}

/**
 * A gather list over the caller's own windows: the pieces of one frame, in order.
 *
 * Reuse one: `clear`, `add` each piece, hand it to `transmit`. It proves nothing;
 * the kernel checks every piece when it is used.
 */
export interface Gather {
  /** Pieces added since `clear`. */
  readonly count: number;
  /** Sum of their lengths, bytes. */
  readonly length: number;
  /** Forgets the pieces, and what is left to the interface. O(1). */
  clear(): void;
  /** Adds `length` bytes of `window` from `at`. Throws a `RangeError` past `GATHER_PIECES`. O(1). */
  add(window: Window, at: number, length: number): void;
  /**
   * Leaves work to the interface, until `clear`. O(1).
   *
   * `checksum`: it computes the transport's checksum of an IPv4 frame.
   * `segmentBytes`, unless 0: the frame is a super-segment of which it makes
   * frames with so much payload each. The interface finds the headers itself;
   * `nics.transmitChecksum` and `nics.segmentationBytes` say what it can do.
   */
  offload(checksum: boolean, segmentBytes: number): void;
}
