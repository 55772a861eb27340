/** Two TCP endpoints over a wire that loses, duplicates, delays and reorders, for tests; time is simulated. */
import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import type { SegmentOutput, SendResult } from "../net/segment-output.ts";
import type { Connection, ConnectionHandler, PieceOwner } from "../net/tcp/application.ts";
import type { Tcp } from "../net/tcp/endpoint.ts";
import { makeTcp } from "../net/tcp/endpoint.ts";
import type { TcpLimits } from "../net/tcp/limits.ts";
import { makeReceiveMemory } from "../net/tcp/receive-memory.ts";
import { flatten, makeListedPieces } from "./conversation-peer.ts";

/** Cycles a second: a cycle is a microsecond. */
export const HERTZ = 1_000_000;

/** What becomes of packets on the way. */
export interface Channel {
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
export const makeRandom = (seed: number): (() => number) => {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
};

/** A round trip may be longer by a delayed acknowledgment, and a slow application. */
const PATIENCE = 40_000 + 4 * 3000;

/** The wire, and the time. */
export class World {
  now = 0;
  /** Pauses in which nothing was sent though nobody waited for a timer, cycles: what no rule explains. */
  readonly stalls: number[] = [];
  /** The longest of all pauses, cycles. */
  longestPause = 0;
  /** Timers that resent, probed or tried again, in all. */
  timers: () => number = () => 0;
  #sentAt = 0;
  #timersThen = 0;
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

  /** Notes that something was sent: if it was long after the last, a timer must have run out. */
  noteSent(): void {
    const { delay, jitter } = this.channel;
    const fired = this.timers();
    const pause = this.now - this.#sentAt;
    if (pause > 2 * (delay + jitter) + PATIENCE && fired === this.#timersThen) this.stalls.push(pause);
    this.longestPause = Math.max(this.longestPause, pause);
    this.#sentAt = this.now;
    this.#timersThen = fired;
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

/** One endpoint. */
export interface Side {
  readonly tcp: Tcp;
  readonly freeBuffers: () => number;
  readonly buffers: number;
}

function makeSide(world: World, address: number, setting: Setting): Side {
  const { limits = {}, buffers = 2, mtu = 576, bufferBytes = 8192 } = setting;
  const header = makeWindow(96);
  const packet = makeWindow(4096);
  const payload = makeListedPieces();
  const memory = makeReceiveMemory(makeWindow(bufferBytes * Math.max(buffers, 1)), bufferBytes);
  for (let extra = buffers; extra < 1; extra++) memory.allocate();
  const send = (_source: number, to: number, _protocol: number, length: number): SendResult => {
    if (world.chance(world.channel.refusal)) {
      payload.clear();
      return world.chance(500) ? "full" : "unresolved";
    }
    world.noteSent();
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
    mtu: () => mtu,
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
export class Party implements ConnectionHandler, PieceOwner {
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

/** What two endpoints did. */
export interface Outcome {
  readonly world: World;
  readonly client: Party;
  readonly server: Party;
  readonly sides: readonly [Side, Side];
}

/** Sends so many bytes each way over `channel`, and ends both ways. Throws at a wrong byte, and if it never comes to rest. */
export function run(
  seed: number,
  channel: Channel,
  totals: readonly [number, number],
  setting: Setting = {},
): Outcome {
  const world = new World(seed, channel);
  const sides = [makeSide(world, 1, setting), makeSide(world, 2, setting)] as const;
  const appetite = setting.appetite ?? 500;
  world.timers = () => sides.reduce((sum, side) => sum + timersOf(side.tcp), 0);
  const client = new Party(world, 3, 5, totals[0], appetite);
  const server = new Party(world, 5, 3, totals[1], appetite);
  sides[1].tcp.listen(80, () => server);
  client.connection = sides[0].tcp.connect(2, 80, client);
  drive(world, sides, [client, server]);
  return { world, client, server, sides };
}

const timersOf = ({ counters }: Tcp): number =>
  counters.retransmissionTimeouts + counters.probes + counters.full + counters.unresolved;

/** What may be different. */
export interface Setting {
  readonly limits?: Partial<TcpLimits>;
  readonly buffers?: number;
  readonly appetite?: number;
  /** Bytes of the longest packet, and of a receive buffer. */
  readonly mtu?: number;
  readonly bufferBytes?: number;
}

/** An application that did not take everything is asked again after this, cycles. */
const RESUME = 3000;

function drive(world: World, sides: readonly [Side, Side], parties: readonly Party[]): void {
  const packet = makeWindow(4096);
  for (let steps = 0; steps < 1_000_000; steps++) {
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

/** What is wrong after both sent `totals` and ended: nothing, if all is well. */
export function complaints(outcome: Outcome, totals: readonly [number, number]): string[] {
  const { client, server, sides } = outcome;
  const found: string[] = [];
  const demand = (isSo: boolean, what: string): void => {
    if (!isSo) found.push(what);
  };
  for (const party of [client, server]) {
    demand(party.reason === "done", `closed ${party.reason}`);
    demand(party.hasEnded, "the end was not heard");
    demand(party.held === 0, `${party.held} pieces are held`);
  }
  demand(server.taken === totals[0], `${server.taken} of ${totals[0]} bytes came`);
  demand(client.taken === totals[1], `${client.taken} of ${totals[1]} bytes came back`);
  for (const { tcp, freeBuffers, buffers } of sides) {
    demand(tcp.use.connections() === 0, "a connection is left");
    demand(tcp.use.timers() === 0 && tcp.wakeAt() === Infinity, "a timer runs");
    demand(freeBuffers() === buffers, "a buffer is lent");
  }
  return found;
}
