/** A DMA engine: one copy after another, in the order they were accepted. */
import type { DmaEngine, DmaHardware, DmaRequest } from "../dma.ts";
import { NEVER, type Cycles } from "../units.ts";

/** What a DMA engine is made of; times in seconds. */
export interface DmaOptions {
  /** Copies queued before `submit` refuses; default 64. */
  readonly queueSlots?: number;
  /** Time to set one copy up; default 0.000 001. */
  readonly overheadSeconds?: number;
  /** Transfer rate; default 100 MB/s, the peak of a TURBOchannel: 4 bytes each of 25 million cycles. */
  readonly bytesPerSecond?: number;
}

interface Queued {
  readonly request: DmaRequest;
  readonly memory: Uint8Array;
  /** When it was accepted, and how long it takes. */
  readonly submitted: number;
  readonly cycles: number;
  isCancelled: boolean;
}

const fits = (memory: Uint8Array, { from, to, bytes }: DmaRequest): boolean =>
  Number.isSafeInteger(from) &&
  Number.isSafeInteger(to) &&
  Number.isSafeInteger(bytes) &&
  bytes >= 1 &&
  from >= 0 &&
  to >= 0 &&
  Math.max(from, to) + bytes <= memory.length;

/** Moves the bytes of a copy that is due; true if it was not cancelled and lies in the memory. */
const finish = ({ request, memory, isCancelled }: Queued): boolean => {
  if (isCancelled || !fits(memory, request)) return false;
  const { from, to, bytes } = request;
  memory.copyWithin(to, from, from + bytes);
  return true;
};

/**
 * A DMA engine in a machine of `hertz` cycles a second.
 *
 * Bytes move when the copy is reaped, so nothing shows early. A cancelled copy
 * completes at once, and those behind it do not wait for it.
 */
export function makeDmaEngine(hertz: number, options: DmaOptions = {}): DmaEngine {
  const hardware: DmaHardware = {
    queueSlots: options.queueSlots ?? 64,
    bytesPerSecond: options.bytesPerSecond ?? 100_000_000,
  };
  const overhead = (options.overheadSeconds ?? 0.000_001) * hertz;
  const cyclesPerByte = hertz / hardware.bytesPerSecond;
  const queue: Queued[] = [];
  /** When the engine was done with the last copy, or left it. */
  let free = 0;
  let cancelled = 0;
  /** The copies are made one after another: only when the first is due is known. */
  const dueOf = (head: Queued): number => Math.max(head.submitted, free) + head.cycles;
  /** Takes the next finished copy off the queue: a cancelled one wherever it is, else the first if it is due. */
  const takeFinished = (now: Cycles): Queued | undefined => {
    const index = cancelled > 0 ? queue.findIndex((one) => one.isCancelled) : 0;
    const taken = queue[index];
    if (taken === undefined || (cancelled === 0 && dueOf(taken) > now)) return undefined;
    if (index === 0) free = Math.max(free, Math.min(now, dueOf(taken)));
    queue.splice(index, 1);
    return taken;
  };
  const submit: DmaEngine["submit"] = (now, memory, request) => {
    if (queue.length >= hardware.queueSlots) return false;
    const cycles = fits(memory, request) ? Math.ceil(overhead + request.bytes * cyclesPerByte) : 1;
    queue.push({ request, memory, submitted: now, cycles, isCancelled: false });
    return true;
  };
  const cancel: DmaEngine["cancel"] = (request) => {
    const found = queue.find((one) => one.request === request);
    if (found === undefined || found.isCancelled) return false;
    found.isCancelled = true;
    cancelled += 1;
    return true;
  };
  const reap: DmaEngine["reap"] = (now, limit, done) => {
    let count = 0;
    while (count < limit) {
      const taken = takeFinished(now);
      if (taken === undefined) break;
      if (taken.isCancelled) cancelled -= 1;
      count += 1;
      done(taken.request, finish(taken));
    }
    return count;
  };
  const wakeAt: DmaEngine["wakeAt"] = (now) => {
    if (cancelled > 0) return now;
    return (queue[0] === undefined ? NEVER : dueOf(queue[0])) as Cycles;
  };
  return Object.freeze({ hardware: Object.freeze(hardware), submit, cancel, reap, wakeAt });
}
