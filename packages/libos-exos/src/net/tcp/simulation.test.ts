/** Two endpoints over a wire that loses, duplicates, delays and reorders: every byte arrives, nothing is left. */
import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import { describe, expect, test } from "vitest";
import type { SegmentOutput, SendResult } from "../segment-output.ts";
import type { Connection, ConnectionHandler, PieceOwner } from "./application.ts";
import { flatten, makeListedPieces } from "../../testing/conversation-peer.ts";
import type { Tcp } from "./endpoint.ts";
import { makeTcp } from "./endpoint.ts";
import type { TcpLimits } from "./limits.ts";
import { makeReceiveMemory } from "./receive-memory.ts";

const HERTZ = 1_000_000;

interface Channel {
  /** Parts in a thousand. */
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  /** Cycles: at least, and how much more at random. */
  readonly delay: number;
  readonly jitter: number;
  /** Parts in a thousand of sends that find the interface full, or the next hop unknown. */
  readonly refusal: number;
}

interface Flight {
  readonly at: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** A small generator with a seed. */
const makeRandom = (seed: number): (() => number) => {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
};

class World {
  now = 0;
  readonly random: () => number;
  readonly flights: Flight[] = [];
  readonly channel: Channel;

  constructor(seed: number, channel: Channel) {
    this.random = makeRandom(seed * 2_654_435_761);
    this.channel = channel;
  }

  chance(thousandths: number): boolean {
    return this.random() % 1000 < thousandths;
  }

  launch(to: number, bytes: Uint8Array): void {
    const { channel } = this;
    if (this.chance(channel.loss)) return;
    const at = this.now + channel.delay + (channel.jitter > 0 ? this.random() % channel.jitter : 0);
    if (this.chance(channel.corruption)) {
      const spoilt = this.random() % bytes.length;
      bytes[spoilt] = (bytes[spoilt] ?? 0) ^ (1 << (this.random() % 8));
    }
    let place = this.flights.length;
    while (place > 0 && (this.flights[place - 1]?.at ?? 0) > at) place -= 1;
    this.flights.splice(place, 0, { at, to, bytes });
  }
}

interface Side {
  readonly tcp: Tcp;
  readonly freeBuffers: () => number;
  readonly buffers: number;
}

function makeSide(world: World, address: number, limits: Partial<TcpLimits>, buffers: number): Side {
  const header = makeWindow(96);
  const packet = makeWindow(4096);
  const payload = makeListedPieces();
  const memory = makeReceiveMemory(makeWindow(8192 * Math.max(buffers, 1)), 8192);
  for (let extra = buffers; extra < 1; extra++) memory.allocate();
  const send = (_source: number, to: number, _protocol: number, length: number): SendResult => {
    if (world.chance(world.channel.refusal)) {
      payload.clear();
      return world.chance(500) ? "full" : "unresolved";
    }
    const count = flatten(packet, header, 34, length, payload);
    payload.clear();
    const make = (): Uint8Array => {
      const bytes = new Uint8Array(count);
      packet.read(0, bytes, 0, count);
      return bytes;
    };
    world.launch(to, make());
    if (world.chance(world.channel.duplication)) world.launch(to, make());
    return "sent";
  };
  const output: SegmentOutput = {
    header,
    transportAt: 34,
    transportBytes: 60,
    payload,
    mtu: () => 576,
    sourceFor: () => address,
    send,
  };
  const tcp = makeTcp({
    output,
    clock: { hertz: HERTZ, now: () => world.now },
    memory,
    randomWord: world.random,
    limits,
  });
  return { tcp, freeBuffers: memory.free, buffers };
}

/** Sends `total` bytes in pieces of random size, checks every byte that comes in, and finishes at the end. */
class Party implements ConnectionHandler, PieceOwner {
  connection: Connection | undefined;
  readonly #world: World;
  readonly #salt: number;
  readonly #otherSalt: number;
  readonly #total: number;
  readonly #appetite: number;
  #queued = 0;
  #pieces = 0;
  #wantsResume = false;
  #hasEnded = false;
  taken = 0;
  reason = "";

  constructor(world: World, salt: number, otherSalt: number, total: number, appetite: number) {
    this.#world = world;
    this.#salt = salt;
    this.#otherSalt = otherSalt;
    this.#total = total;
    this.#appetite = appetite;
  }

  get held(): number {
    return this.#pieces;
  }

  opened(connection: Connection): void {
    this.connection = connection;
    this.#fill();
  }

