/** An interface that shows every frame that crosses it. */
import type { Nic, PhysicalGather } from "../nic.ts";
import { makeOffloadEngine } from "../offload/offload-engine.ts";
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

/**
 * `nic` with every frame shown to `sink`, in the order in which the machine sees them.
 *
 * What is left to the interface is shown done: the frames of a super-segment, and checksums.
 */
export function tracedNic(nic: Nic, sink: FrameSink): Nic {
  const engine = makeOffloadEngine(nic.hardware.frameBytes);
  const record: TracedFrame = { direction: "in", now: 0 as Cycles, bytes: engine.frame, at: 0, length: 0 };
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
  const showSent = (now: Cycles, memory: Uint8Array, gather: PhysicalGather): void => {
    engine.take(memory, gather);
    for (let length = engine.next(); length > 0; length = engine.next())
      show("out", now, engine.frame, 0, length);
  };
  const transmit: Nic["transmit"] = (clock, memory, gather) => {
    if (!nic.transmit(clock, memory, gather)) return false;
    showSent(clock.now(), memory, gather);
    return true;
  };
  return {
    hardware: nic.hardware,
    counters: nic.counters,
    arrival: nic.arrival,
    receive,
    transmit,
    flush: (now) => nic.flush(now),
    wakeAt: (now) => nic.wakeAt(now),
  };
}
