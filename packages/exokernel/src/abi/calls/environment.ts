/** Calls on environments. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId } from "../ids.ts";
import type { Program } from "../upcalls.ts";
import { row, type CallRows } from "./call-row.ts";

/** Environments: the unit of protection and of accounting. */
export interface EnvironmentCalls {
  /**
   * Creates an environment that runs `program`, guarded by `slot`'s capability and holding a copy of it in its slot 0.
   *
   * **Needs** `allocate` in `slot`'s capability.
   *
   * @param program code to start
   * @param slot slot that will guard it
   *
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the slot's capability lacks `allocate`.
   * **Fails** `BadProgram`: it is no function, threw, ended its environment, or returned no entry for slices.
   * **Fails** `Full`: `ENVIRONMENTS` are alive.
   */
  environmentCreate(
    program: Program,
    slot: CapSlot,
  ): Sys<EnvId, "BadSlot" | "BadCapability" | "BadProgram" | "Full">;
  /**
   * Ends an environment and frees exactly what it holds. **Needs** `write` over its guard.
   *
   * What its handlers have used and no slice has paid for is the caller's to pay
   * from then on, unless it ends itself.
   *
   * @param environment environment to end
   * @param slot slot with `write` over it
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  environmentDestroy(
    environment: EnvId,
    slot: CapSlot,
  ): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability">;
}

/** Their rows. */
export const ENVIRONMENT_CALLS: CallRows<EnvironmentCalls> = {
  environmentCreate: row(0x18, "i32 i32->i32", "slot", "long", [
    "BadSlot",
    "BadCapability",
    "BadProgram",
    "Full",
  ]),
  environmentDestroy: row(0x19, "i32 i32->i32", "slot", "long", [
    "BadEnvironment",
    "BadSlot",
    "BadCapability",
  ]),
};
