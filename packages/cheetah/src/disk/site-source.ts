/** Where a site comes from: a directory of the host, seen through a board. */

/** One file of the source. */
export interface SourceFile {
  /** Segments with `/` between them, no leading one; any Unicode. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * A directory that is imported into the site's own disk.
 *
 * Synchronous; both may throw, and the importer skips what they throw for. The
 * importer asks for nothing that `list` did not name.
 */
export interface SiteSource {
  /** Every file, in any order; read lazily, a bounded number at a time. */
  list(): Iterable<SourceFile>;
  /** Copies bytes of `path` from `offset` into all of `into`; returns how many there were, 0 at the end. */
  read(path: string, offset: number, into: Uint8Array): number;
}

/** Why a file of the source is not served, or is served as it was before. */
export type SkipReason = "Unreadable" | "Changed" | "BadName" | "Duplicate" | "NoSpace";

/** One file that was skipped. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: SkipReason;
}
