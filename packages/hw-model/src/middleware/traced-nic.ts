/** An interface that shows every frame that crosses it. */
import { copyGather } from "../simulated/frame-slots.ts";
import type { Nic } from "../nic.ts";
import type { Cycles } from "../units.ts";

/** One frame as a trace sees it. */
export interface TracedFrame {
  /** `in`: handed to the machine. `out`: accepted for transmission. */
  direction: "in" | "out";
  /** The time of the machine that the interface is in. */
  now: Cycles;
  /** The frame is `bytes[at … at+length-1]`; valid during the call only. */
  bytes: Uint8Array;
  at: number;
  length: number;
}

/** Where traced frames go. */
export interface FrameSink {
  /** Takes note of one frame; the record and its bytes are reused. O(bytes). */
  frame(traced: Readonly<TracedFrame>): void;
}

/** `nic` with every frame shown to `sink`, in the order in which the machine sees them. */
export function tracedNic(nic: Nic, sink: FrameSink): Nic {
  const scratch = new Uint8Array(nic.hardware.frameBytes);
  const record: TracedFrame = { direction: "in", now: 0 as Cycles, bytes: scratch, at: 0, length: 0 };
  const show = (
    direction: "in" | "out",
    now: Cycles,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void => {
    record.direction = direction;
    record.now = now;
    record.bytes = bytes;
    record.at = at;
    record.length = length;
    sink.frame(record);
  };
  const receive = (now: Cycles, memory: Uint8Array, at: number): number => {
    const length = nic.receive(now, memory, at);
    if (length > 0) show("in", now, memory, at, length);
    return length;
  };
  const transmit: Nic["transmit"] = (now, memory, gather) => {
    if (!nic.transmit(now, memory, gather)) return false;
    show("out", now, scratch, 0, copyGather(memory, gather, scratch, 0));
    return true;
  };
  return {
    hardware: nic.hardware,
    counters: nic.counters,
    receive,
    transmit,
    flush: (now) => nic.flush(now),
    wakeAt: (now) => nic.wakeAt(now),
  };
}
