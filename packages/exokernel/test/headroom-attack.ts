/** Calls made at the very end of the stack: each is refused with nothing changed, or made whole. */
import { RIGHTS } from "@exolith/secure-bind";
import { handlerModule } from "@exolith/secure-bind/testing";
import { CALLS } from "../src/abi/calls.ts";
import {
  PAGE_USE,
  RESOURCE_KINDS,
  TRANSFER_KINDS,
  must,
  rowOf,
  virtualPage,
  type GateCalls,
  type ProgramRequest,
} from "../src/abi/index.ts";
import { isStackOverflow } from "../src/panic.ts";
import { checkTables, outcome, tableState } from "../src/testing/index.ts";
import { moduleOf } from "./program-rig.ts";
import {
  at,
  callee,
  copyOf,
  extentOf,
  gatherOf,
  makeStage,
  messagesOf,
  moveOf,
  own,
  regionOf,
  ringOf,
  streamOf,
  transferOf,
  type Scenario,
  type Stage,
} from "./refusal-stage.ts";

const entries = {
  transfer: (): number => 7,
  transferWords: (): number => 7,
  transferAsync: (): void => {},
  transferReply: (): void => {},
};

/** Somebody whom alice may enter, with a buffer for words. */
function target(stage: Stage): ReturnType<typeof callee> {
  const gate = callee(stage, entries);
  must(gate.framesAlloc(at(44), 1, own));
  must(gate.transferBuffer(must(gate.windowBind(at(44), 1, true, own)), 0));
  return gate;
}

/** Somebody whom alice keeps since a transfer. */
function kept(stage: Stage): ReturnType<typeof callee> {
  const keeper = callee(stage, { transfer: () => undefined }, 4);
  const gate = callee(stage, entries);
  must(gate.transfer(keeper.self, 1, 2, 3, 4));
  return keeper;
}

/** Alice with an address space of some pages. */
function withPages({ alice }: Stage): void {
  must(alice.translationCreate(4096));
  must(alice.tlbWrite(virtualPage(0), at(12), 4, RIGHTS.write, own));
}

const PROGRAM: ProgramRequest = {
  module: moduleOf((code) => code.i32(0), { pages: 0 }),
  mode: "segment",
  imports: [],
  context: at(24),
  contextFrames: 1,
  segment: at(25),
  segmentFrames: 1,
};
const HANDLER = { module: handlerModule((code) => code.i32(1)), fuel: 10 };

