/** What carries the bytes: a filter in, a transmit binding out. Without either, nothing moves. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capSlot, failed, must, type FilterId, type RingId, type TransmitId } from "@exolith/exokernel/abi";
import { MODERN_3GHZ, makePcapCapture, tracedNic } from "@exolith/hw-model";
import { receiveFilters } from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  GATEWAY_ADDRESS,
  SERVER_ADDRESS,
  SERVER_SLOTS,
  bindTransmission,
  type SimulatedHost,
} from "../src/board/index.ts";
import {
  allOver,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  pass,
  type FetchedAll,
  type SimulatedRig,
} from "./simulated-rig.ts";

const own = capSlot(0);
const SIZE = 30_000_000;

interface UnderWay {
  readonly rig: SimulatedRig;
  readonly fetched: FetchedAll;
  /** Body bytes that have come. */
  readonly begun: () => number;
}

/** A transfer of which a third has come. */
function makeUnderWay(): UnderWay {
  const rig = makeSimulatedRig({ files: [["big.bin", { size: SIZE, seed: 5 }]] });
  const fetched = fetchAll(rig, ["big.bin"], { connections: 1, depth: 1 });
  const begun = (): number => fetched.fetchers[0]?.reader.begun ?? 0;
  rig.until(() => begun() > SIZE / 3, 10);
  return { rig, fetched, begun };
}

/** Seconds after which what was on the wire or in a queue has arrived. */
const DRAIN_SECONDS = 0.02;
const CUT_SECONDS = 3;

/** Cuts, sees that nothing more comes, restores, and sees that everything does. */
function cutAndRestore({ rig, fetched, begun }: UnderWay, cut: () => void, restore: () => void): void {
  cut();
  pass(rig, DRAIN_SECONDS);
  const stoppedAt = begun();
  expect(stoppedAt).toBeLessThan(SIZE);
  const sent = rig.server.stack.tcp.counters.retransmissionTimeouts;
  pass(rig, CUT_SECONDS);
  expect(begun()).toBe(stoppedAt);
  expect(rig.server.stack.tcp.counters.retransmissionTimeouts).toBeGreaterThan(sent);
  restore();
  rig.until(() => allOver(fetched), 30);
  expectAllRight(fetched, 1);
}

/** The bindings by which a host may send. */
const bindingsOf = ({ kernel: { root }, environment }: SimulatedHost): TransmitId[] =>
  Array.from({ length: root.transmits.count }, (_, row) => row)
    .filter((row) => root.transmits.user(row) === environment)
    .map((row) => root.transmits.id(row) as TransmitId);

const unbindAll = (host: SimulatedHost): void => {
  for (const binding of bindingsOf(host)) must(host.kernel.root.transmitUnbind(binding, own));
};

const bindAgain = ({ kernel, environment, machine }: SimulatedHost, address: number): void => {
  const [nic] = machine.nics;
  if (nic !== undefined) bindTransmission(kernel, environment, nic, address);
};

/** The ring that an environment's filters feed. */
const ringOf = ({ kernel: { root }, environment }: SimulatedHost): RingId => {
  for (let row = 0; row < root.filters.count; row++)
    if (root.filters.owner(row) === environment) return root.filters.ring(row) as RingId;
  throw new Error("it has no filter");
};

