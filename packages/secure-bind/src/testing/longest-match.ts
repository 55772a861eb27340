/** The meaning of a demultiplexer, by trying every filter: for tests. */
import { type AtomField, atomsOf, fragmentsIndex, laterDepth } from "../filter/atoms.ts";
import { frameLength } from "../filter/field.ts";
import { interpretFilter } from "../filter/interpret.ts";
import type { Filter } from "../filter/term.ts";
import type { Verified } from "../verified.ts";
import type { PlacedFrame } from "./arbitrary.ts";

/**
 * Whose first fragment had a key, by the key and all that is before it, as text.
 *
 * Whoever removes a filter deletes what it remembers; nothing else is ever forgotten.
 */
export type Remembered = Map<string, Verified<Filter>>;

/** A field of a frame, or -1 when it is outside. */
function valueOf({ memory, at, length }: PlacedFrame, field: AtomField): number {
  if (field.at + field.width > frameLength(memory, at, length)) return -1;
  let value = 0;
  for (let i = 0; i < field.width; i++) value = value * 256 + (memory[at + field.at + i] ?? 0);
  return (value & field.mask) >>> 0;
}

/** What a frame is to one filter: how long a match, and the key to remember it by if it is a first fragment. */
interface Match {
  readonly length: number;
  readonly key: string | undefined;
}

const NO_MATCH: Match = { length: -1, key: undefined };

function matchOf(filter: Verified<Filter>, frame: PlacedFrame, remembered: Remembered): Match {
  const { memory, at } = frame;
  const length = frameLength(memory, at, frame.length);
  const atoms = atomsOf(filter);
  const index = fragmentsIndex(atoms);
  const fields = atoms[index]?.fragments;
  if (fields === undefined)
    return interpretFilter(filter, memory, at, length) ? { length: atoms.length, key: undefined } : NO_MATCH;
  const term = filter.findIndex(({ kind }) => kind === "fragments");
  if (!interpretFilter(filter.slice(0, term), memory, at, length)) return NO_MATCH;
  const later = valueOf(frame, fields.later);
  const more = valueOf(frame, fields.more);
  const values = fields.key.map((field) => valueOf(frame, field));
  if (later < 0 || more < 0 || values.includes(-1)) return NO_MATCH;
  const key = JSON.stringify([atoms.slice(0, index + 1), values]);
  if (later > 0) {
    const isOurs = remembered.get(key) === filter;
    return isOurs ? { length: laterDepth(index, fields), key: undefined } : NO_MATCH;
  }
  const whole = filter.filter(({ kind }) => kind !== "fragments");
  if (!interpretFilter(whole, memory, at, length)) return NO_MATCH;
  return { length: atoms.length, key: more > 0 ? key : undefined };
}

/**
 * Index of the longest of `filters` (the oldest first) that accepts `frame`, or -1.
 *
 * With `remembered` later fragments have a meaning, and first ones are added to it.
 */
export function longestMatch(
  filters: readonly Verified<Filter>[],
  frame: PlacedFrame,
  remembered: Remembered = new Map(),
): number {
  let best = -1;
  let longest = NO_MATCH;
  for (const [i, filter] of filters.entries()) {
    const match = matchOf(filter, frame, remembered);
    if (match.length <= longest.length) continue;
    best = i;
    longest = match;
  }
  const winner = filters[best];
  if (winner !== undefined && longest.key !== undefined) remembered.set(longest.key, winner);
  return best;
}
