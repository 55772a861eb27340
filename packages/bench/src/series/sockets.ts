/**
 * Sockets over TCP: descriptors, two buffers a connection, and a copy across them in each direction.
 *
 * What a call costs besides is told by `Crossing`: a trap into a monolithic
 * kernel, or a call of a library. Bytes are copied from the caller's memory into
 * socket buffers and out of them by the machine's windows, which charge them.
 */
import { FRAME_BYTES, must, type Window } from "@exolith/exokernel/abi";
import type { Connection, ConnectionHandler, FramePool, PieceOwner, Stack } from "@exolith/libos-exos";
import type { Labour } from "./work.ts";

/** Bytes of a socket's send buffer, the default of 4.4BSD. */
export const SEND_BYTES = 16_384;
/** Room in it that makes a socket writable, likewise. */
const LOW_WATER = 2048;
/** Bytes of the pieces that a socket buffer is filled by, and let go by: a cluster of 4.4BSD. */
const BUFFER_BYTES = 2048;
/** Sockets at once. */
const SOCKETS = 256;

/** What the way to the sockets and back costs. */
export interface Crossing {
  /** The caller's call begins. */
  call(): void;
  /** Somebody who sleeps in a call is to go on. */
  wake(): void;
  /** A buffer is filled with bytes to be sent. */
  buffer(): void;
}

/** A piece of the caller's memory. */
export interface Piece {
  readonly window: Window;
  readonly at: number;
  readonly length: number;
}

/** What somebody waits for at a socket. */
export type Interest = "nothing" | "bytes" | "room";

/** One socket. Its numbers are for whoever looks; only calls change them. */
export class Socket implements PieceOwner {
  /** Its place among the sockets, and in the memory of their buffers. */
  readonly row: number;
  connection: Connection | undefined;
  interest: Interest = "nothing";
  /** Bytes wait; the peer has finished; the connection is gone. */
  hasBytes = false;
  isEnded = false;
  isGone = false;
  /** Closed by its owner. */
  isClosed = false;
  /** Bytes in the send buffer, and where the next ones go. */
  used = 0;
  end = 0;
  /** Where a call that receives wants them, and how many it got. */
  into: Piece | undefined;
  got = 0;
  readonly #changed: (socket: Socket) => void;

  constructor(row: number, changed: (socket: Socket) => void) {
    this.row = row;
    this.#changed = changed;
  }

  /** True when what it is interested in is there. */
  get isReady(): boolean {
    if (this.isClosed || this.interest === "nothing") return false;
    if (this.isGone) return true;
    return this.interest === "room" ? SEND_BYTES - this.used >= LOW_WATER : this.hasBytes || this.isEnded;
  }

  released(bytes: number): void {
    this.used -= bytes;
    this.#changed(this);
  }
}

/** The sockets of one machine, which all stacks share. */
export class Sockets implements ConnectionHandler {
  /** Connections that nobody has accepted. */
  readonly #waiting: Socket[] = [];
  /** In the order in which they became ready. */
  readonly #ready = new Set<Socket>();
  readonly #free: Socket[] = [];
  readonly #memory: Window;
  readonly #stacks: readonly Stack[];
  readonly #labour: Labour;
  readonly #crossing: Crossing;
  #open = 0;

  constructor(stacks: readonly Stack[], pool: FramePool, labour: Labour, crossing: Crossing) {
    this.#stacks = stacks;
    this.#labour = labour;
    this.#crossing = crossing;
    this.#memory = must(pool.run((SOCKETS * SEND_BYTES) / FRAME_BYTES));
    const changed = (socket: Socket): void => this.#look(socket);
    for (let row = SOCKETS - 1; row >= 0; row--) this.#free.push(new Socket(row, changed));
  }

  /** True when a call that waits for anything of interest would return at once. No call by itself. */
  get isAwake(): boolean {
    return this.#waiting.length > 0 || this.#ready.size > 0;
  }

  /** Connections that a call to `accept` would find. No call by itself. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Everything that is ready, after a look at every descriptor, the listeners among them. */
  select(): readonly Socket[] {
    this.#crossing.call();
    this.#labour.do("select");
    this.#labour.do("selectDescriptor", this.#open + this.#stacks.length);
    return this.ready();
  }

