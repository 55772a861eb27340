/** Modules under test: rewritten and placed, or run as they are, with outcomes that can be compared. */
import { type ModuleBuilder, makeModuleBuilder } from "../wasm/module-builder.ts";
import { type HostFunctions, type SandboxedModule, instantiateModule } from "../wasm/instantiate.ts";
import { isModuleRefusal } from "../wasm/module-refusal.ts";
import { type RewriteOptions, type RewrittenModule, rewriteModule } from "../wasm/rewrite.ts";
import { STOP_CAUSE_NAMES } from "../wasm/runtime.ts";

/** What a call came to: its value, or why it was stopped. */
export type CallOutcome = { readonly value: unknown } | { readonly stopped: string };

/** A module in the middle of a memory that is filled with something else. */
export interface TestSandbox {
  readonly rewritten: RewrittenModule;
  readonly module: SandboxedModule;
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  /** The bytes of its segment. */
  readonly segment: Uint8Array;
  /** A fresh run of one exported function with this much fuel. */
  call(name: string, ...values: readonly (number | bigint)[]): CallOutcome;
  /** Whether nothing outside the segment has changed. */
  isConfined(): boolean;
}

/** How a module under test is placed. */
export interface TestPlace {
  readonly options?: RewriteOptions;
  readonly functions?: HostFunctions;
  readonly fuel?: number;
  readonly stackBytes?: number;
  /** A message, which is put behind the segment. */
  readonly message?: Uint8Array;
}

const PAGE = 65_536;
/** No multiple of a page, so that a mistake by a page shows. */
const BASE = 2 * PAGE + 4_096;
const OUTSIDE = 0xa5;
const FUEL = 1_000_000;
/** How far behind the segment a message stands. */
const MESSAGE_DISTANCE = 12_288;

/** A binary from what `build` does to an empty builder. */
export function buildModule(build: (module: ModuleBuilder) => void): Uint8Array {
  const module = makeModuleBuilder();
  build(module);
  return module.build();
}

/** `bytes`, rewritten. **Fails** throws when they are refused. */
export function mustRewrite(bytes: Uint8Array, options: RewriteOptions = {}): RewrittenModule {
  const rewritten = rewriteModule(bytes, options);
  if (isModuleRefusal(rewritten)) throw new Error(`refused: ${JSON.stringify(rewritten)}`);
  return rewritten;
}

function outcomeOf(call: () => unknown, cause: (thrown: unknown) => string): CallOutcome {
  try {
    return { value: call() };
  } catch (thrown) {
    return { stopped: thrown instanceof WebAssembly.RuntimeError ? cause(thrown) : String(thrown) };
  }
}

type Call = (...values: readonly (number | bigint)[]) => unknown;

/** Rewrites and places a module. **Fails** throws when it is refused. */
export function sandbox(bytes: Uint8Array, place: TestPlace = {}): TestSandbox {
  const { options = {}, functions = {}, fuel = FUEL, stackBytes = 65_536, message } = place;
  const rewritten = mustRewrite(bytes, { ...options, message: message !== undefined });
  const { memoryBytes } = rewritten;
  const memory = new WebAssembly.Memory({ initial: 5 + memoryBytes / PAGE });
  const all = new Uint8Array(memory.buffer).fill(OUTSIDE);
  const segment = new Uint8Array(memory.buffer, BASE, memoryBytes).fill(0);
  const messageAt = BASE + memoryBytes + MESSAGE_DISTANCE;
  if (message !== undefined) all.set(message, messageAt);
  const before = all.slice();
  const module = instantiateModule(rewritten, { memory, base: BASE, functions, stackBytes });
  if (isModuleRefusal(module)) throw new Error(`not placed: ${JSON.stringify(module)}`);
  const call = (name: string, ...values: readonly (number | bigint)[]): CallOutcome => {
    module.begin(fuel, messageAt, message?.length ?? 0);
    const run = module.functions[name] as Call;
    return outcomeOf(
      () => run(...values),
      () => STOP_CAUSE_NAMES[module.cause()] ?? "?",
    );
  };
  const isConfined = (): boolean =>
    Buffer.compare(all.subarray(0, BASE), before.subarray(0, BASE)) === 0 &&
    Buffer.compare(all.subarray(BASE + memoryBytes), before.subarray(BASE + memoryBytes)) === 0;
  return { rewritten, module, memory, base: BASE, segment, call, isConfined };
}

/** The same module as it is, with a memory of its own that it exports as "memory". */
export function rawModule(
  bytes: Uint8Array,
  imports: HostFunctions = {},
): Omit<TestSandbox, "rewritten" | "module" | "isConfined" | "base"> {
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(bytes),
    imports as Record<string, Record<string, unknown>>,
  );
  const memory = exports["memory"] as WebAssembly.Memory;
  const call = (name: string, ...values: readonly (number | bigint)[]): CallOutcome =>
    outcomeOf(
      () => (exports[name] as Call)(...values),
      (thrown) => (/memory|data segment/.test((thrown as Error).message) ? "memory" : "trap"),
    );
  return { memory, segment: new Uint8Array(memory?.buffer ?? new ArrayBuffer(0)), call };
}
