/** What every stream device keeps. */
import { expect } from "vitest";
import { STREAM_STATE, type StreamDevice } from "../stream-device.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** The world outside a stream device, as the suite plays it; `end` below names one of its ends. */
export interface StreamPeer {
  /** Opens a stream towards the device; the number names this outer end only. */
  open(): number | Promise<number>;
  /** Sends `bytes`, after what was sent before; what the device will not take yet waits outside. */
  send(end: number, bytes: Uint8Array): void;
  /** Everything that the device has sent to this end so far. */
  received(end: number): Uint8Array;
  /** Stops (`true`) or resumes taking bytes from the device. */
  hold(end: number, held: boolean): void;
  /** Sends no more; still takes bytes. */
  end(end: number): void;
  /** Breaks the stream in both directions. */
  reset(end: number): void;
  /** What this end knows: `open`, the device `ended` its direction, or the stream is `broken`. */
  state(end: number): "open" | "ended" | "broken";
}

/** A stream device under test, with at least four streams. */
export interface StreamHarness extends Settling {
  readonly device: StreamDevice;
  readonly peer: StreamPeer;
}

interface Opened {
  readonly end: number;
  readonly stream: number;
}

const open = async (harness: StreamHarness): Promise<Opened> => {
  const end = await harness.peer.open();
  let stream = -1;
  expect(await eventually(harness, () => (stream = harness.device.accept()) >= 0)).toBe(true);
  return { end, stream };
};

const has = (harness: StreamHarness, stream: number, bit: number): boolean =>
  (harness.device.state(stream) & bit) !== 0;

const bytesOf = (length: number, tag: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + tag) & 0xff);

const readAll = async (harness: StreamHarness, stream: number, length: number): Promise<Uint8Array> => {
  const memory = new Uint8Array(length);
  let got = 0;
  await eventually(harness, () => {
    got += harness.device.read(stream, memory, got, length - got);
    return got === length;
  });
  expect(got).toBe(length);
  return memory;
};

const writeAll = async (harness: StreamHarness, stream: number, bytes: Uint8Array): Promise<void> => {
  let put = 0;
  await eventually(harness, () => {
    put += harness.device.write(stream, bytes, put, bytes.length - put);
    return put === bytes.length;
  });
  expect(put).toBe(bytes.length);
};

const nobodyThere = (harness: StreamHarness): void => {
  const memory = new Uint8Array(8);
  expect(harness.device.hardware.streams).toBeGreaterThanOrEqual(4);
  expect(harness.device.hardware.bufferBytes).toBeGreaterThanOrEqual(1024);
  expect(harness.device.accept()).toBe(-1);
  for (const stream of [-1, 0, 3, 1e6]) {
    expect(has(harness, stream, STREAM_STATE.failed)).toBe(true);
    expect(harness.device.read(stream, memory, 0, 8)).toBe(0);
    expect(harness.device.write(stream, memory, 0, 8)).toBe(0);
    harness.device.control(stream, "close");
  }
};

const carriesBothWays = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  const { bufferBytes } = harness.device.hardware;
  const inward = bytesOf(3 * bufferBytes + 17, 1);
  harness.peer.send(end, inward);
  expect(await readAll(harness, stream, inward.length)).toEqual(inward);
  const outward = bytesOf(3 * bufferBytes + 19, 2);
  await writeAll(harness, stream, outward);
  expect(await eventually(harness, () => harness.peer.received(end).length >= outward.length)).toBe(true);
  expect(harness.peer.received(end)).toEqual(outward);
};

const keepsApart = async (harness: StreamHarness): Promise<void> => {
  const one = await open(harness);
  const two = await open(harness);
  expect(one.stream).not.toBe(two.stream);
  harness.peer.send(one.end, bytesOf(100, 1));
  harness.peer.send(two.end, bytesOf(100, 2));
  expect(await readAll(harness, two.stream, 100)).toEqual(bytesOf(100, 2));
  expect(await readAll(harness, one.stream, 100)).toEqual(bytesOf(100, 1));
};

const bitsMatch = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  const memory = new Uint8Array(100);
  expect(await eventually(harness, () => has(harness, stream, STREAM_STATE.writable))).toBe(true);
  expect(has(harness, stream, STREAM_STATE.readable)).toBe(false);
  expect(harness.device.read(stream, memory, 0, 100)).toBe(0);
  harness.peer.send(end, bytesOf(10, 3));
  expect(await eventually(harness, () => has(harness, stream, STREAM_STATE.readable))).toBe(true);
  expect(harness.device.read(stream, memory, 0, 4)).toBe(4);
  expect(await readAll(harness, stream, 6)).toEqual(bytesOf(10, 3).slice(4));
  expect(has(harness, stream, STREAM_STATE.readable)).toBe(false);
};

const buffersNoMore = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  const { bufferBytes } = harness.device.hardware;
  const all = bytesOf(4 * bufferBytes, 4);
  harness.peer.send(end, all);
  expect(await eventually(harness, () => has(harness, stream, STREAM_STATE.readable))).toBe(true);
  for (let i = 0; i < 20; i++) await harness.settle();
  const memory = new Uint8Array(all.length);
  const first = harness.device.read(stream, memory, 0, all.length);
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThanOrEqual(bufferBytes);
  memory.set(await readAll(harness, stream, all.length - first), first);
  expect(memory).toEqual(all);
};

/** Bytes after which a peer that takes none must have stopped the device. */
const OUTSIDE_BYTES = 64 * 1024 * 1024;

