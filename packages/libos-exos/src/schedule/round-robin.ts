/** Round robin: everybody who is ready, one slice each, in turn. */
import type { EnvId } from "@exolith/exokernel/abi";
import type { IsReady, Policy } from "./policy.ts";

/** A round-robin scheduler. */
export interface RoundRobin extends Policy {
  /** Lets an environment take turns, after all others; twice means two turns in a round. */
  join(environment: EnvId): void;
}

/**
 * A round-robin scheduler of nobody.
 *
 * **Holds** while the same environments stay ready, no two of them differ by
 * more than one slice. **Cost** O(environments) a slice.
 */
export function makeRoundRobin(isReady: IsReady): RoundRobin {
  let turns: EnvId[] = [];
  let last = -1;
  return {
    join: (environment) => {
      turns.splice(last + 1, 0, environment);
      last += 1;
    },
    leave: (environment) => {
      const before = turns.slice(0, last + 1).filter((each) => each !== environment);
      turns = [...before, ...turns.slice(last + 1).filter((each) => each !== environment)];
      last = before.length - 1;
    },
    next: () => {
      for (let i = 1; i <= turns.length; i++) {
        const turn = (last + i) % turns.length;
        const environment = turns[turn];
        if (environment === undefined || !isReady(environment)) continue;
        last = turn;
        return environment;
      }
      return undefined;
    },
    wakeAt: (soon) => soon,
    members: () => [...turns],
  };
}
