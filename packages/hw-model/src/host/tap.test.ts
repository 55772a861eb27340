import { spawnSync } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import {
  contractFrame,
  nicContract,
  nicPeer,
  seeSegment,
  segmentFrame,
  sendLeaving,
  somePayload,
} from "../contract/index.ts";
import type { NicHarness } from "../contract/index.ts";
import { makePhysicalGather } from "../nic.ts";
import type { NicCounters } from "../nic.ts";
import { NEVER } from "../units.ts";
import { pause, until } from "../../test/host-events.ts";
import { freshName, quieten, run, tapObstacle } from "../../test/linux-network.ts";
import { makeHostClock } from "./clock.ts";
import { makeHostMachine } from "./machine.ts";
import { openPacketNic } from "./packet.ts";
import { openTap } from "./tap.ts";
import type { TapNic } from "./tap.ts";
import { makeWaker } from "./waker.ts";
import type { HostWaker } from "./waker.ts";

const { now } = makeHostClock();

const OURS = [0x02, 0, 0, 0, 0, 0x77];
const OUR_IP = [10, 99, 7, 2],
  OUR_IP_TEXT = "10.99.7.2";

const missing = tapObstacle();
if (missing !== "") console.log(`TAP tests are skipped: ${missing}`);

interface Bench {
  readonly nic: TapNic;
  readonly waker: HostWaker;
  readonly namespace: string;
  readonly memory: Uint8Array;
}

/** A TAP whose kernel end is up at 10.99.7.1/24 in a namespace of its own. */
const makeBench = async (): Promise<Bench> => {
  const name = freshName();
  const waker = makeWaker();
  const nic = await openTap({ name, address: OURS, waker });
  onTestFinished(nic.close);
  run("ip", "netns", "add", name);
  onTestFinished(() => void run("ip", "netns", "del", name));
  run("ip", "link", "set", name, "netns", name);
  quieten(name, name);
  run("ip", "-n", name, "addr", "add", "10.99.7.1/24", "dev", name);
  run("ip", "-n", name, "link", "set", name, "up");
  return { nic, waker, namespace: name, memory: makeHostMachine({ frames: 16 }).memory.bytes };
};

const transmit = ({ nic, memory }: Bench, frame: Uint8Array, pieces: readonly number[]): boolean => {
  const gather = makePhysicalGather(pieces.length);
  let from = 0;
  for (const [i, length] of pieces.entries()) {
    const at = 8192 + i * 3000;
    memory.set(frame.subarray(from, from + length), at);
    gather.addresses[i] = at;
    gather.lengths[i] = length;
    from += length;
  }
  gather.count = pieces.length;
  gather.length = frame.length;
  const taken = nic.transmit({ now }, memory, gather);
  nic.flush(now());
  return taken;
};

/** The next frame of `type` that the kernel sent, others thrown away. */
const arrival = async ({ nic, memory }: Bench, type: number): Promise<Buffer> => {
  let length = 0;
  const came = (): boolean => {
    length = nic.receive(now(), memory, 100);
    return length > 0 && (memory[112] ?? 0) * 256 + (memory[113] ?? 0) === type;
  };
  expect(await until(came)).toBe(true);
  return Buffer.from(memory.subarray(100, 100 + length));
};

const ARP = 0x0806,
  IPV4 = 0x0800;

/** Answers an ARP request with our address (RFC 826). */
const arpReply = (request: Buffer): Uint8Array => {
  const reply = Buffer.alloc(60);
  request.copy(reply, 0, 6, 12);
  reply.set(OURS, 6);
  request.copy(reply, 12, 12, 20);
  reply.writeUInt16BE(2, 20);
  reply.set([...OURS, ...OUR_IP], 22);
  request.copy(reply, 32, 22, 32);
  return reply;
};

const sendDatagram = (bench: Bench, text: string): void => {
  run("ip", "netns", "exec", bench.namespace, "bash", "-c", `printf '${text}' > /dev/udp/${OUR_IP_TEXT}/7`);
};

test.skipIf(missing !== "")("the kernel resolves our address and its datagram arrives", async () => {
  const bench = await makeBench();
  sendDatagram(bench, "hello over the wire");
  const request = await arrival(bench, ARP);
  expect([...request.subarray(38, 42)]).toEqual(OUR_IP);
  expect(transmit(bench, arpReply(request), [14, 1, 45])).toBe(true);
  const datagram = await arrival(bench, IPV4);
  expect([...datagram.subarray(0, 6)]).toEqual(OURS);
  expect(datagram.subarray(42).toString()).toBe("hello over the wire");
  expect(run("ip", "-n", bench.namespace, "neigh")).toContain("02:00:00:00:00:77");
});

