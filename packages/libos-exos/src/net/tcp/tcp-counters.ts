/** What TCP counts. */

/** Running totals of one endpoint. */
export interface TcpCounters {
  /** Packets handed to TCP, and why some went no further. */
  segmentsReceived: number;
  malformed: number;
  badChecksum: number;
  /** SYNs with an illegal option; answered all the same. */
  badOptions: number;
  /** Segments whose text came after a gap; kept if there was room. */
  outOfOrder: number;
  /** Segments outside the receive window, answered with an ACK. */
  unacceptable: number;
  /** Segments whose text was dropped for want of receive memory. */
  receiveDropped: number;
  /** Receive buffers taken from connections that kept only bytes that came early. */
  earlyEvicted: number;
  resetsReceived: number;

  /** Segments given to IPv4, and those of them that were sent before. */
  segmentsSent: number;
  retransmissions: number;
  fastRetransmissions: number;
  retransmissionTimeouts: number;
  probes: number;
  resetsSent: number;
  challenges: number;
  /** Replies that a rate limit held back. */
  rateLimited: number;
  /** Attempts to send that the layer below could not take. */
  full: number;
  unresolved: number;
  unreachable: number;

  activeOpens: number;
  passiveOpens: number;
  /** Handshakes completed. */
  established: number;
  /** Half-open connections displaced by newer ones, and those that timed out. */
  halfOpenDropped: number;
  halfOpenExpired: number;
  /** SYNs ignored because every connection was in use, or the backlog full of young ones. */
  synIgnored: number;
  /** Connections in TIME-WAIT forgotten before their time. */
  timeWaitEvicted: number;
  /** Connections reused out of TIME-WAIT. */
  timeWaitReopened: number;
  /** Connections gone by timeout. */
  givenUp: number;
}

/** All zero. */
export const makeTcpCounters = (): TcpCounters => ({
  segmentsReceived: 0,
  malformed: 0,
  badChecksum: 0,
  badOptions: 0,
  outOfOrder: 0,
  unacceptable: 0,
  receiveDropped: 0,
  earlyEvicted: 0,
  resetsReceived: 0,
  segmentsSent: 0,
  retransmissions: 0,
  fastRetransmissions: 0,
  retransmissionTimeouts: 0,
  probes: 0,
  resetsSent: 0,
  challenges: 0,
  rateLimited: 0,
  full: 0,
  unresolved: 0,
  unreachable: 0,
  activeOpens: 0,
  passiveOpens: 0,
  established: 0,
  halfOpenDropped: 0,
  halfOpenExpired: 0,
  synIgnored: 0,
  timeWaitEvicted: 0,
  timeWaitReopened: 0,
  givenUp: 0,
});
