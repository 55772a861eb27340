/** The other end of a connection, and TCP's application side in between, in memory. */
import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import type { CloseReason, Connection, ConnectionHandler, PieceOwner } from "@exolith/libos-exos";

interface Piece {
  readonly window: Window;
  readonly at: number;
  readonly length: number;
  readonly owner: PieceOwner | undefined;
  readonly token: number;
  readonly copy: Uint8Array;
}

/** Pieces that the queue of a connection holds. */
const PIECES = 32;
const RECEIVE_BYTES = 65_536;
/** Bytes offered are valid during the call only, so one window does for all. */
const offered: Window = makeWindow(RECEIVE_BYTES);

/** A client that a test plays. Bytes are received when the test says so, and checked against what was queued. */
export class Peer implements Connection {
  readonly localAddress: number = 0x0a000001;
  readonly localPort: number = 80;
  readonly remoteAddress: number = 0x0a000002;
  readonly remotePort: number;
  context: unknown = undefined;
  readonly #handler: ConnectionHandler;
  readonly #pieces: Piece[] = [];
  #unread: Uint8Array = new Uint8Array(0);
  #received: Uint8Array[] = [];
  /** Bytes of the first piece that have been acknowledged already. */
  #partly = 0;
  #finished = false;
  #ended = false;
  #closed: CloseReason | undefined;
  #offering = false;

  constructor(handler: ConnectionHandler, remotePort: number = 40_000) {
    this.#handler = handler;
    this.remotePort = remotePort;
    handler.opened(this);
  }

  get unacknowledged(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0) - this.#partly;
  }
  /** The server has sent FIN and everything before it was received. */
  get sawEnd(): boolean {
    return this.#finished && this.#pieces.length === 0;
  }
  get closedBecause(): CloseReason | undefined {
    return this.#closed;
  }
  /** Bytes that the server has not taken yet. */
  get untaken(): number {
    return this.#unread.length;
  }

  send(window: Window, at: number, length: number, owner: PieceOwner | undefined, token: number): boolean {
    if (this.#closed !== undefined || this.#finished || this.#pieces.length >= PIECES) return false;
    const copy = new Uint8Array(length);
    window.read(at, copy, 0, length);
    this.#pieces.push({ window, at, length, owner, token, copy });
    return true;
  }
  finish(): void {
    this.#finished = true;
    this.#maybeDone();
  }
  abort(): void {
    this.#close("aborted");
  }
  resume(): void {
    if (!this.#offering) this.#offer();
  }

  /** Sends text or bytes to the server, as one chunk. */
  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Uint8Array.from(data, (c) => c.charCodeAt(0)) : data;
    if (this.#closed !== undefined) return;
    this.#unread = Buffer.concat([this.#unread, bytes]);
    this.#offer();
  }
  /** Sends FIN. */
  end(): void {
    this.#ended = true;
    if (this.#closed === undefined) this.#handler.ended(this);
    this.#maybeDone();
  }
  /** Is gone. */
  vanish(): void {
    this.#close("timeout");
  }
  /** Receives and acknowledges at most `limit` pieces; returns how many. */
  receive(limit: number = Infinity): number {
    let count = 0;
    for (; count < limit && this.#pieces.length > 0; count++) this.#acknowledge(this.#pieces.shift()!);
    if (count > 0 && this.#closed === undefined) this.#handler.acknowledged(this);
    this.#maybeDone();
    return count;
  }
  /** Acknowledges some bytes of the first piece, and not all of it. */
  nibble(bytes: number): void {
    this.#partly += bytes;
  }
  /** Everything received since the last call. */
  take(): Uint8Array {
    const all = Buffer.concat(this.#received);
    this.#received = [];
    return all;
  }

  #acknowledge(piece: Piece): void {
    this.#partly = 0;
    const bytes = new Uint8Array(piece.length);
    piece.window.read(piece.at, bytes, 0, piece.length);
    if (Buffer.compare(bytes, piece.copy) !== 0)
      throw new Error("a piece changed before it was acknowledged");
    this.#received.push(bytes);
    piece.owner?.released(piece.token);
  }
  #offer(): void {
    this.#offering = true;
    while (this.#unread.length > 0 && this.#closed === undefined) {
      const length = Math.min(this.#unread.length, RECEIVE_BYTES);
      offered.write(0, this.#unread, 0, length);
      const taken = this.#handler.received(this, offered, 0, length);
      this.#unread = this.#unread.slice(taken);
      if (taken < length) break;
    }
    this.#offering = false;
  }
  #maybeDone(): void {
    if (this.#ended && this.sawEnd) this.#close("done");
  }
  #close(reason: CloseReason): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    for (const piece of this.#pieces.splice(0)) piece.owner?.released(piece.token);
    this.#handler.closed(this, reason);
  }
}
