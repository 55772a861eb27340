/**
 * The code of an environment that runs one program: it loads it, links it to WASI, and lets it run.
 *
 * In each slice the program goes on where it was, until the slice ends or a call
 * has to wait. Then the environment sleeps until the call may be made again.
 */
import {
  EXIT,
  FAULT_CAUSES,
  capSlot,
  failed,
  type Exit,
  type FaultCause,
  type Gate,
  type Program,
  type ProgramHandle,
  type ProgramImport,
  type Upcalls,
} from "@exolith/exokernel/abi";
import { claimSlices } from "@exolith/libos-exos";
import { ProgramImage, type ImageOptions } from "./program-image.ts";
import { processorTime, programClocks } from "./program-clocks.ts";
import { checkLimits, type ProgramLedger, type ProgramLimits } from "./program-limits.ts";
import { faultName, type FaultName, type ProgramOutcome } from "./program-outcome.ts";
import type { DescriptorTable } from "../descriptor/table.ts";
import type { Pager } from "../memory/pager.ts";
import { OutOfFrames, StoreFailed } from "../memory/program-memory.ts";
import { LimitReached, ProgramExit } from "../wasi/stop.ts";
import { traceCalls } from "../wasi/trace-calls.ts";
import { WAIT, mayGoOn } from "../wasi/waiting.ts";
import { callCounts, makeWasi, type Wasi } from "../wasi/wasi.ts";

/** What a program is run with. */
export interface UnixOptions extends Omit<ImageOptions, "frames"> {
  /** Its arguments, the first of them its own name. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What is open when it begins: streams from 0 on, then directories. */
  readonly descriptors: DescriptorTable;
  readonly limits?: ProgramLimits;
  /** Fills all of `into` with random bytes. */
  readonly random: (into: Uint8Array) => void;
  /** Given one line for each call that the program makes. */
  readonly trace?: (line: string) => void;
  /** Of a paged program: who else sees to its pages. */
  readonly paging?: PagingHooks;
}

/** What may be done about the pages of a program from outside. */
export interface PagingHooks {
  /** Told of the pager before the program begins. */
  loaded?(pager: Pager): void;
  /** Asked about an access that the pager does not allow: true when it may be tried again, else the program is stopped. */
  fault?(fault: FaultName, address: number, pager: Pager): boolean;
}

/** A program that somebody watches from outside. */
export interface UnixProgram {
  /** The code of the environment that runs it. */
  readonly program: Program;
  /** How it ended; `undefined` while it has not. */
  outcome(): ProgramOutcome | undefined;
  /** What it has used; readable at any time. */
  ledger(): ProgramLedger;
  /** Stops it before it goes on. */
  stop(): void;
  /** True when a stream that it waits for said that it may be ready: its environment is to be woken. O(1). */
  isReady(): boolean;
}

const OWN = capSlot(0);
const COMMAND = "_start";
const REACTOR = "_initialize";
const NANOSECONDS = 1e9;
const MILLISECONDS = 1000;

/**
 * A program for one environment. `ended` is told once, when it is over.
 *
 * The environment ends with it, and what it held is free. `ready` is told when
 * `isReady` becomes true: at most once for each time that the program waits.
 * Throws a `RangeError` for limits that are none.
 */
export function unixProgram(
  given: UnixOptions,
  ended: (outcome: ProgramOutcome) => void,
  ready: () => void = () => undefined,
): UnixProgram {
  const options: UnixOptions = { ...given, limits: checkLimits(given.limits) };
  let runner: Runner | undefined;
  let outcome: ProgramOutcome | undefined;
  let last: ProgramLedger | undefined;
  let isStopped = false;
  const finish = (how: ProgramOutcome): void => {
    last = runner?.ledger();
    outcome = how;
    ended(how);
  };
  const program: Program = (gate) => {
    runner = new Runner(gate, options, finish, ready);
    if (isStopped) runner.stop();
    return runner.upcalls();
  };
  return Object.freeze({
    program,
    outcome: () => outcome,
    ledger: () => last ?? runner?.ledger() ?? NOTHING_USED,
    isReady: () => outcome === undefined && runner?.isReady() === true,
    stop: () => {
      isStopped = true;
      runner?.stop();
    },
  });
}

const NOTHING_USED: ProgramLedger = Object.freeze({
  frames: 0,
  milliseconds: 0,
  fuel: 0,
  memoryPages: 0,
  suspensions: 0,
  slices: 0,
  descriptors: 0,
  bytesRead: 0,
  bytesWritten: 0,
  outputBytes: 0,
  calls: {},
  kernelCalls: 0,
  paging: undefined,
});

/** One program in its environment. */
class Runner {
  readonly #gate: Gate;
  readonly #options: UnixOptions;
  readonly #finish: (outcome: ProgramOutcome) => void;
  readonly #ready: () => void;
  readonly #row: number;
  readonly #wasi: Wasi;
  #image: ProgramImage | undefined;
  #isInitialised = false;
  #isBlocked = false;
  #isStopped = false;
  #isOver = false;
  /** Whether a stream that it waits for said that it may be ready. */
  #isTold = false;