  /** Whoever sleeps in a call of their own and has what they wait for. No call by itself. */
  ready(): readonly Socket[] {
    return [...this.#ready];
  }

  /** The oldest connection that waits. */
  accept(): Socket | undefined {
    this.#begin();
    return this.#waiting.shift();
  }

  /** Bytes into the caller's memory: how many; 0 when there are none yet, -1 when none will come. */
  receive(socket: Socket, into: Piece): number {
    this.#begin();
    socket.into = into;
    socket.got = 0;
    socket.hasBytes = false;
    socket.connection?.resume();
    socket.into = undefined;
    this.#look(socket);
    if (socket.got > 0) return socket.got;
    return socket.isEnded || socket.isGone ? -1 : 0;
  }

  /** Bytes out of the caller's memory, piece after piece, as far as there is room: how many; -1 when nobody takes them. */
  send(socket: Socket, pieces: readonly Piece[]): number {
    this.#begin();
    return this.goOn(socket, pieces);
  }

  /** The same for a call that has slept for room and was never left. */
  goOn(socket: Socket, pieces: readonly Piece[]): number {
    if (socket.connection === undefined || socket.isGone) return -1;
    let sent = 0;
    for (const piece of pieces) {
      const taken = this.#put(socket, piece);
      sent += taken;
      if (taken < piece.length) break;
    }
    this.#look(socket);
    this.#output();
    return sent;
  }

  /** No more bytes either way from the caller; what is in the buffer still goes out. */
  close(socket: Socket): void {
    this.#begin();
    socket.isClosed = true;
    socket.interest = "nothing";
    this.#look(socket);
    this.#open -= 1;
    if (socket.isGone) this.#forget(socket);
    else {
      socket.connection?.finish();
      socket.connection?.resume();
      this.#output();
    }
  }

  /** Names what somebody waits for. No call by itself: it goes with the next. */
  await(socket: Socket, interest: Interest): void {
    socket.interest = interest;
    this.#look(socket);
  }

  opened(connection: Connection): void {
    const socket = this.#free.pop();
    if (socket === undefined) {
      connection.abort();
      return;
    }
    this.#labour.do("socketMade");
    connection.context = socket;
    socket.connection = connection;
    socket.hasBytes = socket.isEnded = socket.isGone = socket.isClosed = false;
    socket.used = socket.end = 0;
    socket.interest = "nothing";
    this.#open += 1;
    this.#waiting.push(socket);
    this.#crossing.wake();
  }

  received(connection: Connection, window: Window, at: number, length: number): number {
    const socket = socketOf(connection);
    if (socket === undefined || socket.isClosed) return length;
    const { into } = socket;
    const taken = into === undefined ? 0 : Math.min(length, into.length - socket.got);
    if (into !== undefined && taken > 0) into.window.copy(into.at + socket.got, window, at, taken);
    socket.got += taken;
    socket.hasBytes = taken < length;
    if (into === undefined) this.#notice(socket);
    return taken;
  }

  acknowledged(_connection: Connection): void {}

  ended(connection: Connection): void {
    const socket = socketOf(connection);
    if (socket === undefined) return;
    socket.isEnded = true;
    this.#notice(socket);
  }

  closed(connection: Connection): void {
    const socket = socketOf(connection);
    connection.context = undefined;
    if (socket === undefined) return;
    socket.connection = undefined;
    socket.isGone = true;
    if (socket.isClosed) this.#forget(socket);
    else this.#notice(socket);
  }

  #begin(): void {
    this.#crossing.call();
    this.#labour.do("socketCall");
  }

  /** Copies what there is room for into the send buffer; how many bytes. */
  #put(socket: Socket, { window, at, length }: Piece): number {
    const { connection } = socket;
    let taken = 0;
    while (connection !== undefined && taken < length && socket.used < SEND_BYTES) {
      const room = Math.min(SEND_BYTES - socket.used, SEND_BYTES - socket.end);
      const count = Math.min(length - taken, room, BUFFER_BYTES);
      const to = socket.row * SEND_BYTES + socket.end;
      this.#memory.copy(to, window, at + taken, count);
      if (!connection.send(this.#memory, to, count, socket, count)) break;
      this.#crossing.buffer();
      socket.used += count;
      socket.end = (socket.end + count) % SEND_BYTES;
      taken += count;
    }
    return taken;
  }

  /** What was queued goes out before the call returns. */
  #output(): void {
    for (const { tcp } of this.#stacks) tcp.poll();
  }

  /** Something happened to it: whoever waits for that is woken. */
  #notice(socket: Socket): void {
    const before = this.#ready.has(socket);
    this.#look(socket);
    if (!before && this.#ready.has(socket)) this.#crossing.wake();
  }

  #look(socket: Socket): void {
    if (socket.isReady) this.#ready.add(socket);
    else this.#ready.delete(socket);
  }

  #forget(socket: Socket): void {
    this.#ready.delete(socket);
    socket.connection = undefined;
    this.#free.push(socket);
  }
}

const socketOf = ({ context }: Connection): Socket | undefined =>
  context instanceof Socket ? context : undefined;
