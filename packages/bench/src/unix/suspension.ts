/** What it costs to suspend a program in the middle of its calls, and to find the way back. */
import { EXIT, makeModuleBuilder, type HostFunction, type SandboxedProgram } from "@exolith/secure-bind";
import type { Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";
import { MODES, Site, accepted, rewritten, type Mode } from "./rewritten.ts";
import { figureOf, sampled, type Measured } from "./rounds.ts";
import { processorTime } from "./runner.ts";

/** Calls deep. */
export const DEPTHS: readonly number[] = [1, 10, 100];

/** One depth in one mode. */
export interface SuspensionRow {
  readonly mode: string;
  readonly depth: number;
  /** Nanoseconds for suspending and resuming once, together. */
  readonly nanoseconds: Figure;
}

const PAUSE: HostFunction = { module: "bench", name: "pause", parameters: [], results: [] };

/** `run(depth, times)` calls itself so deep, and there pauses so many times. */
export function pausingModule(): Uint8Array<ArrayBuffer> {
  const module = makeModuleBuilder();
  const pause = module.importFunction(PAUSE.module, PAUSE.name, module.type([], []));
  module.memory({ minimum: 1 });
  const body = module.function(["i32", "i32"], ["i32"]);
  const [depth, times] = [0, 1];
  body.get(depth).i32(1).op("i32.gt_s").open("if");
  body
    .get(depth)
    .i32(1)
    .op("i32.sub")
    .get(times)
    .op("call", body.index)
    .get(depth)
    .op("i32.add")
    .op("return")
    .end();
  body.open("loop").op("call", pause);
  body.get(times).i32(1).op("i32.sub").tee(times).op("br_if", 0).end();
  body.get(depth);
  module.export("run", "function", body.index);
  return module.build();
}

/** A program that pauses; it is suspended at every pause and goes on behind it. */
export function pausing(site: Site): SandboxedProgram {
  const program = rewritten(pausingModule(), site.mode, [PAUSE]);
  let isBack = false;
  const pause = (): void => {
    isBack = !isBack;
    if (isBack) placed.suspend();
  };
  const placed = accepted(site.place(program, { bench: { pause } }));
  placed.initialise();
  return placed;
}

/** Runs it that deep with so many pauses; throws when it was not suspended that often. */
export function pauseOften(program: SandboxedProgram, depth: number, times: number): void {
  let suspended = 0;
  let exit = program.enter("run", depth, times);
  for (; exit === EXIT.suspended; exit = program.resume()) suspended += 1;
  if (exit !== EXIT.returned || suspended !== times)
    throw new Error(`suspended ${suspended} times, not ${times}`);
}

/** Frames that a round saves, whatever the depth. */
const FRAMES_A_ROUND = 400_000;

function subject(mode: Mode, depth: number): Measured & { readonly mode: Mode; readonly depth: number } {
  const program = pausing(new Site(mode));
  const times = Math.ceil(FRAMES_A_ROUND / (depth + 9));
  const round = (): number => processorTime(() => pauseOften(program, depth, times)) / times;
  return { name: `${mode.name} ${depth}`, mode, depth, round };
}

/** Measures every depth in a segment and in pages. */
export async function measureSuspension(
  rounds: Rounds,
  say: (line: string) => void,
): Promise<readonly SuspensionRow[]> {
  const modes = MODES.filter(({ pageBits }) => pageBits === 12);
  const subjects = modes.flatMap((mode) => DEPTHS.map((depth) => subject(mode, depth)));
  const samples = await sampled(subjects, rounds, (line) => say(`suspension: ${line}`));
  return subjects.map(({ name, mode, depth }) => ({
    mode: mode.name,
    depth,
    nanoseconds: figureOf(samples, name),
  }));
}
