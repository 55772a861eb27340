/** A server, an honest client and an attacker, each in a namespace of its own, on one bridge that nobody can poison. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { findTool, mustRun, runProgram, startCheetah, type Started } from "../support/command.ts";
import { within, mustWithin } from "../support/ring-ground.ts";
import { until } from "../support/waiting.ts";
import type { AttackName } from "./attacks.ts";
import type { AttackReport, AttackWish } from "./attacker.ts";
import type { ClientTotals, ClientWish } from "./honest-client.ts";
import type { MalformedReport, MalformedWish } from "./malformed-client.ts";
import type { Look, ServerWish } from "./watched-server.ts";

/** Addresses on the one network. */
export const SERVER = "10.9.1.2",
  CLIENT = "10.9.1.1",
  ROUTER = "10.9.3.1";
const PREFIX = 16;
/** Addresses of the attacker's Linux, for connections that Linux makes. */
export const LINUX_ATTACKERS: readonly string[] = Array.from({ length: 32 }, (_, i) => `10.9.2.${i + 1}`);
/** Ports of the honest client's connections that stay. */
export const CLIENT_PORTS: readonly number[] = Array.from({ length: 8 }, (_, i) => 40_001 + i);
/** Longest packet that the links carry: more than the server's frames hold. */
const LINK_MTU = 4000;
/** Longest frame of an attacker: with a VLAN tag's room. */
export const ATTACK_FRAME_BYTES: number = LINK_MTU + 14;
const PORTS = { server: "hostS", client: "hostC", attacker: "hostA" } as const;

/** Names of the namespaces. */
export interface HostileGround {
  readonly server: string;
  readonly client: string;
  readonly attacker: string;
  readonly middle: string;
}

/** Namespaces whose names begin with `prefix`. */
export const hostileGround = (prefix: string): HostileGround => ({
  server: `${prefix}-srv-${process.pid}`,
  client: `${prefix}-cli-${process.pid}`,
  attacker: `${prefix}-att-${process.pid}`,
  middle: `${prefix}-mid-${process.pid}`,
});

/** The interface in every namespace. */
const LINK = "hostile0";

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SOURCE = "--conditions=@exolith/source";

type Who = keyof typeof PORTS;

/** Joins a namespace to the bridge. */
function plugIn({ middle, ...others }: HostileGround, who: Who): void {
  const [port, namespace] = [PORTS[who], others[who]];
  const ends = ["name", port, "type", "veth", "peer", "name", LINK, "netns", namespace];
  mustRun("ip", "-n", middle, "link", "add", ...ends);
  mustRun("ip", "-n", middle, "link", "set", "dev", port, "master", "br0");
  for (const [space, link] of [
    [middle, port],
    [namespace, LINK],
  ] as const) {
    const setting = `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`;
    mustWithin(space, "sh", "-c", `if [ -e ${setting} ]; then echo 1 > ${setting}; fi`);
    mustRun("ip", "-n", space, "link", "set", "dev", link, "mtu", `${LINK_MTU}`, "up");
  }
}

/** The bridge learns nothing from what the attacker sends, and cuts what goes to him as a wire would have it. */
function distrust({ middle, attacker }: HostileGround): void {
  const port = PORTS.attacker;
  mustRun("ip", "-n", middle, "link", "set", "dev", port, "type", "bridge_slave", "learning", "off");
  mustWithin(middle, "bridge", "fdb", "replace", octetsIn(attacker), "dev", port, "master", "static");
  const offloads = program("../../../hw-model/test/set-offloads.ts");
  mustWithin(middle, process.execPath, SOURCE, offloads, port, "off");
}

const BRIDGE = ["link", "add", "name", "br0", "mtu", `${LINK_MTU}`, "type", "bridge", "mcast_snooping", "0"];
const UNFILTERED = "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ -e $f ] && echo 0 > $f; done; true";

