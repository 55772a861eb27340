/** Batches: lists of calls that cross into the kernel once (Xok's batch). */
import type { Meter } from "@exolith/hw-model";
import type { Batch, BatchedCall } from "../abi/batch.ts";
import { CALLS } from "../abi/calls.ts";
import { ERRORS, failed, type Sys } from "../abi/errors.ts";
import type { GateCalls } from "../abi/gate.ts";
import { BATCH_CALLS } from "../abi/limits.ts";
import { isIndex } from "../check.ts";
import { closeClass } from "../close-class.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { proveCalleeHeadroom } from "../transfer/callee-headroom.ts";
import { countCall } from "./enter.ts";

/** Calls that a batch cannot hold: they would nest. */
const UNBATCHED: ReadonlySet<string> = new Set(["batchRun", "transfer", "transferWords"]);

/** Calls that a batch can hold and that may enter somebody else's code. */
const ENTERING: ReadonlySet<string> = new Set(["transferAsync", "transferReply"]);

const isBatchable = (call: unknown): call is BatchedCall =>
  typeof call === "string" && Object.hasOwn(CALLS, call) && !UNBATCHED.has(call);

type Arguments = readonly [a: unknown, b: unknown, c: unknown, d: unknown, f: unknown];
type AnyCall = (...args: Arguments) => unknown;

/** A batch of one environment's; the kernel alone sees its columns. */
export class BatchList implements Batch {
  readonly #owner: Environment;
  readonly #inner: GateCalls;
  readonly #calls: AnyCall[] = [];
  readonly #numbers: number[] = [];
  readonly #args: Arguments[] = [];
  /** Of the last run; only `#made` of them are. Kept at its length, so that a run allocates nothing. */
  readonly #results: unknown[] = new Array(BATCH_CALLS).fill(undefined);
  readonly #meter: Meter;
  #made = 0;
  #isEntering = false;
  #isRunning = false;

  constructor(owner: Environment, inner: GateCalls, meter: Meter) {
    this.#owner = owner;
    this.#inner = inner;
    this.#meter = meter;
    Object.freeze(this);
  }

  static {
    closeClass(BatchList.prototype);
  }

  /** Runs `batch` if it is one of `caller`'s and not empty; with stack for whoever it enters, unless in a callee. */
  static run(kernel: Kernel, caller: Environment, batch: unknown): Sys<number, "BadBatch"> {
    const isOurs = typeof batch === "object" && batch !== null && #inner in batch;
    if (!isOurs || batch.#owner !== caller || batch.#isRunning || batch.#calls.length === 0)
      return ERRORS.BadBatch;
    if (batch.#isEntering && kernel.transferDepth === 0) proveCalleeHeadroom();
    batch.#isRunning = true;
    try {
      return batch.#run();
    } finally {
      batch.#isRunning = false;
    }
  }

  get count(): number {
    return this.#calls.length;
  }
  clear(): void {
    if (this.#isRunning) throw new Error("the batch is being run");
    this.#calls.length = 0;
    this.#numbers.length = 0;
    this.#args.length = 0;
    this.#results.fill(undefined);
    this.#made = 0;
    this.#isEntering = false;
  }
  add<K extends BatchedCall>(call: K, ...args: Parameters<GateCalls[K]>): void {
    if (this.#isRunning) throw new Error("the batch is being run");
    if (this.#calls.length >= BATCH_CALLS) throw new RangeError("too many calls");
    if (!isBatchable(call)) throw new RangeError("no call that a batch can hold");
    this.#calls.push(this.#inner[call] as AnyCall);
    this.#numbers.push(CALLS[call].number);
    if (ENTERING.has(call)) this.#isEntering = true;
    const [a, b, c, d, f] = args as readonly unknown[];
    this.#args.push([a, b, c, d, f]);
  }
  result(index: number): unknown {
    return isIndex(index, this.#made) ? this.#results[index] : undefined;
  }

  /** Calls in order, up to the first that is refused or ends the environment. */
  #run(): number {
    this.#made = 0;
    for (let i = 0; i < this.#calls.length; i++) {
      const call = this.#calls[i] as AnyCall;
      if (!this.#owner.alive) return i;
      countCall(this.#owner, this.#numbers[i] ?? 0);
      this.#meter.charge("batchedCall", 1);
      const args = this.#args[i] as Arguments;
      const result = call(args[0], args[1], args[2], args[3], args[4]);
      this.#results[i] = result;
      this.#made = i + 1;
      if (failed(result)) return i;
    }
    return this.#calls.length;
  }
}

/** Runs a batch of the caller's. */
export const runBatch = (kernel: Kernel, caller: Environment, batch: unknown): Sys<number, "BadBatch"> =>
  BatchList.run(kernel, caller, batch);
