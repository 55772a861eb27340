/** Foreign modules as programs, suspended all the time, beside the same modules as they are. */
import {
  EXIT,
  type Exit,
  type HostFunctions,
  type RewrittenProgram,
  STOP_CAUSE,
  STOP_CAUSE_NAMES,
  type SandboxedProgram,
  instantiateProgram,
  isModuleRefusal,
  rewriteProgram,
} from "../../src/index.ts";
import { Numbers } from "./generate.ts";
import { NoPage, type ProgramSpace, SPACE_MODES, type SpaceMode, makeSpace } from "./program-space.ts";
import { interrupted, makeProgramSupport } from "./program-support.ts";
import { SUPPORT, SUPPORT_FUNCTIONS } from "./support.ts";

const WASM_PAGE = 65_536;
/** Fuel of all of a run, behind which it is not compared any further. */
const MUCH_FUEL = 6_000_000;
/** How often each export is called in a run. */
const ROUNDS = 2;
/** Suspensions of one run; behind that it is left alone. */
const SUSPENSIONS_MAX = 4_000;

/** Calls of the host that one call makes at most. */
const SEEN_MAX = 100_000;

/** What came of modules. */
export interface ProgramTally {
  readonly refused: Map<string, number>;
  /** Modules in one mode with one schedule. */
  runs: number;
  /** Calls that agreed, suspensions, misses. */
  agreed: number;
  suspensions: number;
  misses: number;
  /** Calls that ended in a trap, by class. */
  readonly stopped: Map<string, number>;
  /** Runs that were not compared to their end, because they had no fuel or no stack. */
  bounded: number;
}

/** Nothing yet. */
export const makeProgramTally = (): ProgramTally => ({
  refused: new Map(),
  runs: 0,
  agreed: 0,
  suspensions: 0,
  misses: 0,
  stopped: new Map(),
  bounded: 0,
});

const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);

/** Throws what is wrong. */
export function fail(what: string): never {
  throw new Error(what);
}

/** Rewrites a module for a mode, and counts why not. "Internal" is our own mistake. */
export function rewriteFor(
  bytes: Uint8Array,
  mode: SpaceMode,
  tally: ProgramTally,
): RewrittenProgram | undefined {
  const options = mode === "segment" ? { mode } : ({ mode: "paged", pageBits: mode } as const);
  const rewritten = rewriteProgram(bytes, { ...options, imports: SUPPORT_FUNCTIONS });
  if (!isModuleRefusal(rewritten)) return rewritten;
  if (rewritten.rule === "Internal") fail(`${String(mode)}: internal: ${rewritten.what}`);
  count(tally.refused, `${rewritten.rule} ${rewritten.what}`);
  return undefined;
}

type Value = number | bigint;
type Call = (...values: readonly Value[]) => unknown;

/** One call of a module as it is, and what came of it. */
export interface RawCall {
  readonly name: string;
  readonly values: readonly Value[];
  readonly result: unknown;
  /** The class of its trap, or "". */
  readonly trap: string;
  readonly seen: readonly string[];
}

/** A module as it is, from its beginning to its end. */
export interface RawRun {
  readonly calls: readonly RawCall[];
  readonly memory: Uint8Array | undefined;
}

/** The class of a trap. */
export function trapOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof NoPage) return "memory";
  if (/call stack/.test(message)) return "stack";
  if (!(thrown instanceof WebAssembly.RuntimeError)) return `host: ${message}`;
  return /memory access|data segment/.test(message) ? "memory" : message;
}

/** Arguments for the parameters of a function; undefined when it has others than numbers. */
export function argumentsFor(parameters: readonly string[], numbers: Numbers): Value[] | undefined {
  const made: unknown[] = [];
  for (const type of parameters) {
    if (type === "i32") made.push(numbers.integer());
    else if (type === "i64") made.push(BigInt(numbers.integer()) * BigInt(numbers.integer()));
    else if (type === "f32" || type === "f64") made.push(numbers.integer() / 16);
    else if (type === "funcref" || type === "externref") made.push(null);
    else return undefined;
  }
  return made as Value[];
}

