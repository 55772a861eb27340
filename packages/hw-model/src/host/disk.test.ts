import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { diskContract } from "../contract/index.ts";
import type { DiskRequest } from "../disk.ts";
import { BLOCK_BYTES, NEVER, block, cycles } from "../units.ts";
import type { PhysicalAddress } from "../units.ts";
import { makeHostClock } from "./clock.ts";
import { openImageDisk } from "./disk.ts";
import type { ImageDisk } from "./disk.ts";
import { HostError } from "./host-error.ts";
import type { HostErrorName } from "./host-error.ts";
import { makeHostMachine } from "./machine.ts";
import { pause, until } from "../../test/host-events.ts";
import { makeWaker } from "./waker.ts";

const { now } = makeHostClock();

diskContract("image disk", () => {
  const disk = openImageDisk({ temporary: true, blocks: 64 });
  const { memory } = makeHostMachine({ frames: 32 });
  return { disk, memory: memory.bytes, now, settle: pause, dispose: disk.close };
});

const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), "exolith-disk-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
};

const request = (kind: "read" | "write", first: number, count: number, address = 0): DiskRequest => ({
  kind,
  first: block(first),
  count,
  address: address as PhysicalAddress,
});

const transfer = async (disk: ImageDisk, memory: Uint8Array, wanted: DiskRequest): Promise<boolean> => {
  let answer: boolean | undefined;
  expect(disk.submit(now(), memory, wanted)).toBe(true);
  await until(() => disk.reap(now(), 1, (_, ok) => (answer = ok)) === 1);
  return answer ?? false;
};

const nameOf = (work: () => unknown): HostErrorName | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof HostError) return error.name;
    throw error;
  }
  return undefined;
};

test("an image keeps its blocks when it is opened again, and grows but never shrinks", async () => {
  const path = join(directory(), "disk.image");
  const memory = new Uint8Array(4 * BLOCK_BYTES).fill(0x42);
  const first = openImageDisk({ path, blocks: 8 });
  expect(await transfer(first, memory, request("write", 6, 2))).toBe(true);
  await first.close();
  memory.fill(0);
  const again = openImageDisk({ path });
  expect(again.hardware.blocks).toBe(8);
  expect(await transfer(again, memory, request("read", 6, 2))).toBe(true);
  expect(memory.subarray(0, 2 * BLOCK_BYTES).every((byte) => byte === 0x42)).toBe(true);
  await again.close();
  const larger = openImageDisk({ path, blocks: 16 });
  expect(larger.hardware.blocks).toBe(16);
  await larger.close();
  const smaller = openImageDisk({ path, blocks: 4 });
  expect(smaller.hardware.blocks).toBe(4);
  expect(await transfer(smaller, memory, request("read", 4, 1))).toBe(false);
  await smaller.close();
  expect(statSync(path).size).toBe(16 * BLOCK_BYTES);
});

test("blocks that were never written take no room on the host", async () => {
  const path = join(directory(), "disk.image");
  const disk = openImageDisk({ path, blocks: 1_000_000 });
  expect(statSync(path).size).toBe(1_000_000 * BLOCK_BYTES);
  expect(statSync(path).blocks * 512).toBeLessThan(1_000_000);
  await disk.close();
});

test("a temporary image leaves nothing behind", async () => {
  const place = directory();
  vi.stubEnv("TMPDIR", place);
  onTestFinished(() => void vi.unstubAllEnvs());
  const disk = openImageDisk({ temporary: true, blocks: 4 });
  if (process.platform === "linux") expect(readdirSync(place)).toEqual([]);
  await disk.close();
  expect(readdirSync(place)).toEqual([]);
});

