/** Random words: the machine's random device, a batch of bytes a call. */
import type { Gate, Window } from "@exolith/exokernel/abi";
import { must } from "@exolith/exokernel/abi";

/**
 * Unpredictable 32-bit words, fetched `length` bytes at a time into `window` from `at`.
 *
 * **Holds**: no word is given out twice, and none stays in memory after it was.
 * **Cost** one call every `length / 4` words. Throws when the window is dead.
 */
export function makeRandomWords(
  gate: Pick<Gate, "randomFill">,
  window: Window,
  at: number,
  length: number,
): () => number {
  const end = at + (length & ~3);
  if (end <= at) throw new RangeError("at least four bytes");
  let next = end;
  return () => {
    if (next === end) {
      must(gate.randomFill(window, at, end - at));
      next = at;
    }
    const word = window.getU32(next);
    window.setU32(next, 0);
    next += 4;
    return word;
  };
}
