/** Compiles a wakeup predicate into a flat program and a tight loop that runs it. */
import type { Verified } from "../verified.ts";
import { type Comparison, NO_TAG, WORD_MAX, type WordPredicate } from "./term.ts";

/** The tag of the first product that holds over `memory`, or `NO_TAG`. Never allocates. */
export type CompiledPredicate = (memory: DataView) => number;

// A term is three words: address, lowest value, and how far above it a value may lie.
const WORDS = 3;

/** A run of values from `low` on, modulo 2^32, `span` + 1 of them; no value at all when `span` is negative. */
interface Run {
  readonly low: number;
  readonly span: number;
}

/** The values that compare so with `value`: always one run, if values go round. */
function runOf(comparison: Comparison, value: number): Run {
  switch (comparison) {
    case "equal":
      return { low: value, span: 0 };
    case "notEqual":
      return { low: (value + 1) >>> 0, span: WORD_MAX - 1 };
    case "less":
      return { low: 0, span: value - 1 };
    case "lessOrEqual":
      return { low: 0, span: value };
    case "greater":
      return { low: value + 1, span: WORD_MAX - 1 - value };
    case "greaterOrEqual":
      return { low: value, span: WORD_MAX - value };
    default:
      return comparison satisfies never;
  }
}

/** The products of a predicate: their terms one after another, where each ends, and its tag. */
interface Program {
  readonly words: Uint32Array;
  readonly ends: Uint32Array;
  readonly tags: Uint32Array;
}

/** A product with a term that no value satisfies never holds, and is left out. */
function encode(predicate: WordPredicate): Program {
  const words: number[] = [];
  const ends: number[] = [];
  const tags: number[] = [];
  for (const { tag, terms } of predicate) {
    const runs = terms.map(({ comparison, value }) => runOf(comparison, value));
    if (runs.some(({ span }) => span < 0)) continue;
    for (const [i, { low, span }] of runs.entries()) words.push(terms[i]?.address ?? 0, low, span);
    ends.push(words.length);
    tags.push(tag);
  }
  return { words: Uint32Array.from(words), ends: Uint32Array.from(ends), tags: Uint32Array.from(tags) };
}

function run({ words, ends, tags }: Program, memory: DataView): number {
  let i = 0;
  for (let product = 0; product < ends.length; product++) {
    const end = ends[product] ?? 0;
    while (i < end && (memory.getUint32(words[i] ?? 0) - (words[i + 1] ?? 0)) >>> 0 <= (words[i + 2] ?? 0))
      i += WORDS;
    if (i === end) return tags[product] ?? NO_TAG;
    i = end;
  }
  return NO_TAG;
}

/**
 * A function that decides as `interpretPredicate` does, and quickly.
 *
 * **Cost** one word read and one comparison for each term up to the first that
 * fails of every product; no allocation.
 */
export function compilePredicate(predicate: Verified<WordPredicate>): CompiledPredicate {
  const program = encode(predicate);
  return (memory) => run(program, memory);
}
