/** Handlers of ExOS on a kernel: another host talks to an environment that is asleep. */
import { failed, must, rowOf, type Gate, type Upcalls, type Window } from "@exolith/exokernel/abi";
import { arpFor, icmpTo, udpTo, type Filter } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import {
  ARP_HANDLER,
  DELIVER_TO,
  FRAME_KIND,
  HANDLER_CODE,
  Ping,
  eventLoop,
  findTransmitBindings,
  installHandler,
  makeFramePool,
  makeNetwork,
  nicAddress,
  ringOf,
  type FramePool,
  type HandlerCode,
  type HandlerOptions,
  type InstalledHandler,
  type Network,
} from "../src/index.ts";
import { makeTwoHosts, type HostContext, type TwoHosts } from "../src/testing/index.ts";

/** A host that runs ExOS. */
interface Running {
  readonly gate: Gate;
  readonly context: HostContext;
  readonly pool: FramePool;
  readonly network: Network;
}

/** ExOS's network, and what `more` does with it. */
const program =
  (made: (host: Running) => void) =>
  (gate: Gate, context: HostContext): Upcalls => {
    const pool = makeFramePool(gate, context.slots.guard);
    const network = makeNetwork(gate, { ...context.network, pool });
    made({ gate, context, pool, network });
    return eventLoop(gate, [network]);
  };

interface Pair {
  readonly hosts: TwoHosts;
  readonly asker: Running;
  readonly owner: Running;
}

/** Two hosts that have started and gone to sleep. */
function makePair(): Pair {
  const running: Running[] = [];
  const hosts = makeTwoHosts({
    left: program((host) => (running[0] = host)),
    right: program((host) => (running[1] = host)),
  });
  hosts.run({ seconds: 0.5 });
  return { hosts, asker: running[0] as Running, owner: running[1] as Running };
}

const optionsFor = (
  { context, pool, network, gate }: Running,
  filter: Filter,
  code: HandlerCode,
): HandlerOptions => ({
  nic: 0,
  filter,
  ring: ringOf(gate, network.filters[1] as never),
  slots: context.slots,
  pool,
  code,
});

const install = (host: Running, filter: Filter, code: HandlerCode, more = {}): InstalledHandler =>
  must(installHandler(host.gate, { ...optionsFor(host, filter, code), ...more }));

const echoes = ({ context: { address } }: Running): Filter => icmpTo({ destination: address, type: 8 });

/** Pings the owner `count` times; how many replies came, and how many slices the owner had meanwhile. */
function ping({ hosts, asker, owner }: Pair, count: number): { replies: number; slices: number } {
  const { environments } = hosts.right.root;
  const row = rowOf(owner.gate.self);
  const before = environments.slicesBegun(row);
  let replies = 0;
  const options = { destination: owner.context.address, identifier: 5, count, intervalCycles: 1 };
  const handler = { replied: () => void (replies += 1), done: () => {} };
  const pinging = new Ping(asker.gate, asker.network.icmp, options, handler);
  for (let i = 0; i < 50 && replies < count; i++) {
    pinging.poll();
    hosts.run({ seconds: 0.02 });
  }
  asker.network.icmp.listen(5, undefined);
  return { replies, slices: environments.slicesBegun(row) - before };
}

test("pings are answered while their environment sleeps, address resolution included", () => {
  const pair = makePair();
  const { owner } = pair;
  const own = Uint8Array.from(nicAddress(owner.gate, 0));
  must(owner.gate.filterRemove(owner.network.filters[0] as never, owner.context.slots.guard));
  const arp = install(owner, arpFor(owner.context.address), HANDLER_CODE.arp, {
    transmit: findTransmitBindings(owner.gate, 0)[FRAME_KIND.arp],
    prepare: (memory: Window) => memory.write(ARP_HANDLER.ownAt, own, 0, 6),
  });
  const echo = install(owner, echoes(owner), HANDLER_CODE.echo);
  expect(ping(pair, 10)).toEqual({ replies: 10, slices: 0 });
  const { handlers } = owner.gate;
  expect(handlers.consumed(rowOf(echo.id))).toBe(10);
  expect(handlers.sent(rowOf(echo.id))).toBe(10);
  expect(handlers.consumed(rowOf(arp.id))).toBe(1);
  expect(owner.network.counters.icmp.echoesAnswered).toBe(0);
});

