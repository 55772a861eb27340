/** Why a module was refused: the kernel says only that it was. */
import { FRAME_BYTES } from "@exolith/exokernel/abi";
import { isModuleRefusal, rewriteProgram, type HostFunction, type ModuleRule } from "@exolith/secure-bind";
import { CONTEXT_FRAMES, PROGRAM_FRAMES } from "./program-limits.ts";
import type { ImageOptions } from "./program-image.ts";

/** What was wrong with a module. */
export interface ProgramRefusal {
  /** The rule that it breaks; `NoRoom` when its memory is larger than its frames. */
  readonly rule: ModuleRule | "NoRoom";
  /** A name, an opcode, or an amount, for people. */
  readonly what: string;
  /** The byte of the module, -1 for the whole of it. */
  readonly at: number;
}

const PAGE_BYTES = 65_536;

/**
 * Looks for the reason why `options.module` cannot be loaded; `undefined` when there is none to be found.
 *
 * **Cost** that of rewriting it.
 */
export function explainRefusal(
  options: ImageOptions,
  imports: readonly HostFunction[],
): ProgramRefusal | undefined {
  const { module, mode, pageBytes } = options;
  const bytes = module instanceof Uint8Array ? module : new Uint8Array(module);
  const rewritten = rewriteProgram(bytes, { mode, pageBits: pageBytes === PAGE_BYTES ? 16 : 12, imports });
  if (isModuleRefusal(rewritten)) return rewritten;
  const { frames = PROGRAM_FRAMES, contextFrames = CONTEXT_FRAMES } = options;
  const has = Math.floor((Math.max(frames - contextFrames, 0) * FRAME_BYTES) / PAGE_BYTES);
  if (mode === "paged" || rewritten.memoryPages <= has) return undefined;
  return Object.freeze({
    rule: "NoRoom",
    what: `${rewritten.memoryPages} pages of 64 KiB, and its limit of frames leaves ${has}`,
    at: -1,
  });
}
