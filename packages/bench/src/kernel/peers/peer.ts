/** Peers: what others take for the same thing, in the same run. */
import type { Subject } from "../measure.ts";

/** A peer that cannot be measured here, and why. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/** Peers that were made ready. */
export interface Peers {
  readonly subjects: readonly Subject[];
  readonly skipped: readonly Skipped[];
  /** Ends what was started for them. */
  close(): Promise<void> | void;
}

/** Several groups of peers as one. */
export function joinPeers(groups: readonly Peers[]): Peers {
  return {
    subjects: groups.flatMap(({ subjects }) => subjects),
    skipped: groups.flatMap(({ skipped }) => skipped),
    close: async () => {
      for (const { close } of groups) await close();
    },
  };
}

/** The message of whatever was thrown. */
export const reasonOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split("\n")[0] ?? "";
