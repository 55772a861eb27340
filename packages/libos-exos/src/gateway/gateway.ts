/** The gateway: connections of the host, carried to a service over TCP. */
import { NEVER, failed, type CapSlot, type Cycles, type Gate } from "@exolith/exokernel/abi";
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
export function makeGateway(parts: GatewayParts): Gateway {
  const relays = new Map<number, Relay>();
  const starving = new Set<Relay>();
  const shared: RelayParts = {
    gate: parts.gate,
    slots: parts.slots,
    starved: (relay) => starving.add(relay),
    over: (relay) => {
      starving.delete(relay);
      relays.delete(relay.stream);
    },
  };

  // True when more streams may wait than one poll accepts.
  const acceptAll = (): boolean => {
    for (let i = 0; i < BATCH; i++) {
      if (relays.size >= parts.connections) return false;
      const stream = parts.gate.streamAccept(parts.device, parts.slot);
      if (failed(stream)) return false;
      const relay = new Relay(shared, stream);
      const connection = parts.connect(relay);
      if (connection === undefined) {
        parts.gate.streamControl(stream, "reset");
        continue;
      }
      relay.attach(connection);
      relays.set(stream, relay);
    }
    return true;
  };

  const serveChanged = (): boolean => {
    for (let i = 0; i < BATCH; i++) {
      const stream = parts.gate.streamNext();
      if (failed(stream)) return false;
      relays.get(stream)?.pump();
    }
    return true;
  };

  const feedStarving = (): void => {
    for (const relay of starving) {
      starving.delete(relay);
      relay.pump();
      if (starving.has(relay)) return;
    }
  };

  // In this order: a relay that ends gives its slot to those that starve, and its place to those that wait outside.
  const poll = (): boolean => {
    const hasChanged = serveChanged();
    feedStarving();
    return acceptAll() || hasChanged;
  };

  return {
    poll,
    wakeAt: (): Cycles => NEVER,
    get carried() {
      return relays.size;
    },
    get buffers() {
      return parts.slots.taken;
    },
  };
}
