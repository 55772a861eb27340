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
  readonly ipHeaderBytes: number;
  readonly ipBytes: number;
  readonly sourcePort: string;
  readonly destinationPort: string;
  readonly flags: number;
  /** Bytes behind the TCP header. */
  readonly textBytes: number;
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
  ipHeaderBytes: "ip.hdr_len",
  ipBytes: "ip.len",
  sourcePort: "tcp.srcport",
  destinationPort: "tcp.dstport",
  flags: "tcp.flags",
  textBytes: "tcp.len",
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
/** The same and two more, lowest first. */
const FLAGS = "FSRPA";

/** The flags of a frame, by their letters. */
export const flagsOf = ({ flags }: CapturedFrame): string =>
  [...FLAGS].filter((_, bit) => (flags & (1 << bit)) !== 0).join("");

/** Wireshark's gravest severity (PI_ERROR). */
const ERROR = String(0x0080_0000);

/** Whose checksums Wireshark verifies. With open ones among TCP's it must not: it puts together no frame whose sum is wrong. */
export type Checks = "all sums" | "IP's sums";

/** The fields that are numbers. */
const NUMBERS: ReadonlySet<string> = new Set<keyof CapturedFrame>([
  "flags",
  "ipHeaderBytes",
  "ipBytes",
  "textBytes",
]);

/** Reads a whole capture. */
export function readCapture(path: string, checks: Checks = "all sums"): CapturedFrame[] {
  const verified = `tcp.check_checksum:${checks === "all sums" ? "TRUE" : "FALSE"}`;
  const words = ["-r", path, "-n", "-o", "ip.check_checksum:TRUE", "-o", verified, "-T", "fields"];
  for (const field of Object.values(FIELDS)) words.push("-e", field);
  return mustRun("tshark", ...words)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const values = line.split("\t");
      const entries = Object.keys(FIELDS).map((name, i): [string, string | number] => {
        const value = values[i] ?? "";
        return [name, NUMBERS.has(name) ? Number(value) : value];
      });
      return Object.fromEntries(entries) as unknown as CapturedFrame;
    });
}

/** True for a frame that is malformed, or in which a protocol sees an error. */
const isMalformed = ({ malformed, severities }: CapturedFrame): boolean =>
  malformed !== "" || severities.split(",").includes(ERROR);

/** True for a frame that its sender got wrong: malformed, an error of some protocol, or a bad checksum. */
export function isWrong(frame: CapturedFrame): boolean {
  const { tcpChecksumIs, ipChecksumIs, icmpChecksumIs } = frame;
  return (
    isMalformed(frame) || [tcpChecksumIs, ipChecksumIs, icmpChecksumIs].some((is) => is !== "" && is !== "1")
  );
}

/** True for a frame that is wrong whatever an interface was still to put into it. TCP's sums must not have been verified. */
export const isWrongBesideSums = (frame: CapturedFrame): boolean =>
  isMalformed(frame) || !["", "1"].includes(frame.ipChecksumIs);

const sumOfAddress = (address: string): number => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return a * 256 + b + c * 256 + d;
};

const TCP = 6;

/** True when TCP's checksum is left to the interface: the sum of the pseudo-header stands in its place, not complemented. */
export function isSumOpen({
  source,
  destination,
  tcpChecksum,
  ipBytes,
  ipHeaderBytes,
}: CapturedFrame): boolean {
  const sum = sumOfAddress(source) + sumOfAddress(destination) + TCP + ipBytes - ipHeaderBytes;
  const folded = (sum & 0xffff) + (sum >>> 16);
  return Number(tcpChecksum) === (folded & 0xffff) + (folded >>> 16);
}
