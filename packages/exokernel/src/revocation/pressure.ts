/** Memory pressure: whom the kernel asks for frames when too few are free. */
import { RESOURCE_KINDS } from "../abi/resources.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { framesBeingSaved } from "./backing.ts";
import { openDemand } from "./demand.ts";
import { stillWanted } from "./holdings.ts";
import type { RevocationTotals } from "./revocation-state.ts";

/** Frames that one request of the kernel's own asks for at most. */
const ASK_FRAMES = 16;

/** Frames that are short, beyond those that are asked for or being saved. O(demands). */
function shortage(kernel: Kernel): number {
  const { frames, reserveFrames, revocations } = kernel;
  let short = reserveFrames - frames.free;
  if (short <= 0) return 0;
  short -= framesBeingSaved(kernel);
  for (const environment of revocations.open) short -= stillWanted(kernel, environment, RESOURCE_KINDS.frame);
  return short;
}

/** Frames that an environment can be asked for now: none of one that is being asked, or that has no code to hear it. */
const askable = (environment: Environment | undefined): number => {
  if (environment?.upcalls === undefined || environment.revocation.wanted[RESOURCE_KINDS.frame] !== 0)
    return 0;
  return environment.frames - environment.revocation.guaranteed;
};

/** Frames that could be asked for of anybody. O(environments). */
function askableFrames({ environments: { rows } }: Kernel): number {
  let sum = 0;
  for (let row = 0; row < rows.length; row++) sum += askable(rows[row]);
  return sum;
}

/** True when the next step will ask somebody. O(environments) when frames are short. */
export const isPressed = (kernel: Kernel): boolean => shortage(kernel) > 0 && askableFrames(kernel) > 0;

/**
 * Asks one environment for what is short; true if there was one to ask.
 *
 * It is whoever holds the frame that chance picks of all that could be asked
 * for, so the demand is in proportion to the holdings. O(environments).
 */
export function askForFrames(kernel: Kernel): boolean {
  const short = shortage(kernel);
  if (short <= 0) return false;
  let pick = Math.floor(draw(kernel.revocations) * askableFrames(kernel));
  for (const environment of kernel.environments.rows) {
    const held = askable(environment);
    if (environment !== undefined && pick < held) {
      openDemand(kernel, environment, RESOURCE_KINDS.frame, Math.min(short, ASK_FRAMES, held));
      return true;
    }
    pick -= held;
  }
  return false;
}

/** A number from 0 to below 1: xorshift with 32 bits of state (Marsaglia 2003, 13-17-5). */
function draw(totals: RevocationTotals): number {
  let x = totals.seed;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  totals.seed = x >>> 0;
  return totals.seed / 2 ** 32;
}