/** Runs each export of a module `rounds` times as it is; undefined if it cannot be placed. */
export function runRaw(
  bytes: Uint8Array,
  { exports }: RewrittenProgram,
  rounds: number,
  numbers: Numbers,
): RawRun | undefined {
  const support = makeProgramSupport();
  let raw: Record<string, unknown>;
  try {
    const linked = { [SUPPORT]: support.calls as Record<string, unknown> };
    raw = new WebAssembly.Instance(new WebAssembly.Module(bytes), linked).exports;
  } catch {
    return undefined;
  }
  const calls: RawCall[] = [
    { name: "", values: [], result: undefined, trap: "", seen: support.seen.splice(0) },
  ];
  for (let i = 0; i < rounds * exports.length; i++) {
    const { name, parameters } = exports[i % exports.length] as RewrittenProgram["exports"][number];
    const values = argumentsFor(parameters, numbers);
    if (values === undefined) continue;
    let result: unknown;
    let trap = "";
    try {
      result = (raw[name] as Call)(...values);
    } catch (thrown) {
      trap = trapOf(thrown);
    }
    if (trap === "stack") break;
    calls.push({ name, values, result, trap, seen: support.seen.splice(0) });
  }
  const memory = raw["memory"] as WebAssembly.Memory | undefined;
  return { calls, memory: memory === undefined ? undefined : new Uint8Array(memory.buffer) };
}

/** How often a run is suspended. */
export interface Schedule {
  /** The most fuel at once; 0 for as much as there is. */
  readonly quantum: number;
  /** Of 100 checks, and of 100 calls of the host, so many suspend. */
  readonly checks: number;
  readonly calls: number;
}

/** Schedules of all kinds: at every check, seldom, never. */
export const SCHEDULES: readonly Schedule[] = [
  { quantum: 1, checks: 100, calls: 100 },
  { quantum: 1, checks: 100, calls: 0 },
  { quantum: 30, checks: 100, calls: 50 },
  { quantum: 300, checks: 70, calls: 30 },
  { quantum: 10_000, checks: 50, calls: 10 },
  { quantum: 0, checks: 0, calls: 100 },
  { quantum: 0, checks: 0, calls: 0 },
];

/** What is thrown for a program that its place refuses. */
export class NotPlaced extends Error {}

/** A program that runs by a schedule. */
export class ScheduledProgram {
  readonly program: SandboxedProgram;
  readonly support: ReturnType<typeof makeProgramSupport> = makeProgramSupport();
  readonly #space: ProgramSpace;
  readonly #schedule: Schedule;
  readonly #numbers: Numbers;
  /** Called at every suspension. */
  readonly #look: (program: SandboxedProgram) => void;
  #fuel: number = MUCH_FUEL;
  #wasRefused = false;
  #given = 0;
  #isResuming = false;
  suspensions = 0;

  constructor(
    rewritten: RewrittenProgram,
    space: ProgramSpace,
    schedule: Schedule,
    numbers: Numbers,
    look: (program: SandboxedProgram) => void = () => {},
  ) {
    this.#space = space;
    this.#schedule = schedule;
    this.#numbers = numbers;
    this.#look = look;
    const functions: HostFunctions = interrupted(this.support, (isRepeated) => this.#suspends(isRepeated));
    const refill = (left: number): number => this.#refill(left);
    const placed = instantiateProgram(rewritten, { ...space.place(), functions, refill, grow: () => 0 });
    this.program = isModuleRefusal(placed) ? refuse(placed.rule, placed.what) : placed;
    space.size = () => this.program.pages() * WASM_PAGE;
  }

  /** Leaves it with less fuel. */
  limit(fuel: number): void {
    this.#fuel = fuel;
  }

  /** Whether it has used all the fuel that a run has. */
  get isExhausted(): boolean {
    return this.#fuel <= 0;
  }

  #mayBeSuspended(): boolean {
    return this.suspensions < SUSPENSIONS_MAX;
  }

