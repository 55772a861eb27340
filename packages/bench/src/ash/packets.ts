/** What a frame costs on this host, from the interface to whoever takes it: handlers beside rings. */
import { boot, createEnvironment, deviceCapability } from "@exolith/exokernel";
import {
  NEVER,
  RECEIVE_BATCH,
  capSlot,
  cycles,
  must,
  rowOf,
  type Gate,
  type Program,
  type Upcalls,
} from "@exolith/exokernel/abi";
import type { Nic, NicCounters, PhysicalGather } from "@exolith/hw-model";
import { makeHostMachine } from "@exolith/hw-model/host";
import {
  HANDLER_CODE,
  eventLoop,
  installHandler,
  makeFramePool,
  makeNetwork,
  makePacketReceiver,
  makePacketRing,
  ringOf,
  transmitFilters,
  type HandlerCode,
} from "@exolith/libos-exos";
import { RIGHTS, ipv4To, udpTo } from "@exolith/secure-bind";
import type { Operation } from "../kernel/world.ts";
import { udpFrame } from "./frames.ts";

const guard = capSlot(0);
const device = capSlot(1);
const slots = { device, guard };
const FRAMES = 1024;
const PORT = 7;
const ADDRESS = 0x0a00_0001;
const OWN = [2, 0, 0, 0, 0, 1] as const;
const FRAME_ROOM = 1514;

/** An interface that has the same frame as often as it is told, and keeps the last one sent. */
class ReplayNic implements Nic {
  readonly hardware = {
    address: OWN,
    frameBytes: FRAME_ROOM,
    receiveSlots: RECEIVE_BATCH,
    transmitSlots: RECEIVE_BATCH,
    bitsPerSecond: Infinity,
    transmitChecksum: false,
    segmentationBytes: 0,
  };
  readonly arrival = { checksumGood: false };
  readonly counters: NicCounters = {
    received: 0,
    receivedBytes: 0,
    transmitted: 0,
    transmittedBytes: 0,
    receiveDropped: 0,
    transmitRefused: 0,
  };
  readonly #frame: Uint8Array;
  readonly #out = new Uint8Array(FRAME_ROOM);
  /** Frames that are still to come. */
  left = 0;

  constructor(frame: Uint8Array) {
    this.#frame = frame;
  }

  receive(_now: unknown, memory: Uint8Array, at: number): number {
    if (this.left === 0) return 0;
    this.left -= 1;
    this.counters.received += 1;
    memory.set(this.#frame, at);
    return this.#frame.length;
  }

  transmit(_now: unknown, memory: Uint8Array, { count, addresses, lengths }: PhysicalGather): boolean {
    for (let i = 0, at = 0; i < count; i++) {
      const from = addresses[i] ?? 0;
      const length = lengths[i] ?? 0;
      this.#out.set(memory.subarray(from, from + length), at);
      at += length;
    }
    this.counters.transmitted += 1;
    return true;
  }

  flush(): void {}

  wakeAt(): ReturnType<Nic["wakeAt"]> {
    return this.left > 0 ? cycles(0) : NEVER;
  }
}

/** A way to treat a frame of 60 bytes. */
interface Treatment {
  readonly name: string;
  readonly start: (gate: Gate) => Upcalls;
  /** Frames sent for one that came. */
  readonly answers: 0 | 1;
}

/** A module whose `handle` returns 1, in hexadecimal: header, type, function, export, code. */
const NOTHING_HEX = [
  "0061736d 01000000",
  "01 07 01 60 02 7f 7f 01 7f",
  "03 02 01 00",
  "07 0a 01 06 68616e646c65 00 00",
  "0a 06 01 04 00 41 01 0b",
];

/** A handler that consumes whatever comes. */
const NOTHING: HandlerCode = {
  module: Uint8Array.from(NOTHING_HEX.join("").match(/[0-9a-f]{2}/g) ?? [], (octet) => parseInt(octet, 16)),
  fuel: 16,
  pages: 0,
};

const asleep = (gate: Gate): Upcalls => ({
  sliceBegin: () => gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER),
});

/** ExOS's network with the port answered by the library; with a handler before it if there is one. */
const network =
  (code: HandlerCode | undefined) =>
  (gate: Gate): Upcalls => {
    const pool = makeFramePool(gate, guard);
    const made = makeNetwork(gate, { nic: 0, address: ADDRESS, prefixLength: 24, slots, pool });
    made.arp.addPermanent(0x0a00_0002, 0x0200, 2);
    made.udp.bind(PORT, (window, at, length, destination, destinationPort) => {
      made.udp.send({ sourcePort: PORT, destination, destinationPort, window, at, length });
    });
    const filter = udpTo({ destination: ADDRESS, port: PORT });
    const ring = ringOf(gate, made.filters[1] as never);
    if (code !== undefined) must(installHandler(gate, { nic: 0, filter, ring, slots, pool, code }));
    return eventLoop(gate, [made]);
  };

/** A ring whose owner looks at nothing: every slot goes straight back. */
function ringOnly(gate: Gate): Upcalls {
  const pool = makeFramePool(gate, guard);
  const ring = makePacketRing(gate, pool, RECEIVE_BATCH, guard);
  const receiver = makePacketReceiver(ring, () => {});
  must(gate.filterInsert(0, ipv4To({ destination: ADDRESS }), ring.id, device, guard));
  const poll = (): boolean => receiver.poll(RECEIVE_BATCH) === RECEIVE_BATCH;
  return eventLoop(gate, [{ poll, wakeAt: () => NEVER }]);
}

const TREATMENTS: readonly Treatment[] = [
  { name: "received, wanted by nobody", start: asleep, answers: 0 },
  { name: "consumed by a handler that does nothing", start: network(NOTHING), answers: 0 },
  { name: "delivered to a ring, slot given back", start: ringOnly, answers: 0 },
  { name: "echoed by a handler", start: network(HANDLER_CODE.udpEcho), answers: 1 },
  { name: "echoed by ExOS from its ring", start: network(undefined), answers: 1 },
];

/** A kernel whose one environment treats frames in one way; each operation is a frame. */
function operationOf({ name, start, answers }: Treatment): Operation {
  const nic = new ReplayNic(udpFrame(18));
  const fail = (_: unknown, reason: unknown): never => {
    throw reason;
  };
  const kernel = boot(makeHostMachine({ frames: FRAMES, nics: [nic] }), { faulted: fail });
  const { root } = kernel;
  let upcalls: Upcalls | undefined;
  const program: Program = (gate) => {
    must(gate.sliceAlloc(0 as never, guard));
    return { sliceBegin: () => (upcalls ??= start(gate)).sliceBegin() };
  };
  const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];
  const environment = must(createEnvironment(root, { name: [1, 1], grants, program }));
  for (const filter of transmitFilters(OWN, ADDRESS))
    must(root.transmitBind(0, filter, environment, guard, guard));
  kernel.step();
  const run = (times: number): void => {
    const before = nic.counters.transmitted;
    nic.left = times;
    for (let steps = 0; nic.left > 0 || nic.counters.transmitted - before < times * answers; steps++) {
      if (steps > 4 * times) throw new Error(`${name}: frames were lost`);
      kernel.step();
    }
  };
  return { name, run };
}

/** Each treatment on a kernel of its own. */
export const packetOperations = (): readonly Operation[] => TREATMENTS.map(operationOf);
