/** Installing a handler: its filter, its memory, and the window that its owner looks through. */
import { FRAME_BYTES, failed, rowOf } from "@exolith/exokernel/abi";
import type { CapSlot, Filter, FilterId, FrameNumber, Gate } from "@exolith/exokernel/abi";
import type { HandlerId, KernelError, RingId, Sys, TransmitId, Window } from "@exolith/exokernel/abi";
import type { FramePool } from "../memory/frame-pool.ts";
import { FRAME_KIND, findTransmitBindings } from "../net/link.ts";
import type { HandlerCode } from "./handler-code.ts";

/** What a handler is installed with. */
export interface HandlerOptions {
  /** Network interface, by index. */
  readonly nic: number;
  /** The frames that it sees: a filter of its own, which may be narrower than one of ours that feeds the ring. */
  readonly filter: Filter;
  /** Where frames go that it does not consume; see `ringOf`. */
  readonly ring: RingId;
  /** `device`: a capability that dominates the interface's name. `guard`: guards the filter and the frames. */
  readonly slots: { readonly device: CapSlot; readonly guard: CapSlot };
  /** Its memory comes from here. */
  readonly pool: FramePool;
  readonly code: HandlerCode;
  /** The binding that it sends by; when absent, that for IPv4, which boards bind second. ARP has the first. */
  readonly transmit?: TransmitId | undefined;
  /** Writes what the handler finds in its memory at its first run. The module's own data comes after it. */
  readonly prepare?: (memory: Window) => void;
}

/** A handler in place. */
export interface InstalledHandler {
  readonly id: HandlerId;
  readonly filter: FilterId;
  /** All of its memory: what it has written is read here, and what is written here it reads. */
  readonly memory: Window;
  /** Ends handler and filter and gives the frames back; false when they were gone. */
  remove(): boolean;
}

type FilterRefusal = Extract<ReturnType<Gate["filterInsert"]>, KernelError>["name"];
type HandlerRefusal = Extract<ReturnType<Gate["handlerInstall"]>, KernelError>["name"];

/** Bytes of one page of WebAssembly. */
const PAGE_BYTES = 65_536;

/** Frames under a handler's memory: one where it declares none. */
const framesUnder = ({ pages }: HandlerCode): number => Math.max(1, (pages * PAGE_BYTES) / FRAME_BYTES);

/**
 * Claims memory, inserts the filter and installs the handler; undoes all of it when one is refused.
 *
 * **Fails** `Full` also when no run of frames is free; the rest as the calls say.
 */
export function installHandler(
  gate: Gate,
  options: HandlerOptions,
): Sys<InstalledHandler, FilterRefusal | HandlerRefusal> {
  const { pool, code, nic, ring, slots } = options;
  const memory = pool.run(framesUnder(code));
  if (failed(memory)) return memory;
  memory.fill(0, memory.length, 0);
  options.prepare?.(memory);
  const filter = gate.filterInsert(nic, options.filter, ring, slots.device, slots.guard);
  if (failed(filter)) {
    pool.release(memory);
    return filter;
  }
  const id = bind(gate, options, filter, pool.first(memory));
  const remove = (): boolean => {
    const isRemoved = !failed(gate.filterRemove(filter, slots.guard));
    return pool.release(memory) && isRemoved;
  };
  if (!failed(id)) return Object.freeze({ id, filter, memory, remove });
  remove();
  return id;
}

function bind(
  gate: Gate,
  { code, nic, slots, transmit = ipv4Binding(gate, nic) }: HandlerOptions,
  filter: FilterId,
  first: FrameNumber,
): Sys<HandlerId, HandlerRefusal> {
  const { module, fuel, pipes } = code;
  return gate.handlerInstall(
    filter,
    { module, fuel, pipes, transmit },
    first,
    framesUnder(code),
    slots.guard,
  );
}

/** The binding by which this environment sends IPv4 on `nic`, or its only one; `undefined` when it has none. Reads only. */
export function ipv4Binding(gate: Pick<Gate, "self" | "transmits">, nic: number): TransmitId | undefined {
  const found = findTransmitBindings(gate, nic);
  return found[FRAME_KIND.ipv4] ?? found[FRAME_KIND.arp];
}

/** The ring that a filter feeds, such as one of a network's: what a handler defers goes to the same. Reads only. */
export const ringOf = (gate: Pick<Gate, "filters">, filter: FilterId): RingId =>
  gate.filters.ring(rowOf(filter)) as RingId;
