/** A trace: frames of the shapes that an Ethernet has, some for the endpoints and some for nobody. */
import { makeRandomSequence, type RandomSequence } from "@exolith/hw-model";
import { trafficOf, type Endpoint, type Traffic } from "./endpoint.ts";
import { arpFrame, ipv4Frame, ipv6Frame, type Ipv4Frame } from "./frames.ts";

/** The beginnings of frames, one behind the other at multiples of 64 bytes, as in buffers of a device. */
export interface Trace {
  readonly memory: Uint8Array;
  readonly at: Int32Array;
  readonly length: Int32Array;
}

const ALIGNMENT = 64;

/**
 * Bytes that are kept of a frame: all its headers at their longest, and then some.
 *
 * A kernel classifies a frame that a device has just written, which is in the
 * cache. Whole frames, thousands of them, would be out of it, and what is
 * measured would be the memory.
 */
export const KEPT_BYTES = 128;

/** Of 100 frames so many are of a kind that an endpoint may want; the rest is for nobody. */
const WANTED: readonly (readonly [Traffic, number])[] = [
  ["tcp connection", 42],
  ["udp connection", 5],
  ["tcp listener", 8],
  ["udp listener", 5],
  ["icmp", 3],
  ["arp", 3],
  ["host", 6],
];
const STRANGERS: readonly (readonly [(random: RandomSequence) => Uint8Array, number])[] = [
  [strayIpv4, 12],
  [strayIpv6, 8],
  [strayArp, 6],
  [strayLength, 1],
  [strayRunt, 1],
];

const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;
const BROADCAST_REQUEST = 1;
const REPLY = 2;

/** One of `choices`, as often as its weight says. */
function pick<T>(choices: readonly (readonly [T, number])[], random: RandomSequence): T {
  let left = random.below(choices.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [choice, weight] of choices) {
    if (left < weight) return choice;
    left -= weight;
  }
  throw new RangeError("no choices");
}

/** Sizes of a payload: nothing, a request, half a segment, a whole one. */
const payload = (random: RandomSequence): number =>
  pick(
    [
      [0, 45],
      [120 + random.below(200), 25],
      [500 + random.below(200), 10],
      [1448, 20],
    ],
    random,
  );

/** Bytes of options: none most of the time, at most 40. */
const options = (random: RandomSequence): number => (random.chance(0.85) ? 0 : 4 * (1 + random.below(10)));

const elsewhere = (random: RandomSequence): number => (0xac100000 + random.below(0x10000)) >>> 0;
const port = (random: RandomSequence): number => 1024 + random.below(60_000);

/** What varies in every IPv4 packet. */
const varying = (
  random: RandomSequence,
): Pick<Ipv4Frame, "options" | "payload" | "identification" | "random"> => ({
  options: options(random),
  payload: payload(random),
  identification: random.below(0x10000),
  random,
});

/** What nobody asked for in particular at an address that somebody listens to: another protocol, or a later fragment. */
function other(destination: number, random: RandomSequence): Uint8Array {
  const fragment = random.chance(0.5) ? 185 * (1 + random.below(8)) : 0;
  const protocol = fragment === 0 ? 47 : PROTOCOL.udp;
  return ipv4Frame({ ...varying(random), source: elsewhere(random), destination, protocol, fragment });
}

function packetFor(endpoint: Endpoint, random: RandomSequence): Uint8Array {
  const { address: destination } = endpoint;
  if (endpoint.kind === "host") return other(destination, random);
  if (endpoint.kind === "arp")
    return arpFrame(random.chance(0.5) ? BROADCAST_REQUEST : REPLY, elsewhere(random), destination, random);
  if (endpoint.kind === "icmp") {
    const { icmp: protocol } = PROTOCOL;
    return ipv4Frame({ ...varying(random), source: elsewhere(random), destination, protocol });
  }
  const from = endpoint.kind === "connection" ? endpoint : undefined;
  return ipv4Frame({
    ...varying(random),
    source: from?.peer ?? elsewhere(random),
    destination,
    protocol: PROTOCOL[endpoint.protocol],
    sourcePort: from?.peerPort ?? port(random),
    port: endpoint.port,
  });
}

/** A segment or a datagram for another host, or for a port where nobody listens. */
function strayIpv4(random: RandomSequence): Uint8Array {
  const destination = random.chance(0.5) ? elsewhere(random) : 0x0a000002 + random.below(8);
  const protocol = random.chance(0.7) ? PROTOCOL.tcp : PROTOCOL.udp;
  const ports = { sourcePort: port(random), port: 61_000 + random.below(4000) };
  return ipv4Frame({ ...varying(random), source: elsewhere(random), destination, protocol, ...ports });
}

function strayIpv6(random: RandomSequence): Uint8Array {
  return ipv6Frame(pick<number>([[6, 5], [17, 3], [58, 2], [0, 1]], random), payload(random), random); // prettier-ignore
}

function strayArp(random: RandomSequence): Uint8Array {
  return arpFrame(BROADCAST_REQUEST, elsewhere(random), elsewhere(random), random);
}

/** A frame with a length where others have a type: a bridge that speaks of its spanning tree. */
function strayLength(): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set([1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 38, 0x42, 0x42, 3]);
  return frame;
}

/** A frame that ends within its headers. */
function strayRunt(random: RandomSequence): Uint8Array {
  const whole = strayIpv4(random);
  return whole.subarray(0, 14 + random.below(24));
}

function group(endpoints: readonly Endpoint[]): Map<Traffic, Endpoint[]> {
  const groups = new Map<Traffic, Endpoint[]>();
  for (const endpoint of endpoints) {
    const traffic = trafficOf(endpoint);
    const those = groups.get(traffic);
    if (those === undefined) groups.set(traffic, [endpoint]);
    else those.push(endpoint);
  }
  return groups;
}

/** Lays the beginnings of frames out in a memory of their own. */
export function layOut(frames: readonly Uint8Array[]): Trace {
  const at = new Int32Array(frames.length);
  const length = Int32Array.from(frames, (frame) => Math.min(frame.length, KEPT_BYTES));
  let end = 0;
  for (const [i, bytes] of length.entries()) {
    at[i] = end;
    end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  }
  const memory = new Uint8Array(end);
  for (const [i, frame] of frames.entries()) memory.set(frame.subarray(0, KEPT_BYTES), at[i]);
  return { memory, at, length };
}

/**
 * `packets` frames for `endpoints` and for nobody, in no order.
 *
 * How many are of which kind does not depend on how many endpoints there are;
 * within a kind each endpoint gets as many as another. A kind that has no
 * endpoint leaves its share to all the others.
 */
export function makeTrace(endpoints: readonly Endpoint[], packets: number, seed: number): Trace {
  const random = makeRandomSequence(seed);
  const groups = group(endpoints);
  const strangers = STRANGERS.reduce((sum, [, weight]) => sum + weight, 0);
  const kinds: readonly (readonly [Traffic | undefined, number])[] = [...WANTED, [undefined, strangers]];
  const frames: Uint8Array[] = [];
  while (frames.length < packets) {
    const kind = pick(kinds, random);
    if (kind === undefined) {
      frames.push(pick(STRANGERS, random)(random));
      continue;
    }
    const those = groups.get(kind) ?? endpoints;
    const endpoint = those[random.below(those.length)];
    if (endpoint !== undefined) frames.push(packetFor(endpoint, random));
  }
  return layOut(frames);
}
