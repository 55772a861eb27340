/** One environment: what the kernel keeps to account for it and to enter it. */
import type { Capability } from "@exolith/secure-bind";
import { NEVER, type Cycles, type EnvId } from "../abi/ids.ts";
import type { Upcalls } from "../abi/upcalls.ts";
import type { ChangedStreams } from "../stream/stream-table.ts";
import { makeCapabilityList, type CapabilityList } from "../capability/capability-list.ts";

/** Entry points as they were when the program returned them; it cannot change them later. */
export interface EntryPoints {
  /** The record they came in, which they are called on. */
  readonly self: object;
  readonly sliceBegin: Upcalls["sliceBegin"];
  readonly sliceEnd: Upcalls["sliceEnd"] | undefined;
  readonly fault: Upcalls["fault"] | undefined;
}

/** Captures entry points; `undefined` without one for slices. A getter of `entries` runs its owner's code. */
export function captureEntryPoints(entries: Upcalls): EntryPoints | undefined {
  const { sliceBegin, sliceEnd, fault } = entries;
  if (typeof sliceBegin !== "function") return undefined;
  return {
    self: entries,
    sliceBegin,
    sliceEnd: typeof sliceEnd === "function" ? sliceEnd : undefined,
    fault: typeof fault === "function" ? fault : undefined,
  };
}

/** The kernel's record of an environment; its columns are published. */
export interface Environment {
  readonly row: number;
  readonly id: EnvId;
  readonly parent: EnvId;
  readonly guard: Capability;
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
}

/** A new environment, alive and runnable. */
export const makeEnvironment = (row: number, id: EnvId, parent: EnvId, guard: Capability): Environment => ({
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
});

/** Tells `environment` that something happened: it is runnable again. O(1). */
export const notify = (environment: Environment): void => {
  environment.events = (environment.events + 1) >>> 0;
};

/** True when the scheduler may run it at `now`: the only place where sleep is evaluated. O(1). */
export const isRunnable = (environment: Environment, now: Cycles): boolean =>
  environment.upcalls !== undefined &&
  (!environment.sleeping || environment.events !== environment.seen || now >= environment.until);
