/** The part of the server that keeps the disk like its source. */
import { SKIPPED_KEPT } from "./import-progress.ts";
import type { ImportError, ImportPhase, ImportProgress } from "./import-progress.ts";
import { importSite } from "./import-site.ts";
import type { ImportTask } from "./import-site.ts";
import { restoreSite } from "./restore.ts";
import type { RestoreResult } from "./restore.ts";
import type { Site } from "./site.ts";
import type { SiteSource, SkipReason, SkippedFile } from "./site-source.ts";
import type { Staging } from "./staging.ts";
import type { Step } from "./step.ts";

/** Reads in what is on the disk, imports the source once, and again whenever asked. */
export class Importer implements ImportTask {
  readonly site: Site;
  readonly staging: Staging;
  readonly source: SiteSource;
  #task: Generator<Step, void> | undefined;
  #again = false;
  #phase: ImportPhase = "idle";
  #files = 0;
  #bytes = 0;
  #filesDone = 0;
  #bytesDone = 0;
  #skipped = 0;
  #skippedFiles: SkippedFile[] = [];
  #error: ImportError | undefined;
  #restored: RestoreResult | undefined;
  #rounds = 0;

  constructor(site: Site, staging: Staging, source: SiteSource) {
    this.site = site;
    this.staging = staging;
    this.source = source;
    this.#task = this.#start();
  }

  /** What was found on the disk at the start; `undefined` until it is known. */
  get restored(): RestoreResult | undefined {
    return this.#restored;
  }

  /** True when no import is under way. */
  get idle(): boolean {
    return this.#task === undefined;
  }

  /** A copy of the counters. */
  get progress(): ImportProgress {
    return {
      phase: this.#phase,
      files: this.#files,
      bytes: this.#bytes,
      filesDone: this.#filesDone,
      bytesDone: this.#bytesDone,
      skipped: this.#skipped,
      skippedFiles: [...this.#skippedFiles],
      error: this.#error,
      rounds: this.#rounds,
    };
  }

  /** The source may have changed: imports it again, after the import under way if there is one. */
  refresh(): void {
    if (this.#task === undefined) this.#task = this.#import();
    else this.#again = true;
  }

  /** Does one bounded piece of the import; true if it can go on at once. */
  poll(): boolean {
    if (this.#task === undefined) return false;
    this.staging.poll();
    const step = this.#task.next();
    if (step.done !== true) return step.value === "more";
    this.#task = this.#again ? this.#import() : undefined;
    this.#again = false;
    return this.#task !== undefined;
  }

  /** Of `ImportTask`. */
  phase(phase: ImportPhase): void {
    this.#phase = phase;
  }

  /** Of `ImportTask`. */
  planned(files: number, bytes: number): void {
    this.#files = files;
    this.#bytes = bytes;
  }

  /** Of `ImportTask`. */
  copied(files: number, bytes: number): void {
    this.#filesDone += files;
    this.#bytesDone += bytes;
  }

  /** Of `ImportTask`. */
  skipped(path: string, reason: SkipReason): void {
    this.#skipped += 1;
    if (this.#skippedFiles.length < SKIPPED_KEPT) this.#skippedFiles.push({ path, reason });
  }

  *#start(): Generator<Step, void> {
    this.#phase = "restoring";
    this.#restored = yield* restoreSite(this.site, this.staging);
    yield* this.#import();
  }

  *#import(): Generator<Step, void> {
    this.#files = this.#bytes = this.#filesDone = this.#bytesDone = this.#skipped = 0;
    this.#skippedFiles = [];
    this.#error = yield* importSite(this);
    this.#phase = "idle";
    this.#rounds += 1;
  }
}
