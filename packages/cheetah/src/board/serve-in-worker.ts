/** A server in a thread of its own, so that nothing this thread does delays a packet. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { PlannedServer, ServeHearers, ServePlan } from "./serve-plan.ts";
import { ServeStopped } from "./serve.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** The worker's program: found by the name under which this package publishes it, from sources and built alike. */
const programOf = (): URL =>
  pathToFileURL(createRequire(import.meta.url).resolve("@exolith/cheetah/board/serving-worker"));

const asError = (name: string, message: string): Error =>
  name === "ServeStopped" ? new ServeStopped(message) : Object.assign(new Error(message), { name });

interface Outcome<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

const makeOutcome = <T>(): Outcome<T> => {
  let resolve: Outcome<T>["resolve"] = () => {};
  let reject: Outcome<T>["reject"] = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
};

interface Outcomes {
  readonly serves: Outcome<string>;
  readonly stopped: Outcome<readonly string[]>;
  readonly done: Outcome<void>;
}

const hear = (message: FromWorker, hearers: ServeHearers, { serves, stopped, done }: Outcomes): void => {
  switch (message.kind) {
    case "reported":
      return hearers.report?.(message.line);
    case "importing":
      return hearers.importing?.(message.progress);
    case "serves":
      return serves.resolve(message.address);
    case "stopped":
      done.resolve();
      return stopped.resolve(message.lines);
    case "failed": {
      const error = asError(message.name, message.message);
      for (const outcome of [serves, stopped, done]) outcome.reject(error);
      return;
    }
    default:
      message satisfies never;
  }
};

/**
 * Serves as planned, in a worker: its machines, kernels and devices have an event loop of their own.
 *
 * Resolves when the first request would be answered, and rejects as `serve`
 * does, with an error of the same name and message.
 */
export async function serveInWorker(plan: ServePlan, hearers: ServeHearers = {}): Promise<PlannedServer> {
  const outcomes: Outcomes = { serves: makeOutcome(), stopped: makeOutcome(), done: makeOutcome() };
  const worker = new Worker(programOf(), { workerData: plan });
  const broke = (reason: unknown): void => {
    for (const outcome of Object.values(outcomes)) outcome.reject(reason);
  };
  worker.on("message", (message: FromWorker) => hear(message, hearers, outcomes));
  worker.on("error", broke);
  worker.on("exit", () => broke(new Error("the server's worker ended")));
  const order = (message: ToWorker): void => worker.postMessage(message);
  const stop = (): Promise<readonly string[]> => {
    order({ kind: "stop" });
    return outcomes.stopped.promise;
  };
  const giveUp = (): void => order({ kind: "stop" });
  hearers.stopping?.addEventListener("abort", giveUp);
  if (hearers.stopping?.aborted === true) giveUp();
  const address = await outcomes.serves.promise;
  hearers.stopping?.removeEventListener("abort", giveUp);
  return { address, stop, done: outcomes.done.promise };
}