test("without its handler the library answers, and so it does what a handler defers or is stopped at", () => {
  const pair = makePair();
  const { owner } = pair;
  expect(ping(pair, 2).replies).toBe(2);
  expect(owner.network.counters.icmp.echoesAnswered).toBe(2);
  const poor = install(owner, echoes(owner), { ...HANDLER_CODE.echo, fuel: 20 });
  expect(ping(pair, 3)).toMatchObject({ replies: 3, slices: 3 });
  expect(owner.gate.handlers.aborted(rowOf(poor.id))).toBe(3);
  expect(poor.remove()).toBe(true);
  const wrong = install(owner, echoes(owner), HANDLER_CODE.udpEcho);
  expect(ping(pair, 3)).toMatchObject({ replies: 3, slices: 3 });
  expect(owner.gate.handlers.deferred(rowOf(wrong.id))).toBe(3);
  expect(owner.network.counters.icmp.echoesAnswered).toBe(8);
});

test("a handler that is removed gives its frames, its filter and its row back, and its memory is gone", () => {
  const { owner, hosts } = makePair();
  const { frames, filters, handlers, environments } = hosts.right.root;
  const held = (): number[] => [
    frames.free(),
    owner.pool.held,
    environments.frames(rowOf(owner.gate.self)),
    Array.from({ length: filters.count }, (_, row) => filters.owner(row)).filter(Boolean).length,
    Array.from({ length: handlers.count }, (_, row) => handlers.owner(row)).filter(Boolean).length,
  ];
  const before = held();
  const handler = install(owner, echoes(owner), HANDLER_CODE.echo);
  expect(held()).not.toEqual(before);
  expect(handler.memory.length).toBe(65_536);
  expect(handler.remove()).toBe(true);
  expect(held()).toEqual(before);
  expect(handler.memory.length).toBe(0);
  expect(handler.remove()).toBe(false);
});

test("what is refused leaves nothing behind", () => {
  const { owner } = makePair();
  const before = owner.pool.held;
  const filters = (): number =>
    Array.from({ length: owner.gate.filters.count }, (_, row) => owner.gate.filters.owner(row)).filter(
      Boolean,
    ).length;
  const inserted = filters();
  const good = optionsFor(owner, echoes(owner), HANDLER_CODE.echo);
  const refusals: readonly (readonly [string, Partial<HandlerOptions>])[] = [
    ["BadHandler", { code: { ...HANDLER_CODE.echo, module: new Uint8Array(8) } }],
    ["BadHandler", { code: { ...HANDLER_CODE.echo, fuel: 0 } }],
    ["BadHandler", { code: { ...HANDLER_CODE.echo, pages: 0 } }],
    ["BadBinding", { transmit: 99_999 as never }],
    ["NoDevice", { nic: 7 }],
    ["BadRing", { ring: 99_999 as never }],
    ["Overlap", { filter: arpFor(owner.context.address) }],
    ["Full", { code: { ...HANDLER_CODE.echo, pages: 1000 } }],
  ];
  for (const [name, change] of refusals) {
    const result = installHandler(owner.gate, { ...good, ...change });
    expect(failed(result) && result.name).toBe(name);
    expect([owner.pool.held, filters()]).toEqual([before, inserted]);
  }
});

