/** The control block of a connection: RFC 9293 section 3.3.1, names spelled out. */
import type { CloseReason, Connection, ConnectionHandler } from "./application.ts";
import type { CongestionControl } from "./congestion.ts";
import type { Tuple } from "./initial-sequence.ts";
import type { TcpLimits } from "./limits.ts";
import type { Listener } from "./listener.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import type { Taker } from "./receive-buffer.ts";
import type { ReceiveMemory } from "./receive-memory.ts";
import { Scoreboard } from "./scoreboard.ts";
import type { TimeoutBounds } from "./retransmission-timeout.ts";
import { RetransmissionTimeout } from "./retransmission-timeout.ts";
import { SendQueue } from "./send-queue.ts";
import type { State } from "./state.ts";

/** What changes during a connection. */
export interface ControlFields extends Tuple {
  state: State;
  localAddress: number;
  remoteAddress: number;
  localPort: number;
  remotePort: number;
  /** Present from the handshake on, for an active open from the start. */
  connection: Connection | undefined;
  handler: ConnectionHandler | undefined;
  /** When it was opened, cycles. */
  openedAt: number;
  /** The port it came in by; `undefined` for an active open. */
  listener: Listener | undefined;
  /** Neighbours among the listener's half-open connections. */
  older: ControlBlock | undefined;
  newer: ControlBlock | undefined;

  /** ISS. */
  initialSend: number;
  /** SND.UNA. **Holds**: it is the sequence number of the send queue's first byte once SYN is acknowledged. */
  sendUnacknowledged: number;
  /** What is sent next; falls back to `sendUnacknowledged` when the retransmission timer expires. */
  sendNext: number;
  /** SND.NXT of the RFC: after the last byte ever sent. */
  sendHighest: number;
  /** SND.WND, bytes. */
  sendWindow: number;
  /** The farthest that the peer's window ever reached: it may close over what is in flight, and still accepts it. */
  sendEdge: number;
  /** The largest window that the peer ever offered. */
  largestWindow: number;
  /** SND.WL1 and SND.WL2. */
  windowSequence: number;
  windowAcknowledgment: number;
  /** Shifts of the peer's windows and of ours (RFC 7323). */
  sendScale: number;
  receiveScale: number;
  /** Both sides offered window scaling, or the peer has not said yet. */
  isScaling: boolean;
  /** Both sides take timestamps, or the peer has not said yet. */
  isTimestamping: boolean;
  /** Both sides take selective acknowledgments, or the peer has not said yet. */
  isSelective: boolean;
  /** Effective maximum segment size, bytes of text: what timestamps take is off, what a report takes is not. */
  segmentBytes: number;
  /** The application is through: FIN follows the last piece. */
  isFinishing: boolean;

  /** IRS. */
  initialReceive: number;
  /** RCV.NXT. */
  receiveNext: number;
  /** RCV.NXT + RCV.WND as the peer was last told: never moves back. */
  receiveEdge: number;
  /** The peer's FIN was seen, at `finSequence`. */
  hasFin: boolean;
  finSequence: number;
  /** An acknowledgment is due at the end of this poll. */
  acknowledgeNow: boolean;
  /** One is due before the delay is over. */
  acknowledgeLater: boolean;
  /** Bytes that came in since the last acknowledgment. */
  bytesToAcknowledge: number;
  /** Bytes of the longest segment that ever came in. */
  largestText: number;
  /** Last.ACK.sent (RFC 7323 section 4.3). */
  acknowledgedTo: number;
  /** TS.Recent, and when it was noted (cycles). */
  timestampRecent: number;
  timestampRecentAt: number;
  /** Where our timestamps begin. */
  timestampOffset: number;
  /** Bytes that came again and are to be reported; none when the two are equal. */
  duplicateStart: number;
  duplicateEnd: number;

