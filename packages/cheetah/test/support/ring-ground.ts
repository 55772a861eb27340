/** Two network namespaces and the link between them, for a server on an interface of Linux and its client. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { mustRun } from "./command.ts";

/** The server's address, and the client's with its prefix. */
export const SERVER = "10.9.1.2",
  CLIENT = "10.9.1.1/24";

/** The namespaces of one server and its client, one and the same for a TAP. */
export interface Ground {
  readonly kind: "packet" | "tap";
  readonly inside: string;
  readonly outside: string;
  /** The server's interface, and the client's. */
  readonly ours: string;
  readonly theirs: string;
}

/** A veth between two namespaces, whose names begin with `prefix`. */
export const packetGround = (prefix: string): Ground => ({
  kind: "packet",
  inside: `${prefix}-in-${process.pid}`,
  outside: `${prefix}-out-${process.pid}`,
  ours: "ring0",
  theirs: "ring1",
});

/** A TAP in a namespace of its own, at whose other end the server is. */
export const tapGround = (prefix: string): Ground => {
  const space = `${prefix}-tap-${process.pid}`;
  return { kind: "tap", inside: space, outside: space, ours: "ring0", theirs: "ring0" };
};

/** The command that runs `words` in a namespace. */
export const within = (namespace: string, ...words: string[]): string[] => [
  "ip",
  "netns",
  "exec",
  namespace,
  ...words,
];
/** Runs `words` in a namespace to their end; what they said. Throws when they failed. */
export const mustWithin = (namespace: string, ...words: string[]): string =>
  mustRun("ip", ...within(namespace, ...words).slice(1));

const quieten = (namespace: string, link: string): void => {
  const setting = `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`;
  mustWithin(namespace, "sh", "-c", `if [ -e ${setting} ]; then echo 1 > ${setting}; fi`);
};

const VETH = (one: string, other: string): string[] => [
  "link",
  "add",
  "name",
  one,
  "type",
  "veth",
  "peer",
  "name",
  other,
];

/** Makes the namespaces and the link; the server's end has no address. */
export const lay = ({ kind, inside, outside, ours, theirs }: Ground): void => {
  for (const name of new Set([inside, outside])) mustRun("ip", "netns", "add", name);
  if (kind === "tap") mustRun("ip", "-n", inside, "tuntap", "add", "dev", ours, "mode", "tap");
  else {
    mustRun("ip", "-n", inside, ...VETH(ours, theirs));
    mustRun("ip", "-n", inside, "link", "set", theirs, "netns", outside);
    quieten(inside, ours);
    mustRun("ip", "-n", inside, "link", "set", ours, "up");
  }
  quieten(outside, theirs);
  mustRun("ip", "-n", outside, "addr", "add", CLIENT, "dev", theirs);
  mustRun("ip", "-n", outside, "link", "set", theirs, "up");
};

/** Ends the namespaces, and the link with them. */
export const clear = ({ inside, outside }: Ground): void => {
  for (const name of new Set([inside, outside])) spawnSync("ip", ["netns", "del", name]);
};

const OFFLOADS = fileURLToPath(new URL("../../../hw-model/test/set-offloads.ts", import.meta.url));
/** Turns the offloads of the client's end on or off. */
export const setOffloads = ({ outside, theirs }: Ground, wanted: "on" | "off"): void =>
  void mustWithin(outside, process.execPath, "--conditions=@exolith/source", OFFLOADS, theirs, wanted);

/** Packets that the server's end received, as Linux counts them: a super-segment is one. */
export const packetsIn = ({ kind, inside, ours }: Ground): number =>
  Number(
    mustWithin(inside, "cat", `/sys/class/net/${ours}/statistics/${kind === "tap" ? "tx" : "rx"}_packets`),
  );

/** Why such namespaces cannot be made here, if they cannot. */
export function obstacle(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root";
  const name = `ring-try-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return "ip netns add does not work";
  const joined = spawnSync("ip", ["-n", name, ...VETH("exo-a", "exo-b")]).status === 0;
  spawnSync("ip", ["netns", "del", name]);
  return joined ? undefined : "ip link add … type veth does not work";
}
