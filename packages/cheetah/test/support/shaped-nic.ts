/** A link that delays, loses, doubles and reorders frames both ways, as netem does, on hosts whose kernel has no netem. */
import { makePhysicalGather, type Cycles, type Nic, type PhysicalGather } from "@exolith/hw-model";

/** What the link does to a frame, in each direction. */
export interface Shape {
  readonly lossPercent: number;
  readonly duplicatePercent: number;
  readonly delayMilliseconds: number;
  /** Frames that are not delayed, and so overtake others. */
  readonly reorderPercent: number;
}

/** The link, and how quiet it was. */
export interface ShapedNic extends Nic {
  /** Frames lost by intention, and those that found the line full. */
  readonly lost: () => number;
  /** Pauses of more than `LONG_MILLISECONDS` without a frame in either direction, since `listen`. */
  readonly longPauses: () => number;
  /** Forgets the pauses before `now`. */
  readonly listen: (now: Cycles) => void;
}

/** Frames on the way in one direction at once; one more is lost. */
const LINE_FRAMES = 1000;
/** Frames taken from the interface at a time. */
const TAKEN_AT_ONCE = 64;
/** A pause that is longer is a long one. */
export const LONG_MILLISECONDS = 500;
const CYCLES_PER_MILLISECOND = 1e6;

interface Flight {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** `nic` behind a link of this `shape`; what happens to which frame follows from `seed`. */
export function shapedNic(nic: Nic, shape: Shape, seed: number): ShapedNic {
  const random = makeRandom(seed);
  const inward = new Line(shape, random);
  const outward = new Line(shape, random);
  const quiet = makeQuiet();
  const scratch = new Uint8Array(nic.hardware.frameBytes);
  const piece = makePhysicalGather(1);
  const send = (now: Cycles): void => {
    const clock = { now: () => now };
    for (let bytes = outward.take(now); bytes !== undefined; bytes = outward.take(now)) {
      piece.addresses[0] = 0;
      piece.lengths[0] = bytes.length;
      piece.count = 1;
      piece.length = bytes.length;
      nic.transmit(clock, bytes, piece);
    }
  };
  const pump = (now: Cycles): void => {
    for (let left = TAKEN_AT_ONCE; left > 0; left--) {
      const length = nic.receive(now, scratch, 0);
      if (length === 0) break;
      quiet.heard(now);
      inward.put(now, scratch.slice(0, length));
    }
    send(now);
  };
  return {
    hardware: { ...nic.hardware, transmitChecksum: false, segmentationBytes: 0 },
    // Frames wait on the line: nothing is known of them any more.
    arrival: { checksumGood: false },
    counters: nic.counters,
    receive: (now, memory, at) => {
      pump(now);
      const bytes = inward.take(now);
      if (bytes === undefined) return 0;
      memory.set(bytes, at);
      return bytes.length;
    },
    transmit: (clock, memory, gather) => {
      const now = clock.now();
      quiet.heard(now);
      outward.put(now, join(memory, gather));
      send(now);
      return true;
    },
    flush: (now) => {
      send(now);
      nic.flush(now);
    },
    wakeAt: (now) => Math.min(nic.wakeAt(now), inward.next, outward.next) as Cycles,
    lost: () => inward.lost + outward.lost,
    longPauses: quiet.longPauses,
    listen: quiet.listen,
  };
}

/** One direction: frames in order of arrival. */
class Line {
  readonly #shape: Shape;
  readonly #random: () => number;
  readonly #flights: Flight[] = [];
  lost = 0;

  constructor(shape: Shape, random: () => number) {
    this.#shape = shape;
    this.#random = random;
  }

  /** When the next frame arrives; never, without one. */
  get next(): number {
    return this.#flights[0]?.at ?? Infinity;
  }

  put(now: number, bytes: Uint8Array): void {
    const { lossPercent, duplicatePercent } = this.#shape;
    if (this.#chance(lossPercent)) {
      this.lost += 1;
      return;
    }
    this.#launch(now, bytes);
    if (this.#chance(duplicatePercent)) this.#launch(now, bytes);
  }

  take(now: number): Uint8Array | undefined {
    return this.next <= now ? this.#flights.shift()?.bytes : undefined;
  }

  #launch(now: number, bytes: Uint8Array): void {
    if (this.#flights.length >= LINE_FRAMES) {
      this.lost += 1;
      return;
    }
    const { delayMilliseconds, reorderPercent } = this.#shape;
    const at = now + (this.#chance(reorderPercent) ? 0 : delayMilliseconds * CYCLES_PER_MILLISECOND);
    let place = this.#flights.length;
    while (place > 0 && (this.#flights[place - 1]?.at ?? 0) > at) place -= 1;
    this.#flights.splice(place, 0, { at, bytes });
  }

  #chance(percent: number): boolean {
    return this.#random() * 100 < percent;
  }
}

function makeQuiet() {
  let heardAt = 0;
  let pauses = 0;
  return {
    heard: (now: number): void => {
      if (now - heardAt > LONG_MILLISECONDS * CYCLES_PER_MILLISECOND) pauses += 1;
      heardAt = now;
    },
    longPauses: () => pauses,
    listen: (now: number): void => {
      heardAt = now;
      pauses = 0;
    },
  };
}

function join(memory: Uint8Array, gather: PhysicalGather): Uint8Array {
  const bytes = new Uint8Array(gather.length);
  let end = 0;
  for (let i = 0; i < gather.count; i++) {
    const at = gather.addresses[i] ?? 0;
    const length = gather.lengths[i] ?? 0;
    bytes.set(memory.subarray(at, at + length), end);
    end += length;
  }
  return bytes;
}

function makeRandom(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
