/** Calls on the machine's small devices: console, random, display. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId } from "../ids.ts";
import type { DisplayPort } from "../display.ts";
import type { Window } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/** Console, random device, displays. */
export interface DeviceCalls {
  /** Writes to the console; returns how many bytes were taken. **Needs** `write` over the console's name. */
  consoleWrite(
    window: Window,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<number, "BadWindow" | "BadRange" | "BadSlot" | "BadCapability">;
  /** Fills memory with random bytes. */
  randomFill(window: Window, at: number, length: number): Sys<undefined, "BadWindow" | "BadRange">;
  /**
   * Sets the owner tag of `count` tiles of display `display` from `first`, to nobody when `environment` is absent.
   *
   * The hardware compares the tag at every write, so drawing needs no call.
   * **Needs** `allocate` over the display's name.
   */
  tilesTag(
    display: number,
    first: number,
    count: number,
    environment: EnvId | undefined,
    slot: CapSlot,
  ): Sys<undefined, "NoDevice" | "BadRange" | "BadEnvironment" | "BadSlot" | "BadCapability">;
  /** The caller's port to a display: writes to tiles tagged with the caller take effect, others are ignored. */
  displayPort(display: number): Sys<DisplayPort, "NoDevice">;
}

/** Their rows. */
export const DEVICE_CALLS: CallRows<DeviceCalls> = {
  consoleWrite: {
    number: 0x70,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["where from", "byte offset in it", "bytes", "slot with `write` over the console"],
    fails: {
      BadWindow: "the window is dead or not the caller's",
      BadRange: WHEN.range,
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  randomFill: {
    number: 0x71,
    wasm: "i32 i32 i32->i32",
    credential: "self",
    path: "long",
    takes: ["where to", "byte offset in it", "bytes"],
    fails: { BadWindow: WHEN.window, BadRange: WHEN.range },
  },
  tilesTag: {
    number: 0x78,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [
      "display, by index",
      "first tile",
      "tiles, at least 1",
      "owner",
      "slot with `allocate` over the display",
    ],
    fails: {
      NoDevice: "no such display",
      BadRange: WHEN.range,
      BadEnvironment: WHEN.environment,
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  displayPort: {
    number: 0x79,
    wasm: "i32->i32",
    credential: "self",
    path: "long",
    takes: ["display, by index"],
    fails: { NoDevice: "no such display" },
  },
};
