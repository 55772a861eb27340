/** The verifier of handlers: a rewritten module, checked pipes, and what one run may cost. */
import { verifyPipe } from "../pipe/verify.ts";
import type { Pipe } from "../pipe/term.ts";
import { isRefusal } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import { type ModuleRefusal, isModuleRefusal } from "../wasm/module-refusal.ts";
import { type RewrittenModule, rewriteModule } from "../wasm/rewrite.ts";
import type { ModuleLimits } from "../wasm/module-limits.ts";
import {
  HANDLER_ALL_LOCALS,
  HANDLER_BODIES,
  HANDLER_ELEMENTS,
  HANDLER_EXPORTS,
  HANDLER_FUEL_MAX,
  HANDLER_FUNCTIONS,
  HANDLER_LOCALS,
  HANDLER_MODULE_BYTES,
  HANDLER_MOVES,
  HANDLER_PIPES,
  HANDLER_REWRITTEN_BYTES,
} from "./program.ts";

/** Why a handler was refused. */
export interface HandlerRefusal {
  readonly rule:
    /** Not a record, or reading it threw. */
    | "NotAHandler"
    /** Fuel that is no integer from 1 to `HANDLER_FUEL_MAX`. */
    | "BadFuel"
    /** More pipes than `HANDLER_PIPES`, or one that does not verify. */
    | "BadPipe"
    /** The module was refused: see `module`. */
    | "BadModule"
    /** No function `handle` of two i32 that gives one. */
    | "NoEntry"
    /** The place has no room for the memory that the module declares. */
    | "TooLarge"
    /** Its start function trapped, or the engine refused it. */
    | "BadStart";
  readonly module?: ModuleRefusal | undefined;
  /** Fuel that its start function used before it was stopped; absent when it did not run. */
  readonly used?: number | undefined;
}

/** What a verifier of handlers makes: ready to be placed. */
export interface CheckedHandler {
  readonly rewritten: RewrittenModule;
  readonly pipes: readonly Verified<Pipe>[];
  readonly fuel: number;
}

/** True when a handler was refused. */
export const isHandlerRefusal = (result: object): result is HandlerRefusal => Object.hasOwn(result, "rule");

/** A refusal by `rule`. Frozen. */
export const refuseHandler = (rule: HandlerRefusal["rule"], module?: ModuleRefusal): HandlerRefusal =>
  Object.freeze(module === undefined ? { rule } : { rule, module });

const { isArray } = Array;
const { freeze } = Object;

/** A small program with one table of functions, which it can call by but not change element by element. */
const LIMITS: Partial<ModuleLimits> = freeze({
  bytes: HANDLER_MODULE_BYTES,
  rewrittenBytes: HANDLER_REWRITTEN_BYTES,
  moves: HANDLER_MOVES,
  allMoves: HANDLER_MOVES,
  locals: HANDLER_LOCALS,
  allLocals: HANDLER_ALL_LOCALS,
  functions: HANDLER_BODIES,
  exports: HANDLER_EXPORTS,
  tables: 1,
  tableElements: HANDLER_ELEMENTS,
  elements: HANDLER_ELEMENTS,
});

/** True for an integer from 0 to `most`. */
const isCount = (value: unknown, most: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;

function copyPipes(alien: unknown): readonly Verified<Pipe>[] | undefined {
  if (alien === undefined) return freeze([]);
  if (!isArray(alien)) return undefined;
  const count: unknown = alien.length;
  if (!isCount(count, HANDLER_PIPES)) return undefined;
  const pipes: Verified<Pipe>[] = [];
  for (let i = 0; i < count; i++) {
    const pipe = verifyPipe(alien[i]);
    if (isRefusal(pipe)) return undefined;
    pipes[i] = pipe;
  }
  return freeze(pipes);
}

function hasEntry({ exports }: RewrittenModule): boolean {
  const entry = exports.find(({ name }) => name === "handle");
  return entry?.parameters.join() === "i32,i32" && entry.results.join() === "i32";
}

function check(alien: Partial<Record<string, unknown>>): Verified<CheckedHandler> | HandlerRefusal {
  const { module, fuel, pipes: claimed } = alien;
  if (!isCount(fuel, HANDLER_FUEL_MAX) || fuel === 0) return refuseHandler("BadFuel");
  const pipes = copyPipes(claimed);
  if (pipes === undefined) return refuseHandler("BadPipe");
  const rewritten = rewriteModule(module, {
    imports: HANDLER_FUNCTIONS,
    forbid: ["float", "simd", "references"],
    message: true,
    limits: LIMITS,
  });
  if (isModuleRefusal(rewritten)) return refuseHandler("BadModule", rewritten);
  if (!hasEntry(rewritten)) return refuseHandler("NoEntry");
  return freeze({ rewritten, pipes, fuel }) as Verified<CheckedHandler>;
}

/**
 * A checked copy of an alien `HandlerProgram`, or why it was refused.
 *
 * **Holds** every property is read exactly once. Never throws, not even when a
 * getter does. A getter runs its owner's code: call this before looking at any
 * state of your own. **Cost** O(bytes of the module).
 */
export function verifyHandler(program: unknown): Verified<CheckedHandler> | HandlerRefusal {
  if (typeof program !== "object" || program === null) return refuseHandler("NotAHandler");
  try {
    return check(program as Partial<Record<string, unknown>>);
  } catch {
    return refuseHandler("NotAHandler");
  }
}
