/** A server like NCSA's: a process made for every request, which blocks, reads its file by copies, and ends. */
import { FRAME_BYTES, NEVER, must, type Window } from "@exolith/exokernel/abi";
import type { Pollable } from "@exolith/libos-exos";
import type { ServerParts } from "./event-server.ts";
import { HEAD_BYTES, REQUEST_BYTES, makeHeads, understand, type Heads } from "./http-part.ts";
import type { Piece, Socket } from "./sockets.ts";

/** Pages of the parent that are its own and in memory: data, heap and stack. An estimate: 200 KB. */
const PRIVATE_PAGES = 50;
/** Pages of them that the child or the parent writes to before the child ends. An estimate. */
const WRITTEN_PAGES = 10;
/** Bytes that the file is read by, a block of the file system. */
const BLOCK_BYTES = 8192;
/** Children at once. */
const CHILDREN = 256;
const CHILD_BYTES: number = BLOCK_BYTES + REQUEST_BYTES + HEAD_BYTES;

/** A process that serves one connection. */
interface Child {
  readonly socket: Socket;
  /** Where its memory is. */
  readonly at: number;
  got: number;
  /** Length of its head; 0 before it is written. */
  head: number;
  /** Bytes read from the file. */
  read: number;
  /** What it is sending: how far, of what. */
  block: Piece;
  sent: number;
  /** True while it sleeps inside a call that sends. */
  isSending: boolean;
}

const PARENT = "parent";

/** Serves one document, a process a connection. */
export const forkingServer = (parts: ServerParts): Pollable => new ForkingServer(parts);

class ForkingServer implements Pollable {
  readonly #parts: ServerParts;
  readonly #heads: Heads;
  /** Memory of the children, and pages that are copied when they are written to. */
  readonly #memory: Window;
  readonly #pages: Window;
  readonly #children = new Map<Socket, Child>();
  /** Who ran last. */
  #runs: Child | typeof PARENT = PARENT;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#heads = makeHeads(parts.labour, parts.document.size);
    this.#memory = must(parts.pool.run((CHILDREN * CHILD_BYTES) / FRAME_BYTES));
    this.#pages = must(parts.pool.run(2));
  }

  poll(): boolean {
    const { sockets } = this.#parts;
    if (!sockets.isAwake) return false;
    for (let waiting = sockets.waiting; waiting > 0; waiting--) this.#accept();
    for (const socket of sockets.ready()) {
      const child = this.#children.get(socket);
      if (child !== undefined) this.#run(child);
    }
    return sockets.isAwake;
  }

  wakeAt(): typeof NEVER {
    return NEVER;
  }

  /** The processor goes to somebody else. */
  #switchTo(next: Child | typeof PARENT): void {
    if (this.#runs === next) return;
    this.#runs = next;
    this.#parts.resume();
  }

  /** The parent: a connection, a child for it, and back to waiting in `accept`. */
  #accept(): void {
    const { sockets, labour, otherCall } = this.#parts;
    this.#switchTo(PARENT);
    const socket = sockets.accept();
    if (socket === undefined) return;
    otherCall();
    labour.do("fork");
    labour.do("forkPage", PRIVATE_PAGES);
    otherCall();
    const at = socket.row * CHILD_BYTES;
    const block = { window: this.#memory, at, length: 0 };
    this.#children.set(socket, { socket, at, got: 0, head: 0, read: 0, block, sent: 0, isSending: false });
    sockets.await(socket, "bytes");
    this.#run(this.#children.get(socket) as Child);
  }

  /** A child, until it sleeps or ends. */
  #run(child: Child): void {
    this.#switchTo(child);
    if (child.head === 0 && !this.#readRequest(child)) return;
    while (this.#sendBlock(child)) {
      if (!this.#readBlock(child)) {
        this.#end(child);
        return;
      }
    }
  }

  /** True once there is something to send. */
  #readRequest(child: Child): boolean {
    const { sockets, labour, document } = this.#parts;
    const request = { window: this.#memory, at: child.at + BLOCK_BYTES, length: REQUEST_BYTES };
    if (child.got === 0) this.#writePages();
    const room = { ...request, at: request.at + child.got, length: REQUEST_BYTES - child.got };
    const got = sockets.receive(child.socket, room);
    if (got < 0 || got === room.length) this.#end(child);
    if (got <= 0 || got === room.length) return false;
    child.got += got;
    const asked = understand(labour, request, child.got, document.size);
    if (asked === undefined) return false;
    this.#open();
    const at = child.at + BLOCK_BYTES + REQUEST_BYTES;
    child.head = this.#heads.write(this.#memory, at, asked);
    child.block = { window: this.#memory, at, length: child.head };
    if (asked === "nothing") child.read = document.size;
    sockets.await(child.socket, "room");
    return true;
  }

  /** What a child writes to is its own from then on. */
  #writePages(): void {
    const { labour } = this.#parts;
    for (let page = 0; page < WRITTEN_PAGES; page++) {
      labour.do("copyOnWrite");
      this.#pages.copy(FRAME_BYTES, this.#pages, 0, FRAME_BYTES);
    }
  }

  #open(): void {
    const { labour, otherCall } = this.#parts;
    otherCall();
    labour.do("fileOpen");
    otherCall();
    labour.do("fileStat");
  }

  /** True when all of the block is sent; otherwise the child sleeps in its call, or is no more. */
  #sendBlock(child: Child): boolean {
    const { sockets } = this.#parts;
    const { window, at, length } = child.block;
    const rest = [{ window, at: at + child.sent, length: length - child.sent }];
    const sent = child.isSending ? sockets.goOn(child.socket, rest) : sockets.send(child.socket, rest);
    if (sent < 0) {
      this.#end(child);
      return false;
    }
    child.sent += sent;
    child.isSending = child.sent < length;
    return !child.isSending;
  }

  /** The next block of the file, copied out of the buffer cache; false at its end. */
  #readBlock(child: Child): boolean {
    const { labour, otherCall, document } = this.#parts;
    const length = Math.min(BLOCK_BYTES, document.size - child.read);
    otherCall();
    labour.do("fileBlock");
    if (length === 0) return false;
    this.#memory.copy(child.at, document.window, child.read, length);
    child.read += length;
    child.block = { window: this.#memory, at: child.at, length };
    child.sent = 0;
    return true;
  }

  /** The file and the socket are closed, the process ends, and its parent asks how. */
  #end(child: Child): void {
    const { sockets, labour, otherCall } = this.#parts;
    otherCall();
    labour.do("fileClose");
    sockets.close(child.socket);
    this.#children.delete(child.socket);
    otherCall();
    labour.do("exit");
    this.#switchTo(PARENT);
    otherCall();
  }
}
