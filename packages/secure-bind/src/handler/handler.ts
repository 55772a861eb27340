/** A handler in its place: one bounded run a message. */
import { type CompiledPipe, type PipeMemory, makePipe } from "../pipe/compile.ts";
import type { Verified } from "../verified.ts";
import { MESSAGE_BASE, STOP_CAUSE } from "../wasm/runtime.ts";
import { type SandboxedModule, instantiateModule } from "../wasm/instantiate.ts";
import { isModuleRefusal } from "../wasm/module-refusal.ts";
import {
  HANDLER_MODULE,
  HANDLER_OUTCOME,
  HANDLER_STACK_BYTES,
  type HandlerOutcome,
  IMPORT_FUEL,
  PIPE_BYTES_PER_FUEL,
} from "./program.ts";
import { type ReplyList, appendPiece, clearReplies, endReply, makeReplyList } from "./reply-list.ts";
import { type CheckedHandler, type HandlerRefusal, refuseHandler } from "./verify.ts";

/** Where a handler lives. */
export interface HandlerPlace {
  /** The memory with its segment and all messages. */
  readonly memory: PipeMemory;
  /** Physical address of the segment, and its bytes. */
  readonly base: number;
  readonly bytes: number;
}

/** A handler that can run. */
export interface Handler {
  /** Runs it on the message of `length` bytes at physical `address`. Bounded by its fuel; no allocation but for an abort. */
  run(address: number, length: number): HandlerOutcome;
  /** What the last run sent: to be read before the next. Empty unless it consumed. */
  readonly replies: ReplyList;
  /** Fuel that the last run used, imports and pipes included: at most twice what it has, and one import. */
  used(): number;
  /** Whether the last run asked to wake its owner. Never after an abort. */
  woke(): boolean;
  /** Why the last run was aborted, as `StopCause`. */
  cause(): number;
}

const REFUSED = -1;

/** Ends a run from inside an import. */
const OUT_OF_FUEL: unique symbol = Symbol("out of fuel");

type Entry = (address: number, length: number) => number;

/** What the imports of one handler work on. */
class Run {
  readonly replies: ReplyList = makeReplyList();
  readonly #place: HandlerPlace;
  readonly #segmentBytes: number;
  readonly #fuel: number;
  readonly #pipes: readonly CompiledPipe[];
  #message = 0;
  #messageBytes = 0;
  /** Fuel that imports have used in this run, and whether one wanted more than there was. */
  imported = 0;
  isSpent = false;
  woke = false;

  constructor(place: HandlerPlace, checked: CheckedHandler) {
    this.#place = place;
    this.#segmentBytes = checked.rewritten.memoryBytes;
    this.#fuel = checked.fuel;
    this.#pipes = checked.pipes.map((pipe) => makePipe(pipe, place.memory));
  }

  begin(message: number, messageBytes: number): void {
    this.#message = message;
    this.#messageBytes = messageBytes;
    this.imported = 0;
    this.isSpent = false;
    this.woke = false;
    clearReplies(this.replies);
  }