test("many overlapping requests at once end as if they had been carried out in order", async () => {
  const disk = openImageDisk({ temporary: true, blocks: 8, queueSlots: 64 });
  const { memory } = makeHostMachine({ frames: 64 });
  for (let i = 0; i < 40; i++) memory.bytes.fill(i + 1, i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
  for (let i = 0; i < 40; i++) disk.submit(now(), memory.bytes, request("write", i % 4, 1, i * BLOCK_BYTES));
  disk.submit(now(), memory.bytes, request("read", 0, 4, 50 * BLOCK_BYTES));
  for (let i = 0; i < 4; i++) disk.submit(now(), memory.bytes, request("write", i, 1, 0));
  let reaped = 0;
  expect(await until(() => (reaped += disk.reap(now(), 64, (_, ok) => expect(ok).toBe(true))) === 45)).toBe(
    true,
  );
  const read = memory.bytes.subarray(50 * BLOCK_BYTES, 54 * BLOCK_BYTES);
  expect([0, 1, 2, 3].map((i) => read[i * BLOCK_BYTES])).toEqual([37, 38, 39, 40]);
  await disk.close();
});

test("close finishes what was accepted, then takes no more", async () => {
  const path = join(directory(), "disk.image");
  const disk = openImageDisk({ path, blocks: 8 });
  const memory = new Uint8Array(BLOCK_BYTES).fill(9);
  for (let i = 0; i < 8; i++) disk.submit(now(), memory, request("write", 1, 1));
  await disk.close();
  expect(disk.reap(now(), 64, (_, ok) => expect(ok).toBe(true))).toBe(8);
  expect(disk.submit(now(), memory, request("read", 0, 1))).toBe(false);
  await disk.close();
});

test("a completion wakes whoever runs the machine", async () => {
  const waker = makeWaker();
  const disk = openImageDisk({ temporary: true, blocks: 4, waker });
  disk.submit(now(), new Uint8Array(BLOCK_BYTES), request("read", 0, 1));
  expect(disk.wakeAt(now())).toBe(NEVER);
  expect(await until(waker.pending)).toBe(true);
  expect(disk.wakeAt(cycles(5))).toBe(5);
  await disk.close();
});

test("a file that was cut short under the disk fails its reads", async () => {
  const path = join(directory(), "disk.image");
  const disk = openImageDisk({ path, blocks: 4 });
  writeFileSync(path, new Uint8Array(BLOCK_BYTES + 100));
  const memory = new Uint8Array(2 * BLOCK_BYTES);
  expect(await transfer(disk, memory, request("read", 0, 1))).toBe(true);
  expect(await transfer(disk, memory, request("read", 1, 1))).toBe(false);
  expect(await transfer(disk, memory, request("read", 3, 1))).toBe(false);
  await disk.close();
});

test("a device without room fails its writes", async () => {
  if (!existsSync("/dev/full")) return;
  const disk = openImageDisk({ path: "/dev/full", blocks: 4 });
  const memory = new Uint8Array(BLOCK_BYTES);
  expect(await transfer(disk, memory, request("write", 0, 1))).toBe(false);
  expect(await transfer(disk, memory, request("read", 0, 1))).toBe(true);
  await disk.close();
});

/** All that a disk finishes while the host does nothing else, and which of that was done. */
const settleAll = (disk: ImageDisk): [DiskRequest, boolean][] => {
  const finished: [DiskRequest, boolean][] = [];
  while (disk.settle(now()) !== NEVER) disk.reap(now(), 2, (done, ok) => finished.push([done, ok]));
  return finished;
};

test("transfers that settle finishes while the host stands still are done in the order of submission, each once", async () => {
  const disk = openImageDisk({ temporary: true, blocks: 8, queueSlots: 64 });
  const { memory } = makeHostMachine({ frames: 64 });
  const fill = (i: number, value: number): void =>
    void memory.bytes.fill(value, i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
  for (let i = 0; i < 40; i++) fill(i, i + 1);
  const asked = Array.from({ length: 40 }, (_, i) => request("write", i % 4, 1, i * BLOCK_BYTES));
  asked.push(request("read", 0, 4, 50 * BLOCK_BYTES), request("write", 0, 4, 0));
  for (const one of asked) expect(disk.submit(now(), memory.bytes, one)).toBe(true);
  const finished = settleAll(disk);
  expect(finished.map(([one]) => one).toSorted((a, b) => asked.indexOf(a) - asked.indexOf(b))).toEqual(asked);
  expect(finished.every(([, ok]) => ok)).toBe(true);
  const read = memory.bytes.subarray(50 * BLOCK_BYTES, 54 * BLOCK_BYTES);
  expect([0, 1, 2, 3].map((i) => read[i * BLOCK_BYTES])).toEqual([37, 38, 39, 40]);
  await pause();
  expect(disk.reap(now(), 64, () => {})).toBe(0);
  await disk.close();
});

test("settle leaves what the host has begun, and what waits for that, to the host", async () => {
  const disk = openImageDisk({ temporary: true, blocks: 8 });
  const memory = new Uint8Array(4 * BLOCK_BYTES);
  const asked = [request("write", 1, 1, 0), request("read", 1, 1, BLOCK_BYTES), request("read", 5, 1, 0)];
  const [begun, behind, free] = asked as [DiskRequest, DiskRequest, DiskRequest];
  memory.fill(7, 0, BLOCK_BYTES);
  disk.submit(now(), memory, begun);
  expect(disk.wakeAt(now())).toBe(NEVER);
  disk.submit(now(), memory, behind);
  disk.submit(now(), memory, free);
  expect(settleAll(disk)).toEqual([[free, true]]);
  const finished: DiskRequest[] = [];
  expect(
    await until(() => disk.reap(now(), 64, (done) => finished.push(done)) >= 0 && finished.length === 2),
  ).toBe(true);
  expect(finished).toEqual([begun, behind]);
  await disk.close();
});

test("what cannot be done is finished as failed by settle", async () => {
  const path = join(directory(), "disk.image");
  const disk = openImageDisk({ path, blocks: 4 });
  const memory = new Uint8Array(2 * BLOCK_BYTES);
  writeFileSync(path, new Uint8Array(BLOCK_BYTES + 100));
  for (const first of [0, 1, 3]) disk.submit(now(), memory, request("read", first, 1));
  expect(settleAll(disk).map(([{ first }, ok]) => [first, ok])).toEqual([
    [0, true],
    [1, false],
    [3, false],
  ]);
  await disk.close();
  if (!existsSync("/dev/full")) return;
  const full = openImageDisk({ path: "/dev/full", blocks: 4 });
  full.submit(now(), memory, request("write", 0, 1));
  full.submit(now(), memory, request("write", 0, 2));
  full.submit(now(), memory, request("read", 0, 1));
  expect(settleAll(full).map(([{ kind }, ok]) => [kind, ok])).toEqual([
    ["write", false],
    ["write", false],
    ["read", true],
  ]);
  await full.close();
});

test("what cannot be opened is named", () => {
  const made = directory();
  expect(nameOf(() => openImageDisk({ path: join(made, "none", "disk.image"), blocks: 4 }))).toBe(
    "NoSuchFile",
  );
  expect(nameOf(() => openImageDisk({ path: made, blocks: 4 }))).toBe("BadArgument");
  expect(nameOf(() => openImageDisk({ path: join(made, "new.image") }))).toBe("BadArgument");
  expect(nameOf(() => openImageDisk({ temporary: true, blocks: 0 }))).toBe("BadArgument");
  expect(nameOf(() => openImageDisk({ path: join(made, "x"), blocks: 1.5 }))).toBe("BadArgument");
});
