/** Keys of first fragments, for knowing the later ones by: bounded, and the oldest go first. */
import type { FragmentFields } from "./atoms.ts";
import { readField } from "./field.ts";
import { KEY_FIELDS } from "./verify.ts";

/** Keys that share a set; of these the oldest is forgotten when another comes. */
export const SET_KEYS = 8;

// An entry: the place in the tree, the owner plus one (0: empty), then the masked key fields.
const OWNER = 1;
const FIRST_FIELD = 2;
const WORDS = FIRST_FIELD + KEY_FIELDS;
const MIX = 0x9e3779b1;
const NOWHERE = -1;

/**
 * Which owner's first fragment had a key.
 *
 * Sets of `SET_KEYS` entries, so that looking, remembering and forgetting one
 * take a bounded number of steps whatever keys strangers send. A key that comes
 * again belongs to whoever got its first fragment last.
 * **Cost** memory once, when `prepare` is called; no allocation afterwards.
 */
export class FragmentKeys {
  #entries: Int32Array = new Int32Array(0);
  /** For each set, the entry that the next new key takes. */
  readonly #next: Uint8Array;
  readonly #key: Int32Array = new Int32Array(KEY_FIELDS);

  /** Room for `sets` times `SET_KEYS` keys; `sets` is a power of two. */
  constructor(sets: number) {
    this.#next = new Uint8Array(sets);
  }

  /** Makes the room; before that nothing may be remembered. */
  prepare(): void {
    if (this.#entries.length === 0) this.#entries = new Int32Array(this.#next.length * SET_KEYS * WORDS);
  }

  /** Reads the key of the frame at `at` and finds its set. The caller has checked the bounds. */
  #load({ key }: FragmentFields, place: number, memory: Uint8Array, at: number): number {
    let hash = Math.imul(place, MIX);
    for (let i = 0; i < KEY_FIELDS; i++) {
      const field = key[i];
      const value = field === undefined ? 0 : readField(memory, at + field.at, field.width) & field.mask;
      this.#key[i] = value;
      hash = Math.imul(hash ^ value, MIX);
      hash ^= hash >>> 15;
    }
    return hash & (this.#next.length - 1);
  }

  #isHere(entry: number, place: number): boolean {
    if (this.#entries[entry] !== place || this.#entries[entry + OWNER] === 0) return false;
    for (let i = 0; i < KEY_FIELDS; i++) {
      if (this.#entries[entry + FIRST_FIELD + i] !== this.#key[i]) return false;
    }
    return true;
  }

  /** The entry of the loaded key in `set`, or NOWHERE. */
  #find(set: number, place: number): number {
    const first = set * SET_KEYS * WORDS;
    for (let entry = first; entry < first + SET_KEYS * WORDS; entry += WORDS) {
      if (this.#isHere(entry, place)) return entry;
    }
    return NOWHERE;
  }

  /** Who got the first fragment with the key of the frame at `at`; -1 when nobody did. O(SET_KEYS). */
  ownerOf(fields: FragmentFields, place: number, memory: Uint8Array, at: number): number {
    const entry = this.#find(this.#load(fields, place, memory, at), place);
    return entry === NOWHERE ? -1 : (this.#entries[entry + OWNER] ?? 0) - 1;
  }

  /** Remembers that `owner` got the first fragment at `at`. O(SET_KEYS). */
  remember(fields: FragmentFields, place: number, memory: Uint8Array, at: number, owner: number): void {
    const set = this.#load(fields, place, memory, at);
    let entry = this.#find(set, place);
    if (entry === NOWHERE) {
      const way = this.#next[set] ?? 0;
      this.#next[set] = (way + 1) % SET_KEYS;
      entry = (set * SET_KEYS + way) * WORDS;
      this.#entries[entry] = place;
      this.#entries.set(this.#key, entry + FIRST_FIELD);
    }
    this.#entries[entry + OWNER] = owner + 1;
  }

  /** Forgets all keys of `owner`. O(keys there is room for). */
  forget(owner: number): void {
    for (let entry = 0; entry < this.#entries.length; entry += WORDS) {
      if (this.#entries[entry + OWNER] === owner + 1) this.#entries[entry + OWNER] = 0;
    }
  }
}

/** Bytes behind the base that a frame must have for all fields of the term. */
export function bytesOfFields({ later, more, key }: FragmentFields): number {
  let bytes = Math.max(later.at + later.width, more.at + more.width);
  for (const field of key) bytes = Math.max(bytes, field.at + field.width);
  return bytes;
}
