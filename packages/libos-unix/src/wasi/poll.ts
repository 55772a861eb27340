/** `poll_oneoff`: waiting for times and for streams. */
import { WORD, clockOf, toNanoseconds, toWords } from "./clock.ts";
import { type BegunPoll, type WasiContext, setNumber } from "./context.ts";
import { ABSOLUTE_TIME, CLOCK, EVENT, EVENT_BYTES, EVENT_TYPE, HANGUP, rights } from "./layout.ts";
import { WAIT } from "./waiting.ts";
import type { Descriptor } from "../descriptor/descriptor.ts";
import { AGAIN } from "../descriptor/stream.ts";
import { ERRNO, type ErrnoName, errnoOf, refuse } from "../errno.ts";
import type { ProgramMemory } from "../memory/program-memory.ts";

/** Subscriptions of one poll; more are refused with `inval`. */
export const SUBSCRIPTIONS = 1024;

const READABLE = rights("poll_fd_readwrite", "fd_read");
const WRITABLE = rights("poll_fd_readwrite", "fd_write");

/** Bytes that a regular file is said to have room for. */
const FILE_ROOM = 65_536;

/** A due time that stands for an error number instead: below 0, where no time is. */
const asError = (name: ErrnoName): number => refuse(name);

/** Nanoseconds from now to a point of a clock, 0 when it is past; exact where that matters. */
function untilPoint(context: WasiContext, id: number, high: number, low: number): number {
  const { reading, words } = context.shared;
  clockOf(context.clocks, id)?.read(reading);
  toWords(reading, words);
  return Math.max(0, (high - words.high) * WORD + (low - words.low));
}

/** When the clock of the subscription at `at` is due, on the monotonic clock; below 0 an error. */
function dueOf(context: WasiContext, memory: ProgramMemory, at: number, now: number): number {
  const layout = context.dialect.subscription;
  const id = memory.getU32LE(at + layout.clock);
  if (clockOf(context.clocks, id) === undefined) return asError("inval");
  const flags = memory.getU16LE(at + layout.flags);
  if ((flags & ~ABSOLUTE_TIME) !== 0) return asError("inval");
  // A program that waits uses no processor time: that clock would stand still.
  if (id !== CLOCK.realtime && id !== CLOCK.monotonic) return asError("notsup");
  const low = memory.getU32LE(at + layout.timeout);
  const high = memory.getU32LE(at + layout.timeout + 4);
  if ((flags & ABSOLUTE_TIME) === 0) return now + high * WORD + low;
  return now + untilPoint(context, id, high, low);
}

/** Looks at what is asked and when each clock is due; an error number when a type is unknown. */
function beginPoll(context: WasiContext, poll: BegunPoll, now: number): number {
  const memory = context.memory();
  const layout = context.dialect.subscription;
  for (let index = 0; index < poll.count; index++) {
    const at = poll.input + index * layout.bytes;
    const type = memory.getU8(at + layout.type);
    if (type > EVENT_TYPE.write) return ERRNO.inval;
    poll.due[index] = type === EVENT_TYPE.clock ? dueOf(context, memory, at, now) : Number.NaN;
  }
  return ERRNO.success;
}

/** What became of a subscription to a descriptor: bytes, `AGAIN`, or another refusal. */
function readiness(open: Descriptor | undefined, writes: boolean): number {
  if (open === undefined) return refuse("badf");
  const needed = writes ? WRITABLE : READABLE;
  if ((open.rights & needed) !== needed) return refuse("notcapable");
  const { thing } = open;
  if (thing.kind === "stream") return writes ? thing.stream.writable() : thing.stream.readable();
  if (thing.kind === "directory") return refuse("isdir");
  if (writes) return FILE_ROOM;
  const size = thing.file.size();
  return size < 0 ? size : Math.max(0, size - open.position);
}

/** Where the next event is written, and how many were. */
interface Events {
  readonly memory: ProgramMemory;
  readonly at: number;
  count: number;
}

/** What is told of one subscription. */
interface Told {
  readonly low: number;
  readonly high: number;
  readonly type: number;
  /** Bytes, or a refusal. */
  readonly outcome: number;
  readonly hangup: boolean;
}

