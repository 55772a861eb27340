import { spawnSync } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import {
  contractFrame,
  nicContract,
  nicPeer,
  seeSegment,
  segmentFrame,
  sendFrame,
  sendLeaving,
  somePayload,
} from "../contract/index.ts";
import type { NicHarness } from "../contract/index.ts";
import { NEVER } from "../units.ts";
import { pause, until } from "../../test/host-events.ts";
import { freshName, linuxObstacle, quieten, run } from "../../test/linux-network.ts";
import { makeHostClock } from "./clock.ts";
import { makeHostMachine } from "./machine.ts";
import { openPacketNic, type PacketNic } from "./packet.ts";
import { makeWaker, type HostWaker } from "./waker.ts";

const { now } = makeHostClock();

const missing = linuxObstacle();
if (missing !== "") console.log(`tests of packet sockets are skipped: ${missing}`);

const OURS = [2, 0, 0, 0, 0, 0x77];
const ADDRESS = "10.99.8.2",
  PEER_ADDRESS = "10.99.8.1";

/** Two joined interfaces of this namespace, up, gone with the test. */
const makeVeth = (): readonly [string, string] => {
  const name = freshName();
  const ends = [`${name}a`, `${name}b`] as const;
  run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]);
  onTestFinished(() => void spawnSync("ip", ["link", "del", ends[0]]));
  for (const end of ends) quieten(end);
  for (const end of ends) run("ip", "link", "set", end, "up");
  return ends;
};

const open = async (options: Parameters<typeof openPacketNic>[0]): Promise<PacketNic> => {
  const nic = await openPacketNic(options);
  onTestFinished(nic.close);
  return nic;
};

const makePair = async (): Promise<NicHarness> => {
  const [ours, theirs] = makeVeth();
  const nic = await open({ interface: ours, address: OURS, receiveSlots: 64 });
  const peer = await open({ interface: theirs, address: [2, 0, 0, 0, 0, 0x78] });
  return { nic, peer: nicPeer(peer, now), now, settle: pause };
};

if (missing === "") nicContract("a packet socket", makePair);
else test.skip(`a packet socket keeps the contract of a network interface (${missing})`, () => {});

interface Bench {
  readonly nic: PacketNic;
  readonly waker: HostWaker;
  readonly link: string;
  readonly namespace: string;
  readonly memory: Uint8Array;
}

/** An interface whose other end is Linux itself, at 10.99.8.1/24 in a namespace of its own. */
const makeBench = async (options: { readonly mtu?: number } = {}): Promise<Bench> => {
  const [link, far] = makeVeth();
  const namespace = freshName();
  run("ip", "netns", "add", namespace);
  onTestFinished(() => void run("ip", "netns", "del", namespace));
  run("ip", "link", "set", far, "netns", namespace);
  quieten(far, namespace);
  if (options.mtu !== undefined) {
    run("ip", "link", "set", link, "mtu", String(options.mtu));
    run("ip", "-n", namespace, "link", "set", far, "mtu", String(options.mtu));
  }
  run("ip", "-n", namespace, "addr", "add", `${PEER_ADDRESS}/24`, "dev", far);
  run("ip", "-n", namespace, "link", "set", far, "up");
  run("ip", "-n", namespace, "neigh", "add", ADDRESS, "lladdr", "02:00:00:00:00:77", "dev", far);
  const waker = makeWaker();
  const nic = await open({ interface: link, address: OURS, waker });
  return { nic, waker, link, namespace, memory: makeHostMachine({ frames: 64 }).memory.bytes };
};

const sendDatagram = ({ namespace }: Bench, text: string): void =>
  void run("ip", "netns", "exec", namespace, "bash", "-c", `printf '${text}' > /dev/udp/${ADDRESS}/7`);

/** The next frame that is there, a copy. */
const arrival = async ({ nic, memory }: Bench): Promise<Uint8Array> => {
  let length = 0;
  expect(await until(() => (length = nic.receive(now(), memory, 100)) > 0)).toBe(true);
  return memory.slice(100, 100 + length);
};

