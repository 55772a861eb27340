/** The program of a worker that runs a server: machines, kernels and all. Started by `serveInWorker`. */
import { parentPort, workerData } from "node:worker_threads";
import { serveHere, type PlannedServer, type ServePlan } from "./serve-plan.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

const tell = (message: FromWorker): void => parentPort?.postMessage(message);

const failed = (reason: unknown): void => {
  const error = reason instanceof Error ? reason : new Error(String(reason));
  tell({ kind: "failed", name: error.name, message: error.message });
  parentPort?.close();
};

const stop = async (server: PlannedServer): Promise<void> => {
  tell({ kind: "stopped", lines: await server.stop() });
  parentPort?.close();
};

const stopping = new AbortController();
parentPort?.on("message", (message: ToWorker) => {
  if (message.kind === "stop") stopping.abort();
});

try {
  const server = await serveHere(workerData as ServePlan, {
    report: (line) => tell({ kind: "reported", line }),
    importing: (progress) => tell({ kind: "importing", progress: { ...progress } }),
    stopping: stopping.signal,
  });
  tell({ kind: "serves", address: server.address });
  server.done.catch(failed);
  if (stopping.signal.aborted) await stop(server);
  else stopping.signal.addEventListener("abort", () => void stop(server).catch(failed));
} catch (error) {
  failed(error);
}
