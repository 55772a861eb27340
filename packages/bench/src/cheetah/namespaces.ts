/** Network namespaces: one for the clients, one for each server, and a virtual cable between them. */
import { execFileSync } from "node:child_process";

/** A server's end of a cable, and the client's. */
export interface Link {
  /** The namespace that the server runs in, and its interface there. */
  readonly namespace: string;
  readonly interface: string;
  /** Addresses of a network of its own, with their prefix length. */
  readonly serverAddress: string;
  readonly clientAddress: string;
  /**
   * An address that the host's own network does not have, for a client on a packet ring: another one each time.
   *
   * A server still has the last client's connections in TIME-WAIT, of which a new one knows nothing.
   */
  readonly nextRingAddress: () => string;
  readonly prefixLength: number;
  /** The client's interface, in the client's namespace. */
  readonly clientInterface: string;
}

/** Whether the host's own network answers at the server's address, or a packet ring does. */
export type Owner = "host" | "ring";

/** All namespaces of a run. */
export interface Network {
  /** The namespace that clients run in. */
  readonly client: string;
  /** Lays a cable to a new namespace. */
  link(owner: Owner): Link;
  /** Removes every namespace, and with them every interface. Safe to be called twice. */
  close(): void;
}

const PREFIX_BITS = 24;

const ip = (...words: readonly string[]): void => {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
};

/** The command that runs `command` in `namespace`. */
export const inside = (namespace: string, command: readonly string[]): readonly string[] => [
  "ip",
  "netns",
  "exec",
  namespace,
  ...command,
];

const settings = (namespace: string, lines: readonly string[]): void => {
  ip("netns", "exec", namespace, "sh", "-c", lines.join("\n"));
};

/** Only what the bench sends is on the cable. */
const QUIET = [
  "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || true",
  "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true",
];

/**
 * A client that opens a connection for each request must not run out of ports: all of them may be used, and none
 * is kept in TIME-WAIT. The same for every server.
 */
const MANY_PORTS = [
  "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range",
  "echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets",
];

const BACKLOG = [
  "echo 4096 > /proc/sys/net/core/somaxconn",
  "echo 4096 > /proc/sys/net/ipv4/tcp_max_syn_backlog",
  "echo 0 > /proc/sys/net/ipv4/tcp_syncookies",
];

/** The cores on which each end of a cable takes what arrives there. */
export interface Steering {
  readonly server: number;
  readonly client: number;
}

/** Has `core` take what arrives at an interface, instead of whichever core sent it. */
const steered = (interfaceName: string, core: number): readonly string[] => [
  `for queue in /sys/class/net/${interfaceName}/queues/rx-*; do`,
  `  echo ${(2 ** (core % 32)).toString(16)}${",00000000".repeat(Math.floor(core / 32))} > $queue/rps_cpus`,
  "done",
];

/**
 * Makes the clients' namespace. Needs root and iproute2.
 *
 * A frame on such a cable is taken in by the core that sent it, unless `steering` says otherwise.
 */
export function openNetwork(steering?: Steering): Network {
  const stem = `exolith-bench-${process.pid}`;
  const client = `${stem}-client`;
  const made: string[] = [];
  const make = (namespace: string): void => {
    ip("netns", "add", namespace);
    made.push(namespace);
    ip("-n", namespace, "link", "set", "lo", "up");
    settings(namespace, QUIET);
  };
  const close = (): void => {
    for (const namespace of made.splice(0)) ip("netns", "del", namespace);
  };
  const link = (owner: Owner): Link => {
    const number = made.length;
    const found = { ...names(number), namespace: `${stem}-server${number}` };
    make(found.namespace);
    lay(client, found, owner);
    if (steering !== undefined) {
      settings(client, steered(found.clientInterface, steering.client));
      settings(found.namespace, steered(found.interface, steering.server));
    }
    return found;
  };
  try {
    make(client);
    settings(client, MANY_PORTS);
  } catch (error) {
    close();
    throw error;
  }
  return { client, link, close };
}

/** Hosts of a network that are taken in turns by clients on a packet ring: no server's, no host's. */
const RING_HOSTS = { first: 16, count: 200 } as const;

/** 198.18.0.0/15 is for benchmarks (RFC 2544). */
function names(number: number): Omit<Link, "namespace"> {
  let clients = 0;
  return {
    interface: `server${number}`,
    clientInterface: `client${number}`,
    serverAddress: `198.18.${number}.10`,
    clientAddress: `198.18.${number}.1`,
    nextRingAddress: () => `198.18.${number}.${RING_HOSTS.first + (clients++ % RING_HOSTS.count)}`,
    prefixLength: PREFIX_BITS,
  };
}

function lay(client: string, link: Link, owner: Owner): void {
  const { namespace, prefixLength } = link;
  ip(
    "-n",
    client,
    "link",
    "add",
    link.clientInterface,
    "type",
    "veth",
    "peer",
    "name",
    link.interface,
    "netns",
    namespace,
  );
  ip("-n", client, "addr", "add", `${link.clientAddress}/${prefixLength}`, "dev", link.clientInterface);
  ip("-n", client, "link", "set", link.clientInterface, "up");
  settings(namespace, BACKLOG);
  if (owner === "host")
    ip("-n", namespace, "addr", "add", `${link.serverAddress}/${prefixLength}`, "dev", link.interface);
  ip("-n", namespace, "link", "set", link.interface, "up");
}
