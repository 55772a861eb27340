/** Displays: tags are set by call, pixels are not (SOSP'95 section 3.2). */
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { DisplayPort } from "../abi/display.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** What `tilesTag` is asked for. */
export interface TagRequest {
  readonly display: unknown;
  readonly first: unknown;
  readonly count: unknown;
  readonly environment: unknown;
  readonly slot: unknown;
}

/** Sets the owner tag of a run of tiles. */
export const tilesTag = (
  _kernel: Kernel,
  _caller: Environment,
  _request: TagRequest,
): Sys<undefined, "NoDevice" | "BadRange" | "BadEnvironment" | "BadSlot" | "BadCapability"> =>
  ERRORS.NoDevice;

/** The caller's port to a display. */
export const displayPort = (
  _kernel: Kernel,
  _caller: Environment,
  _display: unknown,
): Sys<DisplayPort, "NoDevice"> => ERRORS.NoDevice;

/** Takes every tag of an environment that ends off the displays. */
export function releaseTiles(_kernel: Kernel, _environment: Environment): void {}
