/** Wakeup predicates: installed once, evaluated only when the scheduler looks (SOSP'97; Xok's wk.c). */
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** A predicate that an environment waits for. */
export interface InstalledPredicate {
  /** True when it holds now; notes the tag of the product that does. O(terms). */
  holds(): boolean;
  /** Tag of the product that held. */
  readonly tag: number;
  /** Frames that it pins. */
  readonly frames: readonly number[];
}

/** Installs a predicate that the caller waits for. */
export function predicateWait(
  _kernel: Kernel,
  _caller: Environment,
  _predicate: unknown,
): Sys<undefined, "BadPredicate" | "BadWindow" | "BadRange" | "Full"> {
  return ERRORS.BadPredicate;
}

/** Forgets the predicate that an environment waits for and unpins its frames. */
export function dropPredicate(_kernel: Kernel, _environment: Environment): void {}
