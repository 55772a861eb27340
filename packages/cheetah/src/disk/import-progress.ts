/** How far an import has come: read by a board that draws a progress bar. */
import type { SkippedFile } from "./site-source.ts";

/** What the importer is doing. */
export type ImportPhase = "restoring" | "listing" | "copying" | "writing index" | "idle";

/** Why an import ended without a new generation; what was served before still is. */
export type ImportError = "SourceFailed" | "DiskFailed" | "NoSpace";

/** Skipped files that are remembered by name; all are counted. */
export const SKIPPED_KEPT = 100;

/** Counters of the import under way or the last one. */
export interface ImportProgress {
  readonly phase: ImportPhase;
  /** Files and bytes that are to be copied; known once copying begins. */
  readonly files: number;
  readonly bytes: number;
  /** Files and bytes copied. */
  readonly filesDone: number;
  readonly bytesDone: number;
  /** Files skipped, and the first `SKIPPED_KEPT` of them. */
  readonly skipped: number;
  readonly skippedFiles: readonly SkippedFile[];
  /** Why the last import failed, if it did. */
  readonly error: ImportError | undefined;
  /** Imports that have ended, well or not. */
  readonly rounds: number;
}
