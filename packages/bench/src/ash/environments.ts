/** Two machines on a wire: one asks, the other answers beside environments that have work of their own. */
import { boot, createEnvironment, deviceCapability, type Exokernel } from "@exolith/exokernel";
import {
  FRAME_BYTES,
  capSlot,
  cycles,
  must,
  rowOf,
  type Gate,
  type HandlerId,
  type Program,
} from "@exolith/exokernel/abi";
import {
  makeSimulatedPair,
  runSimulated,
  type CostProfile,
  type SimulatedMachine,
  type WireDirection,
} from "@exolith/hw-model";
import {
  HANDLER_CODE,
  eventProgram,
  hardwareHigh,
  hardwareLow,
  installHandler,
  makeFramePool,
  makeNetwork,
  nicAddress,
  ringOf,
  transmitFilters,
  type FramePool,
  type InstalledHandler,
  type Network,
  type Pollable,
} from "@exolith/libos-exos";
import { RIGHTS, udpTo } from "@exolith/secure-bind";
import { median } from "../statistics.ts";

/** A machine and its wire. */
export interface Setting {
  readonly profile: CostProfile;
  readonly wire: Pick<WireDirection, "bitsPerSecond" | "delaySeconds">;
}

/** What is done with it. */
export interface PointOptions extends Setting {
  /** Environments on the answering machine that always have work, the server among them; 0: the server alone, and idle. */
  readonly busy: number;
  /** Bytes that each of them sums whenever it runs, before it looks at anything else. */
  readonly workBytes: number;
  readonly hasHandler: boolean;
  /** Round trips that count. */
  readonly pingPongs: number;
}

/** What came of it. */
export interface Point {
  readonly busy: number;
  readonly hasHandler: boolean;
  /** Microseconds of the asking machine: the mean, the median, and the extremes. */
  readonly mean: number;
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Slices that the server had meanwhile. */
  readonly serverSlices: number;
  /** Frames that the handler did not see because its environment owed a slice; they were answered from the ring. */
  readonly skipped: number;
}

const SERVER = 0x0a00_0001;
const CLIENT = 0x0a00_0002;
const PORT = 7;
/** Bytes of payload that make a frame of 60 bytes with the headers of UDP, IPv4 and Ethernet. */
const PAYLOAD_BYTES = 18;
/** Round trips before those that count: addresses are learnt, and the phase of the slices is found. */
const WARM_UP = 8;
const FRAMES = 8192;
const guard = capSlot(0);
const device = capSlot(1);
const slots = { device, guard };

/** A kernel on a machine, and environments placed on it. */
interface Computer {
  readonly machine: SimulatedMachine;
  readonly kernel: Exokernel;
  /** Creates an environment with the interface; with an address, it may send from that. */
  place(program: Program, address?: number): number;
}

function makeComputer(machine: SimulatedMachine): Computer {
  const fail = (_: unknown, reason: unknown): never => {
    throw reason;
  };
  const kernel = boot(machine, { faulted: fail });
  const { root } = kernel;
  let placed = 0;
  const place: Computer["place"] = (program, address) => {
    placed += 1;
    const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];
    const environment = must(createEnvironment(root, { name: [1, placed], grants, program }));
    if (address !== undefined)
      for (const filter of transmitFilters(nicAddress(root, 0), address))
        must(root.transmitBind(0, filter, environment, guard, guard));
    return environment;
  };
  return { machine, kernel, place };
}

/** A network whose peer is known beforehand: what is measured is no address resolution. */
function networkOf(gate: Gate, pool: FramePool, address: number, peer: number): Network {
  const network = makeNetwork(gate, { nic: 0, address, prefixLength: 24, slots, pool, ringSlots: 64 });
  const hardware = [...nicAddress(gate, 0).slice(0, 5), peer === SERVER ? 1 : 2];
  network.arp.addPermanent(peer, hardwareHigh(hardware), hardwareLow(hardware));
  return network;
}

/** Work that never ends: each time it gets the processor it sums so many bytes, and wants it again at once. */
function work(pool: FramePool, bytes: number): Pollable {
  const window = must(pool.run(Math.max(1, Math.ceil(bytes / FRAME_BYTES))));
  return {
    poll: () => {
      window.checksum(0, bytes, 0);
      return false;
    },
    wakeAt: () => cycles(0),
  };
}

