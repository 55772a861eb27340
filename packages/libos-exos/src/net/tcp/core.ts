/** What the parts of one TCP endpoint share. */
import type { SegmentOutput } from "../segment-output.ts";
import type { ControlBlock } from "./control-block.ts";
import type { ControlParts } from "./control-block.ts";
import type { Draft } from "./emit.ts";
import type { ChooseInitial } from "./initial-sequence.ts";
import type { TcpLimits } from "./limits.ts";
import type { KeyedRateLimit } from "./keyed-rate-limit.ts";
import type { Listener } from "./listener.ts";
import type { SegmentOptions } from "./options.ts";
import type { PieceSum } from "./payload-sum.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import type { SynCookies } from "./syn-cookie.ts";
import type { TcpCounters } from "./tcp-counters.ts";
import type { TimeWaitTable } from "./time-wait.ts";
import type { Timers } from "./timers.ts";
import type { TupleTable } from "./tuple-table.ts";

/** Time in cycles. */
export interface Clock {
  /** Cycles a second. */
  readonly hertz: number;
  now(): number;
}

/** The durations of `TcpLimits` in cycles. */
export interface Durations {
  readonly giveUp: number;
  readonly drain: number;
  readonly connect: number;
  readonly halfOpen: number;
  readonly delayedAcknowledgment: number;
  readonly keepalive: number;
  readonly keepaliveInterval: number;
  readonly finWait: number;
  readonly challenge: number;
  readonly full: number;
  readonly unresolved: number;
  readonly timestampLife: number;
  readonly closedWindow: number;
}

/** One endpoint: its tables, its seams, and the time of the entry that is being served. */
export interface TcpCore extends ControlParts {
  readonly limits: TcpLimits;
  readonly durations: Durations;
  readonly clock: Clock;
  readonly output: SegmentOutput;
  readonly pieceSum: PieceSum;
  /** True when the interface computes the checksums. */
  readonly leavesSums: boolean;
  /** Most bytes of text that the interface takes at once, to cut them into segments; 0 when it does not. */
  readonly superBytes: number;
  readonly chooseInitial: ChooseInitial;
  /** Shift of our own windows when scaling is agreed on. */
  readonly receiveScale: number;
  readonly timers: Timers;
  readonly connections: TupleTable;
  /** Control blocks by slot; made when a slot is first used. */
  readonly blocks: (ControlBlock | undefined)[];
  readonly tombstones: TimeWaitTable;
  readonly listeners: Map<number, Listener>;
  readonly ready: ReadyQueue;
  /** Slots of closed connections, to be reused after this poll: nobody up the stack works with them then. */
  readonly dead: number[];
  /** Connections that are `isStarving`, the one that has waited longest first. */
  readonly starving: Set<ControlBlock>;
  readonly draft: Draft;
  /** The options of the SYN that is being sent. */
  readonly synOptions: SegmentOptions;
  /** Ticks of our timestamps in a cycle. */
  readonly ticksPerCycle: number;
  readonly counters: TcpCounters;
  readonly resets: KeyedRateLimit;
  readonly cookies: SynCookies;
  /** Cycles: read once for all packets of a turn that was announced, and once an entry otherwise. */
  now: number;
  /** True while packets of one turn arrive. */
  isTurning: boolean;
  /** Segments that may still be sent in this poll. */
  budget: number;
  /** Connections that are `isWaiting`. */
  waiting: number;
  /** A receive buffer came back since the starving were last fed. */
  hasFreed: boolean;
  /** Slot at which a buffer was last taken away. */
  evictFrom: number;
  /** The interface was full: not before this time again. */
  fullUntil: number;
}

/** `limits`' durations on a clock of `hertz`. */
export const makeDurations = (limits: TcpLimits, hertz: number): Durations => ({
  giveUp: limits.giveUpSeconds * hertz,
  drain: limits.drainSeconds * hertz,
  connect: limits.connectSeconds * hertz,
  halfOpen: limits.halfOpenSeconds * hertz,
  delayedAcknowledgment: limits.delayedAcknowledgmentSeconds * hertz,
  keepalive: limits.keepaliveSeconds * hertz,
  keepaliveInterval: limits.keepaliveIntervalSeconds * hertz,
  finWait: limits.finWaitSeconds * hertz,
  challenge: limits.challengeSeconds * hertz,
  full: limits.fullSeconds * hertz,
  unresolved: limits.unresolvedSeconds * hertz,
  timestampLife: limits.timestampLifeSeconds * hertz,
  closedWindow: limits.closedWindowSeconds * hertz,
});
