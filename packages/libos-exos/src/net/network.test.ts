import type { Gate, Upcalls, Window } from "@exolith/exokernel/abi";
import { capSlot, failed, must } from "@exolith/exokernel/abi";
import { describe, expect, test } from "vitest";
import { makeFramePool, type FramePool } from "../memory/frame-pool.ts";
import { eventLoop } from "../schedule/event-loop.ts";
import { makeTwoHosts, type HostContext, type TwoHosts } from "../testing/two-hosts.ts";
import { nicAddress } from "./address.ts";
import { transmitFilters } from "./filters.ts";
import { makeNetwork, type Network } from "./network.ts";
import { Ping, type PingHandler } from "./ping.ts";

/** What a running host shows to the test. */
interface Running {
  gate: Gate;
  context: HostContext;
  pool: FramePool;
  network: Network;
}

/** Two hosts with a network each, and what they run besides. */
function makePair(options: {
  left?: (host: Running) => { poll(): boolean; wakeAt(): number };
  wire?: Parameters<typeof makeTwoHosts>[0]["wire"];
}): { hosts: TwoHosts; left: () => Running; right: () => Running } {
  const running: (Running | undefined)[] = [undefined, undefined];
  const program =
    (side: number, more?: (host: Running) => { poll(): boolean; wakeAt(): number }) =>
    (gate: Gate, context: HostContext): Upcalls => {
      const pool = makeFramePool(gate, context.slots.guard);
      const network = makeNetwork(gate, { ...context.network, pool });
      const host = { gate, context, pool, network };
      running[side] = host;
      const part = more?.(host);
      return eventLoop(gate, part === undefined ? [network] : [network, part as Network]);
    };
  const hosts = makeTwoHosts({
    left: program(0, options.left),
    right: program(1),
    ...(options.wire === undefined ? {} : { wire: options.wire }),
  });
  return { hosts, left: () => running[0] as Running, right: () => running[1] as Running };
}

/** Pings the peer `count` times, once in a hundredth of a second. */
const pinging = (count: number, trips: number[], done: (replies: number) => void) => (host: Running) => {
  const handler: PingHandler = {
    replied: (_, cycles) => void trips.push(cycles / host.gate.clock.hertz),
    done,
  };
  const { gate, network, context } = host;
  const intervalCycles = gate.clock.hertz / 100;
  return new Ping(
    gate,
    network.icmp,
    { destination: context.peer, identifier: 9, count, intervalCycles },
    handler,
  );
};

test("[N13] the ARP table is read-only to others; a ping's round trip is measured", () => {
  const trips: number[] = [];
  let replies = -1;
  const { hosts, left } = makePair({ left: pinging(5, trips, (count) => (replies = count)) });
  hosts.run({ seconds: 1 });
  expect(replies).toBe(5);
  const wire = 2 * 50e-6;
  for (const trip of trips) {
    expect(trip).toBeGreaterThan(wire);
    expect(trip).toBeLessThan(2 * wire);
  }
  const { network, context } = left();
  const { readers } = network.arp;
  expect(readers.low(readers.find(context.peer))).toBe(2);
  for (const name of Object.keys(readers))
    expect(() => ((readers as unknown as Record<string, unknown>)[name] = 0)).toThrow(TypeError);
  expect(otherMayWriteTable(hosts, left())).toEqual({ reads: true, bindsForWriting: false, writes: false });
});

/** Lets another environment, which holds the owner's name without the right to write, try its hand at the table. */
function otherMayWriteTable(hosts: TwoHosts, owner: Running) {
  const { root } = hosts.left;
  const own = { name: [1, 1], rights: 0 };
  const slot = must(root.capabilityForge(capSlot(0), { name: [1, 9], rights: 7 }));
  let other: Gate | undefined;
  const environment = must(
    root.environmentCreate((gate) => ((other = gate), { sliceBegin: () => {} }), slot),
  );
  const reader = must(root.capabilityGrant(environment, own, capSlot(0), capSlot(0)));
  const table = owner.pool.first(owner.network.arpTable);
  const gate = other as unknown as Gate;
  const bindsForWriting = !failed(gate.windowBind(table, 1, true, reader));
  const window = must(gate.windowBind(table, 1, false, reader));
  const row = owner.network.arp.readers.find(owner.context.peer);
  const reads = window.getU32(row * 16) === owner.context.peer;
  return { reads, bindsForWriting, writes: mayWrite(window) };
}

const mayWrite = (window: Window): boolean => {
  try {
    window.setU8(0, 1);
    return true;
  } catch {
    return false;
  }
};

