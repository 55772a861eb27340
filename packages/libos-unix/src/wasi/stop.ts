/** How a call ends a program: thrown through it, caught by whoever runs it. */

/** The program asked for its end. */
export class ProgramExit extends Error {
  /** 0 to 2^32 - 1; 128 and the number when a signal ended it. */
  readonly code: number;
  /** The number of the signal that it raised; undefined when it simply ended. */
  readonly signal: number | undefined;

  constructor(code: number, signal?: number) {
    super(signal === undefined ? `exit ${code}` : `signal ${signal}`);
    this.name = "ProgramExit";
    this.code = code;
    this.signal = signal;
  }
}

/** The name of a limit that stops a program. */
export type CallLimit = "outputBytes";

/** The program reached a limit that was set for it, and is stopped. */
export class LimitReached extends Error {
  readonly limit: CallLimit;

  constructor(limit: CallLimit) {
    super(`limit reached: ${limit}`);
    this.name = "LimitReached";
    this.limit = limit;
  }
}