/** The Internet checksum (RFC 1071) of `bytes`. */
const checksum = (bytes: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

/** An echo request from us to the kernel's end with `length` bytes of payload (RFC 792, RFC 791). */
const echoRequest = (to: Buffer, length: number): Buffer => {
  const frame = Buffer.from(contractFrame(length, 42 + length));
  to.copy(frame, 0, 0, 6);
  frame.set([...OURS, 8, 0, 0x45, 0, 0, 0, 0, 1, 0, 0, 64, 1, 0, 0, ...OUR_IP, 10, 99, 7, 1], 6);
  frame.set([8, 0, 0, 0, 0, 9, 0, 1], 34);
  frame.writeUInt16BE(28 + length, 16);
  frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24);
  frame.writeUInt16BE(checksum(frame.subarray(34)), 36);
  return frame;
};

test.skipIf(missing !== "")("what the kernel echoes is byte for byte what was gathered", async () => {
  const bench = await makeBench();
  sendDatagram(bench, "who are you");
  const request = await arrival(bench, ARP);
  transmit(bench, arpReply(request), [60]);
  await arrival(bench, IPV4);
  for (const length of [18, 100, 1472]) {
    const echo = echoRequest(request.subarray(6, 12), length);
    expect(transmit(bench, echo, [14, 20, 8, 1, length - 1])).toBe(true);
    const answer = await arrival(bench, IPV4);
    expect(answer.length).toBe(echo.length);
    expect(answer[34]).toBe(0);
    expect(answer.subarray(38).equals(echo.subarray(38))).toBe(true);
  }
});

const kernelCount = ({ namespace }: Bench, name: string): number => {
  const [link] = JSON.parse(run("ip", "-n", namespace, "-s", "-j", "link", "show", namespace)) as {
    stats64: Record<string, Record<string, number>>;
  }[];
  return link?.stats64["rx"]?.[name] ?? -1;
};

test.skipIf(missing !== "")(
  "frames of every length and any pieces reach the kernel, and both sides count them alike",
  async () => {
    const bench = await makeBench();
    const before: NicCounters = { ...bench.nic.counters };
    const packets = kernelCount(bench, "packets");
    const bytes = kernelCount(bench, "bytes");
    let sent = 0;
    for (const [tag, length] of [60, 61, 777, 1514].entries()) {
      expect(transmit(bench, contractFrame(tag, length), [length])).toBe(true);
      expect(transmit(bench, contractFrame(tag, length), [14, 7, length - 22, 1])).toBe(true);
      sent += 2 * length;
    }
    expect(bench.nic.counters.transmitted - before.transmitted).toBe(8);
    expect(bench.nic.counters.transmittedBytes - before.transmittedBytes).toBe(sent);
    expect(kernelCount(bench, "packets") - packets).toBe(8);
    expect(kernelCount(bench, "bytes") - bytes).toBe(sent);
  },
);

test.skipIf(missing !== "")(
  "a frame that arrives wakes whoever runs the machine, once it found nothing",
  async () => {
    const bench = await makeBench();
    const { nic, waker, memory } = bench;
    expect(await until(() => nic.receive(now(), memory, 0) === 0 && nic.wakeAt(now()) === NEVER)).toBe(true);
    waker.take();
    sendDatagram(bench, "knock");
    expect(await until(waker.pending)).toBe(true);
    expect(nic.wakeAt(now())).toBeLessThanOrEqual(now());
    expect((await arrival(bench, ARP)).length).toBe(42);
    expect(nic.counters.received).toBeGreaterThan(0);
  },
);

test.skipIf(missing !== "")("memory that does not exist is neither read nor written", async () => {
  const { nic, memory } = await makeBench();
  expect(() => nic.receive(now(), memory, memory.length - 100)).toThrow(RangeError);
  expect(() => nic.receive(now(), memory, -1)).toThrow(RangeError);
  const gather = makePhysicalGather(1);
  gather.count = 1;
  gather.length = gather.lengths[0] = 100;
  gather.addresses[0] = memory.length - 99;
  expect(() => nic.transmit({ now }, memory, gather)).toThrow(RangeError);
  gather.addresses[0] = NaN;
  expect(() => nic.transmit({ now }, memory, gather)).toThrow(RangeError);
});

