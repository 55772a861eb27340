/** Programs: which are loaded, in which frames, and how one is loaded and ended. */
import { FRAME_BYTES } from "@exolith/hw-model";
import {
  RIGHTS,
  STACK_BYTES,
  instantiateProgram,
  isModuleRefusal,
  type HostFunctions,
  type ProgramOptions,
  type ProgramPlace,
  type RewrittenProgram,
  type SandboxedProgram,
} from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { GateCalls } from "../abi/gate.ts";
import { CONTEXT_FRAMES_MAX } from "../abi/limits.ts";
import { GATE_MODULE, SAVE_AREA, type ProgramHandle } from "../abi/program.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authoriseFrames, pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { gateFunctions } from "./gate-functions.ts";
import { LoadedProgram, type ProgramFrames, type ProgramRow } from "./loaded-program.ts";
import {
  copyProgram,
  type ClaimedImport,
  type ClaimedProgram,
  type ClaimedRun,
  type HostCall,
} from "./program-request.ts";

type LoadRefusal =
  | "BadProgram"
  | "BadTranslation"
  | "BadFrame"
  | "BadRange"
  | "BadSlot"
  | "BadCapability"
  | "Full";

/** Instructions that it takes to load a module, and for each of its bytes: to read, rewrite and compile it. */
const LOAD_INSTRUCTIONS = 500_000;
const BYTE_INSTRUCTIONS = 500;

/** A program of which nothing has run. */
const UNUSED = { isEnded: false, fuel: 0, faults: 0, hostCalls: 0, gateCalls: 0, suspensions: 0 };
/** Memory in pages, not in frames of its own. */
const NO_FRAMES: ProgramFrames = { first: 0, count: 0 };

/**
 * Loads a program. O(bytes of the module + frames).
 *
 * What is alien is read first, as that may run the caller's code; then the state is
 * checked, and only for what may be loaded the rewriter works.
 */
export function programLoad(
  kernel: Kernel,
  caller: Environment,
  request: unknown,
  slot: unknown,
  gateOf: () => GateCalls,
): Sys<ProgramHandle, LoadRefusal> {
  const claimed = copyProgram(request);
  if (claimed === undefined || !caller.alive) return ERRORS.BadProgram;
  const space = claimed.isPaged ? kernel.spaces.rows[caller.row] : undefined;
  if (claimed.isPaged && space === undefined) return ERRORS.BadTranslation;
  const context = checkRun(kernel, caller, claimed.context, CONTEXT_FRAMES_MAX, slot);
  if ("code" in context) return context;
  const segment = claimed.isPaged
    ? NO_FRAMES
    : checkRun(kernel, caller, claimed.segment, kernel.frames.count, slot);
  if ("code" in segment) return segment;
  if (kernel.programs.ids.left() === 0) return ERRORS.Full;
  const imports = [...claimed.imports, ...gateFunctions(gateOf())];
  const rewritten = rewrite(kernel, claimed, imports, space?.bits);
  if (rewritten === undefined) return ERRORS.BadProgram;
  const { mayGrow } = claimed;
  const made: ProgramRow = { owner: caller, context, segment, space, mayGrow, sandbox: undefined, ...UNUSED };
  const row = kernel.programs.ids.take();
  const program = new LoadedProgram(kernel, kernel.programs.ids.idOf(row), made, rewritten);
  made.sandbox = instantiate(kernel, program, made, rewritten, imports);
  if (made.sandbox === undefined) {
    kernel.programs.ids.free(row);
    return ERRORS.BadProgram;
  }
  kernel.programs.rows[row] = made;
  pinFrames(kernel, context.first, context.count);
  pinFrames(kernel, segment.first, segment.count);
  if (space !== undefined) space.programs += 1;
  return program;
}

/** A run of frames that the caller may write. */
function checkRun(
  kernel: Kernel,
  caller: Environment,
  { first, count }: ClaimedRun,
  most: number,
  slot: unknown,
): ProgramFrames | Exclude<Sys<undefined, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability">, undefined> {
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isIndex(count, most + 1) || !isRun(first, count, kernel.frames.count)) return ERRORS.BadRange;
  return authoriseFrames(kernel, caller, { first, count, slot, rights: RIGHTS.write }) ?? { first, count };
}

/** Rewrites a module, or finds it in the cache; charged the same, so that nobody sees what others have loaded. */
function rewrite(
  { machine: { meter }, rewriteProgram }: Kernel,
  { module, isPaged }: ClaimedProgram,
  imports: readonly ClaimedImport[],
  pageBits: 12 | 16 = 12,
): RewrittenProgram | undefined {
  meter.charge("instruction", LOAD_INSTRUCTIONS + module.length * BYTE_INSTRUCTIONS);
  const options: ProgramOptions = isPaged
    ? { mode: "paged", pageBits, imports }
    : { mode: "segment", imports };
  const rewritten = rewriteProgram(module, options);
  return isModuleRefusal(rewritten) ? undefined : rewritten;
}

/** Places a program; nothing of it runs. */
function instantiate(
  { machine: { memory } }: Kernel,
  program: LoadedProgram,
  { context, segment, space }: ProgramRow,
  rewritten: RewrittenProgram,
  imports: readonly ClaimedImport[],
): SandboxedProgram | undefined {
  const contextBytes = context.count * FRAME_BYTES - SAVE_AREA.bytes;
  const placed = instantiateProgram(rewritten, {
    memory: memory.wasm as ProgramPlace["memory"],
    base: space?.base ?? segment.first * FRAME_BYTES,
    limitBytes: segment.count * FRAME_BYTES,
    context: context.first * FRAME_BYTES + SAVE_AREA.bytes,
    contextBytes,
    stackBytes: Math.min(STACK_BYTES, contextBytes),
    functions: linkAll(program, rewritten, imports),
    ...LoadedProgram.place(program),
  });
  return isModuleRefusal(placed) ? undefined : placed;
}

/** The functions that a module imports, each behind the kernel's checks. */
function linkAll(
  program: LoadedProgram,
  { imports }: RewrittenProgram,
  offered: readonly ClaimedImport[],
): HostFunctions {
  const modules = Object.create(null) as Record<string, Record<string, HostCall>>;
  for (const { module, name } of imports) {
    const found = offered.find((each) => each.module === module && each.name === name);
    if (found === undefined) continue;
    const functions = (modules[module] ??= Object.create(null) as Record<string, HostCall>);
    functions[name] = LoadedProgram.link(program, found, module === GATE_MODULE);
  }
  return modules as HostFunctions;
}

/** Ends a program of the caller's. O(frames). */
export function programEnd(kernel: Kernel, caller: Environment, id: unknown): Sys<undefined, "NoProgram"> {
  if (rowFor(kernel.programs, id)?.owner !== caller) return ERRORS.NoProgram;
  releaseProgram(kernel, kernel.programs.ids.rowOf(id));
  return undefined;
}

/** Ends the program in a row. One that is running is stopped before its next instruction. */
export function releaseProgram(kernel: Kernel, row: number): void {
  const held = kernel.programs.rows[row];
  if (held === undefined) return;
  const { context, segment, space } = held;
  held.isEnded = true;
  held.sandbox = undefined;
  kernel.programs.rows[row] = undefined;
  kernel.programs.ids.free(row);
  if (space !== undefined) space.programs -= 1;
  unpinFrames(kernel, context.first, context.count);
  unpinFrames(kernel, segment.first, segment.count);
}
