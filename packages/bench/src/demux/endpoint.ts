/** Endpoints: whom the packets of a busy host are for, as filters and as tcpdump writes them. */
import { makeRandomSequence, type RandomSequence } from "@exolith/hw-model";
import { arpFor, icmpTo, ipv4To, tcpTo, udpTo, type Filter } from "@exolith/secure-bind";

/** What an endpoint listens to. Addresses are unsigned 32-bit numbers. */
export type Endpoint =
  /** ARP packets that ask for `address` or answer it. */
  | { readonly kind: "arp"; readonly address: number }
  /** Every IPv4 packet to `address`: what nobody else wanted. */
  | { readonly kind: "host"; readonly address: number }
  /** ICMP messages to `address`. */
  | { readonly kind: "icmp"; readonly address: number }
  /** TCP segments or UDP datagrams to `address` and `port`, whoever sends them. */
  | {
      readonly kind: "listener";
      readonly protocol: Protocol;
      readonly address: number;
      readonly port: number;
    }
  /** Those from one peer. */
  | {
      readonly kind: "connection";
      readonly protocol: Protocol;
      readonly address: number;
      readonly port: number;
      readonly peer: number;
      readonly peerPort: number;
    };

/** A protocol with ports. */
export type Protocol = "tcp" | "udp";

/** Kinds of traffic: endpoints with ports differ by protocol as well. */
export type Traffic = "arp" | "host" | "icmp" | `${Protocol} ${"listener" | "connection"}`;

/** The kind of traffic that `endpoint` gets. */
export const trafficOf = (endpoint: Endpoint): Traffic =>
  "protocol" in endpoint ? `${endpoint.protocol} ${endpoint.kind}` : endpoint.kind;

/** The packet filter of `endpoint`. */
export function filterOf(endpoint: Endpoint): Filter {
  switch (endpoint.kind) {
    case "arp":
      return arpFor(endpoint.address);
    case "host":
      return ipv4To({ destination: endpoint.address });
    case "icmp":
      return icmpTo({ destination: endpoint.address });
    default: {
      const { protocol, address: destination, port } = endpoint;
      const from = endpoint.kind === "connection" ? endpoint : undefined;
      const build = protocol === "tcp" ? tcpTo : udpTo;
      return build({ destination, port, source: from?.peer, sourcePort: from?.peerPort });
    }
  }
}

/** `a.b.c.d`. */
export const printAddress = (address: number): string =>
  [24, 16, 8, 0].map((bits) => (address >>> bits) & 0xff).join(".");

/** The same as tcpdump writes it, in the order that gives libpcap the fewest instructions. */
export function expressionOf(endpoint: Endpoint): string {
  const to = `dst host ${printAddress(endpoint.address)}`;
  switch (endpoint.kind) {
    case "arp":
      return `arp ${to}`;
    case "host":
      return `ip ${to}`;
    case "icmp":
      return `ip proto 1 and ip ${to} and ip[6:2] & 0x1fff = 0`;
    default: {
      const { protocol, port } = endpoint;
      const listens = `ip and ${protocol} dst port ${port} and ip ${to}`;
      if (endpoint.kind === "listener") return listens;
      const from = `src host ${printAddress(endpoint.peer)}`;
      return `${listens} and ${protocol} src port ${endpoint.peerPort} and ip ${from}`;
    }
  }
}

/** What the endpoints are, ten by ten; an address has one of a kind that takes no port, and connections besides. */
const PATTERN: readonly Traffic[] = [
  "tcp listener",
  "tcp connection",
  "arp",
  "host",
  "icmp",
  "udp listener",
  "tcp connection",
  "tcp connection",
  "udp connection",
  "tcp connection",
];

/** Addresses of the host, used one after the other; every second one has somebody who takes the rest. */
const ADDRESSES: readonly number[] = [0x0a000002, 0x0a000003, 0x0a000004, 0x0a000005];
const FIRST_PORT = 1024;
const FIRST_PASSING_PORT = 32_768;

/** Connections of one peer, on average. */
const PER_PEER = 3;

function connect(protocol: Protocol, address: number, peers: number, random: RandomSequence): Endpoint {
  const peer = (0x40000000 + Math.imul(random.below(peers) + 1, 0x9e3779b1 >>> 4)) >>> 0;
  const port = protocol === "tcp" ? 80 + 363 * random.below(2) : 443;
  return {
    kind: "connection",
    protocol,
    address,
    port,
    peer,
    peerPort: FIRST_PASSING_PORT + random.below(28_000),
  };
}

/** The endpoints of a host that has `count` of them: the same list for the same seed, without repetitions. */
export function makeEndpoints(count: number, seed: number): readonly Endpoint[] {
  const random = makeRandomSequence(seed);
  const peers = Math.ceil(count / PER_PEER);
  const found = new Map<string, Endpoint>();
  const add = (endpoint: Endpoint): boolean => {
    const text = expressionOf(endpoint);
    return found.has(text) ? false : found.set(text, endpoint) !== undefined;
  };
  while (found.size < count) {
    const i = found.size;
    const traffic = PATTERN[i % PATTERN.length] ?? "host";
    const turn = Math.floor(i / PATTERN.length);
    const address = ADDRESSES[turn % ADDRESSES.length] ?? 0;
    if (traffic === "host" ? turn % 2 === 0 : traffic === "arp" || traffic === "icmp") {
      if (add({ kind: traffic as "host" | "arp" | "icmp", address })) continue;
    }
    const protocol = traffic.startsWith("udp") ? "udp" : "tcp";
    if (traffic.endsWith("listener")) add({ kind: "listener", protocol, address, port: FIRST_PORT + turn });
    else add(connect(protocol, address, peers, random));
  }
  return [...found.values()];
}
