/** What the conductor of a soak says to its server and to its clients, and what they answer. */
import type { ChildProcess } from "node:child_process";

/** What is measured of a server; everything in it can be counted again later. */
export interface Sample {
  /** Bytes after a collection of garbage. */
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
  readonly descriptors: number;
  /** What must be back where it was when nobody is there. */
  readonly held: Readonly<Record<string, number>>;
  /** What only grows. */
  readonly done: Readonly<Record<string, number>>;
  /** Promises that were rejected with nobody to hear, faults and warnings of the host. */
  readonly complaints: readonly string[];
}

/** To the server: look, import now what has changed, press for frames or not. */
export type ServerWish =
  | { readonly kind: "sample" }
  | { readonly kind: "refresh" }
  | { readonly kind: "press"; readonly on: boolean };

/** What a path may be answered with: a file of this digest, or 404 for `absent`. */
export interface FileState {
  readonly path: string;
  /** SHA-256 of the body, hexadecimal. */
  readonly digest: string | "absent";
}

/** To the clients: what may be served from now on, that it alone may be; come, go, fetch everything once, fetch something; begin to count anew, say what was counted. */
export type ClientWish =
  | { readonly kind: "may"; readonly states: readonly FileState[] }
  | { readonly kind: "must"; readonly paths: readonly string[] }
  | { readonly kind: "come" }
  | { readonly kind: "go" }
  | { readonly kind: "sweep" }
  | { readonly kind: "knock" }
  | { readonly kind: "forget" }
  | { readonly kind: "tally" };

/** What clients have done since they began to count. */
export interface Tally {
  readonly counts: Readonly<Record<string, number>>;
  /** What was not as it had to be, the first of it. */
  readonly wrong: readonly string[];
}

interface Asked<Wish> {
  readonly id: number;
  readonly wish: Wish;
}

interface Answered {
  readonly id: number;
  readonly answer: unknown;
  /** Why there is none. */
  readonly failed?: string;
}

/** Asks a child, and waits for its answer; rejects when it has ended, or could not do it. */
export type Ask<Wish> = <Answer>(wish: Wish) => Promise<Answer>;

/** The way to a child that `answerWishes` runs in. */
export function makeAsk<Wish>(child: ChildProcess): Ask<Wish> {
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  let next = 0;
  child.on("message", ({ id, answer, failed }: Answered) => {
    if (failed === undefined) waiting.get(id)?.resolve(answer as never);
    else waiting.get(id)?.reject(new Error(failed));
    waiting.delete(id);
  });
  child.once("exit", (code, signal) => {
    const error = new Error(`a part of the soak ended: ${code ?? signal}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return <Answer>(wish: Wish) =>
    new Promise<Answer>((resolve, reject) => {
      const asked: Asked<Wish> = { id: next++, wish };
      waiting.set(asked.id, { resolve, reject });
      child.send(asked, (error) => error !== null && reject(error));
    });
}

/** In a child: answers what the conductor asks. */
export function answerWishes<Wish>(answer: (wish: Wish) => unknown): void {
  const reply = async ({ id, wish }: Asked<Wish>): Promise<void> => {
    try {
      process.send?.({ id, answer: (await answer(wish)) ?? null });
    } catch (error) {
      process.send?.({ id, answer: null, failed: String(error) });
    }
  };
  process.on("message", (asked: Asked<Wish>) => void reply(asked));
}

/** Notes everything that the host complains about. */
export function noteComplaints(): string[] {
  const complaints: string[] = [];
  process.on("unhandledRejection", (reason) => complaints.push(`unhandled rejection: ${String(reason)}`));
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning") complaints.push(`warning: ${warning.message}`);
  });
  return complaints;
}
