/** The Linux kernel as the other end of TCP, over a TAP in a network namespace; Wireshark's opinion of our frames. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { FIN, RST, SYN, isWrong, readCapture, type CapturedFrame } from "./support/capture.ts";
import {
  lacks,
  mustRun,
  runProgram,
  skipReason,
  startCheetah,
  type Ended,
  type Started,
} from "./support/command.ts";
import { RawClient } from "./support/raw-client.ts";
import { digest, makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { pause, until } from "./support/waiting.ts";

const NAMESPACE = `cheetah-${process.pid}`;
const TAP = "cheetah0";
const SERVER = "10.9.0.2";
const LARGE = noise(20_000_000, 21);
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "index.html": "<h1>over the wire</h1>",
  "large.bin": LARGE,
  "medium.bin": noise(300_000, 22),
  "small.txt": "small",
  "a name.txt": "with a space",
};

/** Why there can be no namespace here; tries it. */
function noNamespace(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/dev/net/tun")) return "no /dev/net/tun";
  const made = spawnSync("ip", ["netns", "add", `${NAMESPACE}-try`]);
  if (made.status !== 0) return "ip netns add does not work";
  const tapped = spawnSync("ip", ["-n", `${NAMESPACE}-try`, "tuntap", "add", "dev", TAP, "mode", "tap"]);
  mustRun("ip", "netns", "del", `${NAMESPACE}-try`);
  return tapped.status === 0 ? undefined : "ip tuntap add does not work";
}

const noWireshark = skipReason("Wireshark reads our captures", lacks("tshark"));
const noKernel = skipReason("the Linux kernel as a peer", lacks("ip") ?? lacks("curl") ?? noNamespace());

const INSIDE = ["netns", "exec", NAMESPACE];
const curl = (...words: string[]): Promise<Ended> =>
  runProgram("ip", [...INSIDE, "curl", "-sS", "--max-time", "40", ...words], 45_000);

let scratch: string;
let site: string;
beforeAll(() => {
  scratch = makeScratch();
  site = join(scratch, "site");
  writeFiles(site, FILES);
});
afterAll(() => removeScratch(scratch));

/** Linux writes 0xffff for a TCP checksum of 0 when it sums in software, which Wireshark calls an error. */
const isLinuxChecksum = (frame: CapturedFrame): boolean =>
  frame.hardwareSource !== "02:00:00:00:00:01" && frame.tcpChecksum === "0xffff";

/** Everything of the site, fetched by curl over one connection and over several, is what was written. */
async function expectWholeSite(): Promise<void> {
  for (const [path, content] of Object.entries(FILES)) {
    const { output, errors } = await curl(`http://${SERVER}/${encodeURI(path)}`);
    expect(errors).toBe("");
    expect(digest(output)).toBe(digest(Buffer.from(content)));
  }
  const words = Array.from({ length: 40 }, () => `http://${SERVER}/small.txt`);
  const { output } = await curl("-Z", "--parallel-max", "40", "-H", "Connection: close", ...words);
  expect(output.toString()).toBe("small".repeat(40));
}

