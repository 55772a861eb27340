/** Application-level scheduling: an environment that owns slices decides who runs in each. */
import {
  NEVER,
  cycles,
  failed,
  rowOf,
  type Cycles,
  type EnvId,
  type Gate,
  type Upcalls,
} from "@exolith/exokernel/abi";

/** Who gets the slices of a scheduler. */
export interface Policy {
  /** Who gets the slice that begins at `now`, and is charged for it; `undefined` when nobody can use it. */
  next(now: Cycles): EnvId | undefined;
  /** When to look again, after `next` found nobody: `soon`, unless it is known that until later nobody can. */
  wakeAt(soon: Cycles): Cycles;
  /** Everybody who takes part. */
  members(): readonly EnvId[];
  /** Takes an environment out for good. */
  leave(environment: EnvId): void;
}

/** True for an environment that would run now. */
export type IsReady = (environment: EnvId) => boolean;

const isAlive = ({ environments }: Gate, environment: EnvId): boolean =>
  environments.id(rowOf(environment)) === environment;

/** Reads from the published table whether an environment lives and is not asleep: no kernel call. */
export const readiness =
  (gate: Gate): IsReady =>
  (environment) =>
    gate.environments.runnable(rowOf(environment)) === 1 && isAlive(gate, environment);

/**
 * The entry points of a scheduler: each slice of the environment goes to whom `policy` names.
 *
 * Without privilege: the environment owns its slices, and gives them away by
 * directed yield. When nobody is ready it sleeps, and looks again a quantum
 * later or when the policy says, or at an event of its own; whoever is dead by
 * then is taken out.
 */
export function scheduleSlices(gate: Gate, policy: Policy): Upcalls {
  const row = rowOf(gate.self);
  const sliceBegin = (): void => {
    const seen = gate.environments.events(row);
    const now = gate.clock.now();
    for (let chosen = policy.next(now); chosen !== undefined; chosen = policy.next(now)) {
      if (!failed(gate.yieldTo(chosen))) return;
      policy.leave(chosen);
    }
    for (const member of policy.members()) if (!isAlive(gate, member)) policy.leave(member);
    const isEmpty = policy.members().length === 0;
    gate.sleep(seen, isEmpty ? NEVER : policy.wakeAt(cycles(now + gate.slices.quantum())));
  };
  return { sliceBegin };
}
