/** The bytes that two ends of a connection exchange: each knows what the other must say. */

/** Bytes after which they begin again; prime, so that no segment and no buffer is as long. */
export const PERIOD = 65_521;
/** What the server says, and what the client says. */
export const SALTS = { server: 3, client: 5 } as const;

/** The port of the exchange. */
export const PORT = 7000;

/** One period of what the speaker with this salt says. */
export function makePattern(salt: number): Uint8Array {
  const bytes = new Uint8Array(PERIOD);
  for (let at = 0; at < PERIOD; at++) bytes[at] = Math.imul(at + salt, 0x9e3779b1) >>> 13;
  return bytes;
}

/** What the server tells of a connection that has ended. */
export interface ServerReport {
  readonly received: number;
  readonly wrong: number;
  readonly reason: string;
  readonly longPauses: number;
  readonly lost: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** What the client tells at its end. */
export interface ClientReport {
  readonly received: number;
  readonly wrong: number;
  readonly milliseconds: number;
  /** What `ss -ti` said of the connection a quarter of the way through. */
  readonly socket: string;
  /** Retransmission timeouts of the client's kernel, in its namespace. */
  readonly timeouts: number;
}
