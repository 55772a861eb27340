/** The load generator as a program: the code of its environment. */
import { FRAME_BYTES, failed, type CapSlot, type Program } from "@exolith/exokernel/abi";
import { eventProgram, makeFramePool, makeStack, type RouteOptions, type Stack } from "@exolith/libos-exos";
import type { Plan } from "./plan.ts";
import { problemOf } from "./plan.ts";
import { makeWebswamp, requestBytes, type Webswamp } from "./swamp.ts";

/** What a load generator's program is told. */
export interface WebswampProgramOptions {
  readonly route: RouteOptions;
  readonly plan: Plan;
  /** Slots in which its creator grants its guard and the network interface. */
  readonly slots: { readonly guard: CapSlot; readonly nic: CapSlot };
  /** Called with the generator, and the stack under it, once it is at work. */
  readonly started: (webswamp: Webswamp, stack: Stack) => void;
}

const RECEIVE_BUFFERS = 256;
/** All ports that need no privilege: a connection for every request uses one after the other. */
const FIRST_PORT = 1024;
const RING_SLOTS = 1024;

/** A load generator on network interface 0. Throws for a plan that cannot be followed. */
export function webswampProgram(options: WebswampProgramOptions): Program {
  const { plan, slots, route, started } = options;
  const problem = problemOf(plan);
  if (problem !== undefined) throw new RangeError(problem);
  return eventProgram(4, (gate) => {
    const pool = makeFramePool(gate, slots.guard);
    const stack = makeStack(gate, {
      ...route,
      nic: 0,
      slots: { device: slots.nic, guard: slots.guard },
      pool,
      ringSlots: RING_SLOTS,
      receiveBuffers: RECEIVE_BUFFERS,
      tcp: { ephemeralFirst: FIRST_PORT },
    });
    const memory = pool.run(Math.ceil(requestBytes(plan) / FRAME_BYTES));
    if (failed(memory)) throw new Error(`no frames for the requests: ${memory.name}`);
    const webswamp = makeWebswamp({ gate, tcp: stack.tcp, plan, memory });
    started(webswamp, stack);
    return [stack.network, webswamp];
  });
}