  #suspends(isRepeated: boolean): boolean {
    if (this.support.seen.length > SEEN_MAX) fail("it calls for ever");
    const { calls } = this.#schedule;
    // One that waited is mostly answered.
    const percent = isRepeated ? calls >> 2 : calls;
    const suspends = this.#mayBeSuspended() && this.#numbers.below(100) < percent;
    if (suspends) this.program.suspend();
    return suspends;
  }

  #refill(left: number): number {
    const { quantum, checks } = this.#schedule;
    // Fuel that was left when it was suspended was not used.
    if (!this.#isResuming) this.#fuel -= this.#given - left;
    this.#isResuming = false;
    this.#given = 0;
    if (this.isExhausted) throw new Error("exhausted");
    this.#wasRefused = !this.#wasRefused && this.#mayBeSuspended() && this.#numbers.below(100) < checks;
    if (this.#wasRefused) return 0;
    this.#given = quantum === 0 || !this.#mayBeSuspended() ? 100_000 : 1 + this.#numbers.below(quantum);
    return this.#given;
  }

  /** Runs on until it is through. */
  finish(first: Exit): Exit {
    let exit = first;
    while (exit === EXIT.suspended) {
      this.suspensions += 1;
      if (this.suspensions > 2 * SUSPENSIONS_MAX) fail("it is suspended for ever");
      this.#look(this.program);
      this.#space.disturb(this.#numbers);
      this.#isResuming = true;
      exit = this.program.resume();
    }
    return exit;
  }

  /** What stopped it. */
  trap(): string {
    const cause = this.program.cause();
    return cause === STOP_CAUSE.trap ? trapOf(this.program.thrown()) : (STOP_CAUSE_NAMES[cause] ?? "?");
  }
}

/** "Internal" is our own mistake. */
function refuse(rule: string, what: string): never {
  if (rule === "Internal") fail(`internal: ${what}`);
  throw new NotPlaced(`${rule} ${what}`);
}

const isSame = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((v, i) => isSame(v, b[i]));
  return typeof a === "function" && typeof b === "function" ? true : Object.is(a, b);
};

/** Why a call is not as it was in the module as it is; "" when it is, undefined when it has been bounded. */
function difference(running: ScheduledProgram, raw: RawCall, exit: Exit): string | undefined {
  const { program, support } = running;
  const trap = exit === EXIT.stopped ? running.trap() : "";
  if (running.isExhausted || trap === "stack") return undefined;
  if (trap !== raw.trap) return `${raw.trap || "returned"} became ${trap || "returned"}`;
  if (trap === "" && raw.name !== "" && !isSame(raw.result, program.result()))
    return `${String(raw.result)} became ${String(program.result())}`;
  const seen = support.seen.splice(0);
  if (!isSame(raw.seen, seen)) return `calls: ${raw.seen.join()} became ${seen.join()}`;
  return program.contextUsed() === 0 ? "" : "its context is not empty";
}

/** One module-run: a module in one mode with one schedule, beside what it did as it is; throws when they differ. */
export function runProgram(
  raw: RawRun,
  rewritten: RewrittenProgram,
  space: ProgramSpace,
  [schedule, seed]: readonly [Schedule, number],
  tally: ProgramTally,
): void {
  space.clear();
  const running = new ScheduledProgram(rewritten, space, schedule, new Numbers(seed));
  tally.runs += 1;
  for (const [i, call] of raw.calls.entries()) {
    const first = i === 0 ? running.program.initialise() : running.program.enter(call.name, ...call.values);
    const differs = difference(running, call, running.finish(first));
    if (differs === undefined) {
      tally.bounded += 1;
      return;
    }
    if (differs !== "")
      fail(
        `${call.name}(${call.values.join()}), call ${i}, ${String(space.mode)}, ${JSON.stringify(schedule)}, seed ${seed}: ${differs}`,
      );
    if (call.trap !== "") count(tally.stopped, call.trap);
    tally.agreed += 1;
  }
  tally.suspensions += running.suspensions;
  tally.misses += space.misses;
  if (raw.memory === undefined) return;
  if (running.program.pages() * WASM_PAGE !== raw.memory.length) fail(`${running.program.pages()} pages`);
  if (Buffer.compare(space.contents(raw.memory.length), raw.memory) !== 0)
    fail(`other memory in ${String(space.mode)}`);
}

