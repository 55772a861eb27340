/** Places a rewritten module into a segment of some memory, ready to run. */
import { type ModuleRefusal, refuseModule } from "./module-refusal.ts";
import { type HostFunction, type RewrittenModule, type RewrittenParts, partsOf } from "./rewrite.ts";
import {
  MESSAGE_BYTES_MAX,
  RESERVED_MODULE,
  RESERVED_PREFIX,
  RUNTIME_NAMES,
  STOP_CAUSE,
  type StopCause,
} from "./runtime.ts";

/** What a module calls; a number or nothing comes back, or a bigint for an i64. */
export type HostCall = (...values: never[]) => unknown;

/** The functions that a module imports, by module name and name. */
export type HostFunctions = Readonly<Record<string, Readonly<Record<string, HostCall>>>>;

/** Where a module lives. */
export interface SandboxPlace {
  /** The memory with its segment. */
  readonly memory: WebAssembly.Memory;
  /** Physical address of the segment, which is as long as the module's `memoryBytes`. */
  readonly base: number;
  readonly functions?: HostFunctions;
  /** Bytes of stack for its calls: `STACK_BYTES` when absent. */
  readonly stackBytes?: number;
}

/** A module that can run, and only as far as it may. */
export interface SandboxedModule {
  /** What it exports: each throws when it is stopped. */
  readonly functions: Readonly<Record<string, (...values: never[]) => unknown>>;
  /**
   * Sets what the next run has: fuel, the whole stack, the message; clears the cause.
   *
   * **Needs** that the caller answers for the message, `messageBytes` from
   * physical `messageAddress` on: the module can read it. Not to be called while
   * the module runs: a function that it calls and that calls it again is the same run.
   * **Fails** throws a `RangeError` for what is no such number. O(1).
   */
  begin(fuel: number, messageAddress?: number, messageBytes?: number): void;
  /** Fuel that is left, never negative. */
  fuel(): number;
  /**
   * Why it was stopped, when it was.
   *
   * With what a function threw it also knows when that is the engine's word for
   * its own stack being used up, by whoever called as much as by the module.
   */
  cause(thrown?: unknown): StopCause;
  /** Runs the function that runs first, if there is one: once, after `begin`. */
  start(): void;
}

/** The most fuel of a run. */
export const FUEL_MAX = 0x7fff_ffff;
/** Bytes of stack that a module has for its calls, as they are estimated, if nobody says how many. */
export const STACK_BYTES: number = 384 << 10;
/** The most that may be asked for. */
export const STACK_BYTES_MAX: number = 0x7fff_ffff;

const { freeze } = Object;

type Begin = (fuel: number, stack: number, messageAddress: number, messageBytes: number) => void;

