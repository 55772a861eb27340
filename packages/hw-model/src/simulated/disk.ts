/** A disk: sparse blocks, one arm, and a bounded queue served in order. */
import type { Disk, DiskHardware, DiskRequest } from "../disk.ts";
import { BLOCK_BYTES, NEVER, block, type BlockNumber, type Cycles } from "../units.ts";

/** What a simulated disk is made of; times in seconds. */
export interface SimulatedDiskOptions {
  /** Blocks of `BLOCK_BYTES`; default 262,144 (1 GiB). Only blocks written take memory. */
  readonly blocks?: number;
  /** Requests queued before `submit` refuses; default 64. */
  readonly queueSlots?: number;
  /** Controller time of one request; default 0.000 1. */
  readonly overheadSeconds?: number;
  /** Seek over one block, before distance counts; default 0.001. Nothing when the arm need not move. */
  readonly seekSeconds?: number;
  /** Additional seek over the whole disk, growing with the square root of distance; default 0.009. */
  readonly fullSeekSeconds?: number;
  /** Transfer rate; default 10 MB/s. */
  readonly bytesPerSecond?: number;
}

/** A simulated disk, whose blocks a test or an image builder may also touch directly. */
export interface SimulatedDisk extends Disk {
  /** A copy of a block as it is on the disk now. */
  peek(number: BlockNumber): Uint8Array;
  /** Puts `bytes` (at most one block) on the disk without taking time. */
  poke(number: BlockNumber, bytes: Uint8Array): void;
}

interface Store {
  read(number: number, memory: Uint8Array, at: number): void;
  write(number: number, memory: Uint8Array, at: number): void;
}

interface Queued {
  readonly request: DiskRequest;
  readonly memory: Uint8Array;
  readonly due: Cycles;
  readonly ok: boolean;
}

const makeStore = (): Store => {
  const blocks = new Map<number, Uint8Array>();
  return {
    read: (number, memory, at) => {
      const found = blocks.get(number);
      if (found === undefined) memory.fill(0, at, at + BLOCK_BYTES);
      else memory.set(found, at);
    },
    write: (number, memory, at) => {
      const found = blocks.get(number);
      if (found === undefined) blocks.set(number, memory.slice(at, at + BLOCK_BYTES));
      else found.set(memory.subarray(at, at + BLOCK_BYTES));
    },
  };
};

const move = (store: Store, { request, memory }: Queued): void => {
  for (let i = 0; i < request.count; i++)
    store[request.kind](request.first + i, memory, request.address + i * BLOCK_BYTES);
};

const fits = (hardware: DiskHardware, memory: Uint8Array, { first, count, address }: DiskRequest): boolean =>
  Number.isInteger(first) &&
  Number.isInteger(count) &&
  Number.isInteger(address) &&
  first >= 0 &&
  count >= 1 &&
  first + count <= hardware.blocks &&
  address >= 0 &&
  address + count * BLOCK_BYTES <= memory.length;

/** Cycles that one request takes once the arm is at `from`. */
type ServiceTime = (from: BlockNumber, request: DiskRequest) => number;

const serviceTime = (options: SimulatedDiskOptions, blocks: number, hertz: number): ServiceTime => {
  const overhead = options.overheadSeconds ?? 0.0001;
  const seek = options.seekSeconds ?? 0.001;
  const fullSeek = options.fullSeekSeconds ?? 0.009;
  const secondsPerBlock = BLOCK_BYTES / (options.bytesPerSecond ?? 10_000_000);
  return (from, { first, count }) => {
    const distance = Math.abs(first - from);
    const moving = distance <= 1 ? 0 : seek + fullSeek * Math.sqrt(distance / blocks);
    return Math.ceil((overhead + moving + count * secondsPerBlock) * hertz);
  };
};

/**
 * A disk of zeros in a machine of `hertz` cycles a second.
 *
 * Requests are served in the order they were accepted. Bytes move when the
 * request is reaped, so nothing shows early; a request outside the disk or the
 * memory completes without success and moves nothing.
 */
export function makeSimulatedDisk(hertz: number, options: SimulatedDiskOptions = {}): SimulatedDisk {
  const hardware: DiskHardware = { blocks: options.blocks ?? 262_144, queueSlots: options.queueSlots ?? 64 };
  const time = serviceTime(options, hardware.blocks, hertz);
  const store = makeStore();
  const queue: Queued[] = [];
  let arm = block(0);
  let planned = block(0);
  let free = 0;
  const submit = (now: Cycles, memory: Uint8Array, request: DiskRequest): boolean => {
    if (queue.length >= hardware.queueSlots) return false;
    const ok = fits(hardware, memory, request);
    free = Math.max(now, free) + (ok ? time(planned, request) : 1);
    if (ok) planned = block(request.first + request.count - 1);
    queue.push({ request, memory, due: free as Cycles, ok });
    return true;
  };
  const finish = (queued: Queued): void => {
    if (!queued.ok) return;
    move(store, queued);
    arm = block(queued.request.first + queued.request.count - 1);
  };
  const reap: Disk["reap"] = (now, limit, done) => {
    let count = 0;
    for (let head = queue[0]; head !== undefined && head.due <= now && count < limit; head = queue[0]) {
      queue.shift();
      finish(head);
      count++;
      done(head.request, head.ok);
    }
    return count;
  };
  return {
    hardware,
    submit,
    reap,
    settle: () => queue[0]?.due ?? NEVER,
    armPosition: () => arm,
    wakeAt: () => queue[0]?.due ?? NEVER,
    ...direct(store),
  };
}

const direct = (store: Store): Pick<SimulatedDisk, "peek" | "poke"> => ({
  peek: (number) => {
    const bytes = new Uint8Array(BLOCK_BYTES);
    store.read(number, bytes, 0);
    return bytes;
  },
  poke: (number, bytes) => {
    const whole = new Uint8Array(BLOCK_BYTES);
    whole.set(bytes);
    store.write(number, whole, 0);
  },
});
