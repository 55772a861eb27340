/** The board: a machine, a kernel, and one environment for each program that is run on it. */
import { boot, createEnvironment, type Exokernel } from "@exolith/exokernel";
import { capSlot, failed, type EnvId } from "@exolith/exokernel/abi";
import { spaceBytes, type Machine, type Steppable } from "@exolith/hw-model";
import type { Capability } from "@exolith/secure-bind";
import {
  makeEngineMachine,
  makeWaker,
  runOnHost,
  type HostRun,
  type HostWaker,
} from "@exolith/hw-model/engine";
import { CONTEXT_FRAMES, PROGRAM_FRAMES, type ProgramLedger } from "../program/program-limits.ts";
import type { ProgramOutcome } from "../program/program-outcome.ts";
import { explainRefusal } from "../program/program-refusal.ts";
import { unixProgram, type UnixOptions, type UnixProgram } from "../program/unix-program.ts";
import { SIGNATURES } from "../wasi/calls.ts";

/** What a board is made for. */
export interface BoardOptions {
  /** Frames of RAM, which programs share: one program's with some to spare unless given. */
  readonly frames?: number;
  /** Address spaces that there is room for: paged programs at once; 1 unless given. */
  readonly spaces?: number;
  /** Length of a time slice in seconds; 5 ms unless given. */
  readonly quantumSeconds?: number;
  /** The machine, if it is not to be made. */
  readonly machine?: Machine;
  /** What every program's environment is given, in slots 1, 2, 3 and so on: nothing unless given. */
  readonly grants?: readonly Capability[];
}

/** A program that runs on a board. */
export interface RunningProgram {
  /** Resolves when it is over; rejects when the kernel panicked, which ends all programs of the board. */
  readonly ended: Promise<ProgramOutcome>;
  /** What it has used up to now. */
  ledger(): ProgramLedger;
  /** Stops it. */
  stop(): void;
  /**
   * Says that something may have come for it from outside: a stream that can be read or written.
   *
   * Streams that tell by themselves need no word: pipes, and all that have `waiters`.
   */
  wake(): void;
}

/** A board that is switched on. */
export interface UnixBoard {
  /** Starts a program. Throws an `Error` when there is no room for its environment. */
  start(options: UnixOptions): RunningProgram;
  /** Switches it off; programs that still run are stopped first. */
  close(): Promise<void>;
}

const OWN = capSlot(0);
/** Frames that the kernel needs besides those of programs. */
const SPARE_FRAMES = 64;
const QUANTUM_SECONDS = 0.005;
/** Names of environments: 1.n. */
const FAMILY = 1;
const NAMES = 65_536;

const ARENA_ALIGNMENT = 65_536;

function makeMachine({ frames, spaces = 1 }: BoardOptions): Machine {
  const space = Math.ceil(spaceBytes(12) / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
  return makeEngineMachine({
    frames: (frames ?? PROGRAM_FRAMES + CONTEXT_FRAMES) + SPARE_FRAMES,
    arenaBytes: spaces * space + ARENA_ALIGNMENT,
  });
}

/** Why a program was refused, where the kernel does not say. */
function explain(outcome: ProgramOutcome, { limits, ...options }: UnixOptions): ProgramOutcome {
  if (outcome.kind !== "refused" || outcome.error !== "BadProgram") return outcome;
  const frames = limits?.frames;
  const refusal = explainRefusal(frames === undefined ? options : { ...options, frames }, SIGNATURES);
  return refusal === undefined ? outcome : Object.freeze({ ...outcome, refusal });
}

/** A promise, and who settles it. */
interface Ending {
  readonly ended: Promise<ProgramOutcome>;
  readonly resolve: (outcome: ProgramOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

function makeEnding(): Ending {
  let settle: Pick<Ending, "resolve" | "reject"> | undefined;
  const ended = new Promise<ProgramOutcome>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { ended, ...(settle as unknown as Pick<Ending, "resolve" | "reject">) };
}

class Board implements UnixBoard {
  readonly #kernel: Exokernel;
  readonly #waker: HostWaker;
  readonly #run: HostRun;
  readonly #grants: readonly Capability[];
  readonly #programs: Map<UnixProgram, RunningProgram> = new Map();
  /** Programs for which a stream said something since the kernel's last step. */
  readonly #ready: Set<UnixProgram> = new Set();
  #next = 0;
  #isClosed = false;

  constructor(options: BoardOptions) {
    const machine = options.machine ?? makeMachine(options);
    this.#kernel = boot(machine, {
      quantumSeconds: options.quantumSeconds ?? QUANTUM_SECONDS,
      reserveFrames: 0,
      excessTicksMax: Infinity,
    });
    this.#grants = options.grants ?? [];
    this.#waker = makeWaker();
    this.#run = runOnHost([this.#steppable()], this.#waker, { clock: machine.clock });
  }

  /** The kernel; whoever waits for a stream that said something is woken between steps. */
  #steppable(): Steppable {
    const kernel = this.#kernel;
    const step = (): boolean => {
      const ran = kernel.step();
      if (this.#ready.size === 0) return ran;
      const woken = [...this.#ready];
      this.#ready.clear();
      for (const unix of woken) this.#programs.get(unix)?.wake();
      return true;
    };
    return { step, wakeAt: () => kernel.wakeAt() };
  }

  start(options: UnixOptions): RunningProgram {
    if (this.#isClosed) throw new Error("the board is switched off");
    const { ended, resolve, reject } = makeEnding();
    const unix: UnixProgram = unixProgram(options, resolve, () => {
      this.#ready.add(unix);
      this.#waker.wake();
    });
    const environment = this.#createEnvironment(unix);
    this.#run.done.catch(reject);
    return this.#follow(
      unix,
      environment,
      ended.then((outcome) => explain(outcome, options)),
    );
  }

  /** An environment for a program; throws what kept the program from beginning. */
  #createEnvironment(unix: UnixProgram): EnvId {
    this.#next = (this.#next % (NAMES - 1)) + 1;
    let thrown: unknown;
    const environment = createEnvironment(this.#kernel.root, {
      name: [FAMILY, this.#next >>> 8, this.#next & 0xff],
      grants: this.#grants,
      program: (gate) => {
        try {
          return unix.program(gate);
        } catch (error) {
          thrown = error;
          throw error;
        }
      },
    });
    if (!failed(environment)) return environment;
    throw thrown ?? new Error(`no room for a program: ${environment.name}`);
  }

  #follow(unix: UnixProgram, environment: EnvId, ended: Promise<ProgramOutcome>): RunningProgram {
    const { root } = this.#kernel;
    const wake = (): void => {
      root.wake(environment, OWN);
      this.#waker.wake();
    };
    const running: RunningProgram = Object.freeze({
      ended: ended.finally(() => this.#programs.delete(unix)),
      ledger: () => unix.ledger(),
      stop: () => {
        unix.stop();
        if (unix.outcome() === undefined) wake();
      },
      wake,
    });
    this.#programs.set(unix, running);
    this.#waker.wake();
    return running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const programs = [...this.#programs.values()];
    for (const program of programs) program.stop();
    await Promise.allSettled(programs.map((program) => program.ended));
    await this.#run.stop();
  }
}

/** Switches a board on. */
export const makeBoard = (options: BoardOptions = {}): UnixBoard => new Board(options);
