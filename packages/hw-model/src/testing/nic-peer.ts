/** A test's hand on an interface: whole frames as byte arrays. */
import { makePhysicalGather, type Nic } from "../nic.ts";
import type { Cycles } from "../units.ts";

/** The far end of the link, as the suite drives it. */
export interface NicPeer {
  /** Puts one frame on the link towards the device. */
  send(frame: Uint8Array): void;
  /** The oldest frame that came from the device, a copy; undefined when there is none. */
  take(): Uint8Array | undefined;
}

/** A peer made of another network interface on the same link. */
export const nicPeer = (nic: Nic, now: () => Cycles): NicPeer => {
  const memory = new Uint8Array(nic.hardware.frameBytes);
  return {
    send: (frame) => {
      if (!sendFrame(nic, now(), frame)) throw new Error("the peer's transmit ring is full");
      nic.flush(now());
    },
    take: () => {
      const length = nic.receive(now(), memory, 0);
      return length === 0 ? undefined : memory.slice(0, length);
    },
  };
};

/** Queues `frame` as one piece; the doorbell is left to the caller. False when the ring is full. */
export const sendFrame = (nic: Nic, now: Cycles, frame: Uint8Array): boolean => {
  const gather = makePhysicalGather(1);
  gather.addresses[0] = 0;
  gather.lengths[0] = frame.length;
  gather.count = 1;
  gather.length = frame.length;
  return nic.transmit({ now: () => now }, frame, gather);
};

/** A frame of `length` bytes to everyone, of an experimental type, filled from `tag`. */
export const contractFrame = (tag: number, length: number): Uint8Array => {
  const frame = new Uint8Array(length);
  for (let i = 14; i < length; i++) frame[i] = (tag * 31 + i * 7) & 0xff;
  frame.fill(0xff, 0, 6);
  frame.set([0x02, 0, 0, 0, 0xee, tag & 0xff, 0x88, 0xb5, tag >> 8, tag & 0xff], 6);
  return frame;
};
