/** The trace: a fixed ring of numeric kernel events, off unless the board asks for it. */

/** What happened; the meaning of `a` and `b` is in the comments. */
export const TRACE_EVENTS = {
  /** a: environment, b: slice position. */
  sliceBegin: 1,
  /** a: environment, b: slice position. */
  sliceEnd: 2,
  /** A frame reached a ring. a: ring row, b: bytes. */
  deliver: 3,
  /** A frame was dropped. a: ring row or -1 when no filter wanted it, b: bytes. */
  drop: 4,
  /** a: transmit binding row, b: bytes. */
  transmit: 5,
  /** A transmit was refused as forged. a: transmit binding row, b: bytes. */
  forged: 6,
  /** a: environment, b: cause. */
  fault: 7,
  /** a: environment. */
  environmentCreate: 8,
  environmentDestroy: 9,
  /** a: extent row, b: blocks. */
  transferBegin: 10,
  transferEnd: 11,
  /** A kernel call. a: environment, b: way in from bit 8 on (0 short, 1 move, 2 long, 3 in a batch), number below. */
  call: 12,
  /** A control transfer, or the reply to one that was kept. a: from, b: to. */
  control: 13,
  controlReply: 14,
  /** Ticks over the end of a slice, and a slice forfeited for one. a: environment, b: ticks, or what is left to forfeit. */
  excess: 15,
  forfeit: 16,
  /** A request to give back, and an abort. a: environment, b: kind in the bits from 16 on, count below. */
  revoke: 17,
  repossess: 18,
  /** A predicate came true. a: environment, b: tag. */
  predicate: 19,
  /** A copy by DMA was cancelled. a: environment, b: bytes. */
  dmaCancel: 20,
  /** A kernel call was refused. a: environment, b: error code from bit 8 on, number of the call below. */
  refused: 21,
  /** A handler ran. a: handler row, b: 1 when it consumed the frame, 0 when it gave it up. */
  handler: 22,
  /** A handler was stopped. a: handler row, b: cause. */
  handlerAbort: 23,
  /** A program's access has no translation, or a program was stopped. a: environment, b: cause. */
  memoryFault: 24,
  programStop: 25,
} as const;

/** A value of `TRACE_EVENTS`. */
export type TraceEvent = (typeof TRACE_EVENTS)[keyof typeof TRACE_EVENTS];

/** Where a trace has its times from. */
export interface TraceClock {
  now(): number;
}

/** The kernel's side of the trace. */
export interface Trace {
  /** True when every kernel call is to be noted as well. */
  readonly notesCalls: boolean;
  /** Notes one event at `clock`'s time, which only a trace that is on asks for. O(1), no allocation. */
  record(clock: TraceClock, event: TraceEvent, a: number, b: number): void;
  /** Hands the events still held to `visit`, oldest first; returns how many were overwritten. */
  read(visit: (time: number, event: TraceEvent, a: number, b: number) => void): number;
}

/** A trace that costs nothing and holds nothing. */
export const NO_TRACE: Trace = { notesCalls: false, record: () => {}, read: () => 0 };

const COLUMNS = 4;

/** What a trace may be told. */
export interface TraceOptions {
  /** Note every kernel call as well; false by default. */
  readonly calls?: boolean;
}

/** A trace that holds the last `capacity` events: a row of time, event, a, b each. */
export function makeTrace(capacity: number, options: TraceOptions = {}): Trace {
  const rows = new Float64Array(capacity * COLUMNS);
  let recorded = 0;
  const record: Trace["record"] = (clock, event, a, b) => {
    const at = (recorded % capacity) * COLUMNS;
    rows[at] = clock.now();
    rows[at + 1] = event;
    rows[at + 2] = a;
    rows[at + 3] = b;
    recorded += 1;
  };
  const read: Trace["read"] = (visit) => {
    const lost = Math.max(0, recorded - capacity);
    for (let i = lost; i < recorded; i++) {
      const at = (i % capacity) * COLUMNS;
      visit(rows[at] ?? 0, (rows[at + 1] ?? 0) as TraceEvent, rows[at + 2] ?? 0, rows[at + 3] ?? 0);
    }
    return lost;
  };
  return Object.freeze({ notesCalls: options.calls ?? false, record, read });
}
