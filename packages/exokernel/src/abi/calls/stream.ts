/** Calls on byte streams of stream devices. */
import type { Sys } from "../errors.ts";
import type { CapSlot, StreamId } from "../ids.ts";
import type { Window } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/** Streams: accepted from a device, then used by their owner alone. */
export interface StreamCalls {
  /**
   * Takes the next stream that was opened from outside; `Empty` when none waits. **Needs** dominance over the device's name.
   *
   * @param device stream device, by index
   * @param slot slot that dominates its guard
   *
   * **Fails** `NoDevice`: no such device.
   * **Fails** `Empty`: no stream waits.
   * **Fails** `Full`: `STREAMS` are bound.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  streamAccept(
    device: number,
    slot: CapSlot,
  ): Sys<StreamId, "NoDevice" | "Empty" | "Full" | "BadSlot" | "BadCapability">;
  /**
   * The next of the caller's streams whose state changed; `Empty` when none did. A use of a binding.
   *
   * **Fails** `Empty`: no stream of the caller's has changed.
   */
  streamNext(): Sys<StreamId, "Empty">;
  /**
   * Moves at most `length` bytes into memory; returns how many, 0 when none wait. The owner only.
   *
   * @param stream stream
   * @param window memory
   * @param at byte offset in it
   * @param length bytes at most
   *
   * **Fails** `BadStream`: no such stream, or not the caller's.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   */
  streamRead(
    stream: StreamId,
    window: Window,
    at: number,
    length: number,
  ): Sys<number, "BadStream" | "BadWindow" | "BadRange">;
  /**
   * Takes at most `length` bytes from memory; returns how many, 0 when there is no room. The owner only.
   *
   * @param stream stream
   * @param window memory
   * @param at byte offset in it
   * @param length bytes at most
   *
   * **Fails** `BadStream`: no such stream, or not the caller's.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   */
  streamWrite(
    stream: StreamId,
    window: Window,
    at: number,
    length: number,
  ): Sys<number, "BadStream" | "BadWindow" | "BadRange">;
  /**
   * Ends one direction of a stream, or closes or resets all of it. The owner only.
   *
   * @param stream stream
   * @param operation what to do
   *
   * **Fails** `BadStream`: no such stream, or not the caller's.
   * **Fails** `BadRange`: no such operation.
   */
  streamControl(
    stream: StreamId,
    operation: "end" | "close" | "reset",
  ): Sys<undefined, "BadStream" | "BadRange">;
}

/** Their rows. */
export const STREAM_CALLS: CallRows<StreamCalls> = {
  streamAccept: row(0x60, "i32 i32->i64", "slot", "long", [
    "NoDevice",
    "Empty",
    "Full",
    "BadSlot",
    "BadCapability",
  ]),
  streamNext: row(0x61, "->i64", "binding", "move", ["Empty"]),
  streamRead: row(0x62, "i64 i32 i32 i32->i32", "binding", "move", ["BadStream", "BadWindow", "BadRange"]),
  streamWrite: row(0x63, "i64 i32 i32 i32->i32", "binding", "move", ["BadStream", "BadWindow", "BadRange"]),
  streamControl: row(0x64, "i64 i32->i32", "binding", "long", ["BadStream", "BadRange"]),
};
