import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { streamContract } from "../contract/index.ts";
import type { StreamPeer } from "../contract/index.ts";
import { STREAM_STATE } from "../stream-device.ts";
import { pause, until } from "../../test/host-events.ts";
import { listenStreams } from "./stream-device.ts";
import type { ListenOptions, ListeningStreams } from "./stream-device.ts";
import { makeWaker } from "./waker.ts";

interface Client {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  state: "open" | "ended" | "broken";
}

const open = (port: number): Promise<Client> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const client: Client = { socket, chunks: [], state: "open" };
    socket.on("data", (chunk: Buffer) => client.chunks.push(chunk));
    socket.on("end", () => (client.state = "ended"));
    socket.on("error", (error) => {
      client.state = "broken";
      reject(error);
    });
    socket.on("connect", () => resolve(client));
  });

const received = (client: Client | undefined): Uint8Array => {
  if (client === undefined) return new Uint8Array(0);
  const all = Buffer.concat(client.chunks);
  client.chunks.splice(0, client.chunks.length, all);
  return Uint8Array.from(all);
};

const makePeer = (port: number, clients: Client[]): StreamPeer => ({
  open: async () => clients.push(await open(port)) - 1,
  send: (end, bytes) => void clients[end]?.socket.write(bytes),
  received: (end) => received(clients[end]),
  hold: (end, held) => void (held ? clients[end]?.socket.pause() : clients[end]?.socket.resume()),
  end: (end) => void clients[end]?.socket.end(),
  reset: (end) => void clients[end]?.socket.resetAndDestroy(),
  state: (end) => clients[end]?.state ?? "broken",
});

const makeHarness = async (options: ListenOptions) => {
  const device = await listenStreams(options);
  const clients: Client[] = [];
  const dispose = async (): Promise<void> => {
    for (const client of clients) client.socket.destroy();
    await device.close();
  };
  return { device, clients, peer: makePeer(device.port, clients), settle: pause, dispose };
};

streamContract("host streams", () => makeHarness({ streams: 16 }));

streamContract("host streams with little room", () => makeHarness({ streams: 4, bufferBytes: 4096 }));

type Harness = Awaited<ReturnType<typeof makeHarness>>;

const scenario = (
  title: string,
  options: ListenOptions,
  check: (harness: Harness) => Promise<void>,
): void => {
  test(title, async () => {
    const harness = await makeHarness(options);
    try {
      await check(harness);
    } finally {
      await harness.dispose();
    }
  });
};

const accepted = async (device: ListeningStreams): Promise<number> => {
  let stream = -1;
  expect(await until(() => (stream = device.accept()) >= 0)).toBe(true);
  return stream;
};

const memory = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 31) & 0xff);

