/** For every call and every refusal in its row, one small scenario that provokes exactly it. */
import { RIGHTS, type Filter, type FilterTerm } from "@exolith/secure-bind";
import {
  CAPABILITY_SLOTS,
  EXTENTS,
  GUARANTEED_FRAMES,
  GUARD_RECORDS,
  PREDICATE_FRAMES,
  REGIONS,
  RESOURCE_KINDS,
  SLICES,
  STREAMS,
  TRANSFER_DEPTH,
  TRANSFER_KINDS,
  TRANSFER_WORDS,
  TRANSMITS,
  WINDOWS,
  NEVER,
  must,
  sliceIndex,
  type EnvId,
  type Gate,
  type Program,
} from "../src/abi/index.ts";
import {
  EMPTY,
  NOTHING,
  at,
  call,
  callee,
  copyOf,
  credentials,
  extentOf,
  gatherOf,
  having,
  messagesOf,
  moveOf,
  own,
  regionOf,
  ringOf,
  streamOf,
  transferOf,
  unchanged,
  useUp,
  makeStage,
  type Scenario,
  type Scenarios,
  type Stage,
} from "./refusal-stage.ts";
import { handlerScenarios } from "./refusal-handlers.ts";
import { programScenarios } from "./refusal-programs.ts";

const BAD_NAME = { name: [300], rights: 0 };
const SMALL = { name: [1, 1, 5], rights: RIGHTS.write };
const NOBODY = 0 as EnvId;
const OUTSIDE = at(1024);
const FREE = at(500);
const idle: Program = () => ({ sliceBegin: () => {} });

/** Sets something up before the call. */
const after =
  (prepare: (stage: Stage) => void, act: (stage: Stage) => unknown): Scenario =>
  (stage) => {
    prepare(stage);
    return () => act(stage);
  };

const fillList = ({ alice }: Stage): void =>
  useUp(() => alice.capabilityForge(own, SMALL), CAPABILITY_SLOTS + 1);

const capability: Pick<
  Scenarios,
  | "capabilityForge"
  | "capabilityDestroy"
  | "capabilityGrant"
  | "capabilityOffer"
  | "capabilityAcquire"
  | "capabilitySeal"
  | "capabilityUnseal"
  | "capabilityExpire"
> = {
  capabilityForge: {
    BadSlot: after(fillList, (s) => s.alice.capabilityForge(own, SMALL)),
    BadCapability: call((s) => s.alice.capabilityForge(s.slots.weak, { name: [1, 1], rights: 0 })),
    BadName: call((s) => s.alice.capabilityForge(own, BAD_NAME)),
  },
  capabilityDestroy: { BadSlot: call((s) => s.alice.capabilityDestroy(EMPTY)) },
  capabilityGrant: {
    BadEnvironment: call((s) => s.alice.capabilityGrant(NOBODY, SMALL, own, own)),
    BadName: call((s) => s.alice.capabilityGrant(s.alice.self, BAD_NAME, own, own)),
    BadSlot: call((s) => s.alice.capabilityGrant(s.alice.self, SMALL, EMPTY, own)),
    BadCapability: call((s) => s.alice.capabilityGrant(s.bob.self, SMALL, own, own)),
  },
  capabilityOffer: {
    BadEnvironment: call((s) => s.alice.capabilityOffer(NOBODY, SMALL, own)),
    BadName: call((s) => s.alice.capabilityOffer(s.bob.self, BAD_NAME, own)),
    BadSlot: call((s) => s.alice.capabilityOffer(s.bob.self, SMALL, EMPTY)),
    BadCapability: call((s) => s.alice.capabilityOffer(s.bob.self, SMALL, s.slots.weak)),
  },
  capabilityAcquire: {
    BadEnvironment: call((s) => s.alice.capabilityAcquire(NOBODY)),
    Empty: after(
      (s) => must(s.bob.capabilityOffer(s.root.self, { name: [1, 2], rights: 0 }, own)),
      (s) => s.alice.capabilityAcquire(s.bob.self),
    ),
    BadSlot: after(
      (s) => {
        fillList(s);
        must(s.bob.capabilityOffer(s.alice.self, { name: [1, 2], rights: 0 }, own));
      },
      (s) => s.alice.capabilityAcquire(s.bob.self),
    ),
  },
  capabilitySeal: {
    BadSlot: call((s) => s.alice.capabilitySeal(EMPTY, s.memory, 0)),
    BadCapability: call((s) => s.alice.capabilitySeal(s.slots.weak, s.memory, 0)),
    BadWindow: call((s) => s.alice.capabilitySeal(own, s.reader, 0)),
    BadRange: call((s) => s.alice.capabilitySeal(own, s.memory, s.memory.length - 31)),
  },
  capabilityUnseal: {
    BadWindow: call((s) => s.alice.capabilityUnseal(s.dead, 0, 32)),
    BadRange: call((s) => s.alice.capabilityUnseal(s.memory, s.memory.length - 31, 32)),
    BadToken: after(
      (s) => {
        must(s.alice.capabilitySeal(own, s.memory, 0));
        s.memory.setU8(31, s.memory.getU8(31) ^ 1);
      },
      (s) => s.alice.capabilityUnseal(s.memory, 0, 32),
    ),
    BadSlot: after(
      (s) => {
        must(s.alice.capabilitySeal(own, s.memory, 0));
        fillList(s);
      },
      (s) => s.alice.capabilityUnseal(s.memory, 0, 32),
    ),
  },
  capabilityExpire: {
    BadSlot: call((s) => s.alice.capabilityExpire(EMPTY)),
    BadCapability: call((s) => s.alice.capabilityExpire(s.slots.weak)),
  },
};

