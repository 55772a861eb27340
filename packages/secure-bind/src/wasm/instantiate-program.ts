/** Places a rewritten program, ready to run, to be suspended and to go on. */
import {
  STACK_BYTES,
  STACK_BYTES_MAX,
  isCount,
  compileOnce,
  isStackOverflow,
  isTrap,
  linkFunctions,
  linkPlace,
  type Linked,
} from "./instantiate.ts";
import { type ModuleRefusal, refuseModule } from "./module-refusal.ts";
import type { ExportedFunction } from "./parsed-module.ts";
import { placeData } from "./place-data.ts";
import { connectCalls } from "./program-calls.ts";
import { type Values, makeSnapshot, snapshotParts } from "./program-snapshot.ts";
import {
  EXIT,
  type Exit,
  type ProgramPlace,
  type ProgramSnapshot,
  type RewrittenProgram,
  type SandboxedProgram,
} from "./program.ts";
import { type ProgramParts, programParts } from "./rewrite-program.ts";
import {
  PAGE_BYTES,
  PROGRAM_STATE,
  RESERVED_MODULE,
  RUNTIME_NAMES,
  STOP_CAUSE,
  type StopCause,
} from "./runtime.ts";

const { freeze } = Object;

type Call = (...values: Values) => unknown;

/** The globals of a program that whoever runs it reads and sets. */
interface Registers {
  readonly fuel: WebAssembly.Global;
  readonly stack: WebAssembly.Global;
  readonly cause: WebAssembly.Global;
  readonly state: WebAssembly.Global;
  readonly context: WebAssembly.Global;
  readonly contextEnd: WebAssembly.Global;
  readonly contextStart: WebAssembly.Global;
  readonly grant: WebAssembly.Global;
  readonly pages: WebAssembly.Global;
  readonly limit: WebAssembly.Global;
}

const REGISTER_NAMES = [
  "fuel",
  "stack",
  "cause",
  "state",
  "context",
  "contextEnd",
  "contextStart",
  "grant",
  "pages",
  "limit",
] as const;

const registersOf = (exports: Record<string, unknown>): Registers =>
  Object.fromEntries(
    REGISTER_NAMES.map((name) => [name, exports[RUNTIME_NAMES[name]]]),
  ) as unknown as Registers;

const ZERO: Readonly<Record<string, number | bigint | null>> = { i64: 0n, funcref: null, externref: null };

/** Arguments for a function that will find its own again. */
const zerosOf = ({ parameters }: ExportedFunction): (number | bigint)[] =>
  parameters.map((type) => (ZERO[type] === undefined ? 0 : ZERO[type]) as number | bigint);

/** A program that runs in steps: what it entered last, and what came of it. */
class PlacedProgram implements SandboxedProgram {
  readonly #program: RewrittenProgram;
  readonly #exports: Record<string, unknown>;
  readonly #registers: Registers;
  readonly #parts: ProgramParts;
  readonly #own: ProgramPlace;
  readonly #context: number;
  readonly #stackBytes: number;
  /** Places its data; undefined once that was done. */
  #place: (() => void) | undefined;
  /** What was entered last, and what it is called with to find its way back. */
  #entered = "";
  #zeros: Values = [];
  #values: Values = [];
  #isRunning = false;
  #isSuspended = false;
  /** Whether a host function wants it suspended. */
  #isAsked = false;
  #result: unknown = undefined;
  #thrown: unknown = undefined;
  #cause: StopCause = STOP_CAUSE.trap;

  constructor(
    program: RewrittenProgram,
    parts: ProgramParts,
    exports: Record<string, unknown>,
    place: ProgramPlace,
  ) {
    this.#program = program;
    this.#exports = exports;
    this.#registers = registersOf(exports);
    this.#parts = parts;
    this.#own = place;
    this.#context = place.context;
    this.#stackBytes = place.stackBytes ?? STACK_BYTES;
    this.#place = () => placeData(program, parts.data, place);
    const { contextStart, contextEnd, pages, limit } = this.#registers;
    contextStart.value = place.context;
    contextEnd.value = place.context + place.contextBytes;
    pages.value = program.memoryPages;
    limit.value = (program.memoryPages * PAGE_BYTES) | 0;
  }

  initialise(): Exit {
    const place = this.#place;
    this.#place = undefined;
    if (place === undefined) return EXIT.returned;
    this.#isRunning = true;
    try {
      place();
    } catch (thrown) {
      return this.#stop(thrown);
    } finally {
      this.#isRunning = false;
    }
    return this.#parts.hasStart ? this.#begin(RUNTIME_NAMES.start, []) : EXIT.returned;
  }