test("UDP crosses the wire both ways, and a port that nobody bound is answered", () => {
  const { hosts, left, right } = makePair({});
  hosts.run({ seconds: 0.1 });
  const heard: string[] = [];
  right().network.udp.bind(7, (window, at, length, source, port) => {
    const data = { sourcePort: 7, destination: source, destinationPort: port, window, at, length };
    expect(right().network.udp.send(data)).toBe("sent");
  });
  left().network.udp.bind(5000, (window, at, length) => void heard.push(window.text(at, length)));
  const window = must(left().pool.run(1));
  window.write(0, new TextEncoder().encode("echo me"), 0, 7);
  const send = (destinationPort: number) =>
    left().network.udp.send({
      sourcePort: 5000,
      destination: left().context.peer,
      destinationPort,
      window,
      at: 0,
      length: 7,
    });
  expect(send(7)).toBe("unresolved");
  hosts.run({ seconds: 0.1 });
  expect(send(7)).toBe("sent");
  expect(send(8)).toBe("sent");
  hosts.run({ seconds: 0.1 });
  expect(heard).toEqual(["echo me"]);
  expect(left().network.counters.icmp.errorsReceived).toBe(1);
});

describe("a bad wire", () => {
  test("loses, doubles and breaks packets, and what arrives is still right", () => {
    const trips: number[] = [];
    let replies = -1;
    const faults = { loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 };
    const { hosts, left, right } = makePair({
      left: pinging(200, trips, (count) => (replies = count)),
      wire: { faults },
    });
    hosts.run({ seconds: 10 });
    expect(replies).toBeGreaterThan(100);
    expect(replies).toBeLessThan(200);
    const broken = [left(), right()].map(({ network }) => {
      const { ipv4, icmp } = network.counters;
      return ipv4.badChecksum + ipv4.malformed + icmp.badChecksum;
    });
    expect(broken[0]).toBeGreaterThan(0);
    expect(broken[1]).toBeGreaterThan(0);
  });
});

describe("what is taken away", () => {
  test("without its transmit binding a host is silent, counts it, and does not throw", () => {
    const trips: number[] = [];
    const { hosts, left, right } = makePair({ left: pinging(50, trips, () => {}) });
    hosts.run({ seconds: 0.1 });
    const before = right().network.counters.ipv4.received;
    expect(before).toBeGreaterThan(5);
    for (const binding of hosts.left.transmits) must(hosts.left.root.transmitUnbind(binding, capSlot(0)));
    hosts.run({ seconds: 0.2 });
    expect(right().network.counters.ipv4.received).toBe(before);
    expect(left().network.counters.link.unbound).toBeGreaterThan(5);
    expect(hosts.left.root.environments.state(hosts.left.environment & 0xffff)).toBe(1);
  });

  test("a binding made later is found within a second", () => {
    const trips: number[] = [];
    const { hosts, left } = makePair({ left: pinging(300, trips, () => {}) });
    hosts.run({ seconds: 0.1 });
    const { root, transmits, environment } = hosts.left;
    must(root.transmitUnbind(transmits[1] as never, capSlot(0)));
    hosts.run({ seconds: 0.2 });
    const stopped = trips.length;
    must(
      root.transmitBind(
        0,
        transmitFilters(nicAddress(root, 0), left().context.address)[1],
        environment,
        capSlot(0),
        capSlot(0),
      ),
    );
    hosts.run({ seconds: 1.2 });
    expect(trips.length).toBeGreaterThan(stopped + 5);
    expect(left().network.counters.link.unbound).toBeGreaterThan(5);
  });

  test("without its filter a host hears nothing", () => {
    const trips: number[] = [];
    const { hosts, left, right } = makePair({ left: pinging(50, trips, () => {}) });
    hosts.run({ seconds: 0.1 });
    const stopped = trips.length;
    const filters = left().network.filters;
    must(left().gate.filterRemove(filters[1] as never, left().context.slots.guard));
    hosts.run({ seconds: 0.2 });
    expect(trips.length).toBe(stopped);
    expect(right().network.counters.icmp.echoesAnswered).toBeGreaterThan(stopped + 5);
  });
});

test("a closed network gives back every frame, ring and filter", () => {
  const { hosts, left } = makePair({});
  hosts.run({ seconds: 0.1 });
  const { root } = hosts.left;
  expect(left().pool.held).toBeGreaterThan(30);
  expect(left().network.close()).toBe(true);
  expect(left().pool.held).toBe(0);
  expect(root.environments.frames(hosts.left.environment & 0xffff)).toBe(0);
  const owned = (table: { count: number; owner(row: number): number }): number =>
    Array.from({ length: table.count }, (_, row) => table.owner(row)).filter(
      (owner) => owner === hosts.left.environment,
    ).length;
  expect(owned(root.rings)).toBe(0);
  expect(owned(root.filters)).toBe(0);
});

test("an idle pair of networks stops: nothing polls, nothing wakes", () => {
  const { hosts } = makePair({});
  expect(hosts.run({ seconds: 1000 }).why).toBe("idle");
});
