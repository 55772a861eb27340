/** Programs of the bench: started in a namespace on a core, watched, and ended. */
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { inside } from "./namespaces.ts";
import { familyOf } from "./processor-time.ts";

/** Where a program runs. */
export interface Place {
  readonly namespace: string;
  readonly core: number;
}

/** A program at work. */
export interface Child {
  readonly pid: number;
  /** The last lines that it wrote to its standard error. */
  said(): string;
  /** Resolves with its code when it has ended; -1 for a signal. */
  readonly ended: Promise<number>;
  hasEnded(): boolean;
  /** Asks it to end, and ends it when it does not. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** A program that did what it was for. */
export interface Finished {
  readonly code: number;
  readonly output: string;
  readonly said: string;
}

/** Characters of the standard error that are kept. */
const KEPT = 2000;
/** Milliseconds that a program has to end by itself. */
const PATIENCE = 3000;

/** The last `KEPT` characters that come. */
function tail(from: Readable | null): () => string {
  let text = "";
  from?.setEncoding("utf8").on("data", (part: string) => (text = (text + part).slice(-KEPT)));
  return () => text.trim();
}

function launch(place: Place, command: readonly string[], output: "ignore" | "pipe"): ChildProcess {
  const [program = "", ...words] = inside(place.namespace, ["taskset", "-c", `${place.core}`, ...command]);
  return spawn(program, words, { stdio: ["ignore", output, "pipe"] });
}

const endOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? -1));
  });

/** Ends a program that has not been waited for, and what it started: a worker outlives its master. */
function endFamily({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  for (const one of familyOf(pid)) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Starts a server; `ip` and `taskset` become it, so that its number is the child's. */
export function startChild(place: Place, command: readonly string[]): Child {
  const child = launch(place, command, "ignore");
  const said = tail(child.stderr);
  const ended = endOf(child);
  ended.catch(() => {});
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = (): void => endFamily(child);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const late = setTimeout(kill, PATIENCE);
    await ended.catch(() => -1);
    clearTimeout(late);
  };
  return { pid: child.pid ?? -1, said, ended, hasEnded, stop, kill };
}

/** Runs a client to its end. */
export async function runChild(
  place: Place,
  command: readonly string[],
  started: (child: { kill(): void }) => void,
): Promise<Finished> {
  const child = launch(place, command, "pipe");
  const said = tail(child.stderr);
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => (output += part));
  started({ kill: () => endFamily(child) });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const code = await endOf(child);
  await closed;
  return { code, output, said: said() };
}
