/** Congestion control as a part that can be replaced. */

/** What a sender must do about an acknowledgment of new data. */
export type AcknowledgedOutcome =
  /** Nothing special; the retransmission timer starts anew. */
  | "advance"
  /** Retransmit the first unacknowledged segment; the timer starts anew. */
  | "firstPartial"
  /** Retransmit the first unacknowledged segment; the timer runs on. */
  | "laterPartial";

/**
 * Decides how many bytes may be in flight on one connection.
 *
 * Sequence numbers are those of the connection, `flight` is the bytes between
 * the first unacknowledged and the next to send, before the event.
 */
export interface CongestionControl {
  /** Bytes that may be in flight now: the congestion window and what limited transmit adds to it. */
  readonly allowance: number;
  /** True between a fast retransmission and the end of recovery. */
  readonly isRecovering: boolean;
  /**
   * The handshake is done; `lost` if a SYN had to be retransmitted.
   *
   * If `selective`, the connection knows what has left the network (RFC 6675) and
   * counts it no longer against the allowance; otherwise duplicates raise that.
   */
  opened(segmentBytes: number, lost: boolean, sequence: number, selective: boolean): void;
  /** `bytes` more are acknowledged, up to `unacknowledged`. */
  acknowledged(bytes: number, unacknowledged: number, flight: number): AcknowledgedOutcome;
  /**
   * A duplicate acknowledgment of `unacknowledged`, or news of later bytes; `lost` if they say
   * that its segment is lost. True when recovery begins: the segment must be retransmitted at once.
   */
  duplicated(unacknowledged: number, highest: number, flight: number, lost: boolean): boolean;
  /** The retransmission timer expired; `again` if it had for the same segment before. */
  timedOut(highest: number, flight: number, again: boolean): void;
  /** Nothing was sent for longer than a retransmission timeout. */
  idled(): void;
}
