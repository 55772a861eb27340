/** Displays: tags are set by call, pixels are not (SOSP'95 section 3.2). */
import type { FrameBuffer } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { DisplayPort } from "../abi/display.ts";
import { authorise } from "../capability/authority.ts";
import { deviceGuard } from "../capability/guard.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { OwnedPort } from "./owned-port.ts";

/** What `tilesTag` is asked for. */
export interface TagRequest {
  readonly display: unknown;
  readonly first: unknown;
  readonly count: unknown;
  readonly environment: unknown;
  readonly slot: unknown;
}

/** Sets the owner tag of a run of tiles. O(count). */
export function tilesTag(
  kernel: Kernel,
  caller: Environment,
  request: TagRequest,
): Sys<undefined, "NoDevice" | "BadRange" | "BadEnvironment" | "BadSlot" | "BadCapability"> {
  const { first, count } = request;
  const display = displayAt(kernel, request.display);
  if (display === undefined) return ERRORS.NoDevice;
  const guard = deviceGuard("display", request.display as number);
  const refused = authorise(kernel, caller, request.slot, guard, RIGHTS.allocate);
  if (refused !== undefined) return refused;
  if (!isRun(first, count, tilesOf(display))) return ERRORS.BadRange;
  const owner = ownerOf(kernel, request.environment);
  if (owner < 0) return ERRORS.BadEnvironment;
  const end = (first as number) + (count as number);
  for (let tile = first as number; tile < end; tile++) display.tag(tile, owner);
  return undefined;
}

const displayAt = ({ machine: { displays } }: Kernel, index: unknown): FrameBuffer | undefined =>
  isIndex(index, displays.length) ? displays[index] : undefined;

const tilesOf = ({ hardware: { width, height, tile } }: FrameBuffer): number =>
  Math.ceil(width / tile) * Math.ceil(height / tile);

/** The tag for an environment, 0 for nobody; -1 when there is no such environment. */
const ownerOf = (kernel: Kernel, id: unknown): number =>
  id === undefined ? 0 : (rowFor(kernel.environments, id)?.id ?? -1);

/** The caller's port to a display. */
export function displayPort(
  kernel: Kernel,
  caller: Environment,
  index: unknown,
): Sys<DisplayPort, "NoDevice"> {
  const display = displayAt(kernel, index);
  return display === undefined ? ERRORS.NoDevice : new OwnedPort(display, caller.id, kernel.machine.meter);
}

/** Takes every tag of an environment that ends off the displays. O(tiles). */
export function releaseTiles({ machine: { displays } }: Kernel, environment: Environment): void {
  for (const display of displays)
    for (let tile = tilesOf(display) - 1; tile >= 0; tile--)
      if (display.owner(tile) === environment.id) display.tag(tile, 0);
}
