/** What a descriptor refers to: the interface every kind of open thing implements. */
import type { Window } from "@exolith/exokernel/abi";
import type { Outcome } from "../errno.ts";
import type { FileType, RightSet } from "../wasi/layout.ts";

/**
 * An open thing.
 *
 * Reads and writes move bytes between it and a window of the caller's; they
 * never wait, and may move fewer bytes than asked. One thing stands behind at
 * most one descriptor.
 */
export interface OpenThing {
  readonly fileType: FileType;
  /** All that can be done with it; a descriptor may allow less. */
  readonly rights: RightSet;
  /** Moves at most `length` bytes to `window` at `at`; how many, 0 at the end, or a refusal. O(length). */
  read(window: Window, at: number, length: number): Outcome;
  /** Takes at most `length` bytes of `window` from `at`; how many, or a refusal. O(length). */
  write(window: Window, at: number, length: number): Outcome;
  /** Gives back what it holds; called once, after which nothing else is. */
  close(): void;
}
