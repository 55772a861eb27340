/** The simulated processor: a unit of fuel is an instruction, and takes what one takes. */
import type { SimulatedClock } from "./clock.ts";
import type { CostProfile } from "../costs.ts";
import { FUEL_GRANT, type Processor } from "../processor.ts";
import type { Cycles } from "../units.ts";

/** A processor that is interrupted at the deadline, to the instruction. */
export function makeSimulatedProcessor(clock: SimulatedClock, profile: CostProfile): Processor {
  const { instruction } = profile.cycles;
  return Object.freeze({
    hardware: Object.freeze({ countsFuel: true }),
    grant: (deadline: number) =>
      Math.max(0, Math.min(FUEL_GRANT, Math.floor((deadline - clock.now()) / instruction))),
    wait: (until: Cycles) => clock.advance(until),
    interrupts: (deadline: number) => clock.now() >= deadline,
  });
}
