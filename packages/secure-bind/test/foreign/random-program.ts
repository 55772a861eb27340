/**
 * Random modules that are all about control: blocks, loops and ifs with parameters and several results,
 * branches and tables with values, code that is not reached, calls of all kinds in the middle of it.
 *
 * What compilers and fuzzers make has little of that. Every module ends: loops and calls count down.
 */
import type { FunctionBuilder } from "../../src/wasm/function-builder.ts";
import type { Mnemonic } from "../../src/wasm/instructions.ts";
import { type ModuleBuilder, makeModuleBuilder } from "../../src/wasm/module-builder.ts";
import type { Numbers } from "./generate.ts";
import { SUPPORT } from "./support.ts";

type Type = "i32" | "i64" | "f32" | "f64" | "v128";

interface Signature {
  readonly parameters: readonly Type[];
  readonly results: readonly Type[];
}

/** What the functions of one module know of it. */
interface Shape {
  readonly module: ModuleBuilder;
  readonly numbers: Numbers;
  readonly types: readonly Type[];
  /** All that can be called, imports first. */
  readonly functions: Signature[];
  /** The global that counts down, and globals of each type. */
  readonly turns: number;
  readonly globals: ReadonlyMap<Type, number>;
}

/** Loops and calls of one run. */
const TURNS = 120;
const DEPTH = 5;
const STATEMENTS = 9;
const DATA_BYTES = 300;
const HOST: readonly (readonly [string, Signature])[] = [
  ["log-i32", { parameters: ["i32"], results: [] }],
  ["log-i64", { parameters: ["i64"], results: [] }],
  ["log-f64", { parameters: ["f64"], results: [] }],
  ["sleep", { parameters: ["i32", "i32"], results: ["i32"] }],
];

const OPERATIONS: readonly (readonly [Type, Mnemonic])[] = [
  ["i32", "i32.add"],
  ["i32", "i32.xor"],
  ["i32", "i32.mul"],
  ["i32", "i32.rem_u"],
  ["i64", "i64.add"],
  ["i64", "i64.rotl"],
  ["v128", "i32x4.add"],
];

const LOADS: readonly (readonly [Type, Mnemonic, Mnemonic])[] = [
  ["i32", "i32.load", "i32.store"],
  ["i32", "i32.load8_u", "i32.store8"],
  ["i64", "i64.load", "i64.store"],
  ["v128", "v128.load", "v128.store"],
];

const isSame = (a: readonly Type[], b: readonly Type[]): boolean =>
  a.length === b.length && a.every((type, i) => type === b[i]);

/** Writes the body of one function. */
class Body {
  readonly #shape: Shape;
  readonly #numbers: Numbers;
  readonly #f: FunctionBuilder;
  readonly #locals: Type[];
  /** Types on the stack; those below `#base` are out of reach. */
  readonly #stack: Type[] = [];
  #base = 0;
  /** What branches to each label carry, the innermost last. */
  readonly #labels: (readonly Type[])[] = [];
  #isReached = true;

  constructor(shape: Shape, f: FunctionBuilder, { parameters, results }: Signature) {
    this.#shape = shape;
    this.#numbers = shape.numbers;
    this.#f = f;
    this.#locals = [...parameters];
    for (const type of shape.types)
      for (let i = 0; i < 2; i++) {
        f.local(type);
        this.#locals.push(type);
      }
    this.#labels.push(results);
  }

  /** Writes all of it. */
  write(): void {
    this.#turn();
    this.#statements(0);
    this.#leave(this.#labels[0] ?? []);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#numbers.below(from.length)] as T;
  }

  #someTypes(most: number): Type[] {
    return Array.from({ length: this.#numbers.below(most + 1) }, () => this.#pick(this.#shape.types));
  }

  /** Counts a turn, and traps when there were too many. */
  #turn(): void {
    const { turns } = this.#shape;
    this.#f.op("global.get", turns).i32(1).op("i32.sub").op("global.set", turns);
    this.#f.op("global.get", turns).i32(0).op("i32.lt_s").open("if").op("unreachable").end();
  }

