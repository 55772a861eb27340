/** What every call does once the kernel has been entered: arguments on to the part that knows them. */
import type { CapabilityCalls } from "../abi/calls/capability.ts";
import type { DeviceCalls } from "../abi/calls/device.ts";
import type { DiskCalls } from "../abi/calls/disk.ts";
import type { EnvironmentCalls } from "../abi/calls/environment.ts";
import type { HandlerCalls } from "../abi/calls/handler.ts";
import type { MemoryCalls } from "../abi/calls/memory.ts";
import type { NetworkCalls } from "../abi/calls/network.ts";
import type { ProgramCalls } from "../abi/calls/program.ts";
import type { RevocationCalls } from "../abi/calls/revocation.ts";
import type { SelfCalls } from "../abi/calls/self.ts";
import type { SliceCalls } from "../abi/calls/slice.ts";
import type { StreamCalls } from "../abi/calls/stream.ts";
import type { TransferCalls } from "../abi/calls/transfer.ts";
import type { TranslationCalls } from "../abi/calls/translation.ts";
import type { GateCalls } from "../abi/gate.ts";
import { capabilityDestroy, capabilityForge, capabilityGrant } from "../capability/calls.ts";
import { guardExtend, guardSet } from "../capability/guard-calls.ts";
import { capabilityAcquire, capabilityOffer } from "../capability/offer.ts";
import { capabilityExpire, capabilitySeal, capabilityUnseal } from "../capability/seal.ts";
import { consoleWrite, randomFill } from "../console/calls.ts";
import { extentAlloc, extentFree } from "../disk/extent-table.ts";
import { extentTransfer, transfersWait } from "../disk/transfer.ts";
import { displayPort, tilesTag } from "../display/calls.ts";
import { environmentCreate, type GateMaker } from "../environment/create.ts";
import { environmentDestroy } from "../environment/destroy.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { dmaCopy } from "../memory/dma.ts";
import { frameAllocAny, framesAlloc, framesFree } from "../memory/frame-calls.ts";
import { regionCreate, regionDestroy, regionMove } from "../memory/region-table.ts";
import { windowBind, windowUnbind } from "../memory/window-calls.ts";
import { filterInsert, filterRemove } from "../network/filter-table.ts";
import { handlerInstall, handlerRemove } from "../network/handler-table.ts";
import { ringBind, ringUnbind } from "../network/packet-ring.ts";
import { transmit } from "../network/transmit.ts";
import { transmitBind, transmitUnbind } from "../network/transmit-table.ts";
import { programEnd, programLoad } from "../program/program-table.ts";
import { predicateWait } from "../processor/predicate.ts";
import { sleep, sliceAlloc, sliceFree, wake, yieldTo } from "../processor/slice-calls.ts";
import {
  backingSet,
  framesGuarantee,
  repossessionsClear,
  revocationAsk,
} from "../revocation/revocation-calls.ts";
import { streamAccept, streamControl, streamMove, streamNext } from "../stream/stream-table.ts";
import { messageRingBind, messageRingUnbind, messageSend } from "../transfer/message-ring.ts";
import {
  transferAllow,
  transferAsyncOf,
  transferBuffer,
  transferOf,
  transferReplyOf,
  transferWordsOf,
} from "../transfer/transfer.ts";
import { translationCreate, translationDestroy } from "../translation/space-table.ts";
import { tlbClear, tlbMark, tlbProtect, tlbRemove, tlbWrite } from "../translation/translation-calls.ts";
import { runBatch } from "./batch-list.ts";

const selfCalls = (k: Kernel, e: Environment): SelfCalls => ({
  nullCall: () => undefined,
  batchRun: (batch) => runBatch(k, e, batch),
});

