/** Why a program was stopped, in the numbers of faults. */
import { STOP_CAUSE, type StopCause } from "@exolith/secure-bind";
import { FAULT_CAUSES, type FaultCause } from "../abi/upcalls.ts";
import { isMadeBy, isStackOverflow } from "../panic.ts";

/** Thrown through a program to stop it. */
export class ProgramFault extends Error {
  readonly faultCause: FaultCause;

  constructor(cause: FaultCause) {
    super("the program is stopped");
    this.faultCause = cause;
  }
}

const CAUSES: { readonly [C in StopCause]?: FaultCause } = {
  [STOP_CAUSE.fuel]: FAULT_CAUSES.fuel,
  [STOP_CAUSE.stack]: FAULT_CAUSES.stack,
  [STOP_CAUSE.memory]: FAULT_CAUSES.access,
};

/** What engines say when a program traps by itself: their texts are all that tells one trap from another. */
const TRAPS: readonly (readonly [RegExp, FaultCause])[] = [
  [/divi(de|sion)|remainder|integer overflow/i, FAULT_CAUSES.division],
  [/unreachable/i, FAULT_CAUSES.unreachable],
];

/** The cause of a stop; `isOutside` when what was thrown came from a function that the program called. */
export function faultCauseOf(cause: StopCause, thrown: unknown, isOutside: boolean): FaultCause {
  if (isMadeBy(thrown, ProgramFault)) return (thrown as ProgramFault).faultCause;
  if (isStackOverflow(thrown)) return FAULT_CAUSES.stack;
  if (isOutside) return FAULT_CAUSES.thrown;
  return CAUSES[cause] ?? trapOf(thrown);
}

function trapOf(thrown: unknown): FaultCause {
  const text = thrown instanceof Error ? thrown.message : "";
  return TRAPS.find(([says]) => says.test(text))?.[1] ?? FAULT_CAUSES.trap;
}