  /** A round trip is being timed: up to `timedSequence`, since `timedAt` (cycles). */
  isTiming: boolean;
  timedSequence: number;
  timedAt: number;
  /** When something with a sequence number was last sent. */
  sentAt: number;
  /** When something was last sent again; when it was opened, before that. */
  resentAt: number;
  /** When a segment of the peer last came that passed the checks. */
  heardAt: number;
  /** When a challenge ACK was last sent; -Infinity for never. */
  challengedAt: number;
  /** Keepalive probes without an answer. */
  probes: number;
  /** A SYN of ours was retransmitted. */
  isSynLost: boolean;
  /** The sequence number that the retransmission timer last expired for; not a number for none. */
  timedOutSequence: number;
  /** The retransmission timer is the persist timer now, since `persistingSince` (cycles). */
  isPersisting: boolean;
  persistingSince: number;
  /** The first unacknowledged segment is to be sent again. */
  isRetransmitDue: boolean;
  /** HighRxt: after the last byte sent again in this recovery; and RescueRxt (RFC 6675 section 2). */
  retransmittedTo: number;
  rescuedTo: number;

  /** In the ready queue. */
  isReady: boolean;
  /** Held up because the next hop is unknown. */
  isWaiting: boolean;
  /** Inside `received` of the handler. */
  isOffering: boolean;
  /** Bytes in order were dropped for want of memory: the peer is told of no window. */
  isStarving: boolean;
  /** Over for the network; the application still has bytes to take, and is told `drainReason` then. */
  isDraining: boolean;
  drainReason: CloseReason;
}

/** The fields, and the parts that are made once and used by one connection after another. */
export interface ControlBlock extends ControlFields {
  readonly slot: number;
  readonly queue: SendQueue;
  readonly buffer: ReceiveBuffer;
  readonly scoreboard: Scoreboard;
  readonly timeout: RetransmissionTimeout;
  readonly congestion: CongestionControl;
  /** Hands bytes to the handler. */
  readonly take: Taker;
}

/** What every control block is made with. */
export interface ControlParts {
  readonly limits: TcpLimits;
  readonly memory: ReceiveMemory;
  readonly bounds: TimeoutBounds;
  readonly makeCongestion: () => CongestionControl;
}

/** The control block of `slot`, CLOSED. Allocates: once a slot. */
export function makeControlBlock(slot: number, parts: ControlParts): ControlBlock {
  const block: ControlBlock = {
    ...FRESH,
    slot,
    queue: new SendQueue(parts.limits.pieces),
    buffer: new ReceiveBuffer(parts.memory, parts.limits.reassemblyRuns),
    scoreboard: new Scoreboard(parts.limits.scoreboardRuns),
    timeout: new RetransmissionTimeout(parts.bounds),
    congestion: parts.makeCongestion(),
    take: (window, at, length) => {
      const { handler, connection } = block;
      return handler === undefined || connection === undefined
        ? 0
        : handler.received(connection, window, at, length);
    },
  };
  return block;
}

/** Every field as a new connection begins, one by one: to copy all of an object takes a microsecond. A slot that is in the ready queue stays there. */
export function resetControlBlock(block: ControlBlock): void {
  resetNames(block);
  resetSending(block);
  resetReceiving(block);
  resetProgress(block);
  block.timeout.reset();
  block.scoreboard.clear();
  block.buffer.reset();
}

/** Every field of a new connection. */
export const FRESH: ControlFields = Object.freeze({
  state: "CLOSED",
  localAddress: 0,
  remoteAddress: 0,
  localPort: 0,
  remotePort: 0,
  connection: undefined,
  handler: undefined,
  openedAt: 0,
  listener: undefined,
  older: undefined,
  newer: undefined,
  initialSend: 0,
  sendUnacknowledged: 0,
  sendNext: 0,
  sendHighest: 0,
  sendWindow: 0,
  sendEdge: 0,
  largestWindow: 0,
  windowSequence: 0,
  windowAcknowledgment: 0,
  sendScale: 0,
  receiveScale: 0,
  isScaling: false,
  isTimestamping: false,
  isSelective: false,
  segmentBytes: 0,
  isFinishing: false,
  initialReceive: 0,
  receiveNext: 0,
  receiveEdge: 0,
  hasFin: false,
  finSequence: 0,
  acknowledgeNow: false,
  acknowledgeLater: false,
  bytesToAcknowledge: 0,
  largestText: 0,
  acknowledgedTo: 0,
  timestampRecent: 0,
  timestampRecentAt: 0,
  timestampOffset: 0,
  duplicateStart: 0,
  duplicateEnd: 0,
  isTiming: false,
  timedSequence: 0,
  timedAt: 0,
  sentAt: 0,
  resentAt: 0,
  heardAt: 0,
  challengedAt: -Infinity,
  probes: 0,
  isSynLost: false,
  timedOutSequence: Number.NaN,
  isPersisting: false,
  persistingSince: 0,
  isRetransmitDue: false,
  retransmittedTo: 0,
  rescuedTo: 0,
  isReady: false,
  isWaiting: false,
  isOffering: false,
  isStarving: false,
  isDraining: false,
  drainReason: "done",
});