const guard: Pick<Scenarios, "guardSet" | "guardExtend"> = {
  guardSet: {
    BadResource: having(ringOf, (s, ring) => s.alice.guardSet(RESOURCE_KINDS.ring, ring, 1, SMALL, own)),
    BadGuard: call((s) => s.alice.guardSet(RESOURCE_KINDS.frame, 10, 0, SMALL, own)),
    BadName: call((s) => s.alice.guardSet(RESOURCE_KINDS.frame, 10, 1, BAD_NAME, own)),
    ...credentials((s, slot) => s.alice.guardSet(RESOURCE_KINDS.frame, 10, 1, SMALL, slot)),
  },
  guardExtend: {
    BadResource: call((s) => s.alice.guardExtend(RESOURCE_KINDS.frame, 500, at(16), 1, own)),
    BadFrame: call((s) => s.alice.guardExtend(RESOURCE_KINDS.frame, 10, FREE, 1, own)),
    BadRange: call((s) => s.alice.guardExtend(RESOURCE_KINDS.frame, 10, at(16), GUARD_RECORDS + 1, own)),
    ...credentials((s, slot) => s.alice.guardExtend(RESOURCE_KINDS.frame, 10, at(16), 1, slot)),
  },
};

const environment: Pick<Scenarios, "environmentCreate" | "environmentDestroy"> = {
  environmentCreate: {
    BadSlot: call((s) => s.alice.environmentCreate(idle, EMPTY)),
    BadCapability: call((s) => s.alice.environmentCreate(idle, s.slots.weak)),
    BadProgram: call((s) => s.alice.environmentCreate(() => ({}) as never, own)),
    Full: after(
      (s) => useUp(() => s.root.environmentCreate(idle, own), 300),
      (s) => s.alice.environmentCreate(idle, own),
    ),
  },
  environmentDestroy: {
    BadEnvironment: call((s) => s.alice.environmentDestroy(NOBODY, own)),
    ...credentials((s, slot) => s.alice.environmentDestroy(s.bob.self, slot)),
  },
};

const words = (s: Stage, count: number): readonly { tag: number; terms: never[] }[] => {
  const window = must(s.root.windowBind(at(100), count, false, own));
  return Array.from({ length: count }, (_, i) => ({
    tag: 1,
    terms: [{ window, at: i * 4096, comparison: "equal", value: 1 } as never],
  }));
};
const term = (window: unknown, offset = 0): never =>
  ({ window, at: offset, comparison: "equal", value: 1 }) as never;

const slice: Pick<
  Scenarios,
  "sliceAlloc" | "sliceFree" | "yieldTo" | "sleep" | "wake" | "predicateWait" | "nullCall" | "batchRun"
