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
  /** Segments from before one that was accepted, by their timestamps (PAWS), and those that lack the timestamps agreed on. */
  timestampsOld: number;
  timestampsMissing: number;
  /** Round trips measured by a timestamp that came back. */
  echoesMeasured: number;
  /** SACK blocks of bytes never sent, and those for which the scoreboard had no room. */
  blocksRefused: number;
  blocksDropped: number;
  /** Peers that took back what they had selectively acknowledged. */
  reneged: number;

  /** Segments given to IPv4, and those of them that were sent before. */
  segmentsSent: number;
  retransmissions: number;
  fastRetransmissions: number;
  /** Of the retransmissions: those chosen from the scoreboard, and those of the last bytes, in case they are lost. */
  selectiveRetransmissions: number;
  rescues: number;
  retransmissionTimeouts: number;
  probes: number;
  resetsSent: number;
  challenges: number;
  /** Reports of bytes that came again. */
  duplicatesReported: number;
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
  /** Of those: with timestamps, with selective acknowledgments. */
  withTimestamps: number;
  withSelective: number;
  /** Half-open connections displaced by newer ones, and those that timed out. */
  halfOpenDropped: number;
  halfOpenExpired: number;
  /** SYNs that found every connection in use, or the backlog full of young ones: those ignored, and those answered with a cookie. */
  synIgnored: number;
  cookiesSent: number;
  /** Connections that began with a cookie that came back. */
  cookiesAccepted: number;
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
  timestampsOld: 0,
  timestampsMissing: 0,
  echoesMeasured: 0,
  blocksRefused: 0,
  blocksDropped: 0,
  reneged: 0,
  segmentsSent: 0,
  retransmissions: 0,
  fastRetransmissions: 0,
  selectiveRetransmissions: 0,
  rescues: 0,
  retransmissionTimeouts: 0,
  probes: 0,
  resetsSent: 0,
  challenges: 0,
  duplicatesReported: 0,
  rateLimited: 0,
  full: 0,
  unresolved: 0,
  unreachable: 0,
  activeOpens: 0,
  passiveOpens: 0,
  established: 0,
  withTimestamps: 0,
  withSelective: 0,
  halfOpenDropped: 0,
  halfOpenExpired: 0,
  synIgnored: 0,
  cookiesSent: 0,
  cookiesAccepted: 0,
  timeWaitEvicted: 0,
  timeWaitReopened: 0,
  givenUp: 0,
});
