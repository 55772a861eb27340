/** One resource of every kind that has a guard, for tests that must hold for all of them. */
import { RIGHTS } from "@exolith/secure-bind";
import {
  RESOURCE_KINDS,
  capSlot,
  frame,
  must,
  sliceIndex,
  type CapSlot,
  type ExtentId,
  type FilterId,
  type Gate,
  type MessageRingId,
  type RegionId,
  type ResourceKind,
  type TransmitId,
  type EnvId,
} from "../src/abi/index.ts";
import type { Rig } from "../src/testing/index.ts";

const own = capSlot(0);

/** A kind of resource that has a guard. */
export interface GuardedKind {
  readonly name: string;
  readonly kind: ResourceKind;
  /** Makes one for `gate` with the capability in `slot`; uses frames from `at` to `at + 7`, slice `at`. */
  make(rig: Rig, gate: Gate, slot: CapSlot, at: number): number;
  /** Frees it by the capability in `slot`, or because `gate` is its owner. */
  free(gate: Gate, id: number, slot: CapSlot): unknown;
}

const device = (rig: Rig, gate: Gate, name: readonly number[], rights: number): CapSlot =>
  rig.grant(gate, { name, rights });

function makeFilter(rig: Rig, gate: Gate, slot: CapSlot, at: number): FilterId {
  must(gate.framesAlloc(frame(at), 3, own));
  const ring = must(gate.ringBind(frame(at), 3, own));
  const nic = device(rig, gate, [2, 0], RIGHTS.allocate);
  const port = { kind: "equal", at: 14, width: 2, mask: 0xffff, value: at } as const;
  const made = must(gate.filterInsert(0, [port], ring, nic, slot));
  must(gate.capabilityDestroy(nic));
  return made;
}

function makeTransmit(rig: Rig, gate: Gate, slot: CapSlot): TransmitId {
  const nic = device(rig, gate, [2, 0], RIGHTS.write);
  const made = must(gate.transmitBind(0, [], gate.self, nic, slot));
  must(gate.capabilityDestroy(nic));
  return made;
}

function makeExtent(rig: Rig, gate: Gate, slot: CapSlot, at: number): ExtentId {
  const disk = device(rig, gate, [3, 0], RIGHTS.allocate);
  const made = must(gate.extentAlloc(0, at, 2, disk, slot));
  must(gate.capabilityDestroy(disk));
  return made;
}

function makeRegion(gate: Gate, slot: CapSlot, at: number): RegionId {
  must(gate.framesAlloc(frame(at), 1, slot));
  return must(gate.regionCreate(frame(at), 8, 100, slot));
}

function makeMessageRing(gate: Gate, slot: CapSlot, at: number): MessageRingId {
  must(gate.framesAlloc(frame(at), 2, slot));
  return must(gate.messageRingBind(frame(at), 2, slot));
}

/** Every kind that has a guard. */
export const GUARDED_KINDS: readonly GuardedKind[] = [
  {
    name: "frame",
    kind: RESOURCE_KINDS.frame,
    make: (_rig, gate, slot, at) => must(gate.framesAlloc(frame(at), 1, slot)),
    free: (gate, id, slot) => gate.framesFree(frame(id), 1, slot),
  },
  {
    name: "slice",
    kind: RESOURCE_KINDS.slice,
    make: (_rig, gate, slot, at) => must(gate.sliceAlloc(sliceIndex(at), slot)),
    free: (gate, id, slot) => gate.sliceFree(sliceIndex(id), slot),
  },
  {
    name: "environment",
    kind: RESOURCE_KINDS.environment,
    make: (_rig, gate, slot) => must(gate.environmentCreate(() => ({ sliceBegin: () => {} }), slot)),
    free: (gate, id, slot) => gate.environmentDestroy(id as EnvId, slot),
  },
  {
    name: "filter",
    kind: RESOURCE_KINDS.filter,
    make: makeFilter,
    free: (gate, id, slot) => gate.filterRemove(id as FilterId, slot),
  },
  {
    name: "transmit",
    kind: RESOURCE_KINDS.transmit,
    make: makeTransmit,
    free: (gate, id, slot) => gate.transmitUnbind(id as TransmitId, slot),
  },
  {
    name: "extent",
    kind: RESOURCE_KINDS.extent,
    make: makeExtent,
    free: (gate, id, slot) => gate.extentFree(id as ExtentId, slot),
  },
  {
    name: "region",
    kind: RESOURCE_KINDS.region,
    make: (_rig, gate, slot, at) => makeRegion(gate, slot, at),
    free: (gate, id, slot) => gate.regionDestroy(id as RegionId, slot),
  },
  {
    name: "messageRing",
    kind: RESOURCE_KINDS.messageRing,
    make: (_rig, gate, slot, at) => makeMessageRing(gate, slot, at),
    free: (gate, id) => gate.messageRingUnbind(id as MessageRingId),
  },
];
