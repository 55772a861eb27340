/** One point of the figure: one server, one size, on fresh machines. */
import type { CostProfile } from "@exolith/hw-model";
import { clientProgram, type ClientCounters } from "./clients.ts";
import { BITS_PER_SECOND, LINKS, makeComputers, type Computers } from "./computers.ts";
import { PART_NAMES, partsOf, type Parts } from "./parts.ts";
import type { Server } from "./servers.ts";
import { WORK_NAMES, type WorkName } from "./work.ts";

/** What is measured. */
export interface PointOptions {
  readonly profile: CostProfile;
  readonly server: Server;
  /** Bytes of the document. */
  readonly size: number;
  /** Clients on each of the three links. */
  readonly clients: number;
  /** Answers that every client gets, on the average; rates are of those between the first and the last ones. */
  readonly rounds: number;
  /** Of the wires and of what the machines call random. */
  readonly seed: number;
}

/**
 * What came of it, at the server.
 *
 * What is for one request is for one of all, from the first packet to the last;
 * rates and parts are of the time in which every client was at work.
 */
export interface SeriesPoint {
  readonly size: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Bytes of documents a second. */
  readonly bytesPerSecond: number;
  /** The part of the time in which the server's processor had nothing to do. */
  readonly idle: number;
  readonly cycles: number;
  /** Where they went. */
  readonly parts: Parts;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Bytes that the processor copied and summed. */
  readonly bytesCopied: number;
  readonly bytesSummed: number;
  /** The part of what the three links carry away from the server that was used. */
  readonly link: number;
  /** Times that each piece of work was done, of those that were. */
  readonly work: Readonly<Partial<Record<WorkName, number>>>;
}

type Rates = Pick<SeriesPoint, "requestsPerSecond" | "bytesPerSecond" | "idle" | "link">;
type Costs = Omit<SeriesPoint, "size" | keyof Rates>;

/** Running totals at one moment. */
interface Moment {
  readonly now: number;
  readonly right: number;
  readonly busy: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesOut: number;
  readonly copied: number;
  readonly summed: number;
  readonly parts: Parts;
  readonly work: Readonly<Record<WorkName, number>>;
}

function look({ server, nics }: Computers, counters: ClientCounters): Moment {
  const { machine, ledger, labour } = server;
  return {
    now: machine.clock.now(),
    right: counters.right,
    busy: ledger.cycles,
    packetsIn: nics.reduce((sum, nic) => sum + nic.counters.received, 0),
    packetsOut: nics.reduce((sum, nic) => sum + nic.counters.transmitted, 0),
    bytesOut: nics.reduce((sum, nic) => sum + nic.counters.transmittedBytes, 0),
    copied: ledger.units("copyByte"),
    summed: ledger.units("checksumByte"),
    parts: partsOf(machine.profile, ledger, labour),
    work: { ...labour.done },
  };
}

/** Bytes on the medium around a frame: preamble, FCS and gap. */
const AROUND_BYTES = 24;

/** Bits on the media from `before` to `after`. */
const bitsOut = (before: Moment, after: Moment): number =>
  8 * (after.bytesOut - before.bytesOut + AROUND_BYTES * (after.packetsOut - before.packetsOut));

/** While every client was at work. */
function ratesOf({ profile, size }: PointOptions, from: Moment, to: Moment): Rates {
  const seconds = (to.now - from.now) / profile.hertz;
  const requestsPerSecond = (to.right - from.right) / seconds;
  return {
    requestsPerSecond,
    bytesPerSecond: requestsPerSecond * size,
    idle: Math.max(0, 1 - (to.busy - from.busy) / (to.now - from.now)),
    link: bitsOut(from, to) / (LINKS * BITS_PER_SECOND * seconds),
  };
}

/** What one of `requests` took, from before the first to after the last. */
function costsOf(requests: number, from: Moment, to: Moment): Costs {
  const each = (key: Exclude<keyof Moment, "parts" | "work">): number => (to[key] - from[key]) / requests;
  const work: Partial<Record<WorkName, number>> = {};
  for (const name of WORK_NAMES) {
    const done = to.work[name] - from.work[name];
    if (done > 0) work[name] = done / requests;
  }
  const parts = { ...to.parts };
  for (const name of PART_NAMES) parts[name] = (to.parts[name] - from.parts[name]) / requests;
  return {
    requests,
    cycles: each("busy"),
    parts,
    packetsIn: each("packetsIn"),
    packetsOut: each("packetsOut"),
    bytesCopied: each("copied"),
    bytesSummed: each("summed"),
    work,
  };
}

/** Seconds in which a server must have started. */
const START_SECONDS = 60;
/** Seconds in which every client must have an answer. */
const ANSWER_SECONDS = 10;

/** Rounds after the beginning and before the end in which not every client need be at work. */
const MARGIN_ROUNDS = 2;
/** Fewer leave nothing in between. */
export const LEAST_ROUNDS: number = 2 * MARGIN_ROUNDS + 1;
/** Seconds in which the last packets of the last connection come. */
const SETTLE_SECONDS = 0.05;

/** A server and clients that have not begun. */
interface Prepared {
  readonly computers: Computers;
  readonly counters: ClientCounters;
  begin(): void;
}

function setUp({ profile, server, size, clients, seed }: PointOptions): Prepared {
  const counters: ClientCounters = { right: 0, wrong: 0, firstWrong: undefined, left: 0 };
  const state = { isReady: false, hasBegun: false };
  const ready = (): void => void (state.isReady = true);
  const computers = makeComputers(
    { ...server.kernel.computer(profile), seed },
    (labour) => server.program({ labour, size, ready }),
    clientProgram({ size, clients, begun: () => state.hasBegun, counters }),
  );
  computers.run({ until: () => state.isReady, seconds: START_SECONDS });
  if (!state.isReady) throw new Error(`${server.name} did not start`);
  return { computers, counters, begin: () => void (state.hasBegun = true) };
}

/**
 * Measures one point. The same options give the same figures on every computer.
 *
 * Throws a `RangeError` for too few rounds, and an `Error` when an answer is wrong or does not come.
 */
export function measurePoint(options: PointOptions): SeriesPoint {
  const { server, size, clients, rounds } = options;
  if (!(rounds >= LEAST_ROUNDS)) throw new RangeError(`${LEAST_ROUNDS} rounds at least are needed`);
  const { computers, counters, begin } = setUp(options);
  const round = clients * LINKS;
  const reach = (answers: number): Moment => {
    computers.run({
      until: () => counters.right >= answers || counters.wrong > 0,
      seconds: ANSWER_SECONDS * rounds,
    });
    if (counters.wrong > 0) throw new Error(`${server.name}, ${size} bytes: ${counters.firstWrong}`);
    if (counters.right < answers) throw new Error(`${server.name}, ${size} bytes: answers do not come`);
    return look(computers, counters);
  };
  counters.left = rounds * round;
  const first = look(computers, counters);
  begin();
  const from = reach(MARGIN_ROUNDS * round);
  const to = reach((rounds - MARGIN_ROUNDS) * round);
  reach(rounds * round);
  computers.run({ seconds: SETTLE_SECONDS });
  const last = look(computers, counters);
  return { size, ...ratesOf(options, from, to), ...costsOf(rounds * round, first, last) };
}
