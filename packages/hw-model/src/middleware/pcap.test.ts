import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { makeSimulatedPair } from "../simulated/machine.ts";
import { contractFrame, nicPeer } from "../testing/nic-peer.ts";
import { cycles } from "../units.ts";
import { makePcapCapture, makePcapWriter, type PcapCapture } from "./pcap.ts";
import { tracedNic } from "./traced-nic.ts";

const HERTZ = 3e9;

/** Two frames out and one back, traced at the left end. */
const capture = (): PcapCapture => {
  const held = makePcapCapture({ hertz: HERTZ });
  const { left, right } = makeSimulatedPair({
    left: { frames: 1, wrapNic: (nic) => tracedNic(nic, held) },
    right: { frames: 1 },
  });
  const [near, far] = [left.nics[0], right.nics[0]];
  if (near === undefined || far === undefined) throw new Error("both ends have an interface");
  const peers = [nicPeer(near, () => cycles(4.5e9)), nicPeer(far, () => cycles(4.5e9))] as const;
  peers[0].send(contractFrame(1, 60));
  peers[0].send(contractFrame(2, 1514));
  peers[1].send(contractFrame(3, 61));
  peers[0].take();
  return held;
};

test("a capture is a header and a record for each frame, both directions", () => {
  const bytes = capture().bytes();
  const view = new DataView(bytes.buffer);
  expect(view.getUint32(0, true)).toBe(0xa1b23c4d);
  expect(view.getUint32(20, true)).toBe(1);
  let at = 24;
  for (const [tag, length] of [
    [1, 60],
    [2, 1514],
    [3, 61],
  ] as const) {
    expect(view.getUint32(at, true)).toBe(Date.UTC(2026, 0, 1) / 1000 + 1);
    expect(view.getUint32(at + 4, true)).toBe(500_000_000);
    expect(view.getUint32(at + 8, true)).toBe(length);
    expect(view.getUint32(at + 12, true)).toBe(length);
    expect(bytes.slice(at + 16, at + 16 + length)).toEqual(contractFrame(tag, length));
    at += 16 + length;
  }
  expect(at).toBe(bytes.length);
});

test("an epoch with a part of a second carries into the next", () => {
  const out: number[] = [];
  const writer = makePcapWriter(
    { write: (bytes, at, length) => out.push(...bytes.subarray(at, at + length)) },
    { hertz: 1000, epoch: 5_700 },
  );
  writer.frame({ direction: "in", now: cycles(1_400), bytes: new Uint8Array(14), at: 0, length: 14 });
  const view = new DataView(Uint8Array.from(out).buffer);
  expect([view.getUint32(24, true), view.getUint32(28, true)]).toEqual([7, 100_000_000]);
});

const installed = spawnSync("tshark", ["--version"]).status === 0;

test.skipIf(!installed)(
  `tshark opens a capture${installed ? "" : " (skipped: tshark is not installed)"}`,
  () => {
    const fields = ["frame.number", "frame.len", "frame.time_epoch", "eth.type"].flatMap((field) => [
      "-e",
      field,
    ]);
    const directory = mkdtempSync(`${tmpdir()}/exolith-`);
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(`${directory}/wire.pcap`, capture().bytes());
    const { stdout, status } = spawnSync(
      "tshark",
      ["-r", `${directory}/wire.pcap`, "-T", "fields", ...fields],
      { encoding: "utf8" },
    );
    expect(status).toBe(0);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(lines.map(([number, length, , type]) => [number, length, type])).toEqual([
      ["1", "60", "0x88b5"],
      ["2", "1514", "0x88b5"],
      ["3", "61", "0x88b5"],
    ]);
    const seconds = Date.UTC(2026, 0, 1) / 1000 + 1.5;
    for (const [, , time = ""] of lines)
      expect(time.includes("T") ? new Date(time).getTime() / 1000 : Number(time)).toBe(seconds);
  },
);
