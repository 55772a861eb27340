/** A program as it was written, run by the engine alone. */
import { ProgramExit } from "@exolith/libos-unix";
import { LinearMemory } from "./linear-memory.ts";
import { makeLibos } from "./libos.ts";
import { collector, processorTime, type Way } from "./runner.ts";

/** Runs `start` until the program ends, of itself or because it says so; an error code is thrown. */
export function untilExit(start: () => void): void {
  try {
    start();
  } catch (thrown) {
    if (!(thrown instanceof ProgramExit) || thrown.code !== 0) throw thrown;
  }
}

/** Neither confined nor to be interrupted: what the others are held against. */
export const RAW: Way = {
  name: "raw",
  prepare: (bytes) => {
    const module = new WebAssembly.Module(bytes);
    return {
      run: (given) => {
        const { add, text } = collector();
        const memory: { its?: LinearMemory } = {};
        const wasi = makeLibos(() => memory.its as LinearMemory, { output: add, ...given });
        const { exports } = new WebAssembly.Instance(module, wasi.functions);
        const wasm = exports["memory"] as WebAssembly.Memory;
        memory.its = new LinearMemory(wasm, 0, () => wasm.buffer.byteLength);
        const nanoseconds = processorTime(() => untilExit(exports["_start"] as () => void));
        return { nanoseconds, output: text() };
      },
    };
  },
};
