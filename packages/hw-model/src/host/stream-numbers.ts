/** The numbers of a stream device: which are handed out, and which have changed. */
import type { Waker } from "./waker.ts";

/** Small integers, lowest first given out again, and the queue of those that changed. */
export interface StreamNumbers {
  /** Numbers left to hand out. O(1). */
  available(): number;
  /** Hands out a number; there must be one. O(1). */
  take(): number;
  /** Takes a number back. O(1). */
  release(number: number): void;
  /** Stream `number` changed; queued once however often that happens. O(1). */
  mark(number: number): void;
  /** A stream can be accepted. O(1). */
  markDoor(): void;
  /** `StreamDevice.reap`. */
  reap(limit: number, changed: (stream: number) => void): number;
}

interface Changes {
  /** A ring of numbers plus one, the door being 0; each is in it at most once. */
  readonly ring: Uint32Array;
  readonly queued: Uint8Array;
  head: number;
  count: number;
}

const add = (changes: Changes, index: number): boolean => {
  if (changes.queued[index] !== 0) return false;
  changes.queued[index] = 1;
  changes.ring[(changes.head + changes.count++) % changes.ring.length] = index;
  return true;
};

const next = (changes: Changes): number => {
  const index = changes.ring[changes.head] ?? 0;
  changes.head = (changes.head + 1) % changes.ring.length;
  changes.count--;
  changes.queued[index] = 0;
  return index;
};

const makeChanges = (size: number): Changes => ({
  ring: new Uint32Array(size),
  queued: new Uint8Array(size),
  head: 0,
  count: 0,
});

/** A stack of free numbers, 0 on top. */
const makeFree = (count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, index) => count - 1 - index);

/** `count` numbers, all free, nothing changed. */
export const makeStreamNumbers = (count: number, waker: Waker): StreamNumbers => {
  const free = makeFree(count);
  const held = new Uint8Array(count);
  const changes = makeChanges(count + 1);
  let left = count;

  const take = (): number => {
    const number = free[--left] ?? 0;
    held[number] = 1;
    return number;
  };
  const release = (number: number): void => {
    held[number] = 0;
    free[left++] = number;
  };
  const note = (index: number): void => {
    if (add(changes, index)) waker.wake();
  };
  const reap: StreamNumbers["reap"] = (limit, changed) => {
    let reaped = 0;
    for (let queued = changes.count; queued > 0 && reaped < limit; queued--) {
      const number = next(changes) - 1;
      if (number >= 0 && held[number] === 0) continue;
      changed(number);
      reaped++;
    }
    return reaped;
  };
  const mark = (number: number): void => note(number + 1);
  return { available: () => left, take, release, mark, markDoor: () => note(0), reap };
};
