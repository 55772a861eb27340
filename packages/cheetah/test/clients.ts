/** Clients outside the gateway: well-behaved ones and others, on the scripted streams of a simulated machine. */
import { NEVER, type Clock, type Cycles, type Steppable, type StreamWorld } from "@exolith/hw-model";
import { ResponseReader, type ReadResponse } from "./response-reader.ts";

/** One client with one stream. */
export interface Client {
  /** Something came, or its stream changed. */
  changed(): void;
  /** When it next acts of itself, in cycles. */
  wakeAt(): Cycles;
  /** Its time has come. */
  act(): void;
}

/** All clients of a run, as what `play` takes. */
export class Crowd implements Steppable {
  readonly world: StreamWorld;
  readonly clock: Clock;
  readonly #clients = new Map<number, Client>();
  #alarm: Cycles = NEVER;

  constructor(world: StreamWorld, clock: Clock) {
    this.world = world;
    this.clock = clock;
  }

  /** Clients that are not done. */
  get count(): number {
    return this.#clients.size;
  }

  /** Simulated seconds. */
  get seconds(): number {
    return this.clock.now() / this.clock.hertz;
  }

  /** The time `seconds` from now. */
  after(seconds: number): Cycles {
    return (this.clock.now() + seconds * this.clock.hertz) as Cycles;
  }

  /** Has the machine step `seconds` from now, whatever else happens; returns that time. */
  wakeAfter(seconds: number): Cycles {
    return (this.#alarm = this.after(seconds));
  }

  /** Opens a stream for the client that `make` makes. */
  open<T extends Client>(make: (crowd: Crowd, end: number) => T): T {
    const end = this.world.open();
    const client = make(this, end);
    this.#clients.set(end, client);
    return client;
  }

  /** The client of `end` is done with it. */
  leave(end: number): void {
    this.#clients.delete(end);
    this.world.forget(end);
  }

  step(): boolean {
    let acted = false;
    for (let end = this.world.next(); end >= 0; end = this.world.next()) {
      acted = true;
      this.#clients.get(end)?.changed();
    }
    const now = this.clock.now();
    if (now >= this.#alarm) {
      acted = true;
      this.#alarm = NEVER;
    }
    for (const client of this.#clients.values()) {
      if (client.wakeAt() > now) continue;
      acted = true;
      client.act();
    }
    return acted;
  }

  wakeAt(): Cycles {
    let at: number = this.#alarm;
    for (const client of this.#clients.values()) at = Math.min(at, client.wakeAt());
    return at as Cycles;
  }
}

/** The request that clients send. */
export const get = (path: string): string => `GET /${path} HTTP/1.1\r\nHost: simulated\r\n\r\n`;

/** What a fetcher is told. */
export interface FetchPlan {
  /** One request after another, on one connection. */
  readonly paths: readonly string[];
  /** Requests sent ahead of their responses. */
  readonly depth?: number;
  readonly response: (path: string, response: ReadResponse, client: Fetcher) => void;
}

/** Fetches paths over one connection that is kept alive, several requests ahead, then ends it. */
export class Fetcher implements Client {
  readonly #crowd: Crowd;
  readonly #end: number;
  readonly #plan: FetchPlan;
  readonly reader: ResponseReader;
  #sent = 0;
  #got = 0;
  #paused = false;
  /** Seconds at which the last response was whole; -1 before. */
  doneAt = -1;
  /** What became of the stream, when it is over. */
  over: "ended" | "broken" | undefined = undefined;

  constructor(crowd: Crowd, end: number, plan: FetchPlan) {
    this.#crowd = crowd;
    this.#end = end;
    this.#plan = plan;
    this.reader = new ResponseReader((response) => this.#response(response));
    this.#send();
  }

  /** Stops reading, or goes on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#crowd.world.hold(this.#end, paused);
    if (!paused) this.changed();
  }

  changed(): void {
    const { world } = this.#crowd;
    if (!this.#paused) this.reader.read(world.take(this.#end));
    const state = world.state(this.#end);
    if (state === "open") return;
    this.over = state;
    if (state === "ended") world.end(this.#end);
    this.#crowd.leave(this.#end);
  }

  wakeAt(): Cycles {
    return NEVER;
  }

  act(): void {}

  #send(): void {
    const { paths, depth = 1 } = this.#plan;
    let text = "";
    for (; this.#sent < paths.length && this.#sent < this.#got + depth; this.#sent++)
      text += get(paths[this.#sent] ?? "");
    if (text !== "") this.#crowd.world.send(this.#end, text);
  }

  #response(response: ReadResponse): void {
    const { paths, response: told } = this.#plan;
    told(paths[this.#got++] ?? "", response, this);
    if (this.#got < paths.length) return this.#send();
    this.doneAt = this.#crowd.seconds;
    this.#crowd.world.end(this.#end);
  }
}

/** A client that misbehaves; `act` is called every `period` seconds. */
export interface Mischief {
  readonly request: string;
  readonly held: boolean;
  readonly period: number;
  readonly act: (world: StreamWorld, end: number, time: number) => void;
}

/** Plays a `Mischief` until its stream is over. */
export class BadClient implements Client {
  readonly #crowd: Crowd;
  readonly #end: number;
  readonly #mischief: Mischief;
  #next: Cycles;
  #times = 0;
  over: "ended" | "broken" | undefined = undefined;

  constructor(crowd: Crowd, end: number, mischief: Mischief) {
    this.#crowd = crowd;
    this.#end = end;
    this.#mischief = mischief;
    crowd.world.hold(end, mischief.held);
    crowd.world.send(end, mischief.request);
    this.#next = crowd.after(mischief.period);
  }

  changed(): void {
    const state = this.#crowd.world.state(this.#end);
    if (state === "open") return;
    this.over = state;
    this.#crowd.leave(this.#end);
  }

  wakeAt(): Cycles {
    return this.#next;
  }

  act(): void {
    this.#next = this.#crowd.after(this.#mischief.period);
    this.#mischief.act(this.#crowd.world, this.#end, this.#times++);
  }
}

/** A client that sends one text, and keeps what comes until its stream is over. */
export class Asker implements Client {
  readonly #crowd: Crowd;
  readonly #end: number;
  readonly #parts: Uint8Array[] = [];
  over: "ended" | "broken" | undefined = undefined;

  /** `finishes`: no more follows what it sends, and it says so at once. */
  constructor(crowd: Crowd, end: number, text: string, finishes: boolean) {
    this.#crowd = crowd;
    this.#end = end;
    crowd.world.send(end, text);
    if (finishes) crowd.world.end(end);
  }

  /** What has come. */
  get received(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  changed(): void {
    const { world } = this.#crowd;
    this.#parts.push(world.take(this.#end));
    const state = world.state(this.#end);
    if (state === "open") return;
    this.over = state;
    if (state === "ended") world.end(this.#end);
    this.#crowd.leave(this.#end);
  }

  wakeAt(): Cycles {
    return NEVER;
  }

  act(): void {}
}
