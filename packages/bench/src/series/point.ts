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
  /** Answers that every client gets, on the average. */
  readonly rounds: number;
  /** Of the wires and of what the machines call random. */
  readonly seed: number;
}

/**
 * What came of it, at the server.
 *
 * Rates and parts of the time are from the first request to the last answer;
 * what is for one request is the mean over all, to the very last packet.
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
  readonly seconds: number;
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

function look({ server, nics, seconds }: Computers, counters: ClientCounters): Moment {
  const { machine, ledger, labour } = server;
  return {
    seconds: seconds(),
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

/** From the first request to the last answer. */
function ratesOf({ profile, size }: PointOptions, from: Moment, to: Moment): Rates {
  const seconds = to.seconds - from.seconds;
  const requestsPerSecond = (to.right - from.right) / seconds;
  return {
    requestsPerSecond,
    bytesPerSecond: requestsPerSecond * size,
    idle: Math.max(0, 1 - (to.busy - from.busy) / (profile.hertz * seconds)),
    link: bitsOut(from, to) / (LINKS * BITS_PER_SECOND * seconds),
  };
}

/** What one of `requests` took, to the last packet. */
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
/** Seconds that an answer may take. */
const ANSWER_SECONDS = 10;

/** Seconds in which the last packets of the last connection come. */
const SETTLE_SECONDS = 0.05;

/** A server that would answer, and clients that are idle. */
interface Prepared {
  readonly computers: Computers;
  readonly counters: ClientCounters;
}

function setUp({ profile, server, size, clients, seed }: PointOptions): Prepared {
  const counters: ClientCounters = { right: 0, wrong: 0, firstWrong: undefined, left: 0 };
  let isReady = false;
  const ready = (): void => void (isReady = true);
  const computers = makeComputers(
    { ...server.kernel.computer(profile), seed },
    (labour) => server.program({ labour, size, ready }),
    clientProgram({ size, clients, counters }),
  );
  computers.run({ until: () => isReady, seconds: START_SECONDS });
  if (!isReady) throw new Error(`${server.name} did not start`);
  return { computers, counters };
}

/** Has so many requests made and answered; when the first was made and when the last was answered. */
function ask(options: PointOptions, { computers, counters }: Prepared, requests: number): [Moment, Moment] {
  const { server, size } = options;
  const wanted = counters.right + requests;
  const isDone = (): boolean => counters.right === wanted || counters.wrong > 0;
  counters.left = requests;
  computers.run({ until: () => counters.left < requests, seconds: START_SECONDS });
  const first = look(computers, counters);
  computers.run({ until: isDone, seconds: ANSWER_SECONDS * requests });
  if (counters.wrong > 0) throw new Error(`${server.name}, ${size} bytes: ${counters.firstWrong}`);
  if (!isDone()) throw new Error(`${server.name}, ${size} bytes: answers do not come`);
  return [first, look(computers, counters)];
}

/**
 * Measures one point, after every client has had an answer: by then the document is in memory.
 *
 * The same options give the same figures on every computer. Throws when an answer is wrong or does not come.
 */
export function measurePoint(options: PointOptions): SeriesPoint {
  const prepared = setUp(options);
  const { computers, counters } = prepared;
  const round = options.clients * LINKS;
  ask(options, prepared, round);
  computers.run({ seconds: SETTLE_SECONDS });
  const requests = options.rounds * round;
  const [first, answered] = ask(options, prepared, requests);
  computers.run({ seconds: SETTLE_SECONDS });
  const last = look(computers, counters);
  return { size: options.size, ...ratesOf(options, first, answered), ...costsOf(requests, first, last) };
}
