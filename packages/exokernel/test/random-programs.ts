/** Programs of the random world: what environments do at their upcalls, the wilder the better. */
import { RIGHTS } from "@exolith/secure-bind";
import {
  EXIT,
  NEVER,
  RESOURCE_KINDS,
  capSlot,
  failed,
  frame,
  rowOf,
  sliceIndex,
  virtualPage,
  type Gate,
  type ProgramHandle,
  type Program,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import { callAtRandom } from "./random-calls.ts";
import { isExpected, trap } from "./random-trap.ts";
import { remember, type World } from "./random-world.ts";

const own = capSlot(0);
const NESTED = 6;

/** A few random calls inside another, or inside an upcall; anything else than a trap that they throw is a failure. */
export function callInside(world: World, gate: Gate, times: number): void {
  if (world.nested >= NESTED) return;
  world.nested += 1;
  try {
    for (let i = 0; i < times && world.budget > 0; i++) {
      world.budget -= 1;
      callAtRandom(world, gate);
    }
  } catch (reason) {
    if (!isExpected(reason)) world.failures.push(reason);
  } finally {
    world.nested -= 1;
  }
}

/** Sees to a memory fault, mostly: with a frame that it has, or not at all. */
function answer(world: World, gate: Gate, address: number): boolean | undefined {
  const { dice } = world;
  callInside(world, gate, dice.below(2));
  if (dice.once(20)) trap();
  const bytes = gate.translation.pageBytes();
  const f = Array.from({ length: gate.frames.count }, (_, i) => i).find(
    (each) => each > 0 && each % (bytes / 4096 || 1) === 0 && gate.frames.owner(each) === gate.self,
  );
  if (f === undefined || bytes === 0 || dice.once(4)) return dice.once(2) ? undefined : true;
  gate.tlbWrite(virtualPage(Math.floor(address / bytes)), frame(f), 1, RIGHTS.write, own);
  return true;
}

/** Lets a program of the caller's run, or go on. */
function runInside(world: World, gate: Gate): void {
  const mine = (world.known.programs as ProgramHandle[]).filter(
    ({ id }) => gate.programs.id(rowOf(id)) === id && gate.programs.owner(rowOf(id)) === gate.self,
  );
  const program = world.dice.pick(mine);
  if (program === undefined || world.nested >= NESTED) return;
  world.nested += 1;
  try {
    if (program.isSuspended()) program.run();
    else if (program.cause() === 0 && program.initialise() === EXIT.returned) program.enter("main");
  } catch (reason) {
    if (!isExpected(reason) && !isRefusedRun(reason)) world.failures.push(reason);
  } finally {
    world.nested -= 1;
  }
}

/** What a program's handle says when it cannot run: over, running, or not in its owner's time. */
const isRefusedRun = (reason: unknown): boolean =>
  reason instanceof Error && /^(a program runs in|the program is|no function of)/.test(reason.message);

/** Touches memory that may be gone, as a program would; a dead window is its fault. */
const touch = (world: World): void =>
  void (world.dice.pick(world.known.windows) as Window | undefined)?.setU32(0, 0);

const rest = (gate: Gate): void => gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);

function begin(world: World, gate: Gate): void {
  const { dice } = world;
  callInside(world, gate, dice.below(3));
  runInside(world, gate);
  if (dice.once(24)) trap();
  if (dice.once(16)) touch(world);
  if (dice.once(3)) rest(gate);
  if (dice.once(40)) world.machine.clock.advance((gate.clock.now() + dice.below(200_000)) as never);
}

/** What a transfer is answered with: mostly a number, now and then nothing, or what it must not be. */
function reply(world: World, gate: Gate): number | undefined {
  const { dice } = world;
  callInside(world, gate, dice.below(3));
  if (dice.once(3)) return undefined;
  if (dice.once(12)) return trap();
  if (dice.once(16)) return dice.pick(["7", {}, null, Promise.resolve(1)]) as never;
  return dice.below(100);
}

/** Gives back what is asked for, or does not. */
function revoked(world: World, gate: Gate, kind: number, count: number): void {
  const { dice } = world;
  if (dice.once(3)) return callInside(world, gate, 1);
  if (dice.once(20)) trap();
  let left = count;
  if (kind === RESOURCE_KINDS.frame)
    for (let f = 0; f < gate.frames.count && left > 0; f++) {
      if (gate.frames.owner(f) !== gate.self || gate.frames.pins(f) > 0) continue;
      gate.framesFree(frame(f), 1, own);
      left -= 1;
    }
  if (kind === RESOURCE_KINDS.slice)
    for (let i = 0; i < gate.slices.count && left > 0; i++) {
      if (gate.slices.owner(i) !== gate.self) continue;
      gate.sliceFree(sliceIndex(i), own);
      left -= 1;
    }
}

/** Names a place for the words of transfers, if there is a frame for it. */
function listen(gate: Gate, windows: unknown[]): void {
  const memory = gate.frameAllocAny(own);
  if (failed(memory)) return;
  const window = gate.windowBind(memory, 1, true, own);
  if (failed(window)) return;
  gate.transferBuffer(window, 0);
  remember(windows, window);
}

/** The entry points of an actor: every one there is, each of them now and then missing. */
export const actor =
  (world: World) =>
  (gate: Gate): Upcalls => {
    const { dice, known } = world;
    listen(gate, known.windows);
    const inside = (most: number) => (): void => {
      callInside(world, gate, dice.below(most));
      if (dice.once(20)) trap();
    };
    const all: Required<Upcalls> = {
      sliceBegin: () => begin(world, gate),
      sliceEnd: inside(2),
      fault: () => {
        callInside(world, gate, dice.below(2));
        if (dice.once(10)) trap();
      },
      transfer: () => reply(world, gate),
      transferWords: () => reply(world, gate),
      transferAsync: inside(3),
      transferReply: inside(2),
      revoke: (kind, count) => revoked(world, gate, kind, count),
      repossessed: inside(2),
      memoryFault: (_, address) => answer(world, gate, address),
    };
    const entries: Partial<Upcalls> = { sliceBegin: all.sliceBegin };
    for (const name of Object.keys(all) as (keyof Upcalls)[])
      if (!dice.once(8)) Object.assign(entries, { [name]: all[name] });
    return entries as Upcalls;
  };

/** Programs that are called when an environment is created: actors, and some that end at once. */
export function randomProgram(world: World): unknown {
  const { dice, known } = world;
  const child: Program = (gate) => {
    remember(known.children, gate);
    gate.sliceAlloc(sliceIndex(dice.below(128)), own);
    return actor(world)(gate);
  };
  const loser: Program = (gate) => {
    gate.framesAlloc(frame(30), 4, own);
    gate.environmentDestroy(gate.self, own);
    return { sliceBegin: () => {} };
  };
  if (!dice.once(4)) return child;
  return dice.pick([
    loser,
    trap,
    () => 7,
    () => ({}),
    () => ({ sliceBegin: trap }),
    () => Promise.resolve({}),
  ]);
}
