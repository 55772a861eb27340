/** Wakeup predicates: installed once, evaluated only when the scheduler looks (SOSP'97; Xok's wk.c). */
import {
  NO_TAG,
  PREDICATE_TERMS,
  compilePredicate,
  isRefusal,
  stepsUntil,
  termCount,
  verifyPredicate,
  type Verified,
  type WordPredicate,
} from "@exolith/secure-bind";
import { ERRORS, failed, type Sys } from "../abi/errors.ts";
import { FRAME_BYTES, NEVER, type Cycles } from "../abi/ids.ts";
import { PREDICATE_FRAMES } from "../abi/limits.ts";
import { SYSTEM_WORDS } from "../abi/tables.ts";
import { copyList } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { reach } from "../memory/window-calls.ts";
import { passPanic } from "../panic.ts";

/** A predicate that an environment waits for. */
export interface InstalledPredicate {
  /** True when it holds now; notes the tag of the product that does. O(terms), no allocation. */
  holds(): boolean;
  /** When it holds if nothing but time passes: now, the beginning of a tick, or `NEVER`. O(terms). */
  holdsAt(now: Cycles): Cycles;
  /** Tag of the product that held. */
  readonly tag: number;
  /** Frames that it pins, each once. */
  readonly frames: readonly number[];
  /** What one look costs at most. */
  readonly terms: number;
}

const WORD_BYTES = 4;

type Refused = "BadPredicate" | "BadWindow" | "BadRange" | "Full";

/**
 * Installs a predicate that the caller waits for.
 *
 * What is alien is read once, before any state: its getters may run the caller's code.
 */
export function predicateWait(
  kernel: Kernel,
  caller: Environment,
  predicate: unknown,
): Sys<undefined, Refused> {
  const claimed = copyClaims(predicate);
  if (claimed === undefined) return ERRORS.BadPredicate;
  const placed = place(caller, claimed);
  if (failed(placed)) return placed;
  const verified = verifyPredicate(placed, kernel.machine.memory.bytes.length);
  if (isRefusal(verified)) return ERRORS.BadPredicate;
  const frames = framesOf(verified);
  if (frames.length > PREDICATE_FRAMES) return ERRORS.Full;
  const installed = makeInstalled(kernel, verified, frames);
  for (const f of frames) pinFrames(kernel, f, 1);
  dropPredicate(kernel, caller);
  caller.sleeping = false;
  caller.predicate = installed;
  return undefined;
}

/** Forgets the predicate that an environment waits for and unpins its frames. O(frames). */
export function dropPredicate(kernel: Kernel, environment: Environment): void {
  const { predicate } = environment;
  if (predicate === undefined) return;
  environment.predicate = undefined;
  for (const f of predicate.frames) unpinFrames(kernel, f, 1);
}

/** Charges one look of the scheduler at the predicate that an environment waits for, if it does. */
export function chargeLook({ machine: { meter } }: Kernel, { predicate }: Environment): void {
  if (predicate === undefined) return;
  meter.charge("word", predicate.terms);
  meter.charge("instruction", predicate.terms * LOOK_INSTRUCTIONS);
}

/** Of one term: address, subtraction, comparison and branch, besides the word itself. */
const LOOK_INSTRUCTIONS = 4;

/** A term as its owner claims it, each property read once. */
interface ClaimedTerm {
  readonly window: unknown;
  readonly at: unknown;
  readonly comparison: unknown;
  readonly value: unknown;
}

interface ClaimedProduct {
  readonly tag: unknown;
  readonly terms: readonly ClaimedTerm[];
}

/** A copy of an alien predicate, bounded, with its values as they came; `undefined` for what is none. */
function copyClaims(predicate: unknown): readonly ClaimedProduct[] | undefined {
  try {
    const products = copyList(predicate, PREDICATE_TERMS);
    return products === undefined ? undefined : copyProducts(products);
  } catch (reason) {
    passPanic(reason);
    return undefined;
  }
}

function copyProducts(products: readonly unknown[]): readonly ClaimedProduct[] | undefined {
  const claimed: ClaimedProduct[] = [];
  let left = PREDICATE_TERMS;
  for (const product of products) {
    const { tag, terms } = product as { readonly tag: unknown; readonly terms: unknown };
    const copied = copyList(terms, left);
    if (copied === undefined) return undefined;
    left -= copied.length;
    claimed.push({ tag, terms: copied.map(copyTerm) });
  }
  return claimed;
}

function copyTerm(term: unknown): ClaimedTerm {
  const { window, at, comparison, value } = term as ClaimedTerm;
  return { window, at, comparison, value };
}

/** The claims with addresses in place of windows; the first word that is not the caller's decides. */
function place(caller: Environment, claimed: readonly ClaimedProduct[]): Sys<unknown[], Refused> {
  const products: unknown[] = [];
  for (const { tag, terms } of claimed) {
    const words: unknown[] = [];
    for (const { window, at, comparison, value } of terms) {
      const address = caller.alive ? reach(caller, false, window, at, WORD_BYTES) : ERRORS.BadWindow;
      if (typeof address !== "number") return address;
      if (address % WORD_BYTES !== 0) return ERRORS.BadRange;
      words.push({ address, comparison, value });
    }
    products.push({ tag, terms: words });
  }
  return products;
}

/** Frames of a predicate's words, each once. */
function framesOf(predicate: WordPredicate): readonly number[] {
  const frames = new Set<number>();
  for (const { terms } of predicate)
    for (const { address } of terms) frames.add(Math.floor(address / FRAME_BYTES));
  return [...frames];
}

function makeInstalled(
  kernel: Kernel,
  predicate: Verified<WordPredicate>,
  frames: readonly number[],
): InstalledPredicate {
  const { view } = kernel.machine.memory;
  const { quantum } = kernel.slices;
  const ticks = kernel.systemFrame * FRAME_BYTES + SYSTEM_WORDS.ticks;
  const evaluate = compilePredicate(predicate);
  let held = 0;
  return {
    holds: () => {
      const tag = evaluate(view);
      if (tag !== NO_TAG) held = tag;
      return tag !== NO_TAG;
    },
    holdsAt: (now) => {
      const tick = Math.floor(now / quantum);
      const steps = stepsUntil(predicate, view, ticks, tick >>> 0);
      return steps === 0 ? now : steps === NEVER ? NEVER : (((tick + steps) * quantum) as Cycles);
    },
    get tag() {
      return held;
    },
    frames,
    terms: termCount(predicate),
  };
}
