/** What a predicate means, said a third time. */
import { type Comparison, NO_TAG, type WordPredicate } from "../predicate/term.ts";

/** A third opinion: words as bytes, numbers as big integers, signs as arithmetic. */
export function bruteForce(predicate: WordPredicate, memory: DataView): number {
  const wordAt = (address: number): bigint => {
    let value = 0n;
    for (let i = 0; i < 4; i++) value = value * 256n + BigInt(memory.getUint8(address + i));
    return value;
  };
  const allows: { readonly [C in Comparison]: (difference: bigint) => boolean } = {
    equal: (d) => d === 0n,
    notEqual: (d) => d !== 0n,
    less: (d) => d < 0n,
    lessOrEqual: (d) => d <= 0n,
    greater: (d) => d > 0n,
    greaterOrEqual: (d) => d >= 0n,
  };
  const holding = predicate.filter(
    ({ terms }) =>
      terms.filter((t) => allows[t.comparison](wordAt(t.address) - BigInt(t.value))).length === terms.length,
  );
  return holding[0]?.tag ?? NO_TAG;
}
