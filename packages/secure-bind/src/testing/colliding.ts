/** Constants that no table can place, to whoever knows its seed. */
import { PROBES, chooseMultipliers } from "../filter/constants.ts";

/** The place of a key in a table with these multipliers. */
export function placeIn(multipliers: Int32Array, shift: number, key: readonly number[]): number {
  let sum = 0;
  for (const [i, word] of key.entries()) {
    sum += Math.imul(word, multipliers[2 * i] ?? 0) + Math.imul(word >>> 16, multipliers[2 * i + 1] ?? 0);
  }
  return (sum | 0) >>> shift;
}

/** How often a table chooses multipliers for each of its sizes; the first ones are those it is made with. */
const CHOICES = [1, 3, 3, 3];
/** Enough values in all for the size that is asked for. */
const GROUP = PROBES + 1;

/**
 * Values which a table of 2^`bits` entries with this `seed` refuses the last of, all under the first word `first`.
 *
 * There is a group for each choice of multipliers that it may try, and in each
 * group all values belong at one place; the group for the first choice comes last.
 */
export function unplaceable(seed: number, bits: number, first: number): readonly number[] {
  const multipliers = new Int32Array(4);
  const groups: number[][] = [];
  let next = seed | 0;
  let value = 1;
  for (const [step, choices] of CHOICES.entries()) {
    for (let choice = 0; choice < choices; choice++) {
      next = chooseMultipliers(next, multipliers);
      const shift = 32 - bits - Math.max(0, step - 1);
      const group: number[] = [];
      for (; group.length < GROUP; value++)
        if (placeIn(multipliers, shift, [first, value]) === 5) group.push(value);
      groups.push(group);
    }
  }
  return [...groups.slice(1), groups[0] ?? []].flat();
}
