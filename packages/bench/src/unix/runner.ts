/** Ways to run a program: what is timed is its own run, from entering it to its end. */
import type { Given } from "./libos.ts";

/** What came of one run. */
export interface Run {
  /** Nanoseconds of processor time. */
  readonly nanoseconds: number;
  /** What it wrote to standard output. */
  readonly output: string;
}

/** A program that was made ready once, to be run over and over. */
export interface Runner {
  run(given: Given): Run | Promise<Run>;
}

/** A way to make a program ready. */
export interface Way {
  readonly name: string;
  prepare(bytes: Uint8Array<ArrayBuffer>): Runner;
}

/** Nanoseconds of processor time that `run` takes. */
export function processorTime(run: () => void): number {
  const begun = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) * 1000;
}

/** Collects what is written, as text. */
export function collector(): { readonly add: (bytes: Uint8Array) => void; text(): string } {
  const pieces: Uint8Array[] = [];
  return {
    add: (bytes) => void pieces.push(bytes.slice()),
    text: () => Buffer.concat(pieces).toString("utf8"),
  };
}
