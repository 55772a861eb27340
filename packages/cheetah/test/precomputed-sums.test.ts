/** Checksums that come from the disk: right in every segment, and no byte of a payload read for them. */
import { expect, test } from "vitest";
import { Asker, get } from "./clients.ts";
import type { GeneratedFile } from "./generated-source.ts";
import type { LoggedPacket } from "./packet-log.ts";
import { parseResponse } from "./server-rig.ts";
import { allOver, expectAllRight, fetchAll, pass, type SimulatedRigOptions } from "./simulated-rig.ts";
import { makeWatchedRig, type WatchedRig } from "./watched-rig.ts";

/** Sizes at and around everything that cuts a file: segments behind a head, blocks, chunks, windows. */
const SIZES = [
  0, 1, 2, 100, 1155, 1156, 1157, 1168, 1460, 2800, 4096, 9001, 65_535, 65_536, 65_537, 200_001, 1_000_000,
];
const FILES = SIZES.map((size, index): [string, GeneratedFile] => [`${size}.bin`, { size, seed: index + 1 }]);
const PATHS = FILES.map(([path]) => path);

/** What a warm fetch of everything takes. */
interface Warm {
  readonly packets: readonly LoggedPacket[];
  /** Bytes that the server's machine summed, and those of payloads that it read for it by the server's count. */
  readonly summed: number;
  readonly read: number;
}

/** A server whose machine says how many bytes were summed on it. */
const makeWatched = (options: Partial<SimulatedRigOptions> = {}): WatchedRig =>
  makeWatchedRig("checksumByte", { files: FILES, ...options });

/** Fetches every file, one after another on one connection. */
function fetchEach({ rig }: WatchedRig, depth: number = 1): void {
  const fetched = fetchAll(rig, PATHS, { connections: 1, depth });
  rig.until(() => allOver(fetched), 60);
  expectAllRight(fetched, PATHS.length);
  pass(rig, 1);
}

/** Bytes that must be summed whoever knows what: all that arrives, and the headers of what leaves. */
const leastSummed = (packets: readonly LoggedPacket[]): number =>
  packets.reduce(
    (sum, { direction, ipBytes, tcpBytes, textBytes }) =>
      sum + tcpBytes + (direction === "in" ? ipBytes + textBytes : 0),
    0,
  );
const textOf = (packets: readonly LoggedPacket[]): number =>
  packets.reduce((sum, { direction, textBytes }) => sum + (direction === "out" ? textBytes : 0), 0);
const areRight = (packets: readonly LoggedPacket[]): boolean => packets.every(({ isSumRight }) => isSumRight);

/** A second fetch of everything: no response waits for the disk in its midst, where a short segment would go out. */
function warm(watched: WatchedRig): Warm {
  const { counters } = watched.rig.server.cheetah;
  fetchEach(watched);
  watched.log.packets.length = 0;
  watched.charged();
  const before = counters.sumBytesRead();
  fetchEach(watched);
  const packets = [...watched.log.packets];
  return { packets, summed: watched.charged(), read: counters.sumBytesRead() - before };
}

/** Lengths of segments whose sums are known. */
const KNOWN = [1448, 1460];

test("[W3] every segment's checksum is right; CPU reads of payload = 0 when MSS=1460 aligned; the fall-back path still right", () => {
  const lengths: number[] = [];
  // Full segments of both known lengths, with TCP options or without, and of others.
  for (const frameBytes of [1014, 1502, 1514, 1526]) {
    const { packets, summed, read } = warm(makeWatched({ wire: { frameBytes } }));
    expect(areRight(packets)).toBe(true);
    const longest = Math.max(...packets.map(({ textBytes }) => textBytes));
    expect([frameBytes, read === 0]).toEqual([frameBytes, KNOWN.includes(longest)]);
    expect(summed).toBe(leastSummed(packets) + read);
    expect(textOf(packets)).toBeGreaterThan(1_400_000);
    lengths.push(longest);
  }
  expect(lengths.filter((length) => KNOWN.includes(length))).toEqual(KNOWN);
});

