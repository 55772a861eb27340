/** The server: every connection of it, and the time they have. */
import { NEVER } from "@exolith/exokernel/abi";
import type { Cycles, Window } from "@exolith/exokernel/abi";
import type { CloseReason, Connection, ConnectionHandler, Pollable } from "@exolith/libos-exos";
import type { WaitLists } from "../memory/wait-lists.ts";
import { HttpConnection } from "./http-connection.ts";
import { CROWDED_SECONDS, Crowd, isCrowded, letIdleGo, stuckWithBytes, whoGivesWay } from "./room.ts";
import type { Services } from "./services.ts";
import { secondsIn } from "./services.ts";

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
  readonly #crowd = new Crowd();
  #nextSweep: Cycles = NEVER;
  #drainBy: Cycles = NEVER;

  constructor(services: Services, waits: WaitLists) {
    this.#services = services;
    this.#waits = waits;
  }

  opened(connection: Connection): void {
    const { counters, clock } = this.#services;
    const row = this.#services.draining() ? undefined : (this.#takeRow() ?? this.#makeRoom(connection));
    connection.context = row;
    if (row === undefined) {
      counters.refused += 1;
      connection.abort();
      return;
    }
    counters.accepted += 1;
    counters.open += 1;
    this.#crowd.add(connection.remoteAddress);
    row.open(connection);
    if (this.#nextSweep === NEVER)
      this.#nextSweep = (clock.now() + secondsIn(clock, SWEEP_SECONDS)) as Cycles;
  }

  received(connection: Connection, window: Window, at: number, length: number): number {
    return rowOf(connection)?.received(window, at, length) ?? length;
  }

  acknowledged(connection: Connection): void {
    rowOf(connection)?.acknowledged();
  }

  ended(connection: Connection): void {
    rowOf(connection)?.ended();
  }

  closed(connection: Connection, _reason: CloseReason): void {
    const row = rowOf(connection);
    connection.context = undefined;
    if (row === undefined) return;
    this.#crowd.remove(connection.remoteAddress);
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

  /** When all are in use, somebody gives way. */
  #makeRoom({ remoteAddress }: Connection): HttpConnection | undefined {
    this.#displace(
      whoGivesWay(this.#rows, this.#crowd, remoteAddress, this.#stuckBefore(this.#services.now())),
    );
    return this.#takeRow();
  }

  /** When some wait for a slot or a chunk, those give way whose clients do not take what they hold. */
  #relieve(now: Cycles): void {
    const { lists, heads, free } = this.#waits;
    const waiting = lists.count(heads) + lists.count(free);
    if (waiting === 0) return;
    for (const row of stuckWithBytes(this.#rows, this.#stuckBefore(now), waiting)) this.#displace(row);
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
      if (now >= this.#drainBy) row.abort();
      else row.checkTime(now);
    }
    this.#nextSweep = counters.open > 0 ? ((now + secondsIn(clock, SWEEP_SECONDS)) as Cycles) : NEVER;
  }
}

const rowOf = (connection: Connection): HttpConnection | undefined =>
  connection.context instanceof HttpConnection ? connection.context : undefined;
