/** Packet filter terms (DPF, SIGCOMM'96): what a frame must look like. */

/** Bytes of a field. */
export type FieldWidth = 1 | 2 | 4;

/** A field of a frame that is looked at through a mask. */
export interface Field {
  readonly at: number;
  readonly width: FieldWidth;
  readonly mask: number;
}

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
      readonly width: FieldWidth;
      readonly mask: number;
      readonly value: number;
    }
  /** The base moves on by the masked field at `at`, shifted left by `by` bits. */
  | {
      readonly kind: "shift";
      readonly at: number;
      readonly width: FieldWidth;
      readonly mask: number;
      readonly by: number;
    }
  /** The base moves on by `bytes`. */
  | { readonly kind: "skip"; readonly bytes: number }
  /**
   * What follows is only in the first fragment of a datagram; later ones are known by their key.
   *
   * A frame whose `later` field is not zero matches if the key fields are those
   * of a first fragment that matched; the rest of the filter is not looked at.
   * Any other frame must satisfy the rest, and if it does and its `more` field
   * is not zero, its key is remembered. At most one in a filter, before every shift.
   */
  | {
      readonly kind: "fragments";
      readonly later: Field;
      readonly more: Field;
      readonly key: readonly Field[];
    };

/** A packet filter: every term holds, in order. The empty filter accepts every frame. */
export type Filter = readonly FilterTerm[];

/** The mask that keeps all of a field. */
export const fullMask = (width: FieldWidth): number => 2 ** (8 * width) - 1;

/** The field at `at` equals `value` in the bits of `mask`; all of them when it is absent. */
export const equal = (
  at: number,
  width: FieldWidth,
  value: number,
  mask: number = fullMask(width),
): FilterTerm => ({
  kind: "equal",
  at,
  width,
  mask,
  value,
});

/** The base moves on by the field at `at`, masked, times two to the power of `by`. */
export const shift = (at: number, width: FieldWidth, mask: number, by: number): FilterTerm => ({
  kind: "shift",
  at,
  width,
  mask,
  by,
});

/** The base moves on by `bytes`. */
export const skip = (bytes: number): FilterTerm => ({ kind: "skip", bytes });

/** What follows is only in first fragments: see the term's description. */
export const fragments = (later: Field, more: Field, key: readonly Field[]): FilterTerm => ({
  kind: "fragments",
  later,
  more,
  key,
});
