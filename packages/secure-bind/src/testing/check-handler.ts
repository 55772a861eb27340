/** A handler in its sandbox against the same module, unrewritten, on a memory of its own. */
import { interpretPipe, NO_SUM } from "../pipe/interpret.ts";
import type { Pipe } from "../pipe/term.ts";
import { HANDLER_OUTCOME, HANDLER_PIECES, HANDLER_REPLIES } from "../handler/program.ts";
import { STOP_CAUSE } from "../wasm/runtime.ts";
import { handlerMemory, placeHandler } from "./place-handler.ts";

const PAGE = 65_536;
/** Room for the segment and, at its end, for the message: what lies behind it is outside, as it should be. */
const MEMORY = 2 * PAGE;
const RAW_MEMORY: WebAssembly.Memory = new WebAssembly.Memory({ initial: 2 });
const SANDBOX_MEMORY: WebAssembly.Memory = handlerMemory();

/** What came of a run, in a form that can be compared. */
interface Result {
  readonly outcome: number;
  readonly woke: boolean;
  readonly sent: readonly (readonly number[])[];
}

/** A raw module, and what its imports do, said in the most obvious way. */
class Raw {
  readonly memory: Uint8Array = new Uint8Array(RAW_MEMORY.buffer);
  readonly #handle: (address: number, length: number) => number;
  readonly #pipes: readonly Pipe[];
  readonly #sums: Map<number, readonly number[]> = new Map();
  #messages: [number, number][][] = [];
  #building: [number, number][] = [];
  #message = MEMORY;
  #woke = false;

  constructor(module: Uint8Array<ArrayBuffer>, pipes: readonly Pipe[]) {
    this.#pipes = pipes;
    this.memory.fill(0);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), {
      env: { memory: RAW_MEMORY },
      handler: {
        append: (address: number, length: number) => this.#append(address >>> 0, length >>> 0),
        send: () => this.#send(),
        wake: () => void (this.#woke = true),
        pipe: (index: number, to: number, from: number, length: number) =>
          this.#pipe(index >>> 0, to >>> 0, from >>> 0, length >>> 0),
        sum: (index: number, stage: number) => this.#sum(index >>> 0, stage >>> 0),
      },
    });
    this.#handle = exports["handle"] as Raw["run"] as never;
  }

  #isReadable(address: number, length: number): boolean {
    return address + length <= PAGE || (address >= this.#message && address + length <= MEMORY);
  }

  #append(address: number, length: number): number {
    const pieces = this.#messages.flat().length + this.#building.length;
    if (length === 0 || pieces === HANDLER_PIECES || !this.#isReadable(address, length)) return -1;
    this.#building.push([address, length]);
    return 0;
  }

  #send(): number {
    if (this.#building.length === 0 || this.#messages.length === HANDLER_REPLIES) return -1;
    this.#messages.push(this.#building);
    this.#building = [];
    return 0;
  }

  #pipe(index: number, to: number, from: number, length: number): number {
    const pipe = this.#pipes[index];
    if (pipe === undefined || to + length > PAGE || !this.#isReadable(from, length)) return -1;
    const sums = interpretPipe(pipe, this.memory, to, from, length);
    if (sums === undefined) return -1;
    this.#sums.set(index, sums);
    return sums.find((sum) => sum !== NO_SUM) ?? 0;
  }

  #sum(index: number, stage: number): number {
    const pipe = this.#pipes[index];
    if (pipe?.[stage]?.kind !== "checksum") return -1;
    return this.#sums.get(index)?.[stage] ?? 0;
  }

  run(message: ArrayLike<number>): Result {
    this.#message = MEMORY - message.length;
    this.memory.fill(0, PAGE);
    this.memory.set(message, this.#message);
    this.#messages = [];
    this.#building = [];
    this.#woke = false;
    try {
      const result = this.#handle(this.#message, message.length);
      if (result === 0) return { outcome: HANDLER_OUTCOME.deferred, woke: this.#woke, sent: [] };
    } catch {
      return { outcome: HANDLER_OUTCOME.aborted, woke: false, sent: [] };
    }
    const bytesOf = ([at, length]: [number, number]): number[] => [...this.memory.subarray(at, at + length)];
    const sent = this.#messages.map((pieces) => pieces.flatMap(bytesOf));
    return { outcome: HANDLER_OUTCOME.consumed, woke: this.#woke, sent };
  }
}

/** One case: a module that imports a page of memory, its pipes, and messages that come one after another. */
export interface HandlerCase {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly pipes: readonly Pipe[];
  readonly messages: readonly ArrayLike<number>[];
  readonly fuel: number;
}

/** The first page of `bytes`. */
const wordsOf = ({ buffer, byteOffset }: Uint8Array): BigUint64Array =>
  new BigUint64Array(buffer, byteOffset, PAGE / 8);

const fail = (what: string, one: unknown, other: unknown): never => {
  throw new Error(`${what}: in the sandbox ${JSON.stringify(one)}, raw ${JSON.stringify(other)}`);
};

/**
 * Runs both on every message; the outcomes, up to the first run that is out of fuel or stack.
 *
 * **Fails** throws when outcome, what was sent, wake-up or memory differ, or when
 * anything outside the segment has changed.
 */
export function checkHandler({ module, pipes, messages, fuel }: HandlerCase): number[] {
  const placed = placeHandler({ module, pipes, fuel }, SANDBOX_MEMORY);
  const raw = new Raw(module, pipes);
  placed.segment.fill(0, 0, PAGE);
  placed.segment.set(raw.memory.subarray(0, PAGE));
  const outcomes: number[] = [];
  for (const message of messages) {
    const outcome = placed.run(message);
    if (!placed.isConfined()) throw new Error("a write outside the segment");
    const { handler } = placed;
    const isShort = handler.cause() === STOP_CAUSE.fuel || handler.cause() === STOP_CAUSE.stack;
    if (outcome === HANDLER_OUTCOME.aborted && isShort) break;
    const got: Result = { outcome, woke: handler.woke(), sent: placed.sent() };
    const wanted = raw.run(message);
    if (JSON.stringify(got) !== JSON.stringify(wanted)) fail("a run", got, wanted);
    const [segment, memory] = [wordsOf(placed.segment), wordsOf(raw.memory)];
    for (let i = 0; i < segment.length; i++)
      if (segment[i] !== memory[i]) fail(`word ${i}`, `${segment[i]}`, `${memory[i]}`);
    outcomes.push(outcome);
  }
  return outcomes;
}
