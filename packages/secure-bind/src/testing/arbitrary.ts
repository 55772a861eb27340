/** Arbitrary capabilities, filters, frames and predicates for property tests with fast-check. */
import * as fc from "fast-check";
import { type Capability, makeCapability } from "../capability/capability.ts";
import { NAME_BYTES } from "../capability/name.ts";
import type { Field, Filter, FilterTerm } from "../filter/term.ts";
import { equal, fragments, shift, skip } from "../filter/term.ts";
import { COMPARISONS, type WordPredicate, type WordTerm } from "../predicate/term.ts";

/** Capabilities, most of them with names that are prefixes of each other's. */
export const arbitraryCapability = (): fc.Arbitrary<Capability> =>
  fc
    .tuple(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 255 })), {
        maxLength: NAME_BYTES,
      }),
      fc.integer({ min: 0, max: 7 }),
    )
    .map(([name, rights]) => makeCapability(name, rights));

const width = (): fc.Arbitrary<1 | 2 | 4> => fc.constantFrom(1, 2, 4);
const MASKS = {
  1: [0xff, 0x03, 0x01, 0],
  2: [0xffff, 0x0303, 0xff],
  4: [0xffffffff, 0x03030303, 0xff00ff00],
};

/** A comparison over `reach` bytes that holds often: frames of `arbitraryFrame` have the same few values. */
const arbitraryEqual = (reach: number): fc.Arbitrary<FilterTerm> =>
  fc
    .tuple(
      fc.integer({ min: 0, max: reach }),
      width(),
      fc.integer({ min: 0, max: 3 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
    )
    .map(([at, bytes, choice, seed]) => {
      const masks = MASKS[bytes];
      const mask = masks[choice % masks.length] ?? 0;
      const value = seed
        .slice(0, bytes)
        .reduce((sum, octet) => sum * 256 + (octet % 2) + (octet > 250 ? 128 : 0), 0);
      return equal(at, bytes, (value & mask) >>> 0, mask);
    });

const arbitraryShift = (reach: number): fc.Arbitrary<FilterTerm> =>
  fc
    .tuple(
      fc.integer({ min: 0, max: reach }),
      width(),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
    )
    .map(([at, bytes, choice, by]) => shift(at, bytes, MASKS[bytes][choice % MASKS[bytes].length] ?? 0, by));

const arbitrarySkip = (reach: number): fc.Arbitrary<FilterTerm> =>
  fc.integer({ min: 0, max: reach }).map((bytes) => skip(bytes));

/**
 * Filters of at most `terms` terms whose offsets are at most `reach` bytes.
 *
 * With a small reach many of them accept many frames of `arbitraryFrame`.
 */
export const arbitraryFilter = (terms = 5, reach = 4): fc.Arbitrary<Filter> =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: arbitraryEqual(reach) },
      { weight: 1, arbitrary: arbitraryShift(reach) },
      { weight: 1, arbitrary: arbitrarySkip(2) },
    ),
    { maxLength: terms },
  );

/** One or two bits of a byte, so that frames of `arbitraryFrame` have few values of it. */
const arbitraryBits = (reach: number): fc.Arbitrary<Field> =>
  fc
    .tuple(fc.integer({ min: 0, max: reach }), fc.constantFrom(1, 3))
    .map(([at, mask]) => ({ at, width: 1, mask }));

/** Filters that tell fragments apart: up to two comparisons before the term and `terms` terms behind it. */
export const arbitraryFragmentFilter = (terms = 3, reach = 4): fc.Arbitrary<Filter> =>
  fc
    .tuple(
      fc.array(fc.oneof(arbitraryEqual(reach), arbitrarySkip(1)), { maxLength: 2 }),
      arbitraryBits(reach),
      arbitraryBits(reach),
      fc.array(arbitraryBits(reach), { minLength: 1, maxLength: 3 }),
      arbitraryFilter(terms, reach),
    )
    .map(([before, later, more, key, after]) => [...before, fragments(later, more, key), ...after]);

/** A frame somewhere inside a memory. */
export interface PlacedFrame {
  readonly memory: Uint8Array;
  readonly at: number;
  readonly length: number;
}

const octet = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 128, max: 255 }) },
  );

/** Frames of at most 16 bytes, with bytes before and behind that no filter may see. */
export const arbitraryFrame = (): fc.Arbitrary<PlacedFrame> =>
  fc
    .tuple(
      fc.array(octet(), { minLength: 8, maxLength: 24 }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
    )
    .map(([bytes, at, behind]) => ({
      memory: Uint8Array.from(bytes),
      at,
      length: bytes.length - at - behind,
    }));

/** Words of memory that predicates of `arbitraryPredicate` are about. */
export const PREDICATE_MEMORY_BYTES = 32;

/** Words near every edge of the unsigned numbers and of the signed ones, so that terms hold often and fail often. */
const edgyWord = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0x7fff_fffe, max: 0x8000_0001 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0xffff_fffd, max: 0xffff_ffff }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }) },
  );

const arbitraryWordTerm = (): fc.Arbitrary<WordTerm> =>
  fc
    .tuple(
      fc.integer({ min: 0, max: PREDICATE_MEMORY_BYTES / 4 - 1 }),
      fc.constantFrom(...COMPARISONS),
      edgyWord(),
    )
    .map(([index, comparison, value]) => ({ address: index * 4, comparison, value }));

/** Predicates of at most `products` products of at most `terms` terms, over `PREDICATE_MEMORY_BYTES` bytes. */
export const arbitraryPredicate = (products = 4, terms = 4): fc.Arbitrary<WordPredicate> =>
  fc.array(
    fc.record({
      tag: edgyWord(),
      terms: fc.array(arbitraryWordTerm(), { minLength: 1, maxLength: terms }),
    }),
    { minLength: 1, maxLength: products },
  );

/** A memory for predicates of `arbitraryPredicate`, with the same few values. */
export const arbitraryWords = (): fc.Arbitrary<DataView> =>
  fc
    .array(edgyWord(), {
      minLength: PREDICATE_MEMORY_BYTES / 4,
      maxLength: PREDICATE_MEMORY_BYTES / 4,
    })
    .map((words) => {
      const memory = new DataView(new ArrayBuffer(PREDICATE_MEMORY_BYTES));
      for (const [i, value] of words.entries()) memory.setUint32(i * 4, value);
      return memory;
    });