describe("host streams", () => {
  scenario(
    "close sends what was taken, then ends",
    { bufferBytes: 500_000 },
    async ({ device, peer, clients }) => {
      const end = await peer.open();
      const stream = await accepted(device);
      peer.hold(end, true);
      const taken = device.write(stream, memory, 0, 500_000);
      expect(taken).toBe(500_000);
      device.control(stream, "close");
      expect(device.state(stream)).toBe(STREAM_STATE.failed);
      expect(device.write(stream, memory, 0, 10)).toBe(0);
      peer.hold(end, false);
      expect(await until(() => peer.state(end) === "ended")).toBe(true);
      expect(peer.received(end)).toEqual(memory.slice(0, taken));
      peer.end(end);
      expect(await until(() => clients[end]?.socket.destroyed === true)).toBe(true);
    },
  );

  scenario("close with unread bytes still delivers what was written", {}, async ({ device, peer }) => {
    const end = await peer.open();
    const stream = await accepted(device);
    peer.send(end, memory.subarray(0, 50_000));
    expect(await until(() => device.state(stream) % 2 === 1)).toBe(true);
    device.write(stream, memory, 0, 1000);
    device.control(stream, "close");
    expect(await until(() => peer.state(end) !== "open")).toBe(true);
    expect(peer.state(end)).toBe("ended");
    expect(peer.received(end)).toEqual(memory.slice(0, 1000));
  });

  scenario(
    "a number closed and handed out again knows nothing of its past",
    { streams: 4 },
    async ({ device, peer }) => {
      const first = await peer.open();
      const stream = await accepted(device);
      peer.send(first, memory.subarray(0, 100));
      await until(() => device.state(stream) % 2 === 1);
      device.control(stream, "close");
      const second = await peer.open();
      expect(await accepted(device)).toBe(stream);
      peer.send(first, memory.subarray(0, 100));
      await pause();
      expect(device.state(stream)).toBe(STREAM_STATE.writable);
      device.write(stream, memory, 5, 10);
      expect(await until(() => peer.received(second).length === 10)).toBe(true);
      expect(peer.received(first).length).toBe(0);
    },
  );

  scenario(
    "a stream that was full is reported when it has room",
    { bufferBytes: 65_536 },
    async ({ device, peer }) => {
      const end = await peer.open();
      const stream = await accepted(device);
      peer.hold(end, true);
      for (let still = 0; still < 5; await pause())
        still = device.write(stream, memory, 0, 65_536) > 0 ? 0 : still + 1;
      while (device.reap(8, () => {}) > 0);
      peer.hold(end, false);
      const seen: number[] = [];
      expect(await until(() => device.reap(8, (one) => seen.push(one)) > 0)).toBe(true);
      expect(seen).toEqual([stream]);
      expect(device.state(stream) & STREAM_STATE.writable).toBe(STREAM_STATE.writable);
    },
  );

  const waker = makeWaker();
  scenario(
    "a device wakes for a connection, for bytes and for an end, and is quiet in between",
    { waker },
    async ({ device, peer }) => {
      const wakes = async (change: () => unknown): Promise<void> => {
        waker.take();
        await change();
        expect(await until(waker.pending)).toBe(true);
        while (device.reap(8, () => {}) > 0);
        for (let i = 0; i < 5; i++) await pause();
        waker.take();
        for (let i = 0; i < 5; i++) await pause();
        expect(waker.pending()).toBe(false);
      };
      let end = -1;
      await wakes(async () => (end = await peer.open()));
      const stream = await accepted(device);
      await wakes(() => peer.send(end, memory.subarray(0, 10)));
      expect(device.read(stream, new Uint8Array(10), 0, 10)).toBe(10);
      await wakes(() => peer.end(end));
    },
  );

  scenario(
    "a client that vanished while it waited is not handed out as a living one",
    { streams: 4 },
    async ({ device, peer }) => {
      const gone = await peer.open();
      peer.reset(gone);
      await pause();
      const end = await peer.open();
      let echoed = false;
      const stream = new Uint8Array(4);
      peer.send(end, Uint8Array.of(1, 2, 3, 4));
      expect(
        await until(() => {
          for (let one = device.accept(); one >= 0; one = device.accept());
          for (let one = 0; one < 4; one++) echoed ||= device.read(one, stream, 0, 4) === 4;
          return echoed;
        }),
      ).toBe(true);
    },
  );

  scenario(
    "who waits beyond the bound is turned away, not kept",
    { streams: 2 },
    async ({ device, clients }) => {
      let refused = 0;
      for (let i = 0; i < 8; i++)
        await open(device.port).then(
          (one) => clients.push(one),
          () => refused++,
        );
      const broken = (): number => clients.filter((one) => one.state !== "open").length;
      expect(await until(() => broken() + refused >= 4)).toBe(true);
      const streams = new Set<number>();
      for (let i = 0; i < 10; i++) streams.add(device.accept());
      expect([...streams].toSorted()).toEqual([-1, 0, 1]);
    },
  );

  scenario("nobody else gets in after stopListening, who is in stays", {}, async ({ device, peer }) => {
    const end = await peer.open();
    const stream = await accepted(device);
    device.stopListening();
    await expect(open(device.port)).rejects.toThrow("ECONNREFUSED");
    device.write(stream, memory, 0, 9);
    expect(await until(() => peer.received(end).length === 9)).toBe(true);
  });
});

test("a port in use, and arguments that make no sense, are refused by name", async () => {
  const device = await listenStreams();
  const refused = (options: ListenOptions): Promise<unknown> =>
    listenStreams(options).then(
      () => "listened",
      (error: Error) => error.name,
    );
  expect(await refused({ port: device.port })).toBe("AddressInUse");
  expect(await refused({ host: "192.0.2.1" })).toBe("NoSuchAddress");
  expect(await refused({ port: 70_000 })).toBe("BadArgument");
  expect(await refused({ streams: 0 })).toBe("BadArgument");
  await device.close();
  const again = await listenStreams({ port: device.port });
  expect(again.port).toBe(device.port);
  await again.close();
  await again.close();
});