describe.skipIf(noKernel !== undefined)("the Linux kernel as a peer", () => {
  let server: Started | undefined;

  beforeAll(() => {
    mustRun("ip", "netns", "add", NAMESPACE);
    mustRun("ip", ...INSIDE, "ip", "tuntap", "add", "dev", TAP, "mode", "tap");
    const setting = `/proc/sys/net/ipv6/conf/${TAP}/disable_ipv6`;
    mustRun("ip", ...INSIDE, "sh", "-c", `if [ -e ${setting} ]; then echo 1 > ${setting}; fi`);
    spawnSync("ip", [...INSIDE, "ethtool", "-K", TAP, "tx", "off", "gso", "off", "gro", "off"]);
    mustRun("ip", ...INSIDE, "ip", "addr", "add", "10.9.0.1/24", "dev", TAP);
    mustRun("ip", ...INSIDE, "ip", "link", "set", TAP, "up");
  });
  afterEach(async () => {
    await server?.end("SIGKILL");
    server = undefined;
  });
  afterAll(() => void mustRun("ip", "netns", "del", NAMESPACE));

  /** Starts the command inside the namespace. */
  const start = async (...words: string[]): Promise<void> => {
    const all = [site, "--net", `tap:${TAP}`, "--address", `${SERVER}/24`, "--quiet", ...words];
    server = await startCheetah(all, { prefix: ["ip", ...INSIDE] });
  };
  const stop = async (): Promise<void> => {
    const code = await server?.end();
    server = undefined;
    expect(code).toBe(0);
  };

  test("curl fetches the site byte-exact; Wireshark finds no malformed packet and no bad checksum", async () => {
    const wire = join(scratch, "tap.pcap");
    await start("--pcap", wire);
    expect(server?.address).toBe(`http://${SERVER}`);
    await expectWholeSite();
    const ranged = await curl("-r", "10000000-10000009", `http://${SERVER}/large.bin`);
    expect(ranged.output.equals(LARGE.subarray(10_000_000, 10_000_010))).toBe(true);
    if (lacks("ping") === undefined)
      expect(mustRun("ip", ...INSIDE, "ping", "-c", "3", "-i", "0.2", "-W", "2", SERVER)).toContain(
        " 3 received",
      );
    const closed = await curl(`http://${SERVER}:81/`);
    expect(closed.code).toBe(7);
    await stop();
    if (noWireshark !== undefined) return;
    const all = readCapture(wire);
    const wrong = all.filter((frame) => isWrong(frame) && !isLinuxChecksum(frame));
    expect(wrong).toEqual([]);
    const ours = all.filter((frame) => frame.source === SERVER && frame.sourcePort !== "");
    expect(ours.length).toBeGreaterThan(LARGE.length / 1460);
    expect(ours.every((frame) => frame.tcpChecksumIs === "1" && frame.ipChecksumIs === "1")).toBe(true);
    expect(all.filter((frame) => frame.destination === SERVER && frame.requests !== "").length).toBe(46);
    expect(all.some((frame) => frame.arpReplyOf === SERVER)).toBe(true);
    expect(ours.filter((frame) => (frame.flags & RST) !== 0 && frame.sourcePort === "81").length).toBe(1);
  });

  test("a client that disappears leaves nothing behind, one that never reads is let be", async () => {
    await start();
    const never = runProgram("ip", [
      ...INSIDE,
      "curl",
      "-sS",
      "--limit-rate",
      "1",
      "-m",
      "3",
      `http://${SERVER}/large.bin`,
    ]);
    await pause(300);
    const { output } = await curl(`http://${SERVER}/medium.bin`);
    expect(output.length).toBe(300_000);
    expect((await never).code).toBe(28);
    const gone = await curl("-m", "0.05", "--limit-rate", "100k", `http://${SERVER}/large.bin`);
    expect(gone.code).toBe(28);
    const again = await curl(`http://${SERVER}/small.txt`);
    expect(again.output.toString()).toBe("small");
    await stop();
  });

  test("curl fetches the site byte-exact though frames are lost, doubled, swapped and damaged both ways", async () => {
    const program = fileURLToPath(new URL("support/lossy-server.ts", import.meta.url));
    server = await startCheetah([site, TAP, `${SERVER}/24`], {
      prefix: ["ip", ...INSIDE],
      program: ["--conditions=@exolith/source", program],
    });
    await expectWholeSite();
    await stop();
  });

  test("the same with the kernel's own loss, delay and reordering", async (context) => {
    const words = [
      "qdisc",
      "add",
      "dev",
      TAP,
      "root",
      "netem",
      "delay",
      "3ms",
      "1ms",
      "loss",
      "1%",
      "reorder",
      "25%",
    ];
    const shaped = spawnSync("ip", [...INSIDE, "tc", ...words]);
    const reason = shaped.status === 0 ? undefined : "this kernel has no netem queue (tc qdisc add … netem)";
    if (skipReason("the kernel's own loss and delay", reason) !== undefined) return context.skip(reason);
    try {
      await start();
      await expectWholeSite();
      await stop();
    } finally {
      mustRun("ip", ...INSIDE, "tc", "qdisc", "del", "dev", TAP, "root");
    }
  });
});

test.skipIf(noWireshark !== undefined)(
  "Wireshark reads the gateway's wire, both directions, and finds nothing wrong",
  async () => {
    const wire = join(scratch, "wire.pcap");
    const server = await startCheetah([site, "--port", "0", "--quiet", "--pcap", wire]);
    try {
      const client = new RawClient(server.port);
      client.write(
        "GET /medium.bin HTTP/1.1\r\nHost: test\r\n\r\nGET /small.txt HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
      );
      expect((await client.response()).body.equals(Buffer.from(FILES["medium.bin"] ?? ""))).toBe(true);
      expect((await client.response()).body.toString()).toBe("small");
      await until(() => client.isOver);
      client.close();
    } finally {
      expect(await server.end()).toBe(0);
    }
    const all = readCapture(wire);
    expect(all.filter(isWrong)).toEqual([]);
    const from = (address: string): CapturedFrame[] => all.filter((frame) => frame.source === address);
    const [client, ours] = [from("10.0.0.2"), from("10.0.0.1")];
    expect(client.flatMap((frame) => (frame.requests === "" ? [] : frame.requests.split(",")))).toEqual([
      "/medium.bin",
      "/small.txt",
    ]);
    expect(ours.flatMap((frame) => (frame.statuses === "" ? [] : frame.statuses.split(",")))).toEqual([
      "200",
      "200",
    ]);
    for (const direction of [client, ours]) {
      expect(direction.filter((frame) => (frame.flags & SYN) !== 0).length).toBe(1);
      expect(direction.filter((frame) => (frame.flags & FIN) !== 0).length).toBe(1);
    }
  },
);
