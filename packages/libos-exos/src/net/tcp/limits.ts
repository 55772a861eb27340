/** Every limit and default of TCP in one place: unit, source, who pays. */

/** What an endpoint may be told; anything left out is `TCP_LIMITS`'. */
export interface TcpLimits {
  /** Connections at once, half-open ones included. 13 words a connection until it is first used. */
  readonly connections: number;
  /** Half-open connections of one listening port. When full, a new SYN displaces the oldest of them, without a word to its peer, if that is older than `initialRetransmissionSeconds`; otherwise it gets a cookie, or is ignored. */
  readonly backlog: number;
  /** True answers a SYN that finds no room with a number that proves, when it comes back, that the peer is there (RFC 4987 section 3.6). */
  readonly synCookies: boolean;
  /** Connections in TIME-WAIT. When full, the oldest is forgotten early. Eleven words each. */
  readonly timeWaits: number;
  /** Pieces queued for sending on one connection. */
  readonly pieces: number;
  /** Pieces in one segment. A shorter segment goes out when more would be needed. At most `GATHER_PIECES` less the headers'. */
  readonly segmentPieces: number;
  /** Separate runs of out-of-order bytes kept for one connection; a segment that would need one more is dropped. */
  readonly reassemblyRuns: number;

  /** MSL. RFC 9293 section 3.4.2 says 2 minutes; deployed stacks wait 60 s for 2 MSL, and so do we. */
  readonly maximumSegmentLifetimeSeconds: number;
  /** Lower bound of the retransmission timeout. RFC 6298 (2.4) says 1 s; deployed stacks 200 ms, and so do we. */
  readonly minimumRetransmissionSeconds: number;
  /** Retransmission timeout before anything was measured (RFC 6298 section 2.1). */
  readonly initialRetransmissionSeconds: number;
  /** Upper bound of the retransmission timeout and of the pause between probes (RFC 6298 section 2.5). */
  readonly maximumRetransmissionSeconds: number;
  /** R2: without an acknowledgment for so long the connection is given up (RFC 9293 section 3.8.3: at least 100 s). */
  readonly giveUpSeconds: number;
  /** Bytes that the application leaves untouched for so long after the connection ended are dropped, and `closed` says "timeout". */
  readonly drainSeconds: number;
  /** R2 of an active open (RFC 9293 section 3.8.3: at least 3 minutes). */
  readonly connectSeconds: number;
  /** A half-open connection that is not acknowledged for so long is dropped. Six transmissions of SYN,ACK, as deployed stacks do. */
  readonly halfOpenSeconds: number;
  /** Longest delay of an acknowledgment (RFC 9293 section 3.8.6.3: below 0.5 s); 0 acknowledges every segment. */
  readonly delayedAcknowledgmentSeconds: number;
  /** Idle time before the first keepalive probe; 0 is off (RFC 9293 section 3.8.4: off by default, 2 hours when on). */
  readonly keepaliveSeconds: number;
  /** Pause between keepalive probes; a sixth of the idle time if that is shorter. */
  readonly keepaliveIntervalSeconds: number;
  /** Unanswered keepalive probes after which the connection is gone. */
  readonly keepaliveProbes: number;
  /** Idle time in FIN-WAIT-2 before the peer is probed, keepalive or not: one that vanished cannot hold a connection. 0 is off. */
  readonly finWaitSeconds: number;
  /** Pause between challenge ACKs of one connection (RFC 5961 section 7); 0 answers every time. There is no limit for all of them together: see `challenge`. */
  readonly challengeSeconds: number;
  /** A window that the peer holds closed for so long, answering probes, ends the connection with a reset (RFC 6429). 0 is off, as RFC 9293 section 3.8.6.1 has it. */
  readonly closedWindowSeconds: number;
  /** Pause before an interface that was full is tried again. */
  readonly fullSeconds: number;
  /** Pause before a next hop that was not resolved is tried again without having been told. */
  readonly unresolvedSeconds: number;

