/** Times of the host's things, exactly as they were set. */
import type { BigIntStats } from "node:fs";
import type { Outcome } from "../errno.ts";
import type { FileStat, Refused } from "../filesystem/file-system.ts";
import { attempt } from "./host-errno.ts";
import { fileStatOf, identityOf, isSame, keyOf } from "./host-stat.ts";

/** Things of one tree whose times are remembered; the one set longest ago is forgotten. */
export const TIMES_REMEMBERED = 1024;

const SECOND = 1_000_000_000n;

/** Nanoseconds between what was asked for and what the host made of it; more is somebody else's doing. */
const TOLERANCE = 10_000n;

/** Nanoseconds as the seconds the host takes: a double, so that about 0.3 microseconds are lost. */
const seconds = (time: bigint): number => Number(time / SECOND) + Number(time % SECOND) / 1e9;

/** A time that was set, and what the host says of it since. */
interface Time {
  readonly exact: bigint;
  readonly reported: bigint;
}

const madeOf = (exact: bigint, reported: bigint): Time => {
  const lost = exact - reported;
  return { exact: lost < TOLERANCE && lost > -TOLERANCE ? exact : reported, reported };
};

const exactly = (time: Time | undefined, reported: bigint): bigint =>
  time?.reported === reported ? time.exact : reported;

/** A way to a thing: setting its times, and looking at it. */
export interface TimedThing {
  readonly set: (accessed: number, modified: number) => void;
  readonly look: () => BigIntStats | Refused;
}

/**
 * Times that were set through one tree.
 *
 * The host takes them as seconds in a double. What that loses is remembered here, and
 * told as long as the host says of the thing what it said then.
 */
export class HostTimes {
  readonly #known: Map<string, { readonly accessed: Time; readonly modified: Time }> = new Map();

  /** The record of preview 1, with the times that were set. */
  statOf(stats: BigIntStats): FileStat {
    const known = this.#known.get(keyOf(identityOf(stats)));
    const stat = fileStatOf(stats);
    if (known === undefined) return stat;
    const accessed = exactly(known.accessed, stat.accessed);
    return { ...stat, accessed, modified: exactly(known.modified, stat.modified) };
  }

  /** Sets times of the thing that `before` is of; to the host, what stays is set to what it is. */
  set(
    before: BigIntStats,
    accessed: bigint | undefined,
    modified: bigint | undefined,
    thing: TimedThing,
  ): Outcome {
    if (accessed === undefined && modified === undefined) return 0;
    const now = this.statOf(before);
    const wanted = { accessed: accessed ?? now.accessed, modified: modified ?? now.modified };
    return attempt(() => {
      thing.set(seconds(wanted.accessed), seconds(wanted.modified));
      const after = thing.look();
      const identity = identityOf(before);
      if (typeof after !== "number" && isSame(after, identity))
        this.#remember(keyOf(identity), {
          accessed: madeOf(wanted.accessed, after.atimeNs),
          modified: madeOf(wanted.modified, after.mtimeNs),
        });
      return 0;
    });
  }

  #remember(key: string, times: { readonly accessed: Time; readonly modified: Time }): void {
    this.#known.delete(key);
    this.#known.set(key, times);
    const [oldest] = this.#known.keys();
    if (this.#known.size > TIMES_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}
