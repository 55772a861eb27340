/**
 * Frames on their way to Linux: short ones in one call a batch, long ones at once.
 *
 * A short frame is copied into a slot, behind its virtio header, and leaves
 * with `send`. A long one leaves by a call of its own, straight from physical
 * memory, but for its headers: copying it would cost more than the call does
 * (docs/decisions/0021-offloads.md has the figures).
 */
import type { PhysicalGather } from "../nic.ts";
import { makePhysicalMemory } from "../simulated/memory.ts";
import { FRAME_BYTES } from "../units.ts";
import { makeChecksumLeaver, type LeaveChecksum } from "./leave-checksum.ts";
import { LINUX_ERROR, type LinuxLibrary } from "./linux-library.ts";
import { makeLongFrame, type LongFrame } from "./long-frame.ts";
import { makeMemoryUnits, type MemoryUnits } from "./memory-units.ts";
import { VECTOR_BYTES, setAddress, setVector } from "./physical-base.ts";
import { VIRTIO_BYTES, clearHeader } from "./virtio-header.ts";

/** Frames of a batch. */
export const BATCH_SLOTS = 256;

/** A frame up to this length is copied and waits for the doorbell. */
const SHORT_BYTES = 2032;
const SLOT_BYTES = 2048;

/** `struct mmsghdr` on a 64-bit host, and where it says which vector and how long that is. */
const MESSAGE_BYTES = 64,
  VECTOR_AT = 16,
  COUNT_AT = 24;

/** What became of frames: all are with Linux, some wait, or the link is down and all were lost. */
export type SendResult = "sent" | "waiting" | "down";

/** Frames that wait, and the way out. */
export interface TransmitBatch {
  /** Frames that wait for `send`. */
  readonly waiting: number;
  /** Frames that Linux took and would not have: lost, as on a cable. */
  readonly lost: number;
  /**
   * Queues one frame, or sends it; false when there is no room, and then nothing has changed.
   *
   * A frame that asks for an offload and is none that can have it goes as it is, or if it is too long is lost.
   */
  add(memory: Uint8Array, base: number, gather: PhysicalGather): boolean;
  /** Sends what waits. */
  send(): SendResult;
  /** Lets go of the memory that frames came from. */
  clear(): void;
}

class Batch implements TransmitBatch {
  readonly #linux: LinuxLibrary;
  readonly #descriptor: number;
  readonly #leaveChecksum: LeaveChecksum;
  readonly #slots: Uint8Array;
  readonly #units: MemoryUnits;
  readonly #vectors = new DataView(new ArrayBuffer(BATCH_SLOTS * VECTOR_BYTES));
  readonly #messages = new DataView(new ArrayBuffer(BATCH_SLOTS * MESSAGE_BYTES));
  readonly #messagesAt: number;
  /** A long frame and its message. */
  readonly #long: LongFrame;
  readonly #message = new DataView(new ArrayBuffer(MESSAGE_BYTES));
  readonly #messageAt: number;
  #first = 0;
  #end = 0;
  #lost = 0;

  constructor(linux: LinuxLibrary, descriptor: number, frameBytes: number) {
    this.#linux = linux;
    this.#descriptor = descriptor;
    this.#leaveChecksum = makeChecksumLeaver(frameBytes);
    this.#long = makeLongFrame(linux, frameBytes);
    const memory = makePhysicalMemory((BATCH_SLOTS * SLOT_BYTES) / FRAME_BYTES);
    this.#slots = memory.bytes;
    this.#units = makeMemoryUnits(memory);
    const addressOf = ({ buffer }: DataView): number => linux.address(new Uint8Array(buffer));
    const vectorsAt = addressOf(this.#vectors);
    const slotsAt = linux.address(this.#slots);
    this.#messagesAt = addressOf(this.#messages);
    this.#messageAt = addressOf(this.#message);
    for (let i = 0; i < BATCH_SLOTS; i++) {
      setVector(this.#vectors, i, slotsAt + i * SLOT_BYTES, 0);
      setAddress(this.#messages, i * MESSAGE_BYTES + VECTOR_AT, vectorsAt + i * VECTOR_BYTES);
      setAddress(this.#messages, i * MESSAGE_BYTES + COUNT_AT, 1);
    }
    setAddress(this.#message, VECTOR_AT, this.#long.vectorAt);
  }

  get waiting(): number {
    return this.#end - this.#first;
  }

  get lost(): number {
    return this.#lost;
  }

  add(memory: Uint8Array, base: number, gather: PhysicalGather): boolean {
    return gather.length <= SHORT_BYTES && gather.segmentBytes === 0
      ? this.#addShort(memory, gather)
      : this.#sendLong(memory, base, gather);
  }

  send(): SendResult {
    while (this.#first < this.#end) {
      const sent = this.#linux.sendmmsg(
        this.#descriptor,
        this.#messagesAt + this.#first * MESSAGE_BYTES,
        this.#end - this.#first,
      );
      if (sent > 0) this.#first += sent;
      else {
        const refused = this.#refused();
        if (refused !== "sent") return refused;
      }
    }
    this.#first = this.#end = 0;
    return "sent";
  }

  clear(): void {
    this.#units.clear();
  }

  /** The first frame that waits was refused: it is lost and the next may be tried (`sent`), or it waits, or all are lost. */
  #refused(): SendResult {
    const number = this.#linux.errorNumber();
    if (isFull(number)) return "waiting";
    const isDown = number === LINUX_ERROR.networkDown || number === LINUX_ERROR.noDevice;
    const lost = isDown ? this.#end - this.#first : 1;
    this.#lost += lost;
    this.#first += lost;
    if (!isDown) return "sent";
    this.#first = this.#end = 0;
    return "down";
  }

  #addShort(memory: Uint8Array, gather: PhysicalGather): boolean {
    if (this.#end === BATCH_SLOTS) return false;
    const at = this.#end * SLOT_BYTES;
    const slots = this.#slots;
    const frame = at + VIRTIO_BYTES;
    clearHeader(slots, at);
    const length = this.#units.gather(memory, gather, frame);
    if (gather.checksum) this.#leaveChecksum(slots, at, length, length, 0);
    this.#vectors.setUint32(this.#end * VECTOR_BYTES + 8, VIRTIO_BYTES + length, true);
    this.#end += 1;
    return true;
  }

  #sendLong(memory: Uint8Array, base: number, gather: PhysicalGather): boolean {
    if (this.#first < this.#end && this.send() === "waiting") return false;
    const pieces = this.#long.gather(memory, base, gather);
    setAddress(this.#message, COUNT_AT, pieces);
    if (pieces > 0 && this.#linux.sendmmsg(this.#descriptor, this.#messageAt, 1) > 0) return true;
    if (pieces > 0 && isFull(this.#linux.errorNumber())) return false;
    this.#lost += 1;
    return true;
  }
}

/** Only a full queue refuses a frame for a while; what the other end will not have is lost, as on a cable. */
const isFull = (number: number): boolean =>
  number === LINUX_ERROR.again || number === LINUX_ERROR.noBuffers || number === LINUX_ERROR.interrupted;

/** An empty batch for a packet socket; frames longer than `frameBytes` need to be cut. */
export const makeTransmitBatch = (
  linux: LinuxLibrary,
  descriptor: number,
  frameBytes: number,
): TransmitBatch => new Batch(linux, descriptor, frameBytes);
