/** Packet filter terms (DPF, SIGCOMM'96): what a frame must look like. */

/**
 * One term. Offsets are bytes from the filter's current base, which starts at
 * the first byte of the frame; `shift` and `skip` move it. Fields are in
 * network byte order.
 */
export type FilterTerm =
  /** The field at `at`, masked, equals `value`. */
  | {
      readonly kind: "equal";
      readonly at: number;
      readonly width: 1 | 2 | 4;
      readonly mask: number;
      readonly value: number;
    }
  /** The base moves on by the masked field at `at`, shifted left by `by` bits. */
  | {
      readonly kind: "shift";
      readonly at: number;
      readonly width: 1 | 2 | 4;
      readonly mask: number;
      readonly by: number;
    }
  /** The base moves on by `bytes`. */
  | { readonly kind: "skip"; readonly bytes: number };

/** A packet filter: every term holds, in order. */
export type Filter = readonly FilterTerm[];