  enter(name: string, ...values: readonly (number | bigint)[]): Exit {
    const entry = this.#program.exports.find((one) => one.name === name);
    if (entry === undefined) throw new RangeError(`no such function: ${name}`);
    if (this.#place !== undefined) throw new RangeError("a program is initialised first");
    return this.#begin(name, values, zerosOf(entry));
  }

  #begin(name: string, values: Values, zeros: Values = []): Exit {
    if (this.#isRunning || this.#isSuspended) throw new RangeError("the program is in the middle");
    const { stack, cause, context, state } = this.#registers;
    this.#entered = name;
    this.#zeros = zeros;
    this.#values = values;
    stack.value = this.#stackBytes;
    cause.value = STOP_CAUSE.trap;
    context.value = this.#context;
    state.value = PROGRAM_STATE.running;
    return this.#start();
  }

  /** Enters what was chosen, with fuel; without any it is suspended before it begins. */
  #start(): Exit {
    const { state, fuel, grant } = this.#registers;
    const exit = this.#refuel();
    if (exit !== EXIT.returned) return exit;
    state.value = PROGRAM_STATE.running;
    fuel.value = grant.value;
    return this.#run(this.#values);
  }

  /** Asks for fuel: `returned` when there is some. What was left is gone, what was owed is asked to be paid. */
  #refuel(): Exit {
    const { fuel, grant } = this.#registers;
    try {
      grant.value = this.#own.refill(Math.min(fuel.value as number, 0));
    } catch (thrown) {
      return this.#stop(thrown);
    }
    this.#isSuspended = (grant.value as number) <= 0;
    return this.#isSuspended ? EXIT.suspended : EXIT.returned;
  }

  resume(): Exit {
    if (!this.#isSuspended || this.#isRunning) throw new RangeError("the program is not suspended");
    // Nothing of the program's own is in the middle: it did not begin, or exports what it imports.
    if (this.contextUsed() === 0) return this.#start();
    return this.#rewind();
  }

  /** Has it find its way back, with new fuel. */
  #rewind(): Exit {
    const { state, fuel } = this.#registers;
    const exit = this.#refuel();
    if (exit !== EXIT.returned) return exit;
    state.value = PROGRAM_STATE.rewinding;
    fuel.value = -1;
    return this.#run(this.#zeros);
  }

  /** Lets it run; when it comes out for fuel it gets some and goes on. */
  #run(values: Values): Exit {
    let exit = this.#enter(values);
    while (exit === EXIT.suspended && !this.#isAsked) {
      exit = this.#refuel();
      if (exit !== EXIT.returned) return exit;
      this.#registers.state.value = PROGRAM_STATE.rewinding;
      this.#registers.fuel.value = -1;
      exit = this.#enter(this.#zeros);
    }
    this.#isSuspended = exit === EXIT.suspended;
    return exit;
  }

  #enter(values: Values): Exit {
    const { state } = this.#registers;
    this.#isRunning = true;
    this.#isAsked = false;
    try {
      this.#result = (this.#exports[this.#entered] as Call)(...values);
    } catch (thrown) {
      return this.#stop(thrown);
    } finally {
      this.#isRunning = false;
    }
    if (state.value === PROGRAM_STATE.running) return EXIT.returned;
    // It found no way back: its context is not what it saved.
    if (state.value === PROGRAM_STATE.rewinding) return this.#stop(new RangeError("the context was changed"));
    return EXIT.suspended;
  }

  #stop(thrown: unknown): Exit {
    this.#thrown = thrown;
    const cause = this.#registers.cause.value as StopCause;
    this.#cause = cause === STOP_CAUSE.trap && isStackOverflow(thrown) ? STOP_CAUSE.stack : cause;
    return EXIT.stopped;
  }

  suspend(): void {
    if (!this.#isRunning) throw new RangeError("the program does not run");
    this.#isAsked = true;
    this.#registers.state.value = PROGRAM_STATE.unwinding;
  }

  result(): unknown {
    return this.#result;
  }

  fuel(): number {
    return this.#registers.fuel.value as number;
  }

  cause(): StopCause {
    return this.#cause;
  }

  thrown(): unknown {
    return this.#thrown;
  }

  pages(): number {
    return this.#registers.pages.value as number;
  }

  isSuspended(): boolean {
    return this.#isSuspended;
  }

  contextUsed(): number {
    return this.#isSuspended ? ((this.#registers.context.value as number) >>> 0) - this.#context : 0;
  }

  /** The globals that may change. */
  #globals(): WebAssembly.Global[] {
    return this.#parts.globals.map((name) => this.#exports[name] as WebAssembly.Global);
  }

  snapshot(): ProgramSnapshot | ModuleRefusal {
    if (this.#isRunning || this.#place !== undefined) throw new RangeError("the program runs, or never did");
    const { unsaved } = this.#parts;
    if (unsaved !== undefined) return refuseModule("Unsupported", -1, unsaved);
    const used = new Uint8Array(this.#own.memory.buffer, this.#context, this.contextUsed());
    return makeSnapshot({
      program: this.#program,
      pages: this.pages(),
      globals: this.#globals().map(({ value }) => value),
      context: used.slice(),
      isSuspended: this.#isSuspended,
      entered: this.#entered,
      values: this.#values,
      zeros: this.#zeros,
    });
  }

  adopt(snapshot: ProgramSnapshot): void {
    const { program, pages, globals, context, isSuspended, entered, values, zeros } = snapshotParts(snapshot);
    const { memory, contextBytes, limitBytes } = this.#own;
    if (this.#isRunning || program !== this.#program) throw new RangeError("the program runs, or is another");
    const isLarge = program.mode === "segment" && pages * PAGE_BYTES > limitBytes;
    if (isLarge || context.length > contextBytes) throw new RangeError("the place is too small");
    const registers = this.#registers;
    for (const [i, global] of this.#globals().entries()) global.value = globals[i] ?? 0;
    registers.pages.value = pages;
    registers.limit.value = (pages * PAGE_BYTES) | 0;
    registers.context.value = this.#context + context.length;
    registers.stack.value = this.#stackBytes;
    registers.cause.value = STOP_CAUSE.trap;
    new Uint8Array(memory.buffer).set(context, this.#context);
    this.#place = undefined;
    this.#isSuspended = isSuspended;
    [this.#entered, this.#values, this.#zeros] = [entered, values, zeros];
  }
}

/**
 * The compiled program, which any number of places may share.
 *
 * **Fails** "Internal" when it was not made by `rewriteProgram`, or there is no memory left for it.
 */
export function compileProgram(program: RewrittenProgram): WebAssembly.Module | ModuleRefusal {
  return compileOnce(programParts(program));
}

const nothing = (): void => {};

function isPlace(program: RewrittenProgram, place: ProgramPlace): boolean {
  const { memory, base, limitBytes, context, contextBytes, stackBytes = STACK_BYTES } = place;
  const { byteLength } = memory.buffer;
  if (!isCount(base, byteLength) || !isCount(context, byteLength) || context % 16 !== 0) return false;
  if (!isCount(contextBytes, byteLength - context) || !isCount(stackBytes, STACK_BYTES_MAX)) return false;
  if (contextBytes < stackBytes) return false;
  if (program.mode === "paged") return place.miss !== undefined;
  return isCount(limitBytes, byteLength - base) && program.memoryPages * PAGE_BYTES <= limitBytes;
}

/**
 * The program in its place. Nothing of it has run yet: `initialise`, then `enter`.
 *
 * **Needs** that the caller answers for the segment or the tables, and for the
 * context: nothing else is ever written, nothing else read. And that `grow`
 * allows no more than the segment has, if it is one.
 * **Fails** `BadPlace` when they do not lie inside the memory, or the context is
 * smaller than the stack; `NoFunction` when one that it imports is missing;
 * `BadElements` when its elements do not fit into its tables; `Internal`.
 */
export function instantiateProgram(
  program: RewrittenProgram,
  place: ProgramPlace,
): SandboxedProgram | ModuleRefusal {
  // Each is read once: what was checked is what is used.
  const own: ProgramPlace = { ...place };
  const module = compileProgram(program);
  const known = programParts(program);
  if (!(module instanceof WebAssembly.Module) || known === undefined) return module as ModuleRefusal;
  if (!isPlace(program, own)) return refuseModule("BadPlace", -1, `base ${own.base}, context ${own.context}`);
  const linked = Object.create(null) as Linked;
  const missing = linkFunctions(program.imports, own.functions ?? {}, linked);
  if (missing !== undefined) return refuseModule("NoFunction", -1, `${missing.module}.${missing.name}`);
  linked[RESERVED_MODULE] = linkPlace(own.memory, own.base);
  try {
    const { exports } = new WebAssembly.Instance(module, linked);
    const placed = new PlacedProgram(program, known, exports, own);
    const pages = Math.floor(own.limitBytes / PAGE_BYTES);
    connectCalls(exports[RUNTIME_NAMES.calls] as WebAssembly.Table, {
      miss: own.miss === undefined ? nothing : (address, writes) => own.miss?.(address >>> 0, writes),
      grow: (more) =>
        program.mode === "segment" && placed.pages() + (more >>> 0) > pages
          ? -1
          : (own.grow?.(more >>> 0) ?? -1),
    });
    return freeze(placed);
  } catch (thrown) {
    return isTrap(thrown)
      ? refuseModule("BadElements", -1, "elements")
      : refuseModule("Internal", -1, "not placed");
  }
}
