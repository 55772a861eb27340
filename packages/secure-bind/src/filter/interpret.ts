/** The meaning of a packet filter: slow, obvious, and the specification. */
import { frameLength } from "./field.ts";
import type { Field, FieldWidth, Filter, FilterTerm } from "./term.ts";

/** Keys of the first fragments that one filter has accepted, as text; in the order they came. */
export type SeenKeys = Set<string>;

type FragmentsTerm = Extract<FilterTerm, { kind: "fragments" }>;

/** A frame of `length` bytes at `at` in `memory`. */
interface Frame {
  readonly memory: Uint8Array;
  readonly at: number;
  readonly length: number;
}

function readUnsigned(memory: Uint8Array, at: number, width: FieldWidth): number {
  let field = 0;
  for (let i = 0; i < width; i++) field = field * 256 + (memory[at + i] ?? 0);
  return field;
}

/** The masked field `offset` bytes into the frame, or `undefined` when it does not lie wholly inside. */
function fieldOf({ memory, at, length }: Frame, field: Field, base: number): number | undefined {
  const offset = base + field.at;
  if (offset + field.width > length) return undefined;
  return (readUnsigned(memory, at + offset, field.width) & field.mask) >>> 0;
}

/** What a frame is to a `fragments` term. */
interface Part {
  readonly later: boolean;
  readonly more: boolean;
  readonly key: string;
}

/** `undefined` when one of the term's fields does not lie wholly inside the frame. */
function partOf(frame: Frame, term: FragmentsTerm, base: number): Part | undefined {
  const later = fieldOf(frame, term.later, base);
  const more = fieldOf(frame, term.more, base);
  const key = term.key.map((field) => fieldOf(frame, field, base));
  if (later === undefined || more === undefined || key.includes(undefined)) return undefined;
  return { later: later !== 0, more: more !== 0, key: key.join() };
}

/**
 * Whether `filter` accepts the frame of `length` bytes at `at` in `memory`.
 *
 * A term whose field does not lie wholly inside the frame fails; `fragments`
 * has several, and fails if one is outside, whatever the fragment. The base may
 * pass the end of the frame; only reading there fails. What `frameLength` says
 * is inside; no filter accepts what is no frame.
 * `seen` is what the filter remembers from frame to frame; this adds the key of
 * a first fragment that it accepts. Without it no later fragment matches, nor
 * does one that arrives before the first.
 */
export function interpretFilter(
  filter: Filter,
  memory: Uint8Array,
  at: number,
  length: number,
  seen?: SeenKeys,
): boolean {
  const frame: Frame = { memory, at, length: frameLength(memory, at, length) };
  if (frame.length < 0) return false;
  let base = 0;
  let part: Part | undefined;
  for (const term of filter) {
    if (term.kind === "skip") base += term.bytes;
    else if (term.kind === "fragments") {
      part = partOf(frame, term, base);
      if (part === undefined) return false;
      if (part.later) return seen?.has(part.key) ?? false;
    } else {
      const field = fieldOf(frame, term, base);
      if (field === undefined) return false;
      if (term.kind === "shift") base += field * 2 ** term.by;
      else if (field !== term.value) return false;
    }
  }
  if (part?.more) seen?.add(part.key);
  return true;
}
