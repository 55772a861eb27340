/** The window calls: bind a run of frames, break the binding. */
import { FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { Window } from "../abi/window.ts";
import { isIndex, isRun } from "../check.ts";
import { WINDOWS } from "../abi/limits.ts";
import type { Environment } from "../environment/environment.ts";
import { noteBreaker } from "../environment/upcall.ts";
import type { Kernel } from "../kernel.ts";
import { BoundWindow, type WindowBinding } from "./bound-window.ts";
import { authoriseFrames } from "./frame-calls.ts";

/** What `windowBind` is asked for. */
export interface WindowRequest {
  readonly first: unknown;
  readonly count: unknown;
  readonly writable: unknown;
  readonly slot: unknown;
}

/** Binds a window over a run of frames. O(count). */
export function windowBind(
  kernel: Kernel,
  caller: Environment,
  request: WindowRequest,
): Sys<Window, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full"> {
  const { first, count, slot } = request;
  const writable = request.writable === true;
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isRun(first, count, kernel.frames.count)) return ERRORS.BadRange;
  const run = { first, count: count as number };
  const refused = authoriseFrames(kernel, caller, {
    ...run,
    slot,
    rights: writable ? RIGHTS.write : RIGHTS.none,
  });
  if (refused !== undefined) return refused;
  if (kernel.windows.countOf(caller.row) >= WINDOWS) return ERRORS.Full;
  const binding: WindowBinding = { ...run, writable, owner: caller.row };
  const { memory, meter } = kernel.machine;
  const window = new BoundWindow(memory, run.first * FRAME_BYTES, run.count * FRAME_BYTES, binding, meter);
  kernel.windows.add(window, binding);
  countBinding(kernel, binding, 1);
  return window;
}

/** Breaks one binding. The owner only. */
export function windowUnbind(
  kernel: Kernel,
  caller: Environment,
  window: unknown,
): Sys<undefined, "BadWindow"> {
  const binding = ownBinding(caller, window);
  if (binding === undefined) return ERRORS.BadWindow;
  breakWindow(kernel, window as BoundWindow, binding);
  return undefined;
}

/**
 * The binding of `window` if it is alive and `caller`'s, else `undefined`. O(1).
 *
 * Nothing is the dead's: a getter among the arguments may have ended the caller,
 * and somebody else may have its row.
 */
export function ownBinding(caller: Environment, window: unknown): WindowBinding | undefined {
  if (!caller.alive || !BoundWindow.isBound(window)) return undefined;
  const binding = BoundWindow.bindingOf(window);
  return binding !== undefined && binding.owner === caller.row ? binding : undefined;
}

/** The same as `rangeAt`, of at least one byte. O(1). */
export function reach(
  caller: Environment,
  isWritten: boolean,
  window: unknown,
  at: unknown,
  length: unknown,
): Sys<number, "BadWindow" | "BadRange"> {
  const address = rangeAt(caller, isWritten, window, at, length);
  return typeof address === "number" && length === 0 ? ERRORS.BadRange : address;
}

/** The physical address of `length` bytes, which may be none, at `at` in a window of `caller`'s that may be written if `isWritten`. O(1). */
export function rangeAt(
  caller: Environment,
  isWritten: boolean,
  window: unknown,
  at: unknown,
  length: unknown,
): Sys<number, "BadWindow" | "BadRange"> {
  const binding = ownBinding(caller, window);
  if (binding === undefined || (isWritten && !binding.writable)) return ERRORS.BadWindow;
  const size = binding.count * FRAME_BYTES;
  if (!isIndex(at, size + 1) || !isIndex(length, size + 1) || at + length > size) return ERRORS.BadRange;
  return BoundWindow.addressOf(window as BoundWindow) + at;
}

/** Breaks every window that covers a frame from `first` up to `end`. O(windows near them) when one does. */
export function breakWindowsOn(kernel: Kernel, first: number, end: number): void {
  let bound = 0;
  for (let f = first; f < end; f++) bound += kernel.frames.bindings[f] ?? 0;
  if (bound === 0) return;
  for (const window of kernel.windows.near(first, end)) {
    const binding = BoundWindow.bindingOf(window);
    if (binding !== undefined && binding.first < end && binding.first + binding.count > first)
      breakWindow(kernel, window, binding);
  }
}

/** Breaks every window of one environment. O(its windows). */
export function breakWindowsOf(kernel: Kernel, owner: Environment): void {
  for (const window of kernel.windows.of(owner.row)) {
    const binding = BoundWindow.bindingOf(window);
    if (binding !== undefined) breakWindow(kernel, window, binding);
  }
}

function breakWindow(kernel: Kernel, window: BoundWindow, binding: WindowBinding): void {
  noteBreaker(kernel, kernel.environments.rows[binding.owner]);
  BoundWindow.break(window);
  kernel.windows.remove(window, binding);
  countBinding(kernel, binding, -1);
}

function countBinding(kernel: Kernel, binding: WindowBinding, delta: 1 | -1): void {
  const { bindings } = kernel.frames;
  for (let f = binding.first; f < binding.first + binding.count; f++)
    bindings[f] = (bindings[f] ?? 0) + delta;
}