/** Whose connection it is, as a new connection begins. */
function resetNames(block: ControlBlock): void {
  block.state = FRESH.state;
  block.localAddress = FRESH.localAddress;
  block.remoteAddress = FRESH.remoteAddress;
  block.localPort = FRESH.localPort;
  block.remotePort = FRESH.remotePort;
  block.connection = FRESH.connection;
  block.handler = FRESH.handler;
  block.openedAt = FRESH.openedAt;
  block.listener = FRESH.listener;
  block.older = FRESH.older;
  block.newer = FRESH.newer;
}

/** What is sent, and what was agreed, as a new connection begins. */
function resetSending(block: ControlBlock): void {
  block.initialSend = FRESH.initialSend;
  block.sendUnacknowledged = FRESH.sendUnacknowledged;
  block.sendNext = FRESH.sendNext;
  block.sendHighest = FRESH.sendHighest;
  block.sendWindow = FRESH.sendWindow;
  block.sendEdge = FRESH.sendEdge;
  block.largestWindow = FRESH.largestWindow;
  block.windowSequence = FRESH.windowSequence;
  block.windowAcknowledgment = FRESH.windowAcknowledgment;
  block.sendScale = FRESH.sendScale;
  block.receiveScale = FRESH.receiveScale;
  block.isScaling = FRESH.isScaling;
  block.isTimestamping = FRESH.isTimestamping;
  block.isSelective = FRESH.isSelective;
  block.segmentBytes = FRESH.segmentBytes;
  block.isFinishing = FRESH.isFinishing;
}

/** What is received, as a new connection begins. */
function resetReceiving(block: ControlBlock): void {
  block.initialReceive = FRESH.initialReceive;
  block.receiveNext = FRESH.receiveNext;
  block.receiveEdge = FRESH.receiveEdge;
  block.hasFin = FRESH.hasFin;
  block.finSequence = FRESH.finSequence;
  block.acknowledgeNow = FRESH.acknowledgeNow;
  block.acknowledgeLater = FRESH.acknowledgeLater;
  block.bytesToAcknowledge = FRESH.bytesToAcknowledge;
  block.largestText = FRESH.largestText;
  block.acknowledgedTo = FRESH.acknowledgedTo;
  block.timestampRecent = FRESH.timestampRecent;
  block.timestampRecentAt = FRESH.timestampRecentAt;
  block.timestampOffset = FRESH.timestampOffset;
  block.duplicateStart = FRESH.duplicateStart;
  block.duplicateEnd = FRESH.duplicateEnd;
}

/** How both go on, as a new connection begins. */
function resetProgress(block: ControlBlock): void {
  block.isTiming = FRESH.isTiming;
  block.timedSequence = FRESH.timedSequence;
  block.timedAt = FRESH.timedAt;
  block.sentAt = FRESH.sentAt;
  block.resentAt = FRESH.resentAt;
  block.heardAt = FRESH.heardAt;
  block.challengedAt = FRESH.challengedAt;
  block.probes = FRESH.probes;
  block.isSynLost = FRESH.isSynLost;
  block.timedOutSequence = FRESH.timedOutSequence;
  block.isPersisting = FRESH.isPersisting;
  block.persistingSince = FRESH.persistingSince;
  block.isRetransmitDue = FRESH.isRetransmitDue;
  block.retransmittedTo = FRESH.retransmittedTo;
  block.rescuedTo = FRESH.rescuedTo;
  block.isWaiting = FRESH.isWaiting;
  block.isOffering = FRESH.isOffering;
  block.isStarving = FRESH.isStarving;
  block.isDraining = FRESH.isDraining;
  block.drainReason = FRESH.drainReason;
}