> = {
  nullCall: {},
  sleep: {},
  batchRun: {
    BadBatch: having(
      (s) => s.alice.batch(),
      (s, batch) => s.alice.batchRun(batch),
    ),
  },
  sliceAlloc: {
    BadSlice: call((s) => s.alice.sliceAlloc(sliceIndex(SLICES), own)),
    Busy: after(
      (s) => must(s.bob.sliceAlloc(sliceIndex(3), own)),
      (s) => s.alice.sliceAlloc(sliceIndex(3), own),
    ),
    BadSlot: call((s) => s.alice.sliceAlloc(sliceIndex(3), EMPTY)),
  },
  sliceFree: {
    BadSlice: call((s) => s.alice.sliceFree(sliceIndex(3), own)),
    BadSlot: after(
      (s) => must(s.alice.sliceAlloc(sliceIndex(3), own)),
      (s) => s.alice.sliceFree(sliceIndex(3), EMPTY),
    ),
    BadCapability: after(
      (s) => must(s.alice.sliceAlloc(sliceIndex(3), own)),
      (s) => s.alice.sliceFree(sliceIndex(3), s.slots.weak),
    ),
  },
  yieldTo: { BadEnvironment: call((s) => s.alice.yieldTo(NOBODY)) },
  wake: {
    BadEnvironment: call((s) => s.alice.wake(NOBODY, own)),
    ...credentials((s, slot) => s.alice.wake(s.bob.self, slot)),
  },
  predicateWait: {
    BadPredicate: call((s) => s.alice.predicateWait([])),
    BadWindow: call((s) => s.alice.predicateWait([{ tag: 1, terms: [term(s.dead)] }])),
    BadRange: call((s) => s.alice.predicateWait([{ tag: 1, terms: [term(s.memory, 2)] }])),
    Full: having(
      (s) => {
        must(s.root.framesAlloc(at(100), PREDICATE_FRAMES + 1, own));
        return words(s, PREDICATE_FRAMES + 1);
      },
      (s, predicate) => s.root.predicateWait(predicate),
    ),
  },
};

const answers = (s: Stage): Gate =>
  callee(s, { transfer: () => 1, transferWords: () => 1, transferAsync: () => {} });
const throws = (): never => {
  throw new Error("the callee's own");
};
/** A callee for words, with its buffer named. */
const listens = (s: Stage, entry: () => number | undefined = () => 1): Gate => {
  const gate = callee(s, { transferWords: entry });
  must(gate.framesAlloc(at(60), 1, own));
  must(gate.transferBuffer(must(gate.windowBind(at(60), 1, true, own)), 0));
  return gate;
};

/**
 * A chain of environments that call each other as deep as may be.
 *
 * The innermost is asked once before, by `guest`, whom it keeps. What `end`
 * makes of it is called inside the chain, and must change nothing.
 */
function deep(s: Stage, end: (innermost: Gate, guest: Gate) => () => unknown): unknown {
  let refusal: unknown;
  const acts: (() => unknown)[] = [];
  const innermost = callee(
    s,
    {
      transfer: () => {
        const [act] = acts;
        if (act === undefined) return undefined;
        refusal = unchanged(s, act);
        return 1;
      },
    },
    90,
  );
  const guest = callee(s, {}, 91);
  must(guest.transfer(innermost.self, 0, 0, 0, 0));
  acts.push(end(innermost, guest));
  let next = innermost.self;
  for (let i = 1; i < TRANSFER_DEPTH; i++) {
    const target = next;
    const gate: Gate = callee(s, { transfer: () => must(gate.transfer(target, 0, 0, 0, 0)) }, 100 + i);
    next = gate.self;
  }
  must(s.alice.transfer(next, 0, 0, 0, 0));
  return refusal;
}

const tooDeep = (end: (stage: Stage, innermost: Gate, guest: Gate) => () => unknown): Scenario =>
  having(
    (s) => deep(s, (innermost, guest) => end(s, innermost, guest)),
    (_, refusal) => refusal,
  );

const transfer: Pick<
  Scenarios,
  "transferAllow" | "transferBuffer" | "transfer" | "transferWords" | "transferAsync" | "transferReply"
