/** A disk that is a file of the host. */
import { read, readSync, write, writeSync } from "node:fs";
import type { Disk, DiskHardware, DiskRequest } from "../disk.ts";
import { BLOCK_BYTES, NEVER } from "../units.ts";
import type { BlockNumber, Cycles } from "../units.ts";
import { openImageFile } from "./image-file.ts";
import type { ImageFileOptions } from "./image-file.ts";
import { silentWaker } from "./waker.ts";
import type { Waker } from "./waker.ts";

/** Requests the queue of an image disk holds, unless told otherwise. */
export const IMAGE_QUEUE_SLOTS = 64;

/** How an image disk is opened. */
export type ImageDiskOptions = ImageFileOptions & {
  /** Woken when a request completes. */
  readonly waker?: Waker;
  /** Requests queued at once; `IMAGE_QUEUE_SLOTS` unless given. */
  readonly queueSlots?: number;
};

/** A disk on a file. */
export interface ImageDisk extends Disk {
  /** Finishes what was accepted, then closes the file. No request may follow. */
  close(): Promise<void>;
}

const FREE = 0;
const WAITING = 1;
/** May begin, and does so when the machine looks at the disk next. */
const READY = 4;
const ACTIVE = 2;
const FINISHED = 3;

const NO_MEMORY: Uint8Array = new Uint8Array(0);

/** One place in the queue, reused; `moved` is its callback, made once. */
interface Slot {
  readonly index: number;
  state: number;
  /** Counts accepted requests: the order of submission. */
  order: number;
  ok: boolean;
  request: DiskRequest | undefined;
  memory: Uint8Array;
  writes: boolean;
  first: number;
  /** The block after the last. */
  end: number;
  address: number;
  bytes: number;
  done: number;
  moved: (error: Error | null, bytes: number) => void;
}

const makeSlot = (_: unknown, index: number): Slot => ({
  index,
  state: FREE,
  order: 0,
  ok: false,
  request: undefined,
  memory: NO_MEMORY,
  writes: false,
  first: 0,
  end: 0,
  address: 0,
  bytes: 0,
  done: 0,
  moved: () => {},
});

interface Queue {
  readonly descriptor: number;
  readonly hardware: DiskHardware;
  readonly waker: Waker;
  readonly slots: readonly Slot[];
  /** Slots that wait for an earlier request on the same blocks. */
  waiting: number;
  /** Slots that may begin. */
  ready: number;
  /** Slots at work on the host. */
  active: number;
  /** Finished slots in the order they finished: a ring of indexes into `slots`. */
  readonly ring: Uint32Array;
  head: number;
  finished: number;
  accepted: number;
  arm: number;
  closed: boolean;
  idle: () => void;
}

const fillSlot = (slot: Slot, memory: Uint8Array, request: DiskRequest): void => {
  slot.ok = false;
  slot.request = request;
  slot.memory = memory;
  slot.writes = request.kind === "write";
  slot.first = request.first;
  slot.end = request.first + request.count;
  slot.address = request.address;
  slot.bytes = request.count * BLOCK_BYTES;
  slot.done = 0;
};

/** True if the transfer lies on the disk and in the memory. */
const isPossible = (slot: Slot, blocks: number): boolean =>
  Number.isSafeInteger(slot.first + slot.end + slot.address) &&
  slot.first >= 0 &&
  slot.end > slot.first &&
  slot.end <= blocks &&
  slot.address >= 0 &&
  slot.address + slot.bytes <= slot.memory.length;

const finish = (queue: Queue, slot: Slot, ok: boolean): void => {
  slot.ok = ok;
  slot.state = FINISHED;
  slot.memory = NO_MEMORY;
  queue.ring[(queue.head + queue.finished++) % queue.ring.length] = slot.index;
  queue.waker.wake();
};

