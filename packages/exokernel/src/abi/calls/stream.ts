/** Calls on byte streams of stream devices. */
import type { Sys } from "../errors.ts";
import type { CapSlot, StreamId } from "../ids.ts";
import type { Window } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/** Streams: accepted from a device, then used by their owner alone. */
export interface StreamCalls {
  /** Takes the next stream that was opened from outside; `Empty` when none waits. **Needs** dominance over the device's name. */
  streamAccept(
    device: number,
    slot: CapSlot,
  ): Sys<StreamId, "NoDevice" | "Empty" | "Full" | "BadSlot" | "BadCapability">;
  /** The next of the caller's streams whose state changed; `Empty` when none did. A use of a binding. */
  streamNext(): Sys<StreamId, "Empty">;
  /** Moves at most `length` bytes into memory; returns how many, 0 when none wait. The owner only. */
  streamRead(
    stream: StreamId,
    window: Window,
    at: number,
    length: number,
  ): Sys<number, "BadStream" | "BadWindow" | "BadRange">;
  /** Takes at most `length` bytes from memory; returns how many, 0 when there is no room. The owner only. */
  streamWrite(
    stream: StreamId,
    window: Window,
    at: number,
    length: number,
  ): Sys<number, "BadStream" | "BadWindow" | "BadRange">;
  /** Ends one direction of a stream, or closes or resets all of it. The owner only. */
  streamControl(
    stream: StreamId,
    operation: "end" | "close" | "reset",
  ): Sys<undefined, "BadStream" | "BadRange">;
}

const move = ["stream", "memory", "byte offset in it", "bytes at most"];
const moveFails = {
  BadStream: "no such stream, or not the caller's",
  BadWindow: WHEN.window,
  BadRange: WHEN.range,
};

/** Their rows. */
export const STREAM_CALLS: CallRows<StreamCalls> = {
  streamAccept: {
    number: 0x60,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["stream device, by index", "slot that dominates its guard"],
    fails: {
      NoDevice: "no such device",
      Empty: "no stream waits",
      Full: "`STREAMS` are bound",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  streamNext: {
    number: 0x61,
    wasm: "->i32",
    credential: "binding",
    path: "move",
    takes: [],
    fails: { Empty: "no stream of the caller's has changed" },
  },
  streamRead: {
    number: 0x62,
    wasm: "i32 i32 i32 i32->i32",
    credential: "binding",
    path: "move",
    takes: move,
    fails: moveFails,
  },
  streamWrite: {
    number: 0x63,
    wasm: "i32 i32 i32 i32->i32",
    credential: "binding",
    path: "move",
    takes: move,
    fails: moveFails,
  },
  streamControl: {
    number: 0x64,
    wasm: "i32 i32->i32",
    credential: "binding",
    path: "long",
    takes: ["stream", "what to do"],
    fails: { BadStream: "no such stream, or not the caller's", BadRange: "no such operation" },
  },
};