/** For every call a way to make it that is not refused: one that is missing does not compile. */
export const GOOD: { readonly [K in keyof GateCalls]: Scenario } = {
  nullCall: (s) => () => s.alice.nullCall(),
  batchRun: (s) => {
    const batch = s.alice.batch();
    batch.add("framesAlloc", at(200), 2, own);
    batch.add("framesFree", at(200), 1, own);
    return () => s.alice.batchRun(batch);
  },
  capabilityForge: (s) => () => s.alice.capabilityForge(own, { name: [1, 1, 5], rights: 7 }),
  capabilityDestroy: (s) => () => s.alice.capabilityDestroy(s.slots.weak),
  capabilityGrant: (s) => () => s.root.capabilityGrant(s.bob.self, { name: [1, 2, 3], rights: 7 }, own, own),
  capabilityOffer: (s) => () => s.alice.capabilityOffer(s.bob.self, { name: [1, 1, 5], rights: 7 }, own),
  capabilityAcquire: (s) => {
    must(s.bob.capabilityOffer(s.alice.self, { name: [1, 2, 5], rights: 7 }, own));
    return () => s.alice.capabilityAcquire(s.bob.self);
  },
  capabilitySeal: (s) => () => s.alice.capabilitySeal(own, s.memory, 0),
  capabilityUnseal: (s) => {
    const length = must(s.alice.capabilitySeal(own, s.memory, 0));
    return () => s.alice.capabilityUnseal(s.memory, 0, length);
  },
  capabilityExpire: (s) => {
    must(s.alice.capabilitySeal(own, s.memory, 0));
    return () => s.alice.capabilityExpire(own);
  },
  guardSet: (s) => () => s.alice.guardSet(RESOURCE_KINDS.frame, at(12), 1, { name: [1, 2], rights: 7 }, own),
  guardExtend: (s) => () => s.alice.guardExtend(RESOURCE_KINDS.frame, at(12), at(18), 1, own),
  environmentCreate: (s) => () => s.alice.environmentCreate(() => ({ sliceBegin: () => {} }), own),
  environmentDestroy: (s) => {
    must(s.bob.windowBind(at(40), 1, true, own));
    must(s.bob.sliceAlloc(3 as never, own));
    return () => s.root.environmentDestroy(s.bob.self, own);
  },
  sliceAlloc: (s) => () => s.alice.sliceAlloc(5 as never, own),
  sliceFree: (s) => {
    must(s.alice.sliceAlloc(5 as never, own));
    return () => s.alice.sliceFree(5 as never, own);
  },
  yieldTo: (s) => () => s.alice.yieldTo(s.bob.self),
  sleep: (s) => () => s.alice.sleep(0, 1e9 as never),
  wake: (s) => () => s.root.wake(s.bob.self, own),
  predicateWait: (s) => {
    const term = { window: s.memory, at: 0, comparison: "equal", value: 7 } as const;
    return () => s.alice.predicateWait([{ tag: 3, terms: [term] }]);
  },
  transferAllow: (s) => () => s.alice.transferAllow(TRANSFER_KINDS.none),
  transferBuffer: (s) => () => s.alice.transferBuffer(s.memory, 0),
  transfer: (s) => {
    const { self } = target(s);
    return () => s.alice.transfer(self, 1, 2, 3, 4);
  },
  transferWords: (s) => {
    const { self } = target(s);
    return () => s.alice.transferWords(self, s.memory, 0, 16, 1);
  },
  transferAsync: (s) => {
    const { self } = target(s);
    return () => s.alice.transferAsync(self, 1, 2, 3, 4);
  },
  transferReply: (s) => {
    const keeper = kept(s);
    const waiting = s.root.environments.id(rowOf(keeper.self) + 1);
    return () => keeper.transferReply(waiting as never, 1, 2, 3, 4);
  },
  messageRingBind: (s) => () => s.alice.messageRingBind(at(20), 2, own),
  messageRingUnbind: (s) => {
    const ring = messagesOf(s);
    return () => s.alice.messageRingUnbind(ring);
  },
  messageSend: (s) => {
    const ring = messagesOf(s);
    return () => s.alice.messageSend(ring, s.memory, 0, 64, own);
  },
  framesAlloc: (s) => () => s.alice.framesAlloc(at(200), 8, own),
  frameAllocAny: (s) => () => s.alice.frameAllocAny(own),
  framesFree: (s) => {
    must(s.alice.windowBind(at(16), 4, true, own));
    regionOf(s);
    return () => s.alice.framesFree(at(15), 10, own);
  },
  framesGuarantee: (s) => () => s.alice.framesGuarantee(at(15), 5, true),
  windowBind: (s) => () => s.alice.windowBind(at(10), 4, true, own),
  windowUnbind: (s) => () => s.alice.windowUnbind(s.memory),
  regionCreate: (s) => () => s.alice.regionCreate(at(16), 8, 64, own),
  regionDestroy: (s) => {
    const region = regionOf(s);
    return () => s.alice.regionDestroy(region, own);
  },
  regionRead: (s) => {
    const region = regionOf(s);
    return () => s.alice.regionRead(region, moveOf(s), own);
  },
  regionWrite: (s) => {
    const region = regionOf(s);
    return () => s.alice.regionWrite(region, moveOf(s), own);
  },
  dmaCopy: (s) => () => s.alice.dmaCopy(copyOf(s)),
  ringBind: (s) => () => s.alice.ringBind(at(20), 3, own),
  ringUnbind: (s) => {
    const ring = ringOf(s);
    return () => s.alice.ringUnbind(ring);
  },
  filterInsert: (s) => {
    const ring = ringOf(s);
    return () => s.alice.filterInsert(0, [], ring, s.slots.nic, own);
  },
  filterRemove: (s) => {
    const filter = must(s.alice.filterInsert(0, [], ringOf(s), s.slots.nic, own));
    return () => s.alice.filterRemove(filter, own);
  },
  handlerInstall: (s) => {
    const filter = must(s.alice.filterInsert(0, [], ringOf(s), s.slots.nic, own));
    return () => s.alice.handlerInstall(filter, HANDLER, at(24), 1, own);
  },
  handlerRemove: (s) => {
    const filter = must(s.alice.filterInsert(0, [], ringOf(s), s.slots.nic, own));
    const handler = must(s.alice.handlerInstall(filter, HANDLER, at(24), 1, own));
    return () => s.alice.handlerRemove(handler);
  },
  transmitBind: (s) => () => s.alice.transmitBind(0, [], s.alice.self, s.slots.nic, own),
  transmitUnbind: (s) => {
    const binding = must(s.alice.transmitBind(0, [], s.alice.self, s.slots.nic, own));
    return () => s.alice.transmitUnbind(binding, own);
  },
  transmit: (s) => {
    const binding = must(s.alice.transmitBind(0, [], s.alice.self, s.slots.nic, own));
    const gather = gatherOf(s, s.memory, 60);
    return () => s.alice.transmit(binding, gather);
  },
  extentAlloc: (s) => () => s.alice.extentAlloc(0, 100, 16, s.slots.disk, own),
  extentFree: (s) => {
    const extent = extentOf(s);
    return () => s.alice.extentFree(extent, own);
  },
  extentRead: (s) => {
    const extent = extentOf(s);
    return () => s.alice.extentRead(extent, transferOf(s), own);
  },
  extentWrite: (s) => {
    const extent = extentOf(s);
    return () => s.alice.extentWrite(extent, transferOf(s), own);
  },
  transfersWait: (s) => {
    must(s.alice.extentRead(extentOf(s), transferOf(s), own));
    return () => s.alice.transfersWait();
  },
  revocationAsk: (s) => () => s.root.revocationAsk(s.alice.self, RESOURCE_KINDS.frame, 2, own),
  backingSet: (s) => {
    const extent = extentOf(s);
    return () => s.alice.backingSet(extent, 0, 8, own);
  },
  repossessionsClear: (s) => () => s.alice.repossessionsClear(),
  streamAccept: (s) => {
    s.rig.machine.streams[0]?.world.open();
    return () => s.alice.streamAccept(0, s.slots.stream);
  },
  streamNext: (s) => {
    streamOf(s);
    s.rig.kernel.step();
    return () => s.alice.streamNext();
  },
  streamRead: (s) => {
    const stream = streamOf(s);
    return () => s.alice.streamRead(stream, s.memory, 0, 64);
  },
  streamWrite: (s) => {
    const stream = streamOf(s);
    return () => s.alice.streamWrite(stream, s.memory, 0, 64);
  },
  streamControl: (s) => {
    const stream = streamOf(s);
    return () => s.alice.streamControl(stream, "close");
  },
  translationCreate: (s) => () => s.alice.translationCreate(4096),
  translationDestroy: (s) => {
    withPages(s);
    return () => s.alice.translationDestroy();
  },
  tlbWrite: (s) => {
    withPages(s);
    return () => s.alice.tlbWrite(virtualPage(2), at(14), 6, RIGHTS.none, own);
  },
  tlbProtect: (s) => {
    withPages(s);
    return () => s.alice.tlbProtect(virtualPage(0), 8, RIGHTS.none);
  },
  tlbMark: (s) => {
    withPages(s);
    return () => s.alice.tlbMark(virtualPage(0), 8, 5);
  },
  tlbClear: (s) => {
    withPages(s);
    return () => s.alice.tlbClear(virtualPage(0), 8, PAGE_USE.accessed);
  },
  tlbRemove: (s) => {
    withPages(s);
    return () => s.alice.tlbRemove(virtualPage(0), 3);
  },
  programLoad: (s) => () => s.alice.programLoad(PROGRAM, own),
  programEnd: (s) => {
    const { id } = must(s.alice.programLoad(PROGRAM, own));
    return () => s.alice.programEnd(id);
  },
  consoleWrite: (s) => () => s.alice.consoleWrite(s.memory, 0, 64, s.slots.console),
  randomFill: (s) => () => s.alice.randomFill(s.memory, 0, 64),
  tilesTag: (s) => () => s.alice.tilesTag(0, 0, 4, s.alice.self, s.slots.display),
  displayPort: (s) => () => s.alice.displayPort(0),
};

