import {
  PENTIUM_PRO_200,
  cycles,
  makePhysicalGather,
  makeSimulatedMachine,
  makeWire,
} from "@exolith/hw-model";
import { expect, test } from "vitest";
import { kindOf, protocolNic } from "./protocol-nic.ts";
import { makeLabour, type Labour } from "./work.ts";

const SYN = 2;
const ACK = 16;

/** A frame of TCP with `flags`, its IPv4 header of `words` words. */
function frame(flags: number, words = 5, protocol = 6, type = 0x0800): Uint8Array {
  const bytes = new Uint8Array(74);
  bytes.set([type >>> 8, type & 255, 0x40 | words], 12);
  bytes[23] = protocol;
  bytes[14 + 4 * words + 13] = flags;
  return bytes;
}

test("a frame is told by its type, its protocol and its flags, wherever the header ends", () => {
  expect(kindOf(frame(SYN), 0)).toBe("opening");
  expect(kindOf(frame(SYN, 8), 0)).toBe("opening");
  expect(kindOf(frame(SYN | ACK), 0)).toBe("segment");
  expect(kindOf(frame(ACK), 0)).toBe("segment");
  expect(kindOf(frame(SYN, 5, 17), 0)).toBe("other");
  expect(kindOf(frame(SYN, 5, 6, 0x0806), 0)).toBe("other");
  const shifted = new Uint8Array(200);
  shifted.set(frame(SYN), 100);
  expect(kindOf(shifted, 100)).toBe("opening");
});

/** Two ends of a wire; the far one is bare. */
function rig(transmitSlots: number) {
  const { meter } = makeSimulatedMachine({ profile: PENTIUM_PRO_200, frames: 16 });
  const wire = makeWire({ ends: [{ transmitSlots }, {}] });
  const labour: Labour = makeLabour(meter);
  const seen = { received: 0, sent: 0 };
  const also = { received: () => void seen.received++, sent: () => void seen.sent++ };
  const memory = new Uint8Array(4096);
  const send = (nic: (typeof wire.nics)[number], bytes: Uint8Array): boolean => {
    memory.set(bytes, 1000);
    const gather = makePhysicalGather(1);
    gather.addresses[0] = 1000;
    gather.lengths[0] = gather.length = bytes.length;
    gather.count = 1;
    const isSent = nic.transmit({ now: () => cycles(0) }, memory, gather);
    nic.flush(cycles(0));
    return isSent;
  };
  return { near: protocolNic(wire.nics[0], labour, also), far: wire.nics[1], labour, seen, memory, send };
}

test("what arrives costs an interrupt, its protocols, and a connection if it opens one", () => {
  const { near, far, labour, seen, memory, send } = rig(8);
  expect(near.receive(cycles(1e9), memory, 0)).toBe(0);
  expect(labour.done.interrupt).toBe(0);
  for (const bytes of [frame(SYN), frame(ACK), frame(0, 5, 17)]) send(far, bytes);
  while (near.receive(cycles(1e9), memory, 0) > 0);
  expect(labour.done).toMatchObject({ interrupt: 3, ipPacket: 2, tcpSegment: 2, tcpConnection: 1 });
  expect(seen).toEqual({ received: 3, sent: 0 });
});

test("what leaves costs its protocols, and what the interface refuses costs nothing", () => {
  const { near, labour, seen, send } = rig(2);
  expect(send(near, frame(SYN | ACK))).toBe(true);
  expect(labour.done).toMatchObject({ interrupt: 0, ipPacket: 1, tcpSegment: 1, tcpConnection: 0 });
  expect(seen).toEqual({ received: 0, sent: 1 });
  const gather = makePhysicalGather(1);
  gather.lengths[0] = gather.length = 60;
  gather.count = 1;
  const memory = new Uint8Array(4096);
  let accepted = 0;
  for (let i = 0; i < 8; i++) if (near.transmit({ now: () => cycles(0) }, memory, gather)) accepted += 1;
  expect(accepted).toBeLessThan(8);
  expect(seen.sent).toBe(1 + accepted);
});
