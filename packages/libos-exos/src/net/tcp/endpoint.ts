/** TCP put together: one endpoint over one `SegmentOutput`. */
import type { Window } from "@exolith/exokernel/abi";
import { publishCounters } from "../counters.ts";
import { IPV4_BYTES } from "../wire/ipv4-wire.ts";
import type { SegmentOutput, Transport } from "../segment-output.ts";
import type { Connection, ConnectionHandler } from "./application.ts";
import { arrive } from "./arrive.ts";
import type { CongestionControl } from "./congestion.ts";
import { connect } from "./connect.ts";
import type { ControlBlock } from "./control-block.ts";
import type { Clock, TcpCore } from "./core.ts";
import { makeDurations } from "./core.ts";
import { makeDraft } from "./emit.ts";
import { makeChooseInitial, makeSecret } from "./initial-sequence.ts";
import { KeyedRateLimit } from "./keyed-rate-limit.ts";
import { close } from "./lifecycle.ts";
import type { TcpLimits } from "./limits.ts";
import { TCP_LIMITS } from "./limits.ts";
import type { MakeHandler } from "./listener.ts";
import { makeListener } from "./listener.ts";
import { NewReno } from "./new-reno.ts";
import { makeSegmentOptions, scaleFor } from "./options.ts";
import type { PieceSum } from "./payload-sum.ts";
import { readPieceSum } from "./payload-sum.ts";
import { poll, wakeAt } from "./poll.ts";
import { ReadyQueue } from "./ready-queue.ts";
import type { ReceiveMemory } from "./receive-memory.ts";
import type { Segment } from "./segment.ts";
import { makeSegment, parseSegment } from "./segment.ts";
import { watchMemory } from "./starving.ts";
import { SynCookies } from "./syn-cookie.ts";
import type { TcpCounters } from "./tcp-counters.ts";
import { makeTcpCounters } from "./tcp-counters.ts";
import { TICKS_PER_SECOND } from "./ticks.ts";
import { TimeWaitTable } from "./time-wait.ts";
import { Timers } from "./timers.ts";
import { TupleTable } from "./tuple-table.ts";

/** What a TCP endpoint is made of. */
export interface TcpOptions {
  readonly output: SegmentOutput;
  readonly clock: Clock;
  /** Buffers for bytes that applications do not take at once. */
  readonly memory: ReceiveMemory;
  /** Unpredictable 32-bit words: secrets, ephemeral ports. */
  readonly randomWord: () => number;
  /** What differs from `TCP_LIMITS`. */
  readonly limits?: Partial<TcpLimits>;
  /** Sums of pieces, if they are known without reading the bytes. */
  readonly pieceSum?: PieceSum;
  /** Congestion control of one connection; NewReno by default. */
  readonly makeCongestion?: () => CongestionControl;
}

/** How many of everything exist now. */
export interface TcpUse {
  /** Connections with a control block, half-open and draining ones included. */
  connections(): number;
  halfOpen(): number;
  timeWaits(): number;
  /** Connections with a timer running. */
  timers(): number;
}

/** How a port listens. */
export interface ListenOptions {
  /** Half-open connections at once; `TcpLimits.backlog` by default. */
  readonly backlog?: number;
}

/** TCP. Applications work in its calls, the layer below in `Transport`'s. */
export interface Tcp extends Transport {
  readonly limits: TcpLimits;
  /** Running totals. */
  readonly counters: Readonly<TcpCounters>;
  readonly use: TcpUse;
  /** When what is being served began: the time of the last packet's turn, or of the last poll. O(1), reads no clock. */
  now(): number;
  /**
   * Opens a connection. `handler.opened` follows, or `handler.closed` alone.
   *
   * `undefined` when all connections or all ports to that peer are in use. SYN
   * is sent in the next poll; pieces may be queued at once.
   */
  connect(remoteAddress: number, remotePort: number, handler: ConnectionHandler): Connection | undefined;
  /** Accepts connections to `port` on every local address. False when somebody listens there. */
  listen(port: number, makeHandler: MakeHandler, options?: ListenOptions): boolean;
  /** Accepts no more, and drops those that are half-open; open ones go on. */
  unlisten(port: number): void;
}

/** A TCP endpoint. Allocates its tables at once, control blocks as they are first needed. */
export function makeTcp(options: TcpOptions): Tcp {
  const core = makeCore(options);
  const segment = makeSegment();
  return Object.freeze({
    limits: core.limits,
    counters: publishCounters(core.counters),
    use: makeUse(core),
    connect: (remoteAddress: number, remotePort: number, handler: ConnectionHandler) =>
      connect(core, options.randomWord, { remoteAddress, remotePort, handler }),
    listen: (port: number, makeHandler: MakeHandler, listening?: ListenOptions) =>
      listen(core, port, makeHandler, listening?.backlog ?? core.limits.backlog),
    unlisten: (port: number) => unlisten(core, port),
    input: (source: number, destination: number, window: Window, at: number, length: number) => {
      segment.remoteAddress = source;
      segment.localAddress = destination;
      input(core, segment, window, at, length);
    },
    arriving: () => {
      core.now = core.clock.now();
      core.isTurning = true;
    },
    now: () => core.now,
    resolved: (nextHop: number) => release(core, nextHop),
    poll: () => poll(core),
    wakeAt: () => wakeAt(core),
  });
}