const capabilityCalls = (k: Kernel, e: Environment): CapabilityCalls => ({
  capabilityForge: (slot, wanted) => capabilityForge(k, e, slot, wanted),
  capabilityDestroy: (slot) => capabilityDestroy(k, e, slot),
  capabilityGrant: (environment, wanted, offered, slot) =>
    capabilityGrant(k, e, { environment, wanted, offered, slot }),
  capabilityOffer: (to, wanted, slot) => capabilityOffer(k, e, to, wanted, slot),
  capabilityAcquire: (from) => capabilityAcquire(k, e, from),
  capabilitySeal: (slot, window, at) => capabilitySeal(k, e, slot, window, at),
  capabilityUnseal: (window, at, length) => capabilityUnseal(k, e, window, at, length),
  capabilityExpire: (slot) => capabilityExpire(k, e, slot),
  guardSet: (kind, id, entry, capability, slot) => guardSet(k, e, { kind, id, entry, capability, slot }),
  guardExtend: (kind, id, list, count, slot) => guardExtend(k, e, { kind, id, list, count, slot }),
});

const environmentCalls = (k: Kernel, e: Environment, makeGate: GateMaker): EnvironmentCalls => ({
  environmentCreate: (program, slot) => environmentCreate(k, e, program, slot, makeGate),
  environmentDestroy: (target, slot) => environmentDestroy(k, e, target, slot),
});

const sliceCalls = (k: Kernel, e: Environment): SliceCalls => ({
  sliceAlloc: (index, slot) => sliceAlloc(k, e, index, slot),
  sliceFree: (index, slot) => sliceFree(k, e, index, slot),
  yieldTo: (target) => yieldTo(k, e, target),
  sleep: (seen, until) => sleep(k, e, seen, until),
  wake: (target, slot) => wake(k, e, target, slot),
  predicateWait: (predicate) => predicateWait(k, e, predicate),
});

const transferCalls = (k: Kernel, e: Environment): TransferCalls => ({
  transferAllow: (kinds) => transferAllow(e, kinds),
  transferBuffer: (window, at) => transferBuffer(e, window, at),
  transfer: transferOf(k, e),
  transferWords: transferWordsOf(k, e),
  transferAsync: transferAsyncOf(k, e),
  transferReply: transferReplyOf(k, e),
  messageRingBind: (first, count, slot) => messageRingBind(k, e, first, count, slot),
  messageRingUnbind: (ring) => messageRingUnbind(k, e, ring),
  messageSend: (ring, window, at, length, slot) => messageSend(k, e, { ring, window, at, length, slot }),
});

const memoryCalls = (k: Kernel, e: Environment): MemoryCalls => ({
  framesAlloc: (first, count, slot) => framesAlloc(k, e, first, count, slot),
  frameAllocAny: (slot) => frameAllocAny(k, e, slot),
  framesFree: (first, count, slot) => framesFree(k, e, first, count, slot),
  framesGuarantee: (first, count, isGuaranteed) => framesGuarantee(k, e, first, count, isGuaranteed),
  windowBind: (first, count, writable, slot) => windowBind(k, e, { first, count, writable, slot }),
  windowUnbind: (window) => windowUnbind(k, e, window),
  regionCreate: (frame, at, length, slot) => regionCreate(k, e, { frame, at, length, slot }),
  regionDestroy: (region, slot) => regionDestroy(k, e, region, slot),
  regionRead: (region, move, slot) => regionMove(k, e, { kind: "read", region, move, slot }),
  regionWrite: (region, move, slot) => regionMove(k, e, { kind: "write", region, move, slot }),
  dmaCopy: (copy) => dmaCopy(k, e, copy),
});

const networkCalls = (k: Kernel, e: Environment): NetworkCalls => ({
  ringBind: (first, count, slot) => ringBind(k, e, first, count, slot),
  ringUnbind: (ring) => ringUnbind(k, e, ring),
  filterInsert: (nic, filter, ring, device, guard) =>
    filterInsert(k, e, { nic, filter, ring, device, guard }),
  filterRemove: (filter, slot) => filterRemove(k, e, filter, slot),
  transmitBind: (nic, filter, user, device, guard) =>
    transmitBind(k, e, { nic, filter, user, device, guard }),
  transmitUnbind: (binding, slot) => transmitUnbind(k, e, binding, slot),
  transmit: (binding, gather) => transmit(k, e, binding, gather),
});