/** Spaces for modules of up to so many pages, one for each mode. */
export const makeSpaces = (pages: number): readonly ProgramSpace[] =>
  SPACE_MODES.map((mode) => makeSpace(mode, pages, 14));

/**
 * Runs a module in every space with every schedule, as often as there are seeds; throws when a run differs.
 *
 * A seed decides arguments and suspensions.
 */
export function runBesideRaw(
  bytes: Uint8Array,
  spaces: readonly ProgramSpace[],
  seeds: readonly number[],
  tally: ProgramTally,
): void {
  for (const seed of seeds) {
    let raw: RawRun | undefined;
    for (const space of spaces) {
      const rewritten = rewriteFor(bytes, space.mode, tally);
      if (rewritten === undefined) continue;
      raw ??= runRaw(bytes, rewritten, ROUNDS, new Numbers(seed));
      if (raw === undefined) return count(tally.refused, "not placed as it is");
      for (const schedule of SCHEDULES) runProgram(raw, rewritten, space, [schedule, seed], tally);
      if (!space.isIntact()) fail(`a module wrote outside its memory, ${String(space.mode)}, seed ${seed}`);
    }
  }
}

/** Fuel of a program that is run without anything to compare it with. */
const LITTLE_FUEL = 200_000;

/** Lets a program run through all that it exports, wherever that leads. */
function runAll(
  running: ScheduledProgram,
  rewritten: RewrittenProgram,
  numbers: Numbers,
  tally: ProgramTally,
): void {
  running.finish(running.program.initialise());
  for (const { name, parameters } of rewritten.exports) {
    const values = argumentsFor(parameters, numbers);
    if (values === undefined) continue;
    running.limit(LITTLE_FUEL);
    running.support.seen.length = 0;
    const exit = running.finish(running.program.enter(name, ...values));
    if (exit === EXIT.stopped) count(tally.stopped, running.trap());
    else tally.agreed += 1;
  }
  tally.suspensions += running.suspensions;
}

/** Runs whatever of a module is not refused, inside its bounds; throws when it leaves them. */
export function runDamaged(
  bytes: Uint8Array,
  space: ProgramSpace,
  numbers: Numbers,
  tally: ProgramTally,
): void {
  const rewritten = rewriteFor(bytes, space.mode, tally);
  if (rewritten === undefined) return;
  space.clear();
  const schedule = SCHEDULES[numbers.below(SCHEDULES.length)] as Schedule;
  try {
    const running = new ScheduledProgram(rewritten, space, schedule, numbers);
    tally.runs += 1;
    runAll(running, rewritten, numbers, tally);
  } catch (thrown) {
    if (!(thrown instanceof NotPlaced)) throw thrown;
    count(tally.refused, thrown.message.split(" ")[0] ?? "");
  }
}

/** Changes bytes of a context: a few anywhere, or all to one value, or to small numbers. */
function corrupt(bytes: Uint8Array, numbers: Numbers): void {
  const kind = numbers.below(6);
  if (kind === 0) bytes.fill(numbers.below(256));
  else if (kind === 1) for (const at of bytes.keys()) bytes[at] = at % 4 === 0 ? numbers.below(8) : 0;
  else if (kind === 2) for (const at of bytes.keys()) bytes[at] = numbers.below(256);
  else for (let i = 1 + numbers.below(6); i > 0; i--) bytes[numbers.below(bytes.length)] = numbers.below(256);
}

/** Runs a module whose context is changed now and then while it is suspended. */
export function runCorrupted(
  rewritten: RewrittenProgram,
  space: ProgramSpace,
  numbers: Numbers,
  tally: ProgramTally,
): void {
  space.clear();
  const schedule = { quantum: 40, checks: 60, calls: 60 };
  const running = new ScheduledProgram(rewritten, space, schedule, numbers, (program) => {
    const used = program.contextUsed();
    if (numbers.below(4) === 0) corrupt(new Uint8Array(space.memory.buffer, space.context, used), numbers);
  });
  tally.runs += 1;
  runAll(running, rewritten, numbers, tally);
}
