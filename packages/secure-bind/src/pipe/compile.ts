/** Composes pipes at run time: one loop of WebAssembly for all stages. */
import { type CodeMemory, anyMemory, isSharedMemory } from "../code-memory.ts";
import type { Verified } from "../verified.ts";
import { type ModuleBuilder, makeModuleBuilder } from "../wasm/module-builder.ts";
import { emitRun, emitSumReader } from "./emit.ts";
import { planPipe } from "./plan.ts";
import { printPipe } from "./print.ts";
import { type Pipe, pipeUnit } from "./term.ts";

/** A `WebAssembly.Memory`, as far as a caller needs to know it. */
export type PipeMemory = CodeMemory;

/**
 * A pipe that runs over one memory. Nothing here allocates.
 *
 * Numbers are taken as WebAssembly takes them: without their fraction, modulo 2^32.
 */
export interface CompiledPipe {
  /**
   * Takes `length` bytes at `source` through all stages to `destination`, as `interpretPipe` does.
   *
   * The sum of the first checksum, 0 without one; `NO_SUM`, and nothing is done,
   * when `length` is no multiple of the pipe's unit. The ranges may overlap in
   * any way: as if all were read before anything is written.
   *
   * **Fails** with a `WebAssembly.RuntimeError`, and nothing is done, when a range leaves memory.
   * **Cost** one load and one store for each 16 bytes; no store when nothing is
   * changed in place; a copy more when the destination begins inside the source.
   */
  run(destination: number, source: number, length: number): number;
  /** The sum that the checksum at index `stage` took in the last run; 0 before any, `NO_SUM` for no such stage. */
  sum(stage: number): number;
}

/** Pipes whose modules are kept. */
const KEPT_MODULES = 64;

const modules: Map<string, WebAssembly.Module> = new Map();

/** The module of `pipe`: imports the memory `pipe.memory`, exports `run` and `sum`. */
export function buildPipe(pipe: Verified<Pipe>, shared = false): ModuleBuilder {
  const module = makeModuleBuilder();
  module.importMemory("pipe", "memory", anyMemory(shared));
  const run = module.function(["i32", "i32", "i32"], ["i32"]);
  const sum = module.function(["i32"], ["i32"]);
  const global = (): number => module.global({ type: "i32", mutable: true });
  emitSumReader(sum, emitRun(run, planPipe(pipe), pipeUnit(pipe), global));
  module.export("run", "function", run.index);
  module.export("sum", "function", sum.index);
  return module;
}

/** The compiled module of `pipe`, from the cache if it is there; what was used longest ago makes room. */
function moduleOf(pipe: Verified<Pipe>, shared: boolean): WebAssembly.Module {
  const key = `${shared ? "shared" : "own"}\n${printPipe(pipe)}`;
  const module = modules.get(key) ?? new WebAssembly.Module(buildPipe(pipe, shared).build());
  modules.delete(key);
  modules.set(key, module);
  for (const oldest of modules.keys()) {
    if (modules.size <= KEPT_MODULES) break;
    modules.delete(oldest);
  }
  return module;
}

/**
 * Composes `pipe` over `memory`.
 *
 * **Needs** that whoever runs it has checked whose the ranges are: it reads and
 * writes all of `memory`. **Cost** a module is compiled once for a list of
 * stages and kept while it is among the last 64 used; an instance each time.
 */
export function makePipe(pipe: Verified<Pipe>, memory: PipeMemory): CompiledPipe {
  const { exports } = new WebAssembly.Instance(moduleOf(pipe, isSharedMemory(memory)), { pipe: { memory } });
  const { run, sum } = exports as unknown as CompiledPipe;
  return Object.freeze({ run, sum });
}