> = {
  transferAllow: { BadRange: call((s) => s.alice.transferAllow(TRANSFER_KINDS.all + 1)) },
  transferBuffer: {
    BadWindow: call((s) => s.alice.transferBuffer(s.reader, 0)),
    BadRange: call((s) => s.alice.transferBuffer(s.memory, s.memory.length - TRANSFER_WORDS * 4 + 4)),
  },
  transfer: {
    BadEnvironment: call((s) => s.alice.transfer(NOBODY, 1, 2, 3, 4)),
    NoEntry: call((s) => s.alice.transfer(s.bob.self, 1, 2, 3, 4)),
    Blocked: having(
      (s) => {
        const gate = answers(s);
        must(gate.transferAllow(TRANSFER_KINDS.asynchronous));
        return gate.self;
      },
      (s, self) => s.alice.transfer(self, 1, 2, 3, 4),
    ),
    TooDeep: tooDeep((s, gate) => {
      const { self } = answers(s);
      return () => gate.transfer(self, 0, 0, 0, 0);
    }),
    BadRange: having(answers, (s, { self }) => s.alice.transfer(self, 1, 2, "3" as never, 4)),
    Faulted: having(
      (s) => callee(s, { transfer: throws }),
      (s, { self }) => s.alice.transfer(self, 1, 2, 3, 4),
    ),
  },
  transferWords: {
    BadEnvironment: call((s) => s.alice.transferWords(NOBODY, s.memory, 0, 4, 0)),
    NoEntry: having(answers, (s, { self }) => s.alice.transferWords(self, s.memory, 0, 4, 0)),
    Blocked: having(
      (s) => {
        const gate = listens(s);
        must(gate.transferAllow(TRANSFER_KINDS.none));
        return gate.self;
      },
      (s, self) => s.alice.transferWords(self, s.memory, 0, 4, 0),
    ),
    TooDeep: tooDeep((s, gate) => {
      const { self } = listens(s);
      must(gate.framesAlloc(at(70), 1, own));
      const window = must(gate.windowBind(at(70), 1, true, own));
      return () => gate.transferWords(self, window, 0, 4, 0);
    }),
    BadWindow: having(listens, (s, { self }) => s.alice.transferWords(self, s.dead, 0, 4, 0)),
    BadRange: having(listens, (s, { self }) =>
      s.alice.transferWords(self, s.memory, 0, TRANSFER_WORDS + 1, 0),
    ),
    Faulted: having(
      (s) => listens(s, throws),
      (s, { self }) => s.alice.transferWords(self, s.memory, 0, 4, 0),
    ),
  },
  transferAsync: {
    BadEnvironment: call((s) => s.alice.transferAsync(NOBODY, 1, 2, 3, 4)),
    NoEntry: call((s) => s.alice.transferAsync(s.bob.self, 1, 2, 3, 4)),
    Blocked: having(
      (s) => {
        const gate = answers(s);
        must(gate.transferAllow(TRANSFER_KINDS.synchronous));
        return gate.self;
      },
      (s, self) => s.alice.transferAsync(self, 1, 2, 3, 4),
    ),
    Busy: having(
      (s) => {
        const { self } = answers(s);
        let refusal: unknown;
        const eager: Gate = callee(
          s,
          {
            transfer: () => {
              must(eager.transferAsync(self, 1, 2, 3, 4));
              refusal = unchanged(s, () => eager.transferAsync(self, 1, 2, 3, 4));
              return 1;
            },
          },
          7,
        );
        must(s.alice.transfer(eager.self, 0, 0, 0, 0));
        return refusal;
      },
      (_, refusal) => refusal,
    ),
    TooDeep: tooDeep((s, gate) => {
      const { self } = answers(s);
      return () => gate.transferAsync(self, 0, 0, 0, 0);
    }),
    BadRange: having(answers, (s, { self }) => s.alice.transferAsync(self, {} as never, 2, 3, 4)),
  },
  transferReply: {
    BadEnvironment: call((s) => s.alice.transferReply(s.bob.self, 1, 2, 3, 4)),
    TooDeep: tooDeep((_, gate, guest) => () => gate.transferReply(guest.self, 0, 0, 0, 0)),
    BadRange: having(
      (s) => {
        const gate = callee(s, { transfer: () => undefined });
        must(s.alice.transfer(gate.self, 1, 2, 3, 4));
        return gate;
      },
      (s, gate) => gate.transferReply(s.alice.self, 1, null as never, 3, 4),
    ),
  },
};

const message: Pick<Scenarios, "messageRingBind" | "messageRingUnbind" | "messageSend"> = {
  messageRingBind: {
    BadFrame: call((s) => s.alice.messageRingBind(OUTSIDE, 2, own)),
    BadRange: call((s) => s.alice.messageRingBind(at(20), 1, own)),
    Pinned: after(messagesOf, (s) => s.alice.messageRingBind(at(20), 2, own)),
    ...credentials((s, slot) => s.alice.messageRingBind(at(20), 2, slot)),
    Full: after(
      ({ root }) => {
        must(root.framesAlloc(at(100), 600, own));
        useUp((i) => root.messageRingBind(at(100 + 2 * i), 2, own), 300);
      },
      (s) => s.alice.messageRingBind(at(20), 2, own),
    ),
  },
  messageRingUnbind: { BadRing: having(messagesOf, (s, ring) => s.bob.messageRingUnbind(ring)) },
  messageSend: {
    BadRing: call((s) => s.alice.messageSend(NOTHING, s.memory, 0, 8, own)),
    BadWindow: having(messagesOf, (s, ring) => s.alice.messageSend(ring, s.dead, 0, 8, own)),
    BadRange: having(messagesOf, (s, ring) => s.alice.messageSend(ring, s.memory, 0, 65, own)),
    Full: having(
      (s) => {
        const ring = messagesOf(s);
        useUp(() => s.alice.messageSend(ring, s.memory, 0, 8, own), 100);
        return ring;
      },
      (s, ring) => s.alice.messageSend(ring, s.memory, 0, 8, own),
    ),
    BadSlot: having(messagesOf, (s, ring) => s.alice.messageSend(ring, s.memory, 0, 8, EMPTY)),
    BadCapability: having(messagesOf, (s, ring) =>
      s.alice.messageSend(ring, s.memory, 0, 8, s.slots.stranger),
    ),
  },
};

