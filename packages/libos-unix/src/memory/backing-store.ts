/** Where pages go for which there is no room. */
import type { Window } from "@exolith/exokernel/abi";

/** Places for pages outside of memory, numbered from 0. Moves are over when a call comes back. */
export interface BackingStore {
  /** How many there are. */
  readonly places: number;
  /** Saves the page at `at` of `window`; false when the device could not. */
  save(place: number, window: Window, at: number): boolean;
  /** Brings one back; false when the device could not. */
  load(place: number, window: Window, at: number): boolean;
}
