import { makePcapCapture, tracedNic, MODERN_3GHZ, type SimulatedStreamDevice } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { capSlot, must, type Gate, type Window } from "@exolith/exokernel/abi";
import { makeGateway, type Gateway } from "../src/gateway/index.ts";
import {
  eventLoop,
  makeBufferSlots,
  makeFramePool,
  makeStack,
  type BufferSlots,
  type Connection,
  type ConnectionHandler,
  type Stack,
} from "../src/index.ts";
import { makeTwoHosts, type HostProgram, type TwoHosts, type TwoHostsOptions } from "../src/testing/index.ts";

const SERVICE_PORT = 7;

/** A gateway on the right machine, a service on the left one, and the world of the stream device. */
interface Bench {
  readonly hosts: TwoHosts;
  readonly world: SimulatedStreamDevice["world"];
  readonly gateway: () => Gateway;
  readonly slots: () => BufferSlots;
  readonly service: () => Stack;
  readonly client: () => Stack;
  /** What the gateway did to its streams besides reading and writing. */
  readonly controls: readonly string[];
}

/** Makes the handler of one connection, with memory of its own. */
type MakeService = (memory: Window) => ConnectionHandler;

/** What a bench may be told besides. */
interface Sizes {
  readonly connections?: number;
  readonly relaySlots?: number;
  readonly receiveBuffers?: number;
}

function bench(
  makeService: MakeService,
  options: Partial<TwoHostsOptions> = {},
  { connections = 100, relaySlots = 4, receiveBuffers = 64 }: Sizes = {},
): Bench {
  const controls: string[] = [];
  let gateway: Gateway | undefined;
  let slots: BufferSlots | undefined;
  let service: Stack | undefined;
  let client: Stack | undefined;
  const left: HostProgram = (gate, { network }) => {
    const pool = makeFramePool(gate, network.slots.guard);
    service = makeStack(gate, { ...network, pool });
    service.tcp.listen(SERVICE_PORT, () => makeService(must(pool.run(16))));
    return eventLoop(gate, [service.network]);
  };
  const right: HostProgram = (gate, { network, peer }) => {
    const pool = makeFramePool(gate, network.slots.guard);
    const stack = makeStack(gate, { ...network, pool, receiveBuffers });
    client = stack;
    slots = makeBufferSlots(pool, { slotBytes: 16_384, slots: relaySlots, slotsPerRun: 2 });
    gateway = makeGateway({
      gate: recordControls(gate, controls),
      device: 0,
      slot: capSlot(2),
      slots,
      connect: (handler) => stack.tcp.connect(peer, SERVICE_PORT, handler),
      connections,
    });
    return eventLoop(gate, [stack.network, gateway]);
  };
  const hosts = makeTwoHosts({
    ...options,
    left,
    right,
    machines: {
      ...options.machines,
      right: { streams: 1, frames: 8192 },
      left: { frames: 8192, ...options.machines?.left },
    },
  });
  must(
    hosts.right.root.capabilityGrant(
      hosts.right.environment,
      { name: [5, 0], rights: 0 },
      capSlot(0),
      capSlot(0),
    ),
  );
  const device = hosts.right.machine.streams[0];
  const given = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("not started");
    return value;
  };
  return {
    hosts,
    world: given(device).world,
    gateway: () => given(gateway),
    slots: () => given(slots),
    service: () => given(service),
    client: () => given(client),
    controls,
  };
}

const recordControls = (gate: Gate, controls: string[]): Gate =>
  Object.create(gate, {
    streamControl: {
      value: (...call: Parameters<Gate["streamControl"]>) => {
        controls.push(call[1]);
        return gate.streamControl(...call);
      },
    },
  }) as Gate;

const IGNORE: ConnectionHandler = {
  opened: () => {},
  received: (_, _window, _at, length) => length,
  acknowledged: () => {},
  ended: () => {},
  closed: () => {},
};

