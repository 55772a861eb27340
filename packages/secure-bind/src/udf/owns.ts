/** Protection by induction: what a block owned before a change, and what it owns after it. */
import { type BlockChange, ChangeList } from "./changes.ts";
import {
  type Extent,
  type ExtentList,
  capacityOf,
  copyExtents,
  isWord,
  makeExtentList,
  normalizeExtents,
  pushExtent,
  readExtents,
  sameExtents,
  subtractExtents,
  wipeExtents,
} from "./extents.ts";
import { UDF_EXTENTS } from "./limits.ts";
import { type UdfFaultReason, type UdfProgram, type UdfRun, isUdfFault } from "./run.ts";

/** Why a change was refused. */
export type OwnershipRule =
  /** The program faulted on the block as it was, or as it would be. */
  | "FaultBefore"
  | "FaultAfter"
  /** The block, as it was or as it would be, gives some other block two types. */
  | "ConflictBefore"
  | "ConflictAfter"
  /** The claim itself has too many extents, one that cannot be, or a block with two types. */
  | "BadClaim"
  /** What the block owns in addition, or no more, is not what was claimed. */
  | "WrongGains"
  | "WrongLosses"
  /** No list of changes, too many of them, or bytes that do not lie in the block. */
  | "BadModification"
  /** `after` without a `before` that succeeded, or a second time. */
  | "NotBegun"
  /** Asked while a stranger's change or claim was being read: by its own getter. */
  | "Busy";

/** Why a change was refused, and by which fault of the program if it was one. Frozen. */
export interface OwnershipRefusal {
  readonly rule: OwnershipRule;
  readonly fault: UdfFaultReason | undefined;
}

/**
 * What a change of a block is said to do to what the block owns.
 *
 * One that was accepted is frozen and in normal form: sorted, and what touches is one.
 */
export interface OwnershipClaim {
  readonly gains: readonly Extent[];
  readonly loses: readonly Extent[];
}

/** The claim of a change that leaves ownership as it is. */
export const OWNS_THE_SAME: OwnershipClaim = Object.freeze({
  gains: Object.freeze([]),
  loses: Object.freeze([]),
});

/** A change of one block, whose `run` says where it is and has the list that its program fills. */
export interface Modification {
  readonly owns: UdfProgram<"owns">;
  readonly run: UdfRun;
  /** The memory that holds the block: the one that `owns` reads. */
  readonly memory: Uint8Array;
  /** A stranger's; written in this order. */
  readonly changes: readonly BlockChange[];
  /** A stranger's. */
  readonly claim: OwnershipClaim;
}

const { freeze } = Object;
const { isArray } = Array;

const refuse = (rule: OwnershipRule, fault?: UdfFaultReason): OwnershipRefusal => freeze({ rule, fault });

/** True when a change was refused. */
export const isOwnershipRefusal = (
  result: OwnershipClaim | OwnershipRefusal | undefined,
): result is OwnershipRefusal => result !== undefined && Object.hasOwn(result, "rule");

/**
 * Runs `owns` and brings what it emitted into normal form, in `run.extents`.
 *
 * **Fails** `FaultBefore`, `ConflictBefore`; the list is empty then. Throws when
 * `owns` is a program of another kind: the caller's mistake.
 */
export function ownedExtents(owns: UdfProgram<"owns">, run: UdfRun): OwnershipRefusal | undefined {
  if (owns.kind !== "owns") throw new TypeError("not a program that says what a block owns");
  const outcome = owns(run);
  if (isUdfFault(outcome)) return refuse("FaultBefore", outcome.reason);
  if (normalizeExtents(run.extents)) return undefined;
  wipeExtents(run.extents);
  return refuse("ConflictBefore");
}

/** Brings a stranger's extents into normal form, in `into`; false when they make no sense or do not fit. */
function readClaimed(alien: unknown, into: ExtentList): boolean {
  into.count = 0;
  if (!isArray(alien)) return false;
  const length: unknown = alien.length;
  if (!isWord(length) || length > capacityOf(into)) return false;
  for (let i = 0; i < length; i++) {
    const extent: unknown = alien[i];
    if (typeof extent !== "object" || extent === null) return false;
    const { start, count, type } = extent as Extent;
    if (pushExtent(into, start, count, type) !== undefined) return false;
  }
  return normalizeExtents(into);
}

const frozenExtents = (list: ExtentList): readonly Extent[] =>
  freeze(readExtents(list).map((extent) => freeze(extent)));

/** True for a range of whole bytes inside `bytes`. */
const isInside = (at: number, length: number, bytes: number): boolean =>
  isWord(at) && isWord(length) && at + length <= bytes;

/**
 * Checks changes one after another; made once, as its lists are large.
 *
 * A block may be changed in any way by anybody who may change it at all, as long
 * as what it owns becomes what it owned, and what was claimed: nothing more,
 * nothing less. The kernel that asks need not understand the block for that.
 *
 * **Holds** changes and claims are copied, each property read once, before the
 * block is looked at; a getter that asks this check meanwhile is refused: `Busy`.
 */
export class OwnershipCheck {
  readonly #old: ExtentList;
  readonly #gains: ExtentList;
  readonly #losses: ExtentList;
  readonly #found: ExtentList;
  readonly #changes: ChangeList = new ChangeList();
  #kept: Uint8Array = new Uint8Array(0);
  #hasBegun = false;
  #isBusy = false;

