/** Handlers: which runs for which filter, in which frames, and what comes of a run. */
import { FRAME_BYTES } from "@exolith/hw-model";
import {
  HANDLER_OUTCOME,
  RIGHTS,
  isHandlerRefusal,
  makeHandler,
  verifyHandler,
  type Handler,
  type HandlerOutcome,
} from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { HandlerId } from "../abi/ids.ts";
import { HANDLER_FRAMES_MAX } from "../abi/limits.ts";
import { isIndex, isRun } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authoriseFrames, pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { billHandler, owesForHandlers } from "../processor/excess.ts";
import { TRACE_EVENTS } from "../trace.ts";
import type { FilterRow } from "./filter-table.ts";
import { type ClaimedHandler, copyRequest } from "./handler-request.ts";
import { transmitReplies } from "./transmit.ts";

/** One installed handler. */
export interface HandlerRow {
  readonly owner: Environment;
  readonly filter: FilterRow;
  /** The full id of its filter. */
  readonly filterId: number;
  readonly first: number;
  readonly frames: number;
  readonly handler: Handler;
  /** Id of the binding that it transmits by, 0 for none. */
  readonly transmit: number;
  consumed: number;
  deferred: number;
  aborted: number;
  /** Frames that went to the ring because the owner owes slices. */
  skipped: number;
  /** Messages that were sent, and that its binding or the interface refused. */
  sent: number;
  refused: number;
  /** Fuel used by all runs. */
  fuel: number;
}

/** What `handlerInstall` is asked for. */
export interface InstallRequest {
  readonly filter: unknown;
  readonly request: unknown;
  readonly first: unknown;
  readonly count: unknown;
  readonly slot: unknown;
}

type InstallRefusal =
  | "BadHandler"
  | "NoFilter"
  | "Busy"
  | "BadBinding"
  | "BadFrame"
  | "BadRange"
  | "BadSlot"
  | "BadCapability"
  | "Full";

/** Instructions that it takes to verify a module, and for each of its bytes, whatever comes of it. */
const VERIFY_INSTRUCTIONS = 1_000_000;
const BYTE_INSTRUCTIONS = 800;
/** Instructions for each byte of rewritten code: engines compile it now, or when it is first called. */
const LOAD_INSTRUCTIONS = 300;
/** Instructions that a pipe takes to compile; it may be kept from earlier, but nobody is to know that. */
const PIPE_INSTRUCTIONS = 1_600_000;

/** Cycles that each message of a handler is billed at: a filter run, and a place in the ring of an interface. */
const SEND_CYCLES = 500;
/** Cycles that it takes to stop a run: engines unwind by an exception. */
const ABORT_CYCLES = 16_000;

/**
 * Installs a handler. O(bytes of the module + frames).
 *
 * What is alien is read first, as that may run the caller's code; then the state
 * is checked, and only for what may be installed the verifier works.
 */
export function handlerInstall(
  kernel: Kernel,
  caller: Environment,
  asked: InstallRequest,
): Sys<HandlerId, InstallRefusal> {
  const claimed = copyRequest(asked.request);
  const { first, count, slot } = asked;
  const filter = rowFor(kernel.filters, asked.filter);
  if (!caller.alive || filter?.owner !== caller) return ERRORS.NoFilter;
  if (filter.handler !== undefined) return ERRORS.Busy;
  if (claimed === undefined) return ERRORS.BadHandler;
  const { transmit } = claimed;
  if (transmit !== 0 && rowFor(kernel.transmits, transmit)?.user !== caller) return ERRORS.BadBinding;
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isIndex(count, HANDLER_FRAMES_MAX + 1) || !isRun(first, count, kernel.frames.count))
    return ERRORS.BadRange;
  const refused = authoriseFrames(kernel, caller, { first, count, slot, rights: RIGHTS.write });
  if (refused !== undefined) return refused;
  if (kernel.handlers.ids.left() === 0) return ERRORS.Full;
  const handler = load(kernel, claimed, first, count);
  if (handler === undefined) return ERRORS.BadHandler;
  pinFrames(kernel, first, count);
  const row = kernel.handlers.ids.take();
  kernel.handlers.rows[row] = {
    owner: caller,
    filter,
    filterId: asked.filter as number,
    first,
    frames: count,
    handler,
    transmit: transmit as number,
    ...UNUSED,
  };
  filter.handler = row;
  return kernel.handlers.ids.idOf(row) as HandlerId;
}