  #push(type: Type): void {
    this.#stack.push(type);
  }

  #take(count: number): Type[] {
    return count === 0 ? [] : this.#stack.splice(-count);
  }

  get #within(): readonly Type[] {
    return this.#stack.slice(this.#base);
  }

  /** Pushes a value of a type. */
  #value(type: Type): void {
    const numbers = this.#numbers;
    const own = [...this.#locals.keys()].filter((i) => this.#locals[i] === type);
    const kind = numbers.below(4);
    if (kind < 2 && own.length > 0) this.#f.get(this.#pick(own));
    else if (kind === 2 && this.#shape.globals.has(type))
      this.#f.op("global.get", this.#shape.globals.get(type) ?? 0);
    else if (type === "i64") this.#f.i64(BigInt(numbers.integer()));
    else if (type === "v128") this.#f.v128(Array.from({ length: 16 }, () => numbers.below(256)));
    else this.#f[type](type === "i32" ? numbers.integer() : numbers.below(1000) / 8);
    this.#push(type);
  }

  /** Makes the uppermost operands have these types. */
  #want(types: readonly Type[]): void {
    const within = this.#within;
    if (within.length < types.length || !isSame(within.slice(within.length - types.length), types))
      for (const type of types) this.#value(type);
  }

  /** Leaves a block with exactly these. */
  #leave(types: readonly Type[]): void {
    if (this.#isReached && !isSame(this.#within, types)) {
      while (this.#stack.length > this.#base) {
        this.#f.op("drop");
        this.#stack.pop();
      }
      for (const type of types) this.#value(type);
    }
    this.#stack.length = this.#base;
    this.#isReached = true;
  }

  #statements(depth: number): void {
    for (let i = 1 + this.#numbers.below(STATEMENTS); i > 0 && this.#isReached; i--) this.#statement(depth);
    if (!this.#isReached) this.#unreached(depth);
  }

  #statement(depth: number): void {
    const kind = this.#numbers.below(24);
    if (kind < 4) this.#value(this.#pick(this.#shape.types));
    else if (kind < 6) this.#operation();
    else if (kind < 8) this.#access();
    else if (kind < 9) this.#set();
    else if (kind < 13) this.#call();
    else if (kind < 14) this.#bulk();
    else if (kind < 20 && depth < DEPTH) this.#block(depth);
    else if (kind < 22) this.#branchIf();
    else this.#branch();
  }

  #operation(): void {
    const [type, mnemonic] = this.#pick(OPERATIONS.filter(([of]) => this.#shape.types.includes(of)));
    if (this.#numbers.below(5) === 0) {
      this.#want([type, type, "i32"]);
      this.#f.op("select");
      this.#take(3);
    } else {
      this.#want([type, type]);
      this.#f.op(mnemonic);
      this.#take(2);
    }
    this.#push(type);
  }

  #address(): void {
    this.#value("i32");
    // Now and then anywhere.
    if (this.#numbers.below(12) > 0) this.#f.i32(0x1_3fff).op("i32.and");
  }

  #access(): void {
    const [type, load, store] = this.#pick(LOADS.filter(([of]) => this.#shape.types.includes(of)));
    const offset = this.#pick([0, 1, 8, 255, 256, 4_095, 65_536]);
    this.#address();
    if (this.#numbers.below(2) === 0) {
      this.#f.memory(load, offset);
      this.#take(1);
      this.#push(type);
    } else {
      this.#value(type);
      this.#f.memory(store, offset);
      this.#take(2);
    }
  }

  #set(): void {
    const type = this.#pick(this.#shape.types);
    this.#want([type]);
    const global = this.#shape.globals.get(type);
    if (global !== undefined && this.#numbers.below(2) === 0) this.#f.op("global.set", global);
    else {
      const own = [...this.#locals.keys()].filter((i) => this.#locals[i] === type);
      this.#f.set(this.#pick(own));
    }
    this.#take(1);
  }

  #call(): void {
    const { functions, module } = this.#shape;
    const index = this.#numbers.below(functions.length);
    const { parameters, results } = functions[index] as Signature;
    this.#want(parameters);
    if (this.#numbers.below(3) === 0) {
      // Sometimes of another type, or no function at all.
      this.#f.i32(this.#numbers.below(12) === 0 ? this.#numbers.below(functions.length + 1) : index);
      this.#f.op("call_indirect", module.type(parameters, results), 0);
    } else this.#f.op("call", index);
    this.#take(parameters.length);
    this.#stack.push(...results);
  }

  #bulk(): void {
    const kind = this.#numbers.below(5);
    if (kind === 3) {
      this.#f.i32(this.#numbers.below(3)).op("memory.grow", 0);
      this.#push("i32");
      return;
    }
    if (kind === 4) {
      this.#f.op("memory.size", 0);
      this.#push("i32");
      return;
    }
    this.#address();
    if (kind === 1) this.#address();
    else this.#f.i32(this.#numbers.below(DATA_BYTES));
    this.#f.i32(this.#numbers.below(kind === 2 ? DATA_BYTES : 9_000));
    if (kind === 0) this.#f.op("memory.fill", 0);
    else if (kind === 1) this.#f.op("memory.copy", 0, 0);
    else this.#f.op("memory.init", 0, 0);
    this.#take(kind === 1 ? 2 : 1);
  }

  #block(depth: number): void {
    const kind = this.#pick(["block", "loop", "if"] as const);
    const hasElse = this.#numbers.below(3) > 0;
    const taken = this.#numbers.below(Math.min(this.#within.length, 3) + 1);
    const parameters = this.#within.slice(this.#within.length - taken);
    const results = kind === "if" && !hasElse ? parameters : this.#someTypes(3);
    const base = this.#base;
    if (kind === "if") this.#value("i32");
    this.#take(taken + Number(kind === "if"));
    this.#f.open(kind, this.#shape.module.type(parameters, results));
    this.#labels.push(kind === "loop" ? parameters : results);
    this.#base = this.#stack.length;
    this.#stack.push(...parameters);
    if (kind === "loop") this.#turn();
    this.#statements(depth + 1);
    this.#leave(results);
    if (kind === "if" && hasElse) {
      this.#f.op("else");
      this.#stack.push(...parameters);
      this.#statements(depth + 1);
      this.#leave(results);
    }
    this.#f.end();
    this.#labels.pop();
    this.#base = base;
    this.#stack.push(...results);
  }

  #label(): number {
    return this.#numbers.below(this.#labels.length);
  }

  #carried(label: number): readonly Type[] {
    return this.#labels[this.#labels.length - 1 - label] ?? [];
  }

  #branchIf(): void {
    const label = this.#label();
    this.#want(this.#carried(label));
    this.#value("i32");
    this.#f.op("br_if", label);
    this.#take(1);
  }

  #branch(): void {
    const kind = this.#numbers.below(8);
    const label = this.#label();
    const types = this.#carried(label);
    if (kind === 0) this.#f.op("unreachable");
    else if (kind === 1) {
      this.#want(this.#labels[0] ?? []);
      this.#f.op("return");
    } else if (kind < 4) {
      this.#want(types);
      this.#f.op("br", label);
    } else {
      const alike = [...this.#labels.keys()].filter((i) => isSame(this.#carried(i), types));
      this.#want(types);
      this.#value("i32");
      this.#f.i32(7).op("i32.and");
      this.#f.table(
        Array.from({ length: this.#numbers.below(6) }, () => this.#pick(alike)),
        label,
      );
    }
    this.#isReached = false;
  }

  /** Code that nothing comes to; any operands may be thought to be there. */
  #unreached(depth: number): void {
    const f = this.#f;
    for (let i = this.#numbers.below(4); i > 0; i--) {
      const kind = this.#numbers.below(6);
      if (kind === 0) f.op("i32.add").op("drop");
      else if (kind === 1) f.open("block").open("loop").op("br", 0).end().end();
      else if (kind === 2) f.i32(1).open("if").i32(3).op("call", 0).op("else").op("unreachable").end();
      else if (kind === 3) f.op("call", HOST.length).op("unreachable");
      else if (kind === 4) f.i32(1).op("drop");
      else if (depth > 0) f.op("br_table", 1, 0, 0);
    }
  }
}