const frames: Pick<
  Scenarios,
  "framesAlloc" | "frameAllocAny" | "framesFree" | "framesGuarantee" | "windowBind" | "windowUnbind"
> = {
  framesAlloc: {
    BadFrame: call((s) => s.alice.framesAlloc(OUTSIDE, 1, own)),
    BadRange: call((s) => s.alice.framesAlloc(FREE, 0, own)),
    Busy: call((s) => s.alice.framesAlloc(at(39), 2, own)),
    BadSlot: call((s) => s.alice.framesAlloc(FREE, 1, EMPTY)),
  },
  frameAllocAny: {
    Full: after(
      (s) => useUp(() => s.root.frameAllocAny(own), 2000),
      (s) => s.alice.frameAllocAny(own),
    ),
    BadSlot: call((s) => s.alice.frameAllocAny(EMPTY)),
  },
  framesFree: {
    BadFrame: call((s) => s.alice.framesFree(FREE, 1, own)),
    BadRange: call((s) => s.alice.framesFree(at(10), 0, own)),
    Pinned: after(ringOf, (s) => s.alice.framesFree(at(19), 2, own)),
    ...credentials((s, slot) => s.alice.framesFree(at(10), 1, slot)),
  },
  framesGuarantee: {
    BadFrame: call((s) => s.alice.framesGuarantee(at(40), 1, true)),
    BadRange: call((s) => s.alice.framesGuarantee(at(10), 0, true)),
    Full: call((s) => s.alice.framesGuarantee(at(10), GUARANTEED_FRAMES + 1, true)),
  },
  windowBind: {
    BadFrame: call((s) => s.alice.windowBind(FREE, 1, true, own)),
    BadRange: call((s) => s.alice.windowBind(at(10), 2000, true, own)),
    ...credentials((s, slot) => s.alice.windowBind(at(10), 1, true, slot)),
    Full: after(
      (s) => useUp(() => s.alice.windowBind(at(10), 1, false, own), WINDOWS + 1),
      (s) => s.alice.windowBind(at(10), 1, false, own),
    ),
  },
  windowUnbind: { BadWindow: call((s) => s.alice.windowUnbind(s.dead)) },
};

/** Refusals that reading and writing a region share. */
const regionMoves = (
  kind: "regionRead" | "regionWrite",
): Scenarios["regionRead"] & Scenarios["regionWrite"] => ({
  BadRegion: call((s) => s.alice[kind](NOTHING, moveOf(s), own)),
  BadWindow: having(regionOf, (s, region) => s.alice[kind](region, moveOf(s, { window: s.dead }), own)),
  BadRange: having(regionOf, (s, region) => s.alice[kind](region, moveOf(s, { length: 65 }), own)),
  BadSlot: having(regionOf, (s, region) => s.alice[kind](region, moveOf(s), EMPTY)),
  BadCapability: having(regionOf, (s, region) => s.alice[kind](region, moveOf(s), s.slots.stranger)),
});

const regions: Pick<Scenarios, "regionCreate" | "regionDestroy" | "regionRead" | "regionWrite" | "dmaCopy"> =
  {
    regionCreate: {
      BadFrame: call((s) => s.alice.regionCreate(FREE, 0, 64, own)),
      BadRange: call((s) => s.alice.regionCreate(at(16), 4090, 8, own)),
      ...credentials((s, slot) => s.alice.regionCreate(at(16), 0, 64, slot)),
      Full: after(
        (s) => useUp((i) => s.alice.regionCreate(at(16), i % 4096, 1, own), REGIONS + 1),
        (s) => s.alice.regionCreate(at(16), 0, 1, own),
      ),
    },
    regionDestroy: {
      BadRegion: call((s) => s.alice.regionDestroy(NOTHING, own)),
      BadSlot: having(regionOf, (s, region) => s.alice.regionDestroy(region, EMPTY)),
      BadCapability: having(regionOf, (s, region) => s.alice.regionDestroy(region, s.slots.weak)),
    },
    regionRead: regionMoves("regionRead"),
    regionWrite: regionMoves("regionWrite"),
    dmaCopy: {
      NoDevice: () => {
        const s = makeStage({ dma: false });
        return () => s.alice.dmaCopy(copyOf(s));
      },
      BadWindow: call((s) => s.alice.dmaCopy(copyOf(s, { to: s.reader }))),
      BadRange: call((s) => s.alice.dmaCopy(copyOf(s, { statusAt: 2 }))),
      Full: after(
        (s) => useUp(() => s.alice.dmaCopy(copyOf(s)), 200),
        (s) => s.alice.dmaCopy(copyOf(s)),
      ),
    },
  };