function writeEvent(events: Events, told: Told): void {
  const { memory } = events;
  const at = events.at + events.count * EVENT_BYTES;
  events.count += 1;
  memory.setU32LE(at + EVENT.userdata, told.low);
  memory.setU32LE(at + EVENT.userdata + 4, told.high);
  memory.setU16LE(at + EVENT.error, errnoOf(told.outcome));
  memory.setU16LE(at + EVENT.type, told.type);
  memory.setU32LE(at + EVENT.type + 2, 0);
  setNumber(memory, at + EVENT.bytes, Math.max(0, told.outcome));
  setNumber(memory, at + EVENT.flags, told.hangup ? HANGUP : 0);
}

/** What is known of one subscription: undefined when it has to be waited for. */
function look(context: WasiContext, poll: BegunPoll, index: number, now: number): Told | undefined {
  const layout = context.dialect.subscription;
  const memory = context.memory();
  const at = poll.input + index * layout.bytes;
  const low = memory.getU32LE(at + layout.userdata);
  const high = memory.getU32LE(at + layout.userdata + 4);
  const due = poll.due[index] ?? 0;
  const type = memory.getU8(at + layout.type);
  if (!Number.isNaN(due)) {
    if (due > now) return undefined;
    return { low, high, type: EVENT_TYPE.clock, outcome: Math.min(0, due), hangup: false };
  }
  const writes = type === EVENT_TYPE.write;
  const open = context.table.get(memory.getU32LE(at + layout.descriptor));
  const outcome = readiness(open, writes);
  if (outcome === AGAIN) return undefined;
  const ended = open?.thing.kind === "stream" && !writes && outcome === 0;
  return { low, high, type, outcome, hangup: ended || outcome === refuse("pipe") };
}

/** Notes what all subscriptions wait for. */
function wait(context: WasiContext, poll: BegunPoll): number {
  const waiting = context.waiting();
  const memory = context.memory();
  const layout = context.dialect.subscription;
  for (let index = 0; index < poll.count; index++) {
    const due = poll.due[index] ?? 0;
    if (!Number.isNaN(due)) {
      waiting.until = Math.min(waiting.until, due);
      continue;
    }
    const at = poll.input + index * layout.bytes;
    const thing = context.table.get(memory.getU32LE(at + layout.descriptor))?.thing;
    if (thing?.kind !== "stream") continue;
    const writes = memory.getU8(at + layout.type) === EVENT_TYPE.write;
    (writes ? waiting.writes : waiting.reads).push(thing.stream);
  }
  return WAIT;
}

/** Writes an event for all that is ready, else waits; an error number. */
function answer(context: WasiContext, poll: BegunPoll, now: number, result: number): number {
  const told: Told[] = [];
  for (let index = 0; index < poll.count; index++) {
    const each = look(context, poll, index, now);
    if (each !== undefined) told.push(each);
  }
  if (told.length === 0) return wait(context, poll);
  const memory = context.memory();
  const events = { memory, at: poll.output, count: 0 };
  for (const each of told) writeEvent(events, each);
  memory.setU32LE(result, told.length);
  return ERRNO.success;
}

/** The poll that goes on when this call is made again, or a new one. */
function pollFor(context: WasiContext, input: number, output: number, count: number): BegunPoll {
  const { poll } = context.shared;
  context.shared.poll = undefined;
  if (poll?.input === input && poll.output === output && poll.count === count) return poll;
  return { input, output, count, due: new Float64Array(0) };
}

/**
 * `poll_oneoff`: what is ready of what is asked for, or `WAIT`.
 *
 * Times count from the first attempt. So does a point of the realtime clock: how far off
 * it is then is how long is waited, whatever that clock is set to meanwhile. Results may lie on the questions: all of
 * these are read before anything is written.
 */
export const pollOneoff =
  (context: WasiContext) =>
  (input: number, output: number, count: number, result: number): number => {
    const subscriptions = count >>> 0;
    if (subscriptions === 0 || subscriptions > SUBSCRIPTIONS) return ERRNO.inval;
    const poll = pollFor(context, input >>> 0, output >>> 0, subscriptions);
    const memory = context.memory();
    memory.demand(poll.input, subscriptions * context.dialect.subscription.bytes, false);
    memory.demand(poll.output, subscriptions * EVENT_BYTES, true);
    memory.demand(result >>> 0, 4, true);
    context.clocks.monotonic.read(context.shared.reading);
    const now = toNanoseconds(context.shared.reading);
    if (poll.due.length === 0) {
      poll.due = new Float64Array(subscriptions);
      const wrong = beginPoll(context, poll, now);
      if (wrong !== ERRNO.success) return wrong;
    }
    const answered = answer(context, poll, now, result >>> 0);
    if (answered === WAIT) context.shared.poll = poll;
    return answered;
  };
