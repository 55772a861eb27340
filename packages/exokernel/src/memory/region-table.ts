/** Software regions: parts of a frame that are touched by calls only (SOSP'97 section 3.3). */
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { RegionId } from "../abi/ids.ts";
import type { Guard } from "../capability/guard.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** One region. */
export interface RegionRow {
  readonly owner: Environment;
  guard: Guard;
  readonly frame: number;
  readonly at: number;
  readonly length: number;
}

/** What `regionCreate` is asked for. */
export interface RegionRequest {
  readonly frame: unknown;
  readonly at: unknown;
  readonly length: unknown;
  readonly slot: unknown;
}

/** Makes a region. */
export const regionCreate = (
  _kernel: Kernel,
  _caller: Environment,
  _request: RegionRequest,
): Sys<RegionId, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full"> => ERRORS.BadFrame;

/** Ends a region. */
export const regionDestroy = (
  _kernel: Kernel,
  _caller: Environment,
  _id: unknown,
  _slot: unknown,
): Sys<undefined, "BadRegion" | "BadSlot" | "BadCapability"> => ERRORS.BadRegion;

/** A move of bytes between a region and memory. */
export interface RegionAccess {
  readonly kind: "read" | "write";
  readonly region: unknown;
  readonly move: unknown;
  readonly slot: unknown;
}

/** Moves bytes between a region and memory. */
export const regionMove = (
  _kernel: Kernel,
  _caller: Environment,
  _access: RegionAccess,
): Sys<undefined, "BadRegion" | "BadWindow" | "BadRange" | "BadSlot" | "BadCapability"> => ERRORS.BadRegion;

/** Ends the region in a row. */
export function releaseRegion(_kernel: Kernel, _row: number): void {}

/** Ends every region on frames from `first` up to `end`. */
export function releaseRegionsOn(_kernel: Kernel, _first: number, _end: number): void {}