/** Sends everything back, from a ring in its own frames; finishes when the peer has. */
const echo: MakeService = (memory) => {
  let head = 0;
  let tail = 0;
  const owner = { released: (token: number) => void (head += token) };
  return {
    ...IGNORE,
    received: (connection, window, at, length) => {
      const from = tail % memory.length;
      const take = Math.min(length, memory.length - (tail - head), memory.length - from);
      if (take === 0) return 0;
      memory.copy(from, window, at, take);
      if (!connection.send(memory, from, take, owner, take)) return 0;
      tail += take;
      return take;
    },
    acknowledged: (connection) => connection.resume(),
    ended: (connection) => connection.finish(),
  };
};

const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >>> 8)) & 0xff);

/** Everything that relays and stacks hold is given back; tombstones of TIME-WAIT may remain. */
function expectNothingHeld(b: Bench): void {
  expect(b.gateway().carried).toBe(0);
  expect(b.slots().taken).toBe(0);
  expect(b.client().tcp.use.connections()).toBe(0);
  expect(b.service().tcp.use.connections()).toBe(0);
  const { root } = b.hosts.right;
  for (let row = 0; row < root.streams.count; row++) expect(root.streams.owner(row)).toBe(0);
}

test("bytes go through both ways, and each direction ends by itself", () => {
  const b = bench(echo);
  const end = b.world.open();
  const sent = pattern(200_000, 1);
  b.world.send(end, sent);
  b.world.end(end);
  const result = b.hosts.run({ until: () => b.world.state(end) !== "open", seconds: 30 });
  expect(result.why).toBe("until");
  expect(b.world.received(end)).toEqual(sent);
  expect(b.world.state(end)).toBe("ended");
  b.hosts.run({ seconds: 5 });
  expectNothingHeld(b);
});

test("many connections at once over a bad wire come back byte-exact", () => {
  const faults = { loss: 0.02, duplicate: 0.01, reorder: 0.02, corrupt: 0.005 };
  const b = bench(echo, { wire: { faults }, seed: 7 });
  const ends = Array.from({ length: 16 }, () => b.world.open());
  const sent = ends.map((_, i) => pattern(20_000 + i * 1000, i));
  for (const [i, end] of ends.entries()) {
    b.world.send(end, sent[i] ?? new Uint8Array());
    b.world.end(end);
  }
  const result = b.hosts.run({
    until: () => ends.every((end) => b.world.state(end) !== "open"),
    seconds: 120,
  });
  expect(result.why).toBe("until");
  for (const [i, end] of ends.entries()) expect(b.world.received(end)).toEqual(sent[i]);
  b.hosts.run({ seconds: 90 });
  expectNothingHeld(b);
});

test("a client that does not read stops the service, not the gateway; reading goes on where it stopped", () => {
  const b = bench(echo);
  const slow = b.world.open();
  const fast = b.world.open();
  const sent = pattern(1_000_000, 3);
  b.world.hold(slow, true);
  b.world.send(slow, sent);
  b.world.send(fast, sent.subarray(0, 50_000));
  b.world.end(slow);
  b.world.end(fast);
  b.hosts.run({ until: () => b.world.state(fast) === "ended", seconds: 30 });
  expect(b.world.received(fast)).toEqual(sent.subarray(0, 50_000));
  b.hosts.run({ seconds: 20 });
  expect(b.world.received(slow).length).toBe(0);
  expect(b.world.state(slow)).toBe("open");
  expect(b.client().tcp.use.connections()).toBe(1);
  b.world.hold(slow, false);
  b.hosts.run({ until: () => b.world.state(slow) !== "open", seconds: 60 });
  expect(b.world.received(slow)).toEqual(sent);
  b.hosts.run({ seconds: 5 });
  expectNothingHeld(b);
});

test("the end of the service's answer waits for a client that reads late", () => {
  const answer = pattern(60_000, 9);
  const b = bench((memory) => ({
    ...IGNORE,
    opened: (connection) => {
      memory.write(0, answer, 0, answer.length);
      for (let i = 0; i < 10; i++) connection.send(memory, 0, answer.length, undefined, 0);
      connection.finish();
    },
  }));
  const end = b.world.open();
  b.world.hold(end, true);
  b.hosts.run({ seconds: 10 });
  expect(b.world.state(end)).toBe("open");
  b.world.end(end);
  b.hosts.run({ seconds: 5 });
  b.world.hold(end, false);
  b.hosts.run({ until: () => b.world.state(end) !== "open", seconds: 30 });
  const received = b.world.received(end);
  expect(received.length).toBe(10 * answer.length);
  for (let i = 0; i < 10; i++)
    expect(received.subarray(i * answer.length, (i + 1) * answer.length)).toEqual(answer);
});

