/** The stage on which every refusal is provoked: two environments, their memory, and ways to use things up. */
import { spaceBytes, type SimulatedMachineOptions } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import {
  capSlot,
  failed,
  frame,
  must,
  type CapSlot,
  type DmaCopy,
  type ExtentId,
  type FrameNumber,
  type Gate,
  type GateCalls,
  type Gather,
  type MessageRingId,
  type RegionId,
  type RegionMove,
  type RingId,
  type StreamId,
  type Transfer,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import type { FailsOf } from "../src/abi/calls.ts";
import { makeRig, placeEnvironment, tableState, type Rig } from "../src/testing/index.ts";

/** The slot of everybody's own capability. */
export const own: CapSlot = capSlot(0);
/** A slot with nothing in it. */
export const EMPTY: CapSlot = capSlot(25);
/** Values that no argument wants, by the type that is wanted. */
export const NOTHING = 0 as never;
const FRAMES = 1024;

/** Slots of alice's with capabilities for the devices, for nobody's name, and for her own without a right. */
const SLOTS = { nic: 1, disk: 2, stream: 3, console: 4, display: 5, stranger: 6, weak: 7 } as const;
const GRANTS = [[2, 0], [3, 0], [5, 0], [4, 0], [6, 0], [9]];

/** What a scenario has to work with. */
export interface Stage {
  readonly rig: Rig;
  readonly root: Gate;
  /** Who calls: 20 frames from 10 on, guarded by 1.1. */
  readonly alice: Gate;
  /** Somebody else, guarded by 1.2, with one frame. */
  readonly bob: Gate;
  readonly slots: { readonly [K in keyof typeof SLOTS]: CapSlot };
  /** Four frames of alice's for writing, and one for reading only. */
  readonly memory: Window;
  readonly reader: Window;
  /** A window of alice's whose binding is broken. */
  readonly dead: Window;
}

/** Sets a stage. */
export function makeStage(parts: SimulatedMachineOptions = {}): Stage {
  const rig = makeRig(
    FRAMES,
    { reserveFrames: 0 },
    { disks: [{ blocks: 2048 }], streams: 16, arenaBytes: 2 * spaceBytes(12) + spaceBytes(16), ...parts },
  );
  const { root } = rig;
  const alice = rig.environment([1, 1]);
  const bob = rig.environment([1, 2]);
  for (const name of GRANTS) rig.grant(alice, { name, rights: RIGHTS.all });
  must(alice.capabilityForge(own, { name: [1, 1], rights: RIGHTS.none }));
  must(alice.framesAlloc(frame(10), 20, own));
  must(bob.framesAlloc(frame(40), 1, own));
  const dead = must(alice.windowBind(frame(10), 1, true, own));
  must(alice.windowUnbind(dead));
  return {
    rig,
    root,
    alice,
    bob,
    slots: Object.fromEntries(
      Object.entries(SLOTS).map(([name, slot]) => [name, capSlot(slot)]),
    ) as unknown as Stage["slots"],
    memory: must(alice.windowBind(frame(10), 4, true, own)),
    reader: must(alice.windowBind(frame(14), 1, false, own)),
    dead,
  };
}

/** Sets something up, and gives the call that must be refused. */
export type Scenario = (stage: Stage) => () => unknown;

/** One scenario for every refusal of every call: one that is missing does not compile. */
export type Scenarios = {
  readonly [K in keyof GateCalls]: { readonly [N in FailsOf<GateCalls[K]>]: Scenario };
};

/** A call with its arguments. */
export const call =
  (act: (stage: Stage) => unknown): Scenario =>
  (stage) =>
  () =>
    act(stage);

/** Makes something that the call is then made with. */
export const having =
  <T>(make: (stage: Stage) => T, act: (stage: Stage, made: T) => unknown): Scenario =>
  (stage) => {
    const made = make(stage);
    return () => act(stage, made);
  };

/** The two refusals of a credential: an empty slot, and a capability that reaches nothing here. */
export const credentials = (
  act: (stage: Stage, slot: CapSlot) => unknown,
): { readonly BadSlot: Scenario; readonly BadCapability: Scenario } => ({
  BadSlot: call((s) => act(s, EMPTY)),
  BadCapability: call((s) => act(s, s.slots.stranger)),
});

/** What `act` returns; throws if the tables are others afterwards: for calls that are made inside an upcall. */
export function unchanged({ root }: Stage, act: () => unknown): unknown {
  const before = tableState(root);
  const result = act();
  if (tableState(root) !== before) throw new Error("the refused call has changed something");
  return result;
}

/** Calls `act` until it is refused, at most `limit` times: the next one is refused too. */
export function useUp(act: (i: number) => unknown, limit: number): void {
  for (let i = 0; i < limit; i++) if (failed(act(i))) return;
  throw new Error(`not used up after ${limit}`);
}

/** The frame numbered `n`, as itself. */
export const at = (n: number): FrameNumber => frame(n);

/** An environment with these entries, which answers its faults. */
export const callee = ({ root }: Stage, upcalls: Partial<Upcalls>, name = 3): Gate =>
  placeEnvironment(root, [1, name], {
    upcalls: () => ({ sliceBegin: () => {}, fault: () => {}, ...upcalls }),
  });

/** A packet ring of alice's on frames 20 to 22. */
export const ringOf = ({ alice }: Stage): RingId => must(alice.ringBind(at(20), 3, own));
/** A message ring of alice's on frames 20 and 21. */
export const messagesOf = ({ alice }: Stage): MessageRingId => must(alice.messageRingBind(at(20), 2, own));
/** A region of alice's on frame 16. */
export const regionOf = ({ alice }: Stage): RegionId => must(alice.regionCreate(at(16), 8, 64, own));
/** An extent of alice's of 16 blocks. */
export const extentOf = ({ alice, slots }: Stage): ExtentId =>
  must(alice.extentAlloc(0, 100, 16, slots.disk, own));
/** A stream of alice's. */
export function streamOf({ rig, alice, slots }: Stage): StreamId {
  rig.machine.streams[0]?.world.open();
  return must(alice.streamAccept(0, slots.stream));
}

/** A move of bytes between a region and memory, changed. */
export const moveOf = ({ memory }: Stage, change: Partial<RegionMove> = {}): RegionMove => ({
  at: 0,
  window: memory,
  windowAt: 0,
  length: 64,
  ...change,
});

/** A disk transfer of one block, changed. */
export const transferOf = ({ memory }: Stage, change: Partial<Transfer> = {}): Transfer => ({
  block: 0,
  count: 1,
  window: memory,
  at: 0,
  statusWindow: memory,
  statusAt: 3 * 4096,
  ...change,
});

/** A copy by DMA, changed. */
export const copyOf = ({ memory }: Stage, change: Partial<DmaCopy> = {}): DmaCopy => ({
  from: memory,
  fromAt: 0,
  to: memory,
  toAt: 4096,
  length: 64,
  statusWindow: memory,
  statusAt: 3 * 4096,
  ...change,
});

/** A gather list of `length` bytes of `window`. */
export function gatherOf({ alice }: Stage, window: Window, length: number): Gather {
  const gather = alice.gather();
  if (length > 0) gather.add(window, 0, length);
  return gather;
}