/** Asks the host for what is left of a transfer. */
const continueTransfer = (queue: Queue, slot: Slot): void => {
  const { descriptor } = queue;
  const at = slot.address + slot.done;
  const left = slot.bytes - slot.done;
  const position = slot.first * BLOCK_BYTES + slot.done;
  if (slot.writes) write(descriptor, slot.memory, at, left, position, slot.moved);
  else read(descriptor, slot.memory, at, left, position, slot.moved);
};

const start = (queue: Queue, slot: Slot): void => {
  slot.state = ACTIVE;
  queue.active++;
  continueTransfer(queue, slot);
};

const conflicts = (slot: Slot, other: Slot): boolean =>
  (other.state === WAITING || other.state === READY || other.state === ACTIVE) &&
  other.order < slot.order &&
  other.first < slot.end &&
  slot.first < other.end &&
  (other.writes || slot.writes);

/** True if no earlier transfer touches the same blocks; two reads never disturb each other. */
const mayStart = (queue: Queue, slot: Slot): boolean => {
  for (const other of queue.slots) if (conflicts(slot, other)) return false;
  return true;
};

/** Lets those begin that waited for what is finished now. */
const readyWaiting = (queue: Queue): void => {
  for (const slot of queue.slots) {
    if (queue.waiting === 0) return;
    if (slot.state !== WAITING || !mayStart(queue, slot)) continue;
    queue.waiting--;
    queue.ready++;
    slot.state = READY;
  }
};

/** Begins what may begin. O(slots) when there is something. */
const startReady = (queue: Queue): void => {
  if (queue.ready === 0) return;
  for (const slot of queue.slots) if (slot.state === READY) start(queue, slot);
  queue.ready = 0;
};

/** Moves all bytes of a transfer now, while the host stands still; whether it could. */
const moveNow = ({ descriptor }: Queue, slot: Slot): boolean => {
  try {
    while (slot.done < slot.bytes) {
      const position = slot.first * BLOCK_BYTES + slot.done;
      const at = slot.address + slot.done;
      const left = slot.bytes - slot.done;
      const moved = slot.writes
        ? writeSync(descriptor, slot.memory, at, left, position)
        : readSync(descriptor, slot.memory, at, left, position);
      if (moved <= 0) return false;
      slot.done += moved;
    }
    return true;
  } catch {
    return false;
  }
};

/** The oldest transfer that may begin. */
const oldestReady = (queue: Queue): Slot | undefined => {
  let oldest: Slot | undefined;
  for (const slot of queue.slots)
    if (slot.state === READY && (oldest === undefined || slot.order < oldest.order)) oldest = slot;
  return oldest;
};

/** Finishes every transfer that the host has not begun, but those that wait for one that it has; `NEVER` when nothing is finished then. */
const settle = (queue: Queue, now: Cycles): Cycles => {
  for (let slot = oldestReady(queue); slot !== undefined; slot = oldestReady(queue)) {
    queue.ready--;
    queue.arm = slot.end - 1;
    finish(queue, slot, moveNow(queue, slot));
    readyWaiting(queue);
  }
  return queue.finished > 0 ? now : NEVER;
};

/** What the host answered: some bytes moved, none (the end of the file), or an error. */
const moved = (queue: Queue, slot: Slot, error: Error | null, bytes: number): void => {
  if (error === null && bytes > 0) {
    slot.done += bytes;
    if (slot.done < slot.bytes) return continueTransfer(queue, slot);
  }
  queue.active--;
  queue.arm = slot.end - 1;
  finish(queue, slot, slot.done === slot.bytes);
  readyWaiting(queue);
  startReady(queue);
  if (queue.active === 0) queue.idle();
};

const prepare = (queue: Queue): void => {
  for (const slot of queue.slots) slot.moved = (error, bytes) => moved(queue, slot, error, bytes);
};

const freeSlot = (queue: Queue): Slot | undefined => {
  for (const slot of queue.slots) if (slot.state === FREE) return slot;
  return undefined;
};