test("half-close towards the service: the answer still comes after the client has finished", () => {
  const b = bench((memory) => ({
    ...IGNORE,
    ended: (connection) => {
      memory.setU32(0, 0x6c61_7465);
      connection.send(memory, 0, 4, undefined, 0);
      connection.finish();
    },
  }));
  const end = b.world.open();
  b.world.send(end, "request");
  b.world.end(end);
  b.hosts.run({ until: () => b.world.state(end) !== "open", seconds: 10 });
  expect(new TextDecoder().decode(b.world.received(end))).toBe("late");
});

test("a client that breaks off resets the connection; a service that resets breaks the client off", () => {
  const reasons: string[] = [];
  const b = bench(() => ({ ...IGNORE, closed: (_, reason) => void reasons.push(reason) }));
  const end = b.world.open();
  b.world.send(end, "hello");
  b.hosts.run({ seconds: 1 });
  b.world.reset(end);
  b.hosts.run({ seconds: 2 });
  expect(reasons).toEqual(["reset"]);
  expectNothingHeld(b);
  const rude = bench(() => ({ ...IGNORE, received: (connection) => (connection.abort(), 0) }));
  const other = rude.world.open();
  rude.world.send(other, "hello");
  rude.hosts.run({ until: () => rude.world.state(other) !== "open", seconds: 10 });
  expect(rude.world.state(other)).toBe("broken");
  expectNothingHeld(rude);
});

test("nobody listens: the client is broken off", () => {
  const b = bench(() => IGNORE);
  b.hosts.run({ seconds: 0.01 });
  b.service().tcp.unlisten(SERVICE_PORT);
  const end = b.world.open();
  b.hosts.run({ until: () => b.world.state(end) !== "open", seconds: 10 });
  expect(b.world.state(end)).toBe("broken");
  expectNothingHeld(b);
});

test("no more connections are carried than allowed; the others wait outside and have their turn", () => {
  const b = bench(echo, {}, { connections: 2 });
  const ends = Array.from({ length: 5 }, () => b.world.open());
  for (const end of ends) b.world.send(end, "ping");
  b.hosts.run({ seconds: 1 });
  expect(b.gateway().carried).toBe(2);
  for (const end of ends) b.world.end(end);
  b.hosts.run({ until: () => ends.every((end) => b.world.state(end) !== "open"), seconds: 30 });
  for (const end of ends) expect(new TextDecoder().decode(b.world.received(end))).toBe("ping");
});

test("every byte crosses the wire as frames, in both directions", () => {
  const capture = makePcapCapture({ hertz: MODERN_3GHZ.hertz });
  const b = bench(echo, { machines: { left: { wrapNic: (nic) => tracedNic(nic, capture) } } });
  const end = b.world.open();
  b.world.send(end, "a secret on the wire");
  b.world.end(end);
  b.hosts.run({ until: () => b.world.state(end) !== "open", seconds: 10 });
  const bytes = new TextDecoder("latin1").decode(capture.bytes());
  expect(bytes.split("a secret on the wire").length - 1).toBe(2);
});

/** Sends `copies` times `answer` and finishes. */
const serve =
  (answer: Uint8Array, copies: number, opened: (connection: Connection) => void = () => {}): MakeService =>
  (memory) => ({
    ...IGNORE,
    opened: (connection) => {
      opened(connection);
      memory.write(0, answer, 0, answer.length);
      for (let i = 0; i < copies; i++) connection.send(memory, 0, answer.length, undefined, 0);
      connection.finish();
    },
  });

