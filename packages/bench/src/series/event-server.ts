/** Servers with one event loop on sockets, documents in their own memory: the tuned one, and one like Harvest. */
import { FRAME_BYTES, NEVER, must } from "@exolith/exokernel/abi";
import type { FramePool, Pollable } from "@exolith/libos-exos";
import type { Held } from "./documents.ts";
import { HEAD_BYTES, REQUEST_BYTES, makeHeads, understand, type Heads } from "./http-part.ts";
import type { Piece, Socket, Sockets } from "./sockets.ts";
import type { Labour } from "./work.ts";

/** How a server goes about it. */
export interface Habits {
  /** True: every call is tried at once, and only what would wait is left to `select`. */
  readonly triesAtOnce: boolean;
  /** Bytes of a document in one call. */
  readonly pieceBytes: number;
  /** Calls for a connection that move nothing: the modes of a descriptor, the peer's name, the time, a line of the log. */
  readonly otherCalls: number;
}

/** As good as sockets allow. */
export const TUNED: Habits = { triesAtOnce: true, pieceBytes: Infinity, otherCalls: 0 };
/** Harvest's cache: every step by its loop, objects in pages of 4 KiB, `fcntl`, `getpeername`, `gettimeofday`, a line of the log. */
export const LIKE_HARVEST: Habits = { triesAtOnce: false, pieceBytes: 4096, otherCalls: 4 };

/** What a server works with. */
export interface ServerParts {
  readonly sockets: Sockets;
  readonly pool: FramePool;
  readonly labour: Labour;
  readonly document: Held;
  /** The server sleeps in a call, and is to run. */
  readonly resume: () => void;
  /** A call that moves nothing. */
  readonly otherCall: () => void;
}

/** Sockets that the server has memory for. */
const ROWS = 256;
const ROW_BYTES: number = REQUEST_BYTES + HEAD_BYTES;

/** What the server knows of a connection. */
interface Conversation {
  /** Bytes of the request so far. */
  got: number;
  /** Bytes of the head; 0 before it is written. */
  head: number;
  /** Bytes of head and body that are sent, of how many. */
  sent: number;
  total: number;
}

/** Serves one document on `parts.sockets`. */
export const eventServer = (parts: ServerParts, habits: Habits): Pollable => new EventServer(parts, habits);

class EventServer implements Pollable {
  readonly #parts: ServerParts;
  readonly #habits: Habits;
  readonly #heads: Heads;
  readonly #memory: ReturnType<typeof claim>;
  readonly #conversations: readonly Conversation[];
  #isAsleep = false;

  constructor(parts: ServerParts, habits: Habits) {
    this.#parts = parts;
    this.#habits = habits;
    this.#heads = makeHeads(parts.labour, parts.document.size);
    this.#memory = claim(parts.pool);
    this.#conversations = Array.from({ length: ROWS }, () => ({ got: 0, head: 0, sent: 0, total: 0 }));
  }

  poll(): boolean {
    const { sockets, resume } = this.#parts;
    if (this.#isAsleep && !sockets.isAwake) return false;
    if (this.#isAsleep) resume();
    this.#isAsleep = false;
    const ready = sockets.select();
    if (!sockets.isAwake) {
      this.#isAsleep = true;
      return false;
    }
    for (let waiting = sockets.waiting; waiting > 0; waiting--) this.#accept();
    for (const socket of ready) this.#step(socket);
    return true;
  }

  wakeAt(): typeof NEVER {
    return NEVER;
  }

  #accept(): void {
    const { sockets, otherCall } = this.#parts;
    const socket = sockets.accept();
    if (socket === undefined) return;
    for (let i = 0; i < this.#habits.otherCalls; i++) otherCall();
    Object.assign(this.#of(socket), { got: 0, head: 0, sent: 0, total: 0 });
    sockets.await(socket, "bytes");
    if (this.#habits.triesAtOnce) this.#step(socket);
  }

  #step(socket: Socket): void {
    if (this.#of(socket).head === 0) this.#read(socket);
    else this.#write(socket);
  }

  #read(socket: Socket): void {
    const { sockets, labour, document } = this.#parts;
    const conversation = this.#of(socket);
    const at = socket.row * ROW_BYTES;
    const room = {
      window: this.#memory,
      at: at + conversation.got,
      length: REQUEST_BYTES - conversation.got,
    };
    const got = sockets.receive(socket, room);
    if (got === 0) return;
    if (got < 0 || room.length === got) return sockets.close(socket);
    conversation.got += got;
    const request = { window: this.#memory, at, length: REQUEST_BYTES };
    const asked = understand(labour, request, conversation.got, document.size);
    if (asked === undefined) return;
    conversation.head = this.#heads.write(this.#memory, at + REQUEST_BYTES, asked);
    conversation.total = conversation.head + (asked === "document" ? document.size : 0);
    sockets.await(socket, "room");
    if (this.#habits.triesAtOnce) this.#write(socket);
  }

  #write(socket: Socket): void {
    const { sockets } = this.#parts;
    const conversation = this.#of(socket);
    const sent = sockets.send(socket, this.#pieces(socket, conversation));
    if (sent < 0) return sockets.close(socket);
    conversation.sent += sent;
    if (conversation.sent === conversation.total) sockets.close(socket);
  }

  /** What is still to be sent, as far as one call takes it. */
  #pieces(socket: Socket, { head, sent, total }: Conversation): readonly Piece[] {
    const at = socket.row * ROW_BYTES + REQUEST_BYTES;
    const pieces: Piece[] = [];
    if (sent < head) pieces.push({ window: this.#memory, at: at + sent, length: head - sent });
    const from = Math.max(0, sent - head);
    const length = Math.min(total - head - from, this.#habits.pieceBytes);
    if (length > 0) pieces.push({ window: this.#parts.document.window, at: from, length });
    return pieces;
  }

  #of(socket: Socket): Conversation {
    const found = this.#conversations[socket.row];
    if (found === undefined) throw new RangeError("more sockets than the server has memory for");
    return found;
  }
}

const claim = (pool: FramePool): Held["window"] => must(pool.run((ROWS * ROW_BYTES) / FRAME_BYTES));
