/** Calls on environments. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId } from "../ids.ts";
import type { Program } from "../upcalls.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/** Environments: the unit of protection and of accounting. */
export interface EnvironmentCalls {
  /**
   * Creates an environment that runs `program`, guarded by `slot`'s capability and holding a copy of it in its slot 0.
   *
   * **Needs** `allocate` in `slot`'s capability.
   */
  environmentCreate(
    program: Program,
    slot: CapSlot,
  ): Sys<EnvId, "BadSlot" | "BadCapability" | "BadProgram" | "Full">;
  /** Ends an environment and frees exactly what it holds. **Needs** `write` over its guard. */
  environmentDestroy(
    environment: EnvId,
    slot: CapSlot,
  ): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability">;
}

/** Their rows. */
export const ENVIRONMENT_CALLS: CallRows<EnvironmentCalls> = {
  environmentCreate: {
    number: 0x18,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["code to start", "slot that will guard it"],
    fails: {
      BadSlot: WHEN.slot,
      BadCapability: "the slot's capability lacks `allocate`",
      BadProgram: "it is no function, threw, ended its environment, or returned no entry for slices",
      Full: "`ENVIRONMENTS` are alive",
    },
  },
  environmentDestroy: {
    number: 0x19,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["environment to end", "slot with `write` over it"],
    fails: { BadEnvironment: WHEN.environment, BadSlot: WHEN.slot, BadCapability: WHEN.capability },
  },
};
