/** How many packets a small document takes on an interface of Linux, with Linux's TCP at the other end, in a capture at ours. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { flagsOf, startCapture } from "./support/capture.ts";
import { lacks, mustRun, runProgram, skipReason, startCheetah, type Started } from "./support/command.ts";
import { makeCurl } from "./support/curl.ts";
import { SERVER, clear, lay, obstacle, packetGround, setOffloads, within } from "./support/ring-ground.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";

const GROUND = packetGround("count");
const BODY = noise(100, 41);
const TARGET = "/hundred.bin";
const TIMES = 9;
const REQUEST = `GET ${TARGET} HTTP/1.1\r\nHost: ${SERVER}\r\nConnection: close\r\n\r\n`;

const tools = lacks("ip") ?? lacks("curl") ?? lacks("tcpdump") ?? lacks("tshark");
const missing = skipReason("packets of a request on an interface", tools ?? obstacle());
const noCompiler =
  missing === undefined ? skipReason("a client that ends with its request", lacks("cc")) : missing;

describe.skipIf(missing !== undefined)("a document of 100 bytes on a connection of its own", () => {
  let scratch: string;
  let server: Started | undefined;
  beforeAll(() => {
    scratch = makeScratch();
    writeFiles(scratch, { [`site${TARGET}`]: BODY });
    lay(GROUND);
    setOffloads(GROUND, "on");
  });
  afterEach(async () => {
    await server?.end("SIGKILL");
    server = undefined;
  });
  afterAll(() => {
    clear(GROUND);
    removeScratch(scratch);
  });

  const curl = makeCurl(() => `http://${SERVER}`, within(GROUND.outside));

  /** Starts a server, whose first client has been: the document is in memory, and addresses are known. */
  const start = async (...more: readonly string[]): Promise<void> => {
    const net = ["--net", `packet:${GROUND.ours}`, "--address", `${SERVER}/24`];
    const words = [join(scratch, "site"), ...net, "--quiet", ...more];
    server = await startCheetah(words, { prefix: within(GROUND.inside) });
    expect((await curl.run(curl.url(TARGET))).output.equals(BODY)).toBe(true);
  };

  /**
   * The packets at the server's end from connect to close, of the request that is in the middle of `TIMES`:
   * one that a busy host has held up may have some sent twice.
   */
  const packetsOf = async (ask: () => Promise<Buffer>): Promise<string[]> => {
    const capture = await startCapture(GROUND.inside, GROUND.ours, join(scratch, "count.pcap"));
    for (let i = 0; i < TIMES; i++) expect((await ask()).subarray(-BODY.length).equals(BODY)).toBe(true);
    const byPort = new Map<string, string[]>();
    for (const frame of await capture.end()) {
      const [direction, port] =
        frame.source === SERVER ? ["out", frame.destinationPort] : ["in", frame.sourcePort];
      const packet = `${direction} ${flagsOf(frame)}${frame.textBytes > 0 ? " +" : ""}`;
      if (port !== "") byPort.set(port, [...(byPort.get(port) ?? []), packet]);
    }
    expect(byPort.size).toBe(TIMES);
    const all = [...byPort.values()].toSorted((a, b) => a.length - b.length);
    return all[Math.floor(TIMES / 2)] ?? [];
  };
  const out = (packets: readonly string[]): string[] => packets.filter((packet) => packet.startsWith("out"));

  const closing = async (): Promise<Buffer> =>
    (await curl.run("-i", "-H", "Connection: close", curl.url(TARGET))).output;

  test("curl, which closes after the response: 7 packets, of which ours are 3", async () => {
    await start();
    const packets = await packetsOf(closing);
    // Linux acknowledges the response by itself when it takes curl longer to close.
    const usual = packets.filter((packet, at) => packet !== "in A" || at < 3);
    expect(usual).toEqual(["in S", "out SA", "in A", "in PA +", "out FPA +", "in FA", "out A"]);
    expect(packets.length).toBeLessThanOrEqual(8);
    expect(out(packets)).toEqual(["out SA", "out FPA +", "out A"]);
  });

  test("without merging acknowledgment and FIN are packets of their own", async () => {
    await start("--no-packet-merging");
    const packets = await packetsOf(closing);
    expect(packets.length).toBeGreaterThan(8);
    expect(out(packets).slice(0, 3)).toEqual(["out SA", "out A", "out PA +"]);
    expect(out(packets)).toContain("out FA");
  });

  test.skipIf(noCompiler !== undefined)(
    "a client that ends with its request, as TCP allows: 5 packets in all, at least 7 without merging",
    async () => {
      const program = join(scratch, "finishing-client");
      const source = fileURLToPath(new URL("support/finishing-client.c", import.meta.url));
      mustRun("cc", "-Wall", "-Werror", "-o", program, source);
      const finishing = async (): Promise<Buffer> => {
        const words = within(GROUND.outside, program, SERVER, "80", REQUEST);
        const { output, errors } = await runProgram("ip", words.slice(1));
        expect(errors).toBe("");
        return output;
      };
      await start();
      expect(await packetsOf(finishing)).toEqual(["in S", "out SA", "in FPA +", "out FPA +", "in A"]);
      await server?.end();
      await start("--no-packet-merging");
      const packets = await packetsOf(finishing);
      expect(packets.length).toBeGreaterThanOrEqual(7);
      expect(out(packets)).toEqual(["out SA", "out A", "out PA +", "out FA"]);
    },
  );
});
