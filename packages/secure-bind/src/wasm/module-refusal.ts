/** Why a WebAssembly module was refused, as data. */

/** The rules of the rewriter and the loader; a module breaks the first one that it meets. */
export type ModuleRule =
  /** Neither a `Uint8Array` nor an `ArrayBuffer`, or not a binary module of version 1. */
  | "NotAModule"
  /** A number, name, size, count or section that breaks the binary format. */
  | "Malformed"
  /** More of something than a limit allows; `what` is the limit's name. */
  | "TooLarge"
  /** An extension of WebAssembly that this package does not run; `what` is its name. */
  | "Unsupported"
  /** An instruction of a class that the caller forbids; `what` is its name. */
  | "Forbidden"
  /** An import that is not offered, or not of the type that is offered. */
  | "BadImport"
  /** A name that belongs to the rewriter. */
  | "ReservedName"
  /** Two exports of one name. */
  | "DuplicateExport"
  /** Data that does not lie inside the memory. */
  | "BadData"
  /** The engine's validator refused it: mostly a mistake in types. */
  | "Invalid"
  /** The segment does not lie inside the memory it is placed in. */
  | "BadPlace"
  /** A function that the module imports was not given. */
  | "NoFunction"
  /** Elements that do not lie inside their table. */
  | "BadElements"
  /** A fault of the rewriter or the engine, or no memory left: nothing was loaded. */
  | "Internal";

/** The rule that was broken, where, and by what. Frozen. */
export interface ModuleRefusal {
  readonly rule: ModuleRule;
  /** Byte offset into the module, or -1 for the whole of it. */
  readonly at: number;
  /** A name or an opcode, for people. */
  readonly what: string;
}

/** Characters of the longest text in a refusal. */
const WHAT_CHARACTERS = 80;

/** True when a module was refused. */
export const isModuleRefusal = (result: object): result is ModuleRefusal => Object.hasOwn(result, "rule");

/** A refusal by `rule`, because of what stands at `at`. */
export const refuseModule = (rule: ModuleRule, at: number, what: string): ModuleRefusal =>
  Object.freeze({ rule, at, what: what.slice(0, WHAT_CHARACTERS) });

/** Carries a refusal out of the middle of a pass; never leaves this package. */
export class Refused extends Error {
  readonly refusal: ModuleRefusal;

  constructor(rule: ModuleRule, at: number, what: string) {
    super(rule);
    this.refusal = refuseModule(rule, at, what);
  }
}

/** Ends the pass with a refusal. */
export function refuse(rule: ModuleRule, at: number, what: string): never {
  throw new Refused(rule, at, what);
}