const busyProgram = (workBytes: number): Program =>
  eventProgram(1, (gate) => [work(makeFramePool(gate, guard), workBytes)]);

/** The server's handler, for whoever wants to look at it. */
interface Server {
  gate: Gate | undefined;
  handler: InstalledHandler | undefined;
}

/** Works, and then answers what its ring holds: so answers leave when its slice ends, not after the work. */
const serverProgram = ({ busy, workBytes, hasHandler }: PointOptions, server: Server): Program =>
  eventProgram(1, (gate) => {
    const pool = makeFramePool(gate, guard);
    const network = networkOf(gate, pool, SERVER, CLIENT);
    network.udp.bind(PORT, (window, at, length, destination, destinationPort) => {
      network.udp.send({ sourcePort: PORT, destination, destinationPort, window, at, length });
    });
    server.gate = gate;
    if (hasHandler)
      server.handler = must(
        installHandler(gate, {
          nic: 0,
          filter: udpTo({ destination: SERVER, port: PORT }),
          ring: ringOf(gate, network.filters[1] as never),
          slots,
          pool,
          code: HANDLER_CODE.udpEcho,
        }),
      );
    return busy > 0 ? [work(pool, workBytes), network] : [network];
  });

/** Cycles of each round trip, as they come. */
const clientProgram = (trips: number[], count: number): Program =>
  eventProgram(1, (gate) => {
    const pool = makeFramePool(gate, guard);
    const network = networkOf(gate, pool, CLIENT, SERVER);
    const window = must(pool.run(1));
    let sentAt = -1;
    const port = network.udp.bindAny(() => {
      trips.push(gate.clock.now() - sentAt);
      sentAt = -1;
      if (trips.length < count) send();
    });
    const send = (): void => {
      const now = gate.clock.now();
      const datagram = { sourcePort: port, destination: SERVER, destinationPort: PORT, window, at: 0 };
      if (network.udp.send({ ...datagram, length: PAYLOAD_BYTES }) === "sent") sentAt = now;
    };
    const starter: Pollable = {
      poll: () => {
        if (sentAt < 0 && trips.length < count) send();
        return false;
      },
      wakeAt: () => cycles(Infinity),
    };
    return [network, starter];
  });

/** Measures one point. The same options give the same figures on every computer. */
export function measurePoint(options: PointOptions): Point {
  const { profile, wire, busy, pingPongs, workBytes } = options;
  const pair = makeSimulatedPair({
    wire,
    left: { profile, frames: FRAMES },
    right: { profile, frames: FRAMES },
  });
  const answering = makeComputer(pair.left);
  const asking = makeComputer(pair.right);
  const server: Server = { gate: undefined, handler: undefined };
  const id = answering.place(serverProgram(options, server), SERVER);
  for (let i = 1; i < busy; i++) answering.place(busyProgram(workBytes));
  const trips: number[] = [];
  const wanted = WARM_UP + pingPongs;
  asking.place(clientProgram(trips, wanted), CLIENT);
  const parts = [answering, asking].map(({ machine, kernel }) => ({
    clock: machine.clock,
    steppable: kernel,
  }));
  runSimulated(parts.slice(0, 1), { until: () => server.gate !== undefined });
  runSimulated(parts, { until: () => trips.length >= WARM_UP });
  const { environments, handlers } = answering.kernel.root;
  const before = environments.slicesBegun(rowOf(id));
  runSimulated(parts, { until: () => trips.length >= wanted });
  const counted = trips.slice(WARM_UP, wanted).map((trip) => (trip / profile.hertz) * 1e6);
  if (counted.length < pingPongs) throw new Error(`${counted.length} of ${pingPongs} round trips came back`);
  return {
    busy,
    hasHandler: options.hasHandler,
    mean: counted.reduce((sum, trip) => sum + trip, 0) / counted.length,
    median: median(counted),
    minimum: counted.reduce((least, trip) => Math.min(least, trip), Infinity),
    maximum: counted.reduce((most, trip) => Math.max(most, trip), 0),
    serverSlices: environments.slicesBegun(rowOf(id)) - before,
    skipped: server.handler === undefined ? 0 : handlers.skipped(rowOf(server.handler.id as HandlerId)),
  };
}
