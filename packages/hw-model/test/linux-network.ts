/** Network namespaces and interfaces of Linux for tests, and why there are none. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Runs a program that must work; what it printed. */
export const run = (...words: string[]): string =>
  execFileSync(words[0] ?? "", words.slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** True if a program works. */
const works = (...words: string[]): boolean => spawnSync(words[0] ?? "", words.slice(1)).status === 0;

/** Why interfaces of Linux cannot be made here, empty when they can; tries it. */
export const linuxObstacle = (): string => {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root";
  const name = `exo-try-${process.pid}`;
  if (!works("ip", "netns", "add", name)) return "no network namespaces (ip netns add)";
  const joined = works(
    "ip",
    "-n",
    name,
    "link",
    "add",
    "name",
    "exo-a",
    "type",
    "veth",
    "peer",
    "name",
    "exo-b",
  );
  run("ip", "netns", "del", name);
  return joined ? "" : "no veth interfaces (ip link add … type veth)";
};

/** Why TAP interfaces cannot be made here, empty when they can. */
export const tapObstacle = (): string =>
  linuxObstacle() || (existsSync("/dev/net/tun") ? "" : "no /dev/net/tun");

/** Keeps IPv6 from talking on `link` of a namespace (of this one unless given), if this kernel has it. */
export const quieten = (link: string, namespace?: string): void => {
  const setting = `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`;
  const script = `if [ -e ${setting} ]; then echo 1 > ${setting}; fi`;
  run(...(namespace === undefined ? [] : ["ip", "netns", "exec", namespace]), "sh", "-c", script);
};

let made = 0;

/** A name for an interface that no other test has, with room for one character more. */
export const freshName = (): string => `exo${process.pid}.${made++}`;