test("a service that ends and then resets takes nothing from a client that reads slowly", () => {
  const answer = pattern(12_000, 4);
  let served: Connection | undefined;
  const b = bench(serve(answer, 10, (connection) => void (served = connection)));
  const end = b.world.open();
  b.world.hold(end, true);
  b.world.send(end, "GET");
  b.hosts.run({ seconds: 1 });
  expect(served?.unacknowledged).toBe(0);
  const received: number[] = [];
  const read = (): void => {
    b.hosts.run({ seconds: 0.1 });
    received.push(...b.world.take(end, 1000));
  };
  for (let i = 0; i < 50; i++) read();
  served?.abort();
  for (let i = 0; i < 200 && received.length < 120_000; i++) read();
  expect(received.length).toBe(120_000);
  for (let i = 0; i < 10; i++)
    expect(Uint8Array.from(received.slice(i * 12_000, (i + 1) * 12_000))).toEqual(answer);
  expect(b.controls).toEqual(["end", "close"]);
});

test("more clients that do not read than receive buffers: others are served, and they go on when they read", () => {
  const answer = pattern(60_000, 5);
  const b = bench(serve(answer, 5), {}, { receiveBuffers: 3 });
  const paused = Array.from({ length: 8 }, () => b.world.open());
  for (const end of paused) b.world.hold(end, true);
  b.hosts.run({ seconds: 5 });
  expect(b.client().memory.free()).toBe(0);
  const reader = b.world.open();
  const result = b.hosts.run({ until: () => b.world.state(reader) !== "open", seconds: 5 });
  expect(result.why).toBe("until");
  expect(b.world.received(reader).length).toBe(5 * answer.length);
  b.hosts.run({ seconds: 200 });
  expect(paused.map((end) => b.world.state(end))).toEqual(paused.map(() => "open"));
  for (const end of paused) b.world.hold(end, false);
  b.hosts.run({ until: () => paused.every((end) => b.world.state(end) !== "open"), seconds: 120 });
  for (const end of paused) {
    expect(b.world.received(end).length).toBe(5 * answer.length);
    expect(b.world.received(end).subarray(4 * answer.length)).toEqual(answer);
  }
  expect(b.client().memory.free()).toBe(3);
});

test("more clients at once than the service's backlog: all are served", () => {
  const b = bench(serve(pattern(1000, 6), 1), {}, { connections: 250, relaySlots: 250 });
  b.hosts.run({ seconds: 1 });
  const ends = Array.from({ length: 200 }, () => b.world.open());
  b.hosts.run({ until: () => ends.every((end) => b.world.state(end) !== "open"), seconds: 30 });
  expect(ends.filter((end) => b.world.received(end).length !== 1000)).toEqual([]);
  expect(b.service().tcp.counters.halfOpenDropped).toBe(0);
});

test("a client that breaks off leaves its place to one that waits outside, at once", () => {
  const b = bench(() => IGNORE, {}, { connections: 1 });
  const first = b.world.open();
  b.world.send(first, "x");
  b.hosts.run({ seconds: 4 });
  b.world.open();
  b.hosts.run({ seconds: 1 });
  expect(b.service().tcp.counters.established).toBe(1);
  b.world.reset(first);
  const result = b.hosts.run({ until: () => b.service().tcp.counters.established === 2, seconds: 2 });
  expect(result.why).toBe("until");
});

test("a client that breaks off leaves its memory to one that starves, at once", () => {
  let count = 0;
  let taken = 0;
  const b = bench(
    () => {
      const isFirst = count++ === 0;
      return {
        ...IGNORE,
        received: (_, _window, _at, length) => (isFirst ? 0 : ((taken += length), length)),
      };
    },
    {},
    { relaySlots: 1 },
  );
  const first = b.world.open();
  b.world.send(first, new Uint8Array(500_000));
  b.hosts.run({ seconds: 3 });
  const second = b.world.open();
  b.world.send(second, new Uint8Array(1000));
  b.hosts.run({ seconds: 1 });
  expect([b.slots().taken, taken]).toEqual([1, 0]);
  b.world.reset(first);
  const result = b.hosts.run({ until: () => taken === 1000, seconds: 2 });
  expect(result.why).toBe("until");
});
