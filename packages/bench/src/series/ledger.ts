/** A machine whose every charge is counted, and on which some of our kernel's crossings do not exist. */
import type { CostName, Machine, Meter, SimulatedMachine } from "@exolith/hw-model";

/** Crossings and checks of an exokernel that a kernel which is all in one does not make. */
export const EXOKERNEL_ONLY: ReadonlySet<CostName> = new Set<CostName>([
  "gateCall",
  "gateStack",
  "batchedCall",
  "transfer",
  "upcall",
  "environmentSwitch",
  "capabilityCheck",
  "classify",
]);

/** None: on an exokernel. */
export const NOTHING: ReadonlySet<CostName> = new Set<CostName>();

/** What was charged on a machine. */
export interface Ledger {
  /** Cycles in all: the rest of the clock was idle. */
  readonly cycles: number;
  /** Units of one cost. */
  units(cost: CostName): number;
}

/** A machine and its ledger. */
export interface Counted {
  readonly machine: Machine;
  readonly ledger: Ledger;
}

/** The same machine with a meter that counts what it charges, and that charges nothing of what is in `absent`. */
export function counted(machine: SimulatedMachine, absent: ReadonlySet<CostName>): Counted {
  const figures = machine.profile.cycles;
  const units = new Map<CostName, number>();
  let cycles = 0;
  const meter: Meter = {
    charge: (cost, count) => {
      if (absent.has(cost)) return;
      machine.meter.charge(cost, count);
      units.set(cost, (units.get(cost) ?? 0) + count);
      cycles += figures[cost] * count;
    },
  };
  return {
    machine: { ...machine, meter },
    ledger: {
      get cycles(): number {
        return cycles;
      },
      units: (cost) => units.get(cost) ?? 0,
    },
  };
}
