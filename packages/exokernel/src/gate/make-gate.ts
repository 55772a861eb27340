/** Gates: one frozen object per environment, whose every method already is that environment's. */
import type { Gate, GateCalls } from "../abi/gate.ts";
import { ABI_VERSION, TABLE_VERSION } from "../abi/version.ts";
import { capabilityDestroy, capabilityForge, capabilityGrant } from "../capability/calls.ts";
import { consoleWrite, randomFill } from "../console/calls.ts";
import { extentAlloc, extentFree } from "../disk/extent-table.ts";
import { extentTransfer } from "../disk/transfer.ts";
import { environmentCreate } from "../environment/create.ts";
import { environmentDestroy } from "../environment/destroy.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { GatherList } from "../memory/bound-window.ts";
import { frameAllocAny, frameGuard, framesAlloc, framesFree } from "../memory/frame-calls.ts";
import { windowBind, windowUnbind } from "../memory/window-calls.ts";
import { filterInsert, filterRemove } from "../network/filter-table.ts";
import { ringBind, ringUnbind } from "../network/packet-ring.ts";
import { transmit } from "../network/transmit.ts";
import { transmitBind, transmitUnbind } from "../network/transmit-table.ts";
import { sleep, sliceAlloc, sliceFree, wake, yieldTo } from "../processor/slice-calls.ts";
import { streamAccept, streamControl, streamMove, streamNext } from "../stream/stream-table.ts";
import { DEEP, SHALLOW, proveHeadroom } from "./headroom.ts";
import { capabilityReaders, makeReaders, publish, type Readers } from "./readers.ts";

/** Entry to a call that changes one thing: counted and charged; the dead have no gate. O(1). */
function enterOnce(k: Kernel, e: Environment): void {
  if (!e.alive) throw new Error("the environment of this gate is dead");
  e.calls += 1;
  k.machine.meter.charge("gateCall", 1);
}

/** Entry to a call that changes several things: it must not run out of stack between two of them. O(1). */
function enter(k: Kernel, e: Environment): void {
  proveHeadroom(DEEP);
  enterOnce(k, e);
}

/** Entry to a call that moves one packet or run of bytes: the same, for a call that never goes deep. O(1). */
function enterMove(k: Kernel, e: Environment): void {
  proveHeadroom(SHALLOW);
  enterOnce(k, e);
}

type Group<K extends keyof GateCalls> = Pick<GateCalls, K>;

const authorityCalls = (
  k: Kernel,
  e: Environment,
): Group<
  | "nullCall"
  | "capabilityForge"
  | "capabilityDestroy"
  | "capabilityGrant"
  | "environmentCreate"
  | "environmentDestroy"
> => ({
  nullCall: () => enterOnce(k, e) as undefined,
  capabilityForge: (slot, wanted) => (enter(k, e), capabilityForge(k, e, slot, wanted)),
  capabilityDestroy: (slot) => (enterOnce(k, e), capabilityDestroy(k, e, slot)),
  capabilityGrant: (environment, wanted, offered, slot) => (
    enter(k, e),
    capabilityGrant(k, e, { environment, wanted, offered, slot })
  ),
  environmentCreate: (program, slot) => (enter(k, e), environmentCreate(k, e, program, slot, makeGate)),
  environmentDestroy: (target, slot) => (enter(k, e), environmentDestroy(k, e, target, slot)),
});

const processorCalls = (
  k: Kernel,
  e: Environment,
): Group<"sliceAlloc" | "sliceFree" | "yieldTo" | "sleep" | "wake"> => ({
  sliceAlloc: (index, slot) => (enter(k, e), sliceAlloc(k, e, index, slot)),
  sliceFree: (index, slot) => (enter(k, e), sliceFree(k, e, index, slot)),
  yieldTo: (target) => (enterOnce(k, e), yieldTo(k, e, target)),
  sleep: (seen, until) => (enterOnce(k, e), sleep(e, seen, until)),
  wake: (target, slot) => (enterOnce(k, e), wake(k, e, target, slot)),
});