  received(_connection: Connection, window: Window, at: number, length: number): number {
    const want = this.#world.chance(this.#appetite) ? length : this.#world.random() % (length + 1);
    for (let i = 0; i < want; i++)
      if (window.getU8(at + i) !== byteAt(this.#otherSalt, this.taken + i))
        throw new Error(`byte ${this.taken + i} is wrong`);
    this.taken += want;
    if (want < length) this.#wantsResume = true;
    return want;
  }

  acknowledged(): void {
    this.#fill();
  }

  ended(): void {
    this.#hasEnded = true;
  }

  closed(_connection: Connection, reason: string): void {
    this.reason = reason;
    this.connection = undefined;
  }

  released(token: number): void {
    if (token < 0) throw new Error("not one of ours");
    this.#pieces -= 1;
  }

  /** True when there is more to take. */
  resume(): void {
    if (!this.#wantsResume) return;
    this.#wantsResume = false;
    this.connection?.resume();
  }

  get isHungry(): boolean {
    return this.#wantsResume;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  #fill(): void {
    const { connection } = this;
    while (connection !== undefined && this.#queued < this.#total) {
      const length = Math.min(this.#total - this.#queued, 1 + (this.#world.random() % 3000));
      const window = makeWindow(length);
      for (let i = 0; i < length; i++) window.setU8(i, byteAt(this.#salt, this.#queued + i));
      if (!connection.send(window, 0, length, this, this.#queued)) return;
      this.#pieces += 1;
      this.#queued += length;
    }
    connection?.finish();
  }
}

const byteAt = (salt: number, position: number): number =>
  (Math.imul(position + salt, 0x9e3779b1) >>> 11) & 0xff;

interface Outcome {
  readonly world: World;
  readonly client: Party;
  readonly server: Party;
  readonly sides: readonly [Side, Side];
}

function run(
  seed: number,
  channel: Channel,
  totals: readonly [number, number],
  setting: Setting = {},
): Outcome {
  const world = new World(seed, channel);
  const limits = setting.limits ?? {};
  const buffers = setting.buffers ?? 2;
  const sides = [makeSide(world, 1, limits, buffers), makeSide(world, 2, limits, buffers)] as const;
  const appetite = setting.appetite ?? 500;
  const client = new Party(world, 3, 5, totals[0], appetite);
  const server = new Party(world, 5, 3, totals[1], appetite);
  sides[1].tcp.listen(80, () => server);
  client.connection = sides[0].tcp.connect(2, 80, client);
  drive(world, sides, [client, server]);
  return { world, client, server, sides };
}

interface Setting {
  readonly limits?: Partial<TcpLimits>;
  readonly buffers?: number;
  readonly appetite?: number;
}

const RESUME = 3000;

function drive(world: World, sides: readonly [Side, Side], parties: readonly Party[]): void {
  const packet = makeWindow(4096);
  for (let steps = 0; steps < 400_000; steps++) {
    for (const side of sides) side.tcp.poll();
    const resumeAt = parties.some((party) => party.isHungry && party.connection !== undefined)
      ? world.now + RESUME
      : Infinity;
    const next = Math.min(
      world.flights[0]?.at ?? Infinity,
      sides[0].tcp.wakeAt(),
      sides[1].tcp.wakeAt(),
      resumeAt,
    );
    if (next === Infinity) return;
    world.now = Math.max(next, world.now + 1);
    if (next === resumeAt) for (const party of parties) party.resume();
    deliverDue(world, sides, packet);
  }
  throw new Error("never comes to rest");
}

function deliverDue(world: World, sides: readonly [Side, Side], packet: Window): void {
  for (
    let flight = world.flights[0];
    flight !== undefined && flight.at <= world.now;
    flight = world.flights[0]
  ) {
    world.flights.shift();
    packet.write(0, flight.bytes, 0, flight.bytes.length);
    const { tcp } = flight.to === 1 ? sides[0] : sides[1];
    tcp.input(flight.to === 1 ? 2 : 1, flight.to, packet, 0, flight.bytes.length);
  }
}

function expectDone(outcome: Outcome, totals: readonly [number, number]): void {
  const { client, server, sides } = outcome;
  expect([client.reason, server.reason]).toEqual(["done", "done"]);
  expect([server.taken, client.taken]).toEqual(totals);
  expect([client.hasEnded, server.hasEnded]).toEqual([true, true]);
  expect([client.held, server.held]).toEqual([0, 0]);
  for (const side of sides) {
    expect(side.tcp.use.connections()).toBe(0);
    expect(side.tcp.use.timers()).toBe(0);
    expect(side.tcp.wakeAt()).toBe(Infinity);
    expect(side.freeBuffers()).toBe(side.buffers);
  }
}

const PATIENT: Partial<TcpLimits> = { giveUpSeconds: 1000, connectSeconds: 1000, halfOpenSeconds: 1000 };
const PERFECT: Channel = { loss: 0, duplication: 0, corruption: 0, delay: 1000, jitter: 0, refusal: 0 };

describe("two endpoints", () => {
  test("over a perfect wire nothing is sent twice", () => {
    const outcome = run(1, PERFECT, [300_000, 200_000], { appetite: 1000 });
    expectDone(outcome, [300_000, 200_000]);
    for (const side of outcome.sides) expect(side.tcp.counters.retransmissions).toBe(0);
  });

  test("over 200 bad wires every byte arrives in both directions and nothing is left", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = makeRandom(seed);
      const channel: Channel = {
        loss: random() % 150,
        duplication: random() % 100,
        corruption: random() % 30,
        delay: 100 + (random() % 30_000),
        jitter: random() % 20_000,
        refusal: random() % 50,
      };
      const totals = [random() % 60_000, random() % 60_000] as const;
      const limits = { ...PATIENT, nagle: seed % 3 === 0 };
      expectDone(run(seed, channel, totals, { limits }), totals);
    }
  });

  test("without any receive memory what applications take at once still arrives", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const channel = { ...PERFECT, loss: 20, jitter: 500 };
      expectDone(
        run(seed, channel, [20_000, 20_000], { buffers: 0, appetite: 700, limits: PATIENT }),
        [20_000, 20_000],
      );
    }
  });

  test("a transfer over a wire with 5 % loss is byte-exact", () => {
    const channel = { ...PERFECT, loss: 50 };
    const outcome = run(99, channel, [1_000_000, 10], { appetite: 900 });
    expectDone(outcome, [1_000_000, 10]);
    expect(outcome.sides[0].tcp.counters.fastRetransmissions).toBeGreaterThan(20);
  });
});
