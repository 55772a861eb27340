/** The gateway as a program: the code of an environment on the machine at the far end of the wire. */
import type { CapSlot, Program } from "@exolith/exokernel/abi";
import { makeBufferSlots } from "../memory/buffer-slots.ts";
import { makeFramePool } from "../memory/frame-pool.ts";
import { makeStack, type Stack } from "../net/stack.ts";
import { eventProgram } from "../schedule/event-program.ts";
import { makeGateway, type Gateway } from "./gateway.ts";

/** What a gateway program is told. */
export interface GatewayProgramOptions {
  /** Its own address on the wire, the service's address and port. */
  readonly address: number;
  readonly prefixLength: number;
  readonly serviceAddress: number;
  readonly servicePort: number;
  /** Slots in which its creator grants the network interface and the stream device. */
  readonly slots: { readonly nic: CapSlot; readonly stream: CapSlot; readonly guard: CapSlot };
  /** Connections carried at once; 1,024 when absent. */
  readonly connections?: number;
  /** Called with the gateway, and the stack under it, once it is at work. */
  readonly started?: (gateway: Gateway, stack: Stack) => void;
}

/**
 * Bytes of one relay's memory from its stream to TCP. Every connection can have one: a service that leaves the bytes
 * of some connections unread for long must not keep the gateway from carrying those of others.
 */
const RELAY_BYTES = 16_384;
/** Relay buffers claimed together. */
const RELAY_RUN = 16;
/**
 * Bytes of one receive buffer, which is the window, and how many there may be: with the relays' own memory they fit a
 * machine of 40 MiB. A connection borrows one only while its client leaves bytes unread. When all are lent, a
 * client that reads at once is served as before, one that reads slowly is served more slowly, and one that does not
 * read keeps its connection, with a closed window, until it reads or a buffer comes back.
 */
const RECEIVE_BYTES = 65_536;
const RECEIVE_BUFFERS = 320;
/**
 * A reset of the service may be lost: a relay whose connection is gone must not last as long as its client does.
 * So many probes that a wire that loses every tenth frame does not end one that only waits.
 */
const KEEPALIVE = { keepaliveSeconds: 15, keepaliveIntervalSeconds: 5, keepaliveProbes: 8 };
const CONNECTIONS = 1024;

/** A gateway between stream device 0 and a service reached through network interface 0. */
export const gatewayProgram = (options: GatewayProgramOptions): Program =>
  eventProgram(4, (gate) => {
    const { address, prefixLength, slots } = options;
    const connections = options.connections ?? CONNECTIONS;
    const pool = makeFramePool(gate, slots.guard);
    const stack = makeStack(gate, {
      address,
      prefixLength,
      nic: 0,
      slots: { device: slots.nic, guard: slots.guard },
      pool,
      ringSlots: 512,
      receiveBytes: RECEIVE_BYTES,
      receiveBuffers: Math.min(connections, RECEIVE_BUFFERS),
      tcp: KEEPALIVE,
    });
    const gateway = makeGateway({
      gate,
      device: 0,
      slot: slots.stream,
      slots: makeBufferSlots(pool, { slotBytes: RELAY_BYTES, slots: connections, slotsPerRun: RELAY_RUN }),
      connect: (handler) => stack.tcp.connect(options.serviceAddress, options.servicePort, handler),
      connections,
    });
    options.started?.(gateway, stack);
    return [stack.network, gateway];
  });
