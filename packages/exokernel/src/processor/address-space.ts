/** Address-space ids: few, handed out as environments run, and taken back without notice (SOSP'95 section 3.3). */
import type { TranslationBuffer } from "@exolith/hw-model";
import { ADDRESS_SPACE_IDS } from "../abi/limits.ts";
import type { Environment } from "../environment/environment.ts";

/** The ids of a processor. */
export interface AddressSpaces {
  /** Who has each id. */
  readonly holders: (Environment | undefined)[];
  /** When each was used last, in switches. */
  readonly used: Float64Array;
  switches: number;
  /** Tagged with ids. */
  readonly buffer: TranslationBuffer;
}

/** All ids free. */
export const makeAddressSpaces = (buffer: TranslationBuffer): AddressSpaces => ({
  buffer,
  holders: new Array<Environment | undefined>(ADDRESS_SPACE_IDS).fill(undefined),
  used: new Float64Array(ADDRESS_SPACE_IDS),
  switches: 0,
});

/**
 * Gives `environment` an id for as long as it runs.
 *
 * Without a free one it takes the one used longest ago: there is no state in
 * an id that its holder could miss, as what is flushed with it comes back from its page table, so nobody is asked. One that has ended while
 * others ran on its stack gets none. O(ids) at worst.
 */
export function switchTo(spaces: AddressSpaces, environment: Environment): void {
  if (!environment.alive) return;
  spaces.switches += 1;
  if (environment.asid < 0) environment.asid = takeId(spaces, environment);
  spaces.used[environment.asid] = spaces.switches;
}

function takeId({ holders, used, buffer }: AddressSpaces, environment: Environment): number {
  let oldest = 0;
  for (let id = 0; id < holders.length; id++) {
    if (holders[id] === undefined) {
      oldest = id;
      break;
    }
    if ((used[id] ?? 0) < (used[oldest] ?? 0)) oldest = id;
  }
  const before = holders[oldest];
  if (before !== undefined) {
    before.asid = -1;
    buffer.flush(oldest);
  }
  holders[oldest] = environment;
  return oldest;
}

/** Frees the id of an environment that ends. */
export function releaseAddressSpace({ holders }: AddressSpaces, environment: Environment): void {
  if (environment.asid >= 0) holders[environment.asid] = undefined;
  environment.asid = -1;
}
