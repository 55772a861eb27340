import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openPcapFile } from "./pcap-file.ts";

const place = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "exolith-pcap-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

test("a capture file holds every byte in order once it is closed", () => {
  const path = join(place(), "wire.pcap");
  const file = openPcapFile(path);
  const wanted: number[] = [];
  const record = new Uint8Array(1600);
  for (let i = 0; i < 200; i++) {
    for (let at = 0; at < record.length; at++) record[at] = (at * 3 + i) & 0xff;
    const length = (i * 37) % 1500;
    file.write(record, 100, length);
    wanted.push(...record.subarray(100, 100 + length));
  }
  const large = new Uint8Array(200_000).fill(7);
  file.write(large, 0, large.length);
  file.close();
  file.write(large, 0, large.length);
  file.close();
  expect(readFileSync(path).equals(Buffer.concat([Buffer.from(wanted), large]))).toBe(true);
});

test("flush makes what was written so far visible", () => {
  const path = join(place(), "wire.pcap");
  const file = openPcapFile(path);
  file.write(Uint8Array.of(0, 1, 2, 3), 1, 3);
  file.flush();
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  file.close();
});

test("a capture in a directory that does not exist is refused by name", () => {
  expect(() => openPcapFile(join(place(), "none", "wire.pcap"))).toThrow(
    expect.objectContaining({ name: "NoSuchFile" }) as Error,
  );
});