/** Makes the namespaces, and the bridge between them. */
export function layHostile(ground: HostileGround): void {
  const { server, client, attacker, middle } = ground;
  for (const name of [server, client, attacker, middle]) mustRun("ip", "netns", "add", name);
  mustRun("ip", "-n", middle, ...BRIDGE);
  mustWithin(middle, "sh", "-c", UNFILTERED);
  for (const who of ["server", "client", "attacker"] as const) plugIn(ground, who);
  distrust(ground);
  mustRun("ip", "-n", middle, "link", "set", "dev", "br0", "up");
  mustRun("ip", "-n", client, "addr", "add", `${CLIENT}/${PREFIX}`, "dev", LINK);
  for (const address of LINUX_ATTACKERS)
    mustRun("ip", "-n", attacker, "addr", "add", `${address}/${PREFIX}`, "dev", LINK);
  mustWithin(client, "sh", "-c", "echo '20000 39999' > /proc/sys/net/ipv4/ip_local_port_range");
  // Whoever lies to the client about where the server is attacks the client, not the server.
  const at = ["lladdr", octetsIn(server), "dev", LINK, "nud", "permanent"];
  mustRun("ip", "-n", client, "neigh", "add", SERVER, ...at);
}

/** Why there can be no bridge here, if there cannot. */
export function bridgeObstacle(): string | undefined {
  if (findTool("bridge") === undefined) return "bridge is not installed";
  const name = `bridge-try-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return "ip netns add does not work";
  const made = spawnSync("ip", ["-n", name, ...BRIDGE]).status === 0;
  spawnSync("ip", ["netns", "del", name]);
  return made ? undefined : "ip link add … type bridge does not work";
}

/** Ends the namespaces, and the links with them. */
export function clearHostile(ground: HostileGround): void {
  for (const name of Object.values(ground) as string[]) spawnSync("ip", ["netns", "del", name]);
}

/** The Ethernet address of the interface in a namespace. */
const octetsIn = (namespace: string): string =>
  mustWithin(namespace, "cat", `/sys/class/net/${LINK}/address`).trim();

/** Words in front of a program that keep it on one processor, where there are several: the server has one for itself. */
const pinned = (processor: number, ...more: string[]): string[] =>
  cpus().length > 1 && findTool("taskset") !== undefined ? ["taskset", "-c", `${processor}`, ...more] : more;

/** A server that says what it holds. */
export interface WatchedServer extends Started {
  look(): Promise<Look>;
}

/** Starts the server on the ground. */
export async function startWatched(
  ground: HostileGround,
  wish: Omit<ServerWish, "link" | "address" | "router">,
): Promise<WatchedServer> {
  const told: ServerWish = { link: LINK, address: `${SERVER}/${PREFIX}`, router: ROUTER, ...wish };
  const started = await startCheetah([JSON.stringify(told)], {
    prefix: within(ground.server, ...pinned(0)),
    program: ["--expose-gc", SOURCE, program("watched-server.ts")],
  });
  const looks = (): RegExpMatchArray[] => [...started.output().matchAll(/^look (.*)$/gm)];
  const look = async (): Promise<Look> => {
    const before = looks().length;
    started.child.kill("SIGUSR2");
    if (!(await until(() => looks().length > before || started.child.exitCode !== null, 20_000)))
      throw new Error(`the server says nothing: ${started.errors()}`);
    return JSON.parse(looks().at(-1)?.[1] ?? "null") as Look;
  };
  return { ...started, look };
}

/** A program that was started, and its lines. */
interface Lines {
  readonly child: ChildProcess;
  last(): string | undefined;
  /** True once it has said anything. */
  hasBegun(): boolean;
  ended(): Promise<void>;
  errors(): string;
}

function startLines(words: readonly string[], kind: string): Lines {
  const [first = "", ...rest] = words;
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8000)));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const over = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const line = new RegExp(`^${kind} (.*)\n`, "gm");
  return {
    child,
    last: () => [...output.matchAll(line)].at(-1)?.[1],
    hasBegun: () => output !== "",
    ended: () => over,
    errors: () => errors,
  };
}

/** What a program reports when it has ended. */
async function reportOf<T>(lines: Lines): Promise<T> {
  await lines.ended();
  const said = lines.last();
  if (said === undefined) throw new Error(`it broke down: ${lines.errors()}`);
  return JSON.parse(said) as T;
}

/** The honest client at work. */
export interface HonestClient {
  /** What it has had. */
  totals(): ClientTotals;
  end(): Promise<void>;
}

/** Starts the honest client; resolves when it has had its first responses. */
export async function startHonest(
  ground: HostileGround,
  wish: Pick<ClientWish, "kept" | "fresh" | "pages">,
): Promise<HonestClient> {
  const told: ClientWish = { server: SERVER, ports: CLIENT_PORTS, ...wish };
  const words = within(ground.client, ...pinned(1), process.execPath, SOURCE, program("honest-client.ts"));
  const lines = startLines([...words, JSON.stringify(told)], "had");
  const totals = (): ClientTotals => JSON.parse(lines.last() ?? "{}") as ClientTotals;
  const isAtWork = (): boolean => (totals().kept ?? 0) > 0 && (totals().fresh ?? 0) > 0;
  const end = async (): Promise<void> => {
    lines.child.kill("SIGKILL");
    await lines.ended();
  };
  if (await until(isAtWork, 15_000)) return { totals, end };
  await end();
  throw new Error(`the honest client is not served: ${lines.errors()} ${lines.last()}`);
}

/** An attack under way. */
export interface Attacking {
  /** Ends it; what it reports. */
  end(): Promise<AttackReport>;
  /** Waits until it has sent all its frames. */
  report(): Promise<AttackReport>;
}

/** Starts an attack; resolves when it has begun. It goes behind others on its processor: a client that shares it stands for one that does not. */
export async function startAttack(
  ground: HostileGround,
  wish: { readonly name: AttackName; readonly rate: number; readonly seed: number; readonly frames?: number },
): Promise<Attacking> {
  const told: AttackWish = {
    link: LINK,
    frameBytes: ATTACK_FRAME_BYTES,
    server: SERVER,
    serverOctets: octetsIn(ground.server),
    client: CLIENT,
    clientPorts: CLIENT_PORTS,
    ...wish,
  };
  const words = pinned(1, "nice", "-n", "5", process.execPath, SOURCE, program("attacker.ts"));
  const lines = startLines([...within(ground.attacker, ...words), JSON.stringify(told)], "attacked");
  const report = (): Promise<AttackReport> => reportOf(lines);
  if (!(await until(() => lines.hasBegun() || lines.child.exitCode !== null, 20_000)))
    throw new Error(`the attack does not begin: ${lines.errors()}`);
  return {
    report,
    end: () => {
      lines.child.kill("SIGTERM");
      return report();
    },
  };
}

/** Sends malformed requests; what the program reports. */
export function sendMalformed(
  ground: HostileGround,
  requests: number,
  seed: number,
): Promise<MalformedReport> {
  const told: MalformedWish = { server: SERVER, addresses: LINUX_ATTACKERS, requests, seed };
  const words = pinned(1, process.execPath, SOURCE, program("malformed-client.ts"));
  return reportOf(startLines([...within(ground.attacker, ...words), JSON.stringify(told)], "attacked"));
}

/** Frames whose virtio headers lie: how many there were, and how many Linux took. */
export interface StrangeReport {
  readonly frames: number;
  readonly taken: number;
}

const STRANGE = program("../../../hw-model/test/send-strange.ts");

/** Sends frames whose virtio headers lie. */
export async function sendStrange(
  ground: HostileGround,
  frames: number,
  seed: number,
): Promise<StrangeReport> {
  const told = [LINK, `${frames}`, `${seed}`, octetsIn(ground.server), SERVER, "10.9.3.9"];
  const words = pinned(1, process.execPath, SOURCE, STRANGE, ...told);
  const [first = "", ...rest] = within(ground.attacker, ...words);
  const { code, output, errors } = await runProgram(first, rest, 120_000);
  if (code !== 0) throw new Error(`strange frames: ${errors}`);
  return JSON.parse(output.toString()) as StrangeReport;
}
