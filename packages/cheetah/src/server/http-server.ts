/** The server: every connection of it, and the time they have. */
import { NEVER } from "@exolith/exokernel/abi";
import type { Cycles, Window } from "@exolith/exokernel/abi";
import type { CloseReason, Connection, ConnectionHandler, Pollable } from "@exolith/libos-exos";
import { IndexLists } from "../memory/index-lists.ts";
import { awaitingAny, type WaitLists } from "../memory/wait-lists.ts";
import { HttpConnection } from "./http-connection.ts";
import { CROWDED_SECONDS, isCrowded, letIdleGo, longestIdle, stuckSince, tooMany } from "./room.ts";
import type { Services } from "./services.ts";
import { secondsIn } from "./services.ts";

/** The one list of newcomers. */
const NEWCOMERS = 0;
/** Connections that go on in one poll, before others get their turn. */
const RUN_BATCH = 128;
/** Seconds between two looks at the time of every connection. */
const SWEEP_SECONDS = 0.5;
/** Seconds until a full device is tried again. */
export const RETRY_SECONDS = 0.002;

/** One handler for all connections that TCP accepts. */
export class HttpServer implements ConnectionHandler, Pollable {
  readonly #services: Services;
  readonly #waits: WaitLists;
  readonly #rows: HttpConnection[] = [];
  readonly #free: number[] = [];
  /** Rows whose clients have taken nothing yet, the oldest first. */
  readonly #newcomers: IndexLists;
  #nextSweep: Cycles = NEVER;
  #drainBy: Cycles = NEVER;

  constructor(services: Services, waits: WaitLists) {
    this.#services = services;
    this.#waits = waits;
    this.#newcomers = new IndexLists(services.limits.connections, 1);
  }

