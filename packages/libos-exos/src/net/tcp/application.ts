/** The seam between TCP and the code that uses it: no sockets, no copies. */
import type { Window } from "@exolith/exokernel/abi";

/** Why a connection is gone. */
export type CloseReason = "done" | "reset" | "refused" | "timeout" | "aborted";

/** Whoever owns bytes that were queued for sending. */
export interface PieceOwner {
  /** The piece queued with `token` has been acknowledged, or the connection is gone: its bytes may change. */
  released(token: number): void;
}

/**
 * One TCP connection, as its application sees it.
 *
 * Bytes to send are named, not copied: a piece stays in the application's own
 * frames, is gathered from there by every transmission and retransmission, and
 * is released when the peer has acknowledged it.
 */
export interface Connection {
  /** IPv4 addresses as unsigned 32-bit numbers, and ports. */
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  /** For the application: whatever it wants to find here again. */
  context: unknown;
  /** Bytes queued and not yet acknowledged. */
  readonly unacknowledged: number;
  /** Queues a piece. False when the queue has no slot left or the sending side is finished: try again after `acknowledged`. */
  send(window: Window, at: number, length: number, owner: PieceOwner | undefined, token: number): boolean;
  /** No more pieces: FIN follows the last. */
  finish(): void;
  /** Sends RST and forgets the connection. */
  abort(): void;
  /** Offers bytes that `received` did not take once more. */
  resume(): void;
}

/** What an application does when something happens to its connection. Called from the environment's own loop. */
export interface ConnectionHandler {
  /** The handshake is done. */
  opened(connection: Connection): void;
  /**
   * In-order bytes, in place: valid until this returns.
   *
   * Returns how many were taken. What is left stays in the connection's receive
   * buffer, closes its window by as much, and is offered again by `resume` and
   * together with later bytes.
   */
  received(connection: Connection, window: Window, at: number, length: number): number;
  /** Pieces were acknowledged; there may be room for more. */
  acknowledged(connection: Connection): void;
  /** The peer has finished; everything before was offered. */
  ended(connection: Connection): void;
  /** The connection is gone, the last call for it. Every piece has been released. */
  closed(connection: Connection, reason: CloseReason): void;
}