  /** True offers and takes window scaling (RFC 7323 section 2). */
  readonly windowScaling: boolean;
  /** True offers and takes timestamps (RFC 7323 section 3): 12 bytes a segment. */
  readonly timestamps: boolean;
  /** A timestamp of the peer that was last renewed so long ago rejects nothing (RFC 7323 section 5.5: 24 days). */
  readonly timestampLifeSeconds: number;
  /** True offers and takes selective acknowledgments (RFC 2018), and recovers by them (RFC 6675). */
  readonly selectiveAcknowledgments: boolean;
  /** Separate runs of selectively acknowledged bytes noted for one connection; a block that would need one more is ignored, and what it reports perhaps sent again. */
  readonly scoreboardRuns: number;
  /** True reports bytes that came again (RFC 2883). */
  readonly duplicateReports: boolean;
  /** True sends a new segment for each of the first two duplicate acknowledgments (RFC 3042). */
  readonly limitedTransmit: boolean;
  /** Segments in the initial window, less when they are longer than 1460 bytes (RFC 6928). */
  readonly initialWindowSegments: number;
  /** True shrinks the congestion window to the initial one when nothing was sent for a retransmission timeout (RFC 5681 section 4.1). */
  readonly restartAfterIdle: boolean;

  /** True leaves checksums to an interface that computes them. */
  readonly checksumOffload: boolean;
  /** True gives several segments at once to an interface that cuts them. */
  readonly segmentationOffload: boolean;
  /** True holds back short segments while data is in flight (RFC 9293 section 3.7.4). */
  readonly nagle: boolean;
  /** Resets a second for segments of no connection, to peers that share one of `resetBuckets`. */
  readonly resetsPerSecond: number;
  /** Parts into which the peers of no connection fall, by a secret; what one peer uses up of the resets of its part tells nobody in another. */
  readonly resetBuckets: number;
  /** A peer's smaller maximum segment size is taken as this, options of 12 bytes included: tiny segments are an attack on the sender. */
  readonly minimumSegmentBytes: number;
  /** Maximum segment size of a peer that names none (RFC 9293 section 3.7.1). */
  readonly defaultSegmentBytes: number;
  /** Segments of one connection sent before another has its turn. */
  readonly burstSegments: number;
  /** Segments sent in one poll. */
  readonly pollSegments: number;
  /** First port for active opens (RFC 6335 section 6). */
  readonly ephemeralFirst: number;
  /** Last port for active opens. */
  readonly ephemeralLast: number;
}

/** The defaults. */
export const TCP_LIMITS: TcpLimits = Object.freeze({
  connections: 4096,
  backlog: 128,
  synCookies: true,
  timeWaits: 4096,
  pieces: 64,
  segmentPieces: 32,
  reassemblyRuns: 16,
  maximumSegmentLifetimeSeconds: 30,
  minimumRetransmissionSeconds: 0.2,
  initialRetransmissionSeconds: 1,
  maximumRetransmissionSeconds: 60,
  giveUpSeconds: 100,
  drainSeconds: 600,
  connectSeconds: 180,
  halfOpenSeconds: 63,
  delayedAcknowledgmentSeconds: 0.04,
  keepaliveSeconds: 0,
  keepaliveIntervalSeconds: 75,
  keepaliveProbes: 9,
  finWaitSeconds: 60,
  challengeSeconds: 0.5,
  closedWindowSeconds: 0,
  fullSeconds: 0.0001,
  unresolvedSeconds: 1,
  windowScaling: true,
  timestamps: true,
  timestampLifeSeconds: 24 * 86_400,
  selectiveAcknowledgments: true,
  scoreboardRuns: 32,
  duplicateReports: true,
  limitedTransmit: true,
  initialWindowSegments: 10,
  restartAfterIdle: true,
  checksumOffload: true,
  segmentationOffload: true,
  nagle: false,
  resetsPerSecond: 200,
  resetBuckets: 64,
  minimumSegmentBytes: 88,
  defaultSegmentBytes: 536,
  burstSegments: 16,
  pollSegments: 256,
  ephemeralFirst: 49152,
  ephemeralLast: 65535,
});
