/** Where a site comes from: a directory of the host, seen through a board. */

/** One file of the source. */
export interface SourceFile {
  /** Segments with `/` between them, no leading one; any Unicode. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /**
   * Opaque: a whole number below 2^53 that is another one when the file may have changed, also
   * where size and time are the same. Default 0.
   */
  readonly version?: number;
}

/** A part of the source that could not be listed. */
export interface ListingProblem {
  readonly path: string;
  /** `Unreadable`: what was served at this path and below it still is. `BadName`: it is passed over. */
  readonly reason: "Unreadable" | "BadName";
}

/**
 * A directory that is imported into the site's own disk.
 *
 * Synchronous; all may throw, and the importer skips what they throw for. The
 * importer asks for nothing that `list` did not name.
 */
export interface SiteSource {
  /** Which directory it is: a disk that was filled from another one is not used. Default: none in particular. */
  readonly identity?: string;
  /** Every file, in any order; read lazily, a bounded number at a time. When it throws, nothing changes. */
  list(): Iterable<SourceFile | ListingProblem>;
  /** Copies bytes of `path` from `offset` into all of `into`; returns how many there were, 0 at the end. */
  read(path: string, offset: number, into: Uint8Array): number;
  /** The file that `read` reads from, as it is now: one that changed while it was copied is not published. */
  look?(path: string): SourceFile;
}

/** Why a file of the source is not served, or is served as it was before. */
export type SkipReason = "Unreadable" | "Changed" | "BadName" | "Duplicate" | "NoSpace" | "DiskFailed";

/** One file that was skipped. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: SkipReason;
}
