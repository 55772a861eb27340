/** A link that delays, loses, doubles and reorders frames both ways, as netem does, on hosts whose kernel has no netem. */
import { makePhysicalGather, type Cycles, type Nic, type PhysicalGather } from "@exolith/hw-model";

/** What the link does to a frame, in each direction. */
export interface Shape {
  readonly lossPercent: number;
  readonly duplicatePercent: number;
  readonly delayMilliseconds: number;
  /** Frames that are not delayed, and so overtake others. */
  readonly reorderPercent: number;
  /** True leaves the interface its offloads: a super-segment is lost, doubled or late as a whole. */
  readonly offloads?: boolean;
}

/** The link, and how quiet it was. */
export interface ShapedNic extends Nic {
  /** Frames lost by intention, and those that found the line full. */
  readonly lost: () => number;
  /** Frames that went twice, and that overtook others. */
  readonly doubled: () => number;
  readonly overtaking: () => number;
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

/** A frame, and what is known of it or asked for. */
interface Cargo {
  readonly bytes: Uint8Array;
  /** On the way in: the checksum is right; on the way out: it is to be computed. */
  readonly checksum: boolean;
  readonly segmentBytes: number;
}

interface Flight {
  readonly at: number;
  readonly cargo: Cargo;
}

/** `nic` behind a link of this `shape`; what happens to which frame follows from `seed`. */
export function shapedNic(nic: Nic, shape: Shape, seed: number): ShapedNic {
  const random = makeRandom(seed);
  const inward = new Line(shape, random);
  const outward = new Line(shape, random);
  const quiet = makeQuiet();
  const scratch = new Uint8Array(nic.hardware.frameBytes);
  const arrival = { checksumGood: false };
  const put = makePut(nic);
  const send = (now: Cycles): void => {
    if (outward.next > now) return;
    for (let cargo = outward.take(now); cargo !== undefined; cargo = outward.take(now)) put(now, cargo);
    nic.flush(now);
  };
  const pump = (now: Cycles): void => {
    for (let left = TAKEN_AT_ONCE; left > 0; left--) {
      const length = nic.receive(now, scratch, 0);
      if (length === 0) break;
      quiet.heard(now);
      const checksum = shape.offloads === true && nic.arrival.checksumGood;
      inward.put(now, { bytes: scratch.slice(0, length), checksum, segmentBytes: 0 });
    }
    send(now);
  };
  const plain = { ...nic.hardware, transmitChecksum: false, segmentationBytes: 0 };
  return {
    hardware: shape.offloads === true ? nic.hardware : plain,
    arrival,
    counters: nic.counters,
    receive: (now, memory, at) => {
      pump(now);
      const cargo = inward.take(now);
      if (cargo === undefined) return 0;
      memory.set(cargo.bytes, at);
      arrival.checksumGood = cargo.checksum;
      return cargo.bytes.length;
    },
    transmit: (clock, memory, gather) => {
      const now = clock.now();
      quiet.heard(now);
      const { checksum, segmentBytes } = gather;
      outward.put(now, { bytes: join(memory, gather), checksum, segmentBytes });
      send(now);
      return true;
    },
    flush: (now) => {
      send(now);
      nic.flush(now);
    },
    wakeAt: (now) => Math.min(nic.wakeAt(now), inward.next, outward.next) as Cycles,
    lost: () => inward.lost + outward.lost,
    doubled: () => inward.doubled + outward.doubled,
    overtaking: () => inward.overtaking + outward.overtaking,
    longPauses: quiet.longPauses,
    listen: quiet.listen,
  };
}

/** Gives frames to an interface. */
function makePut(nic: Nic): (now: Cycles, cargo: Cargo) => void {
  const piece = makePhysicalGather(1);
  piece.count = 1;
  return (now, { bytes, checksum, segmentBytes }) => {
    piece.lengths[0] = piece.length = bytes.length;
    piece.checksum = checksum;
    piece.segmentBytes = segmentBytes;
    nic.transmit({ now: () => now }, bytes, piece);
  };
}

/** One direction: frames in order of arrival. */
class Line {
  readonly #shape: Shape;
  readonly #random: () => number;
  readonly #flights: Flight[] = [];
  lost = 0;
  doubled = 0;
  overtaking = 0;

  constructor(shape: Shape, random: () => number) {
    this.#shape = shape;
    this.#random = random;
  }

  /** When the next frame arrives; never, without one. */
  get next(): number {
    return this.#flights[0]?.at ?? Infinity;
  }

  put(now: number, cargo: Cargo): void {
    const { lossPercent, duplicatePercent } = this.#shape;
    if (this.#chance(lossPercent)) {
      this.lost += 1;
      return;
    }
    this.#launch(now, cargo);
    if (!this.#chance(duplicatePercent)) return;
    this.doubled += 1;
    this.#launch(now, cargo);
  }

  take(now: number): Cargo | undefined {
    return this.next <= now ? this.#flights.shift()?.cargo : undefined;
  }

  #launch(now: number, cargo: Cargo): void {
    if (this.#flights.length >= LINE_FRAMES) {
      this.lost += 1;
      return;
    }
    const { delayMilliseconds, reorderPercent } = this.#shape;
    const at = now + (this.#chance(reorderPercent) ? 0 : delayMilliseconds * CYCLES_PER_MILLISECOND);
    let place = this.#flights.length;
    while (place > 0 && (this.#flights[place - 1]?.at ?? 0) > at) place -= 1;
    if (place < this.#flights.length) this.overtaking += 1;
    this.#flights.splice(place, 0, { at, cargo });
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
