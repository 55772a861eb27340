/** A stream device whose outer ends are scripted. */
import { STREAM_STATE, type StreamDevice, type StreamHardware } from "../stream-device.ts";
import { makeGrowingBytes, type GrowingBytes } from "./growing-bytes.ts";

/** The world outside, as a test plays it. An `end` is the number that `open` gave. */
export interface StreamWorld {
  /** Opens a stream towards the device. O(1). */
  open(): number;
  /** Sends `bytes` or text (UTF-8); what the device does not buffer waits here. O(bytes). */
  send(end: number, bytes: Uint8Array | string): void;
  /** Everything the device has sent to `end` and nobody took by `take`, as a copy. O(bytes). */
  received(end: number): Uint8Array;
  /** Takes the next bytes from the device, at most `limit`, held or not: a copy; the world forgets them. O(bytes). */
  take(end: number, limit?: number): Uint8Array;
  /** The next end that was sent bytes, or whose state changed by the device, since it was last told; -1 for none. O(1). */
  next(): number;
  /** Stops (`true`) or resumes taking bytes from the device. */
  hold(end: number, held: boolean): void;
  /** Sends no more. */
  end(end: number): void;
  /** Breaks the stream in both directions. */
  reset(end: number): void;
  /** `ended`: the device will send no more. `broken`: reset, or closed before both directions ended. */
  state(end: number): "open" | "ended" | "broken";
  /** The world is done with a stream that is over: its number names nothing any more. O(1). */
  forget(end: number): void;
}

/** A scripted stream device and the world outside it. */
export interface SimulatedStreamDevice extends StreamDevice {
  readonly world: StreamWorld;
}

/** One stream, seen from both sides. */
interface Stream {
  /** The number of its outer end. */
  readonly end: number;
  /** True while it waits to be told by `next`. */
  touched: boolean;
  /** Sent from outside, and how much of it the device's owner has read; forgotten when all is. */
  readonly inward: GrowingBytes;
  inwardRead: number;
  inwardEnded: boolean;
  /** Written by the owner: what the world has not forgotten, how much of it the world has taken, and how much by `take`. */
  readonly outward: GrowingBytes;
  outwardTaken: number;
  outwardShown: number;
  outwardEnded: boolean;
  held: boolean;
  broken: boolean;
  /** The device's number for it, -1 before `accept` and after `close`. */
  number: number;
  /** The state bits that `reap` last told, less those that the owner has used up since: they are news again. */
  told: number;
}

interface DeviceState {
  readonly hardware: StreamHardware;
  /** Every stream opened and not forgotten, by the number of its outer end. */
  readonly ends: Map<number, Stream>;
  /** Streams ever opened. */
  opened: number;
  /** Outer ends that `next` has to tell, in order, and how many of them it told. */
  touched: number[];
  told: number;
  /** Streams handed out, by the device's number. */
  readonly handed: (Stream | undefined)[];
  /** Opened outside, not accepted. */
  readonly waiting: Stream[];
  /** True once `reap` has told that one can be accepted. */
  toldWaiting: boolean;
  /** Where the next `reap` begins looking, so that none is passed over for ever. */
  next: number;
}

const makeStream = (end: number): Stream => ({
  end,
  touched: false,
  inward: makeGrowingBytes(),
  inwardRead: 0,
  inwardEnded: false,
  outward: makeGrowingBytes(),
  outwardTaken: 0,
  outwardShown: 0,
  outwardEnded: false,
  held: false,
  broken: false,
  number: -1,
  told: 0,
});

/** Bytes for the owner to read; no more than the device buffers. */
const readable = (device: DeviceState, stream: Stream): number =>
  Math.min(device.hardware.bufferBytes, stream.inward.length() - stream.inwardRead);

/** Bytes the owner may write. */
const room = (device: DeviceState, stream: Stream): number =>
  stream.outwardEnded || stream.broken
    ? 0
    : device.hardware.bufferBytes - (stream.outward.length() - stream.outwardTaken);

const bits = (device: DeviceState, stream: Stream | undefined): number => {
  if (stream === undefined || stream.broken) return STREAM_STATE.failed;
  return (
    (readable(device, stream) > 0 ? STREAM_STATE.readable : 0) |
    (room(device, stream) > 0 ? STREAM_STATE.writable : 0) |
    (stream.inwardEnded ? STREAM_STATE.ended : 0)
  );
};

/** Something happened to a stream that its outer end can see. */
const touch = (device: DeviceState, stream: Stream): void => {
  if (stream.touched) return;
  stream.touched = true;
  device.touched.push(stream.end);
};

const next = (device: DeviceState): number => {
  const end = device.touched[device.told];
  if (end === undefined) {
    device.touched.length = device.told = 0;
    return -1;
  }
  device.told++;
  const stream = device.ends.get(end);
  if (stream !== undefined) stream.touched = false;
  return end;
};

const accept = (device: DeviceState): number => {
  const number = device.waiting.length === 0 ? -1 : firstFree(device);
  const stream = number < 0 ? undefined : device.waiting.shift();
  if (stream === undefined) return -1;
  stream.number = number;
  device.handed[number] = stream;
  device.toldWaiting = false;
  return number;
};

const firstFree = ({ handed, hardware }: DeviceState): number => {
  for (let number = 0; number < hardware.streams; number++) if (handed[number] === undefined) return number;
  return -1;
};

