/** Calls on revocation. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, ExtentId } from "../ids.ts";
import type { ResourceKind } from "../resources.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/**
 * Visible revocation and the abort protocol (SOSP'95 sections 3.3 and 3.4).
 *
 * The kernel asks by the `revoke` upcall, by itself when frames run short. What
 * is not given back by the deadline is taken by force, noted in the environment's
 * repossession vector, and announced by the `repossessed` upcall.
 */
export interface RevocationCalls {
  /**
   * Asks an environment for `count` resources of `kind`.
   *
   * It hears of it between two slices, and has `REVOCATION_SECONDS` from then on.
   * **Needs** `write` over its guard.
   */
  revocationAsk(
    environment: EnvId,
    kind: ResourceKind,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadEnvironment" | "BadResource" | "BadRange" | "Busy" | "BadSlot" | "BadCapability">;
  /**
   * Names `count` blocks of an extent, from `block` on, where frames that are taken by force are saved, in order.
   *
   * Replaces what was named before; with a `count` of 0 there is none, and their
   * contents are lost. **Needs** `write` over the extent's guard.
   */
  backingSet(
    extent: ExtentId,
    block: number,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadSlot" | "BadCapability">;
  /** Empties the caller's repossession vector. */
  repossessionsClear(): undefined;
}

/** Their rows. */
export const REVOCATION_CALLS: CallRows<RevocationCalls> = {
  revocationAsk: {
    number: 0x58,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["who is asked", "kind of resource", "how many", "slot with `write` over the environment"],
    fails: {
      BadEnvironment: WHEN.environment,
      BadResource: "a kind that is not revocable",
      BadRange: "no whole number of at least 1, or more than the environment holds",
      Busy: "it is being asked for that kind already",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  backingSet: {
    number: 0x59,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["extent", "first block in it", "blocks", "slot with `write` over the extent"],
    fails: {
      BadExtent: "no such extent, or one that is being taken back",
      BadRange: "the blocks are outside the extent",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  repossessionsClear: {
    number: 0x5a,
    wasm: "->i32",
    credential: "self",
    path: "short",
    takes: [],
    fails: {},
  },
};