const fillUp = async (harness: StreamHarness, stream: number, chunk: Uint8Array): Promise<number> => {
  let put = 0;
  for (let stuck = 0; stuck < 20 && put < OUTSIDE_BYTES;) {
    const took = harness.device.write(
      stream,
      chunk,
      put % 256,
      Math.min(chunk.length - 256, OUTSIDE_BYTES - put),
    );
    put += took;
    stuck = took === 0 ? stuck + 1 : 0;
    if (took === 0) await harness.settle();
  }
  return put;
};

const pushesBack = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  harness.peer.hold(end, true);
  const chunk = Uint8Array.from({ length: 8192 }, (_, i) => i & 0xff);
  const put = await fillUp(harness, stream, chunk);
  expect(put).toBeLessThan(OUTSIDE_BYTES);
  expect(has(harness, stream, STREAM_STATE.writable)).toBe(false);
  harness.peer.hold(end, false);
  expect(await eventually(harness, () => harness.peer.received(end).length >= put)).toBe(true);
  const got = harness.peer.received(end);
  expect(got.length).toBe(put);
  expect(got.every((byte, i) => byte === (i & 0xff))).toBe(true);
  expect(await eventually(harness, () => has(harness, stream, STREAM_STATE.writable))).toBe(true);
};

const halfClosesInward = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  harness.peer.send(end, bytesOf(50, 5));
  harness.peer.end(end);
  expect(await eventually(harness, () => has(harness, stream, STREAM_STATE.ended))).toBe(true);
  expect(await readAll(harness, stream, 50)).toEqual(bytesOf(50, 5));
  expect(has(harness, stream, STREAM_STATE.readable)).toBe(false);
  expect(has(harness, stream, STREAM_STATE.failed)).toBe(false);
  await writeAll(harness, stream, bytesOf(60, 6));
  expect(await eventually(harness, () => harness.peer.received(end).length === 60)).toBe(true);
  expect(harness.peer.received(end)).toEqual(bytesOf(60, 6));
};

const halfClosesOutward = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  await writeAll(harness, stream, bytesOf(70, 7));
  harness.device.control(stream, "end");
  expect(await eventually(harness, () => harness.peer.state(end) === "ended")).toBe(true);
  expect(harness.peer.received(end)).toEqual(bytesOf(70, 7));
  expect(harness.device.write(stream, bytesOf(5, 0), 0, 5)).toBe(0);
  harness.peer.send(end, bytesOf(80, 8));
  expect(await readAll(harness, stream, 80)).toEqual(bytesOf(80, 8));
};

const peerResets = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  harness.peer.reset(end);
  expect(await eventually(harness, () => has(harness, stream, STREAM_STATE.failed))).toBe(true);
  expect(harness.device.write(stream, bytesOf(5, 0), 0, 5)).toBe(0);
  harness.device.control(stream, "close");
  expect(has(harness, stream, STREAM_STATE.failed)).toBe(true);
};

const deviceResets = async (harness: StreamHarness): Promise<void> => {
  const { end, stream } = await open(harness);
  harness.device.control(stream, "reset");
  expect(await eventually(harness, () => harness.peer.state(end) === "broken")).toBe(true);
  expect(has(harness, stream, STREAM_STATE.failed)).toBe(true);
};

const tellsChanges = async (harness: StreamHarness): Promise<void> => {
  const seen = new Set<number>();
  const look = (wanted: number) => (): boolean => {
    expect(harness.device.reap(2, (stream) => seen.add(stream))).toBeLessThanOrEqual(2);
    return seen.has(wanted);
  };
  const end = await harness.peer.open();
  expect(await eventually(harness, look(-1))).toBe(true);
  let stream = -1;
  expect(await eventually(harness, () => (stream = harness.device.accept()) >= 0)).toBe(true);
  for (const change of [() => harness.peer.send(end, bytesOf(9, 9)), () => harness.peer.end(end)]) {
    while (harness.device.reap(8, () => {}) > 0);
    seen.clear();
    change();
    expect(await eventually(harness, look(stream))).toBe(true);
  }
  while (harness.device.reap(8, () => {}) > 0);
  expect(harness.device.reap(8, () => {})).toBe(0);
};

const boundsStreams = async (harness: StreamHarness): Promise<void> => {
  const ends: number[] = [];
  const streams = new Set<number>();
  const limit = Math.min(harness.device.hardware.streams, 256);
  for (let i = 0; i < limit + 1; i++) ends.push(await harness.peer.open());
  const take = (): boolean => {
    for (let stream = harness.device.accept(); stream >= 0; stream = harness.device.accept())
      streams.add(stream);
    return streams.size >= limit;
  };
  expect(await eventually(harness, take)).toBe(true);
  const bounded = limit === harness.device.hardware.streams;
  if (bounded) expect(harness.device.accept()).toBe(-1);
  const [first = -1] = streams;
  harness.device.control(first, "close");
  expect(await eventually(harness, () => harness.device.accept() >= 0)).toBe(true);
};

const CASES: readonly ContractCase<StreamHarness>[] = [
  ["calls a number that was not handed out failed, and moves nothing", nobodyThere],
  ["carries bytes both ways, more than it buffers", carriesBothWays],
  ["keeps streams apart", keepsApart],
  ["tells in bits what a stream can do", bitsMatch],
  ["buffers no more than it says of a stream that is not read", buffersNoMore],
  ["takes no more bytes for an end that takes none", pushesBack],
  ["still writes after the other end ended", halfClosesInward],
  ["still reads after its own end ended", halfClosesOutward],
  ["fails a stream that the other end reset", peerResets],
  ["tells the other end of a reset", deviceResets],
  ["tells every change once, within the limit", tellsChanges],
  ["carries a bounded number of streams, and takes the next when one is closed", boundsStreams],
];

/** Checks that the devices that `make` makes keep the contract of `StreamDevice`. */
export function streamContract(
  name: string,
  make: MakeHarness<StreamHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
