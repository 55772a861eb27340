/** Captures of interfaces of Linux, and what Wireshark says about them with every checksum checked. */
import { spawn } from "node:child_process";
import { mustRun } from "./command.ts";
import { within } from "./ring-ground.ts";
import { pause, until } from "./waiting.ts";

/** Kilobytes that wait for tcpdump. */
const CAPTURE_BUFFER = 32_768;
/** Milliseconds in which what was sent has been captured. */
const CAPTURE_DELAY = 200;

/** A capture that is under way. */
export interface Capture {
  /** Ends it; all its frames. Throws when some were lost. */
  end(): Promise<CapturedFrame[]>;
}

/** Captures what passes `link`, an interface of `namespace`, into a file. */
export async function startCapture(namespace: string, link: string, path: string): Promise<Capture> {
  const words = ["-i", link, "-U", "--immediate-mode", "-B", String(CAPTURE_BUFFER), "-w", path];
  const [program = "", ...rest] = within(namespace, "tcpdump", ...words);
  const dump = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  dump.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => dump.once("close", resolve));
  if (!(await until(() => said.includes("listening on")))) {
    dump.kill("SIGKILL");
    throw new Error(`tcpdump does not listen: ${said}`);
  }
  return {
    end: async () => {
      await pause(CAPTURE_DELAY);
      dump.kill("SIGINT");
      await ended;
      if (!/^0 packets dropped by kernel$/m.test(said)) throw new Error(`frames were lost: ${said}`);
      return readCapture(path);
    },
  };
}

/** One frame; what it does not have is empty. */
export interface CapturedFrame {
  readonly number: string;
  readonly source: string;
  readonly destination: string;
  readonly hardwareSource: string;
  readonly sourcePort: string;
  readonly flags: number;
  readonly tcpChecksum: string;
  /** "Good" of a checksum is 1. */
  readonly tcpChecksumIs: string;
  readonly ipChecksumIs: string;
  readonly icmpChecksumIs: string;
  readonly arpReplyOf: string;
  /** Several when a frame holds several, with commas. */
  readonly requests: string;
  readonly statuses: string;
  readonly malformed: string;
  readonly severities: string;
  readonly remarks: string;
}

const FIELDS: Readonly<Record<keyof CapturedFrame, string>> = {
  number: "frame.number",
  source: "ip.src",
  destination: "ip.dst",
  hardwareSource: "eth.src",
  sourcePort: "tcp.srcport",
  flags: "tcp.flags",
  tcpChecksum: "tcp.checksum",
  tcpChecksumIs: "tcp.checksum.status",
  ipChecksumIs: "ip.checksum.status",
  icmpChecksumIs: "icmp.checksum.status",
  arpReplyOf: "arp.src.proto_ipv4",
  requests: "http.request.uri",
  statuses: "http.response.code",
  malformed: "_ws.malformed",
  severities: "_ws.expert.severity",
  remarks: "_ws.expert.message",
};

/** Bits of a TCP header. */
export const FIN = 1;
export const SYN = 2;
export const RST = 4;

/** Wireshark's gravest severity (PI_ERROR). */
const ERROR = String(0x0080_0000);

/** Reads a whole capture. */
export function readCapture(path: string): CapturedFrame[] {
  const words = [
    "-r",
    path,
    "-n",
    "-o",
    "ip.check_checksum:TRUE",
    "-o",
    "tcp.check_checksum:TRUE",
    "-T",
    "fields",
  ];
  for (const field of Object.values(FIELDS)) words.push("-e", field);
  return mustRun("tshark", ...words)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const values = line.split("\t");
      const frame = Object.fromEntries(Object.keys(FIELDS).map((name, i) => [name, values[i] ?? ""]));
      return { ...frame, flags: Number(frame["flags"] ?? 0) } as unknown as CapturedFrame;
    });
}

/** True for a frame that its sender got wrong: malformed, an error of some protocol, or a bad checksum. */
export function isWrong(frame: CapturedFrame): boolean {
  const { malformed, severities, tcpChecksumIs, ipChecksumIs, icmpChecksumIs } = frame;
  if (malformed !== "" || severities.split(",").includes(ERROR)) return true;
  return [tcpChecksumIs, ipChecksumIs, icmpChecksumIs].some((is) => is !== "" && is !== "1");
}
