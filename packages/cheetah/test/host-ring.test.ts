/** Cheetah on interfaces of Linux, with Linux's own TCP as the client, whatever its interface does for it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isWrong, startCapture } from "./support/capture.ts";
import {
  lacks,
  mustRun,
  runCheetah,
  runProgram,
  skipReason,
  startCheetah,
  type Ended,
  type Started,
} from "./support/command.ts";
import { unrest } from "./support/quiet.ts";
import {
  clear,
  lay,
  obstacle,
  packetGround,
  packetsIn,
  SERVER,
  setOffloads,
  tapGround,
  within,
} from "./support/ring-ground.ts";
import { digest, makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { pause } from "./support/waiting.ts";

const PACKET = packetGround("ring");
const TAP = tapGround("ring");
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "index.html": "<h1>over the ring</h1>",
  "empty.txt": "",
  "small.txt": "small",
  "page.bin": noise(1024, 31),
  "medium.bin": noise(300_000, 32),
  "large.bin": noise(12_000_000, 33),
};
const UPLOAD_BYTES = 900_000;

const tools = lacks("ip") ?? lacks("curl");
const noRing = skipReason("Cheetah on interfaces of Linux", tools ?? obstacle());
const noTap = skipReason(
  "Cheetah on a TAP",
  noRing ?? (existsSync("/dev/net/tun") ? undefined : "no /dev/net/tun"),
);
const noCapture = skipReason("captures at the client's end", lacks("tcpdump") ?? lacks("tshark"));

let scratch: string;
let site: string;
beforeAll(() => {
  scratch = makeScratch();
  site = join(scratch, "site");
  writeFiles(site, FILES);
  writeFiles(scratch, { upload: noise(UPLOAD_BYTES, 34) });
});
afterAll(() => removeScratch(scratch));

describe.each([
  { ground: PACKET, missing: noRing },
  { ground: TAP, missing: noTap },
])("a server on $ground.kind:<interface>", ({ ground, missing }) => {
  const { kind, inside, outside, ours } = ground;
  let server: Started | undefined;
  beforeAll(() => {
    if (missing === undefined) lay(ground);
  });
  afterAll(() => clear(ground));
  afterEach(async () => {
    await server?.end("SIGKILL");
    server = undefined;
  });

  /** Starts the server; offloads are set then, because whoever attaches to a TAP turns them on. */
  const start = async (offloads: "on" | "off", ...more: readonly string[]): Promise<Started> => {
    const all = [
      site,
      "--net",
      `${kind}:${ours}`,
      "--address",
      `${SERVER}/24`,
      "--quiet",
      "--tables",
      ...more,
    ];
    server = await startCheetah(all, { prefix: within(inside) });
    setOffloads(ground, offloads);
    return server;
  };
  const curl = (...words: string[]): Promise<Ended> =>
    runProgram("ip", within(outside, "curl", "-sS", "--max-time", "40", ...words).slice(1), 45_000);

  const expectWholeSite = async (): Promise<void> => {
    for (const [path, content] of Object.entries(FILES)) {
      const { output, errors } = await curl(`http://${SERVER}/${path}`);
      expect(errors).toBe("");
      expect(digest(output)).toBe(digest(Buffer.from(content)));
    }
    const words = Array.from({ length: 40 }, () => `http://${SERVER}/small.txt`);
    const { output } = await curl("-Z", "--parallel-max", "40", "-H", "Connection: close", ...words);
    expect(output.toString()).toBe("small".repeat(40));
  };

  /** Sends a body that the server reads and throws away, and after its last byte a request that it answers. */
  const upload = async (): Promise<void> => {
    const head = (line: string, field: string): string =>
      `${line} HTTP/1.1\\r\\nHost: x\\r\\n${field}\\r\\n\\r\\n`;
    const script = `exec 3<>/dev/tcp/${SERVER}/80
      { printf "${head("GET /page.bin", `Content-Length: ${UPLOAD_BYTES}`)}"; cat ${join(scratch, "upload")}
        printf "${head("GET /small.txt", "Connection: close")}"; } >&3
      cat <&3`;
    const { output } = await runProgram("ip", within(outside, "bash", "-c", script).slice(1), 30_000);
    const text = output.toString("latin1");
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
    expect(text.endsWith("\r\n\r\nsmall")).toBe(true);
  };

  describe.each(["on", "off"] as const)("with the client's offloads %s", (offloads) => {
    test.skipIf(missing !== undefined)(
      "curl fetches the site byte-exact, by two connections a file or forty",
      async () => {
        const { address } = await start(offloads);
        expect(address).toBe(`http://${SERVER}`);
        await expectWholeSite();
        expect(await server?.end()).toBe(0);
      },
    );

    test.skipIf(missing !== undefined)(
      "a body sent to it arrives whole, in super-segments or not",
      async () => {
        await start(offloads);
        const before = packetsIn(ground);
        await upload();
        const packets = packetsIn(ground) - before;
        const segments = UPLOAD_BYTES / 1460;
        if (offloads === "on") expect(packets).toBeLessThan(segments / 2);
        else expect(packets).toBeGreaterThan(segments);
        const { output } = await curl(`http://${SERVER}/small.txt`);
        expect(output.toString()).toBe("small");
        const started = server;
        expect(await server?.end()).toBe(0);
        const cut = Number(/^  receiveCut (\d+)$/m.exec(started?.output() ?? "")?.[1]);
        expect(offloads === "on" ? cut > 10 : cut === 0).toBe(true);
      },
    );
  });

  test.skipIf(missing !== undefined || noCapture !== undefined)(
    "with offloads off on either side a capture at the client's end holds no bad checksum and nothing malformed",
    async () => {
      const path = join(scratch, `${kind}.pcap`);
      await start("off", "--no-offloads");
      const capture = await startCapture(outside, ground.theirs, path);
      for (const name of ["small.txt", "page.bin", "medium.bin"]) await curl(`http://${SERVER}/${name}`);
      await upload();
      const frames = await capture.end();
      const fromUs = frames.filter((frame) => frame.source === SERVER && frame.sourcePort !== "");
      expect(fromUs.length).toBeGreaterThan(200);
      expect(fromUs.filter((frame) => frame.tcpChecksumIs !== "1" || frame.ipChecksumIs !== "1")).toEqual([]);
      expect(frames.filter((frame) => isWrong(frame) && frame.tcpChecksum !== "0xffff")).toEqual([]);
    },
  );

  test.skipIf(missing !== undefined)(
    "a link that goes down and up again goes on in the middle of a file",
    async () => {
      await start("on");
      const slow = curl("--limit-rate", "4M", `http://${SERVER}/large.bin`);
      await pause(500);
      const space = kind === "tap" ? outside : inside;
      mustRun("ip", "-n", space, "link", "set", ours, "down");
      await pause(300);
      mustRun("ip", "-n", space, "link", "set", ours, "up");
      const { output, errors } = await slow;
      expect(errors).toBe("");
      expect(digest(output)).toBe(digest(Buffer.from(FILES["large.bin"] ?? "")));
      const started = server;
      expect(await server?.end()).toBe(0);
      if (kind === "packet") expect(started?.output()).toMatch(/^  downs 1$/m);
    },
  );

  test.skipIf(missing !== undefined)("an idle server costs no processor time", async () => {
    const started = await start("on");
    await curl(`http://${SERVER}/small.txt`);
    const quiet = { milliseconds: 2000, ticks: 1, wakings: 10 };
    expect(await unrest(started.child.pid ?? 0, quiet)).toBeUndefined();
    const { output } = await curl(`http://${SERVER}/small.txt`);
    expect(output.toString()).toBe("small");
  });
});

test.skipIf(noRing !== undefined)("what a packet socket lacks is said in a line", async () => {
  const { code, errors } = await runCheetah(scratch, "--net", "packet:exo-none", "--address", `${SERVER}/24`);
  expect([code, errors]).toEqual([1, "cheetah: this host has no interface exo-none\n"]);
  const loopback = await runCheetah(scratch, "--net", "packet:lo", "--address", `${SERVER}/24`);
  expect([loopback.code, loopback.errors]).toEqual([
    1,
    "cheetah: the interface lo is no Ethernet interface\n",
  ]);
  if (lacks("setpriv") !== undefined) return;
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const words = ["--bounding-set", "-net_raw", "--inh-caps", "-net_raw", process.execPath];
  const command = [
    "--conditions=@exolith/source",
    main,
    scratch,
    "--net",
    "packet:lo",
    "--address",
    `${SERVER}/24`,
  ];
  const without = await runProgram("setpriv", [...words, ...command]);
  expect(without.code).toBe(1);
  expect(without.errors).toContain("CAP_NET_RAW");
});
