/** What the parts of an import share. */
import type { SourceIdentity } from "./identity.ts";
import type { ImportPhase } from "./import-progress.ts";
import type { Site } from "./site.ts";
import type { SiteFile } from "./site-file.ts";
import type { SiteSource, SkipReason, SourceFile } from "./site-source.ts";
import type { Staging } from "./staging.ts";

/** What an import works with, and reports to. */
export interface ImportTask {
  readonly site: Site;
  readonly staging: Staging;
  readonly source: SiteSource;
  /** True lays a page and what it embeds next to each other. */
  readonly grouping: boolean;
  /** Milliseconds since 1970. */
  wallclock(): number;
  /** Hears of each phase as it begins. */
  phase(phase: ImportPhase): void;
  /** Hears how much is to be copied, and of what has been; less than nothing when it was in vain. */
  planned(files: number, bytes: number): void;
  copied(files: number, bytes: number): void;
  skipped(path: string, reason: SkipReason): void;
}

/** A file of the source with every number whole and in bounds. */
export type ListedFile = Required<SourceFile>;

/** The generation that is being made. */
export interface Draft {
  readonly files: Map<string, SiteFile>;
  /** Those of them that are new on the disk, in the order in which they were copied. */
  readonly fresh: SiteFile[];
  readonly wanted: ListedFile[];
  /** Bytes of `wanted`. */
  wantedBytes: number;
  identity: SourceIdentity;
}

/** The last millisecond that a date of HTTP can have: the year 9999. */
export const LATEST_TIME = 253_402_300_799_999;

/** Times and sizes as the layout can keep them. */
export const listed = (file: SourceFile): ListedFile => ({
  path: file.path,
  size: Math.max(0, Math.floor(file.size)),
  modified: Math.min(LATEST_TIME, Math.max(0, Math.floor(file.modified))),
  version: Number.isSafeInteger(file.version) ? Math.max(0, file.version ?? 0) : 0,
});

/** True when nothing tells one state of a file from the other. */
export const isSame = (
  a: Pick<ListedFile, "size" | "modified" | "version">,
  b: Pick<ListedFile, "size" | "modified" | "version">,
): boolean => a.size === b.size && a.modified === b.modified && a.version === b.version;