const memoryCalls = (
  k: Kernel,
  e: Environment,
): Group<"framesAlloc" | "frameAllocAny" | "framesFree" | "frameGuard" | "windowBind" | "windowUnbind"> => ({
  framesAlloc: (first, count, slot) => (enter(k, e), framesAlloc(k, e, first, count, slot)),
  frameAllocAny: (slot) => (enter(k, e), frameAllocAny(k, e, slot)),
  framesFree: (first, count, slot) => (enter(k, e), framesFree(k, e, first, count, slot)),
  frameGuard: (number, guard, slot) => (enter(k, e), frameGuard(k, e, number, guard, slot)),
  windowBind: (first, count, writable, slot) => (
    enter(k, e),
    windowBind(k, e, { first, count, writable, slot })
  ),
  windowUnbind: (window) => (enter(k, e), windowUnbind(k, e, window)),
});

const networkCalls = (
  k: Kernel,
  e: Environment,
): Group<
  "ringBind" | "ringUnbind" | "filterInsert" | "filterRemove" | "transmitBind" | "transmitUnbind" | "transmit"
> => ({
  ringBind: (first, count, slot) => (enter(k, e), ringBind(k, e, first, count, slot)),
  ringUnbind: (ring) => (enter(k, e), ringUnbind(k, e, ring)),
  filterInsert: (nic, filter, ring, device, guard) => (
    enter(k, e),
    filterInsert(k, e, { nic, filter, ring, device, guard })
  ),
  filterRemove: (filter, slot) => (enter(k, e), filterRemove(k, e, filter, slot)),
  transmitBind: (nic, filter, user, device, guard) => (
    enter(k, e),
    transmitBind(k, e, { nic, filter, user, device, guard })
  ),
  transmitUnbind: (binding, slot) => (enter(k, e), transmitUnbind(k, e, binding, slot)),
  transmit: (binding, gather) => {
    enterMove(k, e);
    return transmit(k, e, binding, gather);
  },
});

const deviceCalls = (
  k: Kernel,
  e: Environment,
): Group<"extentAlloc" | "extentFree" | "extentRead" | "extentWrite" | "consoleWrite" | "randomFill"> => ({
  extentAlloc: (disk, first, count, device, guard) => (
    enter(k, e),
    extentAlloc(k, e, { disk, first, count, device, guard })
  ),
  extentFree: (extent, slot) => (enter(k, e), extentFree(k, e, extent, slot)),
  extentRead: (extent, transfer, slot) => (
    enter(k, e),
    extentTransfer(k, e, { kind: "read", extent, transfer, slot })
  ),
  extentWrite: (extent, transfer, slot) => (
    enter(k, e),
    extentTransfer(k, e, { kind: "write", extent, transfer, slot })
  ),
  consoleWrite: (window, at, length, slot) => (enter(k, e), consoleWrite(k, e, { window, at, length }, slot)),
  randomFill: (window, at, length) => (enter(k, e), randomFill(k, e, { window, at, length })),
});

const streamCalls = (
  k: Kernel,
  e: Environment,
): Group<"streamAccept" | "streamNext" | "streamRead" | "streamWrite" | "streamControl"> => ({
  streamAccept: (device, slot) => (enter(k, e), streamAccept(k, e, device, slot)),
  streamNext: () => (enterMove(k, e), streamNext(e)),
  streamRead: (stream, window, at, length) => (
    enterMove(k, e),
    streamMove(k, e, { stream, window, at, length }, "read")
  ),
  streamWrite: (stream, window, at, length) => (
    enterMove(k, e),
    streamMove(k, e, { stream, window, at, length }, "write")
  ),
  streamControl: (stream, operation) => (enter(k, e), streamControl(k, e, stream, operation)),
});

const readersOf = new WeakMap<Kernel, Readers>();

/** The gate of `environment`. */
export function makeGate(kernel: Kernel, environment: Environment): Gate {
  let readers = readersOf.get(kernel);
  if (readers === undefined) {
    readers = makeReaders(kernel);
    readersOf.set(kernel, readers);
  }
  return publish({
    self: environment.id,
    abiVersion: ABI_VERSION,
    tableVersion: TABLE_VERSION,
    gather: () => new GatherList(),
    capabilities: capabilityReaders(environment),
    ...readers,
    ...authorityCalls(kernel, environment),
    ...processorCalls(kernel, environment),
    ...memoryCalls(kernel, environment),
    ...networkCalls(kernel, environment),
    ...deviceCalls(kernel, environment),
    ...streamCalls(kernel, environment),
  });
}
