/** One relayed connection: a stream of the host on one side, TCP on the other. */
import { STREAM_STATE, failed, type Gate, type StreamId, type Window } from "@exolith/exokernel/abi";
import type { BufferSlot, BufferSlots } from "../memory/buffer-slots.ts";
import type { CloseReason, Connection, ConnectionHandler, PieceOwner } from "../net/tcp/application.ts";

/** What all relays of a gateway share. */
export interface RelayParts {
  readonly gate: Gate;
  /** Memory for bytes on their way from a stream to TCP; a relay holds a slot only while it has such bytes. */
  readonly slots: BufferSlots;
  /** A relay that had no slot to read into has one to wait for. */
  readonly starved: (relay: Relay) => void;
  /** The relay is over: its stream and its connection are gone. */
  readonly over: (relay: Relay) => void;
}

/**
 * Bytes from the stream are read into a slot of memory, used as a ring, and
 * sent from there; bytes from TCP go to the stream from where they arrived.
 *
 * Holds: `head` bytes were acknowledged, `queued` were given to TCP and `tail`
 * were read, in this order; `tail - head` is at most a slot. Each direction ends by itself, and pushes back by
 * itself: a full slot leaves the stream unread, a full stream leaves TCP's
 * receive window closed.
 */
export class Relay implements ConnectionHandler, PieceOwner {
  readonly #parts: RelayParts;
  readonly stream: StreamId;
  #connection: Connection | undefined;
  #slot: BufferSlot | undefined;
  #head = 0;
  #queued = 0;
  #tail = 0;
  #finished = false;
  /** Bytes from TCP that the stream had no room for when they were last offered. */
  #unread = 0;
  #peerEnded = false;
  #over = false;

  constructor(parts: RelayParts, stream: StreamId) {
    this.#parts = parts;
    this.stream = stream;
  }

  /** Names the TCP side, as soon as there is one. */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** The stream's state changed, or memory came free: move what can be moved. */
  pump(): void {
    if (this.#over || this.#connection === undefined) return;
    const state = this.#parts.gate.streams.state(this.stream & 0xffff);
    if ((state & STREAM_STATE.failed) !== 0) return this.#streamLost();
    this.#connection.resume();
    this.#queue();
    while ((this.#state() & STREAM_STATE.readable) !== 0 && this.#fill()) this.#queue();
    this.#finishIfDrained();
  }

  #state(): number {
    return this.#over ? 0 : this.#parts.gate.streams.state(this.stream & 0xffff);
  }

  /** Reads once from the stream into the ring; false when nothing could move. */
  #fill(): boolean {
    const slot = this.#takeSlot();
    if (slot === undefined) return false;
    const { bytes } = this.#parts.slots;
    const from = this.#tail % bytes;
    const room = Math.min(bytes - (this.#tail - this.#head), bytes - from);
    if (room === 0) return false;
    const moved = this.#parts.gate.streamRead(this.stream, slot.window, slot.at + from, room);
    if (failed(moved) || moved === 0) {
      this.#releaseSlotIfEmpty();
      return false;
    }
    this.#tail += moved;
    return true;
  }

  /** Gives TCP what was read, as far as its queue has room. */
  #queue(): void {
    const slot = this.#slot;
    while (slot !== undefined && this.#queued < this.#tail) {
      const { bytes } = this.#parts.slots;
      const from = this.#queued % bytes;
      const length = Math.min(this.#tail - this.#queued, bytes - from);
      if (this.#connection?.send(slot.window, slot.at + from, length, this, length) !== true) return;
      this.#queued += length;
    }
  }

  #takeSlot(): BufferSlot | undefined {
    if (this.#slot !== undefined) return this.#slot;
    this.#slot = this.#parts.slots.allocate();
    if (this.#slot === undefined) this.#parts.starved(this);
    return this.#slot;
  }

  #releaseSlotIfEmpty(): void {
    if (this.#slot === undefined || this.#head !== this.#tail) return;
    this.#parts.slots.release(this.#slot);
    this.#slot = undefined;
    this.#head = 0;
    this.#queued = 0;
    this.#tail = 0;
  }

  #finishIfDrained(): void {
    const state = this.#state();
    if (
      this.#finished ||
      this.#queued !== this.#tail ||
      (state & STREAM_STATE.ended) === 0 ||
      (state & STREAM_STATE.readable) !== 0
    )
      return;
    this.#finished = true;
    this.#connection?.finish();
  }

  /** The peer of the stream is gone: so is the connection. */
  #streamLost(): void {
    this.#connection?.abort();
    this.#end("reset");
  }

  released(token: number): void {
    this.#head += token;
    this.#releaseSlotIfEmpty();
  }

  opened(connection: Connection): void {
    this.#connection = connection;
    this.pump();
  }

  received(_: Connection, window: Window, at: number, length: number): number {
    const moved = this.#parts.gate.streamWrite(this.stream, window, at, length);
    const taken = failed(moved) ? length : moved;
    this.#unread = length - taken;
    this.#endIfRead();
    return taken;
  }

  acknowledged(): void {
    this.pump();
  }

  ended(): void {
    this.#peerEnded = true;
    this.#endIfRead();
  }

  /** The peer's last byte is in the stream: so is its end. */
  #endIfRead(): void {
    if (this.#peerEnded && this.#unread === 0 && !this.#over)
      this.#parts.gate.streamControl(this.stream, "end");
  }

  /** A service that ended has said everything, however its connection went afterwards: the client may read it in peace. */
  closed(_: Connection, reason: CloseReason): void {
    const isWhole = reason === "done" || (this.#peerEnded && this.#unread === 0);
    this.#end(isWhole ? "close" : "reset");
  }

  #end(operation: "close" | "reset"): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.gate.streamControl(this.stream, operation);
    this.#head = this.#tail;
    this.#queued = this.#tail;
    this.#releaseSlotIfEmpty();
    this.#parts.over(this);
  }
}
