/** A connection as its application holds it. */
import type { Window } from "@exolith/exokernel/abi";
import type { Connection, PieceOwner } from "./application.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { emitReset } from "./emit.ts";
import { close, enter, restartDrain } from "./lifecycle.ts";
import { updateWindow } from "./output.ts";
import { relieve } from "./starving.ts";
import { mayReceive, maySend } from "./state.ts";

/** The application's side of `block`; it outlives the connection and then does nothing. */
export const makeConnection = (core: TcpCore, block: ControlBlock): Connection =>
  new TcpConnection(core, block);

class TcpConnection implements Connection {
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  context: unknown = undefined;
  readonly #core: TcpCore;
  readonly #held: ControlBlock;

  constructor(core: TcpCore, block: ControlBlock) {
    this.localAddress = block.localAddress;
    this.localPort = block.localPort;
    this.remoteAddress = block.remoteAddress;
    this.remotePort = block.remotePort;
    this.#core = core;
    this.#held = block;
  }

  get unacknowledged(): number {
    return this.#block()?.queue.length ?? 0;
  }

  send(window: Window, at: number, length: number, owner: PieceOwner | undefined, token: number): boolean {
    const block = this.#block();
    if (block === undefined || block.isFinishing || block.isDraining || !maySend(block.state)) return false;
    checkPiece(window, at, length);
    if (length === 0) {
      owner?.released(token);
      return true;
    }
    if (!block.queue.push(window, at, length, owner, token)) return false;
    this.#core.ready.add(block);
    return true;
  }

  finish(): void {
    const block = this.#block();
    if (block === undefined || block.isFinishing || block.isDraining) return;
    block.isFinishing = true;
    if (block.state === "ESTABLISHED") enter(block, "FIN-WAIT-1");
    else if (block.state === "CLOSE-WAIT") enter(block, "LAST-ACK");
    this.#core.ready.add(block);
  }

  abort(): void {
    const block = this.#block();
    if (block === undefined) return;
    const core = this.#core;
    core.now = core.clock.now();
    if (mayReset(block)) emitReset(core, block);
    close(core, block, "aborted");
  }

  resume(): void {
    const block = this.#block();
    if (block === undefined || block.isOffering) return;
    this.#core.now = this.#core.clock.now();
    relieve(this.#core, block);
    offerUnread(this.#core, block);
  }

  // The control block may have gone on to another connection.
  #block(): ControlBlock | undefined {
    return this.#held.connection === this ? this.#held : undefined;
  }
}

function checkPiece(window: Window, at: number, length: number): void {
  if (!(at >= 0 && length >= 0 && at + length <= window.length))
    throw new RangeError("a piece outside its window");
}

// In SYN-SENT the peer knows nothing yet; after both FINs it has nothing to lose (RFC 9293 section 3.10.5).
const mayReset = (block: ControlBlock): boolean =>
  !block.isDraining &&
  (mayReceive(block.state) ||
    block.state === "CLOSE-WAIT" ||
    block.state === "SYN-RECEIVED" ||
    block.state === "LAST-ACK" ||
    block.state === "CLOSING");

/** Offers what is unread to the handler, and does what follows from its being taken. */
export function offerUnread(core: TcpCore, block: ControlBlock): void {
  const { connection } = block;
  block.isOffering = true;
  const taken = block.buffer.offer(block.take);
  if (block.connection !== connection || connection === undefined) return;
  block.isOffering = false;
  if (taken === 0) return;
  if (!block.isDraining) {
    if (mayReceive(block.state)) updateWindow(core, block);
  } else if (block.buffer.unread === 0) close(core, block, block.drainReason);
  else restartDrain(core, block);
}