const byte = (offset: number, value: number): FilterTerm => ({
  kind: "equal",
  at: offset,
  width: 1,
  mask: 0xff,
  value,
});
const ARP: Filter = [{ kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x0806 }];
const MALFORMED = [{ kind: "equal", at: 0, width: 3, mask: 0, value: 0 }] as never;
/** A filter that costs 200 steps and shares none with another of these. */
const costly = (k: number): Filter => Array.from({ length: 200 }, (_, i) => byte(k + i, 1));

const network: Pick<
  Scenarios,
  "ringBind" | "ringUnbind" | "filterInsert" | "filterRemove" | "transmitBind" | "transmitUnbind" | "transmit"
> = {
  ringBind: {
    BadFrame: call((s) => s.alice.ringBind(OUTSIDE, 3, own)),
    BadRange: call((s) => s.alice.ringBind(at(20), 1, own)),
    Pinned: after(ringOf, (s) => s.alice.ringBind(at(22), 3, own)),
    ...credentials((s, slot) => s.alice.ringBind(at(20), 3, slot)),
    Full: after(
      ({ root }) => {
        must(root.framesAlloc(at(100), 600, own));
        useUp((i) => root.ringBind(at(100 + 2 * i), 2, own), 300);
      },
      (s) => s.alice.ringBind(at(20), 3, own),
    ),
  },
  ringUnbind: { BadRing: having(ringOf, (s, ring) => s.bob.ringUnbind(ring)) },
  filterInsert: {
    NoDevice: having(ringOf, (s, ring) => s.alice.filterInsert(1, ARP, ring, s.slots.nic, own)),
    BadFilter: having(ringOf, (s, ring) => s.alice.filterInsert(0, MALFORMED, ring, s.slots.nic, own)),
    Overlap: having(
      (s) => {
        const ring = ringOf(s);
        must(s.alice.filterInsert(0, ARP, ring, s.slots.nic, own));
        return ring;
      },
      (s, ring) => s.alice.filterInsert(0, ARP, ring, s.slots.nic, own),
    ),
    BadRing: call((s) => s.alice.filterInsert(0, ARP, NOTHING, s.slots.nic, own)),
    BadSlot: having(ringOf, (s, ring) => s.alice.filterInsert(0, ARP, ring, s.slots.nic, EMPTY)),
    BadCapability: having(ringOf, (s, ring) => s.alice.filterInsert(0, ARP, ring, own, own)),
    Full: having(
      (s) => {
        const ring = ringOf(s);
        useUp((k) => s.alice.filterInsert(0, costly(k), ring, s.slots.nic, own), 30);
        return ring;
      },
      (s, ring) => s.alice.filterInsert(0, costly(40), ring, s.slots.nic, own),
    ),
  },
  filterRemove: {
    NoFilter: call((s) => s.alice.filterRemove(NOTHING, own)),
    BadSlot: having(
      (s) => must(s.alice.filterInsert(0, ARP, ringOf(s), s.slots.nic, own)),
      (s, filter) => s.alice.filterRemove(filter, EMPTY),
    ),
    BadCapability: having(
      (s) => must(s.alice.filterInsert(0, ARP, ringOf(s), s.slots.nic, own)),
      (s, filter) => s.bob.filterRemove(filter, own),
    ),
  },
  transmitBind: {
    NoDevice: call((s) => s.alice.transmitBind(1, ARP, s.alice.self, s.slots.nic, own)),
    BadFilter: call((s) => s.alice.transmitBind(0, MALFORMED, s.alice.self, s.slots.nic, own)),
    BadEnvironment: call((s) => s.alice.transmitBind(0, ARP, NOBODY, s.slots.nic, own)),
    BadSlot: call((s) => s.alice.transmitBind(0, ARP, s.alice.self, s.slots.nic, EMPTY)),
    BadCapability: call((s) => s.alice.transmitBind(0, ARP, s.alice.self, own, own)),
    Full: after(
      (s) => useUp(() => s.root.transmitBind(0, ARP, s.bob.self, own, own), TRANSMITS + 1),
      (s) => s.alice.transmitBind(0, ARP, s.alice.self, s.slots.nic, own),
    ),
  },
  transmitUnbind: {
    BadBinding: call((s) => s.alice.transmitUnbind(NOTHING, own)),
    BadSlot: having(
      (s) => must(s.alice.transmitBind(0, ARP, s.alice.self, s.slots.nic, own)),
      (s, binding) => s.alice.transmitUnbind(binding, EMPTY),
    ),
    BadCapability: having(
      (s) => must(s.alice.transmitBind(0, ARP, s.alice.self, s.slots.nic, own)),
      (s, binding) => s.bob.transmitUnbind(binding, own),
    ),
  },
  transmit: {
    BadBinding: having(
      (s) => must(s.root.transmitBind(0, [], s.bob.self, own, own)),
      (s, binding) => s.alice.transmit(binding, gatherOf(s, s.memory, 60)),
    ),
    BadWindow: having(
      (s) => must(s.root.transmitBind(0, [], s.alice.self, own, own)),
      (s, binding) => s.alice.transmit(binding, gatherOf(s, s.dead, 60)),
    ),
    BadRange: having(
      (s) => must(s.root.transmitBind(0, [], s.alice.self, own, own)),
      (s, binding) => s.alice.transmit(binding, gatherOf(s, s.memory, 0)),
    ),
    NoOffload: having(
      (s) => must(s.root.transmitBind(0, [], s.alice.self, own, own)),
      (s, binding) => {
        const gather = gatherOf(s, s.memory, 60);
        gather.offload(true, 0);
        return s.alice.transmit(binding, gather);
      },
    ),
    Forged: having(
      (s) => must(s.root.transmitBind(0, ARP, s.alice.self, own, own)),
      (s, binding) => s.alice.transmit(binding, gatherOf(s, s.memory, 60)),
    ),
    Full: having(
      (s) => {
        const binding = must(s.root.transmitBind(0, [], s.alice.self, own, own));
        useUp(() => s.alice.transmit(binding, gatherOf(s, s.memory, 60)), 5000);
        return binding;
      },
      (s, binding) => s.alice.transmit(binding, gatherOf(s, s.memory, 60)),
    ),
  },
};