const handlerCalls = (k: Kernel, e: Environment): HandlerCalls => ({
  handlerInstall: (filter, request, first, count, slot) =>
    handlerInstall(k, e, { filter, request, first, count, slot }),
  handlerRemove: (handler) => handlerRemove(k, e, handler),
});

const diskCalls = (k: Kernel, e: Environment): DiskCalls => ({
  extentAlloc: (disk, first, count, device, guard) =>
    extentAlloc(k, e, { disk, first, count, device, guard }),
  extentFree: (extent, slot) => extentFree(k, e, extent, slot),
  extentRead: (extent, move, slot) => extentTransfer(k, e, { kind: "read", extent, transfer: move, slot }),
  extentWrite: (extent, move, slot) => extentTransfer(k, e, { kind: "write", extent, transfer: move, slot }),
  transfersWait: () => transfersWait(k, e),
});

const revocationCalls = (k: Kernel, e: Environment): RevocationCalls => ({
  revocationAsk: (environment, kind, count, slot) => revocationAsk(k, e, { environment, kind, count, slot }),
  backingSet: (extent, block, count, slot) => backingSet(k, e, { extent, block, count, slot }),
  repossessionsClear: () => repossessionsClear(e),
});

const streamCalls = (k: Kernel, e: Environment): StreamCalls => ({
  streamAccept: (device, slot) => streamAccept(k, e, device, slot),
  streamNext: () => streamNext(e),
  streamRead: (stream, window, at, length) => streamMove(k, e, { stream, window, at, length }, "read"),
  streamWrite: (stream, window, at, length) => streamMove(k, e, { stream, window, at, length }, "write"),
  streamControl: (stream, operation) => streamControl(k, e, stream, operation),
});

const translationCalls = (k: Kernel, e: Environment): TranslationCalls => ({
  translationCreate: (pageBytes) => translationCreate(k, e, pageBytes),
  translationDestroy: () => translationDestroy(k, e),
  tlbWrite: (page, frame, count, rights, slot) => tlbWrite(k, e, { page, frame, count, rights, slot }),
  tlbProtect: (page, count, rights) => tlbProtect(k, e, page, count, rights),
  tlbRemove: (page, count) => tlbRemove(k, e, page, count),
  tlbMark: (page, count, mark) => tlbMark(k, e, page, count, mark),
  tlbClear: (page, count, use) => tlbClear(k, e, page, count, use),
});

const programCalls = (k: Kernel, e: Environment, makeGate: GateMaker): ProgramCalls => ({
  programLoad: (request, slot) => programLoad(k, e, request, slot, () => makeGate(k, e)),
  programEnd: (program) => programEnd(k, e, program),
});

const deviceCalls = (k: Kernel, e: Environment): DeviceCalls => ({
  consoleWrite: (window, at, length, slot) => consoleWrite(k, e, { window, at, length }, slot),
  randomFill: (window, at, length) => randomFill(k, e, { window, at, length }),
  tilesTag: (display, first, count, environment, slot) =>
    tilesTag(k, e, { display, first, count, environment, slot }),
  displayPort: (display) => displayPort(k, e, display),
});

/** The calls of `environment`, without the entry to the kernel that a gate puts before each. */
export const innerCalls = (k: Kernel, e: Environment, makeGate: GateMaker): GateCalls => ({
  ...selfCalls(k, e),
  ...capabilityCalls(k, e),
  ...environmentCalls(k, e, makeGate),
  ...sliceCalls(k, e),
  ...transferCalls(k, e),
  ...memoryCalls(k, e),
  ...networkCalls(k, e),
  ...handlerCalls(k, e),
  ...diskCalls(k, e),
  ...revocationCalls(k, e),
  ...streamCalls(k, e),
  ...translationCalls(k, e),
  ...programCalls(k, e, makeGate),
  ...deviceCalls(k, e),
});
