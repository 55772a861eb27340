/** A network namespace with a TAP in it: Linux at one end, an environment with TCP at the other. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TcpLimits } from "@exolith/libos-exos";
import { lacks, mustRun, runProgram, startCheetah } from "./command.ts";
import type { ClientReport, ServerReport } from "./exchange.ts";
import type { Shape } from "./shaped-nic.ts";
import { pause, until } from "./waiting.ts";

const TAP = "exolith0";
/** Our address. */
export const SERVER = "10.9.1.2";

/** A namespace, to be closed. */
export interface Lab {
  /** Words in front of a program that runs in it. */
  readonly inside: readonly string[];
  /** Linux's side of the wire. */
  readonly tap: string;
  readonly close: () => void;
}

/** One exchange between Linux and us. */
export interface Exchanged {
  readonly server: ServerReport;
  readonly client: ClientReport;
}

/** What is exchanged, and over what. */
export interface ExchangeOptions {
  readonly shape: Shape;
  readonly seed: number;
  /** Bytes that Linux says, and that we say. */
  readonly up: number;
  readonly down: number;
  readonly limits?: Partial<TcpLimits>;
  readonly milliseconds: number;
}

/** A link that does no harm. */
export const FAIR: Shape = { lossPercent: 0, duplicatePercent: 0, delayMilliseconds: 0, reorderPercent: 0 };

/** A capture of Linux's side, being taken. */
export interface Dump {
  /** Ends it; a line for every TCP segment. */
  readonly stop: () => Promise<string[]>;
}

/** Has tcpdump write a line for every TCP segment, from now on. */
export async function startTcpdump(lab: Lab): Promise<Dump> {
  const [ip = "", ...rest] = lab.inside;
  const words = ["tcpdump", "-nn", "-l", "-t", "--immediate-mode", "-i", lab.tap, "tcp"];
  const child = spawn(ip, [...rest, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let lines = "";
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  if (!(await until(() => said.includes("listening on")))) throw new Error(`tcpdump: ${said}`);
  return {
    stop: async () => {
      await pause(100);
      child.kill("SIGINT");
      await ended;
      return lines.split("\n").filter((line) => line !== "");
    },
  };
}

/** Why there can be no lab here; tries it. */
export function whyNoLab(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/dev/net/tun")) return "no /dev/net/tun";
  const missing = lacks("ip") ?? lacks("ss");
  if (missing !== undefined) return missing;
  const name = `exchange-${process.pid}-try`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return "ip netns add does not work";
  const tapped = spawnSync("ip", ["-n", name, "tuntap", "add", "dev", TAP, "mode", "tap"]);
  mustRun("ip", "netns", "del", name);
  return tapped.status === 0 ? undefined : "ip tuntap add does not work";
}

/** Makes a lab. */
export function makeLab(): Lab {
  const name = `exchange-${process.pid}`;
  mustRun("ip", "netns", "add", name);
  const inside = ["ip", "netns", "exec", name];
  const [ip, ...rest] = inside as [string, ...string[]];
  const run = (...words: readonly string[]): void => void mustRun(ip, ...rest, ...words);
  run("ip", "tuntap", "add", "dev", TAP, "mode", "tap");
  const setting = `/proc/sys/net/ipv6/conf/${TAP}/disable_ipv6`;
  run("sh", "-c", `if [ -e ${setting} ]; then echo 1 > ${setting}; fi`);
  run("ip", "addr", "add", "10.9.1.1/24", "dev", TAP);
  run("ip", "link", "set", TAP, "up");
  return { inside, tap: TAP, close: () => void mustRun("ip", "netns", "del", name) };
}

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs our side and Linux's; what both report. */
export async function exchange(lab: Lab, options: ExchangeOptions): Promise<Exchanged> {
  const { shape, seed, up, down, limits = {}, milliseconds } = options;
  const wish = JSON.stringify({ shape, seed, bytes: down, limits });
  const server = await startCheetah([TAP, `${SERVER}/24`, wish], {
    prefix: lab.inside,
    program: ["--conditions=@exolith/source", program("exchange-server.ts")],
  });
  try {
    const [ip = "", ...rest] = lab.inside;
    const words = [...rest, process.execPath, program("exchange-client.ts"), SERVER, `${up}`, `${down}`];
    const ended = await runProgram(ip, words, milliseconds);
    const line = /^exchanged (.*)$/m;
    await until(() => line.test(server.output()), 5000);
    const [, said = "null"] = line.exec(server.output()) ?? [];
    const report = JSON.parse(said) as ServerReport | null;
    if (report === null || ended.code !== 0)
      throw new Error(
        `no report: ${ended.code} ${ended.errors} ${ended.output.toString()} ${server.errors()}`,
      );
    return { server: report, client: JSON.parse(ended.output.toString()) as ClientReport };
  } finally {
    await server.end("SIGKILL");
  }
}