/** Refusals that reading and writing blocks share. */
const blockMoves = (
  kind: "extentRead" | "extentWrite",
): Scenarios["extentRead"] & Scenarios["extentWrite"] => ({
  BadExtent: call((s) => s.alice[kind](NOTHING, transferOf(s), own)),
  BadRange: having(extentOf, (s, extent) => s.alice[kind](extent, transferOf(s, { block: 16 }), own)),
  BadWindow: having(extentOf, (s, extent) => s.alice[kind](extent, transferOf(s, { window: s.dead }), own)),
  BadSlot: having(extentOf, (s, extent) => s.alice[kind](extent, transferOf(s), EMPTY)),
  BadCapability: having(extentOf, (s, extent) => s.alice[kind](extent, transferOf(s), s.slots.stranger)),
  Full: having(
    (s) => {
      const extent = extentOf(s);
      useUp(() => s.alice[kind](extent, transferOf(s), own), 300);
      return extent;
    },
    (s, extent) => s.alice[kind](extent, transferOf(s), own),
  ),
});

const disk: Pick<
  Scenarios,
  "extentAlloc" | "extentFree" | "extentRead" | "extentWrite" | "transfersWait" | "backingSet"
> = {
  extentAlloc: {
    NoDevice: call((s) => s.alice.extentAlloc(1, 0, 1, s.slots.disk, own)),
    BadRange: call((s) => s.alice.extentAlloc(0, 2040, 9, s.slots.disk, own)),
    Busy: after(extentOf, (s) => s.alice.extentAlloc(0, 115, 2, s.slots.disk, own)),
    BadSlot: call((s) => s.alice.extentAlloc(0, 0, 1, s.slots.disk, EMPTY)),
    BadCapability: call((s) => s.alice.extentAlloc(0, 0, 1, own, own)),
    Full: after(
      (s) => useUp((i) => s.root.extentAlloc(0, i, 1, own, own), EXTENTS + 1),
      (s) => s.alice.extentAlloc(0, 2000, 1, s.slots.disk, own),
    ),
  },
  extentFree: {
    BadExtent: call((s) => s.alice.extentFree(NOTHING, own)),
    Busy: having(
      (s) => {
        const extent = extentOf(s);
        must(s.alice.extentRead(extent, transferOf(s), own));
        return extent;
      },
      (s, extent) => s.alice.extentFree(extent, own),
    ),
    BadSlot: having(extentOf, (s, extent) => s.alice.extentFree(extent, EMPTY)),
    BadCapability: having(extentOf, (s, extent) => s.alice.extentFree(extent, s.slots.weak)),
  },
  extentRead: blockMoves("extentRead"),
  extentWrite: blockMoves("extentWrite"),
  transfersWait: {
    Busy: after(
      (s) => {
        must(s.alice.extentRead(extentOf(s), transferOf(s), own));
        Object.assign(s.rig.machine.disks[0] as object, { settle: () => NEVER });
      },
      (s) => s.alice.transfersWait(),
    ),
  },
  backingSet: {
    BadExtent: call((s) => s.alice.backingSet(NOTHING, 0, 1, own)),
    BadRange: having(extentOf, (s, extent) => s.alice.backingSet(extent, 10, 7, own)),
    BadSlot: having(extentOf, (s, extent) => s.alice.backingSet(extent, 0, 1, EMPTY)),
    BadCapability: having(extentOf, (s, extent) => s.alice.backingSet(extent, 0, 1, s.slots.weak)),
  },
};