function makeCore(options: TcpOptions): TcpCore {
  const { clock, memory, randomWord } = options;
  const limits = Object.freeze({ ...TCP_LIMITS, ...options.limits });
  const { hertz } = clock;
  const secret = makeSecret(randomWord);
  const leavesSums = limits.checksumOffload && options.output.offload?.transmitChecksum === true;
  const core: TcpCore = {
    limits,
    memory: watchMemory(memory, () => {
      core.hasFreed = true;
    }),
    clock,
    output: options.output,
    bounds: {
      initial: limits.initialRetransmissionSeconds * hertz,
      minimum: limits.minimumRetransmissionSeconds * hertz,
      maximum: limits.maximumRetransmissionSeconds * hertz,
    },
    makeCongestion: options.makeCongestion ?? newReno(limits),
    durations: makeDurations(limits, hertz),
    pieceSum: leavesSums ? unknownSum : (options.pieceSum ?? readPieceSum),
    leavesSums,
    superBytes: limits.segmentationOffload ? superBytesOf(options.output) : 0,
    chooseInitial: makeChooseInitial(hertz, secret),
    cookies: new SynCookies(hertz, secret),
    receiveScale: scaleFor(memory.bytes),
    timers: new Timers(limits.connections),
    connections: new TupleTable(limits.connections, randomWord()),
    blocks: [],
    tombstones: new TimeWaitTable(
      limits.timeWaits,
      2 * limits.maximumSegmentLifetimeSeconds * hertz,
      randomWord(),
    ),
    listeners: new Map(),
    ready: new ReadyQueue(limits.connections),
    dead: [],
    starving: new Set(),
    draft: makeDraft(),
    synOptions: makeSegmentOptions(),
    ticksPerCycle: TICKS_PER_SECOND / hertz,
    counters: makeTcpCounters(),
    resets: new KeyedRateLimit(hertz, limits.resetsPerSecond, limits.resetBuckets, randomWord()),
    now: clock.now(),
    isTurning: false,
    budget: 0,
    waiting: 0,
    hasFreed: false,
    evictFrom: 0,
    fullUntil: 0,
  };
  return core;
}

/** The sum of a piece that the interface will read anyway. */
const unknownSum: PieceSum = () => 0;

/** Text that the interface cuts into segments, at most; it computes their checksums. */
const superBytesOf = ({ offload, transportBytes }: SegmentOutput): number =>
  offload?.transmitChecksum === true
    ? Math.max(0, offload.segmentationBytes - IPV4_BYTES - transportBytes)
    : 0;

const newReno =
  (limits: TcpLimits): (() => CongestionControl) =>
  () =>
    new NewReno({
      initialSegments: limits.initialWindowSegments,
      limitedTransmit: limits.limitedTransmit,
    });

function makeUse(core: TcpCore): TcpUse {
  const halfOpen = (): number => {
    let sum = 0;
    for (const listener of core.listeners.values()) sum += listener.halfOpen;
    return sum;
  };
  return Object.freeze({
    connections: () => core.limits.connections - core.connections.free - core.dead.length,
    halfOpen,
    timeWaits: () => core.tombstones.count,
    timers: () => core.timers.count,
  });
}

function input(core: TcpCore, segment: Segment, window: Window, at: number, length: number): void {
  const { counters } = core;
  if (!core.isTurning) core.now = core.clock.now();
  counters.segmentsReceived += 1;
  const isSummed = core.output.offload?.checksumGood === true;
  const validity = isUnicast(segment.remoteAddress)
    ? parseSegment(segment, window, at, length, isSummed)
    : "malformed";
  if (validity !== "valid") counters[validity] += 1;
  if (validity === "valid" || validity === "badOptions") arrive(core, segment);
}

// A connection has two ends: nothing comes from the zero, a multicast or the broadcast address (RFC 9293 section 3.9.2.3).
const isUnicast = (address: number): boolean => address !== 0 && address >>> 28 < 14;

function listen(core: TcpCore, port: number, makeHandler: MakeHandler, backlog: number): boolean {
  if (core.listeners.has(port)) return false;
  core.listeners.set(port, makeListener(port, makeHandler, backlog));
  return true;
}

function unlisten(core: TcpCore, port: number): void {
  const listener = core.listeners.get(port);
  if (listener === undefined) return;
  core.listeners.delete(port);
  core.now = core.clock.now();
  while (listener.oldest !== undefined) close(core, listener.oldest, "aborted");
}

// Only those that waited for it: with many next hops that nobody answers for, each one more would have all of them tried again.
function release(core: TcpCore, nextHop: number): void {
  if (core.waiting === 0) return;
  const { blocks, output, ready } = core;
  const hopOf = (block: ControlBlock): number => output.nextHop?.(block.remoteAddress) ?? nextHop;
  for (const block of blocks) if (block?.isWaiting && hopOf(block) === nextHop) ready.add(block);
}