test.skipIf(missing !== "")("an interface that is taken away leaves a quiet device", async () => {
  const bench = await makeBench();
  run("ip", "-n", bench.namespace, "link", "del", bench.namespace);
  const { waker, nic, memory } = bench;
  await until(() => nic.receive(now(), memory, 0) === 0);
  expect(transmit(bench, contractFrame(1, 60), [60])).toBe(true);
  waker.take();
  const start = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const used = process.cpuUsage(start);
  expect(used.user + used.system).toBeLessThan(150_000);
  expect(nic.receive(now(), memory, 0)).toBe(0);
});

test.skipIf(missing !== "")("a host process ends once its TAP is closed", () => {
  const script = `
    import { openTap } from ${JSON.stringify(new URL("./tap.ts", import.meta.url).href)};
    const nic = await openTap({ name: "exo-end-${process.pid}", address: [2, 0, 0, 0, 0, 1] });
    await nic.close();
    await nic.close();
    console.log("closed");`;
  const words = ["--conditions=@exolith/source", "--input-type=module-typescript", "-e", script];
  const child = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 20_000 });
  expect([child.stdout, child.status]).toEqual(["closed\n", 0]);
});

/** A TAP, and a packet socket on its other end. */
const makePair = async (): Promise<NicHarness> => {
  const name = freshName();
  const nic = await openTap({ name, address: OURS });
  onTestFinished(nic.close);
  quieten(name);
  run("ip", "link", "set", name, "up");
  const far = await openPacketNic({ interface: name, address: [2, 0, 0, 0, 1, 1] });
  onTestFinished(far.close);
  return { nic, peer: nicPeer(far, now), now, settle: pause };
};

if (missing !== "") test.skip(`a TAP keeps the contract of a network interface (${missing})`, () => {});
else {
  nicContract("TAP", makePair, [
    {
      reason: "Linux keeps the ring and counts what it drops (tx_dropped of the interface)",
      cases: ["drops and counts arrivals when the receive ring is full"],
    },
    {
      reason: "Linux takes every frame at once, however many",
      cases: ["refuses and counts when the transmit ring is full, and recovers"],
    },
  ]);
}

test.skipIf(missing !== "")(
  "super-segments of 64 KiB cross a TAP both ways in one piece, and arrive cut",
  async () => {
    const name = freshName();
    const nic = await openTap({ name, address: OURS });
    onTestFinished(nic.close);
    quieten(name);
    run("ip", "link", "set", name, "up");
    const far = await openPacketNic({ interface: name, address: [2, 0, 0, 0, 1, 1] });
    onTestFinished(far.close);
    const memory = makeHostMachine({ frames: 16 }).memory.bytes;
    const payload = somePayload(64_000);
    for (const [from, to] of [
      [nic, far],
      [far, nic],
    ] as const) {
      const left = { checksum: true, segmentBytes: 1448, cuts: [66, 40_000] };
      expect(sendLeaving(from, now(), segmentFrame(payload), left)).toBe(true);
      from.flush(now());
      let got = 0;
      const all = await until(() => {
        for (let length = to.receive(now(), memory, 0); length > 0; length = to.receive(now(), memory, 0)) {
          const seen = seeSegment(memory.slice(0, length));
          expect([seen.isSound, to.arrival.checksumGood]).toEqual([true, true]);
          expect(seen.payload).toEqual(payload.slice(got, got + 1448));
          got += seen.payload.length;
        }
        return got === payload.length;
      });
      expect(all).toBe(true);
      expect(to.linux.receiveCut).toBe(1);
    }
    expect(nic.linux).toMatchObject({ transmitLost: 0, receiveOverlong: 0 });
  },
);

const refused = (name: string, address: readonly number[]): Promise<unknown> =>
  openTap({ name, address }).then(
    (nic) => nic.close(),
    (error: Error) => error.name,
  );

test("names and addresses that cannot be are refused", async () => {
  expect(await refused("", OURS)).toBe("BadArgument");
  expect(await refused("a-name-that-is-too-long", OURS)).toBe("BadArgument");
  expect(await refused("exo-x", [2, 0, 0])).toBe("BadArgument");
  expect(await refused("exo-x", [1, 0, 0, 0, 0, 1])).toBe("BadArgument");
});

test.skipIf(missing !== "")("an interface that is no TAP is refused", async () => {
  expect(await refused("lo", OURS)).toBe("BadArgument");
});