const revocation: Pick<Scenarios, "revocationAsk" | "repossessionsClear"> = {
  repossessionsClear: {},
  revocationAsk: {
    BadEnvironment: call((s) => s.root.revocationAsk(NOBODY, RESOURCE_KINDS.frame, 1, own)),
    BadResource: call((s) => s.root.revocationAsk(s.alice.self, RESOURCE_KINDS.environment, 1, own)),
    BadRange: call((s) => s.root.revocationAsk(s.alice.self, RESOURCE_KINDS.frame, 21, own)),
    Busy: after(
      (s) => must(s.root.revocationAsk(s.alice.self, RESOURCE_KINDS.frame, 1, own)),
      (s) => s.root.revocationAsk(s.alice.self, RESOURCE_KINDS.frame, 1, own),
    ),
    ...credentials((s, slot) => s.alice.revocationAsk(s.bob.self, RESOURCE_KINDS.frame, 1, slot)),
  },
};

/** Refusals that reading and writing a stream share. */
const streamMoves = (
  kind: "streamRead" | "streamWrite",
): Scenarios["streamRead"] & Scenarios["streamWrite"] => ({
  BadStream: call((s) => s.alice[kind](NOTHING, s.memory, 0, 8)),
  BadWindow: having(streamOf, (s, stream) => s.alice[kind](stream, s.dead, 0, 8)),
  BadRange: having(streamOf, (s, stream) => s.alice[kind](stream, s.memory, s.memory.length, 8)),
});

/** Binds every stream that there is room for. */
function takeStreams({ rig, root }: Stage): void {
  useUp((i) => {
    const device = i >> 8;
    rig.machine.streams[device]?.world.open();
    return root.streamAccept(device, own);
  }, STREAMS);
}

const devices: Pick<
  Scenarios,
  | "streamAccept"
  | "streamNext"
  | "streamRead"
  | "streamWrite"
  | "streamControl"
  | "consoleWrite"
  | "randomFill"
  | "tilesTag"
  | "displayPort"
> = {
  streamAccept: {
    NoDevice: call((s) => s.alice.streamAccept(16, s.slots.stream)),
    Empty: call((s) => s.alice.streamAccept(0, s.slots.stream)),
    Full: after(takeStreams, (s) => s.alice.streamAccept(0, s.slots.stream)),
    ...credentials((s, slot) => s.alice.streamAccept(0, slot)),
  },
  streamNext: { Empty: call((s) => s.alice.streamNext()) },
  streamRead: streamMoves("streamRead"),
  streamWrite: streamMoves("streamWrite"),
  streamControl: {
    BadStream: having(streamOf, (s, stream) => s.bob.streamControl(stream, "close")),
    BadRange: having(streamOf, (s, stream) => s.alice.streamControl(stream, "what" as never)),
  },
  consoleWrite: {
    BadWindow: call((s) => s.alice.consoleWrite(s.dead, 0, 4, s.slots.console)),
    BadRange: call((s) => s.alice.consoleWrite(s.memory, 0, 1e6, s.slots.console)),
    ...credentials((s, slot) => s.alice.consoleWrite(s.memory, 0, 4, slot)),
  },
  randomFill: {
    BadWindow: call((s) => s.alice.randomFill(s.reader, 0, 4)),
    BadRange: call((s) => s.alice.randomFill(s.memory, -1, 4)),
  },
  tilesTag: {
    NoDevice: call((s) => s.alice.tilesTag(1, 0, 1, s.alice.self, s.slots.display)),
    BadRange: call((s) => s.alice.tilesTag(0, 30, 3, s.alice.self, s.slots.display)),
    BadEnvironment: call((s) => s.alice.tilesTag(0, 0, 1, NOBODY, s.slots.display)),
    ...credentials((s, slot) => s.alice.tilesTag(0, 0, 1, s.alice.self, slot)),
  },
  displayPort: { NoDevice: call((s) => s.alice.displayPort(1)) },
};

/** The table. */
export const SCENARIOS: Scenarios = {
  ...capability,
  ...guard,
  ...environment,
  ...slice,
  ...transfer,
  ...message,
  ...frames,
  ...regions,
  ...network,
  ...handlerScenarios,
  ...programScenarios,
  ...disk,
  ...revocation,
  ...devices,
};
