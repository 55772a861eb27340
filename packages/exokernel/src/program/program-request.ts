/** A program as its owner claims it: read once, before any state is looked at. */
import type { HostFunction } from "@exolith/secure-bind";
import { PROGRAM_IMPORTS, PROGRAM_MODULE_BYTES } from "../abi/limits.ts";
import { GATE_MODULE } from "../abi/program.ts";
import { copyList } from "../check.ts";
import { passPanic } from "../panic.ts";

/** What a program calls. */
export type HostCall = (...values: unknown[]) => unknown;

/** A function that a program may import, and what it comes to. */
export interface ClaimedImport extends HostFunction {
  readonly call: HostCall;
}

/** What a request says; to look at it runs nobody's code any more. */
export interface ClaimedProgram {
  readonly module: Uint8Array;
  readonly isPaged: boolean;
  readonly imports: readonly ClaimedImport[];
  /** Nothing of these is checked. */
  readonly context: ClaimedRun;
  readonly segment: ClaimedRun;
  readonly mayGrow: HostCall | undefined;
}

/** A run of frames. */
export interface ClaimedRun {
  readonly first: unknown;
  readonly count: unknown;
}

/** Characters of the longest name, and values of the longest list of parameters. */
const NAME_CHARACTERS = 1024;
const PARAMETERS = 64;

const TYPES: readonly unknown[] = ["i32", "i64", "f32", "f64"];

/** A copy of an alien request, bounded; `undefined` for what is none. Only a panic goes on. O(bytes + imports). */
export function copyProgram(request: unknown): ClaimedProgram | undefined {
  try {
    const { module, mode, imports, context, contextFrames, ...more } = request as Record<string, unknown>;
    const { segment, segmentFrames, mayGrow } = more;
    const bytes = copyBytes(module, PROGRAM_MODULE_BYTES);
    const functions = copyList(imports, PROGRAM_IMPORTS)?.map(copyImport);
    if (bytes === undefined || (mode !== "paged" && mode !== "segment")) return undefined;
    if (functions === undefined || functions.includes(undefined)) return undefined;
    if (isAnyTwice(functions as readonly ClaimedImport[])) return undefined;
    if (mayGrow !== undefined && typeof mayGrow !== "function") return undefined;
    return {
      module: bytes,
      isPaged: mode === "paged",
      imports: functions as readonly ClaimedImport[],
      context: { first: context, count: contextFrames },
      segment: { first: segment, count: segmentFrames },
      mayGrow: mayGrow as HostCall | undefined,
    };
  } catch (reason) {
    passPanic(reason);
    return undefined;
  }
}

/** True when two have the same name: what is checked would not be what is linked. O(imports). */
function isAnyTwice(functions: readonly ClaimedImport[]): boolean {
  // The length keeps apart what would be the same when it is joined.
  const names = functions.map(({ module, name }) => `${module.length} ${module}${name}`);
  return new Set(names).size < names.length;
}

const isName = (name: unknown): name is string => typeof name === "string" && name.length <= NAME_CHARACTERS;

/** The kernel's own calls are in a module of their own, which nobody else can offer. */
function copyImport(alien: unknown): ClaimedImport | undefined {
  const { module, name, parameters, results, call } = alien as Record<string, unknown>;
  const takes = copyTypes(parameters, PARAMETERS);
  const gives = copyTypes(results, 1);
  if (!isName(module) || !isName(name) || module === GATE_MODULE) return undefined;
  if (takes === undefined || gives === undefined || typeof call !== "function") return undefined;
  return { module, name, parameters: takes, results: gives, call: call as HostCall };
}

function copyTypes(alien: unknown, most: number): HostFunction["parameters"] | undefined {
  const types = copyList(alien, most);
  return types?.every((type) => TYPES.includes(type)) === true
    ? (types as unknown as HostFunction["parameters"])
    : undefined;
}

/** Captured: what an array or a buffer says of itself is not asked. */
const getterOf = (of: object, name: PropertyKey): ((from: unknown) => unknown) =>
  Function.prototype.call.bind(Object.getOwnPropertyDescriptor(of, name)?.get as () => unknown);
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const kindOf = getterOf(typedArray, Symbol.toStringTag);
const lengthOf = getterOf(typedArray, "length");
const bufferLengthOf = getterOf(ArrayBuffer.prototype, "byteLength");

/** A copy of at most `most` alien bytes; throws for what is no bytes. O(bytes). */
function copyBytes(alien: unknown, most: number): Uint8Array | undefined {
  const isArray = kindOf(alien) === "Uint8Array";
  const length = (isArray ? lengthOf : bufferLengthOf)(alien) as number;
  if (length > most) return undefined;
  return new Uint8Array(isArray ? (alien as Uint8Array) : new Uint8Array(alien as ArrayBuffer));
}
