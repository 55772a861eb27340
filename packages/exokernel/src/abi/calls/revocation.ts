/** Calls on revocation. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, ExtentId } from "../ids.ts";
import type { ResourceKind } from "../resources.ts";
import { row, type CallRows } from "./call-row.ts";

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
   *
   * @param environment who is asked
   * @param kind kind of resource
   * @param count how many
   * @param slot slot with `write` over the environment
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadResource`: a kind that is not revocable.
   * **Fails** `BadRange`: no whole number of at least 1, or more than the environment holds.
   * **Fails** `Busy`: it is being asked for that kind already.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
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
   *
   * @param extent extent
   * @param block first block in it
   * @param count blocks
   * @param slot slot with `write` over the extent
   *
   * **Fails** `BadExtent`: no such extent, or one that is being taken back.
   * **Fails** `BadRange`: the blocks are outside the extent.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
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
  revocationAsk: row(0x58, "i32 i32 i32 i32->i32", "slot", "long", [
    "BadEnvironment",
    "BadResource",
    "BadRange",
    "Busy",
    "BadSlot",
    "BadCapability",
  ]),
  backingSet: row(0x59, "i64 i32 i32 i32->i32", "slot", "long", [
    "BadExtent",
    "BadRange",
    "BadSlot",
    "BadCapability",
  ]),
  repossessionsClear: row(0x5a, "->i32", "self", "short"),
};
