/** A program that makes hostile calls, and what must still hold afterwards. */
import { NUMBERS, makeChance, randomCall, seedMemory } from "./random-calls.ts";
import { type WasiRig, makeWasiRig } from "./wasi-rig.ts";
import {
  DIRECTORY_RIGHTS,
  INHERITING_RIGHTS,
  preopenDescriptor,
  streamDescriptor,
} from "../descriptor/descriptor.ts";
import { makePipe } from "../descriptor/pipe.ts";
import { LimitReached, ProgramExit } from "../wasi/stop.ts";
import { callCounts } from "../wasi/wasi.ts";

/** Calls after which everything is made anew, so that nothing grows without end. */
const ROUND = 500;

/** What came of an attack. */
export interface AttackResult {
  /** How often each call was answered. */
  readonly counts: Readonly<Record<string, number>>;
  /** How often each error number came. */
  readonly answers: Readonly<Record<string, number>>;
  readonly stops: number;
}

function begin(seed: number): { rig: WasiRig; chance: (bound: number) => number; module: string } {
  const chance = makeChance(seed);
  const files = { a: "some bytes", b: "x".repeat(5000), "d/e": "deeper", "d/f/": "" };
  const module = chance(2) === 0 ? "wasi_snapshot_preview1" : "wasi_unstable";
  const rig = makeWasiRig({
    files,
    args: ["prog", "x"],
    env: { A: "b" },
    descriptors: NUMBERS,
    pipeBytes: 64,
    module,
    outputBytes: 200,
  });
  rig.streams[0].writer.write(new Uint8Array(20), 0, 20);
  if (chance(2) === 0) rig.streams[0].writer.close();
  seedMemory(rig, chance);
  return { rig, chance, module };
}

/** Gives the program a whole directory and a stream again when it has neither: there must be something to attack. */
function supply(rig: WasiRig): void {
  const root = rig.table.get(3);
  if (
    root?.thing.kind !== "directory" ||
    root.rights !== DIRECTORY_RIGHTS ||
    root.inheriting !== INHERITING_RIGHTS
  ) {
    rig.table.close(3);
    for (let number = 0; number < 3; number++)
      if (rig.table.get(number) === undefined) rig.table.open(streamDescriptor(makePipe(16).writer));
    rig.table.open(preopenDescriptor(rig.system.root, "/"));
  }
}

/** Whether this module has the call: the older one lacks one. */
const has = (rig: WasiRig, name: string, module: string): boolean =>
  Object.hasOwn(rig.wasi.functions[module] ?? {}, name);

/** What a call that fails, or waits, leaves as it was. */
function stateOf(rig: WasiRig): string {
  const state: number[] = [rig.system.bytes, rig.system.nodes, rig.wasi.ledger.outputBytes];
  for (let number = 0; number < NUMBERS; number++) {
    const open = rig.table.get(number);
    if (open !== undefined) state.push(number, open.rights, open.inheriting, open.flags, open.position);
  }
  return state.join(" ");
}

function check(rig: WasiRig): void {
  const problems = [...rig.table.check()];
  if (rig.wasi.ledger.outputBytes > 200) problems.push("more output than its limit");
  if (!(rig.system.bytes >= 0 && rig.system.nodes >= 1)) problems.push("a file system that counts wrongly");
  if (problems.length > 0) throw new Error(problems.join("; "));
}

/**
 * Makes `calls` random calls; throws when anything but a program's end comes out
 * of one, or when the tables do not hold any more.
 */
export function attackCalls(seed: number, calls: number): AttackResult {
  const counts: Record<string, number> = {};
  const answers: Record<string, number> = {};
  let stops = 0;
  for (let done = 0; done < calls; done += ROUND) {
    const { rig, chance, module } = begin(seed + done);
    for (let made = 0; made < Math.min(ROUND, calls - done); made++) {
      const [name, given] = randomCall(rig, chance);
      if (!has(rig, name, module)) continue;
      const before = stateOf(rig);
      try {
        const answer = rig.call(name, ...given);
        answers[answer] = (answers[answer] ?? 0) + 1;
        if (answer !== "success" && before !== stateOf(rig)) throw new Error(`${name} failed half done`);
      } catch (error) {
        if (!(error instanceof ProgramExit || error instanceof LimitReached)) throw error;
        stops += 1;
      }
      check(rig);
      supply(rig);
    }
    for (const [name, count] of Object.entries(callCounts(rig.wasi.ledger)))
      counts[name] = (counts[name] ?? 0) + count;
    rig.table.closeAll();
  }
  return { counts, answers, stops };
}
