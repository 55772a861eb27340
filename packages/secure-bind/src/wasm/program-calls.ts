/** What a program calls besides its imports, as functions that a table takes: a small module makes them of ours. */
import { makeModuleBuilder } from "./module-builder.ts";
import { CALLS } from "./runtime.ts";
import type { ValueType } from "./value-type.ts";

/** What whoever runs a program answers. */
export interface OutwardCalls {
  miss(address: number, writes: number): void;
  grow(pages: number): number;
}

const SIGNATURES: readonly (readonly [keyof OutwardCalls, readonly ValueType[], readonly ValueType[]])[] = [
  ["miss", ["i32", "i32"], []],
  ["grow", ["i32"], ["i32"]],
];

let compiled: WebAssembly.Module | undefined;

/** A module that exports what it imports: only functions of a module go into a table. */
function callsModule(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const builder = makeModuleBuilder();
  for (const [name, parameters, results] of SIGNATURES)
    builder.export(
      name,
      "function",
      builder.importFunction("calls", name, builder.type(parameters, results)),
    );
  compiled = new WebAssembly.Module(builder.build());
  return compiled;
}

/** Fills the elements of a program's table. */
export function connectCalls(table: WebAssembly.Table, calls: OutwardCalls): void {
  const { exports } = new WebAssembly.Instance(callsModule(), { calls: { ...calls } });
  for (const [name] of SIGNATURES) table.set(CALLS[name], exports[name]);
}
