/** Stride scheduling (Waldspurger and Weihl, 1995): slices in proportion to tickets. */
import type { EnvId } from "@exolith/exokernel/abi";
import type { IsReady, Policy } from "./policy.ts";

/** A stride scheduler. */
export interface Stride extends Policy {
  /** Gives an environment `tickets` tickets, an integer from 1 on: its share while it is ready, from now on. */
  join(environment: EnvId, tickets: number): void;
}

/**
 * One client.
 *
 * Holds: virtual time runs at the same pace for all; `base + taken / tickets` is
 * how far this one has come, and one slice takes it on by `1 / tickets`. Equal
 * fractions are equal numbers, as long as the base is the same.
 */
interface Client {
  readonly environment: EnvId;
  readonly tickets: number;
  base: number;
  taken: number;
  /** False until it was seen to be ready, and while it is not. */
  isPresent: boolean;
}

const reached = ({ base, taken, tickets }: Client): number => base + taken / tickets;
/** Where its next slice would take it: the pass. */
const pass = ({ base, taken, tickets }: Client): number => base + (taken + 1) / tickets;

/** Lowest pass first; of equals, the one with fewest tickets, who would wait longest for the next. */
const isBefore = (a: Client, b: Client): boolean =>
  pass(a) < pass(b) || (pass(a) === pass(b) && a.tickets < b.tickets);

/**
 * A stride scheduler of nobody.
 *
 * **Holds** while the same clients stay ready, any two of them share the slices
 * that they get together in the ratio of their tickets, to within one slice.
 * Time in which a client was not ready is neither made up for nor forgiven.
 * **Cost** O(clients) a slice.
 */
export function makeStride(isReady: IsReady): Stride {
  let clients: Client[] = [];
  /** Virtual time: one for as many slices as there are tickets among those who are ready. */
  let time = 0;

  /** Whoever comes, or comes back, starts from now, or from where it had got to if that is further. */
  const look = (client: Client): boolean => {
    const isHere = isReady(client.environment);
    if (isHere && !client.isPresent) {
      client.base = Math.max(time, reached(client));
      client.taken = 0;
    }
    client.isPresent = isHere;
    return isHere;
  };

  const next = (): EnvId | undefined => {
    let chosen: Client | undefined;
    let tickets = 0;
    for (const client of clients) {
      if (!look(client)) continue;
      tickets += client.tickets;
      if (chosen === undefined || isBefore(client, chosen)) chosen = client;
    }
    if (chosen === undefined) return undefined;
    chosen.taken += 1;
    time += 1 / tickets;
    return chosen.environment;
  };

  return {
    join: (environment, tickets) => {
      if (!Number.isInteger(tickets) || tickets < 1)
        throw new RangeError("a client needs at least one ticket");
      clients.push({ environment, tickets, base: 0, taken: 0, isPresent: false });
    },
    leave: (environment) => {
      clients = clients.filter((client) => client.environment !== environment);
    },
    next,
    wakeAt: (soon) => soon,
    members: () => clients.map(({ environment }) => environment),
  };
}
