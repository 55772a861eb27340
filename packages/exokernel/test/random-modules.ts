/** Modules of the random world: programs that make random kernel calls, touch memory anywhere, and stop in every way. */
import { makeModuleBuilder, type FunctionBuilder } from "@exolith/secure-bind";
import {
  CALLS,
  GATE_FUNCTIONS,
  GATE_MODULE,
  type Gate,
  type GateCalls,
  type ProgramImport,
} from "../src/abi/index.ts";
import { callInside } from "./random-programs.ts";
import { trap } from "./random-trap.ts";
import { Dice, type World } from "./random-world.ts";

type Types = ProgramImport["parameters"];

/** Parameters and results in a signature, such as `i32 i64->i32`. */
function typesOf(name: keyof GateCalls): readonly [Types, Types] {
  const [parameters = [], results = []] = CALLS[name].wasm
    .split("->")
    .map((half) => half.split(" ").filter(Boolean) as unknown as Types);
  return [parameters, results];
}

/** What a library offers to its programs: more random calls, a wait, and what goes wrong. */
export function libraryOf(world: World, gate: Gate): readonly ProgramImport[] {
  const { dice } = world;
  const of = (name: string, call: () => unknown): ProgramImport => ({
    module: "os",
    name,
    parameters: [],
    results: ["i32"],
    call,
  });
  return [
    of("inside", () => {
      callInside(world, gate, 2);
      return dice.once(12) ? trap() : dice.below(9);
    }),
    of("wild", () => (dice.once(3) ? dice.pick([{}, "1", null, Promise.resolve(1)]) : 1)),
  ];
}

/** Writes a constant of a type: mostly a small number, as most names are. */
function constant(code: FunctionBuilder, type: string, dice: Dice): void {
  const value = dice.once(9)
    ? dice.pick([-1, 2 ** 31 - 1, 65_536 + 3, 0x1_0001])
    : dice.below(dice.once(2) ? 4 : 96);
  if (type === "i64") code.i64(BigInt(value ?? 0));
  else if (type === "f64") code.f64(value ?? 0);
  else code.i32((value ?? 0) | 0);
}

const CALLED = GATE_FUNCTIONS.filter((name) => name !== "environmentDestroy" && name !== "sleep");

/** A few statements; each leaves nothing. */
function statement(
  code: FunctionBuilder,
  dice: Dice,
  calls: readonly number[],
  names: readonly (keyof GateCalls)[],
): void {
  const kind = dice.below(16);
  if (kind < 9) {
    const i = dice.below(names.length);
    const [parameters] = typesOf(names[i] ?? "nullCall");
    for (const type of parameters) constant(code, type, dice);
    code.op("call", calls[i] ?? 0).op("drop");
  } else if (kind < 11) code.op("call", dice.below(2)).op("drop");
  else if (kind < 13)
    code
      .i32(dice.below(24) * 4096 + dice.below(4096))
      .memory("i32.load")
      .op("drop");
  else if (kind === 13)
    code
      .i32(dice.below(24) * 4096)
      .i32(1)
      .memory("i32.store");
  else if (kind === 14)
    code
      .i32(dice.once(9) ? -1 : dice.below(2))
      .op("memory.grow", 0)
      .op("drop");
  else if (dice.once(4)) code.op("unreachable");
}

/** Different modules: each follows from its number. */
const MODULES = 64;
const made = new Map<number, Uint8Array>();

/** A module of random statements around random kernel calls, in a loop that ends or does not. */
export function randomModule({ dice }: World): Uint8Array {
  const number = dice.below(MODULES);
  const known = made.get(number) ?? makeModule(number);
  made.set(number, known);
  return known;
}

function makeModule(number: number): Uint8Array {
  const dice = new Dice();
  dice.reset(number);
  const builder = makeModuleBuilder();
  for (const name of ["inside", "wild"]) builder.importFunction("os", name, builder.type([], ["i32"]));
  const names = Array.from({ length: 6 }, () => dice.pick(CALLED) ?? "nullCall");
  const calls = names.map((name) => {
    const [parameters, results] = typesOf(name);
    return builder.importFunction(GATE_MODULE, name, builder.type(parameters, results));
  });
  const main = builder.function([], ["i32"]);
  const turns = main.local("i32");
  main
    .i32(dice.once(6) ? -1 : 1 + dice.below(4))
    .set(turns)
    .open("loop");
  for (let i = 1 + dice.below(6); i > 0; i--) statement(main, dice, calls, names);
  main.get(turns).i32(1).op("i32.sub").tee(turns).op("br_if", 0).end().i32(0);
  builder.export("main", "function", main.index);
  builder.memory({ minimum: dice.once(2) ? 0 : 1, maximum: 4 });
  return builder.build();
}
