/** What a server in a worker and its owner tell each other. */
import type { ImportProgress } from "../disk/import-progress.ts";

/** From the worker. */
export type FromWorker =
  | { readonly kind: "reported"; readonly line: string }
  | { readonly kind: "importing"; readonly progress: ImportProgress }
  | { readonly kind: "serves"; readonly address: string }
  | { readonly kind: "stopped"; readonly lines: readonly string[] }
  /** It never served, or broke down; an error's name and message survive. */
  | { readonly kind: "failed"; readonly name: string; readonly message: string };

/** To the worker: end, whatever you are at. */
export type ToWorker = { readonly kind: "stop" };