  /** For programs whose lists take `capacity` extents; what one gains may be twice as many, what one loses too. */
  constructor(capacity: number = UDF_EXTENTS) {
    this.#old = makeExtentList(capacity);
    this.#gains = makeExtentList(2 * capacity);
    this.#losses = makeExtentList(2 * capacity);
    this.#found = makeExtentList(2 * capacity);
  }

  /**
   * Remembers what the block owns now, for `after`.
   *
   * **Fails** `FaultBefore`, `ConflictBefore`, `Busy`. **Cost** a run, O(n log n) in extents.
   */
  before(owns: UdfProgram<"owns">, run: UdfRun): OwnershipRefusal | undefined {
    if (this.#isBusy) return refuse("Busy");
    this.#hasBegun = false;
    const refused = this.#remember(owns, run);
    this.#hasBegun = refused === undefined;
    return refused;
  }

  #remember(owns: UdfProgram<"owns">, run: UdfRun): OwnershipRefusal | undefined {
    const refused = ownedExtents(owns, run);
    if (refused !== undefined) return refused;
    if (!copyExtents(run.extents, this.#old)) throw new RangeError("a list longer than this check is for");
    return undefined;
  }

  /**
   * Checks that the block, changed since `before`, owns what was claimed and else the same: once.
   *
   * The claim as it was accepted, which is what to act on. It is for the caller to
   * put the old bytes back if it is refused, and also if this throws.
   * **Fails** `BadClaim`, `FaultAfter`, `ConflictAfter`, `WrongGains`,
   * `WrongLosses`, `NotBegun`, `Busy`; throws at the end of the caller's stack.
   * **Cost** a run, O(n log n) in extents, those of the claim included.
   */
  after(owns: UdfProgram<"owns">, run: UdfRun, claim: OwnershipClaim): OwnershipClaim | OwnershipRefusal {
    if (this.#isBusy) return refuse("Busy");
    if (!this.#hasBegun) return refuse("NotBegun");
    this.#hasBegun = false;
    this.#isBusy = true;
    try {
      return this.#readClaim(claim) ? this.#judge(owns, run) : refuse("BadClaim");
    } finally {
      this.#isBusy = false;
    }
  }

  #readClaim(alien: OwnershipClaim): boolean {
    try {
      const { gains, loses } = alien;
      return readClaimed(gains, this.#gains) && readClaimed(loses, this.#losses);
    } catch {
      return false;
    }
  }

  /** What was claimed, if that is what the block owns and owns no more. */
  #judge(owns: UdfProgram<"owns">, run: UdfRun): OwnershipClaim | OwnershipRefusal {
    const refused = ownedExtents(owns, run);
    if (refused !== undefined)
      return refuse(refused.rule === "FaultBefore" ? "FaultAfter" : "ConflictAfter", refused.fault);
    if (!this.#isDifference(run.extents, this.#old, this.#gains)) return refuse("WrongGains");
    if (!this.#isDifference(this.#old, run.extents, this.#losses)) return refuse("WrongLosses");
    if (this.#gains.count + this.#losses.count === 0) return OWNS_THE_SAME;
    return freeze({ gains: frozenExtents(this.#gains), loses: frozenExtents(this.#losses) });
  }

  /** Whether `claimed` is what `more` has and `less` has not. */
  #isDifference(more: ExtentList, less: ExtentList, claimed: ExtentList): boolean {
    return subtractExtents(more, less, this.#found) && sameExtents(this.#found, claimed);
  }

  /**
   * Makes a change if it does to what the block owns what was claimed, and not at all else.
   *
   * The claim as it was accepted, which is what to act on.
   * **Holds** after a refusal every byte of the block is as it was, also if this throws.
   * **Fails** with any `OwnershipRule` but `NotBegun`; throws at the end of the caller's stack.
   * **Cost** two runs, O(n log n) in extents, those of the claim included, the block
   * copied once or twice, and at most `UDF_CHANGES` changes of `UDF_CHANGE_BYTES` bytes.
   */
  propose({ owns, run, memory, changes, claim }: Modification): OwnershipClaim | OwnershipRefusal {
    if (this.#isBusy) return refuse("Busy");
    this.#hasBegun = false;
    this.#isBusy = true;
    try {
      if (!this.#changes.read(changes)) return refuse("BadModification");
      return this.#readClaim(claim) ? this.#make(owns, run, memory) : refuse("BadClaim");
    } finally {
      this.#isBusy = false;
    }
  }

  /** The change that was read, if it does what was claimed. */
  #make(owns: UdfProgram<"owns">, run: UdfRun, memory: Uint8Array): OwnershipClaim | OwnershipRefusal {
    const { at, length } = run;
    const fits = isInside(at, length, memory.length) && this.#changes.fits(length);
    if (!fits) return refuse("BadModification");
    const refused = this.#remember(owns, run);
    if (refused !== undefined) return refused;
    if (this.#kept.length < length) this.#kept = new Uint8Array(length);
    const block = memory.subarray(at, at + length);
    const kept = this.#kept.subarray(0, length);
    kept.set(block);
    let isRight = false;
    try {
      this.#changes.write(block);
      const result = this.#judge(owns, run);
      isRight = !isOwnershipRefusal(result);
      return result;
    } finally {
      // Whatever ends this: the stack of whoever asked may be too short for the second run.
      if (!isRight) block.set(kept);
    }
  }
}