/** What came of an attempt at the end of the stack. */
interface Climb {
  /** Attempts refused for want of stack before one was made. */
  readonly refusals: number;
  readonly result: unknown;
}

/** Goes to the end of the stack, and back frame by frame, with an attempt in each until one is made. */
export function climb(attempt: () => unknown): Climb {
  let refusals = 0;
  let isMade = false;
  let result: unknown;
  let refused: unknown;
  const back = (): void => {
    try {
      back();
    } catch {
      // The end of the stack: from here on, back.
    }
    if (isMade) return;
    try {
      result = attempt();
      isMade = true;
    } catch (reason) {
      // Looked at later: there is no stack to look at it here.
      refused = reason;
      refusals += 1;
    }
  };
  back();
  const isRight = isMade && (refusals === 0 || isStackOverflow(refused));
  return { refusals, result: isRight ? result : refused };
}

/** Everything that a refused call must have left alone, and that one call changes the same way wherever it is made. */
function stateOf({ rig, root, alice, bob }: Stage): string {
  checkTables(root);
  const calls = [root, alice, bob].map(({ self }) => root.environments.calls(rowOf(self)));
  const faults = Array.from({ length: root.environments.count }, (_, row) => root.environments.faults(row));
  return JSON.stringify([rig.machine.clock.now(), calls, faults, tableState(root)]);
}

/** What is wrong with a call that was made at the end of the stack; `undefined` when nothing is. */
export function attack(scenario: Scenario): string | undefined {
  const deep = makeStage();
  const { refusals, result } = climb(scenario(deep));
  const shallow = makeStage();
  const expected = outcome(scenario(shallow)());
  if (expected !== "ok") return `is refused with ${expected} where there is room`;
  if (refusals === 0) return "was never refused for want of stack";
  if (result instanceof Error) return `threw ${result.message}`;
  if (outcome(result) !== expected) return `came to ${outcome(result)}, not ${expected}`;
  return stateOf(deep) === stateOf(shallow) ? undefined : "left another state than a call with room";
}

/** Attacks by every call; what is wrong, call by call. */
export function attackAll(): Readonly<Record<string, string>> {
  const wrong: Record<string, string> = {};
  for (const name of Object.keys(CALLS) as (keyof GateCalls)[]) {
    const found = attack(GOOD[name]);
    if (found !== undefined) wrong[name] = found;
  }
  return wrong;
}
