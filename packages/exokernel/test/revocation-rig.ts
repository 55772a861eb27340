/** Environments that are asked to give back, and keep a record of it. */
import { RIGHTS } from "@exolith/secure-bind";
import {
  FRAME_BYTES,
  RESOURCE_KINDS,
  capSlot,
  frame,
  must,
  rowOf,
  sliceIndex,
  type CapSlot,
  type Gate,
  type ResourceKind,
  type Upcalls,
} from "../src/abi/index.ts";
import type { BootOptions } from "../src/index.ts";
import { makeRig, type Rig } from "../src/testing/index.ts";

export const own: CapSlot = capSlot(0);

/** One request as it was delivered. */
export interface Request {
  readonly kind: ResourceKind;
  readonly count: number;
  readonly deadline: number;
}

/** An environment under revocation. */
export interface Asked {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly row: number;
  readonly requests: Request[];
  /** Counts that came with `repossessed`. */
  readonly losses: number[];
  readonly faults: { readonly cause: number; readonly blame: number }[];
  /** What it does when it is asked; nothing by default. */
  answer: (request: Request) => void;
  /** What it does when it has lost something. */
  repair: () => void;
  /** What it does in its slices. */
  work: () => void;
}

/** Puts one on a rig. */
export function placeAsked(rig: Rig, name: readonly number[], slice: number): Asked {
  const asked: Asked = {
    rig,
    gate: undefined as never,
    row: 0,
    requests: [],
    losses: [],
    faults: [],
    answer: () => {},
    repair: () => {},
    work: () => {},
  };
  const upcalls = (gate: Gate): Upcalls => ({
    sliceBegin: () => {
      asked.work();
      gate.sleep(gate.environments.events(rowOf(gate.self)), Infinity as never);
    },
    fault: (cause, _, blame) => asked.faults.push({ cause, blame }),
    revoke: (kind, count, deadline) => {
      asked.requests.push({ kind, count, deadline });
      asked.answer({ kind, count, deadline });
    },
    repossessed: (count) => {
      asked.losses.push(count);
      asked.repair();
    },
  });
  const gate = rig.environment(name, { slices: [slice], upcalls });
  return Object.assign(asked, { gate, row: rowOf(gate.self) });
}

/** A rig on which the kernel asks for nothing by itself, and one environment that can be asked. */
export function makeAsked(frames: number = 256, options: BootOptions = {}): Asked {
  return placeAsked(makeRig(frames, { reserveFrames: 0, ...options }), [1, 1], 0);
}

/** Asks by the root's authority. */
export const ask = ({ rig, gate }: Asked, kind: ResourceKind, count: number): void =>
  must(rig.root.revocationAsk(gate.self, kind, count, own));

/** Lets the clock come to the deadline of a request, or a second later when there is none, and the kernel see it. */
export function expire({ rig, gate, row }: Asked, kind: ResourceKind): void {
  rig.run();
  const { clock } = rig.machine;
  clock.advance(Math.min(gate.revocations.deadline(row, kind), clock.now() + clock.hertz) as never);
  rig.run();
}

/** The reader's vector, entry by entry: kind and what. */
export const vectorOf = ({ repossessions }: Gate): (readonly [number, number])[] =>
  Array.from({ length: repossessions.count() }, (_, i) => [repossessions.kind(i), repossessions.what(i)]);

/** A kind of resource: how to hold `count` of it, and to give one back. */
export interface Holding {
  readonly kind: ResourceKind;
  readonly hold: (asked: Asked) => number[];
  readonly free: (asked: Asked, what: number) => unknown;
}

const holdFrames = ({ gate }: Asked, first: number, count: number): number[] => {
  must(gate.framesAlloc(frame(first), count, own));
  return Array.from({ length: count }, (_, i) => first + i);
};

const holdRings = (asked: Asked, bind: (first: number) => number): number[] => {
  holdFrames(asked, 100, 6);
  return [100, 102, 104].map(bind);
};

/** Three of every kind that can be revoked. */
export const HOLDINGS: Readonly<Record<string, Holding>> = {
  frame: {
    kind: RESOURCE_KINDS.frame,
    hold: (asked) => holdFrames(asked, 100, 3),
    free: ({ gate }, what) => gate.framesFree(frame(what), 1, own),
  },
  slice: {
    kind: RESOURCE_KINDS.slice,
    hold: ({ gate }) => {
      must(gate.sliceAlloc(sliceIndex(5), own));
      must(gate.sliceAlloc(sliceIndex(9), own));
      return [0, 5, 9];
    },
    free: ({ gate }, what) => gate.sliceFree(sliceIndex(what), own),
  },
  extent: {
    kind: RESOURCE_KINDS.extent,
    hold: ({ rig, gate }) => {
      const disk = rig.grant(gate, { name: [3, 0], rights: RIGHTS.allocate });
      return [8, 16, 24].map((first) => must(gate.extentAlloc(0, first, 4, disk, own)));
    },
    free: ({ gate }, what) => gate.extentFree(what as never, own),
  },
  filter: {
    kind: RESOURCE_KINDS.filter,
    hold: (asked) => {
      const { rig, gate } = asked;
      const nic = rig.grant(gate, { name: [2, 0], rights: RIGHTS.allocate });
      holdFrames(asked, 100, 2);
      const ring = must(gate.ringBind(frame(100), 2, own));
      return [1, 2, 3].map((value) =>
        must(
          gate.filterInsert(0, [{ kind: "equal", at: 12, width: 2, mask: 0xffff, value }], ring, nic, own),
        ),
      );
    },
    free: ({ gate }, what) => gate.filterRemove(what as never, own),
  },
  ring: {
    kind: RESOURCE_KINDS.ring,
    hold: (asked) => holdRings(asked, (first) => must(asked.gate.ringBind(frame(first), 2, own))),
    free: ({ gate }, what) => gate.ringUnbind(what as never),
  },
  region: {
    kind: RESOURCE_KINDS.region,
    hold: (asked) => {
      holdFrames(asked, 100, 1);
      return [0, 64, 128].map((at) => must(asked.gate.regionCreate(frame(100), at, 32, own)));
    },
    free: ({ gate }, what) => gate.regionDestroy(what as never, own),
  },
  messageRing: {
    kind: RESOURCE_KINDS.messageRing,
    hold: (asked) => holdRings(asked, (first) => must(asked.gate.messageRingBind(frame(first), 2, own))),
    free: ({ gate }, what) => gate.messageRingUnbind(what as never),
  },
};

/** Fills a frame with bytes that only this frame has. */
export function mark({ rig }: Asked, f: number): void {
  const { bytes } = rig.machine.memory;
  for (let i = 0; i < FRAME_BYTES; i++) bytes[f * FRAME_BYTES + i] = (i * 7 + f * 13 + (i >> 8)) & 0xff;
}
