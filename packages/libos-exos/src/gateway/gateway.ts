/** The gateway: connections of the host, carried to a service over TCP. */
import {
  NEVER,
  RESOURCE_KINDS,
  failed,
  type CapSlot,
  type Cycles,
  type Gate,
  type ResourceKind,
  type StreamId,
} from "@exolith/exokernel/abi";
import type { BufferSlots } from "../memory/buffer-slots.ts";
import type { Connection, ConnectionHandler } from "../net/tcp/application.ts";
import type { Pollable } from "../schedule/event-loop.ts";
import { Relay, type RelayParts } from "./relay.ts";

/** Opens a connection to the service; `undefined` when the stack can open no more for now. */
export type Connect = (handler: ConnectionHandler) => Connection | undefined;

/** What a gateway is made of. */
export interface GatewayParts {
  readonly gate: Gate;
  /** Stream device that the host's connections arrive on, and the capability that reaches it. */
  readonly device: number;
  readonly slot: CapSlot;
  readonly slots: BufferSlots;
  readonly connect: Connect;
  /** Connections carried at once; others wait outside. */
  readonly connections: number;
}

/** A gateway at work. */
export interface Gateway extends Pollable {
  /** Connections carried now. */
  readonly carried: number;
  /** Buffers in which relays hold bytes of their streams now. */
  readonly buffers: number;
}

/** Streams accepted, and changed streams served, in one poll. */
const BATCH = 256;

/** Carries every stream of a device to one service. */
export const makeGateway = (parts: GatewayParts): Gateway => new StreamGateway(parts);

class StreamGateway implements Gateway {
  readonly #parts: GatewayParts;
  readonly #shared: RelayParts;
  readonly #relays = new Map<number, Relay>();
  readonly #starving = new Set<Relay>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#shared = {
      gate: parts.gate,
      slots: parts.slots,
      starved: (relay) => this.#starving.add(relay),
      over: (relay) => {
        this.#starving.delete(relay);
        this.#relays.delete(relay.stream);
      },
    };
  }

  get carried(): number {
    return this.#relays.size;
  }
  get buffers(): number {
    return this.#parts.slots.taken;
  }
  wakeAt(): Cycles {
    return NEVER;
  }

  revoke(kind: ResourceKind, count: number): number {
    return kind === RESOURCE_KINDS.frame ? this.#parts.slots.giveBack(count) : 0;
  }

  /** In this order: a relay that ends gives its slot to those that starve, and its place to those that wait outside. */
  poll(): boolean {
    const hasChanged = this.#serveChanged();
    this.#feedStarving();
    return this.#acceptAll() || hasChanged;
  }

  #serveChanged(): boolean {
    for (let i = 0; i < BATCH; i++) {
      const stream = this.#parts.gate.streamNext();
      if (failed(stream)) return false;
      this.#relays.get(stream)?.pump();
    }
    return true;
  }

  #feedStarving(): void {
    for (const relay of this.#starving) {
      this.#starving.delete(relay);
      relay.pump();
      if (this.#starving.has(relay)) return;
    }
  }

  /** True when more streams may wait than one poll accepts. */
  #acceptAll(): boolean {
    for (let i = 0; i < BATCH; i++) {
      if (this.#relays.size >= this.#parts.connections) return false;
      const stream = this.#parts.gate.streamAccept(this.#parts.device, this.#parts.slot);
      if (failed(stream)) return false;
      this.#carry(stream);
    }
    return true;
  }

  #carry(stream: StreamId): void {
    const relay = new Relay(this.#shared, stream);
    const connection = this.#parts.connect(relay);
    if (connection === undefined) {
      this.#parts.gate.streamControl(stream, "reset");
      return;
    }
    relay.attach(connection);
    this.#relays.set(stream, relay);
  }
}
