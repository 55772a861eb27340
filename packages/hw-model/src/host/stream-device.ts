/** A stream device whose streams are the host's own connections. */
import type { StreamDevice, StreamHardware } from "../stream-device.ts";
import { openDoor } from "./stream-door.ts";
import type { StreamDoor } from "./stream-door.ts";
import { makeStreamNumbers } from "./stream-numbers.ts";
import type { StreamNumbers } from "./stream-numbers.ts";
import { openHostStream, parting } from "./host-stream.ts";
import type { HostStream, Parting } from "./host-stream.ts";
import { HostError } from "./host-error.ts";
import { STREAM_STATE } from "../stream-device.ts";
import { silentWaker } from "./waker.ts";
import type { Waker } from "./waker.ts";

/** Streams carried at once, unless told otherwise. */
export const HOST_STREAMS = 1024;

/** Bytes buffered for a stream in each direction, unless told otherwise. */
export const HOST_STREAM_BYTES = 262_144;

/** Where to listen, and how much to carry. */
export interface ListenOptions {
  /** An address or name of this host; 127.0.0.1 unless given. */
  readonly host?: string;
  /** The port; 0, or none, lets the host choose. */
  readonly port?: number;
  /** Streams at once, `HOST_STREAMS` unless given; as many again wait outside, more are refused. */
  readonly streams?: number;
  /** Bytes held for a stream in each direction, `HOST_STREAM_BYTES` unless given. */
  readonly bufferBytes?: number;
  /** Woken when a stream can be accepted or changed. */
  readonly waker?: Waker;
}

/** A stream device that listens on the host. */
export interface ListeningStreams extends StreamDevice {
  /** The address it listens on. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** Lets nobody else in; streams already carried go on. */
  stopListening(): void;
  /** Breaks every stream and stops listening; resolves when the host has let go of the port. */
  close(): Promise<void>;
}

interface Streams {
  readonly hardware: StreamHardware;
  readonly numbers: StreamNumbers;
  readonly door: StreamDoor;
  readonly parting: Parting;
  readonly carried: (HostStream | undefined)[];
}

const accept = (streams: Streams): number => {
  if (streams.numbers.available() === 0) return -1;
  const connection = streams.door.next();
  if (connection === undefined) return -1;
  const number = streams.numbers.take();
  const { bufferBytes } = streams.hardware;
  streams.carried[number] = openHostStream(connection, bufferBytes, () => streams.numbers.mark(number));
  return number;
};

/** A number was given back: somebody who waits outside can have it. */
const release = (streams: Streams, number: number): void => {
  streams.carried[number] = undefined;
  streams.numbers.release(number);
  if (streams.door.waiting() > 0) streams.numbers.markDoor();
};

const control = (streams: Streams, number: number, operation: "end" | "close" | "reset"): void => {
  const stream = streams.carried[number];
  if (stream === undefined) return;
  if (operation === "end") return stream.end();
  if (operation === "close") streams.parting.leave(stream.detach());
  else stream.reset();
  release(streams, number);
};

const closeAll = async (streams: Streams): Promise<void> => {
  for (const [number, stream] of streams.carried.entries()) {
    if (stream === undefined) continue;
    stream.reset();
    release(streams, number);
  }
  streams.parting.breakOff();
  await streams.door.close();
};

const makeDevice = (streams: Streams): ListeningStreams => {
  const { carried, numbers, door, hardware } = streams;
  return Object.freeze({
    hardware,
    host: door.host,
    port: door.port,
    accept: () => accept(streams),
    state: (stream: number) => carried[stream]?.state() ?? STREAM_STATE.failed,
    read: (stream: number, memory: Uint8Array, at: number, length: number) =>
      carried[stream]?.read(memory, at, length) ?? 0,
    write: (stream: number, memory: Uint8Array, at: number, length: number) =>
      carried[stream]?.write(memory, at, length) ?? 0,
    control: (stream: number, operation: "end" | "close" | "reset") => control(streams, stream, operation),
    reap: numbers.reap,
    stopListening: door.shut,
    close: () => closeAll(streams),
  });
};

const checkCount = (name: string, value: number, most: number): void => {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new HostError("BadArgument", `${name} must be 1 to ${most}, not ${value}`);
};

/**
 * Listens on the host and carries what connects as streams.
 *
 * Bytes pass through buffers of `bufferBytes` in each direction. A stream that
 * is not read stops being read from the host, which stops its sender; a
 * buffer under 128 KiB may overshoot by one read of the host (64 KiB). Rejects with a `HostError`:
 * `AddressInUse`, `NoSuchAddress`, `NotPermitted`, `BadArgument`.
 */
export const listenStreams = async (options: ListenOptions = {}): Promise<ListeningStreams> => {
  const { host = "127.0.0.1", port = 0, waker = silentWaker } = options;
  const { streams = HOST_STREAMS, bufferBytes = HOST_STREAM_BYTES } = options;
  checkCount("streams", streams, 1_000_000);
  checkCount("bufferBytes", bufferBytes, 2 ** 30);
  const numbers = makeStreamNumbers(streams, waker);
  const room = (): number => numbers.available() + streams;
  const door = await openDoor({ host, port, most: 3 * streams, room, arrived: numbers.markDoor });
  const hardware = Object.freeze({ streams, bufferBytes });
  return makeDevice({ hardware, numbers, door, parting: parting(streams), carried: [] });
};