test("requests sent ahead: responses begin in the midst of segments, and what is not known is read", () => {
  const watched = makeWatched();
  const { counters } = watched.rig.server.cheetah;
  warm(watched);
  watched.log.packets.length = 0;
  const before = counters.sumBytesRead();
  fetchEach(watched, 4);
  const { packets } = watched.log;
  const read = counters.sumBytesRead() - before;
  expect(areRight(packets)).toBe(true);
  expect(watched.charged()).toBe(leastSummed(packets) + read);
  expect(read).toBeGreaterThan(100_000);
});

test("without the technique every byte is read", () => {
  const { packets, summed } = warm(makeWatched({ techniques: { precomputedChecksums: false } }));
  expect(areRight(packets)).toBe(true);
  expect(summed).toBe(leastSummed(packets) + textOf(packets));
});

test("heads are patched for date and connection, and their sums with them", () => {
  const watched = makeWatched();
  const { rig, log } = watched;
  const dates = new Set<string | undefined>();
  const heads: number[] = [];
  const requests = [
    ["HTTP/1.0\r\n\r\n", "close"],
    ["HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"],
    ["HTTP/1.1\r\nHost: t\r\n\r\n", "keep-alive"],
    ["HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", "close"],
  ] as const;
  for (const [rest, connection] of requests) {
    const asker = rig.crowd.open((crowd, end) => new Asker(crowd, end, `GET /100.bin ${rest}`, true));
    rig.until(() => asker.over !== undefined, 30);
    const { status, fields, body } = parseResponse(asker.received);
    expect([status, body.length, fields.get("connection")]).toEqual([200, 100, connection]);
    expect(new Date(fields.get("date") ?? "").toUTCString()).toBe(fields.get("date"));
    dates.add(fields.get("date"));
    heads.push(asker.received.length - body.length);
    pass(rig, 1.5);
  }
  expect(dates.size).toBe(requests.length);
  expect(new Set(heads).size).toBe(1);
  expect(areRight(log.packets)).toBe(true);
  expect(rig.server.cheetah.counters.sumBytesRead()).toBe(0);
});

test("without preformatted heads the same bytes are sent, and only heads are read", () => {
  const [patched, made] = [true, false].map((preformattedHeads) => {
    const { packets, read } = warm(makeWatched({ techniques: { preformattedHeads } }));
    expect(areRight(packets)).toBe(true);
    return { text: textOf(packets), read };
  });
  expect(made?.text).toBe(patched?.text);
  expect(patched?.read).toBe(0);
  expect(made?.read).toBeGreaterThan(PATHS.length * 200);
  expect(made?.read).toBeLessThan(PATHS.length * 300);
});

test("ranges from any byte on, loss and retransmission: every sum is right", () => {
  const watched = makeWatched({ wire: { faults: { loss: 0.03, reorder: 0.05, duplicate: 0.02 } } });
  const { rig, log } = watched;
  for (const range of ["1-", "0-1155", "1156-2615", "777-70000", "-65537", "0-0,199999-200000"]) {
    const text = `GET /200001.bin HTTP/1.1\r\nHost: t\r\nConnection: close\r\nRange: bytes=${range}\r\n\r\n`;
    const asker = rig.crowd.open((crowd, end) => new Asker(crowd, end, text, true));
    rig.until(() => asker.over !== undefined, 60);
    expect([asker.over, parseResponse(asker.received).status]).toEqual(["ended", 206]);
  }
  for (let round = 0; round < 3; round++) fetchEach(watched);
  expect(areRight(log.packets)).toBe(true);
  expect(rig.server.stack.tcp.counters.retransmissions).toBeGreaterThan(5);
});

test("HEAD has the kept head and no body", () => {
  const { rig } = makeWatched();
  const ask = (method: string): Uint8Array => {
    const text = get("9001.bin").replace("GET", method).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    const asker = rig.crowd.open((crowd, end) => new Asker(crowd, end, text, true));
    rig.until(() => asker.over !== undefined, 60);
    return asker.received;
  };
  const whole = ask("GET");
  const head = ask("HEAD");
  const withoutDate = (bytes: Uint8Array): string =>
    Buffer.from(bytes)
      .toString("latin1")
      .replace(/Date: .*/, "");
  expect(withoutDate(head)).toBe(withoutDate(whole.subarray(0, head.length)));
  expect(whole.length - head.length).toBe(9001);
});