  constructor(
    gate: Gate,
    options: UnixOptions,
    finish: (outcome: ProgramOutcome) => void,
    ready: () => void,
  ) {
    this.#gate = gate;
    this.#options = options;
    this.#finish = finish;
    this.#ready = ready;
    this.#row = rowOf(gate);
    const { args, env, descriptors, random, limits } = options;
    this.#wasi = makeWasi({
      memory: () => this.#loaded().memory,
      clocks: programClocks(gate, processorTime(gate, this.#row)),
      random,
      descriptors,
      ...(args === undefined ? {} : { args }),
      ...(env === undefined ? {} : { env }),
      ...(limits?.outputBytes === undefined ? {} : { limits: { outputBytes: limits.outputBytes } }),
    });
    claimSlices(gate, 1);
  }

  upcalls(): Upcalls {
    return {
      sliceBegin: () => this.#slice(),
      memoryFault: (cause, address) => this.#fault(cause, address),
      fault: (_cause, reason) => this.#end({ kind: "faulted", fault: "thrown", address: undefined, reason }),
    };
  }

  /** Ends it at its next slice. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Whether a stream for which it waits said something since it last looked. */
  isReady(): boolean {
    return this.#isTold;
  }

  /** What streams call. */
  readonly #told = (): void => {
    if (this.#isTold || this.#isOver) return;
    this.#isTold = true;
    this.#ready();
  };

  /** Asks all streams that it waits for to tell, or not to any more. O(streams). */
  #watch(wants: boolean): void {
    const { reads, writes } = this.#wasi.waiting;
    for (const streams of [reads, writes])
      for (const { waiters } of streams)
        if (wants) waiters?.add(this.#told);
        else waiters?.delete(this.#told);
    this.#isTold = false;
  }

  #fault(cause: FaultCause, address: number): boolean {
    const image = this.#loaded();
    if (image.fault(cause, address)) return true;
    const { paging } = this.#options;
    if (image.pager === undefined || image.pager.isFull || image.pager.isBroken) return false;
    return paging?.fault?.(faultName(cause), address, image.pager) === true;
  }

