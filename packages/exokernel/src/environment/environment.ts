/** One environment: what the kernel keeps to account for it and to enter it. */
import { NEVER, type Cycles, type EnvId } from "../abi/ids.ts";
import type { Upcalls } from "../abi/upcalls.ts";
import type { Guard } from "../capability/guard.ts";
import type { Kernel } from "../kernel.ts";
import { publishEvents } from "../memory/system-frame.ts";
import type { InstalledPredicate } from "../processor/predicate.ts";
import { makeRevocationState, type RevocationState } from "../revocation/revocation-state.ts";
import { makeTransferState, type TransferState } from "../transfer/transfer-state.ts";
import type { Offer } from "../capability/offer.ts";
import type { ChangedStreams } from "../stream/stream-table.ts";
import { makeCapabilityList, type CapabilityList } from "../capability/capability-list.ts";

/** Entry points as they were when the program returned them; it cannot change them later. */
export interface EntryPoints {
  /** The record they came in, which they are called on. */
  readonly self: object;
  readonly sliceBegin: Upcalls["sliceBegin"];
  readonly sliceEnd: Upcalls["sliceEnd"] | undefined;
  readonly fault: Upcalls["fault"] | undefined;
  readonly transfer: Upcalls["transfer"] | undefined;
  readonly transferWords: Upcalls["transferWords"] | undefined;
  readonly transferAsync: Upcalls["transferAsync"] | undefined;
  readonly transferReply: Upcalls["transferReply"] | undefined;
  readonly revoke: Upcalls["revoke"] | undefined;
  readonly repossessed: Upcalls["repossessed"] | undefined;
  readonly memoryFault: Upcalls["memoryFault"] | undefined;
}

/** Captures entry points; `undefined` without one for slices. A getter of `entries` runs its owner's code. */
export function captureEntryPoints(entries: Upcalls): EntryPoints | undefined {
  const { sliceBegin, sliceEnd, fault, transfer, transferWords } = entries;
  const { transferAsync, transferReply, revoke, repossessed, memoryFault } = entries;
  if (typeof sliceBegin !== "function") return undefined;
  return {
    self: entries,
    sliceBegin,
    sliceEnd: orNothing(sliceEnd),
    fault: orNothing(fault),
    transfer: orNothing(transfer),
    transferWords: orNothing(transferWords),
    transferAsync: orNothing(transferAsync),
    transferReply: orNothing(transferReply),
    revoke: orNothing(revoke),
    repossessed: orNothing(repossessed),
    memoryFault: orNothing(memoryFault),
  };
}

const orNothing = <F>(entry: F | undefined): F | undefined =>
  typeof entry === "function" ? entry : undefined;

/** The kernel's record of an environment; its columns are published. */
export interface Environment {
  readonly row: number;
  readonly id: EnvId;
  readonly parent: EnvId;
  guard: Guard;
  readonly capabilities: CapabilityList;
  /** Its entry points; `undefined` for the boot environment, which never runs. */
  upcalls: EntryPoints | undefined;
  alive: boolean;
  /** Holds: counts up, never back; wraps at 2^32. */
  events: number;
  /** Not to be run unless `events` differs from `seen` or `until` has come. */
  sleeping: boolean;
  seen: number;
  until: Cycles;
  /** Where the rest of the slice goes when the upcall returns. */
  yieldTarget: EnvId | undefined;
  slices: number;
  slicesBegun: number;
  slicesEnded: number;
  cyclesUsed: number;
  frames: number;
  calls: number;
  faults: number;
  readonly changedStreams: ChangedStreams;
  /** Kernel calls by number. */
  readonly callsOf: Uint32Array;
  /** What it offers to another environment. */
  offer: Offer | undefined;
  /** Not to be run unless this holds; `undefined` when it does not wait for a predicate. */
  predicate: InstalledPredicate | undefined;
  /** Tag of the predicate that woke it last. */
  tag: number;
  /** Slices still to be forfeited, and those that were. */
  excess: number;
  forfeited: number;
  /** Cycles of its handlers that no slice has paid for yet. */
  handlerCycles: number;
  /** Slices left in which the transfers it makes are timed one by one. */
  watched: number;
  /** The last search for somebody to run that looked at it, and what came of that. */
  scanned: number;
  isReady: boolean;
  /** Regions it made. */
  regions: number;
  /** Who last broke one of its windows other than itself: to blame for a touch of a dead one. */
  brokenBy: EnvId | undefined;
  /** Address-space id, -1 while it has none. */
  asid: number;
  readonly transfers: TransferState;
  readonly revocation: RevocationState;
}

/** Call numbers are below this. */
const CALL_NUMBERS = 256;

/** A new environment, alive and runnable. */
export const makeEnvironment = (row: number, id: EnvId, parent: EnvId, guard: Guard): Environment => ({
  row,
  id,
  parent,
  guard,
  capabilities: makeCapabilityList(),
  upcalls: undefined,
  alive: true,
  events: 0,
  sleeping: false,
  seen: 0,
  until: NEVER,
  yieldTarget: undefined,
  slices: 0,
  slicesBegun: 0,
  slicesEnded: 0,
  cyclesUsed: 0,
  frames: 0,
  calls: 0,
  faults: 0,
  changedStreams: { oldest: undefined, newest: undefined },
  callsOf: new Uint32Array(CALL_NUMBERS),
  offer: undefined,
  predicate: undefined,
  tag: 0,
  excess: 0,
  forfeited: 0,
  handlerCycles: 0,
  watched: 0,
  scanned: 0,
  isReady: false,
  regions: 0,
  brokenBy: undefined,
  asid: -1,
  transfers: makeTransferState(),
  revocation: makeRevocationState(),
});

/** Tells `environment` that something happened: it is runnable again, and the system frame says so. O(1). */
export const notify = (kernel: Kernel, environment: Environment): void => {
  environment.events = (environment.events + 1) >>> 0;
  publishEvents(kernel, environment);
};

/** True when the scheduler may run it at `now`: the only place where sleep and predicates are evaluated. O(terms). */
export function isRunnable(environment: Environment, now: Cycles): boolean {
  if (environment.upcalls === undefined || environment.transfers.keptBy !== undefined) return false;
  if (environment.predicate !== undefined) return environment.predicate.holds();
  return !environment.sleeping || environment.events !== environment.seen || now >= environment.until;
}

/** Who runs in the slices of `environment`: whoever keeps it, or itself. O(environments that wait for each other). */
export function userOf(environment: Environment): Environment {
  let user = environment;
  while (user.transfers.keptBy !== undefined) user = user.transfers.keptBy;
  return user;
}