function addFunctions(shape: Shape, count: number): void {
  const { module, numbers, functions, types } = shape;
  const some = (most: number): Type[] =>
    Array.from({ length: numbers.below(most + 1) }, () => types[numbers.below(types.length)] ?? "i32");
  const own = Array.from({ length: count }, (): Signature => {
    const only = (list: Type[]): Type[] => list.filter((type) => type !== "v128");
    return { parameters: only(some(3)), results: only(some(2)) };
  });
  const built = own.map(({ parameters, results }) => module.function(parameters, results));
  functions.push(...own);
  for (const [i, f] of built.entries()) new Body(shape, f, own[i] as Signature).write();
  for (const [i, { parameters, results }] of own.entries()) {
    const outer = module.function(parameters, results);
    outer.i32(TURNS).op("global.set", shape.turns);
    for (const parameter of parameters.keys()) outer.get(parameter);
    outer.op("call", HOST.length + i);
    module.export(`f${i}`, "function", outer.index);
  }
}

/** A module from `numbers`; with vectors if wanted. It imports from `SUPPORT`, and exports its memory as "memory". */
export function randomProgram(numbers: Numbers, hasVectors: boolean): Uint8Array {
  const module = makeModuleBuilder();
  for (const [name, { parameters, results }] of HOST)
    module.importFunction(SUPPORT, name, module.type(parameters, results));
  const minimum = 1 + numbers.below(2);
  module.export("memory", "memory", module.memory({ minimum, maximum: minimum + 2 }));
  const types: readonly Type[] = ["i32", "i64", "f32", "f64", ...(hasVectors ? (["v128"] as const) : [])];
  const turns = module.global({ type: "i32", mutable: true }, TURNS);
  const globals = new Map<Type, number>();
  for (const type of ["i32", "i64", "f64"] as const)
    globals.set(type, module.global({ type, mutable: true }, type === "i64" ? 1n : 1));
  const count = 3 + numbers.below(4);
  const all = HOST.length + count;
  module.table({ minimum: all });
  module.elements(
    0,
    Array.from({ length: all }, (_, i) => i),
  );
  module.data(Uint8Array.from({ length: DATA_BYTES }, (_, i) => (i * 7 + 3) & 0xff));
  module.data(Uint8Array.of(1, 2, 3, 4, 5), 4_093);
  const functions = HOST.map(([, signature]) => signature);
  addFunctions({ module, numbers, types, functions, turns, globals }, count);
  return module.build();
}