describe("while bytes flow", () => {
  test("the owner removes its packet filter: they stop; it inserts the filter again: the rest comes byte-exact", () => {
    const underWay = makeUnderWay();
    const { server } = underWay.rig;
    const { gate, stack } = server;
    const ring = ringOf(server);
    const unclaimed = server.kernel.root.filters.unclaimed(0);
    cutAndRestore(
      underWay,
      () => stack.network.filters.forEach((filter) => must(gate.filterRemove(filter, SERVER_SLOTS.guard))),
      () => {
        for (const filter of receiveFilters(SERVER_ADDRESS))
          must(gate.filterInsert(0, filter, ring, SERVER_SLOTS.nic, SERVER_SLOTS.guard));
      },
    );
    expect(server.kernel.root.filters.unclaimed(0)).toBeGreaterThan(unclaimed);
  });

  test("the root, which dominates every guard, may remove the filter too, and a stranger may not", () => {
    const { rig, begun } = makeUnderWay();
    const [arp, ipv4] = rig.server.stack.network.filters as readonly [FilterId, FilterId];
    const { root } = rig.server.kernel;
    const stranger = must(root.capabilityForge(own, { name: [9, 9], rights: RIGHTS.all }));
    expect(failed(root.filterRemove(ipv4, stranger))).toBe(true);
    must(root.filterRemove(ipv4, own));
    must(root.filterRemove(arp, own));
    pass(rig, DRAIN_SECONDS);
    const stoppedAt = begun();
    pass(rig, CUT_SECONDS);
    expect(begun()).toBe(stoppedAt);
  });

  test("the server's transmit binding is removed: they stop; it is bound again: the rest comes byte-exact", () => {
    const underWay = makeUnderWay();
    const { server } = underWay.rig;
    cutAndRestore(
      underWay,
      () => unbindAll(server),
      () => bindAgain(server, SERVER_ADDRESS),
    );
    expect(server.stack.network.link.counters.unbound).toBeGreaterThan(0);
  });

  test("the other machine's transmit binding is removed: they stop for want of acknowledgments; then all comes", () => {
    const underWay = makeUnderWay();
    const { gateway } = underWay.rig;
    cutAndRestore(
      underWay,
      () => unbindAll(gateway),
      () => bindAgain(gateway, GATEWAY_ADDRESS),
    );
  });
});

const ETHERNET_SOURCE = 6;
const PCAP_HEADER = 24;
const RECORD_HEADER = 16;

/** Frames of a capture by the Ethernet address that sent them, and bytes of each. */
function sendersOf(capture: Uint8Array): Map<string, { frames: number; bytes: number }> {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.length);
  const senders = new Map<string, { frames: number; bytes: number }>();
  for (let at = PCAP_HEADER; at < capture.length;) {
    const length = view.getUint32(at + 8, true);
    at += RECORD_HEADER;
    const source = Buffer.from(capture.subarray(at + ETHERNET_SOURCE, at + 12)).toString("hex");
    const seen = senders.get(source) ?? { frames: 0, bytes: 0 };
    senders.set(source, { frames: seen.frames + 1, bytes: seen.bytes + length });
    at += length;
  }
  return senders;
}

const makeCapture = (): Uint8Array => {
  const capture = makePcapCapture({ hertz: MODERN_3GHZ.hertz });
  const rig = makeSimulatedRig({
    files: [
      ["page.bin", { size: 1_000_000, seed: 1 }],
      ["small.bin", { size: 1, seed: 2 }],
    ],
    wire: { faults: { loss: 0.01, duplicate: 0.01, reorder: 0.01 } },
    wrapNic: (nic) => tracedNic(nic, capture),
  });
  const fetched = fetchAll(rig, ["page.bin", "small.bin"], { connections: 2, depth: 1 });
  rig.until(() => allOver(fetched), 20);
  expectAllRight(fetched, 2);
  return capture.bytes();
};

test("a capture of the wire shows both directions, and every byte of the file in one of them", () => {
  const senders = sendersOf(makeCapture());
  expect([...senders.keys()].toSorted()).toEqual(["020000000001", "020000000002"]);
  expect(senders.get("020000000001")?.bytes).toBeGreaterThan(1_000_000);
  expect(senders.get("020000000002")?.frames).toBeGreaterThan(100);
});

const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
if (!hasTshark) console.log("skipped: the check of a capture by tshark, which is not installed");

/** Frames of a capture that a display filter selects. */
function select(path: string, filter: string): string {
  const checks = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE"].flatMap((option) => ["-o", option]);
  const result = spawnSync("tshark", ["-r", path, ...checks, "-Y", filter], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  expect(result.status).toBe(0);
  return result.stdout;
}

test.skipIf(!hasTshark)("tshark finds no malformed packet and no bad checksum in it", () => {
  const directory = mkdtempSync(join(tmpdir(), "exolith-capture-"));
  const path = join(directory, "wire.pcap");
  try {
    writeFileSync(path, makeCapture());
    expect(select(path, "http.response.code == 200").trim().split("\n")).toHaveLength(2);
    expect(select(path, "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0")).toBe("");
    expect(select(path, "tcp.checksum.status == 1").split("\n").length).toBeGreaterThan(500);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