/** Verifies a program and places it in frames; all of that is charged, also when it is refused. Runs no alien code. */
function load(
  { machine: { meter, memory } }: Kernel,
  { program, bytes }: ClaimedHandler,
  first: number,
  count: number,
): Handler | undefined {
  meter.charge("instruction", VERIFY_INSTRUCTIONS + bytes * BYTE_INSTRUCTIONS);
  const checked = verifyHandler(program);
  if (isHandlerRefusal(checked)) return undefined;
  const { rewritten, pipes } = checked;
  meter.charge("instruction", rewritten.bytes.length * LOAD_INSTRUCTIONS + pipes.length * PIPE_INSTRUCTIONS);
  const place = { memory: memory.wasm, base: first * FRAME_BYTES, bytes: count * FRAME_BYTES };
  const handler = makeHandler(checked, place);
  if (!isHandlerRefusal(handler)) {
    meter.charge("instruction", handler.used());
    return handler;
  }
  if (handler.used !== undefined) meter.charge("instruction", handler.used + ABORT_CYCLES);
  return undefined;
}

const UNUSED = { consumed: 0, deferred: 0, aborted: 0, skipped: 0, sent: 0, refused: 0, fuel: 0 };

/** Ends a handler of the caller's. O(frames). */
export function handlerRemove(kernel: Kernel, caller: Environment, id: unknown): Sys<undefined, "NoHandler"> {
  if (rowFor(kernel.handlers, id)?.owner !== caller) return ERRORS.NoHandler;
  releaseHandler(kernel, kernel.handlers.ids.rowOf(id));
  return undefined;
}

/** Ends the handler in a row. */
export function releaseHandler(kernel: Kernel, row: number): void {
  const held = kernel.handlers.rows[row];
  if (held === undefined) return;
  held.filter.handler = undefined;
  kernel.handlers.rows[row] = undefined;
  kernel.handlers.ids.free(row);
  unpinFrames(kernel, held.first, held.frames);
}

/**
 * Runs the handler of a filter on the frame of `length` bytes at `address`; true when it consumed it.
 *
 * **Cost** at most the handler's fuel, twice, and its messages; no allocation unless it is aborted.
 */
export function runHandler(kernel: Kernel, row: number, address: number, length: number): boolean {
  const held = kernel.handlers.rows[row];
  if (held === undefined) return false;
  if (owesForHandlers(kernel, held.owner)) {
    held.skipped += 1;
    return false;
  }
  const outcome = held.handler.run(address, length);
  const used = held.handler.used();
  held.fuel += used;
  kernel.machine.meter.charge("instruction", used);
  billHandler(held.owner, used);
  return conclude(kernel, held, row, outcome);
}

function conclude(kernel: Kernel, held: HandlerRow, row: number, outcome: HandlerOutcome): boolean {
  const { clock, meter } = kernel.machine;
  if (outcome === HANDLER_OUTCOME.aborted) {
    held.aborted += 1;
    meter.charge("instruction", ABORT_CYCLES);
    billHandler(held.owner, ABORT_CYCLES);
    kernel.trace.record(clock, TRACE_EVENTS.handlerAbort, row, held.handler.cause());
    return false;
  }
  kernel.trace.record(clock, TRACE_EVENTS.handler, row, outcome);
  if (held.handler.woke()) notify(kernel, held.owner);
  if (outcome === HANDLER_OUTCOME.deferred) {
    held.deferred += 1;
    return false;
  }
  held.consumed += 1;
  if (held.handler.replies.count > 0) send(kernel, held);
  return true;
}

function send(kernel: Kernel, held: HandlerRow): void {
  const { replies } = held.handler;
  billHandler(held.owner, replies.count * SEND_CYCLES);
  const sent = transmitReplies(kernel, held.owner, held.transmit, replies);
  held.sent += sent;
  held.refused += replies.count - sent;
}
