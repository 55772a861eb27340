/** Seeded randomness: the only kind that a simulation knows. */
import type { RandomDevice } from "../random.ts";

/** A generator whose whole sequence follows from its seed. */
export interface RandomSequence {
  /** The next 32-bit unsigned number. O(1). */
  next(): number;
  /** A number from 0 to `limit` - 1; `limit` is at most 2^32. O(1). */
  below(limit: number): number;
  /** True with `probability` (0 never, 1 always). Always takes one number from the sequence. O(1). */
  chance(probability: number): boolean;
}

/** Stirs 32 bits so that every input bit changes about half of the output bits. */
const stir = (value: number): number => {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
};

/** A seed for the part `label` of whatever `seed` seeds: other labels, unrelated sequences. */
export function deriveSeed(seed: number, label: string): number {
  let bits = stir(seed ^ 0x9e3779b9);
  for (let i = 0; i < label.length; i++) bits = stir(bits ^ (label.charCodeAt(i) + i * 0x10001));
  return bits;
}

/**
 * The sequence of `seed` (any number; its low 32 bits count).
 *
 * Marsaglia's xorshift128 (Journal of Statistical Software 8(14), 2003).
 */
export function makeRandomSequence(seed: number): RandomSequence {
  let x = stir(seed ^ 0x1);
  let y = stir(seed ^ 0x10000001);
  let z = stir(seed ^ 0x20000001);
  let w = stir(seed ^ 0x30000001) | 1;
  const next = (): number => {
    const mixed = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = (w ^ (w >>> 19) ^ mixed ^ (mixed >>> 8)) | 0;
    return w >>> 0;
  };
  const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit);
  return { next, below, chance: (probability) => next() / 0x1_0000_0000 < probability };
}

/** A random device that gives the bytes of `seed`'s sequence. */
export function makeSimulatedRandom(seed: number): RandomDevice {
  const sequence = makeRandomSequence(seed);
  return {
    fill: (memory, at, length) => {
      for (let i = 0; i < length; i++) memory[at + i] = sequence.next() >>> 24;
    },
  };
}
