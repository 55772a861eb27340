/** Visible revocation: ask, deadline, abort (SOSP'95 sections 3.3 and 3.4). */
import type { Cycles } from "../abi/ids.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { dropSaves, submitSaves } from "./backing.ts";
import { attendDemands, demandAt, dropDemands } from "./demand.ts";
import { askForFrames, isPressed } from "./pressure.ts";

/** Asks when frames run short, delivers requests, aborts what is overdue, and has frames saved; true if there was any of it to do. */
export function revoke(kernel: Kernel): boolean {
  const { revocations } = kernel;
  const asks = askForFrames(kernel);
  const attended = revocations.open.size > 0 && attendDemands(kernel);
  const saves = revocations.queued.length > 0 && submitSaves(kernel);
  return asks || attended || saves;
}

/** When the next demand is to be made, or falls due. O(environments). */
export const revocationAt = (kernel: Kernel): Cycles =>
  isPressed(kernel) ? kernel.machine.clock.now() : demandAt(kernel);

/** Forgets what is wanted of an environment that ends, and what was to be saved for it. */
export function releaseRevocations(kernel: Kernel, environment: Environment): void {
  dropDemands(kernel, environment);
  dropSaves(kernel, environment);
  environment.revocation.backing = undefined;
  environment.revocation.backingLeft = 0;
}