test("a message's bytes land in the application's memory where the message says, and the owner is woken", () => {
  const { hosts, asker, owner } = makePair();
  const { address } = owner.context;
  const handler = install(owner, udpTo({ destination: address, port: 9 }), HANDLER_CODE.deliverTo);
  const { buffersAt, bufferBytes, arrivedAt, arrivedBytes, headerBytes } = DELIVER_TO;
  const window = must(asker.pool.run(1));
  asker.network.arp.addPermanent(address, 0x0200, 2);
  const send = (buffer: number, offset: number, text: string): void => {
    window.setU32(0, 0);
    window.setU32(4, buffer);
    window.setU32(8, offset);
    window.write(headerBytes, new TextEncoder().encode(text), 0, text.length);
    const datagram = { sourcePort: 9, destination: address, destinationPort: 9, window, at: 0 };
    expect(asker.network.udp.send({ ...datagram, length: headerBytes + text.length })).toBe("sent");
    hosts.run({ seconds: 0.01 });
  };
  const { environments } = hosts.right.root;
  const events = (): number => environments.events(rowOf(owner.gate.self));
  const before = events();
  for (const [offset, text] of [
    [5, " of bytes"],
    [0, "piles"],
    [14, ", in any order"],
  ] as const)
    send(3, offset, text);
  expect(handler.memory.text(buffersAt + 3 * bufferBytes, 28)).toBe("piles of bytes, in any order");
  const counted = arrivedAt + 3 * arrivedBytes;
  expect([handler.memory.getU32(counted), handler.memory.getU32(counted + 4)]).toEqual([28, 3]);
  expect(events()).toBe(before + 3);
  expect(owner.network.counters.udp.received).toBe(0);
  send(3, bufferBytes - 3, "too long for it");
  expect(owner.network.counters.udp.received).toBe(1);
});

test("without the handler alone, its filter feeds the ring: the frames are free to go and the library answers", () => {
  const pair = makePair();
  const { owner } = pair;
  const handler = install(owner, echoes(owner), HANDLER_CODE.echo);
  expect(ping(pair, 1).replies).toBe(1);
  const first = owner.pool.first(handler.memory);
  expect(owner.gate.frames.pins(first)).toBeGreaterThan(0);
  must(owner.gate.handlerRemove(handler.id));
  expect(owner.gate.frames.pins(first)).toBe(0);
  expect(ping(pair, 1).replies).toBe(1);
  expect(owner.network.counters.icmp.echoesAnswered).toBe(1);
});

test.each(["udpEcho", "remoteIncrement", "remoteLock", "activeMessage"] as const)(
  "two hosts with %s for whatever comes are not made to talk to each other by one datagram with a forged source",
  (name) => {
    for (const [from, to] of [
      [7, 7],
      [5000, 7],
      [7, 5000],
      [5000, 6000],
      [5000, 5000],
    ] as const) {
      const { hosts, asker, owner } = makePair();
      const handlers = [asker, owner].map((host) =>
        install(host, udpTo({ destination: host.context.address }), HANDLER_CODE[name]),
      );
      const window = must(asker.pool.run(1));
      window.fill(0, 64, 0);
      // A tag, and what each of them takes for something to do: to take lock 0, to add to word 0.
      window.setU32(4, name === "remoteLock" ? 0x1_0000 : 1);
      asker.network.arp.addPermanent(owner.context.address, 0x0200, 2);
      // It could be anybody's: the owner cannot tell who put the asker's address there.
      const ends = { sourcePort: from, destination: owner.context.address, destinationPort: to };
      expect(asker.network.udp.send({ ...ends, window, at: 0, length: 20 })).toBe("sent");
      hosts.run({ seconds: 0.5 });
      const answered = [asker, owner].map(({ gate }, i) =>
        gate.handlers.consumed(rowOf((handlers[i] as InstalledHandler).id)),
      );
      const isAnswered = from >= 1024 && from !== to && (name !== "udpEcho" || to < 1024);
      expect([from, to, ...answered]).toEqual([from, to, 0, Number(isAnswered)]);
    }
  },
);
