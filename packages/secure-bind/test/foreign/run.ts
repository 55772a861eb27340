/** Foreign modules in their sandbox, beside the same modules out of it. */
import {
  type RewrittenModule,
  STOP_CAUSE,
  type SandboxedModule,
  instantiateModule,
  isModuleRefusal,
  rewriteModule,
} from "../../src/index.ts";
import type { Numbers } from "./generate.ts";
import { SUPPORT, SUPPORT_FUNCTIONS, type Support, makeSupport } from "./support.ts";

const PAGE_BYTES = 65_536;
/** What the memory outside the sandbox is filled with. */
const CANARY = 0xa5;

/** What came of a module. */
export interface Tally {
  refused: Map<string, number>;
  ran: number;
  /** Calls made in the sandbox, and those that agreed with the original's. */
  calls: number;
  agreed: number;
  /** Calls that were stopped, by cause. */
  stopped: Map<number, number>;
}

/** Nothing yet. */
export const makeTally = (): Tally => ({
  refused: new Map(),
  ran: 0,
  calls: 0,
  agreed: 0,
  stopped: new Map(),
});

const count = <K>(map: Map<K, number>, key: K): void => void map.set(key, (map.get(key) ?? 0) + 1);

type Export = RewrittenModule["exports"][number];

function argumentsFor({ parameters }: Export, numbers: Numbers): unknown[] | undefined {
  const made: unknown[] = [];
  for (const type of parameters) {
    if (type === "i32") made.push(numbers.integer());
    else if (type === "i64") made.push(BigInt(numbers.integer()) * BigInt(numbers.integer()));
    else if (type === "f32" || type === "f64") made.push(numbers.integer() / 16);
    else if (type === "funcref" || type === "externref") made.push(null);
    else return undefined;
  }
  return made;
}

/** A sandboxed module with what lies around it. */
interface Placed {
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly bytes: number;
  readonly sandbox: SandboxedModule;
  readonly support: Support;
}

/** Places a module between two pages of canaries; not at the edge of a page. */
function place(rewritten: RewrittenModule): Placed | string {
  const bytes = rewritten.memoryBytes;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) + 2 });
  const base = PAGE_BYTES + 4096;
  const all = new Uint8Array(memory.buffer);
  all.fill(CANARY);
  all.fill(0, base, base + bytes);
  const support = makeSupport();
  const sandbox = instantiateModule(rewritten, { memory, base, functions: { [SUPPORT]: support.functions } });
  return isModuleRefusal(sandbox) ? sandbox.rule : { memory, base, bytes, sandbox, support };
}

/** True while nothing outside the sandbox has changed. */
function isIntact({ memory, base, bytes }: Placed): boolean {
  const all = new Uint8Array(memory.buffer);
  return (
    all.subarray(0, base).every((byte) => byte === CANARY) &&
    all.subarray(base + bytes).every((byte) => byte === CANARY)
  );
}

/** What a call came to: its results, or that it trapped. */
function resultOf(act: () => unknown): { readonly value?: unknown; readonly trap?: unknown } {
  try {
    return { value: act() };
  } catch (reason) {
    return { trap: reason };
  }
}

function fail(what: string): never {
  throw new Error(what);
}

/** Rewrites `bytes`, and counts why not. "Internal" is our own mistake. */
function rewrite(bytes: Uint8Array, tally: Tally): RewrittenModule | undefined {
  const rewritten = rewriteModule(bytes, { imports: SUPPORT_FUNCTIONS });
  if (!isModuleRefusal(rewritten)) return rewritten;
  if (rewritten.rule === "Internal") fail(`a module became invalid: ${rewritten.what}`);
  count(tally.refused, rewritten.rule);
  return undefined;
}

/** Fuel of one call in the sandbox: of a module alone, and beside its original. */
const FUEL = 200_000;
const MUCH_FUEL = 4_000_000;

/** From now on a module may call what it exports by number. */
function showExports(
  rewritten: RewrittenModule,
  support: Support,
  functions: Readonly<Record<string, unknown>>,
): void {
  support.exported = rewritten.exports.map(({ name }) => functions[name] as Support["exported"][number]);
}

/** Runs whatever of `bytes` is not refused, inside its bounds; throws when it leaves them. */
export function runAlone(bytes: Uint8Array, numbers: Numbers, tally: Tally): void {
  const rewritten = rewrite(bytes, tally);
  if (rewritten === undefined) return;
  const placed = place(rewritten);
  if (typeof placed === "string") return count(tally.refused, placed);
  tally.ran += 1;
  const { sandbox } = placed;
  sandbox.begin(FUEL);
  resultOf(() => sandbox.start());
  showExports(rewritten, placed.support, sandbox.functions);
  for (const each of rewritten.exports) {
    const given = argumentsFor(each, numbers);
    if (given === undefined) continue;
    sandbox.begin(FUEL);
    const { trap } = resultOf(() => sandbox.functions[each.name]?.(...(given as never[])));
    tally.calls += 1;
    if (trap !== undefined) count(tally.stopped, sandbox.cause());
    if (!(sandbox.fuel() >= 0 && sandbox.fuel() <= FUEL)) fail(`${each.name} left ${sandbox.fuel()} of fuel`);
  }
  if (!isIntact(placed)) fail("a module wrote outside its memory");
}