  /** Takes fuel; the run ends when there is less left. */
  #take(fuel: number): void {
    if (this.imported + fuel > this.#fuel) {
      this.isSpent = true;
      throw OUT_OF_FUEL;
    }
    this.imported += fuel;
  }

  /** The physical address of `length` bytes that the handler may read, or -1. Both are i32s. */
  #readable(address: number, length: number): number {
    const inside = this.#writable(address, length);
    if (inside !== REFUSED) return inside;
    const offset = (address >>> 0) - MESSAGE_BASE;
    if (offset < 0 || offset + (length >>> 0) > this.#messageBytes) return REFUSED;
    return this.#message + offset;
  }

  /** The physical address of `length` bytes of the segment, or -1. */
  #writable(address: number, length: number): number {
    return (address >>> 0) + (length >>> 0) > this.#segmentBytes
      ? REFUSED
      : this.#place.base + (address >>> 0);
  }

  readonly append = (address: number, length: number): number => {
    this.#take(IMPORT_FUEL);
    const from = this.#readable(address, length);
    return from !== REFUSED && length !== 0 && appendPiece(this.replies, from, length >>> 0) ? 0 : REFUSED;
  };

  readonly send = (): number => {
    this.#take(IMPORT_FUEL);
    return endReply(this.replies) ? 0 : REFUSED;
  };

  readonly wake = (): void => {
    this.#take(IMPORT_FUEL);
    this.woke = true;
  };

  readonly pipe = (index: number, to: number, from: number, length: number): number => {
    this.#take(IMPORT_FUEL);
    const pipe = this.#pipes[index >>> 0];
    const cost = Math.ceil((length >>> 0) / PIPE_BYTES_PER_FUEL);
    const target = this.#writable(to, length);
    const source = this.#readable(from, length);
    if (pipe === undefined || target === REFUSED || source === REFUSED) return REFUSED;
    this.#take(cost);
    return pipe.run(target, source, length >>> 0);
  };

  readonly sum = (index: number, stage: number): number => {
    this.#take(IMPORT_FUEL);
    return this.#pipes[index >>> 0]?.sum(stage >>> 0) ?? REFUSED;
  };
}

/** The module in its place, with what it imports; undefined when the engine has no room for it or refuses it. */
function link(
  { rewritten }: CheckedHandler,
  { memory, base }: HandlerPlace,
  { append, send, wake, pipe, sum }: Run,
): SandboxedModule | undefined {
  const sandbox = instantiateModule(rewritten, {
    memory: memory as WebAssembly.Memory,
    base,
    stackBytes: HANDLER_STACK_BYTES,
    functions: { [HANDLER_MODULE]: { append, send, wake, pipe, sum } },
  });
  return isModuleRefusal(sandbox) ? undefined : sandbox;
}

/** What its imports work on; undefined when the engine has no room for a pipe. */
function makeRun(place: HandlerPlace, checked: CheckedHandler): Run | undefined {
  try {
    return new Run(place, checked);
  } catch {
    return undefined;
  }
}

/** Runs the start function; the fuel it used when it was stopped, `undefined` when it was not. */
function start(sandbox: SandboxedModule, state: Run, fuel: number): number | undefined {
  try {
    sandbox.begin(fuel);
    sandbox.start();
    return undefined;
  } catch {
    return fuel - sandbox.fuel() + state.imported;
  }
}

/**
 * Places a handler: its data into the segment, its start function run, with the fuel of one message.
 *
 * **Needs** that the caller answers for the segment, `bytes` from `base` on:
 * nothing else is ever written.
 * **Fails** `TooLarge` when the module declares more memory, `BadStart` when it
 * cannot be started; its data is in the segment then.
 */
export function makeHandler(
  checked: Verified<CheckedHandler>,
  place: HandlerPlace,
): Handler | HandlerRefusal {
  const { rewritten, fuel } = checked;
  if (rewritten.memoryBytes > place.bytes) return refuseHandler("TooLarge");
  const state = makeRun(place, checked);
  const sandbox = state === undefined ? undefined : link(checked, place, state);
  if (state === undefined || sandbox === undefined) return refuseHandler("BadStart");
  const used = start(sandbox, state, fuel);
  if (used !== undefined) return Object.freeze({ rule: "BadStart", used });
  const handle = sandbox.functions["handle"] as Entry;
  const run = (address: number, length: number): HandlerOutcome => {
    state.begin(address, length);
    sandbox.begin(fuel, address, length);
    try {
      if (handle(MESSAGE_BASE, length) !== 0) return HANDLER_OUTCOME.consumed;
      clearReplies(state.replies);
      return HANDLER_OUTCOME.deferred;
    } catch {
      clearReplies(state.replies);
      state.woke = false;
      return HANDLER_OUTCOME.aborted;
    }
  };
  return Object.freeze({
    run,
    replies: state.replies,
    used: () => fuel - sandbox.fuel() + state.imported,
    woke: () => state.woke,
    cause: () => (state.isSpent ? STOP_CAUSE.fuel : sandbox.cause()),
  });
}