test.skipIf(missing !== "")(
  "a datagram whose checksum Linux left open arrives whole, and known good",
  async () => {
    const bench = await makeBench();
    for (const text of ["hello over the wire", "x", "odd", "0".repeat(1400)]) {
      sendDatagram(bench, text);
      const frame = await arrival(bench);
      expect(Buffer.from(frame.subarray(42)).toString()).toBe(text);
      expect(seeSegment(frame).isSound).toBe(true);
      expect(bench.nic.arrival.checksumGood).toBe(true);
    }
  },
);

test.skipIf(missing !== "")("only what is for us or for everyone comes, and nothing of our own", async () => {
  const [ours, theirs] = makeVeth();
  const nic = await open({ interface: ours, address: OURS });
  const far = await open({ interface: theirs, address: [2, 0, 0, 0, 0, 0x78] });
  const to = (...octets: number[]): Uint8Array => {
    const frame = contractFrame(octets[5] ?? 0, 64);
    frame.set(octets, 0);
    return frame;
  };
  sendFrame(nic, now(), to(...OURS));
  nic.flush(now());
  for (const frame of [
    to(2, 0, 0, 0, 0, 0x76),
    to(2, 0, 0, 0, 1, 0x77),
    to(1, 0, 0x5e, 0, 0, 1),
    to(...OURS),
  ])
    sendFrame(far, now(), frame);
  sendFrame(far, now(), to(0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
  far.flush(now());
  const memory = new Uint8Array(2000);
  expect(await until(() => nic.wakeAt(now()) <= now())).toBe(true);
  await pause();
  const seen = [0, 1, 2].map(() => nic.receive(now(), memory, 0) && memory[5]);
  expect(seen).toEqual([0x77, 0xff, 0]);
});

test.skipIf(missing !== "")("our own address is the interface's unless another is given", async () => {
  const [ours] = makeVeth();
  run("ip", "link", "set", ours, "address", "02:00:00:aa:bb:cc");
  const nic = await open({ interface: ours });
  expect(nic.hardware.address).toEqual([2, 0, 0, 0xaa, 0xbb, 0xcc]);
  expect(nic.name).toBe(ours);
  expect(run("ip", "-d", "link", "show", ours)).not.toContain("promiscuity 1");
});

test.skipIf(missing !== "")("a frame that is too long is counted, and those after it arrive", async () => {
  const bench = await makeBench({ mtu: 3000 });
  for (const length of [1473, 1800, 2000, 2900]) sendDatagram(bench, "0".repeat(length));
  sendDatagram(bench, "short");
  expect(Buffer.from((await arrival(bench)).subarray(42)).toString()).toBe("short");
  expect(bench.nic.linux.receiveOverlong).toBe(4);
});

test.skipIf(missing !== "")(
  "what arrives while nobody looks fills the ring, and the rest is counted",
  async () => {
    const [ours, theirs] = makeVeth();
    const nic = await open({ interface: ours, address: OURS, receiveSlots: 32 });
    const far = await open({ interface: theirs });
    for (let i = 0; i < 50; i++) sendFrame(far, now(), contractFrame(i, 100));
    far.flush(now());
    expect(nic.counters.receiveDropped).toBe(50 - nic.hardware.receiveSlots);
    const memory = new Uint8Array(2000);
    for (let i = 0; i < nic.hardware.receiveSlots; i++) {
      expect(nic.receive(now(), memory, 0)).toBe(100);
      expect(memory.slice(0, 100)).toEqual(contractFrame(i, 100));
    }
    expect(nic.receive(now(), memory, 0)).toBe(0);
    sendFrame(far, now(), contractFrame(60, 100));
    far.flush(now());
    expect(nic.receive(now(), memory, 0)).toBe(100);
    expect(nic.counters).toMatchObject({ received: nic.hardware.receiveSlots + 1, receiveDropped: 18 });
  },
);

test.skipIf(missing !== "")("a super-segment of 64 KiB crosses in one piece and arrives cut", async () => {
  const [ours, theirs] = makeVeth();
  const nic = await open({ interface: ours, address: OURS });
  const far = await open({ interface: theirs });
  const packets = (): number => {
    const [link] = JSON.parse(run("ip", "-s", "-j", "link", "show", theirs)) as {
      stats64: { rx: { packets: number } };
    }[];
    return link?.stats64.rx.packets ?? -1;
  };
  const before = packets();
  const payload = somePayload(65_000);
  const left = { checksum: true, segmentBytes: 1448, cuts: [66, 30_000] };
  expect(sendLeaving(nic, now(), segmentFrame(payload), left)).toBe(true);
  nic.flush(now());
  expect(packets() - before).toBe(1);
  const memory = new Uint8Array(2000);
  let got = 0;
  for (let i = 0; i < Math.ceil(65_000 / 1448); i++) {
    const length = far.receive(now(), memory, 0);
    const seen = seeSegment(memory.slice(0, length));
    expect([seen.isSound, far.arrival.checksumGood]).toEqual([true, true]);
    expect(seen.payload).toEqual(payload.slice(got, got + 1448));
    got += seen.payload.length;
  }
  expect(got).toBe(payload.length);
  expect(far.linux).toMatchObject({ receiveCut: 1, receiveOverlong: 0 });
});

test.skipIf(missing !== "")(
  "super-segments of every length arrive cut, those that fit a slot of the ring too",
  async () => {
    const [ours, theirs] = makeVeth();
    const nic = await open({ interface: ours, address: OURS });
    const far = await open({ interface: theirs });
    const memory = new Uint8Array(2000);
    for (const length of [1448, 1449, 1500, 1700, 1890, 1900, 1950, 2000, 2100, 5000]) {
      const payload = somePayload(length);
      expect(sendLeaving(nic, now(), segmentFrame(payload), { checksum: true, segmentBytes: 500 })).toBe(
        true,
      );
      nic.flush(now());
      const got: number[] = [];
      for (let bytes = far.receive(now(), memory, 0); bytes > 0; bytes = far.receive(now(), memory, 0)) {
        const seen = seeSegment(memory.slice(0, bytes));
        expect(seen.isSound).toBe(true);
        got.push(...seen.payload);
      }
      expect(Buffer.from(got).equals(payload)).toBe(true);
    }
    expect(far.linux).toMatchObject({ receiveOverlong: 0, receiveCut: 9 });
  },
);

test.skipIf(missing !== "")(
  "what Linux has no room for waits, in order, and is sent later",
  async (context) => {
    const [ours, theirs] = makeVeth();
    const shape = ["qdisc", "add", "dev", ours, "root", "tbf", "rate", "8mbit", "burst", "4k", "limit", "6k"];
    if (spawnSync("tc", shape).status !== 0) return context.skip("no token bucket (tc qdisc add … tbf)");
    const nic = await open({ interface: ours, address: OURS });
    const far = await open({ interface: theirs });
    const memory = new Uint8Array(2000);
    const sent = nic.hardware.transmitSlots;
    for (let i = 0; i < sent; i++) expect(sendFrame(nic, now(), contractFrame(i, 200))).toBe(true);
    expect(sendFrame(nic, now(), contractFrame(0, 200))).toBe(false);
    nic.flush(now());
    expect(sendFrame(nic, now(), contractFrame(0, 200))).toBe(false);
    const due = nic.wakeAt(now());
    expect([due > now() - 1e9, due < now() + 1e8]).toEqual([true, true]);
    let got = 0;
    const all = await until(() => {
      nic.receive(now(), memory, 0);
      for (let length = far.receive(now(), memory, 0); length > 0; length = far.receive(now(), memory, 0)) {
        expect(memory.slice(0, length)).toEqual(contractFrame(got, 200));
        got++;
      }
      return got === sent;
    });
    expect([all, nic.linux.transmitLost, nic.counters.transmitRefused]).toEqual([true, 0, 2]);
    expect(nic.wakeAt(now())).toBe(NEVER);
    expect(sendFrame(nic, now(), contractFrame(0, 200))).toBe(true);
  },
);

test.skipIf(missing !== "")(
  "while nothing arrives nothing runs, and the first frame wakes at once",
  async () => {
    const bench = await makeBench();
    const { nic, waker, memory } = bench;
    const drained = (): boolean => nic.receive(now(), memory, 0) === 0 && nic.wakeAt(now()) === NEVER;
    expect(await until(drained)).toBe(true);
    waker.take();
    const start = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const used = process.cpuUsage(start);
    expect(used.user + used.system).toBeLessThan(100_000);
    const far = await open({ interface: bench.link });
    expect(far.hardware.address).not.toEqual(OURS);
    const delays: number[] = [];
    for (let knock = 0; knock < 5; knock++) {
      expect(await until(drained)).toBe(true);
      let woken = Infinity;
      waker.listen(() => (woken = performance.now()));
      sendDatagram(bench, "knock");
      const sent = performance.now();
      expect(await until(() => woken < Infinity)).toBe(true);
      delays.push(woken - sent);
    }
    expect(Math.min(...delays)).toBeLessThan(250);
    expect(nic.wakeAt(now())).toBeLessThanOrEqual(now());
  },
);

test.skipIf(missing !== "")(
  "an interface that goes down loses what is sent, and works again when it is up",
  async () => {
    const bench = await makeBench();
    const { nic, link, namespace } = bench;
    sendDatagram(bench, "before");
    expect(Buffer.from((await arrival(bench)).subarray(42)).toString()).toBe("before");
    run("ip", "link", "set", link, "down");
    expect(await until(() => nic.linux.downs === 1)).toBe(true);
    expect(sendFrame(nic, now(), contractFrame(1, 60))).toBe(true);
    expect(sendLeaving(nic, now(), segmentFrame(somePayload(9000)), { segmentBytes: 1000 })).toBe(true);
    nic.flush(now());
    expect(nic.linux.transmitLost).toBe(2);
    run("ip", "link", "set", link, "up");
    const routes = (): boolean => run("ip", "-n", namespace, "route").includes("10.99.8.0/24");
    expect(await until(routes)).toBe(true);
    let text = "";
    await until(() => {
      sendDatagram(bench, "after");
      const length = nic.receive(now(), bench.memory, 0);
      text = Buffer.from(bench.memory.slice(42, length)).toString();
      return length > 0;
    });
    expect(text).toBe("after");
    expect(nic.linux).toMatchObject({ downs: 1, transmitLost: 2 });
  },
);

test.skipIf(missing !== "")("an interface that is down when it is opened works once it is up", async () => {
  const [ours, theirs] = makeVeth();
  run("ip", "link", "set", ours, "down");
  const nic = await open({ interface: ours, address: OURS });
  const far = await open({ interface: theirs });
  run("ip", "link", "set", ours, "up");
  const memory = new Uint8Array(2000);
  const came = await until(() => {
    sendFrame(far, now(), contractFrame(1, 99));
    far.flush(now());
    return nic.receive(now(), memory, 0) === 99;
  });
  expect(came).toBe(true);
});

test.skipIf(missing !== "")("an interface that is taken away leaves a quiet device", async () => {
  const { nic, link, waker, memory } = await makeBench();
  run("ip", "link", "del", link);
  expect(await until(() => nic.linux.downs > 0)).toBe(true);
  expect(sendFrame(nic, now(), contractFrame(1, 60))).toBe(true);
  nic.flush(now());
  expect(nic.linux.transmitLost).toBe(1);
  waker.take();
  const start = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const used = process.cpuUsage(start);
  expect(used.user + used.system).toBeLessThan(100_000);
  expect(nic.receive(now(), memory, 0)).toBe(0);
  expect(nic.wakeAt(now())).toBe(NEVER);
});

test.skipIf(missing !== "")(
  "a closed device is silent and takes everything, and its counters stay",
  async () => {
    const [ours, theirs] = makeVeth();
    const nic = await open({ interface: ours });
    const far = await open({ interface: theirs });
    sendFrame(far, now(), contractFrame(1, 60));
    far.flush(now());
    const memory = new Uint8Array(2000);
    expect(nic.receive(now(), memory, 0)).toBe(60);
    await nic.close();
    await nic.close();
    expect(nic.receive(now(), memory, 0)).toBe(0);
    expect(nic.wakeAt(now())).toBe(NEVER);
    expect(sendFrame(nic, now(), contractFrame(1, 60))).toBe(true);
    nic.flush(now());
    expect(nic.counters).toMatchObject({ received: 1, transmitted: 1, receiveDropped: 0 });
  },
);

test.skipIf(missing !== "")("memory that does not exist is neither read nor written", async () => {
  const [ours] = makeVeth();
  const nic = await open({ interface: ours });
  const memory = new Uint8Array(4096);
  expect(() => nic.receive(now(), memory, memory.length - 100)).toThrow(RangeError);
  expect(() => nic.receive(now(), memory, -1)).toThrow(RangeError);
  expect(() => sendFrame(nic, now(), new Uint8Array(0))).toThrow(RangeError);
  expect(() => sendFrame(nic, now(), new Uint8Array(1515))).toThrow(RangeError);
});

const refused = (options: Parameters<typeof openPacketNic>[0]): Promise<unknown> =>
  openPacketNic(options).then(
    (nic) => nic.close(),
    (error: Error) => [error.name, error.message],
  );

test("options that cannot be are refused before anything is opened", async () => {
  for (const options of [
    { interface: "" },
    { interface: "a-name-that-is-too-long" },
    { interface: "x", address: [2, 0, 0] },
    { interface: "x", address: [1, 0, 0, 0, 0, 1] },
    { interface: "x", frameBytes: 59 },
    { interface: "x", frameBytes: 70_000 },
    { interface: "x", receiveSlots: 0 },
    { interface: "x", receiveSlots: 1.5 },
  ])
    expect(await refused(options)).toEqual(["BadArgument", expect.any(String)]);
});

test.skipIf(missing !== "")("what is no interface, or no Ethernet, is refused", async () => {
  expect(await refused({ interface: "exo-none" })).toEqual([
    "NoSuchInterface",
    expect.stringContaining("exo-none"),
  ]);
  expect(await refused({ interface: "lo" })).toEqual(["BadArgument", expect.stringContaining("no Ethernet")]);
});

const MODULE = new URL("./packet.ts", import.meta.url).href;
const child = (prefix: readonly string[], script: string): { stdout: string; status: number | null } => {
  const words = ["--conditions=@exolith/source", "--input-type=module-typescript", "-e", script];
  const all = [...prefix, process.execPath, ...words];
  return spawnSync(all[0] ?? "", all.slice(1), { encoding: "utf8", timeout: 20_000 });
};

const noSetpriv = spawnSync("setpriv", ["--version"]).status !== 0;
test.skipIf(missing !== "" || noSetpriv)("whoever lacks CAP_NET_RAW is told so", () => {
  const script = `
    import { openPacketNic } from ${JSON.stringify(MODULE)};
    await openPacketNic({ interface: "lo" }).catch((error) => console.log(error.name, error.message));`;
  const { stdout } = child(["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"], script);
  expect(stdout).toContain("NotPermitted");
  expect(stdout).toContain("CAP_NET_RAW");
});

test.skipIf(missing !== "")("a host process ends once its packet socket is closed", () => {
  const [ours] = makeVeth();
  const script = `
    import { openPacketNic } from ${JSON.stringify(MODULE)};
    const nic = await openPacketNic({ interface: ${JSON.stringify(ours)} });
    await nic.close();
    console.log("closed");`;
  const { stdout, status } = child([], script);
  expect([stdout, status]).toEqual(["closed\n", 0]);
});