/** Whether a value is a number of things, up to `most`. */
export const isCount = (value: unknown, most: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;

/** Whether the engine's own stack was used up; engines say so in different words. */
export const isStackOverflow = (thrown: unknown): boolean =>
  thrown instanceof Error && /call stack|too much recursion/i.test(thrown.message);

/** Whether the engine refused because elements do not fit, which is the module's own doing. */
export const isTrap = (thrown: unknown): boolean => thrown instanceof WebAssembly.RuntimeError;

/**
 * The compiled module, which any number of places may share.
 *
 * Compiled once and kept with `rewritten`. **Fails** "Internal" when it was not
 * made by `rewriteModule`, or there is no memory left for it.
 */
export function compileModule(rewritten: RewrittenModule): WebAssembly.Module | ModuleRefusal {
  return compileOnce(partsOf(rewritten));
}

/** What the rewriter made, and the engine's form of it once that was wanted. */
interface Compilable {
  readonly bytes: Uint8Array;
  compiled: WebAssembly.Module | undefined;
}

/** Compiles what the rewriter made, unless that was done; refuses what it did not make. */
export function compileOnce(known: Compilable | undefined): WebAssembly.Module | ModuleRefusal {
  if (known === undefined) return refuseModule("Internal", -1, "not rewritten");
  try {
    known.compiled ??= new WebAssembly.Module(known.bytes);
    return known.compiled;
  } catch {
    return refuseModule("Internal", -1, "not compiled");
  }
}

const isCompiled = (module: WebAssembly.Module | ModuleRefusal): module is WebAssembly.Module =>
  module instanceof WebAssembly.Module;

/** Imports of a module as an engine takes them. */
export type Linked = Record<string, Record<string, unknown>>;

/** One function of those that are offered; what is inherited is not offered. */
function findFunction(offered: HostFunctions, { module, name }: HostFunction): unknown {
  const from = Object.hasOwn(offered, module) ? offered[module] : undefined;
  return from !== undefined && Object.hasOwn(from, name) ? from[name] : undefined;
}

/** Adds what a module imports to `linked`; the first function that is missing. */
export function linkFunctions(
  imports: readonly HostFunction[],
  offered: HostFunctions,
  linked: Linked,
): HostFunction | undefined {
  for (const wanted of imports) {
    const call = findFunction(offered, wanted);
    if (typeof call !== "function") return wanted;
    const names = (linked[wanted.module] ??= Object.create(null) as Record<string, unknown>);
    names[wanted.name] = call;
  }
  return undefined;
}

/** The memory and the base of a place, as a module imports them. */
export const linkPlace = (memory: WebAssembly.Memory, base: number): Record<string, unknown> => ({
  [RUNTIME_NAMES.memory]: memory,
  [RUNTIME_NAMES.base]: new WebAssembly.Global({ value: "i32" }, base | 0),
});

function exportedFunctions(exports: Record<string, unknown>): SandboxedModule["functions"] {
  const functions = Object.create(null) as Record<string, (...values: never[]) => unknown>;
  for (const name of Object.keys(exports))
    if (!name.startsWith(RESERVED_PREFIX)) functions[name] = exports[name] as () => unknown;
  return freeze(functions);
}

function makeSandbox(exports: Record<string, unknown>, stackBytes: number): SandboxedModule {
  const begin = exports[RUNTIME_NAMES.begin] as Begin;
  const fuelLeft = exports[RUNTIME_NAMES.fuel] as () => number;
  const cause = exports[RUNTIME_NAMES.cause] as () => StopCause;
  const start = exports[RUNTIME_NAMES.start] as (() => void) | undefined;
  return freeze({
    functions: exportedFunctions(exports),
    begin(fuel: number, messageAddress = 0, messageBytes = 0): void {
      if (!isCount(fuel, FUEL_MAX)) throw new RangeError(`not an amount of fuel: ${fuel}`);
      if (!isCount(messageBytes, MESSAGE_BYTES_MAX) || !isCount(messageAddress, 2 ** 32 - messageBytes))
        throw new RangeError(`not a message: ${messageBytes} bytes at ${messageAddress}`);
      begin(fuel, stackBytes, messageAddress, messageBytes);
    },
    fuel: () => Math.max(fuelLeft(), 0),
    cause(thrown?: unknown): StopCause {
      const known = cause();
      return known === STOP_CAUSE.trap && isStackOverflow(thrown) ? STOP_CAUSE.stack : known;
    },
    start: () => start?.(),
  });
}

/** Writes a module's data where it belongs. */
function placeData({ data }: RewrittenParts, buffer: ArrayBuffer, base: number): void {
  const bytes = new Uint8Array(buffer);
  for (const segment of data) bytes.set(segment.bytes, base + segment.offset);
}

/**
 * A sandbox: the module in a segment of `place.memory`, its data written there.
 *
 * Nothing of it has run yet: `begin`, then `start`, then its functions. The rest
 * of the segment stays as it is; a module expects zeros.
 *
 * **Needs** that the caller answers for the segment: nothing else is ever
 * written, nothing but it and the message ever read.
 * **Fails** `BadPlace` when the segment does not lie inside the memory,
 * `NoFunction` when one that it imports is missing, `BadElements` when its
 * elements do not fit into its tables, `Internal`. Nothing is written then.
 */
export function instantiateModule(
  rewritten: RewrittenModule,
  place: SandboxPlace,
): SandboxedModule | ModuleRefusal {
  // Each is read once: what was checked is what is used.
  const { memory, base, stackBytes = STACK_BYTES, functions = {} } = place;
  const { buffer } = memory;
  const module = compileModule(rewritten);
  const known = partsOf(rewritten);
  if (!isCompiled(module) || known === undefined) return module as ModuleRefusal;
  const end = buffer.byteLength - rewritten.memoryBytes;
  if (!isCount(base, end) || !isCount(stackBytes, STACK_BYTES_MAX))
    return refuseModule("BadPlace", -1, `${rewritten.memoryBytes} bytes at ${base}`);
  const linked = Object.create(null) as Linked;
  const missing = linkFunctions(rewritten.imports, functions, linked);
  if (missing !== undefined) return refuseModule("NoFunction", -1, `${missing.module}.${missing.name}`);
  linked[RESERVED_MODULE] = linkPlace(memory, base);
  try {
    const instance = new WebAssembly.Instance(module, linked);
    placeData(known, buffer, base);
    return makeSandbox(instance.exports, stackBytes);
  } catch (thrown) {
    return isTrap(thrown)
      ? refuseModule("BadElements", -1, "elements")
      : refuseModule("Internal", -1, "not placed");
  }
}
