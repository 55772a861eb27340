/** What it takes until a program makes its first call: rewriting, compiling, placing, and all of it on a board. */
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compileProgram, type RewrittenProgram } from "@exolith/secure-bind";
import { startWasi, type UnixBoard } from "@exolith/libos-unix/board";
import type { Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";
import type { Skipped } from "./computing.ts";
import { makeLibos, signatures } from "./libos.ts";
import { LinearMemory } from "./linear-memory.ts";
import { benchBoard, optionsOf } from "./on-board.ts";
import { builtPrograms } from "./programs.ts";
import { MODES, Site, accepted, finish, rewritten, type Mode } from "./rewritten.ts";
import { figureOf, sampled, type Measured, type Samples } from "./rounds.ts";

/** What is timed. */
export type StartStep = "raw" | "rewrite" | "compile" | "place" | "cold" | "cached";

/** All of them, and what they are. */
export const START_STEPS: Readonly<Record<StartStep, string>> = {
  raw: "raw: compiled, placed",
  rewrite: "rewritten",
  compile: "compiled",
  place: "placed",
  cold: "first call, cold",
  cached: "first call, cached",
};

/** One program in one mode; milliseconds of the clock on the wall. */
export interface StartRow {
  readonly program: string;
  readonly bytes: number;
  readonly mode: string;
  readonly steps: Readonly<Record<StartStep, Figure>>;
}

/** All starts. */
export interface Starts {
  readonly rows: readonly StartRow[];
  readonly skipped: readonly Skipped[];
}

/** A program and the arguments of its start. */
interface Started {
  readonly name: string;
  readonly args: readonly string[];
}

/** A small program, and one above 10 MB. */
const PROGRAMS: readonly Started[] = [
  { name: "exit-code", args: ["0"] },
  { name: "esbuild", args: ["--version"] },
];
const MEASURED: readonly Mode[] = MODES.filter(({ pageBits }) => pageBits === 12);

const nobody = (): never => {
  throw new Error("nothing runs");
};

const millisecondsOf = (run: () => void): number => {
  const begun = performance.now();
  run();
  return performance.now() - begun;
};

// A collection is not to take more than it must of what the compilers made of the rewriter.
setFlagsFromString("--no-flush-bytecode");
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Lets go of what was compiled before: the engine would find it again by its bytes. */
async function forget(): Promise<void> {
  collect();
  await pause(1);
  collect();
}

/** From `startWasi` to the first call that the program makes; then it is stopped. */
async function firstCall(
  board: UnixBoard,
  mode: Mode,
  bytes: Uint8Array,
  { args }: Started,
): Promise<number> {
  let first = Number.NaN;
  const begun = performance.now();
  const trace = (): void => {
    if (!Number.isNaN(first)) return;
    first = performance.now() - begun;
    program.stop();
  };
  const program = startWasi(bytes, { ...optionsOf(mode), board, args: ["program", ...args], trace });
  const { outcome } = await program.result;
  if (Number.isNaN(first)) throw new Error(`it made no call: ${JSON.stringify(outcome)}`);
  return first;
}

/** The steps of one start, each of which works on what the one before it left. */
class Steps {
  readonly #started: Started;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #mode: Mode;
  readonly #site: Site;
  #program: RewrittenProgram | undefined;
  #board: UnixBoard | undefined;

  constructor(started: Started, bytes: Uint8Array<ArrayBuffer>, mode: Mode) {
    this.#started = started;
    this.#bytes = bytes;
    this.#mode = mode;
    this.#site = new Site(mode);
  }

  /** As it was written, by the engine alone. */
  readonly raw = async (): Promise<number> => {
    const { functions } = makeLibos(nobody, {});
    await forget();
    return millisecondsOf(
      () => void new WebAssembly.Instance(new WebAssembly.Module(this.#bytes), functions),
    );
  };

  readonly rewrite = (): number =>
    millisecondsOf(() => void (this.#program = rewritten(this.#bytes, this.#mode, signatures)));

  #made(): RewrittenProgram {
    if (this.#program === undefined) throw new Error("steps out of order");
    return this.#program;
  }

  readonly compile = async (): Promise<number> => {
    const program = this.#made();
    await forget();
    return millisecondsOf(() => void accepted(compileProgram(program)));
  };

  readonly place = (): number => {
    const program = this.#made();
    const memory = new LinearMemory(this.#site.wasm, this.#site.start, () => 0);
    const { functions } = makeLibos(() => memory, {});
    this.#program = undefined;
    return millisecondsOf(() => {
      const placed = this.#site.place(program, functions);
      finish(placed, placed.initialise());
    });
  };

  /** On a board that has never seen it. */
  readonly cold = async (): Promise<number> => {
    this.#board = benchBoard();
    await forget();
    return await firstCall(this.#board, this.#mode, this.#bytes, this.#started);
  };

  /** On that board again. */
  readonly cached = async (): Promise<number> => {
    const board = this.#board;
    if (board === undefined) throw new Error("steps out of order");
    const milliseconds = await firstCall(board, this.#mode, this.#bytes, this.#started);
    await board.close();
    this.#board = undefined;
    return milliseconds;
  };

  subjects(): readonly Measured[] {
    const names = Object.keys(START_STEPS) as StartStep[];
    return names.map((name) => ({ name, round: this[name] }));
  }
}

const stepsOf = (samples: Samples): StartRow["steps"] =>
  Object.fromEntries(
    Object.keys(START_STEPS).map((step) => [step, figureOf(samples, step)]),
  ) as StartRow["steps"];

/** Starts each program that is there, in a segment and in pages. */
export async function measureStarts(rounds: Rounds, say: (line: string) => void): Promise<Starts> {
  const built = builtPrograms(PROGRAMS.map(({ name }) => name));
  const rows: StartRow[] = [];
  const skipped: Skipped[] = [];
  for (const started of PROGRAMS) {
    const program = built.get(started.name) ?? { missing: "nobody builds it" };
    if ("missing" in program) {
      skipped.push({ name: started.name, why: program.missing });
      continue;
    }
    for (const mode of MEASURED) {
      const about = `start of ${started.name}, ${mode.name}`;
      const steps = new Steps(started, program.bytes, mode);
      const samples = await sampled(steps.subjects(), rounds, (line) => say(`${about}: ${line}`));
      rows.push({
        program: started.name,
        bytes: program.bytes.length,
        mode: mode.name,
        steps: stepsOf(samples),
      });
    }
  }
  return { rows, skipped };
}
