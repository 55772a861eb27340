/** Calls on the machine's small devices: console, random, display. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId } from "../ids.ts";
import type { DisplayPort } from "../display.ts";
import type { Window } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/** Console, random device, displays. */
export interface DeviceCalls {
  /**
   * Writes to the console; returns how many bytes were taken. **Needs** `write` over the console's name.
   *
   * @param window where from
   * @param at byte offset in it
   * @param length bytes
   * @param slot slot with `write` over the console
   *
   * **Fails** `BadWindow`: the window is dead or not the caller's.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  consoleWrite(
    window: Window,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<number, "BadWindow" | "BadRange" | "BadSlot" | "BadCapability">;
  /**
   * Fills memory with random bytes.
   *
   * @param window where to
   * @param at byte offset in it
   * @param length bytes
   *
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   */
  randomFill(window: Window, at: number, length: number): Sys<undefined, "BadWindow" | "BadRange">;
  /**
   * Sets the owner tag of `count` tiles of display `display` from `first`, to nobody when `environment` is absent.
   *
   * The hardware compares the tag at every write, so drawing needs no call.
   * **Needs** `allocate` over the display's name.
   *
   * @param display display, by index
   * @param first first tile
   * @param count tiles, at least 1
   * @param environment owner
   * @param slot slot with `allocate` over the display
   *
   * **Fails** `NoDevice`: no such display.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  tilesTag(
    display: number,
    first: number,
    count: number,
    environment: EnvId | undefined,
    slot: CapSlot,
  ): Sys<undefined, "NoDevice" | "BadRange" | "BadEnvironment" | "BadSlot" | "BadCapability">;
  /**
   * The caller's port to a display: writes to tiles tagged with the caller take effect, others are ignored.
   *
   * @param display display, by index
   *
   * **Fails** `NoDevice`: no such display.
   */
  displayPort(display: number): Sys<DisplayPort, "NoDevice">;
}

/** Their rows. */
export const DEVICE_CALLS: CallRows<DeviceCalls> = {
  consoleWrite: row(0x70, "i32 i32 i32 i32->i32", "slot", "long", [
    "BadWindow",
    "BadRange",
    "BadSlot",
    "BadCapability",
  ]),
  randomFill: row(0x71, "i32 i32 i32->i32", "self", "long", ["BadWindow", "BadRange"]),
  tilesTag: row(0x78, "i32 i32 i32 i32 i32->i32", "slot", "long", [
    "NoDevice",
    "BadRange",
    "BadEnvironment",
    "BadSlot",
    "BadCapability",
  ]),
  displayPort: row(0x79, "i32->i32", "self", "long", ["NoDevice"]),
};