  ledger(): ProgramLedger {
    const { environments, programs, clock } = this.#gate;
    const { ledger } = this.#wasi;
    const image = this.#image;
    const row = image === undefined ? 0 : programRow(this.#gate, image.handle);
    return {
      frames: image?.frames ?? 0,
      milliseconds: (environments.cyclesUsed(this.#row) / clock.hertz) * MILLISECONDS,
      fuel: programs.fuel(row),
      memoryPages: image?.handle.pages() ?? 0,
      suspensions: programs.suspensions(row),
      slices: environments.slicesBegun(this.#row),
      descriptors: this.#options.descriptors.count(),
      bytesRead: ledger.bytesRead,
      bytesWritten: ledger.bytesWritten,
      outputBytes: ledger.outputBytes,
      calls: callCounts(ledger),
      kernelCalls: environments.calls(this.#row),
      paging: image?.pager === undefined ? undefined : { ...image.pager.ledger },
    };
  }

  #loaded(): ProgramImage {
    if (this.#image === undefined) throw new Error("the program is not loaded");
    return this.#image;
  }

  /** One slice: goes on, unless it still has to wait. */
  #slice(): void {
    const seen = this.#gate.environments.events(this.#row);
    if (this.#isStopped) this.#end({ kind: "stopped" });
    else if (this.#isLate()) this.#end({ kind: "limited", limit: "milliseconds" });
    else if (this.#image !== undefined || this.#load()) this.#goOn(seen);
  }

  #isLate(): boolean {
    const { milliseconds = Infinity } = this.#options.limits ?? {};
    const { environments, clock } = this.#gate;
    return environments.cyclesUsed(this.#row) > (milliseconds / MILLISECONDS) * clock.hertz;
  }

  #load(): boolean {
    const { limits } = this.#options;
    const options =
      limits?.frames === undefined ? this.#options : { ...this.#options, frames: limits.frames };
    const image = ProgramImage.load(this.#gate, OWN, options, this.#imports());
    if (image === "NoSpace" || failed(image)) {
      this.#end({ kind: "refused", error: image === "NoSpace" ? image : image.name });
      return false;
    }
    this.#image = image;
    if (image.pager !== undefined) this.#options.paging?.loaded?.(image.pager);
    return true;
  }

  #goOn(seen: number): void {
    if (this.#isBlocked && !mayGoOn(this.#wasi.waiting, this.#now())) {
      this.#sleep(seen);
      return;
    }
    if (this.#isBlocked) this.#watch(false);
    this.#isBlocked = false;
    const { handle } = this.#loaded();
    let exit = handle.isSuspended() ? handle.run() : this.#begin(handle);
    if (exit === EXIT.returned && !this.#isInitialised) {
      this.#isInitialised = true;
      exit = this.#begin(handle);
    }
    this.#conclude(exit, seen);
  }

  /** Enters what comes next: first what initialises it, then what it is. */
  #begin(handle: ProgramHandle): Exit {
    if (!this.#isInitialised) return handle.initialise();
    // What takes parameters is not what WASI calls so.
    const names = handle.exports.flatMap((one) => (one.parameters.length === 0 ? [one.name] : []));
    const name = [COMMAND, REACTOR].find((one) => names.includes(one));
    if (name === undefined) {
      this.#end({ kind: "refused", error: "NoStart" });
      return EXIT.suspended;
    }
    return handle.enter(name);
  }

  #conclude(exit: Exit, seen: number): void {
    if (this.#isOver) return;
    if (exit === EXIT.returned) this.#end({ kind: "exited", code: 0 });
    else if (exit === EXIT.stopped) this.#end(this.#stopped());
    else if (this.#isBlocked) this.#sleep(seen);
  }

  /** Why it was stopped. */
  #stopped(): ProgramOutcome {
    const image = this.#loaded();
    const { handle } = image;
    const reason = handle.thrown();
    if (reason instanceof ProgramExit)
      return reason.signal === undefined
        ? { kind: "exited", code: reason.code }
        : { kind: "signalled", signal: reason.signal };
    const { pager } = image;
    if (reason instanceof OutOfFrames) return outOfFrames(pager);
    if (reason instanceof StoreFailed) return { kind: "failed", part: "store" };
    if (reason instanceof LimitReached) return { kind: "limited", limit: reason.limit };
    const cause = handle.cause();
    const isInside = handle.address() < image.memory.length;
    const isMemory = cause === FAULT_CAUSES.translation || cause === FAULT_CAUSES.protection;
    if (isMemory && isInside && pager?.isFull === true) return outOfFrames(pager);
    if (isMemory && isInside && pager?.isBroken === true) return { kind: "failed", part: "store" };
    const isOutside = cause === FAULT_CAUSES.translation && !isInside;
    const isAccess = isMemory || cause === FAULT_CAUSES.access;
    const fault = faultName(isOutside ? FAULT_CAUSES.access : cause);
    const address = isAccess && pager !== undefined ? handle.address() : undefined;
    return { kind: "faulted", fault, address, reason };
  }

  #end(outcome: ProgramOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#watch(false);
      closeAll(this.#options.descriptors);
      this.#finish(outcome);
    } finally {
      this.#gate.environmentDestroy(this.#gate.self, OWN);
    }
  }

  #now(): number {
    const { clock } = this.#gate;
    return (clock.now() / clock.hertz) * NANOSECONDS;
  }

  /** Until something happens, or the time comes that it waits for. */
  #sleep(seen: number): void {
    const { clock } = this.#gate;
    const { waiting } = this.#wasi;
    if (mayGoOn(waiting, this.#now())) return;
    this.#watch(true);
    const until = (waiting.until / NANOSECONDS) * clock.hertz;
    this.#gate.sleep(seen, Math.ceil(until) as ReturnType<typeof clock.now>);
  }

  /** A poll may name a stream a thousand times: it is asked once. O(streams). */
  #once(): void {
    const { reads, writes } = this.#wasi.waiting;
    for (const streams of [reads, writes])
      if (streams.length > 1) streams.splice(0, streams.length, ...new Set(streams));
  }

  #imports(): ProgramImport[] {
    const { trace } = this.#options;
    const functions =
      trace === undefined
        ? this.#wasi.functions
        : traceCalls(this.#wasi.functions, () => this.#loaded().memory, trace);
    return this.#wasi.signatures.map((signature) => {
      const call = functions[signature.module]?.[signature.name] as (...values: never[]) => number;
      return { ...signature, call: this.#suspending(call, signature.parameters.length) };
    });
  }

  /** A call that suspends the program when it has to wait. */
  #suspending(call: (...values: never[]) => number, parameters: number): ProgramImport["call"] {
    const wait = (): number => {
      this.#isBlocked = true;
      this.#once();
      this.#loaded().handle.suspend();
      return 0;
    };
    if (parameters > FEW)
      return (...values: never[]) => {
        const answer = call(...values);
        return answer === WAIT ? wait() : answer;
      };
    return (a: never, b: never, c: never, d: never, e: never) => {
      const answer = call(a, b, c, d, e);
      return answer === WAIT ? wait() : answer;
    };
  }
}

/** Arguments that need no list. */
const FEW = 5;

/** Why a page had no room: its own limit, or the board's. */
const outOfFrames = (pager: Pager | undefined): ProgramOutcome => ({
  kind: "limited",
  limit: pager?.isBoardFull === true ? "boardFrames" : "frames",
});

/** Closes all that is open: what throws when it is closed is closed, and keeps nothing else open. O(descriptors). */
function closeAll(descriptors: DescriptorTable): void {
  for (let left = descriptors.count(); left >= 0; left--)
    try {
      descriptors.closeAll();
      return;
    } catch {
      // It is not in the table any more.
    }
}

/** The row of the caller's own environment. */
function rowOf(gate: Gate): number {
  const { environments } = gate;
  for (let row = 0; row < environments.count; row++) if (environments.id(row) === gate.self) return row;
  throw new Error("an environment without a row");
}

function programRow({ programs }: Gate, handle: ProgramHandle): number {
  for (let row = 0; row < programs.count; row++) if (programs.id(row) === handle.id) return row;
  return 0;
}