const read = (
  device: DeviceState,
  number: number,
  memory: Uint8Array,
  at: number,
  length: number,
): number => {
  const stream = device.handed[number];
  if (stream === undefined || stream.broken) return 0;
  const count = Math.min(length, readable(device, stream));
  memory.set(stream.inward.view(stream.inwardRead, stream.inwardRead + count), at);
  stream.inwardRead += count;
  if (stream.inwardRead === stream.inward.length()) {
    stream.inward.clear();
    stream.inwardRead = 0;
    stream.told &= ~STREAM_STATE.readable;
  }
  return count;
};

/** A stream that is not held takes everything at once. */
const accrue = (stream: Stream): void => {
  if (!stream.held) stream.outwardTaken = stream.outward.length();
};

const take = (stream: Stream, limit: number): Uint8Array => {
  const { outward, outwardShown } = stream;
  const bytes = outward.view(outwardShown, Math.min(outward.length(), outwardShown + limit)).slice();
  stream.outwardShown += bytes.length;
  stream.outwardTaken = Math.max(stream.outwardTaken, stream.outwardShown);
  if (stream.outwardShown === outward.length()) {
    outward.clear();
    stream.outwardShown = stream.outwardTaken = 0;
  }
  return bytes;
};

const write = (
  device: DeviceState,
  number: number,
  memory: Uint8Array,
  at: number,
  length: number,
): number => {
  const stream = device.handed[number];
  if (stream === undefined) return 0;
  const count = Math.min(length, room(device, stream));
  stream.outward.append(memory, at, count);
  if (count < length || room(device, stream) === 0) stream.told &= ~STREAM_STATE.writable;
  accrue(stream);
  if (count > 0) touch(device, stream);
  return count;
};

const control = (device: DeviceState, number: number, operation: "end" | "close" | "reset"): void => {
  const stream = device.handed[number];
  if (stream === undefined) return;
  touch(device, stream);
  if (operation === "end") {
    stream.outwardEnded = true;
    return;
  }
  if (operation === "reset" || !stream.inwardEnded || !stream.outwardEnded) stream.broken = true;
  stream.number = -1;
  device.handed[number] = undefined;
};

const tellWaiting = (device: DeviceState, changed: (stream: number) => void): number => {
  if (device.toldWaiting || device.waiting.length === 0 || firstFree(device) < 0) return 0;
  device.toldWaiting = true;
  changed(-1);
  return 1;
};

const reap = (device: DeviceState, limit: number, changed: (stream: number) => void): number => {
  if (limit < 1) return 0;
  let count = tellWaiting(device, changed);
  const { streams } = device.hardware;
  for (let i = 0; i < streams && count < limit; i++) {
    const number = device.next;
    device.next = (number + 1) % streams;
    const stream = device.handed[number];
    const state = bits(device, stream);
    if (stream === undefined || stream.told === state) continue;
    stream.told = state;
    count++;
    changed(number);
  }
  return count;
};

const endOf = (device: DeviceState, end: number): Stream => {
  const stream = device.ends.get(end);
  if (stream === undefined) throw new RangeError(`no stream was opened as ${end}`);
  return stream;
};

const open = (device: DeviceState): number => {
  const stream = makeStream(device.opened++);
  device.waiting.push(stream);
  device.ends.set(stream.end, stream);
  return stream.end;
};

const sendTo = (stream: Stream, input: Uint8Array | string): void => {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  if (!stream.inwardEnded && !stream.broken) stream.inward.append(bytes, 0, bytes.length);
};

const stateOf = (stream: Stream): "open" | "ended" | "broken" => {
  if (stream.broken) return "broken";
  return stream.outwardEnded ? "ended" : "open";
};

const makeStreamWorld = (device: DeviceState): StreamWorld => ({
  open: () => open(device),
  send: (end, bytes) => sendTo(endOf(device, end), bytes),
  received: (end) => {
    const { outward, outwardTaken, outwardShown } = endOf(device, end);
    return outward.view(outwardShown, outwardTaken).slice();
  },
  take: (end, limit = Infinity) => take(endOf(device, end), limit),
  next: () => next(device),
  hold: (end, held) => {
    const stream = endOf(device, end);
    stream.held = held;
    accrue(stream);
  },
  end: (end) => {
    endOf(device, end).inwardEnded = true;
  },
  reset: (end) => {
    endOf(device, end).broken = true;
  },
  state: (end) => stateOf(endOf(device, end)),
  forget: (end) => {
    device.ends.delete(end);
  },
});

/**
 * A stream device of `streams` streams (default 256) that buffers `bufferBytes` (default 64 KiB) each way.
 *
 * Its world is infinitely fast unless an end is held: what is written is taken
 * at once. `reap` costs O(streams).
 */
export function makeSimulatedStreamDevice(
  streams: number = 256,
  bufferBytes: number = 65_536,
): SimulatedStreamDevice {
  const device: DeviceState = {
    hardware: { streams, bufferBytes },
    ends: new Map(),
    opened: 0,
    touched: [],
    told: 0,
    handed: [],
    waiting: [],
    toldWaiting: false,
    next: 0,
  };
  return {
    hardware: device.hardware,
    accept: () => accept(device),
    state: (stream) => bits(device, device.handed[stream]),
    read: (stream, memory, at, length) => read(device, stream, memory, at, length),
    write: (stream, memory, at, length) => write(device, stream, memory, at, length),
    control: (stream, operation) => control(device, stream, operation),
    reap: (limit, changed) => reap(device, limit, changed),
    world: makeStreamWorld(device),
  };
}