const isSame = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((v, i) => isSame(v, b[i]));
  return typeof a === "function" && typeof b === "function" ? true : Object.is(a, b);
};

/** The original beside it. */
interface Original {
  readonly functions: Readonly<Record<string, unknown>>;
  readonly memory: WebAssembly.Memory | undefined;
  readonly support: Support;
}

function originalOf(bytes: Uint8Array): Original | undefined {
  const support = makeSupport();
  try {
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    const { exports } = new WebAssembly.Instance(module, { [SUPPORT]: support.functions });
    const { memory } = exports as { memory?: WebAssembly.Memory };
    return { functions: exports, memory, support };
  } catch {
    return undefined;
  }
}

/** Compares results, what was logged, and memory; the reason why they differ. */
function difference(original: Original, placed: Placed, wanted: unknown, got: unknown): string | undefined {
  if (!isSame(wanted, got)) return `${String(wanted)} became ${String(got)}`;
  if (!isSame(original.support.seen, placed.support.seen)) return "other calls";
  if (original.memory === undefined) return undefined;
  const inside = new Uint8Array(placed.memory.buffer, placed.base, placed.bytes);
  return Buffer.compare(new Uint8Array(original.memory.buffer), inside) === 0 ? undefined : "other memory";
}

/**
 * Runs every function of a module in the sandbox and out of it, `rounds` times; throws when they differ.
 *
 * A module whose run the bounds have ended, or whose memory has grown outside, is not compared any further.
 */
export function runBeside(bytes: Uint8Array, rounds: number, numbers: Numbers, tally: Tally): void {
  const rewritten = rewrite(bytes, tally);
  const original = originalOf(bytes);
  if (rewritten === undefined || original === undefined) return;
  const placed = place(rewritten);
  if (typeof placed === "string") return count(tally.refused, placed);
  const { sandbox } = placed;
  sandbox.begin(MUCH_FUEL);
  if (resultOf(() => sandbox.start()).trap !== undefined) fail("its start trapped only in the sandbox");
  showExports(rewritten, placed.support, sandbox.functions);
  showExports(rewritten, original.support, original.functions);
  tally.ran += 1;
  callAll(rewritten, rounds, numbers, (name, given) => callBeside(original, placed, name, given, tally));
  if (!isIntact(placed)) fail("a module wrote outside its memory");
}

/** Calls every function `rounds` times, until `call` says that it is enough. */
function callAll(
  { exports }: RewrittenModule,
  rounds: number,
  numbers: Numbers,
  call: (name: string, given: readonly unknown[]) => boolean,
): void {
  for (let round = 0; round < rounds; round++)
    for (const each of exports) {
      const given = argumentsFor(each, numbers);
      if (given !== undefined && !call(each.name, given)) return;
    }
}

/** One call of both; false when they cannot be compared any more. */
function callBeside(
  original: Original,
  placed: Placed,
  name: string,
  given: readonly unknown[],
  tally: Tally,
): boolean {
  const { sandbox } = placed;
  sandbox.begin(MUCH_FUEL);
  const got = resultOf(() => sandbox.functions[name]?.(...(given as never[])));
  tally.calls += 1;
  if (got.trap !== undefined) count(tally.stopped, sandbox.cause());
  // Also when it returned: what it called may have been stopped, and the original would not be.
  if (isBounded(sandbox)) return false;
  const call = original.functions[name] as (...values: readonly unknown[]) => unknown;
  const wanted = resultOf(() => call(...given));
  const grown = (original.memory?.buffer.byteLength ?? placed.bytes) !== placed.bytes;
  if (grown) return false;
  if ((wanted.trap === undefined) !== (got.trap === undefined))
    fail(`${name}: ${String(wanted.trap ?? "returned")} became ${String(got.trap ?? "returned")}`);
  const differs = difference(original, placed, wanted.value, got.value);
  if (differs !== undefined) fail(`${name}(${given.join(", ")}): ${differs}`);
  original.support.seen.length = 0;
  placed.support.seen.length = 0;
  tally.agreed += 1;
  return true;
}

/** True when a run was ended by its fuel or its stack, which the original does not have. */
const isBounded = (sandbox: SandboxedModule): boolean =>
  sandbox.cause() === STOP_CAUSE.fuel || sandbox.cause() === STOP_CAUSE.stack;
