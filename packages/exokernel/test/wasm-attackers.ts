/** Programs that make random kernel calls with random numbers, several environments of them on one machine. */
import { RIGHTS, makeModuleBuilder } from "@exolith/secure-bind";
import {
  CALLS,
  EXIT,
  GATE_FUNCTIONS,
  GATE_MODULE,
  capSlot,
  failed,
  frame,
  rowOf,
  sliceIndex,
  type Gate,
  type GateCalls,
  type ProgramHandle,
  type Upcalls,
} from "../src/abi/index.ts";
import { placeEnvironment } from "../src/testing/index.ts";
import { checkAll, endAll } from "./random-run.ts";
import { isAlive, makeCounts, makeWorld, passTime, type World } from "./random-world.ts";

const own = capSlot(0);

type Type = "i32" | "i64" | "f64";

/** Calls that would only make the attackers wait. */
const LEFT_OUT: ReadonlySet<string> = new Set(["sleep"]);
const CALLED = GATE_FUNCTIONS.filter((name) => !LEFT_OUT.has(name));

/**
 * The module: `main` makes `turns` rounds, in each of which every call is made or left out by chance.
 *
 * Its numbers come from a generator of its own (xorshift of 32 bits), in a global.
 */
export function attackerModule(seed: number): Uint8Array {
  const builder = makeModuleBuilder();
  const calls = CALLED.map((name) => {
    const [parameters = [], results = []] = CALLS[name].wasm
      .split("->")
      .map((half) => half.split(" ").filter(Boolean) as Type[]);
    const index = builder.importFunction(GATE_MODULE, name, builder.type(parameters, results));
    return { index, parameters };
  });
  const state = builder.global({ type: "i32", mutable: true }, seed);
  const random = builder.function([], ["i32"]);
  const shift = (by: number, how: "i32.shl" | "i32.shr_u"): void => {
    random
      .op("global.get", state)
      .op("global.get", state)
      .i32(by)
      .op(how)
      .op("i32.xor")
      .op("global.set", state);
  };
  shift(13, "i32.shl");
  shift(17, "i32.shr_u");
  shift(5, "i32.shl");
  random.op("global.get", state);
  const small = builder.function([], ["i32"]);
  small.op("call", random.index).i32(127).op("i32.and");
  small.op("call", random.index).i32(3).op("i32.and");
  small.op("call", random.index).i32(3).op("i32.and").op("select");
  const any = builder.function([], ["i32"]);
  any.op("call", small.index).op("call", random.index);
  any.op("call", random.index).i32(15).op("i32.and").op("select");
  const main = builder.function(["i32"], ["i32"]);
  main.open("loop");
  for (const { index, parameters } of calls) {
    main.op("call", random.index).i32(3).op("i32.and").op("i32.eqz").open("if");
    for (const type of parameters) {
      main.op("call", any.index);
      if (type === "i64") main.op("i64.extend_i32_u");
      if (type === "f64") main.op("f64.convert_i32_u");
    }
    main.op("call", index).op("drop").end();
  }
  main.get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end().i32(0);
  builder.export("main", "function", main.index);
  builder.memory({ minimum: 0 });
  return builder.build();
}

const TURNS = 20;

/** An attacker: it loads its program again and again, lets it run, and answers for nothing. */
const attacker =
  (counted: { calls: number }, module: Uint8Array, index: number) =>
  (gate: Gate): Upcalls => {
    for (let i = index; i < 128; i += 16) gate.sliceAlloc(sliceIndex(i), own);
    let program: ProgramHandle | undefined;
    const load = (): ProgramHandle | undefined => {
      const first = 40 + 12 * index;
      gate.framesAlloc(frame(first), 2, own);
      const request = {
        module,
        mode: "segment",
        imports: [],
        context: frame(first),
        contextFrames: 1,
        segment: frame(first + 1),
        segmentFrames: 1,
      } as const;
      const made = gate.programLoad(request, own);
      return failed(made) ? undefined : (made as ProgramHandle);
    };
    const begin = (): void => {
      const row = program === undefined ? 0 : rowOf(program.id);
      if (program === undefined || program.cause() !== 0 || gate.programs.id(row) !== program.id)
        program = load();
      if (program === undefined) return void gate.environmentDestroy(gate.self, own);
      const at = rowOf(program.id);
      const before = gate.programs.gateCalls(at);
      if (program.isSuspended()) program.run();
      else if (program.initialise() === EXIT.returned) program.enter("main", TURNS);
      counted.calls += Math.max(0, gate.programs.gateCalls(at) - before);
    };
    return { sliceBegin: begin, fault: () => {}, transferAsync: () => {}, transferReply: () => {} };
  };

const ATTACKERS = 3;
const CHECK_EVERY = 50;

/** Places an attacker who holds the devices, and its own name. */
function place(world: World, counted: { calls: number }, module: Uint8Array, index: number): Gate {
  const gate = placeEnvironment(world.root, [1, index], { upcalls: attacker(counted, module, index) });
  for (const name of [
    [2, 0],
    [3, 0],
    [5, 0],
    [6, 0],
  ])
    world.root.capabilityGrant(gate.self, { name, rights: RIGHTS.all }, own, own);
  if (index === 0) world.root.capabilityGrant(gate.self, { name: [1], rights: RIGHTS.all }, own, own);
  return gate;
}

/** Lets attackers make `calls` kernel calls; every invariant is checked now and then, and nothing may be left at the end. */
export function attack(
  calls: number,
  seed: number,
): { readonly calls: number; readonly done: readonly (keyof GateCalls)[] } {
  const world = makeWorld(makeCounts(), { actors: 0, frames: 160 });
  const counted = { calls: 0 };
  const modules = Array.from({ length: ATTACKERS }, (_, i) => attackerModule(seed + i));
  const gates = modules.map((module, i) => place(world, counted, module, i));
  const made = new Set<keyof GateCalls>();
  for (let steps = 0; counted.calls < calls; steps++) {
    world.dice.reset(seed + steps);
    passTime(world, 100);
    for (const [i, gate] of gates.entries()) {
      const row = rowOf(gate.self);
      for (const name of CALLED)
        if (world.root.environments.callsOf(row, CALLS[name].number) > 0) made.add(name);
      if (!isAlive(world, gate)) gates[i] = place(world, counted, modules[i] as Uint8Array, i);
    }
    if (steps % CHECK_EVERY === 0) checkAll(world);
    if (steps > calls) throw new Error("the attackers make no calls");
  }
  endAll(world);
  return { calls: counted.calls, done: [...made] };
}

/** Every kernel call that attackers make. */
export const ATTACKED: readonly (keyof GateCalls)[] = CALLED;