  opened(connection: Connection): void {
    const { counters, clock } = this.#services;
    const row = this.#services.draining() ? undefined : (this.#takeRow() ?? this.#makeRoom());
    connection.context = row;
    if (row === undefined) {
      counters.refused += 1;
      connection.abort();
      return;
    }
    counters.accepted += 1;
    counters.open += 1;
    this.#newcomers.add(NEWCOMERS, row.row);
    row.open(connection);
    if (this.#nextSweep === NEVER)
      this.#nextSweep = (clock.now() + secondsIn(clock, SWEEP_SECONDS)) as Cycles;
  }

  received(connection: Connection, window: Window, at: number, length: number): number {
    return rowOf(connection)?.received(window, at, length) ?? length;
  }

  acknowledged(connection: Connection): void {
    const row = rowOf(connection);
    row?.acknowledged();
    if (row?.hasTaken === true) this.#newcomers.remove(row.row);
  }

  ended(connection: Connection): void {
    rowOf(connection)?.ended();
  }

  closed(connection: Connection, _reason: CloseReason): void {
    const row = rowOf(connection);
    connection.context = undefined;
    if (row === undefined) return;
    this.#newcomers.remove(row.row);
    row.closed();
    this.#services.counters.open -= 1;
    if (this.#services.counters.open === 0) this.#services.shared?.clear();
    this.#free.push(row.row);
  }

  /** Lets idle connections go now, and the others until `drainSeconds` from now. */
  drain(): void {
    const { clock, limits } = this.#services;
    this.#drainBy = (clock.now() + secondsIn(clock, limits.drainSeconds)) as Cycles;
    for (const row of this.#rows) if (row.isOpen) row.drain();
  }

  poll(): boolean {
    const { cache, clock, later, log, slots } = this.#services;
    cache.poll();
    slots.wake(RUN_BATCH);
    const { lists, runnable } = this.#waits;
    let ran = later?.poll((row) => this.#rows[row]?.run()) ?? 0;
    for (let batch = 0; batch < RUN_BATCH; batch++) {
      const row = lists.take(runnable);
      if (row < 0) break;
      this.#rows[row]?.run();
      ran += 1;
    }
    const now = clock.now();
    if (now >= this.#nextSweep) this.#sweep(now);
    const logging = log?.poll() ?? false;
    return ran > 0 || logging;
  }

  wakeAt(): Cycles {
    const { cache, clock, later, log } = this.#services;
    if (this.#waits.lists.count(this.#waits.runnable) > 0 || later?.isWaited === true) return clock.now();
    const isBlocked = cache.blocked || (log !== undefined && log.waiting > 0);
    if (!isBlocked) return this.#nextSweep;
    return Math.min(this.#nextSweep, clock.now() + secondsIn(clock, RETRY_SECONDS)) as Cycles;
  }

  #takeRow(): HttpConnection | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return this.#rows[free];
    if (this.#rows.length >= this.#services.limits.connections) return undefined;
    const row = new HttpConnection(this.#services, this.#rows.length);
    this.#rows.push(row);
    return row;
  }

  /** When all are in use, whoever has been there longest and taken nothing gives way, or else whoever has waited longest for a next request. */
  #makeRoom(): HttpConnection | undefined {
    this.#displace(this.#oldestNewcomer() ?? longestIdle(this.#rows));
    return this.#takeRow();
  }

  /** Not one for which the disk is reading: it would have what it waits for. O(newcomers) at worst. */
  #oldestNewcomer(): HttpConnection | undefined {
    const { lists, chunk } = this.#waits;
    let row = this.#newcomers.first(NEWCOMERS);
    while (row >= 0 && lists.listOf(row) >= chunk) row = this.#newcomers.after(row);
    return row < 0 ? undefined : this.#rows[row];
  }

  /** Those that are stuck give way while most are in use; and as many that hold something as wait for a slot or a chunk. */
  #relieve(now: Cycles): void {
    const { counters, limits } = this.#services;
    const { lists, heads } = this.#waits;
    this.#displaceStuck(this.#rows, tooMany(counters.open, limits.connections), now);
    const waiting = lists.count(heads) + awaitingAny(this.#waits);
    if (waiting === 0) return;
    const holding = this.#rows.filter((row) => row.isHolding);
    this.#displaceStuck(holding, waiting, now);
  }

  #displaceStuck(rows: readonly HttpConnection[], limit: number, now: Cycles): void {
    if (limit === 0) return;
    for (const row of stuckSince(rows, this.#stuckBefore(now), limit)) this.#displace(row);
  }

  /** TCP keeps what a client said last who is gone, and takes nothing for him: a response that waits for nothing here will never go on. */
  #isAbandoned(row: HttpConnection, now: Cycles): boolean {
    if (!row.hasNothingQueued || this.#waits.lists.listOf(row.row) >= 0) return false;
    return now - row.since >= secondsIn(this.#services.clock, SWEEP_SECONDS);
  }

  #stuckBefore(now: Cycles): Cycles {
    const { clock, limits } = this.#services;
    return (now - secondsIn(clock, limits.stuckSeconds)) as Cycles;
  }

  #displace(row: HttpConnection | undefined): void {
    if (row === undefined) return;
    this.#services.counters.displaced += 1;
    row.abort();
  }

  #sweep(now: Cycles): void {
    const { clock, counters, limits } = this.#services;
    if (isCrowded(counters.open, limits.connections))
      letIdleGo(this.#rows, limits.connections, (now - secondsIn(clock, CROWDED_SECONDS)) as Cycles);
    this.#relieve(now);
    for (const row of this.#rows) {
      if (!row.isOpen) continue;
      if (now >= this.#drainBy || this.#isAbandoned(row, now)) row.abort();
      else row.checkTime(now);
    }
    this.#nextSweep = counters.open > 0 ? ((now + secondsIn(clock, SWEEP_SECONDS)) as Cycles) : NEVER;
  }
}

const rowOf = (connection: Connection): HttpConnection | undefined =>
  connection.context instanceof HttpConnection ? connection.context : undefined;
