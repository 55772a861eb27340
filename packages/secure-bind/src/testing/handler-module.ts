/** Modules of handlers, written instruction by instruction. */
import { HANDLER_FUNCTIONS } from "../handler/program.ts";
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import { makeModuleBuilder } from "../wasm/module-builder.ts";

/** Numbers of the functions that a handler may import. */
export type HandlerImports = Readonly<Record<"append" | "send" | "wake" | "pipe" | "sum", number>>;

/** What a handler's module has besides its entry. */
export interface HandlerModuleOptions {
  /** Pages of 64 KiB that it declares; 0 without. */
  readonly pages?: number;
  /** Whether its memory comes from outside, as `env.memory`; else it is its own. */
  readonly importsMemory?: boolean;
  /** Bytes at address 0. */
  readonly data?: Uint8Array;
  /** Writes a start function. */
  readonly start?: (code: FunctionBuilder) => void;
}

/** A module whose `handle` is what `body` writes: parameters 0 and 1 are address and length, an i32 is left. */
export function handlerModule(
  body: (code: FunctionBuilder, imports: HandlerImports) => void,
  options: HandlerModuleOptions = {},
): Uint8Array<ArrayBuffer> {
  const builder = makeModuleBuilder();
  const numbers = HANDLER_FUNCTIONS.map(({ module, name, parameters, results }) => [
    name,
    builder.importFunction(module, name, builder.type(parameters, results)),
  ]);
  const handle = builder.function(["i32", "i32"], ["i32"]);
  body(handle, Object.fromEntries(numbers) as HandlerImports);
  builder.export("handle", "function", handle.index);
  const limits = { minimum: options.pages ?? 0 };
  const memory =
    options.importsMemory === true ? builder.importMemory("env", "memory", limits) : builder.memory(limits);
  builder.export("memory", "memory", memory);
  if (options.data !== undefined) builder.data(options.data, 0);
  if (options.start !== undefined) {
    const start = builder.function([]);
    options.start(start);
    builder.start(start.index);
  }
  return builder.build();
}
