/**
 * Which functions can be suspended, and what the others cost.
 *
 * A function that turns no loop, moves no ranges of bytes and calls only such
 * functions ends after a number of instructions that is known beforehand. It
 * needs no check of its own: whoever calls it pays for all of it. The others can
 * be in the middle of something when fuel is used up, or a host function waits.
 * A call through a table may reach any function of its type that is referred to.
 */
import { InstructionReader } from "./instruction-reader.ts";
import { LocalGroups, type LocalRules } from "./local-groups.ts";
import { refuse } from "./module-refusal.ts";
import { KIND } from "./opcodes.ts";
import { type ParsedModule, typeOfFunction } from "./parsed-module.ts";

/** The most that a function may cost that is never looked at while it runs. */
const UNCHECKED_FUEL_MAX = 512;

const NONE = -1;
const REF_FUNC = 0xd2;

/** Kinds of instructions after which a function must be able to stop. */
const STOPS: ReadonlySet<number> = new Set([
  KIND.loop,
  KIND.memoryFill,
  KIND.memoryCopy,
  KIND.memoryInit,
  KIND.memoryGrow,
  KIND.tableRange,
]);

/** Calls, by whom is called: numbers that grow. */
class Edges {
  #from = new Int32Array(1024);
  #next = new Int32Array(1024);
  #count = 0;
  readonly #last: Int32Array;

  constructor(nodes: number) {
    this.#last = new Int32Array(nodes).fill(NONE);
  }

  add(from: number, to: number): void {
    if (this.#count === this.#from.length) {
      this.#from = grown(this.#from);
      this.#next = grown(this.#next);
    }
    this.#from[this.#count] = from;
    this.#next[this.#count] = this.#last[to] ?? NONE;
    this.#last[to] = this.#count++;
  }

  /** Calls `visit` with each of those that call `to`, as often as it does. */
  each(to: number, visit: (from: number) => void): void {
    for (let edge = this.#last[to] ?? NONE; edge >= 0; edge = this.#next[edge] ?? NONE)
      visit(this.#from[edge] ?? 0);
  }
}

function grown(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(2 * from.length);
  to.set(from);
  return to;
}

/** Numbers of types, with one number for all that are the same. */
function canonicalTypes(module: ParsedModule): Int32Array {
  const known = new Map<string, number>();
  return Int32Array.from(module.types, ({ parameters, results }, index) => {
    const key = `${parameters.join()}:${results.join()}`;
    const first = known.get(key) ?? index;
    known.set(key, first);
    return first;
  });
}

/**
 * The calls of a module.
 *
 * **Cost** O(bytes), one look at each instruction.
 */
export class CallSurvey {
  readonly #module: ParsedModule;
  readonly #kinds: Uint8Array;
  readonly #types: Int32Array;
  readonly #functions: number;
  readonly #edges: Edges;
  /** Calls to what is not known to end; one more for what stops it from ending. */
  readonly #open: Int32Array;
  /** Fuel of a function, or the most of a type's functions. */
  readonly #fuel: Float64Array;
  readonly #ends: Uint8Array;
  /** Nodes of the types of imports. */
  readonly #imported: ReadonlySet<number>;
  /** Functions that code refers to. */
  readonly #referred: Set<number> = new Set();

  constructor(module: ParsedModule, kinds: Uint8Array, rules: LocalRules) {
    this.#module = module;
    this.#kinds = kinds;
    this.#types = canonicalTypes(module);
    this.#functions = module.imports.length + module.functionTypes.length;
    const nodes = this.#functions + module.types.length;
    this.#edges = new Edges(nodes);
    this.#open = new Int32Array(nodes);
    this.#fuel = new Float64Array(nodes);
    this.#ends = new Uint8Array(nodes);
    this.#imported = new Set(module.importTypes.map((type) => this.#typeNode(type)));
    this.#readFunctions(rules);
    this.#readTypes();
    this.#settle();
  }

  /** Whether function `index` may be suspended; host functions always may. */
  suspends(index: number): boolean {
    return this.#ends[index] !== 1;
  }

  /** Whether a call through a table to this type may be suspended. */
  typeSuspends(type: number): boolean {
    return this.#ends[this.#typeNode(type)] !== 1;
  }

  /** Fuel of a function that may not be suspended, with all that it calls. */
  fuel(index: number): number {
    return this.#fuel[index] ?? 0;
  }

  /** The most fuel of the functions of this type, when none may be suspended. */
  typeFuel(type: number): number {
    return this.#fuel[this.#typeNode(type)] ?? 0;
  }

  /** Whether a call through a table to this type may reach a function that is imported. */
  typeIsImported(type: number): boolean {
    return this.#imported.has(this.#typeNode(type));
  }

  #typeNode(type: number): number {
    return this.#functions + (this.#types[type] ?? 0);
  }

  #call(from: number, to: number): void {
    this.#edges.add(from, to);
    this.#open[from] = (this.#open[from] ?? 0) + 1;
  }

  #readFunctions(rules: LocalRules): void {
    const { bodies, imports, functionTypes, types, bytes } = this.#module;
    const reader = new InstructionReader(bytes);
    const locals = new LocalGroups(bytes, rules);
    this.#open.fill(1, 0, imports.length);
    for (const [i, body] of bodies.entries()) {
      locals.read(body, types[functionTypes[i] ?? 0]?.parameters.length ?? 0);
      reader.at = locals.end;
      this.#fuel[imports.length + i] = (locals.count >>> 2) + 1;
      this.#readBody(reader, imports.length + i, body.to);
    }
  }

  #readBody(reader: InstructionReader, index: number, end: number): void {
    const kinds = this.#kinds;
    let count = 0;
    let stops = 0;
    while (reader.at < end) {
      reader.next();
      count += 1;
      const kind = kinds[reader.code] ?? KIND.unknown;
      if (kind === KIND.plain) {
        if (reader.code === REF_FUNC) this.#referred.add(reader.first);
        continue;
      }
      if (kind === KIND.call) this.#readCall(reader, index);
      else if (kind === KIND.callIndirect) this.#readIndirect(reader, index);
      else if (STOPS.has(kind)) stops = 1;
    }
    this.#fuel[index] = (this.#fuel[index] ?? 0) + count;
    this.#open[index] = (this.#open[index] ?? 0) + stops;
  }

  #readCall({ first, start }: InstructionReader, index: number): void {
    if (first >= this.#functions) refuse("Malformed", start, "function");
    this.#call(index, first);
  }

  #readIndirect({ first, start }: InstructionReader, index: number): void {
    if (first >= this.#types.length) refuse("Malformed", start, "type");
    this.#call(index, this.#typeNode(first));
  }

  /** Through a table only functions are called that something refers to. */
  #readTypes(): void {
    for (const index of new Set([...this.#module.references, ...this.#referred])) {
      const type = typeOfFunction(this.#module, index);
      if (type !== undefined) this.#call(this.#typeNode(type), index);
    }
  }

  /** From those that call nothing up: whoever calls only what ends, ends. */
  #settle(): void {
    const queue: number[] = [];
    for (let node = 0; node < this.#open.length; node++) if (this.#open[node] === 0) queue.push(node);
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      const fuel = this.#fuel[node] ?? 0;
      if (fuel > UNCHECKED_FUEL_MAX) continue;
      this.#ends[node] = 1;
      this.#edges.each(node, (from) => {
        const before = this.#fuel[from] ?? 0;
        this.#fuel[from] = from < this.#functions ? before + fuel : Math.max(before, fuel);
        const open = (this.#open[from] ?? 0) - 1;
        this.#open[from] = open;
        if (open === 0) queue.push(from);
      });
    }
  }
}
