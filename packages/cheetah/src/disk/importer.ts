/** The part of the server that keeps the disk like its source. */
import { NEVER } from "@exolith/exokernel/abi";
import type { Cycles, Gate } from "@exolith/exokernel/abi";
import { SKIPPED_KEPT } from "./import-progress.ts";
import type { ImportError, ImportPhase, ImportProgress } from "./import-progress.ts";
import { importSite } from "./import-site.ts";
import { identityOf } from "./identity.ts";
import type { ImportTask } from "./import-task.ts";
import { restoreSite } from "./restore.ts";
import type { RestoreResult } from "./restore.ts";
import type { Site } from "./site.ts";
import type { SiteSource, SkipReason, SkippedFile } from "./site-source.ts";
import type { Staging } from "./staging.ts";
import type { Step } from "./step.ts";

/** Seconds that short steps of one poll may take together, and how many of them there may be. */
const POLL_SECONDS = 0.001;
const POLL_STEPS = 4096;
/** A refresh begins at least so many times what the last one took after it: about a tenth of the processor. */
const REST_FACTOR = 10;
/** Longest rest in seconds. */
const REST_SECONDS = 30;

/** What an importer is made of. */
export interface ImporterParts {
  readonly site: Site;
  readonly staging: Staging;
  readonly source: SiteSource;
  readonly clock: Gate["clock"];
  /** True lays a page and what it embeds next to each other. */
  readonly grouping: boolean;
  /** Hears of every import that has ended. */
  readonly imported?: ((progress: ImportProgress) => void) | undefined;
}

/** Reads in what is on the disk, imports the source once, and again whenever asked. */
export class Importer implements ImportTask {
  readonly site: Site;
  readonly staging: Staging;
  readonly source: SiteSource;
  readonly grouping: boolean;
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
  readonly #clock: Gate["clock"];
  readonly #imported: ((progress: ImportProgress) => void) | undefined;
  /** Cycles that the import under way has taken, and when the next one may begin. */
  #busy = 0;
  #notBefore = 0 as Cycles;

  constructor(parts: ImporterParts) {
    const { site, staging, source, clock, grouping, imported } = parts;
    this.#clock = clock;
    this.#imported = imported;
    this.site = site;
    this.staging = staging;
    this.source = source;
    this.grouping = grouping;
    this.#task = this.#start();
  }

  /** What was found on the disk at the start; `undefined` until it is known. */
  get restored(): RestoreResult | undefined {
    return this.#restored;
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

  /** The source may have changed: imports it again, after the import under way and the rest that follows it. */
  refresh(): void {
    this.#again = true;
  }

  /** When it has something to do again that no event tells of. O(1). */
  wakeAt(): Cycles {
    return this.#task === undefined && this.#again ? this.#notBefore : NEVER;
  }

  /** Does one bounded piece of the import; true if it can go on at once. */
  poll(): boolean {
    const begun = this.#clock.now();
    if (this.#task === undefined) {
      if (!this.#again || begun < this.#notBefore) return false;
      this.#again = false;
      this.#task = this.#import();
    }
    this.staging.poll();
    const step = this.#steps(this.#task, begun);
    const now = this.#clock.now();
    this.#busy += now - begun;
    if (step.done !== true) return step.value !== "wait";
    this.#task = undefined;
    this.#rest(now);
    this.#imported?.(this.progress);
    return this.#again && now >= this.#notBefore;
  }

  /** One step, or several short ones within the time for them. */
  #steps(task: Generator<Step, void>, begun: Cycles): IteratorResult<Step, void> {
    const end = begun + POLL_SECONDS * this.#clock.hertz;
    let step = task.next();
    for (let count = 1; step.done !== true && step.value === "brief"; count++) {
      if (count >= POLL_STEPS || this.#clock.now() >= end) break;
      step = task.next();
    }
    return step;
  }

  /** The first import, which copies everything, does not hold up the next. */
  #rest(now: Cycles): void {
    const rest = Math.min(REST_FACTOR * this.#busy, REST_SECONDS * this.#clock.hertz);
    if (this.#rounds > 1) this.#notBefore = (now + rest) as Cycles;
    this.#busy = 0;
  }

  /** Of `ImportTask`. */
  wallclock(): number {
    return this.#clock.wallclock();
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
    this.#restored = yield* restoreSite(this.site, this.staging, identityOf(this.source.identity));
    yield* this.#import();
  }

  *#import(): Generator<Step, void> {
    this.#files = this.#bytes = this.#filesDone = this.#bytesDone = this.#skipped = 0;
    this.#skippedFiles = [];
    this.#error = yield* importSite(this);
    this.#phase = "idle";
    this.site.open();
    this.#rounds += 1;
  }
}
