/** Every limit of the server: unit, default and what happens beyond it. */

/** What one server allows; all are per connection unless they say otherwise. */
export interface Limits {
  /** Longest request line in bytes, its end excluded; beyond it 414. */
  readonly requestLineBytes: number;
  /** Longest header section in bytes; beyond it 431. */
  readonly headerBytes: number;
  /** Most header fields of a request; beyond it 431. */
  readonly headerFields: number;
  /** Longest request body that is read and thrown away; beyond it 413. */
  readonly bodyBytes: number;
  /** Most ranges of a `Range` field; beyond it the field is ignored. */
  readonly ranges: number;
  /** Bytes queued and not acknowledged, beyond which no further response is begun. */
  readonly queuedBytes: number;
  /** Chunks of the file cache that one connection may hold; fewer when many share the cache. */
  readonly heldChunks: number;
  /** Connections open at once, over the whole server; for one more another gives way, or it is reset. */
  readonly connections: number;
  /** Seconds that a connection may wait for its next request. */
  readonly idleSeconds: number;
  /** Seconds from the first byte of a request to the end of its header section; beyond it 408. */
  readonly requestSeconds: number;
  /** Seconds without an acknowledgement while bytes are queued; then the connection is reset. */
  readonly stallSeconds: number;
  /** Seconds without progress, which is a whole request or `stuckBytes` acknowledged, after which a connection is reset while more than 3/4 are in use, or others wait for what it holds. */
  readonly stuckSeconds: number;
  /** Bytes that are progress when they are acknowledged; all that are queued, if those are fewer. */
  readonly stuckBytes: number;
  /** Seconds that a finished connection waits for its peer to finish too; once it has, TCP sees to the rest. */
  readonly lingerSeconds: number;
  /** Seconds that `drain` gives responses under way, over the whole server. */
  readonly drainSeconds: number;
}

/** What holds unless an option says otherwise. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  requestLineBytes: 8192,
  headerBytes: 16_384,
  headerFields: 100,
  bodyBytes: 1_048_576,
  ranges: 16,
  queuedBytes: 262_144,
  heldChunks: 4,
  connections: 1024,
  idleSeconds: 15,
  requestSeconds: 10,
  stallSeconds: 60,
  stuckSeconds: 2,
  stuckBytes: 4096,
  lingerSeconds: 5,
  drainSeconds: 10,
});

/** Bytes that a whole request head may take: leading empty lines, request line, header section and their ends. */
export const requestBytes = (limits: Limits): number => limits.requestLineBytes + limits.headerBytes + 16;
