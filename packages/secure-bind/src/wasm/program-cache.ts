/** Rewritten programs by what they were written from: one that is loaded again costs its hash. */
import { blake2s } from "@noble/hashes/blake2.js";
import { type ModuleRefusal, isModuleRefusal } from "./module-refusal.ts";
import type { ProgramOptions, RewrittenProgram } from "./program.ts";
import { programParts } from "./rewrite-program.ts";

/** Rewrites a program, or says why not. */
export type RewriteProgram = (bytes: Uint8Array, options: ProgramOptions) => RewrittenProgram | ModuleRefusal;

/** Bytes of all modules that a cache keeps, once they are rewritten; what engines make of them comes on top. */
export const PROGRAM_CACHE_BYTES = 268_435_456;
/** Modules that it keeps. */
export const PROGRAM_CACHE_MODULES = 256;

interface Kept {
  readonly rewritten: RewrittenProgram;
  readonly bytes: number;
}

const utf8 = new TextEncoder();

/** The name of a module's bytes and of everything in `options` that decides what comes of them. O(bytes). */
function nameOf(bytes: Uint8Array, options: ProgramOptions): string {
  const { mode, pageBits, imports = [], forbid, limits } = options;
  const types = imports.map(({ module, name, parameters, results }) => [module, name, parameters, results]);
  const hash = blake2s.create().update(bytes);
  hash.update(utf8.encode(JSON.stringify([mode, pageBits, types, forbid, limits])));
  return `${bytes.length} ${hash.digest().join(".")}`;
}

/**
 * `rewrite` with a memory of the modules it was given last.
 *
 * **Needs** that nobody changes `bytes` meanwhile. Refusals are not kept. O(bytes)
 * for one that is known.
 */
export function cachedRewrite(
  rewrite: RewriteProgram,
  most: number = PROGRAM_CACHE_BYTES,
  modules: number = PROGRAM_CACHE_MODULES,
): RewriteProgram {
  const kept = new Map<string, Kept>();
  let held = 0;
  const drop = (name: string): void => {
    held -= kept.get(name)?.bytes ?? 0;
    kept.delete(name);
  };
  return (bytes, options) => {
    const name = nameOf(bytes, options);
    const known = kept.get(name);
    const rewritten = known === undefined ? rewrite(bytes, options) : known.rewritten;
    if (isModuleRefusal(rewritten)) return rewritten;
    drop(name);
    const size = programParts(rewritten)?.bytes.length ?? bytes.length;
    kept.set(name, { rewritten, bytes: size });
    held += size;
    for (const [oldest] of kept) {
      if (held <= most && kept.size <= modules) break;
      drop(oldest);
    }
    return rewritten;
  };
}
