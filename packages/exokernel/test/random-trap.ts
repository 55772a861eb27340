/** Traps: what random arguments and programs throw, so that it is told from what must not be thrown. */

/** Thrown by a trap; the fault of whoever runs into it. */
export class Trap extends Error {}

/** Runs into a trap. */
export const trap = (): never => {
  throw new Trap("a trap");
};

const DEAD = "the environment of this gate is dead";

/** True for what a call may throw at its caller: the caller's own trap, or that the caller is dead. */
export const isExpected = (reason: unknown): boolean =>
  reason instanceof Trap || (reason instanceof Error && reason.message === DEAD);
