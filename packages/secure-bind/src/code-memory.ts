/** Memories that generated code runs over. */
import type { Limits } from "./wasm/module-builder.ts";

/** A `WebAssembly.Memory`, as far as a caller needs to know it: no view of one, which has a length in bytes. */
export interface CodeMemory {
  readonly buffer: ArrayBufferLike;
  readonly byteLength?: undefined;
}

/** Pages of the largest memory: a shared one is imported with a maximum. */
const PAGES_MAX = 65_536;

/** True when other workers may have this memory, too. */
export const isSharedMemory = ({ buffer }: CodeMemory): boolean =>
  typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;

/** The limits by which a module imports a memory of any size, of its own worker's or shared. */
export const anyMemory = (shared: boolean): Limits =>
  shared ? { minimum: 0, maximum: PAGES_MAX, shared } : { minimum: 0 };