const accept = (queue: Queue, slot: Slot): void => {
  slot.order = queue.accepted++;
  if (!isPossible(slot, queue.hardware.blocks)) return finish(queue, slot, false);
  if (mayStart(queue, slot)) {
    slot.state = READY;
    queue.ready++;
    return;
  }
  slot.state = WAITING;
  queue.waiting++;
};

const submit = (queue: Queue, memory: Uint8Array, request: DiskRequest): boolean => {
  if (queue.closed) return false;
  const slot = freeSlot(queue);
  if (slot === undefined) return false;
  fillSlot(slot, memory, request);
  accept(queue, slot);
  return true;
};

type Done = Parameters<Disk["reap"]>[2];

/** The slot that finished first, taken off the ring. */
const nextFinished = (queue: Queue): Slot | undefined => {
  const slot = queue.slots[queue.ring[queue.head] ?? 0];
  queue.head = (queue.head + 1) % queue.ring.length;
  queue.finished--;
  return slot;
};

const handOver = (slot: Slot, done: Done): void => {
  const { request, ok } = slot;
  slot.state = FREE;
  slot.request = undefined;
  if (request !== undefined) done(request, ok);
};

const reap = (queue: Queue, limit: number, done: Done): number => {
  startReady(queue);
  const wanted = Math.min(limit, queue.finished);
  for (let reaped = 0; reaped < wanted; reaped++) {
    const slot = nextFinished(queue);
    if (slot !== undefined) handOver(slot, done);
  }
  return wanted;
};

const makeQueue = (hardware: DiskHardware, descriptor: number, waker: Waker): Queue => {
  const slots = Array.from({ length: hardware.queueSlots }, makeSlot);
  const ring = new Uint32Array(hardware.queueSlots);
  const counts = { waiting: 0, ready: 0, active: 0, head: 0, finished: 0, accepted: 0, arm: 0 };
  const queue: Queue = { descriptor, hardware, waker, slots, ring, ...counts, closed: false, idle: () => {} };
  prepare(queue);
  return queue;
};

/** Resolves when the host works on nothing any more; waiting requests have been started by then. */
const untilIdle = (queue: Queue): Promise<void> =>
  new Promise((resolve) => {
    queue.idle = resolve;
    startReady(queue);
    if (queue.active === 0) resolve();
  });

/**
 * A disk on a file or block device of the host.
 *
 * Transfers go straight between the file and physical memory on the host's own
 * threads, several at once, from the next `reap` or `wakeAt` on; requests that share a block are carried out in
 * the order of submission. A completed write has reached the operating system,
 * which `close` makes it store. A transfer that lies outside the disk, or that
 * the host cannot do (no space, an input error), completes and is not `ok`.
 * `submit` looks at every slot: O(queue slots).
 *
 * Throws a `HostError` when the file cannot be opened (see `openImageFile`).
 */
export const openImageDisk = (options: ImageDiskOptions): ImageDisk => {
  const file = openImageFile(options);
  const queueSlots = options.queueSlots ?? IMAGE_QUEUE_SLOTS;
  const hardware = Object.freeze({ blocks: file.blocks, queueSlots });
  const queue = makeQueue(hardware, file.descriptor, options.waker ?? silentWaker);
  const close = async (): Promise<void> => {
    if (queue.closed) return;
    queue.closed = true;
    await untilIdle(queue);
    file.close();
  };
  return Object.freeze({
    hardware,
    submit: (_now: Cycles, memory: Uint8Array, request: DiskRequest) => submit(queue, memory, request),
    reap: (_now: Cycles, limit: number, done: Done) => reap(queue, limit, done),
    settle: (now: Cycles) => settle(queue, now),
    armPosition: () => queue.arm as BlockNumber,
    wakeAt: (now: Cycles): Cycles => {
      startReady(queue);
      return queue.finished > 0 ? now : NEVER;
    },
    close,
  });
};
