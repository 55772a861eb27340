/** The console and the random device, reached through the caller's windows. */
import { RIGHTS } from "@exolith/secure-bind";
import type { Sys } from "../abi/errors.ts";
import { authorise } from "../capability/authority.ts";
import { deviceGuard } from "../capability/guard.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { rangeAt } from "../memory/window-calls.ts";

/** A range of one of the caller's windows. */
export interface MemoryRange {
  readonly window: unknown;
  readonly at: unknown;
  readonly length: unknown;
}

/** Writes a range of memory to the console; how many bytes were taken. O(length). */
export function consoleWrite(
  kernel: Kernel,
  caller: Environment,
  range: MemoryRange,
  slot: unknown,
): Sys<number, "BadWindow" | "BadRange" | "BadSlot" | "BadCapability"> {
  const refused = authorise(kernel, caller, slot, deviceGuard("console", 0), RIGHTS.write);
  if (refused !== undefined) return refused;
  const address = rangeAt(caller, false, range.window, range.at, range.length);
  if (typeof address !== "number") return address;
  kernel.machine.meter.charge("copyByte", range.length as number);
  return kernel.machine.console.write(kernel.machine.memory.bytes, address, range.length as number);
}

/** Fills a range of memory with random bytes. O(length). */
export function randomFill(
  kernel: Kernel,
  caller: Environment,
  range: MemoryRange,
): Sys<undefined, "BadWindow" | "BadRange"> {
  const address = rangeAt(caller, true, range.window, range.at, range.length);
  if (typeof address !== "number") return address;
  kernel.machine.meter.charge("touchByte", range.length as number);
  kernel.machine.random.fill(kernel.machine.memory.bytes, address, range.length as number);
  return undefined;
}
